"""Commands of the field engineer's desk: nothing here asks a running daemon."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.options import LANGUAGE, AsJson, Lang, Language
from ebcd.cli.output import failures_told
from ebcd.cli.session import startup_language


def _help(key: str) -> str:
    return text(key, LANGUAGE)


def chosen(lang: Lang | None) -> str:
    """The language of a command that reads no configuration."""
    return lang or startup_language(sys.argv)


def decode(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="[HEX|FILE|-]", help=_help("decode.help.argument"))
    ] = None,
    cert: Annotated[list[Path] | None, typer.Option(metavar="FILE", help=_help("decode.help.cert"))] = None,
    as_: Annotated[str | None, typer.Option("--as", metavar="PROTOCOL", help=_help("decode.help.as"))] = None,
    lang: Language = None,
    as_json: AsJson = False,
) -> None:
    """Any captured bytes."""
    from ebcd.cli.decoding import run

    with failures_told(as_json=as_json):
        raise typer.Exit(run(what or [], cert or [], as_, chosen(lang), as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the program."""
    app.command("decode", help=_help("help.decode"))(decode)
