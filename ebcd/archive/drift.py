"""Drift: what devices answer against what the archive says they should be set to. Shown, and mended by one command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from devices.link import Path
from devices.maintenance import Channel, Given, HostPort, Told, has_volume
from devices.ports import Clock
from devices.roster import Device, DeviceKind
from ebcd.archive.beats import Beats
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
"""What 0x12 can set of a terminal, and 0x05 and 0x0D of an adapter. Neither annex sets an FM frequency, and a physical
address never changes."""
OVER_THE_AIR = frozenset({"frequency_khz", "scan_khz"})
"""What a transmitter can set of a terminal that listens to it (GD/J 085 clause 5.2.2)."""
CARRIERS_MAX = 5
"""Of a scan list; the standard advises about five."""
AIR_S = (8.0, 8.0, 8.0)
"""After a scan list terminals are asked so often and so late: three passes of a packet take some seconds each."""
SILENT = "silent"
"""What is told of the return address of an adapter that answers and whose heartbeats do not arrive."""
NOTHING_TOLD = Told()
BEAT_S = 20.0
"""An adapter that was told where to report to has so long to be heard there, before it is shown as it is."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One value that is other than it should be."""

    name: str
    wanted: str
    told: str
    mendable: bool


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One device. `state`: "sound", "drift", "no_answer" (asked in vain), "silent" (it has a way back and does not
    speak now), "unasked" (it cannot be asked where it is reached, or answered without a value).

    `channels`: of an adapter, outputs first."""

    code: str
    name: str
    state: str
    address: str
    deviations: tuple[Deviation, ...]
    channels: tuple[Channel, ...] = ()
    carriers_khz: tuple[int, ...] = ()
    """What a terminal's FM receiver listens to, the carrier of its commands first."""


def deviations(
    device: Device, record: Record, told: Told, transmitters_khz: Collection[int] = ()
) -> tuple[Deviation, ...]:
    """Compare; what either side does not say is no deviation. A carrier can be mended over the air, where the terminal
    listens to one of `transmitters_khz`, our own."""
    if device.kind is DeviceKind.ADAPTER:
        return _of_adapter(device, record, told)
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
        if wanted is not None
        and value is not None
        and wanted != value
        and not (name == "volume" and has_volume(told, record.volume or 0))
    ]
    if record.frequency_khz and told.scan_khz and record.frequency_khz not in told.scan_khz:
        scanned = ", ".join(str(each) for each in told.scan_khz)
        found.append(Deviation("scan_khz", str(record.frequency_khz), scanned, mendable=False))
    if Path.FM in device.paths and not set(heard_khz(told)).isdisjoint(transmitters_khz):
        found = [replace(each, mendable=each.mendable or each.name in OVER_THE_AIR) for each in found]
    return tuple(found)


def heard_khz(told: Told) -> tuple[int, ...]:
    """The carriers that a terminal listens to."""
    command = () if told.command_khz is None else (told.command_khz,)
    return tuple(dict.fromkeys((*command, *(told.scan_khz or ()))))


def _of_adapter(device: Device, record: Record, told: Told) -> tuple[Deviation, ...]:
    """The code it answers with, the carriers it sends on, its channels out of order, where its heartbeats go."""
    found = []
    if told.code is not None and told.code != device.code:
        found.append(Deviation("code", str(device.code), told.code, mendable=bool(device.phys)))
    if told.return_to is not None and record.return_to and told.return_to != record.return_to:
        found.append(Deviation("return_to", record.return_to, told.return_to, mendable=True))
    carriers = tuple(each.frequency_khz for each in told.outputs or () if each.frequency_khz)
    if record.frequency_khz and carriers and record.frequency_khz not in carriers:
        shown = ", ".join(str(each) for each in carriers)
        found.append(Deviation("frequency_khz", str(record.frequency_khz), shown, mendable=False))
    for name, channels in (("output", told.outputs), ("input", told.inputs)):
        broken = (each for each in channels or () if each.state == "fault")
        found += [Deviation(f"{name} {each.id} {each.kind}".rstrip(), "idle", each.state, False) for each in broken]
    return tuple(found)


