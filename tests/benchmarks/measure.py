"""One measured figure, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of one run. Absolute times mean something only beside `floor`, measured in the same run.

    `floor` has the same unit; its `ratio` says how many times the floor the figure is, or, for rates, how many times
    the figure fits into it, so that 1.0 is always best.
    """

    what: str
    value: float
    unit: str  # "us", "ms", "s", "rows/s", "KiB" ...
    floor: float | None = None
    floor_is: str = ""  # what the floor is, in words
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Distance from the floor, 1.0 is on it; None where there is no floor or nothing was measured."""
        if not self.floor or not self.value:
            return None
        return self.floor / self.value if self.unit.endswith("/s") else self.value / self.floor

    def as_json(self) -> dict[str, object]:
        """For the JSON file."""
        return {
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "floor": self.floor,
            "floor_is": self.floor_is,
            "ratio": self.ratio,
            "note": self.note,
        }


class Bench(Protocol):
    """What a module `bench_NAME.py` in this folder offers."""

    __doc__: str | None

    def run(self) -> Iterable[Measure]:
        """Measure; every figure is shown as soon as it is yielded."""
