"""Where commands write: tables for people, the daemon's JSON for programs, failures on standard error."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.session import Failure, Session, startup_language

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPE_COLUMNS = 200  # in a pipe nobody folds lines for us; ids have 35 digits


def show(session: Session, content: bytes, table: RenderableType) -> None:
    """Print one of the two."""
    if session.as_json:
        print_json(content)
    else:
        console().print(table, highlight=False)


def print_json(content: bytes) -> None:
    """The daemon's own answer, indented."""
    typer.echo(orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode())


def console() -> Console:
    """Standard output as it is now (tests replace it)."""
    from rich.console import Console

    return Console(width=None if is_screen() else PIPE_COLUMNS)


def is_screen() -> bool:
    """Whether standard output is a terminal; whoever started us may have closed it."""
    return sys.stdout is not None and sys.stdout.isatty()


def forgive_narrow_charsets() -> None:
    """What peers wrote may not fit a terminal's charset: show it with signs for what is lacking."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def failures_told(*, as_json: bool) -> Iterator[None]:
    """Turn a `Failure` inside the block into its sentences and the exit status."""
    try:
        yield
    except Failure as failure:
        if as_json and failure.payload is not None:
            typer.echo(failure.payload.decode("utf-8", "replace"))
        for sentence in failure.sentences:
            typer.echo(sentence, err=True)
        raise typer.Exit(failure.status) from None
    except BrokenPipeError:  # the reader has seen enough: typer ends quietly
        raise
    except OSError as error:  # a full disk behind standard output, a folder that went away
        language = startup_language(sys.argv)
        typer.echo(text("cli.system_refused", language, reason=error), err=True)
        raise typer.Exit(1) from None
