"""A village for tests of the archive: an adapter on sockets, terminals behind it, the links to them and who asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from devices.adapter_tcp import AdapterTcp, AdapterTcpConfig
from devices.link import Event, Link, Path
from devices.ports import Ports
from devices.roster import Device, DeviceKind, Roster
from devices.terminal_tcp import TerminalTcp, TerminalTcpConfig
from ebcd.archive import Archive, Record
from ebcd.archive.beats import Beats
from ebcd.archive.drift import Drift
from ebcd.archive.enquiry import Enquiries
from ebcd.health import HealthBook, ways_of
from ebcd.inventory import Inventory
from ebcd.world import SocketNetwork
from protocols.codes import ResourceCode
from simulators.adapter import Adapter
from simulators.adapter_station import AdapterPlace, AdapterStation
from simulators.fleet_log import FleetLog
from simulators.terminal import Terminal
from simulators.terminal_client import Pace
from simulators.terminal_shell import FleetDoors, TerminalShell
from simulators.trust import FrameReader
from tests.ebcd.county import PROVINCE, VILLAGE_A1, Room, adapter, control_room, terminal
from tests.ports import free_port
from tests.simulators.signing import ADAPTER_CERTIFICATE, key, signer, trust
from tests.simulators.test_terminal_client import Fetcher
from tests.virtual_time import VirtualClock

FRONT = adapter(VILLAGE_A1)
HORNS = tuple(terminal(VILLAGE_A1, n) for n in range(1, 4))
PERIOD_S = 10.0


@dataclass
class Village:
    """The daemon's side and the equipment's."""

    room: Room
    station: AdapterStation
    terminals: dict[ResourceCode, Terminal]
    enquiries: Enquiries
    drift: Drift
    reports: tuple[str, int]
    returns: tuple[str, int]
    events: list[Event]

    def facts(self, kind: str) -> list[Any]:
        """Payloads."""
        return [event.payload for event in self.room.journal.events if event.kind == kind]


@asynccontextmanager
async def village(
    clock: VirtualClock, *, asked: bool = True, frequency_khz: int | None = None
) -> AsyncIterator[Village]:
    """Everything as the archive says; `asked`: whether the link names where terminals return what they are asked."""
    control, reports, returns = [free_port() for _ in range(3)]
    to = f"127.0.0.1:{returns}"
    rows = [Device(DeviceKind.ADAPTER, FRONT, "C0", "front", "127.0.0.1", control)]
    rows += [Device(DeviceKind.TERMINAL, c, f"{n:012d}", "", paths=(Path.ADAPTER,)) for n, c in enumerate(HORNS)]
    records = dict.fromkeys(HORNS, Record(volume=60, return_to=to))
    records[FRONT] = Record(return_to=f"127.0.0.1:{reports}", frequency_khz=frequency_khz)
    async with control_room() as room, asyncio.TaskGroup() as group:
        room.inventory.become(Inventory(Roster.of(rows), {}, Archive(records)))
        health = HealthBook(ways_of(room.inventory, {"r": Path.ADAPTER}, dict.fromkeys(Path, PERIOD_S), PERIOD_S))
        ports = Ports(clock, random.Random(1), SocketNetwork(), lambda data: signer(clock.wall())(data))
        events: list[Event] = []
        listeners: list[Callable[[Event], None]] = [events.append]

        def sink(event: Event) -> None:
            for listener in listeners:
                listener(event)

        roster, inventory = room.inventory.roster, room.inventory
        to_adapters = AdapterTcpConfig("a", report_port=reports, heartbeat_s=PERIOD_S, returns_to=to if asked else "")
        line = TerminalTcpConfig("r", port=returns, path=Path.ADAPTER, commands=False)
        links: list[Link] = [AdapterTcp(to_adapters, ports, sink, roster), TerminalTcp(line, ports, sink, roster)]
        enquiries = Enquiries({Path.ADAPTER: links}, roster, health, inventory.adapter_of)
        beats = Beats(roster, clock, PERIOD_S)
        listeners += [
            enquiries.observe,
            beats.observe,
            lambda event: health.observe(event, Path.ADAPTER, clock.monotonic(), clock.wall()),
        ]
        station = _station(clock, control, reports, returns, group)
        drift = Drift(inventory, enquiries, room.core.ledger.enter, clock, beats)
        terminals = {shell.terminal.code: shell.terminal for shell in station.terminals}
        where = ("127.0.0.1", reports), ("127.0.0.1", returns)
        running = [group.create_task(each.run()) for each in links]
        await asyncio.sleep(0.1)
        running.append(group.create_task(station.run(0.0)))
        await asyncio.sleep(0.2)
        try:
            yield Village(room, station, terminals, enquiries, drift, *where, events)
        finally:
            for task in running:
                task.cancel()


def _station(clock: VirtualClock, control: int, reports: int, returns: int, group: asyncio.TaskGroup) -> AdapterStation:
    doors = FleetDoors(clock.wall, Fetcher(), group.create_task)
    log, believed = FleetLog(), trust(clock.wall)
    shells = [TerminalShell(Terminal(code, f"{n:012d}", PROVINCE, log), doors) for n, code in enumerate(HORNS)]
    for shell in shells:
        shell.terminal.set_return(("127.0.0.1", returns))
    unit = Adapter(FRONT, key(ADAPTER_CERTIFICATE), ADAPTER_CERTIFICATE, believed, clock.wall)
    unit.equipment.phys = "C0"
    place = AdapterPlace("127.0.0.1", control, ("127.0.0.1", reports), ("127.0.0.1", returns))
    return AdapterStation(unit, place, shells, FrameReader(believed), doors, Pace(PERIOD_S, 1.0), random.Random(1))
