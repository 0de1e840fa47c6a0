"""The online rate, of the county and of each town: who speaks, of those that can be heard at all (R-X-20). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from devices.roster import DeviceKind
from ebcd.health import SPEAKING, TOWN_DIGITS, Condition, HealthBook, Ways


@dataclass(frozen=True, slots=True)
class Rate:
    """Of a town by the first nine digits of its area, or of the county (""). One with a fault speaks."""

    town: str
    online: int
    of: int

    @property
    def share(self) -> float:
        """1.0 where nothing can be heard."""
        return self.online / self.of if self.of else 1.0


class Hearable:
    """How many terminals of each town have a path that brings their words; counted again when the ways change."""

    def __init__(self) -> None:
        self._ways: Ways | None = None
        self._deaf: Counter[str] = Counter()

    def rates(self, health: HealthBook) -> Iterator[Rate]:
        """The county first, then its towns."""
        if health.ways is not self._ways:
            self._ways = health.ways
            terminals = ((c, w) for c, w in health.ways.devices.items() if w.kind is DeviceKind.TERMINAL)
            self._deaf = Counter(code.area[:TOWN_DIGITS] for code, way in terminals if not way.returns)
        towns = [self._rate(town, tally) for town, tally in sorted(health.by_town.items())]
        yield Rate("", sum(each.online for each in towns), sum(each.of for each in towns))
        yield from towns

    def _rate(self, town: str, tally: Counter[Condition]) -> Rate:
        return Rate(town, sum(tally[c] for c in SPEAKING), tally.total() - self._deaf[town])
