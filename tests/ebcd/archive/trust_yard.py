"""Security modules of a yard full of devices, their certificate authority, and a daemon that sends them lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from devices.link import Command, DeviceState, Event, Heartbeat, LinkCapabilities, LinkStatus, Path
from devices.maintenance import UNASKED, Authorise, Configured, PassedOn
from devices.roster import Device, DeviceKind, Roster
from ebcd.archive import Archive, Record
from ebcd.archive.courier import Courier, CourierDoors
from ebcd.archive.distribution import Authority, Distribution, TrustPlan
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.rollout import Change, Order
from ebcd.archive.stages import StageRule, Stages
from ebcd.health import HealthBook, ways_of
from ebcd.inventory import Inventory
from ebcd.signing import TrustStore
from protocols.authorisation import Authorisation
from protocols.codes import ResourceCode
from protocols.signature import AuthorisationList, number_text
from tests.ebcd.archive.shelf import Shelf
from tests.ebcd.county import VILLAGE_A1, VILLAGE_A2, Room, adapter, control_room, terminal
from tests.ebcd.signing.authority import OTHER, ROOT
from tests.ebcd.signing.authority import Authority as Management

US = OTHER
ADAPTER, THEIR_ADAPTER = adapter(VILLAGE_A1), adapter(VILLAGE_A2)
HORNS = tuple(terminal(VILLAGE_A1, n) for n in range(1, 13))
BEHIND = tuple(terminal(VILLAGE_A2, n) for n in range(1, 4))
ON_AIR = terminal(VILLAGE_A1, 90)


def module(code: ResourceCode) -> bytes:
    """The number of a device's security module in these tests: made of its code."""
    return bytes.fromhex(f"2048{code[9:15]}{code[21:]}")


@dataclass
class Modules:
    """Security modules of many devices behind one link; each keeps its newest list as real ones do. `deaf` answer
    nothing, `mute` act and say nothing."""

    name: str
    path: Path
    sink: Callable[[Event], None] = print
    lists: dict[str, Authorisation] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    told: list[Authorise] = field(default_factory=list)
    capabilities: LinkCapabilities = field(default_factory=lambda: LinkCapabilities(True, True, 255))

    async def run(self) -> None:
        """Answers at once."""

    def status(self) -> LinkStatus:
        """Up."""
        return LinkStatus(True, "", 0, 0, 1, 0)

    def offer(self, command: Command) -> None:
        """Every member, or every terminal behind the members, takes its own list."""
        if not isinstance(command, Authorise):
            return
        self.told.append(command)
        soon = asyncio.get_running_loop().call_soon
        for code in command.members:
            if code in self.deaf:
                continue
            result = 0 if command.targets else self._take(code, command)
            if self.path is Path.FM:
                soon(self.sink, PassedOn(self.name, command.token))
            else:
                soon(self.sink, Configured(self.name, code, command.token, result, "older" if result else ""))
            for behind in command.targets:
                result = self._take(behind, command)
                if behind not in self.mute:
                    soon(self.sink, Configured("returns", behind, UNASKED, result, ""))

    def _take(self, code: str, command: Authorise) -> int:
        mine = self.lists.setdefault(code, Authorisation(module(ResourceCode(code))))
        for data in command.lists:
            listed = AuthorisationList.decode(data)
            verdict = mine.judge(listed)
            if verdict.value == "newer":
                mine.apply(listed)
            elif verdict.value not in ("same", "foreign"):
                return 52
        return 0

    def serial(self, code: str) -> int | None:
        """Of the list that a device has."""
        current = self.lists[code].current if code in self.lists else None
        return None if current is None else current.serial


