"""A village of thirty horns on one link that do as they are, for tests of drift and of changes in stages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from devices.link import Command, DeviceState, Event, Heartbeat, LinkCapabilities, LinkStatus, Path
from devices.maintenance import Air as Said
from devices.maintenance import AskValues, Configure, Configured, Firmware, Told, ValuesTold
from devices.roster import Device, DeviceKind, Roster
from ebcd.archive import Archive, Record
from ebcd.archive.beats import Beats
from ebcd.archive.courier import Courier, CourierDoors
from ebcd.archive.drift import Drift
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.rollout import Change
from ebcd.archive.stages import StageRule, Stages
from ebcd.health import HealthBook, ways_of
from ebcd.inventory import Inventory
from ebcd.operator import Actor
from protocols.codes import ResourceCode
from protocols.fm.configuration import ScanList
from tests.ebcd.archive.shelf import Shelf
from tests.ebcd.county import VILLAGE_A1, Room, control_room, terminal

CHEN = Actor("chen", "uid")
HORNS = tuple(terminal(VILLAGE_A1, n) for n in range(1, 31))
ONE, TWO = HORNS[:2]


@dataclass
class Field:
    """Terminals on one link. `deaf` answer nothing, `stubborn` say yes and change nothing, `unwilling` say no,
    `silent_answers` do it and do not say so."""

    sink: Callable[[Event], None]
    values: dict[str, Told] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    stubborn: set[str] = field(default_factory=set)
    unwilling: set[str] = field(default_factory=set)
    silent_answers: set[str] = field(default_factory=set)
    told: list[tuple[str, Command]] = field(default_factory=list)
    restart_s: float = 0.0
    name: str = "ip"
    path: Path = Path.IP
    capabilities: LinkCapabilities = field(default_factory=lambda: LinkCapabilities(True, True, 255))

    async def run(self) -> None:
        """Answers at once."""

    def status(self) -> LinkStatus:
        """Up."""
        return LinkStatus(True, "", 0, 0, 1, 0)

    def offer(self, command: Command) -> None:
        """Each member does as it is."""
        loop = asyncio.get_running_loop()
        for code in command.members:
            if code in self.deaf:
                continue
            match command:
                case AskValues():
                    loop.call_soon(self.sink, ValuesTold("ip", code, self.values[code]))
                case Configure() | Firmware():
                    self.told.append((code, command))
                    result = 54 if code in self.unwilling else 0
                    if not result and code not in self.stubborn:
                        loop.call_later(self.restart_s, self._take, code, command)
                    if code not in self.silent_answers:
                        loop.call_soon(self.sink, Configured("ip", code, command.token, result, ""))

    def _take(self, code: str, command: Configure | Firmware) -> None:
        known = self.values[code]
        if isinstance(command, Firmware):
            self.values[code] = replace(known, software=command.new_version)
            return
        given = command.given
        self.values[code] = replace(
            known,
            volume=known.volume if given.volume is None else given.volume,
            return_to=known.return_to if given.return_to is None else str(given.return_to),
        )


@dataclass
class Air(Field):
    """A transmitter: whoever is not deaf to it takes the scan list, and nobody answers."""

    name: str = "fm"
    path: Path = Path.FM
    horns: dict[str, Told] = field(default_factory=dict)

    def offer(self, command: Command) -> None:
        """Some seconds later it has been heard."""
        assert isinstance(command, Said)
        assert isinstance(command.content, ScanList)
        self.told.append(("", command))
        carriers = tuple(each.frequency_khz for each in command.content.entries)
        for code in set(command.members) - self.deaf:
            heard = replace(self.horns[code], command_khz=carriers[0], scan_khz=carriers)
            asyncio.get_running_loop().call_later(9.0, self.horns.__setitem__, code, heard)


@dataclass
class Yard:
    """A village of thirty horns, and who looks after them."""

    room: Room
    field: Field
    air: Air
    inventory: Inventory
    enquiries: Enquiries
    drift: Drift
    stages: Stages
    busy: list[bool]
    shelf: Shelf
    settled: list[Change]

    def facts(self, kind: str) -> list[Any]:
        """Payloads."""
        return [event.payload for event in self.room.journal.events if event.kind == kind]


def courier(room: Room, enquiries: Enquiries) -> Courier:
    """Who would carry lists, if there were any."""
    doors = CourierDoors(room.core.ledger.enter, room.core.ledger.mark, lambda: False, lambda _act: None, room.clock)
    return Courier(enquiries, doors)


@asynccontextmanager
async def yard(*silent: ResourceCode, within_s: float = 900.0) -> AsyncIterator[Yard]:
    """Everybody has volume 60 and reports to the right place; `silent` were never heard."""
    devices = [Device(DeviceKind.TERMINAL, code, "", "", paths=(Path.IP,)) for code in HORNS]
    records = {code: Record(volume=60, return_to="10.1.1.9:8889") for code in HORNS}
    async with control_room() as room:
        room.inventory.become(Inventory(Roster.of(devices), {}, Archive(records)))
        health = HealthBook(ways_of(room.inventory, {"ip": Path.IP}, dict.fromkeys(Path, 15.0), 60.0))
        for code in HORNS:
            if code not in silent:
                health.observe(Heartbeat("ip", code, "", DeviceState.IDLE, False), Path.IP, 1.0, 1.0)
        told: list[Event] = []
        field_ = Field(told.append, {c: Told(volume=60, return_to="10.1.1.9:8889", software="00010000") for c in HORNS})
        air = Air(told.append, horns=field_.values)
        enquiries = Enquiries(
            {Path.IP: [field_], Path.FM: [air]}, room.inventory.roster, health, room.inventory.adapter_of
        )
        field_.sink = enquiries.observe
        enter, busy = room.core.ledger.enter, [False]
        book = room.core.state.devices.rollout
        shelf = Shelf(room.clock)
        rule = StageRule(0.1, within_s)
        carrier, roster = courier(room, enquiries), room.inventory.roster
        settled: list[Change] = []

        async def settle(change: Change) -> None:
            settled.append(change)

        doors = (enter, lambda: busy[0], room.clock, rule, carrier, shelf.images, settle)
        stages = Stages(book, enquiries, roster, *doors)
        drift = Drift(room.inventory, enquiries, enter, room.clock, Beats(room.inventory.roster, room.clock, 60.0))
        running = asyncio.ensure_future(stages.run())
        await asyncio.sleep(0)
        try:
            yield Yard(room, field_, air, room.inventory, enquiries, drift, stages, busy, shelf, settled)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
