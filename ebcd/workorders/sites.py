"""Where devices stand and what they share: the ground on which causes are looked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from devices.link import Path
from ebcd.archive.record import EMPTY, Record
from ebcd.health import Ways
from ebcd.inventory import Inventory
from protocols.codes import AreaCode, ResourceCode

COUNTY_DIGITS, TOWN_DIGITS = 6, 9
NO_RECORDS: Mapping[ResourceCode, Record] = MappingProxyType({})
ON_CARDS = frozenset({Path.CELLULAR, Path.MQTT})
"""Paths that need a SIM card."""


@dataclass(frozen=True, slots=True)
class Site:
    """One device that can be heard. `feeder` and `sim_batch` are names from the archive, empty where it has none;
    `sim_expiry`: the first day on which nobody need wonder that its card is dead."""

    code: ResourceCode
    place: AreaCode
    paths: frozenset[Path]
    period_s: float
    feeder: str = ""
    sim_batch: str = ""
    sim_expiry: date | None = None

    @property
    def town(self) -> AreaCode:
        """The town around it."""
        return AreaCode(self.place[:TOWN_DIGITS].ljust(12, "0"))

    @property
    def county(self) -> AreaCode:
        """The county around it."""
        return AreaCode(self.place[:COUNTY_DIGITS].ljust(12, "0"))


class Sites:
    """All sites, and who shares what."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self.by_code = {site.code: site for site in sites}
        self.at_place: dict[AreaCode, list[Site]] = {}
        self.on_feeder: dict[str, list[Site]] = {}
        self.of_batch: dict[str, list[Site]] = {}
        self.in_town: dict[tuple[AreaCode, Path], list[Site]] = {}
        self.around: dict[AreaCode, list[Site]] = {}  # counties first, then towns
        for site in self.by_code.values():
            self.at_place.setdefault(site.place, []).append(site)
            if site.feeder:
                self.on_feeder.setdefault(site.feeder, []).append(site)
            if site.sim_batch:
                self.of_batch.setdefault(site.sim_batch, []).append(site)
            if len(site.paths) == 1:
                self.in_town.setdefault((site.town, next(iter(site.paths))), []).append(site)
        for site in self.by_code.values():
            self.around.setdefault(site.county, []).append(site)
        for site in self.by_code.values():
            self.around.setdefault(site.town, []).append(site)


def sites_of(inventory: Inventory, ways: Ways, records: Mapping[ResourceCode, Record] = NO_RECORDS) -> Sites:
    """The sites of an inventory's devices, with what the archive knows of their cables and cards. Cards of no known
    batch that end on one day were bought together."""
    found = []
    for code, way in ways.devices.items():
        if way.period_s is not None:
            place, record = inventory.place_of(code) or code.area, records.get(code, EMPTY)
            batch = record.batch or (record.sim_expiry.isoformat() if record.sim_expiry else "")
            found.append(Site(code, place, way.paths, way.period_s, record.feeder, batch, record.sim_expiry))
    return Sites(found)
