"""A county with one transmitter, horns that hear every bit of it, and the desk for orders over FM; in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from devices.fm_transmitter import FmTransmitter, FmTransmitterConfig
from devices.link import Event, Link, Path
from devices.maintenance import Air
from devices.ports import Ports
from devices.roster import Device, DeviceKind, Roster
from ebcd.airing.desk import AirDesk, AirDoors
from ebcd.archive.enquiry import Enquiries
from ebcd.health import HealthBook, ways_of
from ebcd.inventory import Inventory
from ebcd.operator import Actor
from protocols.codes import ResourceCode
from simulators.fm_air import Air as Ether
from simulators.fm_air import FmFaults
from simulators.fm_packets import PacketVerifier
from simulators.fm_receiver import FmReceiver
from tests.devices.fm_county import TRUSTED, sign_at
from tests.devices.memory_network import MemoryNetwork
from tests.ebcd.county import COUNTY, TOWN_A, VILLAGE_A1, VILLAGE_A2, Room, control_room, terminal

CHEN = Actor("chen", "uid")
TRANSMITTER = ResourceCode("43499010000000301010301")
PORT = 9000
NAMES = {TOWN_A: "甲镇", VILLAGE_A1: "一村", VILLAGE_A2: "二村"}


def phys_of(code: ResourceCode) -> str:
    """Twelve digits, of its village and number."""
    return f"20{code.area[6:]}{code[21:]}00"


@dataclass
class Mast:
    """What a test touches. `horns`: by the code that they were built with."""

    room: Room
    link: FmTransmitter
    desk: AirDesk
    horns: dict[ResourceCode, FmReceiver]
    network: MemoryNetwork
    log: list[tuple[str, ResourceCode]]
    enquiries: Enquiries

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """Payloads of facts of one kind."""
        return [dict(event.payload) for event in self.room.journal.events if event.kind == kind]

    def horn(self, serial: int = 4) -> FmReceiver:
        """One of the first village; the fourth of each hears FM only."""
        return self.horns[terminal(VILLAGE_A1, serial)]


def _paths(_village: str, serial: int) -> tuple[Path, ...]:
    return {3: (Path.IP, Path.FM), 4: (Path.FM,)}.get(serial, (Path.IP,))


@asynccontextmanager
async def mast(*, dead: bool = False, links: int = 1, **keys: object) -> AsyncIterator[Mast]:
    """Everything at work; `dead`: nobody listens at the transmitter; `links` 0: there is none."""
    async with control_room(_paths) as room:
        terminals = [replace(t, phys=phys_of(t.code)) for t in room.inventory.roster.terminals]
        transmitter = Device(DeviceKind.TRANSMITTER, TRANSMITTER, "", "", "10.0.0.9", PORT, (Path.FM,), 98_500)
        room.inventory.become(Inventory(Roster.of([*terminals, transmitter]), NAMES))
        network, log, verifier = MemoryNetwork(), list[tuple[str, ResourceCode]](), PacketVerifier()
        wall = room.clock.wall
        horns = {
            device.code: FmReceiver(
                device.code,
                TRUSTED,
                lambda code, _ebm: log.append(("begin", code)),
                lambda code, _ebm: log.append(("end", code)),
                wall=wall,
                verifier=verifier,
                phys=bytes.fromhex(device.phys),
            )
            for device in terminals
            if Path.FM in device.paths
        }
        ether = Ether(tuple(horns.values()), FmFaults(block_error_rate=0.0), 1)
        if not dead:
            await network.listen(lambda: _Exciter(ether), "10.0.0.9", PORT)
        health = HealthBook(ways_of(room.inventory, {"ip": Path.IP}, dict.fromkeys(Path, 60.0), 60.0))
        by_path: dict[Path, list[Link]] = {}
        enquiries = Enquiries(by_path, room.inventory.roster, health, room.inventory.adapter_of)
        heard: list[Callable[[Event], None]] = [room.following.take, enquiries.observe]

        def sink(event: Event) -> None:
            for each in heard:
                each(event)

        config = FmTransmitterConfig("fm", **({"clock_period_s": 0.0} | keys))  # type: ignore[arg-type]
        ports = Ports(room.clock, random.Random(1), network, lambda command: sign_at(wall(), command))
        link = FmTransmitter(config, ports, sink, room.inventory.roster)
        by_path[Path.FM] = serving = list[Link]([link] * links)
        room.core.links[Path.FM][:] = serving  # type: ignore[index]

        def air(name: str, command: Callable[[int], Air], wait_s: float) -> Awaitable[str]:
            return enquiries.air(command, wait_s, link=name)

        ledger = room.core.ledger
        doors = AirDoors(by_path[Path.FM], air, ledger.enter, ledger.mark, ledger.state, room.clock)
        running = [asyncio.ensure_future(link.run()), asyncio.ensure_future(_tick(ether))]
        await asyncio.sleep(0.1)
        try:
            yield Mast(room, link, AirDesk(room.inventory, COUNTY, doors), horns, network, log, enquiries)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


class _Exciter(asyncio.Protocol):
    def __init__(self, ether: Ether) -> None:
        self._ether = ether

    def data_received(self, data: bytes) -> None:
        self._ether.carry(data)


async def _tick(ether: Ether) -> None:
    while True:
        await asyncio.sleep(1.0)
        ether.tick()
