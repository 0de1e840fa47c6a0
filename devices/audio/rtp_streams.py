"""Sound as RTP at the pace at which it sounds: one timer for all streams (RFC 3550, RFC 2250).

A stream's pace is counted from its beginning on the monotonic clock, so that it never drifts. A loop that comes late
sends what is due in small bursts; one that comes very late goes on where it stood, later by so much.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable, Sequence

from devices.ports import Clock
from protocols import rtp

BURST_MAX = 3
"""Datagrams of one stream that may follow one another at once, where the loop comes late."""
BURST_GAP_S = 0.02
BEHIND_S_MAX = 0.5
"""A stream that is further behind its time leaves the time, not the sound, out."""
EARLY_S = 0.0005
"""A timer may ring a rounding error early; what is due by then is sent."""
TURN_MAX = 200
"""Datagrams after which the loop may do something else."""

OnOver = Callable[[], object]
Send = Callable[[bytes], object]


class RtpStream:
    """One sound to one address, from its beginning again where it ends. Nothing is sent from `end_utc_s` on (I3)."""

    def __init__(
        self, pieces: Sequence[rtp.Piece], send: Send, begin_s: float, end_utc_s: float, chance: random.Random
    ) -> None:
        """`begin_s` on the monotonic clock. `send` takes a datagram at once and never raises."""
        self.end_utc_s = end_utc_s
        self.closed = False
        self.sent = 0
        self._pieces = pieces
        self._send = send
        self._number = 0
        self._round_ticks = 0  # where in the stream the present round of the sound began
        self._begin_s = begin_s
        self._marked = True  # the first packet of a stretch of sound is (RFC 3551 section 4.1)
        self._sequence = chance.randrange(2**16)
        self._first_timestamp = chance.randrange(2**32)
        self._ssrc = chance.randrange(2**32)

    @property
    def due_s(self) -> float:
        """When the next datagram is due."""
        return self._begin_s + (self._round_ticks + self._pieces[self._number].at) / rtp.CLOCK_HZ

    def turn(self, now_s: float) -> float:
        """Send what is due, within `BURST_MAX`; returns when to come again."""
        behind_s = now_s - self.due_s
        if behind_s > BEHIND_S_MAX:
            self._begin_s += behind_s
            self._marked = True
        for _ in range(BURST_MAX):
            self._one()
            if self.closed or self.due_s > now_s:
                break
        else:
            return now_s + BURST_GAP_S
        return self.due_s

    def _one(self) -> None:
        piece = self._pieces[self._number]
        timestamp = (self._first_timestamp + self._round_ticks + piece.at) % 2**32
        packet = rtp.RtpPacket(rtp.MPA, self._sequence, timestamp, self._ssrc, piece.payload, self._marked)
        self._send(rtp.encode(packet))
        self.sent += 1
        self._marked = False
        self._sequence = (self._sequence + 1) % 2**16
        self._number += 1
        if self._number == len(self._pieces):
            self._number = 0
            self._round_ticks += piece.until


class RtpStreams:
    """All streams of one link."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self.packets = 0
        self._clock = clock
        self._chance = chance
        self._due: list[tuple[float, int, RtpStream, OnOver]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0

    def open(
        self, pieces: Sequence[rtp.Piece], send: Send, begin_utc_s: float, end_utc_s: float, over: OnOver
    ) -> RtpStream:
        """Begin to send, at `begin_utc_s` or at once; at least one of `pieces` is there. `over` is called where the end
        comes before `close`."""
        begin_s = self._clock.monotonic() + max(0.0, begin_utc_s - self._clock.wall())
        stream = RtpStream(pieces, send, begin_s, end_utc_s, self._chance)
        heapq.heappush(self._due, (begin_s, next(self._count), stream, over))
        self._arm()
        return stream

    def close(self, stream: RtpStream) -> None:
        """Not one datagram more (I12). Its place is given up when its turn comes."""
        stream.closed = True

    def _turn(self) -> None:
        self._timer = None
        now_s, wall_s, left = self._clock.monotonic(), self._clock.wall(), TURN_MAX
        while self._due and self._due[0][0] <= now_s + EARLY_S and left > 0:
            _, number, stream, over = heapq.heappop(self._due)
            if stream.closed:
                continue
            if wall_s >= stream.end_utc_s:
                stream.closed = True
                over()
                continue
            before = stream.sent
            again_s = stream.turn(now_s)
            self.packets += stream.sent - before
            left -= stream.sent - before
            if not stream.closed:
                heapq.heappush(self._due, (again_s, number, stream, over))
        self._arm()

    def _arm(self) -> None:
        if not self._due:
            return
        due_s = self._due[0][0]
        if self._timer is not None:
            if due_s == self._timer_s:
                return
            self._timer.cancel()
        self._timer_s = due_s
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due_s - self._clock.monotonic()), self._turn)
