"""Runs the benchmarks named on the command line, or all: one table each, and one JSON file for all."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import orjson
from rich.console import Console
from rich.table import Table

import tests.benchmarks
from tests.benchmarks.measure import Bench, Measure

PREFIX = "bench_"
JSON_FILE = Path(".bench") / "benchmarks.json"


def names() -> list[str]:
    """Every benchmark in this folder."""
    modules = pkgutil.iter_modules(tests.benchmarks.__path__)
    return sorted(module.name.removeprefix(PREFIX) for module in modules if module.name.startswith(PREFIX))


def load(name: str) -> Bench:
    """The module of a benchmark."""
    return cast(Bench, importlib.import_module(f"tests.benchmarks.{PREFIX}{name}"))


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


def figure(value: float) -> str:
    """Three digits that matter, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table_of(name: str, doc: str | None, measures: Sequence[Measure]) -> Table:
    """Figures for people."""
    floors = sorted({measure.floor_is for measure in measures if measure.floor_is})
    table = Table(
        title=f"{name}: {' '.join((doc or '').split())}",
        caption="; ".join(f"floor: {floor}" for floor in floors),
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("measured")
    for header in ("value", "unit", "floor", "x floor"):
        table.add_column(header, justify="left" if header == "unit" else "right", no_wrap=True)
    table.add_column("note")
    for measure in measures:
        floor = "" if measure.floor is None else figure(measure.floor)
        ratio = "" if measure.ratio is None else f"{measure.ratio:,.2f}"
        table.add_row(measure.what, figure(measure.value), measure.unit, floor, ratio, measure.note)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"one of: {', '.join(names())}")
    parser.add_argument("--json", type=Path, default=JSON_FILE, help=f"where the figures go (default {JSON_FILE})")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.name) - set(names()):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    report: dict[str, object] = {"machine": machine(), "benchmarks": {}}
    benchmarks = cast(dict[str, object], report["benchmarks"])
    console = Console()
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    for name in chosen.name or names():
        bench = load(name)
        began_s = time.monotonic()
        measures: list[Measure] = []
        for measure in bench.run():
            measures.append(measure)
            print(f"{name}: {measure.what}: {figure(measure.value)} {measure.unit}", file=sys.stderr)
        console.print(table_of(name, bench.__doc__, measures))
        took_s = round(time.monotonic() - began_s, 3)
        benchmarks[name] = {"took_s": took_s, "measures": [measure.as_json() for measure in measures]}
        chosen.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    console.print(f"figures: {chosen.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
