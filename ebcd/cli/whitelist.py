"""`ebcd whitelist`: who may phone or text adapters; kept here, pushed to the adapters, shown first."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ebcd.catalogue import text
from ebcd.cli.asking import ask, table_in
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile, help_of
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import Failure, open_session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ebcd.whitelist.push import AdapterRow

PUSHED_S = 900.0
"""A province's dead adapters are waited for in rounds of 256."""
COLUMNS = (
    "whose_adapter",
    "device_name",
    "operation",
    "caller_number",
    "caller_name",
    "permission",
    "heard_in",
    "state",
)
ROWS_MAX = 500
"""That are printed; `--json` tells all."""


def _help(name: str) -> str:
    return text(f"whitelist_help.{name}", LANGUAGE)


whitelist = typer.Typer(help=_help("whitelist"), no_args_is_help=True, rich_markup_mode=None)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help=_help("number"))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=_help("dry_run"))]


@whitelist.command("list", help=_help("list"))
def show_list(
    config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """Who is listed."""
    ask("GET", "/v1/whitelist", callers_table, config, lang, token_file, as_json)


@whitelist.command("add", help=_help("add"))
def add(
    number: Number,
    name: Annotated[str, typer.Argument(metavar="NAME", help=_help("name"))],
    at: Annotated[str, typer.Option(metavar="CODE|AREA", help=_help("at"))],
    permission: Annotated[str, typer.Option(metavar="sms|phone|both", help=_help("permission"))] = "both",
    area: Annotated[list[str] | None, typer.Option("--area", metavar="AREA", help=_help("area"))] = None,
    dry_run: DryRun = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """One number."""
    out = io.StringIO(newline="")
    columns = ("number", "name", "at", "permission", "areas")
    csv.writer(out).writerows([columns, (number, name, at, permission, ";".join(area or ()))])
    body = {"csv": out.getvalue(), "dry_run": dry_run}
    ask("POST", "/v1/whitelist", callers_table, config, lang, token_file, as_json, body=body)


@whitelist.command("remove", help=_help("remove"))
def remove(
    number: Number,
    at: Annotated[str, typer.Option(metavar="CODE|AREA", help=_help("remove_at"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """One number, off the list."""
    body = {"number": number, "at": at}
    ask("POST", "/v1/whitelist/remove", callers_table, config, lang, token_file, as_json, body=body)


@whitelist.command("import", help=_help("import"))
def import_list(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=_help("file"))],
    replace: Annotated[bool, typer.Option("--replace", help=_help("replace"))] = False,
    dry_run: DryRun = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Many numbers."""
    body = {"csv": table_in(file), "replace": replace, "dry_run": dry_run}
    ask("POST", "/v1/whitelist", callers_table, config, lang, token_file, as_json, body=body)


@whitelist.command("push", help=_help("push"))
def push(
    at: Annotated[list[str] | None, typer.Option("--at", metavar="CODE|AREA", help=_help("push_at"))] = None,
    empty: Annotated[bool, typer.Option("--empty", help=_help("empty"))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=help_of("yes"))] = False,
    preview: Annotated[bool, typer.Option("--preview", help=_help("preview"))] = False,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """What adapters lack, to the adapters."""
    import orjson

    from ebcd.cli.client import Client

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        if not (yes or preview) and (as_json or not sys.stdin.isatty()):
            raise Failure(session.say("cli.needs_yes"), status=2)
        client = Client(session)
        whom: dict[str, Any] = {"at": at or [], "empty": empty}
        content = client.post("/v1/whitelist/plan", whom, patience_s=PUSHED_S)
        plan = orjson.loads(content)
        count = sum(row["standing"] == "open" for row in plan["rows"])
        if preview or not as_json:
            show(session, content, "" if as_json else push_table(orjson.dumps(plan["rows"]), session.language))
        if preview or not (count or empty):
            if as_json and not preview:
                show(session, b"[]", "")
            return
        if not yes and not typer.confirm(session.say("whitelist.confirm", count=count)):
            raise Failure(session.say("whitelist.not_sent"))
        told = client.post("/v1/whitelist/push", {**whom, "digest": plan["digest"]}, patience_s=PUSHED_S)
        show(session, told, "" if as_json else push_table(told, session.language))
        if any(line["outcome"] != "taken" for row in orjson.loads(told) for line in row["lines"]):
            raise typer.Exit(1)


def callers_table(content: bytes, language: str) -> RenderableType:
    """The list."""
    from rich.console import Group
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.cli.tables import table_of, word
    from ebcd.whitelist.desk import CallerView

    view = decoded(CallerView, content)
    if not view.rows and not view.open:
        return text("whitelist.none", language)
    table = table_of(
        language, "caller_id", "caller_number", "caller_name", "whose_list", "permission", "heard_in", "took_it"
    )
    for row in view.rows:
        permission = word("whitelist_permission", row.permission, language)
        areas = " ".join(row.areas) or text("whitelist.own_area", language)
        cells = (row.person, row.number, row.name, f"{row.place} {row.at}".strip(), permission, areas)
        table.add_row(*map(escape, cells), f"{row.taken}/{row.adapters}")
    open_ = (text("whitelist.open", language, count=len(view.open), codes=_some(view.open)),) if view.open else ()
    return Group(table, *open_)


def _some(codes: Sequence[str]) -> str:
    return " ".join((*codes[:5], *(("...",) if len(codes) > 5 else ())))


def push_table(content: bytes, language: str) -> RenderableType:
    """What each adapter is told, or said to it."""
    from rich.console import Group

    from ebcd.api.answers import decoded
    from ebcd.whitelist.push import AdapterRow

    rows = decoded(list[AdapterRow], content)
    if not rows:
        return text("whitelist.same", language)
    return Group(_lines(rows, language), text("whitelist.adapters", language, count=len(rows), **_counts(rows)))


def _counts(rows: Sequence[AdapterRow]) -> dict[str, int]:
    lines = [line for row in rows for line in row.lines]
    names = ("taken", "refused", "no_answer")
    operations = {name: sum(each.operation == name for each in lines) for name in ("add", "modify", "delete")}
    return operations | {name: sum(each.outcome == name for each in lines) for name in names}


def _lines(rows: Sequence[AdapterRow], language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.cli.tables import table_of, word

    table = table_of(language, *COLUMNS)
    shown = 0
    for row in rows:
        if row.standing == "gone":
            table.add_row(
                row.code, escape(row.name), "", "", "", "", "", text("whitelist.gone", language, count=row.has)
            )
        for line in row.lines[: ROWS_MAX - shown]:
            shown += 1
            operation = word("whitelist_operation", line.operation, language)
            permission = word("whitelist_permission", line.permission, language)
            state = word("whitelist_outcome", line.outcome, language)
            said = line.said if line.outcome == "refused" else ""
            cells = (
                row.name,
                operation,
                line.number,
                line.name,
                permission,
                " ".join(line.areas),
                f"{state} {said}".strip(),
            )
            table.add_row(row.code, *map(escape, cells))
    return table


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the program."""
    app.add_typer(whitelist, name="whitelist")