@dataclass
class Yard:
    """Horns on their own sockets, an adapter with three behind it, one that only hears FM; and their authority."""

    room: Room
    ca: Management
    ip: Modules
    behind: Modules
    fm: Modules
    distribution: Distribution
    stages: Stages
    busy: list[bool]
    counted: list[str]

    async def plan(self, *codes: ResourceCode, extra: tuple[str, ...] = ()) -> TrustPlan:
        """What would go out."""
        return await self.distribution.plan(codes, extra)

    async def open(self, *codes: ResourceCode, extra: tuple[str, ...] = ()) -> Change:
        """Shown and confirmed."""
        shown = await self.plan(*codes, extra=extra)
        order = Order(trust=shown.digest, certificates=extra)
        plan = await self.distribution.checked(codes, extra, order.trust)
        return self.stages.open(order, codes, "chen", plan)

    def facts(self, kind: str) -> list[Any]:
        """Payloads."""
        return [event.payload for event in self.room.journal.events if event.kind == kind]

    def results(self) -> dict[str, str]:
        """Outcome by device, the latest."""
        return {code: out for fact in self.facts("device.authorised") for code, _, out, _ in fact["results"]}


def devices() -> list[Device]:
    """Everybody of the yard."""
    return [
        Device(DeviceKind.ADAPTER, ADAPTER, "", "", "10.0.0.1", 8799),
        Device(DeviceKind.ADAPTER, THEIR_ADAPTER, "", "", "10.0.0.2", 8799),
        *(Device(DeviceKind.TERMINAL, code, "", "", paths=(Path.IP,)) for code in HORNS),
        *(Device(DeviceKind.TERMINAL, code, "", "", paths=(Path.ADAPTER,)) for code in BEHIND),
        Device(DeviceKind.TERMINAL, ON_AIR, "", "", paths=(Path.FM,)),
    ]


@asynccontextmanager
async def yard(folder: File) -> AsyncIterator[Yard]:
    """All of them speak but the FM one, which never does."""
    ca = Management(folder)
    ca.issue(US)
    everybody = (ADAPTER, THEIR_ADAPTER, *HORNS, *BEHIND, ON_AIR)
    records = {code: Record(certificate=number_text(module(code))) for code in everybody}
    async with control_room() as room:
        room.inventory.become(Inventory(Roster.of(devices()), {}, Archive(records)))
        paths = {"ip": Path.IP, "adapters": Path.ADAPTER, "fm": Path.FM}
        health = HealthBook(ways_of(room.inventory, paths, dict.fromkeys(Path, 15.0), 60.0))
        for code in everybody[:-1]:
            path = Path.IP if code in HORNS else Path.ADAPTER
            health.observe(Heartbeat(path.value, code, "", DeviceState.IDLE, False), path, 1.0, 1.0)
        ip, behind = Modules("ip", Path.IP), Modules("adapters", Path.ADAPTER)
        fm = Modules("fm", Path.FM)
        links = {Path.IP: [ip], Path.ADAPTER: [behind], Path.FM: [fm]}
        enquiries = Enquiries(links, room.inventory.roster, health, room.inventory.adapter_of)
        ip.sink = behind.sink = fm.sink = enquiries.observe
        book, enter = room.core.state.devices, room.core.ledger.enter
        authority = Authority(lambda: TrustStore.load(folder, [ROOT], US), frozenset([ROOT]), US)
        distribution = Distribution(authority, room.inventory, enquiries, book.lists, has_fm=True)
        busy, counted = [False], list[str]()
        doors = CourierDoors(enter, room.core.ledger.mark, lambda: busy[0], counted.append, room.clock)
        courier = Courier(enquiries, doors)
        roster, rule = room.inventory.roster, StageRule(0.1, 100.0)
        images = Shelf(room.clock).images
        stages = Stages(book.rollout, enquiries, roster, enter, lambda: busy[0], room.clock, rule, courier, images)
        running = asyncio.ensure_future(stages.run())
        await asyncio.sleep(0)
        try:
            yield Yard(room, ca, ip, behind, fm, distribution, stages, busy, counted)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def lists_for(ca: Management, codes: tuple[ResourceCode, ...], serial: int, *numbers: bytes) -> None:
    """A list of that serial for each of them, with us on it."""
    for code in codes:
        ca.list_for(module(code), serial, US, *numbers)
