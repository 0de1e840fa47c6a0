"""Where devices stand and what they share: the ground on which causes are looked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from devices.link import Path
from ebcd.health import Ways
from ebcd.inventory import Inventory
from protocols.codes import AreaCode, ResourceCode

TOWN_DIGITS = 9
NO_GROUPS: Mapping[ResourceCode, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Site:
    """One device that can be heard. `feeder` and `sim_batch` are names from the archive, empty where it has none."""

    code: ResourceCode
    place: AreaCode
    paths: frozenset[Path]
    period_s: float
    feeder: str = ""
    sim_batch: str = ""

    @property
    def town(self) -> AreaCode:
        """The town around it."""
        return AreaCode(self.place[:TOWN_DIGITS].ljust(12, "0"))


class Sites:
    """All sites, and who shares what."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self.by_code = {site.code: site for site in sites}
        self.at_place: dict[AreaCode, list[Site]] = {}
        self.on_feeder: dict[str, list[Site]] = {}
        self.of_batch: dict[str, list[Site]] = {}
        self.in_town: dict[tuple[AreaCode, Path], list[Site]] = {}
        for site in self.by_code.values():
            self.at_place.setdefault(site.place, []).append(site)
            if site.feeder:
                self.on_feeder.setdefault(site.feeder, []).append(site)
            if site.sim_batch:
                self.of_batch.setdefault(site.sim_batch, []).append(site)
            if len(site.paths) == 1:
                self.in_town.setdefault((site.town, next(iter(site.paths))), []).append(site)


def sites_of(
    inventory: Inventory,
    ways: Ways,
    feeders: Mapping[ResourceCode, str] = NO_GROUPS,
    sim_batches: Mapping[ResourceCode, str] = NO_GROUPS,
) -> Sites:
    """The sites of an inventory's devices, with what the archive knows of their cables and cards."""
    found = []
    for code, way in ways.devices.items():
        if way.period_s is not None:
            place = inventory.place_of(code) or code.area
            found.append(Site(code, place, way.paths, way.period_s, feeders.get(code, ""), sim_batches.get(code, "")))
    return Sites(found)
