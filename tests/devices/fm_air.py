"""An FM link at work against an exciter in memory, and what a receiver without errors makes of its bits."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

from devices.fm_transmitter import FmTransmitter, FmTransmitterConfig
from devices.link import Event
from devices.ports import Clock
from protocols.fm.bits import AIR_BYTES as AIR_BYTES
from protocols.fm.reassembly import Complete, Reassembler
from tests.devices.commands import CountingSigner
from tests.devices.commands import ports as memory_ports
from tests.devices.fm_county import Sink, roster
from tests.devices.memory_network import MemoryNetwork
from tests.protocols.fm.hearing import frames

PORT = 9000


class Exciter(asyncio.Protocol):
    """Keeps the bits."""

    def __init__(self, stream: bytearray) -> None:
        self.stream = stream

    def data_received(self, data: bytes) -> None:
        self.stream += data


@dataclass
class Air:
    """The link, and all that was on air."""

    link: FmTransmitter
    sink: Sink
    stream: bytearray

    async def play(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def told(self, kind: type[Event]) -> list[Event]:
        """Events of one kind."""
        return [event for event in self.sink.events if isinstance(event, kind)]

    def packets(self) -> list[bytes]:
        """Every packet once, in the order in which they were whole."""
        return [event.packet for event in complete(bytes(self.stream))]


def complete(stream: bytes) -> list[Complete]:
    """What the bits hold."""
    bits = f"{int.from_bytes(stream, 'big'):0{8 * len(stream)}b}"
    reassembler = Reassembler(slots_max=32, timeout_s=1e9)
    found = (event for frame in frames(map(int, bits)) for event in reassembler.feed(frame, 0.0))
    return [event for event in found if isinstance(event, Complete)]


@contextlib.asynccontextmanager
async def on_air_of(clock: Clock, *, dead: bool = False, **keys: object) -> AsyncIterator[Air]:
    """A quiet link; `dead`: nobody listens at the exciter's address."""
    network, stream, sink = MemoryNetwork(), bytearray(), Sink()
    if not dead:
        await network.listen(lambda: Exciter(stream), "127.0.0.1", PORT)
    config = FmTransmitterConfig("fm", **({"clock_period_s": 0.0} | keys))  # type: ignore[arg-type]
    given = memory_ports(clock, network, random.Random(1), CountingSigner(clock))
    link = FmTransmitter(config, given, sink, roster(PORT))
    task = asyncio.get_running_loop().create_task(link.run())
    await asyncio.sleep(0)
    try:
        yield Air(link, sink, stream)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
