"""Commands that keep a county's data: backup and restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.field import chosen
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language
from ebcd.cli.output import failures_told


def _help(name: str) -> str:
    return text(f"backup_help.{name}", LANGUAGE)


PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", metavar="FILE", help=_help("passphrase_file"))
]


def backup(
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help=_help("to"))] = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help=_help("encrypt"))] = False,
    passphrase_file: PassphraseFile = None,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """One archive of everything."""
    from ebcd.cli.backups import run_backup

    with failures_told(as_json=as_json):
        raise typer.Exit(run_backup(config, to, passphrase_file, chosen(lang), encrypt=encrypt, as_json=as_json))


def restore(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help=_help("archive"))],
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_help("dry_run"))] = False,
    replace: Annotated[bool, typer.Option("--replace", help=_help("replace"))] = False,
    cancel_live: Annotated[bool, typer.Option("--cancel-live", help=_help("cancel_live"))] = False,
    passphrase_file: PassphraseFile = None,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """An archive back into place."""
    from ebcd.cli.backups import run_restore

    with failures_told(as_json=as_json):
        options = {"dry_run": dry_run, "replace": replace, "cancel_live": cancel_live, "as_json": as_json}
        raise typer.Exit(run_restore(archive, config, passphrase_file, chosen(lang), **options))


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the program."""
    app.command("backup", help=_help("backup"))(backup)
    app.command("restore", help=_help("restore"))(restore)
