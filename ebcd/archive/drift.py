"""Drift: what devices answer against what the archive says they should be set to. Shown, and mended by one command."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devices.maintenance import Given, HostPort, Told
from devices.ports import Clock
from devices.roster import Device
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.history import device_set
from ebcd.archive.record import Record
from ebcd.inventory import Inventory
from ebcd.operator import Actor
from protocols import terminal
from protocols.codes import AreaCode, ResourceCode

IDS = (
    terminal.VOLUME,
    terminal.LOCAL_ADDRESS,
    terminal.RETURN_ADDRESS,
    terminal.RESOURCE_CODE,
    terminal.PHYSICAL_ADDRESS,
    terminal.FM_SCAN_LIST,
    terminal.CURRENT_FM,
)
"""What is asked for; a terminal leaves out what it does not have (GD/J 089 table E.5)."""
MENDABLE = frozenset({"volume", "return_to", "code"})
"""What 0x12 can set. It has no parameter for an FM frequency, and a physical address never changes."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One value that is other than it should be."""

    name: str
    wanted: str
    told: str
    mendable: bool


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One device. `state`: "sound", "drift", "no_answer" (asked in vain), "unasked" (it does not speak, or its protocol
    cannot be asked from here)."""

    code: str
    name: str
    state: str
    address: str
    deviations: tuple[Deviation, ...]


def deviations(device: Device, record: Record, told: Told) -> tuple[Deviation, ...]:
    """Compare; what either side does not say is no deviation."""
    pairs = [
        ("code", str(device.code), told.code),
        ("phys", device.phys or None, told.phys),
        ("volume", record.volume, told.volume),
        ("return_to", record.return_to or None, told.return_to),
        ("frequency_khz", record.frequency_khz, told.command_khz),
    ]
    found = [
        Deviation(name, str(wanted), str(value), name in MENDABLE)
        for name, wanted, value in pairs
        if wanted is not None and value is not None and wanted != value
    ]
    if record.frequency_khz and told.scan_khz and record.frequency_khz not in told.scan_khz:
        scanned = ", ".join(str(each) for each in told.scan_khz)
        found.append(Deviation("scan_khz", str(record.frequency_khz), scanned, mendable=False))
    return tuple(found)


class Drift:
    """Asks, compares, mends."""

    def __init__(self, inventory: Inventory, enquiries: Enquiries, enter: Callable[..., None], clock: Clock) -> None:
        self._inventory = inventory
        self._enquiries = enquiries
        self._enter = enter
        self._clock = clock

    async def look(self, areas: Iterable[AreaCode]) -> tuple[DriftRow, ...]:
        """Ask every terminal of the areas now."""
        return await self.look_at([t.code for t in self._inventory.terminals_in(areas)])

    async def look_at(self, codes: Iterable[ResourceCode]) -> tuple[DriftRow, ...]:
        """Ask these."""
        wanted = list(codes)
        routes = {code: self._enquiries.route(code) for code in wanted}
        asked = [code for code, route in routes.items() if route is not None and route.through is None]
        told = await self._enquiries.ask(asked, IDS)
        return tuple(self._row(code, told.get(code), code in set(asked)) for code in wanted)

    async def mend(self, codes: Iterable[ResourceCode], actor: Actor) -> tuple[DriftRow, ...]:
        """Set what deviates and can be set, ask again, and write down what came of it."""
        rows = await self.look_at(codes)
        groups: dict[Given, list[ResourceCode]] = {}
        for row in rows:
            given = self._given(row)
            if given is not None:
                groups.setdefault(given, []).append(ResourceCode(row.code))
        for given, members in groups.items():
            answers = await self._enquiries.configure(members, given)
            failed = [code for code in members if (answer := answers.get(code)) is None or answer.result]
            settings = settings_told(given)
            self._enter(device_set(members, settings, failed, "drift", self._clock.wall(), actor.name))
        return await self.look_at(ResourceCode(row.code) for row in rows) if groups else rows

    def _row(self, code: ResourceCode, told: Told | None, is_asked: bool) -> DriftRow:
        device = self._inventory.roster.by_code(code)
        name = device.name if device else ""
        if device is None or not is_asked:
            return DriftRow(code, name, "unasked", "", ())
        if told is None:
            return DriftRow(code, name, "no_answer", "", ())
        found = deviations(device, self._inventory.archive.of(code), told)
        return DriftRow(code, name, "drift" if found else "sound", told.address or "", found)

    def _given(self, row: DriftRow) -> Given | None:
        wanted = {each.name: each.wanted for each in row.deviations if each.mendable}
        if not wanted:
            return None
        device = self._inventory.roster.by_code(row.code)
        code = device.code if device and device.phys and "code" in wanted else None
        return Given(
            volume=int(wanted["volume"]) if "volume" in wanted else None,
            return_to=HostPort.parse(wanted["return_to"]) if "return_to" in wanted else None,
            code=code,
            phys=device.phys if device and code else "",
        )


def settings_told(given: Given) -> dict[str, object]:
    """Settings as the journal keeps them."""
    values = {
        "volume": given.volume,
        "return_to": given.return_to and str(given.return_to),
        "period_s": given.period_s,
        "code": given.code,
    }
    return {name: value for name, value in values.items() if value is not None}
