"""What the demo found out: every expectation with its verdict, and the figures for `--json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from ebcd.demo.screen import Screen

NAMES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to hold. `step` is the step's key, `what` a plain sentence of ours (English)."""

    step: str
    what: str
    held: bool
    found: str


@dataclass
class Results:
    """Collected while the scenario runs."""

    checks: list[Check] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def expect(self, step: str, what: str, held: bool, found: object = "") -> bool:
        """Note an expectation; returns its verdict."""
        self.checks.append(Check(step, what, bool(held), str(found)))
        return bool(held)

    def equal(self, step: str, what: str, found: object, wanted: object) -> bool:
        """Note that two things should be equal."""
        return self.expect(step, what, found == wanted, f"{found!r}, expected {wanted!r}")

    @property
    def held(self) -> bool:
        """Whether everything did."""
        return bool(self.checks) and all(check.held for check in self.checks)

    def of(self, step: str) -> bool:
        """Whether everything of one step did."""
        return all(check.held for check in self.checks if check.step == step)

    def write(self, file: Path) -> None:
        """The JSON file."""
        failed = [{"step": c.step, "what": c.what, "found": c.found} for c in self.checks if not c.held]
        value = {"held": self.held, **self.figures, "checks": len(self.checks), "broken": failed}
        file.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))

    def table(self, screen: Screen, console: Console) -> None:
        """The closing table."""
        f = self.figures
        console.print()
        table = Table(title=screen.words("table.title"), title_justify="left")
        table.add_column(screen.words("table.path"))
        for name in ("targeted", "confirmed", "played", "unconfirmed", "timed_out", "refused"):
            table.add_column(screen.words(f"table.{name}"), justify="right")
        for name in ("median", "p99", "last"):
            table.add_column(f"{screen.words(f'table.{name}')} s", justify="right")
        latency = f.get("latency_by_path_s", {})
        for path, counts in f.get("paths", {}).items():
            times = latency.get(path, {})
            table.add_row(
                screen.words(f"path.{path}"),
                *(str(counts[n]) for n in ("targeted", "confirmed", "played", "unconfirmed", "timed_out", "refused")),
                *(f"{times[n]:.2f}" if n in times else "–" for n in ("median", "p99", "last")),
            )
        console.print(table)
        for line in self._lines(screen):
            console.print(line)
        for check in self.checks:
            if not check.held:
                console.print(f"[bold red]✘[/] {check.step}: {check.what}: {check.found}")
        verdict = screen.words("held", checks=len(self.checks)) if self.held else screen.words("broken")
        console.print(f"[bold {'green' if self.held else 'red'}]{verdict}[/]")

    def _lines(self, screen: Screen) -> list[str]:
        f = self.figures
        lines = []
        if "ratio_to_floor" in f:
            floor, last = f["floor_s"]["last"], f["floor_s"]["compared_last"]
            lines.append(screen.words("line.floor", last=last, floor=floor, ratio=f["ratio_to_floor"]))
        if "fm" in f:
            lines.append(screen.words("line.fm", bits=f["fm"]["bits_on_air"], limit=f["fm"]["bits_limit"]))
        if named := f.get("named"):
            late = ", ".join(f"{name} {seconds or '–'} s" for name, seconds in named["late_adapters"].items())
            some = ", ".join(named["terminals"][:NAMES_SHOWN])
            lines.append(screen.words("line.named", town=named["dead_ip_town"], late=late or "–"))
            lines.append(screen.words("line.silent", count=len(named["terminals"]), some=some))
        if "crash" in f:
            lines.append(screen.words("line.crash", **f["crash"]))
        return lines
