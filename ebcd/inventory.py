"""Which devices there are, where they stand and who reaches whom.

One object for as long as the daemon runs: `become` replaces what is in it in place, in one step of the loop.

A *place* is the area code that terminals carry themselves: a village, or a town for the columns in its seat. An *area*
is any area code; it encloses the places whose digits begin with its stem. Level and area of a terminal's code agree
(`ebcd.inventory_csv` sees to it), so the places of one level never enclose each other and an address with that level
can always be exact.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from types import MappingProxyType

from devices.roster import Device, DeviceKind, Roster
from ebcd.archive import Archive
from ebcd.planner import Terminal
from protocols.codes import AreaCode, ResourceCode, covers

_AFTER_DIGITS = ":"  # sorts behind every digit: stem ... stem + ":" are the codes that begin with the stem
_STEM_LENGTHS = (0, 2, 4, 6, 9, 12)

Group = tuple[str, str]
"""What an address singles out besides the area: the level digit; type, type serial and sub-type (GD/J 080 table 2)."""


class Inventory:
    """Devices by kind, code and place."""

    def __init__(
        self,
        roster: Roster,
        place_names: Mapping[AreaCode, str] = MappingProxyType({}),
        archive: Archive | None = None,
    ) -> None:
        self.roster = roster
        self.archive = archive or Archive()
        self._terminals = tuple(
            sorted(
                (Terminal(each.code, each.code.area, each.paths) for each in roster.terminals),
                key=lambda terminal: (terminal.area, terminal.code),
            )
        )
        self._areas = [str(terminal.area) for terminal in self._terminals]
        self._place_of = {str(terminal.code): terminal.area for terminal in self._terminals}
        self.places = tuple(dict.fromkeys(terminal.area for terminal in self._terminals))
        self._places = [str(place) for place in self.places]
        self._stems_of = {place: tuple(area.stem for area in place.enclosing) for place in self.places}
        self._groups_at: dict[AreaCode, set[Group]] = {}
        for terminal in self._terminals:
            self._groups_at.setdefault(terminal.area, set()).add((terminal.code[0], terminal.code[13:21]))
        self._places_under: dict[Group, Counter[str]] = self._count(self.places)
        self._adapter_at = _adapters_by_stem(roster.adapters)
        self._former_adapters: dict[str, set[ResourceCode]] = {}  # by stem: what drove somebody before a change
        self._names = dict(place_names)
        self._by_name: dict[str, list[AreaCode]] = {}
        for area, name in sorted(self._names.items()):
            self._by_name.setdefault(name, []).append(area)

    def become(self, other: Inventory) -> None:
        """Hold what `other` holds; `other` is used up. Addresses still reach the devices that have left, until they are
        released (I12), and therefore never name a wider area than those allow (I2, I4). O(devices)."""
        former = {stem: set(codes) for stem, codes in self._former_adapters.items()}
        if self._adapter_at != other._adapter_at:
            for stem, adapter in self._adapter_at.items():
                former.setdefault(stem, set()).add(adapter)
        roster = self.roster
        roster.become(other.roster)
        self.__dict__.update(other.__dict__)
        self.roster, self._former_adapters = roster, former
        for device in roster.departed:
            if device.kind is DeviceKind.TERMINAL:
                self._address_also(device.code)

    def release(self, needed: Set[str]) -> None:
        """Let go of devices that have left and are not needed by anybody, and of who drove whom when nobody is."""
        self.roster.release(needed)
        if not needed:
            self._former_adapters = {}

    def _address_also(self, code: ResourceCode) -> None:
        place, group = code.area, (code[0], code[13:21])
        groups = self._groups_at.setdefault(place, set())
        if group not in groups:
            groups.add(group)
            stems = self._stems_of.setdefault(place, tuple(area.stem for area in place.enclosing))
            self._places_under.setdefault(group, Counter()).update(stems)

    # ---- terminals and places ----

    def terminals_in(self, areas: Iterable[AreaCode]) -> tuple[Terminal, ...]:
        """Every terminal inside the areas, once, sorted by area and code."""
        ranges = [_range(self._areas, area) for area in outermost(areas)]
        if len(ranges) == 1:
            return self._terminals[slice(*ranges[0])]
        return tuple(terminal for begin, end in ranges for terminal in self._terminals[begin:end])

    def adapters_in(self, areas: Iterable[AreaCode]) -> tuple[ResourceCode, ...]:
        """Every adapter inside the areas, by code."""
        inside = outermost(areas)
        return tuple(sorted(a.code for a in self.roster.adapters if any(covers(area, a.code.area) for area in inside)))

    def places_in(self, area: AreaCode) -> frozenset[AreaCode]:
        """The places inside an area that have terminals."""
        return frozenset(self.places[slice(*_range(self._places, area))])

    def place_of(self, code: ResourceCode) -> AreaCode | None:
        """Where a terminal stands; None for a code that is no terminal of ours."""
        return self._place_of.get(code)

    def adapter_of(self, code: ResourceCode) -> ResourceCode | None:
        """The adapter that drives a terminal on path `adapter`: of those whose area covers the terminal's, the one with
        the longest stem."""
        for length in reversed(_STEM_LENGTHS):
            if adapter := self._adapter_at.get(code[1 : 1 + length]):
                return adapter
        return None

    def adapters_ever_of(self, code: ResourceCode) -> tuple[ResourceCode, ...]:
        """`adapter_of`, and every other one that may have driven the terminal before the inventory changed: whom a stop
        must reach (I12)."""
        now = self.adapter_of(code)
        found = {} if now is None else {now: None}
        if self._former_adapters:
            for length in reversed(_STEM_LENGTHS):
                found.update(dict.fromkeys(sorted(self._former_adapters.get(code[1 : 1 + length], ()))))
        return tuple(found)

    # ---- addresses ----

    def targets_for(self, areas: Iterable[AreaCode]) -> tuple[ResourceCode, ...]:
        """The fewest address codes that reach every terminal inside the areas and nobody outside them (I2).

        Per area one zero-ended code for each level and type serial present there, as GD/J 080 table B.1 shows; the
        level digit is never 0 and the type serial never 00, which not every terminal understands.
        """
        return tuple(
            _address(area, group)
            for area in outermost(areas)
            for group in sorted(self._places_under)
            if self._places_under[group][area.stem]
        )

    def targets_for_places(
        self, places: Iterable[AreaCode], within: Iterable[AreaCode] = ()
    ) -> tuple[ResourceCode, ...]:
        """The same for places taken exactly: a town's code means its own columns, not its villages.

        Neighbours are put under one wider code where that code reaches no terminal at another place, and only inside
        the areas `within`, which the alert names itself: nothing widens beyond what was ordered, not even over ground
        where the inventory knows nobody.
        """
        chosen = [place for place in dict.fromkeys(places) if place in self._groups_at]
        bounds = {area.stem for area in within}
        chosen_under = self._count(chosen)
        targets: set[tuple[str, Group]] = set()
        for place in chosen:
            stems = self._stems_of[place]
            for group in self._groups_at[place]:
                widest = stems[0]
                for stem in stems[1:]:
                    inside = any(stem[:length] in bounds for length in _STEM_LENGTHS if length <= len(stem))
                    if not inside or chosen_under[group][stem] != self._places_under[group][stem]:
                        break
                    widest = stem
                targets.add((widest, group))
        return tuple(_address(AreaCode(stem.ljust(12, "0")), group) for stem, group in sorted(targets))

    def _count(self, places: Iterable[AreaCode]) -> dict[Group, Counter[str]]:
        """How many of the places have terminals of a group under each stem."""
        counts: dict[Group, Counter[str]] = {}
        for place in places:
            for group in self._groups_at[place]:
                counts.setdefault(group, Counter()).update(self._stems_of[place])
        return counts

    # ---- names ----

    def name_of(self, area: AreaCode) -> str:
        """What people call an area; its code where the inventory has no name."""
        return self._names.get(area, str(area))

    def areas_named(self, name: str) -> tuple[AreaCode, ...]:
        """Every area of this name: villages of different towns may share one."""
        return tuple(self._by_name.get(name.strip(), ()))


def outermost(areas: Iterable[AreaCode]) -> list[AreaCode]:
    """The areas without repetitions and without those that another one encloses, sorted."""
    found: list[AreaCode] = []
    stem = None
    for area in sorted(set(areas)):  # an enclosing area ends in zeros, so it comes before what it encloses
        if stem is None or not area.startswith(stem):
            found.append(area)
            stem = area.stem
    return found


def _range(codes: list[str], area: AreaCode) -> tuple[int, int]:
    """Where the codes inside an area begin and end in a sorted list."""
    stem = area.stem
    return bisect_left(codes, stem), bisect_left(codes, stem + _AFTER_DIGITS)


def _address(area: AreaCode, group: Group) -> ResourceCode:
    level, kind = group
    return ResourceCode(f"{level}{area}{kind}00")


def _adapters_by_stem(adapters: Iterable[Device]) -> dict[str, ResourceCode]:
    """The first adapter, by code, of each area."""
    found: dict[str, ResourceCode] = {}
    for adapter in sorted(adapters, key=lambda each: each.code):
        found.setdefault(adapter.code.area.stem, adapter.code)
    return found
