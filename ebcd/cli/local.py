"""Commands that do not ask a running daemon: run, demo, check-config, doctor."""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.session import config_file, language_of, startup_language


def run_daemon(config: Path | None, language: str | None) -> int:
    """The daemon, until it is told to stop. Returns its exit status."""
    gc.disable()  # until it is ready: imports and the inventory leave no garbage, and looking for it takes 0.1 s
    from ebcd.cli.running import run

    file = config_file(config, language or startup_language(sys.argv))
    return run(file, language_of(file, language))


def run_demo(*, json_file: Path | None, terminals: int, seed: int, keep: Path | None, lang: str | None) -> int:
    """A whole county on this machine. Returns 0 only if everything held."""
    chosen = lang or startup_language(sys.argv)
    demo = importlib.import_module("ebcd.demo")
    status: int = demo.run(json_file=json_file, terminals=terminals, seed=seed, keep=keep, language=chosen)
    return status


def run_check(config: Path | None, language: str | None, *, as_json: bool) -> int:
    """Every fault of the configuration at once."""
    from ebcd.inventory_csv import left_out
    from ebcd.settings import check

    file = config_file(config, language or startup_language(sys.argv))
    chosen = language_of(file, language)
    problems = check(file)
    if as_json:
        typer.echo(orjson.dumps([problem.as_dict(chosen) for problem in problems], option=orjson.OPT_INDENT_2).decode())
    elif problems:
        for problem in problems:
            typer.echo(problem.sentence(chosen), err=True)
        typer.echo(text("config.count", chosen, count=len(problems)), err=True)
    else:
        typer.echo(text("config.sound", chosen, file=file))
    return 1 if any(left_out(problem) != "value" for problem in problems) else 0


def run_doctor(config: Path | None, language: str | None, *, as_json: bool) -> int:
    """What this machine lacks; with a configuration also what that needs."""
    from ebcd.doctor import run

    chosen = language_of(config, language) if config else language or startup_language(sys.argv)
    return run(config, language=chosen, as_json=as_json)
