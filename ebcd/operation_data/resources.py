"""Our resources as records of the Info types (GD/J 083; platform digest 3.6-3.10). Pure: inventory in, records out.

The county's head-ends are stations (台站/前端): one for each adapter and transmitter, by its code with sub-type 01
(GD/J 080 table 5). Where that is switched off, adapters and transmitters belong to no station.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import orjson

from devices.roster import Device, DeviceKind
from ebcd.inventory import Inventory
from ebcd.operation_data.kinds import Subject
from protocols.codes import ResourceCode
from protocols.ebd import reports as r

DIGEST_BYTES = 8
DECIMALS_MAX = 6
STATION_SUFFIX = "0101"
SYNC, DELETE = "Sync", "Delete"
_DEGREES = re.compile(r"-?\d{1,3}(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Owner:
    """Our own platform. Texts as people wrote them; degrees in decimals."""

    code: ResourceCode
    name: str
    url: str = ""
    address: str = ""
    contact: str = ""
    phone: str = ""
    longitude: str = ""
    latitude: str = ""


@dataclass(frozen=True, slots=True)
class Particulars:
    """What the equipment archive knows of one device beyond the inventory's own columns; "" and None for unknown.

    `vendor`: elements that only go into Params of adapters and terminals (platform digest 3.8, 3.10).
    """

    longitude: str = ""
    latitude: str = ""
    address: str = ""
    contact: str = ""
    phone: str = ""
    population: int | None = None  # people whom it reaches
    power_w: int | None = None
    backup: bool | None = None
    auto_switch: bool | None = None
    remote_control: bool | None = None
    vendor: Mapping[str, str] = field(default_factory=dict)


NOTHING_MORE = Particulars()
ParticularsOf = Callable[[ResourceCode], Particulars]


def degrees(written: str) -> str:
    """Longitude or latitude as the interface has it: at most 3 digits before and 6 after the point (platform digest
    3.6); empty for anything that is no such number."""
    if _DEGREES.fullmatch(written.strip()) is None:
        return ""
    whole, point, decimals = written.strip().partition(".")
    return whole + point + decimals[:DECIMALS_MAX]


def digest(record: Any) -> str:
    """What tells two versions of a record apart; its time does not count."""
    content = orjson.dumps(replace(record, rpt_time=0), option=orjson.OPT_SORT_KEYS)
    return blake2b(content, digest_size=DIGEST_BYTES).hexdigest()


class Resources:
    """Records by subject and code, from the inventory as it is now."""

    def __init__(
        self,
        owner: Owner,
        inventory: Inventory,
        particulars: ParticularsOf = lambda code: NOTHING_MORE,
        *,
        stations: bool = True,
    ) -> None:
        self.owner = owner
        self._inventory = inventory
        self._particulars = particulars
        self._stations = stations
        self._listed: tuple[object, dict[Subject, dict[str, Device | None]]] | None = None

    def codes(self, subject: Subject) -> tuple[str, ...]:
        """Every resource of a kind, in the order of the inventory."""
        return tuple(self._devices(subject))

    def has(self, subject: Subject, code: str) -> bool:
        """Whether there is such a resource."""
        return code in self._devices(subject)

    def record(self, subject: Subject, code: str, at: int) -> Any | None:
        """One resource; None for one that is not there (any more). `at`: its RptTime, UTC seconds."""
        devices = self._devices(subject)
        if code not in devices:
            return None
        device = devices[code]
        if device is None:
            return self._platform(at)
        match subject:
            case Subject.STATION:
                return self._station(code, device, at)
            case Subject.ADAPTER:
                return self._adapter(device, at)
            case Subject.TRANSMITTER:
                return self._transmitter(device, at)
            case _:
                return self._terminal(device, at)

    def station_of(self, code: ResourceCode) -> str | None:
        """The head-end that an adapter or transmitter belongs to."""
        station = f"{code[: -len(STATION_SUFFIX)]}{STATION_SUFFIX}"
        return station if self._stations and station != self.owner.code else None

    def name_of(self, code: str) -> str:
        """What people call a device."""
        device = self._inventory.roster.by_code(code)
        return device.name if device else ""

    def frequency_khz(self, code: str) -> int:
        """A transmitter's carrier; 0 for anything else."""
        device = self._inventory.roster.by_code(code)
        return device.frequency_khz if device else 0

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _devices(self, subject: Subject) -> dict[str, Device | None]:
        roster = self._inventory.roster
        key = (roster.adapters, roster.terminals, roster.transmitters)
        known = self._listed
        if known is None or not all(one is other for one, other in zip(known[0], key, strict=True)):  # type: ignore[call-overload]
            listed: dict[Subject, dict[str, Device | None]] = {
                Subject.PLATFORM: {str(self.owner.code): None},
                Subject.ADAPTER: {str(each.code): each for each in roster.adapters},
                Subject.TRANSMITTER: {str(each.code): each for each in roster.transmitters},
                Subject.TERMINAL: {str(each.code): each for each in roster.terminals},
            }
            listed[Subject.STATION] = self._head_ends((*roster.adapters, *roster.transmitters))
            self._listed = known = (key, listed)
        return known[1][subject]

    def _head_ends(self, devices: Iterable[Device]) -> dict[str, Device | None]:
        found: dict[str, Device | None] = {}
        for device in devices:
            if (station := self.station_of(device.code)) is not None:
                found.setdefault(station, device)
        return found

    def _platform(self, at: int) -> r.PlatformInfo:
        me = self.owner
        return r.PlatformInfo(
            at,
            me.code,
            name=me.name,
            address=me.address,
            contact=me.contact,
            phone_number=me.phone,
            longitude=degrees(me.longitude),
            latitude=degrees(me.latitude),
            url=me.url,
        )

    def _station(self, code: str, device: Device, at: int) -> r.StationInfo:
        known = self._particulars(device.code)
        place = self._inventory.name_of(device.code.area)
        return r.StationInfo(
            at,
            code,
            platform=self.owner.code,
            name=place if place != device.code.area else device.name,
            address=known.address,
            contact=known.contact,
            phone_number=known.phone,
            longitude=degrees(known.longitude),
            latitude=degrees(known.latitude),
        )

    def _adapter(self, device: Device, at: int) -> r.AdapterInfo:
        known = self._particulars(device.code)
        return r.AdapterInfo(
            at,
            device.code,
            platform=self.owner.code,
            station=self.station_of(device.code),
            name=device.name,
            longitude=degrees(known.longitude),
            latitude=degrees(known.latitude),
            vendor=_vendor(known),
        )

    def _transmitter(self, device: Device, at: int) -> r.BroadcastDeviceInfo:
        known = self._particulars(device.code)
        radio = r.RadioParams(
            channel_name=device.name,
            frequency_hz=device.frequency_khz * 1000 if device.frequency_khz else None,
            power_w=known.power_w,
            backup=_flag(known.backup),
            auto_switch=_flag(known.auto_switch),
            remote_control=_flag(known.remote_control),
        )
        return r.BroadcastDeviceInfo(
            at,
            device.code,
            platform=self.owner.code,
            station=self.station_of(device.code),
            name=device.name,
            longitude=degrees(known.longitude),
            latitude=degrees(known.latitude),
            area_codes=(device.code.area,),
            population_10k=known.population / 10_000 if known.population is not None else None,
            language_code="zho",
            radio=radio if device.kind is DeviceKind.TRANSMITTER else None,
        )

    def _terminal(self, device: Device, at: int) -> r.TerminalInfo:
        known = self._particulars(device.code)
        return r.TerminalInfo(
            at,
            device.code,
            platform=self.owner.code,
            name=device.name,
            longitude=degrees(known.longitude),
            latitude=degrees(known.latitude),
            vendor=_vendor(known),
        )


def _flag(known: bool | None) -> int | None:
    """1 for yes, 2 for no (platform digest 3.9)."""
    return None if known is None else 1 if known else 2


def _vendor(known: Particulars) -> tuple[r.VendorParameter, ...]:
    return tuple(r.VendorParameter(name, text) for name, text in known.vendor.items())


def deleted(subject: Subject, code: str, at: int) -> Any:
    """The record of a resource that is no more: with Delete only its code counts (platform digest 3.6)."""
    makers: dict[Subject, Callable[..., Any]] = {
        Subject.PLATFORM: r.PlatformInfo,
        Subject.STATION: r.StationInfo,
        Subject.ADAPTER: r.AdapterInfo,
        Subject.TRANSMITTER: r.BroadcastDeviceInfo,
    }
    return makers[subject](at, code, DELETE)
