"""Adapters that listen for their sound, for tests of streams in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from devices.adapter_tcp import AdapterTcpConfig
from devices.link import Answered, Audio, Start, Verb
from protocols import adapter as a
from protocols import rtp
from protocols.codes import EbmId, ResourceCode
from tests.devices.annex_a_adapter import CONFIG, County, Reply, county
from tests.devices.commands import EBM, VILLAGE, adapter_code, start
from tests.mp3_frames import mp3
from tests.virtual_time import VirtualClock

ONE, TWO, THREE = (adapter_code(number) for number in (1, 2, 3))
SOUND = mp3(400)  # 9.6 s
PUSH = replace(CONFIG, sound="push")
FILES = {"a.mp3": SOUND, "b.mp3": mp3(500), "none.mp3": b"no sound at all"}


class Files:
    """The sounds, and how often they were read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def __call__(self, name: str) -> bytes | None:
        self.read.append(name)
        await asyncio.sleep(0.01)
        return FILES.get(name)


@dataclass
class Ear:
    """What came to one address."""

    packets: list[rtp.RtpPacket] = field(default_factory=list)

    def __call__(self, data: bytes) -> None:
        self.packets.append(rtp.decode(data))

    @property
    def sound(self) -> bytes:
        return b"".join(map(rtp.sound_of, self.packets))

    def take(self) -> list[rtp.RtpPacket]:
        heard, self.packets = self.packets, []
        return heard


@dataclass
class Town:
    """A county whose adapters listen: number n at 10.9.0.n:6000."""

    at: County
    files: Files
    ears: dict[int, Ear]

    def offers(self, number: int, url: str) -> None:
        """From now on the adapter answers with this address."""
        self.at.stations[number].reply = offering(adapter_code(number), url)

    @property
    def streams(self) -> int:
        streaming = self.at.link.status().streaming
        assert streaming is not None
        return streaming.open


def offering(code: ResourceCode, url: str) -> Reply:
    def reply(frame: a.AdapterFrame) -> a.Message | None:
        match frame.message:
            case a.StartBroadcast(ebm_id=ebm_id):
                return a.StartAnswer(code, ebm_id, url=url)
            case a.StopBroadcast(ebm_id=ebm_id):
                return a.StartAnswer(code, ebm_id)
            case _:
                return a.GeneralAnswer()

    return reply


@asynccontextmanager
async def town(
    clock: VirtualClock, rng: random.Random, adapters: int = 1, config: AdapterTcpConfig = PUSH
) -> AsyncIterator[Town]:
    files = Files()
    async with county(clock, rng, adapters, config, read_sound=files) as at:
        made = Town(at, files, {})
        for number in range(1, adapters + 1):
            made.offers(number, f"rtp://10.9.0.{number}:6000")
            made.ears[number] = at.network.ears[f"10.9.0.{number}", 6000] = Ear()
        yield made


def pushed(
    clock: VirtualClock,
    *members: ResourceCode,
    ebm_id: EbmId = EBM,
    seconds: float = 3600,
    name: str = "a.mp3",
    level: int = 2,
    targets: tuple[ResourceCode, ...] = (VILLAGE,),
) -> Start:
    command = start(*members, ebm_id=ebm_id, end=clock.wall() + seconds, level=level, targets=targets)
    return replace(command, audio=Audio("http://127.0.0.1:8088/media/" + name, name))


def answered(number: int = 1, result: int = 0, ebm_id: EbmId = EBM) -> Answered:
    return Answered("adapters", adapter_code(number), ebm_id, Verb.START, result, "")
