"""An encoder at the end of a connection, and a link to it, for tests of `devices.rds_encoder`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from devices.rds_encoder import RdsEncoder, RdsEncoderConfig
from devices.roster import Device, DeviceKind, Roster
from protocols.codes import ResourceCode
from protocols.rds.charset import decode_text
from protocols.uecp.control import Mode
from protocols.uecp.programme import ProgrammeServiceName, ProgrammeType, RadioText, TrafficFlags
from tests.devices.commands import CountingSigner, Events, ports
from tests.devices.memory_network import MemoryNetwork
from tests.protocols.uecp.fake_encoder import FakeEncoder
from tests.virtual_time import VirtualClock

ADDRESS = ("10.0.0.9", 5570)
TOWN_TRANSMITTER = ResourceCode("53411230010000301010301")
ROSTER = Roster.of([Device(DeviceKind.TRANSMITTER, TOWN_TRANSMITTER, "", "station", *ADDRESS, frequency_khz=97_400)])
STATION = {"ps": "MUSIC FM", "pty": 10, "radio_text": "The best of music"}


class Station:
    """The encoder, what listeners see of it, and who connects."""

    def __init__(self, mode: Mode) -> None:
        self.encoder = FakeEncoder(mode)
        self.lines: list[EncoderEnd] = []

    def shown(self) -> tuple[int | None, bool | None, str | None, str | None]:
        """PTY, TA, RadioText, name as on air; None where the encoder was never told."""
        pty, ta = self.encoder.state(0x07), self.encoder.state(0x03)
        text, name = self.encoder.state(0x0A), self.encoder.state(0x02)
        return (
            pty.pty if isinstance(pty, ProgrammeType) else None,
            ta.ta if isinstance(ta, TrafficFlags) else None,
            decode_text((text.text or b"").rstrip(b"\r")) if isinstance(text, RadioText) else None,
            decode_text(name.name) if isinstance(name, ProgrammeServiceName) else None,
        )


class EncoderEnd(asyncio.Protocol):
    """Its end of one connection."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.transport: asyncio.Transport | None = None
        station.lines.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if (answer := self.station.encoder.receive(data)) and self.transport is not None:
            self.transport.write(answer)


class Desk:
    """One running link and its station."""

    def __init__(self, link: RdsEncoder, station: Station, events: Events, clock: VirtualClock) -> None:
        self.link = link
        self.station = station
        self.events = events
        self.clock = clock


@asynccontextmanager
async def desk(
    clock: VirtualClock,
    rng: random.Random,
    *,
    mode: str = "one_way",
    network: MemoryNetwork | None = None,
    **keys: object,
) -> AsyncIterator[Desk]:
    """A link of this configuration, running, connected after the first second."""
    network = network or MemoryNetwork()
    station = Station({"one_way": Mode.ONE_WAY, "requested": Mode.REQUESTED}.get(mode, Mode.SPONTANEOUS))
    station.encoder.mode = Mode.ONE_WAY if mode == "one_way" else Mode.REQUESTED
    await network.listen(lambda: EncoderEnd(station), *ADDRESS)
    where = {} if "transmitter" in keys else {"host": ADDRESS[0]}
    profile = "weak" if mode == "one_way" else "full"
    config = RdsEncoderConfig("rds", **({"mode": mode, "profile": profile} | where | STATION | keys))  # type: ignore[arg-type]
    events = Events()
    link = RdsEncoder(config, ports(clock, network, rng, CountingSigner(clock)), events.sink, ROSTER)
    running = asyncio.create_task(link.run())
    try:
        await asyncio.sleep(1)
        yield Desk(link, station, events, clock)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
