"""A FEFD terminal for tests of the listener: dials, registers, answers as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import cast

from devices.link import Event
from devices.ports import Clock, Network
from devices.roster import Device, Roster
from devices.terminal_tcp import TerminalTcp, TerminalTcpConfig
from protocols import terminal as t
from protocols.codes import ResourceCode
from protocols.terminal import Header
from tests.devices.commands import COUNTY_ADAPTER, CountingSigner, Events, adapter_device, phys_of, ports, terminal_code
from tests.devices.memory_network import MemoryNetwork, MemoryTransport

CONFIG = TerminalTcpConfig("ip", source=COUNTY_ADAPTER)


class Dialler(asyncio.Protocol):
    """One terminal. `results`: what it answers, per request; an empty list: silence. `leaves`: it hangs
    up when asked for anything."""

    def __init__(self, code: ResourceCode, phys: str, header: Header = Header.D) -> None:
        self.code = code
        self.phys = phys
        self.header = header
        self.results: list[int] | None = None
        self.leaves = False
        self.heard: list[t.Frame] = []
        self.lost = asyncio.Event()
        self.transport: MemoryTransport | None = None
        self._deframer = t.Deframer()
        self._sessions = t.SessionCounter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(MemoryTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        for item in self._deframer.feed(data):
            assert isinstance(item, t.Frame)
            self.heard.append(item)
            if self.leaves and not item.is_answer and self.transport is not None:
                self.transport.abort()
                return
            if not item.is_answer and self.results != []:
                self.answer(item, self.results.pop(0) if self.results else 0)

    def answer(self, frame: t.Frame, result: int = 0, text: str = "") -> None:
        """A D.10 answer to a request."""
        self.write(t.encode(t.answer(frame, self.code, t.Answer(frame.message.type, result, text))))

    def say(self, message: t.Message, source: ResourceCode | None = None) -> None:
        """A request or report of its own."""
        frame = t.request(
            self.header, self._sessions.take(), source or self.code, (COUNTY_ADAPTER,), message, extensions=True
        )
        self.write(t.encode(frame))

    def beat(self, state: int = 1, first: int = 2) -> None:
        """A heartbeat."""
        self.say(t.Heartbeat(state, first, self.phys))

    def write(self, data: bytes) -> None:
        """Raw bytes."""
        assert self.transport is not None
        self.transport.write(data)

    @property
    def requests(self) -> list[t.Message]:
        """What it was told, answers to itself left out."""
        return [frame.message for frame in self.heard if not frame.is_answer]

    @property
    def answers(self) -> list[t.Message]:
        """What its own requests were answered with."""
        return [frame.message for frame in self.heard if frame.is_answer]


@dataclass
class Listener:
    """A running link and what is around it."""

    link: TerminalTcp
    events: Events
    sign: CountingSigner
    network: Network
    roster: Roster
    opened: list[Dialler] = field(default_factory=list)

    async def dial(
        self, number: int, *, header: Header = Header.D, code: ResourceCode | None = None, beat: bool = True
    ) -> Dialler:
        """Terminal `number` connects, and registers unless told otherwise."""
        dialler = Dialler(code or terminal_code(number), phys_of(number), header)
        _, dialler = await self.network.connect(lambda: dialler, CONFIG.host, self.link.port)
        self.opened.append(dialler)
        if beat:
            dialler.beat()
            await settle()
        return dialler

    def told(self, *kinds: type) -> list[Event]:
        """Events of these kinds."""
        return self.events.of(*kinds)


async def settle() -> None:
    """Let everything that is ready happen."""
    for _ in range(20):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def listener(
    clock: Clock,
    rng: random.Random,
    *devices: Device,
    config: TerminalTcpConfig = CONFIG,
    network: Network | None = None,
) -> AsyncIterator[Listener]:
    """A link that listens, until the block ends."""
    events, sign = Events(), CountingSigner(clock)
    used = network or MemoryNetwork()
    roster = Roster.of([*devices, replace(adapter_device(1), code=COUNTY_ADAPTER)])
    link = TerminalTcp(config, ports(clock, used, rng, sign), events.sink, roster)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        for _ in range(1000):
            if link.status().up:
                break
            await asyncio.sleep(0)
        try:
            yield Listener(link, events, sign, used, roster)
        finally:
            running.cancel()
            await settle()
