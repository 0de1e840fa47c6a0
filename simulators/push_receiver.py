"""An adapter's ears: a UDP port for each task whose sound is pushed (GD/J 089 table A.32), and what came there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from protocols import rtp
from protocols.codes import EbmId
from protocols.errors import RemoteProtocolError

SOUND_BYTES_MAX = 4_000_000
"""Kept of one task; what comes later is counted only."""
TASKS_KEPT_MAX = 64


@dataclass(slots=True, eq=False)
class HeardStream:
    """What came of one task, from one source after the other: the platform's next life sends as another one.

    `gaps`: packets that are missing by their numbers; `refused`: datagrams that are no MPEG audio. `sounds`: one for
    each source, in order.
    """

    packets: int = 0
    gaps: int = 0
    refused: int = 0
    sounds: list[bytearray] = field(default_factory=list)
    _last: rtp.RtpPacket | None = None
    _kept: int = 0

    def take(self, datagram: bytes) -> None:
        """One datagram; a late or repeated one says nothing new."""
        try:
            packet = rtp.decode(datagram)
            sound = rtp.sound_of(packet)
        except RemoteProtocolError:
            self.refused += 1
            return
        if self._last is None or packet.ssrc != self._last.ssrc:
            self.sounds.append(bytearray())
        else:
            ahead = (packet.sequence - self._last.sequence) % 2**16
            if not 0 < ahead < 2**15:
                return
            self.gaps += ahead - 1
        self._last = packet
        self.packets += 1
        if self._kept + len(sound) <= SOUND_BYTES_MAX:
            self.sounds[-1] += sound
            self._kept += len(sound)

    def rounds_of(self, mp3: bytes) -> float:
        """How often the last source has played a file, from its beginning; 0 where a single byte differs."""
        whole = b"".join(frame.data for frame in rtp.mpeg_frames(mp3))
        heard = bytes(self.sounds[-1]) if self.sounds else b""
        if not whole or heard != (whole * (len(heard) // len(whole) + 1))[: len(heard)]:
            return 0.0
        return len(heard) / len(whole)


class PushReceiver:
    """One adapter's. `heard` remembers tasks that are over."""

    def __init__(self, host: str) -> None:
        self.heard: dict[EbmId, HeardStream] = {}
        self._host = host
        self._ears: dict[EbmId, _Ear] = {}

    async def listen(self, ebm_id: EbmId) -> str:
        """Open a port for a task, or keep the one that it has; its address. Raises OSError."""
        if ebm_id not in self._ears:
            loop = asyncio.get_running_loop()
            while len(self.heard) >= TASKS_KEPT_MAX:
                del self.heard[next(iter(self.heard))]
            heard = self.heard.setdefault(ebm_id, HeardStream())
            _, ear = await loop.create_datagram_endpoint(lambda: _Ear(heard), local_addr=(self._host, 0))
            self._ears[ebm_id] = ear
        return f"rtp://{self._host}:{self._ears[ebm_id].port}"

    def when_heard(self, ebm_id: EbmId, act: Callable[[], None]) -> None:
        """Act when a task's sound begins to come; at once where it does already."""
        ear = self._ears.get(ebm_id)
        if ear is not None and not ear.heard.packets:
            ear.on_first.append(act)
        else:
            act()

    async def copy(self, ebm_id: EbmId, to: tuple[str, int]) -> bool:
        """Send on to a monitor's listener what comes of a task from now on; False where nothing of it is heard."""
        ear = self._ears.get(ebm_id)
        if ear is None:
            return False
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=to)
        ear.copies.append(transport)
        return True

    def keep(self, live: Iterable[EbmId]) -> None:
        """Close the ports of all other tasks."""
        wanted = set(live)
        for ebm_id in [each for each in self._ears if each not in wanted]:
            self._ears.pop(ebm_id).close()


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: HeardStream) -> None:
        self.heard = heard
        self.port = 0
        self.on_first: list[Callable[[], None]] = []
        self.copies: list[asyncio.DatagramTransport] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.take(data)
        for copy in self.copies:
            copy.sendto(data)
        if self.on_first and self.heard.packets:
            waiting, self.on_first = self.on_first, []
            for act in waiting:
                act()

    def close(self) -> None:
        for transport in (*self.copies, self._transport):
            if transport is not None:
                transport.close()
