"""`ebcd backup` and `ebcd restore`: neither asks the daemon, since a backup is wanted most when there is none."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import orjson
import typer

from ebcd.backup.errors import BackupError
from ebcd.backup.make import Doors, Made, make, passphrase_of
from ebcd.backup.restoring import Plan, Wish, carry_out, plan
from ebcd.catalogue import text
from ebcd.cli.keys import settings_of
from ebcd.cli.output import console
from ebcd.cli.session import Failure, config_file
from ebcd.clock import beijing_text
from ebcd.world import World

if TYPE_CHECKING:
    from ebcd.state import AlertRecord

ResultT = TypeVar("ResultT")

PASSPHRASE_BYTES_MAX = 4096
DEFAULT_VARIABLE = "EBCD_BACKUP_PASSPHRASE"
_AGES = ((86_400, "age_days"), (3_600, "age_hours"), (60, "age_minutes"))


def run_backup(
    config: Path | None,
    folder: Path | None,
    passphrase_file: Path | None,
    language: str,
    *,
    encrypt: bool,
    as_json: bool,
) -> int:
    """Make one. Raises Failure."""
    settings = settings_of(config, language)
    passphrase = _passphrase(passphrase_file, language) or passphrase_of(settings)
    if encrypt and passphrase is None:
        error = BackupError("no_passphrase", variable=settings.backup.passphrase_env)
        raise Failure(error.sentence(language), status=2)
    world = World.real()
    doors = Doors(world.clock.wall, world.clock.monotonic, world.entropy)
    made = _said(lambda: make(settings, (folder or settings.backup.folder).absolute(), passphrase, doors), language)
    if as_json:
        told = {"file": str(made.file), "size_bytes": made.size_bytes, "encrypted": made.sealed, "took_s": made.took_s}
        _print_json(told | {"manifest": _brief(made.manifest.to_json())})
    else:
        _tell_made(made, language)
    return 0


def run_restore(
    archive: Path,
    config: Path | None,
    passphrase_file: Path | None,
    language: str,
    *,
    dry_run: bool,
    replace: bool,
    cancel_live: bool,
    as_json: bool,
) -> int:
    """Say what would be done, then do it. Raises Failure."""
    file, clock = config_file(config, language), World.real().clock
    passphrase = _passphrase(passphrase_file, language) or os.environ.get(_variable(file), "").encode() or None
    planned = _said(lambda: plan(archive, file, passphrase), language)
    if not as_json:
        _tell_plan(planned, clock.wall(), language)
    suffix = ""
    if not dry_run:
        wish = Wish(f"uid {os.getuid()}", replace=replace, cancel_live=cancel_live)
        suffix = _said(lambda: carry_out(planned, passphrase, clock, wish), language)
    if as_json:
        _print_json(_plan_as_dict(planned, clock.wall()) | {"done": not dry_run, "kept_as": suffix})
    elif dry_run:
        typer.echo(text("backup.dry", language))
    else:
        _tell_done(planned, suffix, language)
    return 0


def _said(act: Callable[[], ResultT], language: str) -> ResultT:
    try:
        return act()
    except BackupError as error:
        payload = orjson.dumps({"error": error.what, "sentence": error.sentence(language)})
        raise Failure(error.sentence(language), payload=payload) from None


def _variable(config: Path) -> str:
    """`[backup] passphrase_env` of a configuration that is there and says so; the whole of it is judged later."""
    try:
        told = tomllib.loads(config.read_text(encoding="utf-8")).get("backup", {})
    except (OSError, ValueError, RecursionError):
        return DEFAULT_VARIABLE
    return str(told.get("passphrase_env", DEFAULT_VARIABLE)) if isinstance(told, dict) else DEFAULT_VARIABLE


def _passphrase(file: Path | None, language: str) -> bytes | None:
    if file is None:
        return None
    try:
        with file.open("rb") as source:
            found = source.readline(PASSPHRASE_BYTES_MAX).rstrip(b"\r\n")
    except OSError as error:
        wrong = BackupError("disk", thing=file, reason=error.strerror or str(error))
        raise Failure(wrong.sentence(language), status=2) from None
    if not found:
        raise Failure(BackupError("no_passphrase", variable=DEFAULT_VARIABLE).sentence(language), status=2)
    return found


# ---- for people ----------------------------------------------------------------------------------------------------


def _tell_made(made: Made, language: str) -> None:
    manifest = made.manifest
    values = {
        "file": made.file,
        "size_mb": f"{made.size_bytes / 2**20:.1f}",
        "files": len(manifest.files),
        "rows": sum(head.seq for head in manifest.heads),
        "took_s": f"{made.took_s:.1f}",
    }
    typer.echo(text("backup.made", language, **values))
    if manifest.secrets_left_out:
        typer.echo(text("backup.left_out", language, keys=", ".join(manifest.secrets_left_out)))
    else:
        typer.echo(text("backup.no_keys", language))
    if manifest.packages_missing:
        typer.echo(text("backup.missing", language, count=manifest.packages_missing))
    if not made.sealed:
        typer.echo(text("backup.plain", language))


def _tell_plan(planned: Plan, now_s: float, language: str) -> None:
    from rich.table import Table

    manifest = planned.manifest
    values = {"made_at": beijing_text(manifest.made_at), "platform": manifest.platform, "version": manifest.ebcd}
    typer.echo(text("backup.of", language, age=_age(now_s - manifest.made_at, language), **values))
    for head in manifest.heads:
        typer.echo(text("backup.chain", language, stream=head.stream, rows=head.seq))
    table = Table()
    for column in ("piece", "files", "size", "target", "does"):
        table.add_column(text(f"backup.column.{column}", language), justify="right" if column == "size" else "left")
    for piece in planned.pieces:
        size = sum(file.size_bytes for file in piece.files)
        words = (text(f"backup.piece.{piece.name}", language), text(f"backup.does.{piece.does}", language))
        table.add_row(words[0], str(len(piece.files)), str(size), str(piece.target), words[1])
    console().print(table, highlight=False, markup=False)
    if planned.live:
        typer.echo(text("backup.live", language))
    for record in planned.live:
        typer.echo(_live_line(record, now_s, language))


def _live_line(record: AlertRecord, now_s: float, language: str) -> str:
    end = record.alert.window.end
    values = {
        "ebm_id": record.alert.id,
        "title": record.alert.title,
        "state": text(f"alert_state.{record.state}", language),
        "end": beijing_text(end),
        "expired": text("backup.expired", language) if end <= now_s else "",
    }
    return text("backup.live_line", language, **values)


def _tell_done(planned: Plan, suffix: str, language: str) -> None:
    replaced = planned.in_the_way is not None
    typer.echo(text("backup.restored", language, kept=text("backup.kept", language, suffix=suffix) if replaced else ""))
    if planned.manifest.secrets_left_out:
        typer.echo(text("backup.secrets", language, keys=", ".join(planned.manifest.secrets_left_out)))
    typer.echo(text("backup.next", language, key=planned.settings.platform.key))


def _age(seconds: float, language: str) -> str:
    length, key = next((each for each in _AGES if seconds >= each[0]), _AGES[-1])
    return text(f"backup.{key}", language, count=max(0, int(seconds // length)))


# ---- for programs --------------------------------------------------------------------------------------------------


def _print_json(told: dict[str, object]) -> None:
    typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())


def _brief(manifest: bytes) -> dict[str, object]:
    """The manifest with its files counted: a county has tens of thousands."""
    told: dict[str, object] = orjson.loads(manifest)
    files = told.pop("files")
    return told | {"files": len(files) if isinstance(files, list) else 0}


def _plan_as_dict(planned: Plan, now_s: float) -> dict[str, object]:
    live = [
        {
            "ebm_id": str(record.alert.id),
            "title": record.alert.title,
            "state": str(record.state),
            "end": record.alert.window.end,
            "expired": record.alert.window.end <= now_s,
        }
        for record in planned.live
    ]
    pieces = [
        {
            "name": piece.name,
            "files": len(piece.files),
            "size_bytes": sum(file.size_bytes for file in piece.files),
            "target": str(piece.target),
            "does": str(piece.does),
        }
        for piece in planned.pieces
    ]
    manifest = {"heads": [asdict(head) for head in planned.manifest.heads]}
    return {"manifest": _brief(planned.manifest.to_json()) | manifest, "pieces": pieces, "live": live}
