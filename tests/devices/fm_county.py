"""A county transmitter, its control room's key and commands, for tests of the FM link."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from devices.link import Audio, Event, Path, Start, Stop
from devices.ports import Clock, Ports
from devices.roster import Device, DeviceKind, Roster
from ebcd.world import SocketNetwork
from protocols.codes import EbmId, ResourceCode
from protocols.fm.bits import HeardFrame
from protocols.fm.packet import Packet, decode_packet
from protocols.fm.reassembly import Complete, Reassembler
from protocols.signature import Certificate, SignatureBlock, signed_bytes
from protocols.sm2 import PrivateKey

KEY = PrivateKey.from_scalar(0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8)  # GB/T 32918.5
CERTIFICATE = Certificate(bytes(6), bytes.fromhex("000000000201"), 2030, 12, KEY.public.raw)
TRUSTED = {CERTIFICATE.number: CERTIFICATE}
TRANSMITTER = ResourceCode("43411230000000301010301")
COUNTY = ResourceCode("63411230000000314000400")
TOWN_A = ResourceCode("63411231010000314000400")
TOWN_B = ResourceCode("63411231020000314000400")
UTC_S = 1_760_000_000


def ebm_id(serial: int) -> EbmId:
    """A message of the county's own platform."""
    return EbmId.build("43411230000000101010101", "20251009", serial)


def sign_at(utc_s: float, command: bytes) -> SignatureBlock:
    """The county's signature with a time of one's choice."""
    block = SignatureBlock(int(utc_s), CERTIFICATE.number, bytes(64))
    return replace(block, value=KEY.sign(signed_bytes(command, block)))


def start(
    serial: int = 1,
    *targets: ResourceCode,
    level: int = 1,
    class_: int = 4,
    end: float = UTC_S + 3600,
) -> Start:
    """A start for the county, or for `targets`."""
    codes = targets or (COUNTY,)
    window = (UTC_S, int(end))
    return Start(ebm_id(serial), class_, level, "11A01", *window, 255, codes, codes, Audio("http://x/a.mp3"))


def stop(serial: int = 1, *targets: ResourceCode, level: int = 1, class_: int = 4) -> Stop:
    """Its stop."""
    codes = targets or (COUNTY,)
    return Stop(ebm_id(serial), class_, level, "11A01", codes, codes)


def ports(clock: Clock, rng: random.Random) -> Ports:
    """Real sockets, the county's key."""
    return Ports(clock, rng, SocketNetwork(), lambda command: sign_at(clock.wall(), command))


def roster(port: int) -> Roster:
    """A county with one transmitter on 98.5 MHz."""
    return Roster.of(
        [
            Device(
                DeviceKind.TRANSMITTER,
                TRANSMITTER,
                "",
                "county FM",
                host="127.0.0.1",
                port=port,
                paths=(Path.FM,),
                frequency_khz=98_500,
            )
        ]
    )


class Monitor:
    """A receiver without errors that keeps every packet, by frame."""

    def __init__(self) -> None:
        self._reassembler = Reassembler(slots_max=32, timeout_s=30.0)
        self._bit = 0
        self.packets: list[tuple[int, Packet]] = []  # version, packet
        self.discarded: list[str] = []  # why others were given up

    def hear(self, frame: bytes, now_s: float) -> None:
        """Take one frame of eight bytes."""
        self._bit += 104
        words = tuple(int.from_bytes(frame[at : at + 2], "big") for at in range(0, 8, 2))
        for event in self._reassembler.feed(HeardFrame(words, (True,) * 4, self._bit), now_s):
            if isinstance(event, Complete):
                self.packets.append((event.version, decode_packet(event.packet)))
            else:
                self.discarded.append(event.reason)


class Sink:
    """Keeps what a link tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []

        self._told = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._told.set()

    async def seen(self, kind: type[Event]) -> None:
        """Wait for the first event of a kind."""
        while not any(isinstance(event, kind) for event in self.events):
            self._told.clear()
            await self._told.wait()
