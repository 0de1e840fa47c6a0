"""The exciter of the county's FM transmitter: bytes in by TCP, bits out at 1187.5 a second, whatever the arrival rate.

It is as plain as the real thing: no protocol, no answer, a small buffer. What does not fit is thrown away and what is
missing is played as zeros, and both are counted, because either means that the sender does not keep the bit clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from protocols.codes import EbmId
from protocols.fm.bits import AIR_BYTES
from protocols.fm.frame import BIT_RATE, FRAME_BITS
from simulators.fm_air import Air, AirTime, FmFaults
from simulators.fm_receiver import FmReceiver

__all__ = ["AirTime", "Exciter", "ExciterStats", "FmFaults", "FmReceiver"]

FRAME_S: Final = FRAME_BITS / BIT_RATE
BUFFER_BYTES_MAX: Final = 50 * AIR_BYTES  # 4.4 s: more than any stall that is worth bridging
TICK_S: Final = 1.0
CATCH_UP_FRAMES_MAX: Final = 64  # after a stall of this process the event loop gets a turn at least this often


@dataclass(frozen=True, slots=True)
class ExciterStats:
    """Counters since start."""

    bits_played: int
    bytes_received: int
    bytes_refused: int  # arrived while the buffer was full: the sender is too fast
    underrun_bits: int  # played as zeros because nothing was there while a sender was connected
    arrival_bit_s: float  # mean arrival rate of the present connection, its first two frames left out
    buffered_bytes: int
    connections: int  # ever accepted


class Exciter:
    """TCP server that plays what it is sent to every receiver, bit by bit of the true clock."""

    def __init__(
        self,
        host: str,
        port: int,
        receivers: Sequence[FmReceiver],
        channel: FmFaults,
        seed: int,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self.host = host
        self.port = port  # 0 lets the system choose; the real one stands here once `listening` is set
        self.listening = asyncio.Event()
        self._air = Air(receivers, channel, seed)
        self._monotonic = monotonic
        self._buffer = bytearray()
        self._sender: _Sender | None = None
        self._arrived = asyncio.Event()
        self._received = self._refused = self._underrun_bits = self._connections = 0

    async def run(self) -> None:
        """Listen and play until cancelled. Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Sender(self), self.host, self.port)
        try:
            self.port = server.sockets[0].getsockname()[1]
            self.listening.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._play())
                group.create_task(self._clock())
        finally:
            server.close()
            if self._sender is not None:
                self._sender.drop()
            self.listening.clear()

    def stats(self) -> ExciterStats:
        """Counters since start."""
        return ExciterStats(
            self._air.bits_carried,
            self._received,
            self._refused,
            self._underrun_bits,
            0.0 if self._sender is None else self._sender.rate_bit_s(self._monotonic()),
            len(self._buffer),
            self._connections,
        )

    def air_time(self, ebm_id: EbmId) -> AirTime | None:
        """What a message's start has cost so far; None before its first packet was wholly on air."""
        return self._air.air_time(ebm_id)

    def now(self) -> float:
        """Seconds on the exciter's own clock."""
        return self._monotonic()

    def connected(self, sender: _Sender) -> None:
        """The newest connection plays; the one before is closed."""
        self._connections += 1
        if self._sender is not None:
            self._sender.drop()
        self._sender = sender
        self._buffer.clear()

    def received(self, sender: _Sender, data: bytes) -> None:
        """Bytes for the air."""
        if sender is not self._sender:
            return
        room = BUFFER_BYTES_MAX - len(self._buffer)
        self._received += len(data)
        self._refused += max(0, len(data) - room)
        self._buffer += data[:room]
        self._arrived.set()

    def lost(self, sender: _Sender) -> None:
        """A connection is gone; what it had sent is still played."""
        if sender is self._sender:
            self._sender = None

    async def _play(self) -> None:
        while True:
            self._arrived.clear()
            if not self._buffer:
                await self._arrived.wait()
            await self._play_stream()
            self._air.silence()

    async def _play_stream(self) -> None:
        """Play from the first byte until the sender is gone and nothing is left."""
        begin = self._monotonic()
        frames = 0
        while self._buffer or self._sender is not None:
            frames += 1
            ahead = begin + frames * FRAME_S - self._monotonic()
            if ahead > 0 or frames % CATCH_UP_FRAMES_MAX == 0:
                await asyncio.sleep(max(0.0, ahead))
            played = bytes(self._buffer[:AIR_BYTES])
            del self._buffer[:AIR_BYTES]
            missing = AIR_BYTES - len(played)
            self._underrun_bits += 8 * missing
            self._air.carry(played + bytes(missing))

    async def _clock(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._air.tick()


class _Sender(asyncio.Protocol):
    """One connection of the control room."""

    def __init__(self, exciter: Exciter) -> None:
        self._exciter = exciter
        self._transport: asyncio.Transport | None = None
        self._bytes = 0
        self._since: tuple[float, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The link driver dialled."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases
        self._exciter.connected(self)

    def data_received(self, data: bytes) -> None:
        """Frames, or parts of them."""
        self._bytes += len(data)
        if self._since is None and self._bytes >= 2 * AIR_BYTES:
            self._since = self._exciter.now(), self._bytes
        self._exciter.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The control room hung up or died."""
        self._exciter.lost(self)

    def drop(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def rate_bit_s(self, now: float) -> float:
        """Bits that arrived per second since the second frame; 0 while there is nothing to tell."""
        if self._since is None or now <= self._since[0]:
            return 0.0
        return 8 * (self._bytes - self._since[1]) / (now - self._since[0])
