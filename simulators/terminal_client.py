"""A terminal's own TCP connection to the platform: header D, the first frame a heartbeat, back again after a loss.

Heartbeats keep the operator's NAT open (GD/J 089 D.3.3.1); reconnection after 5, 10, 20, 60 s, give or take 10 %.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import cast

from protocols import terminal as fefd
from protocols.errors import RemoteProtocolError
from protocols.terminal import Frame, Header
from simulators.terminal_shell import TerminalShell
from simulators.trust import FrameReader

FRAME_BYTES_MAX = 8192
CONNECT_TIMEOUT_S = 5.0
RECONNECT_S = (5.0, 10.0, 20.0, 60.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often terminals speak and how fast they come back; `reconnect_scale` 0.1 makes a demo ten times quicker."""

    heartbeat_s: float = 15.0
    reconnect_scale: float = 1.0


class _Wire(asyncio.Protocol):
    """One socket. Most reads are exactly one frame that another terminal has heard before: no deframer is needed."""

    __slots__ = ("_deframer", "client", "gone", "heard", "transport")

    def __init__(self, client: TerminalClient) -> None:
        self.client = client
        self.transport: asyncio.Transport | None = None
        self.heard = False  # something came back: through a proxy an open socket proves nothing
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._deframer: fefd.Deframer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        client = self.client
        self.heard = True
        if self._deframer is None:
            if data[8:9] == b"\x02" and self._is_answer(data):
                return
            if client.reader.knows(data):
                client.shell.receive(client.reader.read(data), client.path, self.send)
                return
        self._cut(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if not self.gone.done():
            self.gone.set_result(None)

    def send(self, data: bytes) -> None:
        """Write if the socket still lives."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def _is_answer(self, data: bytes) -> bool:
        """One whole answer of header D, to a heartbeat as a rule: nothing to act on."""
        return data[:2] == b"\xfe\xfd" and len(data) > 12 and int.from_bytes(data[10:12], "big") == len(data)

    def _cut(self, data: bytes) -> None:
        client = self.client
        if self._deframer is None:
            try:
                client.shell.receive(client.reader.read(data), client.path, self.send)
                return
            except RemoteProtocolError:
                self._deframer = fefd.Deframer(FRAME_BYTES_MAX)
        for item in self._deframer.feed(data):
            if isinstance(item, Frame):
                client.shell.receive(client.reader.judge(item), client.path, self.send)
        if not self._deframer.pending:
            self._deframer = None


class TerminalClient:
    """One path of one terminal over TCP."""

    __slots__ = ("_allowed", "_chance", "_pace", "_to", "_wire", "path", "reader", "shell")

    def __init__(
        self,
        shell: TerminalShell,
        path: str,
        to: tuple[str, int],
        reader: FrameReader,
        pace: Pace,
        chance: random.Random,
        allowed: asyncio.Event | None = None,
    ) -> None:
        self.shell = shell
        self.path = path
        self.reader = reader
        self._to = to
        self._pace = pace
        self._chance = chance
        self._allowed = allowed  # cleared while the link to this terminal is dead
        self._wire: _Wire | None = None

    @property
    def dialled(self) -> bool:
        """Whether the socket is open."""
        return self._wire is not None

    @property
    def connected(self) -> bool:
        """Whether the other side has answered on it."""
        return self._wire is not None and self._wire.heard

    @property
    def possible(self) -> bool:
        """Whether its link lives at all."""
        return self._allowed is None or self._allowed.is_set()

    async def run(self, first_wait_s: float) -> None:
        """Connect, beat and come back until cancelled. `first_wait_s` spreads the start of many."""
        await asyncio.sleep(first_wait_s)
        failures = 0
        while True:
            if self._allowed is not None:
                await self._allowed.wait()
            failures = 0 if await self._serve() else failures + 1
            wait_s = RECONNECT_S[min(failures, len(RECONNECT_S) - 1)] * self._pace.reconnect_scale
            await asyncio.sleep(wait_s * self._chance.uniform(0.9, 1.1))

    def cut(self) -> None:
        """Drop the socket at once."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.abort()

    async def _serve(self) -> bool:
        """One connection from dialling to its loss; whether anybody answered."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, wire = await loop.create_connection(lambda: _Wire(self), *self._to)
        except (OSError, TimeoutError):
            return False
        self._wire = wire
        beat: asyncio.TimerHandle | None = None

        def pulse(wait_s: float) -> None:
            nonlocal beat
            wire.send(self.shell.heartbeat(Header.D))
            beat = loop.call_later(wait_s, pulse, self._pace.heartbeat_s)

        try:
            pulse(self._chance.uniform(0.05, 1.0) * self._pace.heartbeat_s)
            self.shell.opened(self.path, wire.send, self.cut)
            await wire.gone
        finally:
            if beat is not None:
                beat.cancel()
            self.shell.closed(self.path)
            self._wire = None
            if wire.transport is not None:
                wire.transport.abort()
        return wire.heard
