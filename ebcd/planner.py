"""Alert + inventory + what is reachable now -> who hears it over which path. Pure.

Every terminal gets the list of its paths in the order in which they will be tried: live ones first, each in the order
of preference; where none is live, the preferred one is tried all the same, since a terminal may come back while the
window is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from devices.link import Path
from protocols.codes import AreaCode, ResourceCode

PATH_SETS_MAX = 256  # remembered: a county has some twenty
PREFERENCE = (Path.IP, Path.ADAPTER, Path.CELLULAR, Path.MQTT, Path.FM)


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the planner needs of one terminal."""

    code: ResourceCode
    area: AreaCode
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Leg:
    """One terminal and the paths that will be tried, first to last."""

    code: ResourceCode
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Every terminal once, and the areas in which nobody can be reached."""

    legs: tuple[Leg, ...]
    uncovered: tuple[AreaCode, ...]

    def by_first_path(self) -> dict[Path, list[ResourceCode]]:
        """The terminals under the path that is tried first."""
        first: dict[Path, list[ResourceCode]] = {}
        for leg in self.legs:
            first.setdefault(leg.paths[0], []).append(leg.code)
        return first


IsLive = Callable[[ResourceCode, Path], bool]
"""Whether a terminal can be commanded over a path now: connected, its adapter answering, the transmitter up."""


def plan(
    areas: Sequence[AreaCode],
    terminals: Iterable[Terminal],
    is_live: IsLive,
    *,
    places_of: Mapping[AreaCode, frozenset[AreaCode]],
) -> Plan:
    """Choose paths for `terminals` (all of them inside `areas`).

    `places_of` maps each area of the alert to the area codes below it that have terminals; an area without any is
    uncovered and reported.
    """
    legs = tuple(Leg(t.code, order_paths(t, is_live)) for t in terminals)
    uncovered = tuple(area for area in areas if not places_of.get(area))
    return Plan(legs, uncovered)


def order_paths(terminal: Terminal, is_live: IsLive) -> tuple[Path, ...]:
    """Live paths first. A terminal without any live path keeps its whole list."""
    ordered = _preferred(terminal.paths)
    live = [path for path in ordered if is_live(terminal.code, path)]
    if len(live) in (0, len(ordered)):
        return ordered
    return tuple(live + [path for path in ordered if path not in live])


@lru_cache(PATH_SETS_MAX)
def _preferred(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(path for path in PREFERENCE if path in paths)
