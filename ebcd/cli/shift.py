"""`ebcd shift` and `ebcd alarms`: who is on duty, what is open, handing over, and alarms that are acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.asking import ask
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile, help_of

if TYPE_CHECKING:
    from rich.console import RenderableType


def _help(name: str) -> str:
    return text(f"shift_help.{name}", LANGUAGE)


shift = typer.Typer(help=_help("shift"), no_args_is_help=True, rich_markup_mode=None)
alarms = typer.Typer(help=text("alarms_help.alarms", LANGUAGE), no_args_is_help=True, rich_markup_mode=None)

Rows = Annotated[int, typer.Option(min=1, max=500, help=help_of("rows"))]


@shift.command("show", help=_help("show"))
def show_shift(
    config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """The running shift."""
    ask("GET", "/v1/shift", _view, config, lang, token_file, as_json)


@shift.command("log", help=_help("log"))
def log(
    rows: Rows = 50, config: Config = None, lang: Language = None, as_json: AsJson = False, token_file: TokenFile = None
) -> None:
    """Past handovers and entries."""
    ask("GET", "/v1/shift/log", _log, config, lang, token_file, as_json, rows_max=rows)


@shift.command("note", help=_help("note"))
def note(
    words: Annotated[str, typer.Option("--text", help=_help("words"))],
    person: Annotated[str, typer.Option(metavar="NAME", help=_help("person"))] = "",
    phone: Annotated[str, typer.Option(help=_help("phone"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Write an entry."""
    body = {"words": words, "person": person, "phone": phone}
    ask("POST", "/v1/shift/notes", _entry, config, lang, token_file, as_json, body=body)


@shift.command("handover", help=_help("handover"))
def handover(
    to: Annotated[str, typer.Option(metavar="OPERATOR", help=_help("to"))],
    words: Annotated[str, typer.Option("--text", help=_help("words"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Hand over."""
    body = {"to": to, "words": words}
    ask("POST", "/v1/shift/handover", _handover, config, lang, token_file, as_json, body=body)


@shift.command("take", help=_help("take"))
def take(
    why: Annotated[str, typer.Option(help=_help("why"))] = "",
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Take over."""
    ask("POST", "/v1/shift/take", _view, config, lang, token_file, as_json, body={"why": why})


@alarms.command("list", help=text("alarms_help.list", LANGUAGE))
def list_alarms(
    past: Annotated[bool, typer.Option("--past", help=text("alarms_help.past", LANGUAGE))] = False,
    rows: Rows = 200,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Alarms that stand, or all."""
    ask("GET", "/v1/alarms", _alarms, config, lang, token_file, as_json, rows_max=rows, past=str(past).lower())


@alarms.command("ack", help=text("alarms_help.ack", LANGUAGE))
def acknowledge(
    number: Annotated[str, typer.Argument(metavar="ALARM", help=text("alarms_help.number", LANGUAGE))],
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Acknowledge one."""
    path = f"/v1/alarms/{number}/acknowledge"
    ask("POST", path, lambda c, said: _alarms(b"[" + c + b"]", said), config, lang, token_file, as_json, body={})


# ---- between them --------------------------------------------------------------------------------------------------


def _view(content: bytes, language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.shift.desk import ShiftView
    from ebcd.shift.paper import as_text

    return escape(as_text(decoded(ShiftView, content), language).rstrip())


def _log(content: bytes, language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.shift.desk import ShiftLog
    from ebcd.shift.paper import log_text

    return escape(log_text(decoded(ShiftLog, content), language).rstrip())


def _entry(content: bytes, language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.shift.desk import EntryRow
    from ebcd.shift.paper import entry_text

    return escape(entry_text(decoded(EntryRow, content), language).strip())


def _handover(content: bytes, language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.api.answers import decoded
    from ebcd.shift.desk import HandoverRow
    from ebcd.shift.paper import handover_text, matters_text

    row = decoded(HandoverRow, content)
    return escape("\n".join([handover_text(row, language), *matters_text(row.matters, row.left_out, language)]))


def _alarms(content: bytes, language: str) -> RenderableType:
    from rich.markup import escape

    from ebcd.alarms.office import AlarmRow
    from ebcd.alarms.tell import sentence
    from ebcd.api.answers import decoded
    from ebcd.cli.moment import shown
    from ebcd.cli.tables import table_of, word

    rows = decoded(list[AlarmRow], content)
    if not rows:
        return text("alarms.none", language)
    table = table_of(language, "alarm", "state", "about", "reason", "opened", "acknowledged")
    for row in rows:
        state = "alarms.cleared" if row.cleared else "alarms.not_acknowledged"
        known = f"{row.acknowledged_by} {shown(row.acknowledged)}" if row.acknowledged else "-"
        said = sentence(row.kind, row.subject, row.name, row.detail, row.stage, language)
        table.add_row(
            row.id,
            "" if row.acknowledged and not row.cleared else text(state, language),
            word("alarm", row.kind, language),
            escape(said),
            shown(row.raised),
            escape(known),
        )
    return table
