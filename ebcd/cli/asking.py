"""One question to the daemon and its answer on the screen: what most commands are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ebcd.catalogue import text
from ebcd.cli.options import LANGUAGE, Lang
from ebcd.cli.output import failures_told, show
from ebcd.cli.session import open_session

if TYPE_CHECKING:
    from rich.console import RenderableType


def ask(
    method: str,
    path: str,
    table: Callable[[bytes, str], RenderableType],
    config: Path | None,
    lang: Lang | None,
    token_file: Path | None,
    as_json: bool,
    *,
    body: Mapping[str, Any] | None = None,
    patience_s: float | None = None,
    **query: str | int,
) -> None:
    """Ask the operator API (GET or POST) and show its JSON, or what `table` makes of it in a language. Ends the command
    with a sentence and a status where that fails. `patience_s`: for what asks devices before it is answered."""
    from ebcd.cli.client import ANSWER_TIMEOUT_S, Client

    with failures_told(as_json=as_json):
        session = open_session(config, lang, token_file, as_json=as_json)
        client = Client(session)
        if method == "GET":
            content = client.get(path, **query)
        else:
            content = client.post(path, body, patience_s=patience_s or ANSWER_TIMEOUT_S)
        show(session, content, "" if as_json else table(content, session.language))


def table_in(file: Path) -> str:
    """The text of a table that a spreadsheet wrote. Raises typer.BadParameter where it is no UTF-8."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(text("config.not_utf8", LANGUAGE, offset=error.start)) from None
