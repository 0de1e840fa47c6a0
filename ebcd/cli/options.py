"""Options that many commands share, and the help texts, in the language known before any command runs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ebcd.catalogue import text
from ebcd.cli.session import startup_language

LANGUAGE = startup_language(sys.argv)


def help_of(name: str) -> str:
    """The help text of a command or option."""
    return text(f"help.{name}", LANGUAGE)


class Lang(StrEnum):
    """Languages of people."""

    zh = "zh"
    en = "en"


Config = Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help=help_of("config"))]
Language = Annotated[Lang | None, typer.Option("--lang", help=help_of("lang"), show_choices=True)]
AsJson = Annotated[bool, typer.Option("--json", help=help_of("json"))]
TokenFile = Annotated[Path | None, typer.Option("--token-file", metavar="FILE", help=help_of("token_file"))]
EbmIdArgument = Annotated[str, typer.Argument(metavar="ID", help=help_of("ebm_id"))]
