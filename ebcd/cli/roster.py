"""`ebcd roster`: who is planned for duty when, and changes of the plan."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.asking import ask, table_in
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile

if TYPE_CHECKING:
    from rich.console import RenderableType


def _help(name: str) -> str:
    return text(f"roster_help.{name}", LANGUAGE)


roster = typer.Typer(help=_help("roster"), no_args_is_help=True, rich_markup_mode=None)

DryRun = Annotated[bool, typer.Option("--dry-run", help=_help("dry_run"))]


@roster.command("show", help=_help("show"))
def show_roster(
    days: Annotated[int, typer.Option(min=1, max=366, help=_help("days"))] = 14,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """The plan from now on."""
    ask("GET", "/v1/roster", _turns, config, lang, token_file, as_json, days=days)


@roster.command("import", help=_help("import"))
def import_roster(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=_help("file"))],
    dry_run: DryRun = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Many turns."""
    body = {"csv": table_in(file), "dry_run": dry_run}
    ask("POST", "/v1/roster", _turns, config, lang, token_file, as_json, body=body)


@roster.command("add", help=_help("add"))
def add_turn(
    begin: Annotated[str, typer.Argument(help=_help("begin"))],
    end: Annotated[str, typer.Argument(help=_help("end"))],
    operator: Annotated[str, typer.Argument(help=_help("operator"))],
    phone: Annotated[str, typer.Option(help=_help("phone"))] = "",
    email: Annotated[str, typer.Option(help=_help("email"))] = "",
    dry_run: DryRun = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """One turn."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("begin", "end", "operator", "phone", "email"), (begin, end, operator, phone, email)])
    body = {"csv": out.getvalue(), "dry_run": dry_run}
    ask("POST", "/v1/roster", _turns, config, lang, token_file, as_json, body=body)


def _turns(content: bytes, language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.cli.moment import shown
    from ebcd.cli.tables import table_of
    from ebcd.roster.desk import TurnRow

    rows = decoded(list[TurnRow], content)
    if not rows:
        return text("roster.none", language)
    table = table_of(language, "begin", "end", "who", "state")
    for row in rows:
        who = escape(row.operator) or text("roster.nobody", language)
        table.add_row(shown(row.begin), shown(row.end), who, text("roster.now", language) if row.now else "")
    return table
