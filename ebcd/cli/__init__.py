"""The command line. Nothing is imported before it is needed: `ebcd --help` is used on slow machines in a hurry."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `ebcd` script. Exit status 0 done, 1 refused or failed, 2 wrong usage."""
    from ebcd.cli.app import app

    app()
