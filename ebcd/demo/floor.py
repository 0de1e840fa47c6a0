"""The floor of design section 6: a bare asyncio Protocol that writes the same bytes to as many sockets and counts the
same replies, against the same fleet process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

from ebcd.clock import SystemClock

CONNECT_TIMEOUT_S = 30.0
REPLY_TIMEOUT_S = 20.0
CLOCK = SystemClock()  # a loop may tell the time at which it last looked at its sockets


@dataclass
class _Count:
    """What has come in."""

    registered: int = 0
    replies_wanted: int = 0
    replies: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    transports: list[asyncio.Transport] = field(default_factory=list)
    change: asyncio.Event = field(default_factory=asyncio.Event)


class _Bare(asyncio.Protocol):
    """Counts reads: a reply is one small frame, so one read."""

    def __init__(self, count: _Count) -> None:
        self._count = count

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._count.transports.append(cast(asyncio.Transport, transport))  # uvloop's own class has no such base
        self._registered = False

    def data_received(self, data: bytes) -> None:
        count = self._count
        if not self._registered:  # its registration heartbeat
            self._registered = True
            count.registered += 1
            count.change.set()
            return
        now_s = CLOCK.monotonic()
        count.replies += 1
        count.first_s = count.first_s or now_s
        count.last_s = now_s
        if count.replies >= count.replies_wanted:
            count.change.set()


@dataclass(frozen=True, slots=True)
class Floor:
    """Seconds from the first write to the first and the last reply."""

    terminals: int
    first_s: float
    last_s: float


class FloorServer:
    """Listens on a port of its own for the terminals that the fleet sends there."""

    def __init__(self) -> None:
        self._count = _Count()
        self._server: asyncio.Server | None = None

    async def listen(self) -> int:
        """Start; the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Bare(self._count), "127.0.0.1", 0, backlog=4096)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def connected(self, wanted: int) -> None:
        """Wait until that many terminals are here."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            while self._count.registered < wanted:
                await self._count.change.wait()
                self._count.change.clear()

    async def shoot(self, frame: bytes) -> Floor:
        """Write `frame` to everybody; wait for everybody's first reply."""
        count = self._count
        count.replies_wanted, count.replies = len(count.transports), 0
        count.first_s = 0.0
        count.change.clear()
        begin_s = CLOCK.monotonic()
        for transport in count.transports:
            transport.write(frame)
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            while count.replies < count.replies_wanted:
                await count.change.wait()
                count.change.clear()
        return Floor(len(count.transports), count.first_s - begin_s, count.last_s - begin_s)

    def close(self) -> None:
        """Let everybody go."""
        for transport in self._count.transports:
            transport.close()
        if self._server is not None:
            self._server.close()
