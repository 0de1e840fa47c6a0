"""A keyboard for commands that ask no daemon."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from ebcd.cli.app import app


def typed(*arguments: str, stdin: bytes = b"", **environment: str) -> Result:
    """Run `ebcd` with these arguments, in English."""
    return CliRunner().invoke(app, [*arguments], input=stdin, env={"EBCD_LANG": "en", "LANG": "C", **environment})
