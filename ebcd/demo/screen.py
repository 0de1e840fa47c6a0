"""What a person sees while the demo runs: steps with the clock beside them, and one alert's way through the county."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ebcd.catalogue import text

BAR_CELLS = 14
REFRESH_PER_S = 4
MARKS = {"waiting": ("·", "dim"), "running": ("▶", "yellow"), "held": ("✔", "green"), "broken": ("✘", "bold red")}


@dataclass
class Step:
    """One line of the list on the left."""

    key: str
    state: str = "waiting"
    at_s: float | None = None
    note: str = ""


@dataclass
class Screen:
    """Holds what is shown; `render` draws it."""

    language: str
    seconds: Callable[[], float]
    steps: list[Step] = field(default_factory=list)
    alert: dict[str, Any] | None = None
    footer: str = ""

    def step(self, key: str) -> Step:
        """Begin the step called `demo.step.<key>`."""
        found = next(s for s in self.steps if s.key == key)
        found.state, found.at_s = "running", self.seconds()
        return found

    def words(self, key: str, **values: object) -> str:
        """A sentence of the demo."""
        return text(f"demo.{key}", self.language, **values)

    def render(self) -> RenderableType:
        """The whole screen."""
        head = Text.assemble(
            (self.words("title"), "bold"), ("   ", ""), (f"{self.seconds():6.1f} s", "cyan"), ("   ", ""), self.footer
        )
        parts: list[RenderableType] = [head, self._steps()]
        if self.alert:
            parts.append(self._alert(self.alert))
            parts.append(Text(self.words("legend"), "dim"))
        return Group(*parts)

    def _steps(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for step in self.steps:
            mark, style = MARKS[step.state]
            clock = "" if step.at_s is None else f"{step.at_s:6.1f} s"
            table.add_row(
                Text(mark, style), Text(clock, "cyan"), self.words(f"step.{step.key}"), Text(step.note, "dim")
            )
        return table

    def _alert(self, alert: dict[str, Any]) -> Panel:
        row = alert["row"]
        paths = Table.grid(padding=(0, 1))
        for item in alert["by_path"]:
            paths.add_row(self.words(f"path.{item['path']}"), _bar(item["counts"]), _figures(item["counts"]))
        towns = Table.grid(padding=(0, 1))
        for item in alert["by_town"]:
            towns.add_row(item["name"], _bar(item["counts"]), _figures(item["counts"]))
        both = Table.grid(padding=(0, 2))
        both.add_row(towns, paths)
        return Panel(both, title=f"{row['title']}  …{row['ebm_id'][-12:]}  {row['state']}", title_align="left")


def _bar(counts: dict[str, int]) -> Text:
    """Confirmed in green, sent without a way back in yellow, the rest dim."""
    total = max(counts["targeted"], 1)
    sure = BAR_CELLS * counts["confirmed"] // total
    unsure = BAR_CELLS * (counts["confirmed"] + counts["unconfirmed"]) // total - sure
    return Text.assemble(
        ("━" * sure, "green"), ("━" * unsure, "yellow"), ("━" * (BAR_CELLS - sure - unsure), "bright_black")
    )


def _figures(counts: dict[str, int]) -> Text:
    found = Text(f"{counts['confirmed']:>5}/{counts['targeted']:<5}", "bold")
    for name, mark, style in (("unconfirmed", "?", "yellow"), ("timed_out", "✘", "red"), ("refused", "!", "red")):
        if counts[name]:
            found.append(f" {counts[name]}{mark}", style)
    return found


def live(screen: Screen, console: Console) -> Live:
    """Keep drawing while the block runs; on a pipe nothing is drawn and the closing table alone is printed."""
    return Live(get_renderable=screen.render, console=console, refresh_per_second=REFRESH_PER_S, transient=False)
