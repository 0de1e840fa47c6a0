"""A link that pushes, a simulated adapter that listens, and the files of a daemon, on loopback."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath

from devices.adapter_tcp import AdapterTcp, AdapterTcpConfig
from devices.link import Audio, Event, Start, Stop
from devices.ports import Clock, Ports
from devices.roster import Device, DeviceKind, Roster
from ebcd.media import MediaStore, Stored
from ebcd.sounds import Sounds
from ebcd.world import SocketNetwork
from protocols.codes import EbmId, ResourceCode
from simulators.adapter import Adapter
from simulators.adapter_station import AdapterPlace, AdapterStation
from simulators.audio_fetch import AudioFetcher
from simulators.fleet_log import FleetLog
from simulators.push_receiver import HeardStream
from simulators.terminal import Terminal
from simulators.terminal_client import Pace
from simulators.terminal_shell import FleetDoors, TerminalShell
from simulators.trust import FrameReader
from tests.ports import free_port
from tests.simulators.signing import ADAPTER_CERTIFICATE, key, signer, trust

PLATFORM = ResourceCode("43499010000000101010101")
FRONT = ResourceCode("63499011002010314010201")
HORN = ResourceCode("63499011002010314010401")
HORNS = ResourceCode("63499011002010314010400")
EBM = EbmId.build("23400000000000101010101", "20251009", 1)
OTHER = EbmId.build("23400000000000101010101", "20251009", 2)


@dataclass
class HeadEnd:
    """Both ends."""

    clock: Clock
    link: AdapterTcp
    station: AdapterStation
    store: MediaStore
    events: list[Event]
    log: FleetLog
    build: Callable[[], AdapterTcp]
    group: asyncio.TaskGroup
    running: asyncio.Task[None]

    async def next_life(self) -> None:
        """The daemon dies, and another one knows no stream of it."""
        self.running.cancel()
        await asyncio.sleep(2)
        self.link = self.build()
        self.running = self.group.create_task(self.link.run())
        await asyncio.sleep(0.2)

    def keep(self, data: bytes, extension: str = "mp3") -> Stored:
        """A sound in the daemon's folder."""
        return self.store.put(data, extension)

    def start(self, file: Stored, seconds: float, ebm_id: EbmId = EBM, level: int = 2) -> None:
        """Order it; nobody serves the address."""
        now = int(self.clock.wall())
        audio = Audio(f"http://127.0.0.1:1/media/{file.name}", file.name)
        window = now, int(now + seconds)
        self.link.offer(Start(ebm_id, 4, level, "11A01", *window, 80, (HORNS,), (FRONT,), audio))

    def stop(self, ebm_id: EbmId = EBM) -> None:
        """Order the silence."""
        self.link.offer(Stop(ebm_id, 4, 1, "11A01", (HORNS,), (FRONT,)))

    def told(self, *kinds: type) -> list[str]:
        """Events of these kinds, by name."""
        return [type(event).__name__ for event in self.events if isinstance(event, kinds)]

    def heard(self, ebm_id: EbmId = EBM) -> HeardStream:
        """What came to the adapter."""
        return self.station.ears.heard[ebm_id]


@asynccontextmanager
async def head_end(clock: Clock, folder: FilePath, *, in_thread: bool = False) -> AsyncIterator[HeadEnd]:
    """One adapter with one terminal."""
    control, reports = free_port(), free_port()
    store, events, log = MediaStore(folder), list[Event](), FleetLog()
    sounds = Sounds(store, in_thread=in_thread)
    roster = Roster.of([Device(DeviceKind.ADAPTER, FRONT, "", "front", "127.0.0.1", control)])
    config = AdapterTcpConfig("a", report_port=reports, sound="push", push_allowed=("127.0.0.0/8",))

    seeds = itertools.count(1)

    def link() -> AdapterTcp:
        sign = lambda data: signer(clock.wall())(data)  # noqa: E731
        ports = Ports(clock, random.Random(next(seeds)), SocketNetwork(), sign, read_sound=sounds.mp3)
        return AdapterTcp(config, ports, events.append, roster)

    async with asyncio.TaskGroup() as group:
        pushing = link()
        running = group.create_task(pushing.run())
        doors, believed = FleetDoors(clock.wall, AudioFetcher({}), group.create_task), trust(clock.wall)
        unit = Adapter(FRONT, key(ADAPTER_CERTIFICATE), ADAPTER_CERTIFICATE, believed, clock.wall)
        shell = TerminalShell(Terminal(HORN, "000000000001", PLATFORM, log), doors)
        place = AdapterPlace("127.0.0.1", control, ("127.0.0.1", reports), ("127.0.0.1", 1))
        station = AdapterStation(unit, place, (shell,), FrameReader(believed), doors, Pace(60.0, 1.0), random.Random(1))
        simulated = group.create_task(station.run(0.0))
        await asyncio.sleep(0.2)
        at = HeadEnd(clock, pushing, station, store, events, log, link, group, running)
        try:
            yield at
        finally:
            at.running.cancel()
            simulated.cancel()
            await asyncio.sleep(0.01)
