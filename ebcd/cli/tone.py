"""`ebcd tone`: when the next weekly tone sounds, which terminals it reaches, and how many are proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.options import LANGUAGE, AsJson, Config, Language, TokenFile, help_of
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import open_session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ebcd.tone.desk import ToneView


def tone(
    rows: Annotated[int, typer.Option(min=1, max=5000, help=help_of("rows"))] = 200,
    config: Config = None,
    lang: Language = None,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """The next tone."""
    from ebcd.api.answers import decoded
    from ebcd.cli.client import Client
    from ebcd.tone.desk import ToneView

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        content = Client(session).get("/v1/tone", rows_max=rows)
        show(session, content, "" if as_json else tone_table(decoded(ToneView, content), session.language))


def tone_table(view: ToneView, language: str) -> RenderableType:
    """For people."""
    from rich.console import Group
    from rich.markup import escape

    from ebcd.cli.moment import shown
    from ebcd.cli.tables import table_of, word

    proved = text("tone.proved", language, proved=view.proved, of=view.hearable, days=view.proof_days)
    if view.next is None:
        return Group(escape(text("tone.off", language)), proved)
    values = {"at": shown(view.next), "for_s": view.for_s, "volume": view.volume}
    lines = [text("tone.next", language, **values, part=view.part, parts=view.parts)]
    lines.append(text("tone.reaches", language, count=view.terminals_total, left_out=view.left_out))
    lines.append(text("tone.approvals", language, count=view.approvals))
    if view.written:
        lines.append(text("tone.written", language, id=view.written, state=word("alert_state", view.state, language)))
    if view.held:
        lines.append(text("tone.held", language, why=text(f"tone.why.{view.held}", language)))
    table = table_of(language, "terminal", "code", "area", "state", "path", "sounded")
    for each in view.terminals:
        table.add_row(
            escape(each.name),
            each.code,
            escape(each.place),
            word("terminal_state", each.condition, language),
            " ".join(word("path", path, language) for path in each.paths),
            shown(each.sounded),
        )
    return Group(*map(escape, lines), proved, table)


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("tone", help=text("tone.help", LANGUAGE))(tone)
