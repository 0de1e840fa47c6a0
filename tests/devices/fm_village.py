"""A county's FM link and horns that hear every bit of it without an error, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from devices.fm_transmitter import FmTransmitter, FmTransmitterConfig
from devices.link import Event, Start
from devices.ports import Ports
from protocols.codes import EbmId, ResourceCode
from protocols.fm.bits import BitReceiver, HeardFrame
from protocols.fm.packet import Packet, decode_packet
from protocols.fm.reassembly import Complete, Reassembler
from simulators.fm_air import Air, FmFaults
from simulators.fm_packets import PacketVerifier
from simulators.fm_receiver import FmReceiver
from tests.devices.fm_county import TRUSTED, Sink, roster, sign_at, start
from tests.devices.memory_network import MemoryNetwork
from tests.virtual_time import VirtualClock

PORT = 9000
HORN_A = ResourceCode("63411231010010314010401")  # in town A
HORN_B = ResourceCode("63411231020010314010401")  # in town B
PHYS_A, PHYS_B = bytes.fromhex("0123456789AB"), bytes.fromhex("0123456789AC")


def saying(words: str, serial: int = 1, *targets: ResourceCode, class_: int = 4, end: float) -> Start:
    """A start with a text."""
    return replace(start(serial, *targets, class_=class_, end=end), text=words)


@dataclass
class Village:
    """The link, its horns, and when each packet was whole for the first time."""

    link: FmTransmitter
    clock: VirtualClock
    sink: Sink
    horns: dict[str, FmReceiver]
    log: list[tuple[str, ResourceCode, EbmId]] = field(default_factory=list)
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    running: list[asyncio.Future[None]] = field(default_factory=list)

    def cut(self) -> None:
        """The head-end is gone for good."""
        self.running[0].cancel()

    def told(self, *kinds: type[Event]) -> list[Event]:
        """Events of these kinds."""
        return [event for event in self.sink.events if isinstance(event, kinds)]

    @property
    def packets(self) -> list[Packet]:
        """Each packet once."""
        return [decode_packet(data) for _, data in self.heard]

    def whole_at(self, type_: int) -> list[float]:
        """When packets of a type were whole."""
        return [at_s for at_s, data in self.heard if data[0] >> 3 == type_]


class _Exciter(asyncio.Protocol):
    def __init__(self, village: Village, air: Air) -> None:
        self._village = village
        self._air = air
        self._bits = BitReceiver()
        self._packets = Reassembler(slots_max=32, timeout_s=30.0)

    def data_received(self, data: bytes) -> None:
        self._air.carry(data)
        now_s = self._village.clock.monotonic()
        for event in self._bits.feed_bytes(data):
            for whole in self._packets.feed(event, now_s) if isinstance(event, HeardFrame) else ():
                if isinstance(whole, Complete):
                    self._village.heard.append((now_s, whole.packet))


@contextlib.asynccontextmanager
async def village(clock: VirtualClock, **keys: object) -> AsyncIterator[Village]:
    """At work, without a clock of its own unless asked for."""
    network, sink = MemoryNetwork(), Sink()
    config = FmTransmitterConfig("fm", **({"clock_period_s": 0.0} | keys))  # type: ignore[arg-type]
    ports = Ports(clock, random.Random(1), network, lambda command: sign_at(clock.wall(), command))
    at = Village(FmTransmitter(config, ports, sink, roster(PORT)), clock, sink, {})
    verifier = PacketVerifier()
    for name, code, phys in (("a", HORN_A, PHYS_A), ("b", HORN_B, PHYS_B)):
        at.horns[name] = FmReceiver(
            code,
            TRUSTED,
            lambda code, ebm: at.log.append(("begin", code, ebm)),
            lambda code, ebm: at.log.append(("end", code, ebm)),
            wall=clock.wall,
            verifier=verifier,
            phys=phys,
        )
    air = Air(tuple(at.horns.values()), FmFaults(block_error_rate=0.0), 1)
    await network.listen(lambda: _Exciter(at, air), "127.0.0.1", PORT)

    async def tick() -> None:
        while True:
            await asyncio.sleep(1.0)
            air.tick()

    at.running += [asyncio.ensure_future(at.link.run()), asyncio.ensure_future(tick())]
    await asyncio.sleep(0)
    try:
        yield at
    finally:
        for task in at.running:
            task.cancel()
        await asyncio.gather(*at.running, return_exceptions=True)
