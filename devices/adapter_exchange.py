"""One frame to one adapter and its answer: connect, send, wait, try again on a new connection (GD/J 089 A.2).

A connection whose answer did not come in time is left open for a while: a slow adapter is still heard.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from devices.ports import Ports
from protocols import adapter
from protocols.adapter import AdapterFrame, BadFrame
from protocols.codes import ResourceCode

Judge = Callable[[AdapterFrame, str], bool]
"""Whether a frame is the answer waited for; tells of it where it is not. The text is the peer's address."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one adapter listens."""

    code: ResourceCode
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often."""

    connect_timeout_s: float
    answer_timeout_s: float
    late_answer_s: float
    repeats: int
    frame_bytes_max: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Every try is used up. `reached`: some connection was made, so the adapter lives."""

    reason: str
    reached: bool


class Exchange:
    """One frame on its way, on as many connections as it took tries. `late` is told of an answer after `finish`."""

    def __init__(
        self,
        address: Address,
        ports: Ports,
        patience: Patience,
        judge: Judge,
        refused: Callable[[BadFrame, str], None],
        late: Callable[[AdapterFrame], None],
        table: adapter.TypeTable,
        gone: Callable[[Exchange], None],
    ) -> None:
        self.patience = patience
        self.table = table
        self.judge = judge
        self.refused = refused
        self._address = address
        self._ports = ports
        self._late = late
        self._gone = gone
        self._answer: AdapterFrame | None = None
        self._turn: asyncio.Event = asyncio.Event()
        self._open: set[ExchangeConnection] = set()
        self._over = False
        self.is_stopped = False
        self._timer: asyncio.TimerHandle | None = None

    async def attempt(self, frame: bytes) -> Silence | AdapterFrame:
        """One try: returns the answer, or why there is none yet. Writes nothing once stopped."""
        host, port = self._address.host, self._address.port
        if self._answer is not None:
            return self._answer
        try:
            async with asyncio.timeout(self.patience.connect_timeout_s):
                _, connection = await self._ports.network.connect(lambda: ExchangeConnection(self), host, port)
        except TimeoutError:
            return self._answer or Silence(f"no connection within {self.patience.connect_timeout_s:g} s", False)
        except OSError as error:
            return self._answer or Silence(f"no connection: {error}", False)
        if self.is_stopped:
            connection.close()
            return Silence("stopped", True)
        connection.write(frame)
        await self._wait(self.patience.answer_timeout_s, connection)
        if self._answer is not None:
            return self._answer
        if connection.is_lost:
            return Silence("closed without an answer", True)
        return Silence(f"no answer within {self.patience.answer_timeout_s:g} s", True)

    async def pause(self, pause_s: float) -> None:
        """Between two tries; shorter where an answer or a stop comes."""
        await self._wait(pause_s, None)

    async def _wait(self, wait_s: float, connection: ExchangeConnection | None) -> None:
        """Until an answer, a stop, the connection's end or the time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while self._answer is None and not self.is_stopped and not (connection and connection.is_lost):
                    self._turn.clear()
                    await self._turn.wait()

    def stop(self) -> None:
        """A stop overtook it: no more tries."""
        self.is_stopped = True
        self._turn.set()

    def finish(self) -> None:
        """Answered, or given up: connections that still owe an answer stay open a little longer."""
        self._over = True
        if self._answer is not None:
            self.close()
        elif self._open:
            self._timer = asyncio.get_running_loop().call_later(self.patience.late_answer_s, self.close)
        if not self._open:
            self._gone(self)

    def close(self) -> None:
        """Close every connection."""
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._open):
            connection.close()

    # ---- from the connections --------------------------------------------------------------------------------------

    def opened(self, connection: ExchangeConnection) -> None:
        """A connection is made."""
        self._open.add(connection)

    def lost(self, connection: ExchangeConnection) -> None:
        """A connection is gone."""
        self._open.discard(connection)
        self._turn.set()
        if self._over and not self._open:
            if self._timer is not None:
                self._timer.cancel()
            self._gone(self)

    def received(self, frame: AdapterFrame, peer: str) -> None:
        """A whole frame; the first answer counts."""
        if self._answer is not None or not self.judge(frame, peer):
            return
        self._answer = frame
        self._turn.set()
        if self._over:
            self._late(frame)
            self.close()


class ExchangeConnection(asyncio.Protocol):
    """One short connection."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._deframer = adapter.Deframer(exchange.patience.frame_bytes_max, exchange.table)
        self._transport: asyncio.Transport | None = None
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._exchange.opened(self)

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        self._hand_on(self._deframer.feed(data))

    def eof_received(self) -> bool:
        """asyncio."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._hand_on(self._deframer.end())
        self.is_lost = True
        self._transport = None
        self._exchange.lost(self)

    def write(self, frame: bytes) -> None:
        """Send the frame."""
        if self._transport is not None:
            self._transport.write(frame)

    def close(self) -> None:
        """Close at once: nothing unsent matters any more."""
        if self._transport is not None:
            self._transport.abort()

    def _hand_on(self, items: list[AdapterFrame | BadFrame]) -> None:
        name = self._transport.get_extra_info("peername") if self._transport else None
        peer = f"{name[0]}:{name[1]}" if isinstance(name, tuple) and len(name) >= 2 else "?"
        for item in items:
            if isinstance(item, AdapterFrame):
                self._exchange.received(item, peer)
            else:
                self._exchange.refused(item, peer)