class Drift:
    """Asks, compares, mends."""

    def __init__(
        self, inventory: Inventory, enquiries: Enquiries, enter: Callable[..., None], clock: Clock, beats: Beats
    ) -> None:
        self._inventory = inventory
        self._enquiries = enquiries
        self._enter = enter
        self._clock = clock
        self._beats = beats

    async def look(self, areas: Iterable[AreaCode]) -> tuple[DriftRow, ...]:
        """Ask every adapter and terminal of the areas now."""
        inside = tuple(areas)
        terminals = (terminal.code for terminal in self._inventory.terminals_in(inside))
        return await self.look_at([*self._inventory.adapters_in(inside), *terminals])

    async def look_at(self, codes: Iterable[ResourceCode]) -> tuple[DriftRow, ...]:
        """Ask these."""
        wanted = list(codes)
        asked = {code for code in wanted if self._enquiries.asks(code)}
        told = await self._enquiries.ask([code for code in wanted if code in asked], IDS)
        return tuple(self._row(code, told.get(code), code in asked) for code in wanted)

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
        await self._heard_again(code for given, members in groups.items() if given.return_to for code in members)
        tuned = await self._tune(rows, actor)
        return await self.look_at(ResourceCode(row.code) for row in rows) if groups or tuned else rows

    async def _tune(self, rows: Iterable[DriftRow], actor: Actor) -> bool:
        """Give terminals on another carrier a scan list that begins with theirs; whether there was any."""
        lists: dict[tuple[int, ...], list[ResourceCode]] = {}
        for row in rows:
            wanted = next((int(e.wanted) for e in row.deviations if e.name in OVER_THE_AIR and e.mendable), None)
            if wanted is not None:
                carriers = tuple(dict.fromkeys((wanted, *row.carriers_khz)))[:CARRIERS_MAX]
                lists.setdefault(carriers, []).append(ResourceCode(row.code))
        for carriers, members in lists.items():
            self._enquiries.tune(members, carriers)
        waiting = [code for members in lists.values() for code in members]
        for wait_s in AIR_S if waiting else ():
            await asyncio.sleep(wait_s)
            looked = await self.look_at(waiting)
            waiting = [ResourceCode(row.code) for row in looked if row.state != "sound"]
            if not waiting:
                break
        for carriers, members in lists.items():
            failed = [code for code in members if code in waiting]
            settings = {"scan_khz": ", ".join(str(each) for each in carriers)}
            self._enter(device_set(members, settings, failed, "drift", self._clock.wall(), actor.name))
        return bool(lists)

    async def _heard_again(self, codes: Iterable[ResourceCode]) -> None:
        """Wait for heartbeats of adapters that were told where to report to; who is not heard stays as it was."""
        silent = [code for code in codes if self._beats.is_silent(code)]
        try:
            async with asyncio.timeout(BEAT_S):
                await self._beats.heard_all(silent)
        except TimeoutError:
            return

    def _row(self, code: ResourceCode, told: Told | None, is_asked: bool) -> DriftRow:
        device = self._inventory.roster.by_code(code)
        name = device.name if device else ""
        if device is not None and not is_asked and self._is_silent(device):
            return DriftRow(code, name, "silent", "", ())
        if device is None or not is_asked or told == NOTHING_TOLD:
            return DriftRow(code, name, "unasked", "", ())
        if told is None:
            return DriftRow(code, name, "no_answer", "", ())
        if self._beats.is_silent(code):
            told = replace(told, return_to=SILENT)
        transmitters = {each.frequency_khz for each in self._inventory.roster.transmitters}
        found = deviations(device, self._inventory.archive.of(code), told, transmitters)
        channels = (*(told.outputs or ()), *(told.inputs or ()))
        return DriftRow(code, name, "drift" if found else "sound", told.address or "", found, channels, heard_khz(told))

    def _is_silent(self, device: Device) -> bool:
        """Whether it could be asked if it spoke: FM alone has no way back."""
        return not set(device.paths) <= {Path.FM} and self._enquiries.route(device.code) is None

    def _given(self, row: DriftRow) -> Given | None:
        wanted = {each.name: each.wanted for each in row.deviations if each.mendable and each.name in MENDABLE}
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
        "amplifier": None if given.amplifier is None else "on" if given.amplifier else "off",
        "network": given.network and str(given.network),
    }
    return {name: value for name, value in values.items() if value is not None}
