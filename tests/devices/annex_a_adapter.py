"""A head-end adapter for tests of the adapter link: listens, answers as it is told to, reports."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import cast

from devices.adapter_tcp import AdapterTcp, AdapterTcpConfig
from devices.link import Event
from devices.ports import Clock, ReadSound, Sign, no_sounds
from devices.roster import Device, Roster
from protocols import adapter as a
from protocols.codes import ResourceCode
from tests.devices.commands import CountingSigner, Events, adapter_code, adapter_device, ports
from tests.devices.memory_network import MemoryNetwork

CONFIG = AdapterTcpConfig("adapters")

Reply = Callable[[a.AdapterFrame], a.Message | None]


@dataclass
class Station:
    """One adapter. `reply` makes the answer, signed by `sign`; None is silence. `raw` and `delay_s` come before it."""

    code: ResourceCode
    reply: Reply
    delay_s: float = 0.0
    closes: bool = False
    heard: list[a.AdapterFrame] | None = None
    raw: bytes = b""
    sign: Sign | None = None

    @property
    def messages(self) -> list[a.Message]:
        """What it was told."""
        return [frame.message for frame in self.heard or []]


class StationConnection(asyncio.Protocol):
    """One connection to a station."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._deframer = a.Deframer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for item in self._deframer.feed(data):
            assert isinstance(item, a.AdapterFrame)
            self._station.heard = [*(self._station.heard or []), item]
            asyncio.get_running_loop().call_later(self._station.delay_s, self._answer, item)

    def _answer(self, frame: a.AdapterFrame) -> None:
        assert self._transport is not None
        if self._station.closes:
            self._transport.close()
            return
        message = self._station.reply(frame)
        said = a.encode(message, sign=self._station.sign) if message is not None else b""
        if not self._transport.is_closing():
            self._transport.write(self._station.raw + said)


def usual(code: ResourceCode) -> Reply:
    """Answers as the standard has it."""

    def reply(frame: a.AdapterFrame) -> a.Message | None:
        match frame.message:
            case a.StartBroadcast(ebm_id=ebm_id) | a.StopBroadcast(ebm_id=ebm_id):
                return a.StartAnswer(code, ebm_id)
            case a.QueryRecords():
                return a.Records(code, ())
            case _:
                return a.GeneralAnswer()

    return reply


class Reporter(asyncio.Protocol):
    """A short connection of an adapter to the report port."""

    def __init__(self) -> None:
        self.replies: list[a.AdapterFrame | a.BadFrame] = []
        self.lost = asyncio.Event()
        self.transport: asyncio.BaseTransport | None = None
        self._deframer = a.Deframer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.replies += self._deframer.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@dataclass
class County:
    """A running adapter link and its stations, numbered from 1."""

    link: AdapterTcp
    events: Events
    sign: CountingSigner
    network: MemoryNetwork
    stations: dict[int, Station]
    roster: Roster
    running: asyncio.Task[None]

    def told(self, *kinds: type) -> list[Event]:
        """Events of these kinds."""
        return self.events.of(*kinds)

    async def report(self, data: bytes) -> Reporter:
        """Connect to the report port, send, and wait a moment."""
        transport, reporter = await self.network.connect(Reporter, CONFIG.report_host, CONFIG.report_port)
        transport.write(data)
        await settle()
        return reporter


async def settle() -> None:
    """Let everything that is ready happen, timers of zero included."""
    await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def county(
    clock: Clock,
    rng: random.Random,
    adapters: int = 1,
    config: AdapterTcpConfig = CONFIG,
    extra: tuple[Device, ...] = (),
    read_sound: ReadSound = no_sounds,
) -> AsyncIterator[County]:
    """A link that runs until the block ends, with `adapters` obedient stations."""
    network, events, sign = MemoryNetwork(), Events(), CountingSigner(clock)
    devices = [adapter_device(number) for number in range(1, adapters + 1)]
    stations = {n: Station(adapter_code(n), usual(adapter_code(n))) for n in range(1, adapters + 1)}
    for number, device in enumerate(devices, 1):
        network.listeners[device.host, device.port] = lambda n=number: StationConnection(stations[n])  # type: ignore[misc]
    roster = Roster.of([*devices, *extra])
    doors = replace(ports(clock, network, rng, sign), read_sound=read_sound)
    link = AdapterTcp(config, doors, events.sink, roster)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        await settle()
        try:
            yield County(link, events, sign, network, stations, roster, running)
        finally:
            running.cancel()
            await settle()
