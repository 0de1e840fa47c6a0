"""The list of log events, from the code: `python docs/events.py` writes docs/events.md, `--out FILE` elsewhere.

Every call of `log.LEVEL("name", ...)` in ebcd/ and devices/ is found by reading the source; what an event means stands
in ebcd/texts/events.toml. A test compares the committed page with what this writes, so a name cannot change unseen.
"""

from __future__ import annotations

import argparse
import ast
import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ("debug", "info", "warning", "error")
HEAD = """\
# Events in the log

Written by `python docs/events.py` from the code; do not edit. Names are stable: what watches the log may rely on them,
and one that must change gets a line under "Changes" in the README. How it looks: [operations.md](operations.md#logs).

Besides the values named here every line has `event`, `level` and `timestamp` (Beijing time); a traceback stands under
`exception`. Values may be added.

| event | level | values | 含义 | meaning |
|---|---|---|---|---|
"""


@dataclass
class Event:
    """One name, wherever it is told."""

    levels: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)


def calls(tree: ast.AST) -> Iterator[tuple[str, set[str], set[str]]]:
    """Names, levels and values of every event that a source file tells."""
    variables = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args or not (levels := set(_levels(node.func, variables))):
            continue
        values = {keyword.arg for keyword in node.keywords if keyword.arg and keyword.arg != "exc_info"}
        first = node.args[1] if "log" in levels and len(node.args) > 1 else node.args[0]
        for name in _texts(first, variables):
            yield name, (set(LEVELS) - {"debug", "info"} if levels == {"log"} else levels), values


def _levels(function: ast.expr, variables: dict[str, ast.expr]) -> Iterator[str]:
    match function:
        case ast.Attribute(value=ast.Name(id="log"), attr=("debug" | "info" | "warning" | "error" | "log") as level):
            yield level
        case ast.Attribute(value=ast.Name(id="log"), attr="exception"):
            yield "error"
        case ast.Name(id=name) if name.startswith("log_") and name in variables:
            yield from _levels(variables[name], variables)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _levels(body, variables)
            yield from _levels(orelse, variables)


def _texts(expression: ast.expr, variables: dict[str, ast.expr]) -> Iterator[str]:
    match expression:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body, variables)
            yield from _texts(orelse, variables)
        case ast.Name(id=name) if name in variables:
            yield from _texts(variables[name], {})
        case _:
            raise SystemExit(f"line {expression.lineno}: an event's name must be written out, or one of two")


@functools.cache
def found() -> dict[str, Event]:
    """Every event of the daemon by its name."""
    events: dict[str, Event] = {}
    for folder in ("ebcd", "devices"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for name, levels, values in calls(ast.parse(file.read_text(encoding="utf-8"))):
                event = events.setdefault(name, Event())
                event.levels |= levels
                event.values |= values
    return events


def page() -> str:
    """The whole of docs/events.md."""
    sys.path.insert(0, str(ROOT))
    from ebcd.catalogue import text

    rows = []
    for name, event in sorted(found().items()):
        levels = ", ".join(level for level in LEVELS if level in event.levels)
        values = ", ".join(f"`{value}`" for value in sorted(event.values))
        rows.append(
            f"| `{name}` | {levels} | {values} | {text(f'event.{name}', 'zh')} | {text(f'event.{name}', 'en')} |\n"
        )
    return HEAD + "".join(rows)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description="Write the list of log events.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "events.md")
    parser.parse_args().out.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
