"""TCP without sockets, for tests in virtual time: `devices.ports.Network` between protocols of one loop.

Latency is exact, hosts can be dead or mute, reads can come in pieces, and everything can be cut at once. Flow control
is that of asyncio: a peer that pauses reading fills the writer's buffer until `pause_writing`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Self, cast

from devices.ports import DatagramT, ProtocolT

HIGH_WATER_BYTES = 64 * 1024
FIRST_EPHEMERAL_PORT = 40_000
TICK_S = 1e-6  # a timer may fire a rounding error early


class MemoryTransport(asyncio.Transport):
    """One end of a connection; what is written arrives at `peer` after the network's latency, in order."""

    def __init__(self, network: MemoryNetwork, protocol: asyncio.BaseProtocol, own: Any, other: Any) -> None:
        super().__init__({"sockname": own, "peername": other})
        self._network = network
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._arriving: deque[tuple[float, bytes | None]] = deque()  # when, and what the peer wrote; None is its end
        self._unread_bytes = 0
        self._paused_reading = False
        self._paused_writing = False
        self._closing = False
        self._lost = False
        self._eof_sent = False
        self._high, self._low = HIGH_WATER_BYTES, HIGH_WATER_BYTES // 4
        self.peer: MemoryTransport

    # ---- writing ----

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue bytes for the peer."""
        if self._lost or self._closing or self._eof_sent or not data:
            return
        self.peer._unread_bytes += len(data)
        whole = bytes(data)
        size = self._network.piece_bytes_max or len(whole)
        for at in range(0, len(whole), size):
            self.peer._arrive(whole[at : at + size])
        if self.get_write_buffer_size() > self._high and not self._paused_writing:
            self._paused_writing = True
            self._protocol.pause_writing()

    def write_eof(self) -> None:
        """End our direction."""
        if not self._eof_sent:
            self._eof_sent = True
            self.peer._arrive(None)

    def can_write_eof(self) -> bool:
        """As TCP."""
        return True

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer has not read."""
        return self.peer._unread_bytes

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As asyncio."""
        self._high = HIGH_WATER_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    # ---- reading ----

    def pause_reading(self) -> None:
        """Leave what arrives where it is."""
        self._paused_reading = True

    def resume_reading(self) -> None:
        """Read on."""
        self._paused_reading = False
        self._loop.call_soon(self._read)

    def is_reading(self) -> bool:
        """Whether what arrives is handed on."""
        return not self._paused_reading and not self._closing

    def _arrive(self, data: bytes | None) -> None:
        due_s = self._loop.time() + self._network.latency_s
        self._arriving.append((due_s, data))
        self._loop.call_at(due_s, self._read)

    def _read(self) -> None:
        while self._arriving and not self._paused_reading and not self._lost:
            if self._arriving[0][0] > self._loop.time() + TICK_S:
                return
            _, data = self._arriving.popleft()
            if data is None:
                stays_open = isinstance(self._protocol, asyncio.Protocol) and self._protocol.eof_received()
                if not stays_open:
                    self.close()
            else:
                self._unread_bytes -= len(data)
                if not self._closing:
                    cast(asyncio.Protocol, self._protocol).data_received(data)
                self.peer._drained()

    def _drained(self) -> None:
        if self._paused_writing and self.get_write_buffer_size() <= self._low and not self._lost:
            self._paused_writing = False
            self._protocol.resume_writing()

    # ---- the end ----

    def close(self) -> None:
        """Let the peer read what was written, then its end."""
        if not self._closing:
            self.write_eof()
            self._closing = True
            self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        """Cut the connection: the peer sees a reset."""
        self._closing = True
        self._loop.call_soon(self._lose, None)
        reset = ConnectionResetError("connection reset by peer")
        self._loop.call_later(self._network.latency_s, self.peer._lose, reset)

    def is_closing(self) -> bool:
        """Whether the end has begun."""
        return self._closing

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who reads here."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another one read."""
        self._protocol = protocol

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self._network._open.discard(self)
            self._protocol.connection_lost(error)


class MemoryServer:
    """A listener, as far as drivers use one."""

    def __init__(self, network: MemoryNetwork, address: tuple[str, int]) -> None:
        self._network, self._address = network, address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take no more connections; those that exist stay."""
        self._network._listeners.pop(self._address, None)

    async def wait_closed(self) -> None:
        """Nothing to wait for."""

    def is_serving(self) -> bool:
        """Whether connections are taken."""
        return self._address in self._network._listeners


class MemoryNetwork:
    """All listeners and connections of one test."""

    def __init__(self, *, latency_s: float = 0.0, piece_bytes_max: int = 0) -> None:
        """`latency_s` each way; `piece_bytes_max` > 0 cuts every write into such pieces."""
        self.latency_s = latency_s
        self.piece_bytes_max = piece_bytes_max
        self.mute: set[tuple[str, int]] = set()  # addresses where nobody ever answers, not even with a refusal
        self._listeners: dict[tuple[str, int], Callable[[], asyncio.BaseProtocol]] = {}
        self._open: set[MemoryTransport] = set()
        self._ports: Iterator[int] = iter(range(FIRST_EPHEMERAL_PORT, 10**9))

    async def connect(
        self, factory: Callable[[], ProtocolT], host: str, port: int
    ) -> tuple[asyncio.Transport, ProtocolT]:
        """Raises ConnectionRefusedError where nobody listens; hangs where the address is mute."""
        if (host, port) in self.mute:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(2 * self.latency_s)
        accept = self._listeners.get((host, port)) or self._listeners.get(("0.0.0.0", port))
        if accept is None:
            raise ConnectionRefusedError(f"nobody listens on {host}:{port}")
        own, other = ("127.0.0.1", next(self._ports)), (host, port)
        near, far = (
            MemoryTransport(self, protocol := factory(), own, other),
            MemoryTransport(self, accept(), other, own),
        )
        near.peer, far.peer = far, near
        self._open |= {near, far}
        far.get_protocol().connection_made(far)
        protocol.connection_made(near)
        return near, protocol

    async def listen(self, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> asyncio.Server:
        """Raises OSError where somebody listens already."""
        if (host, port) in self._listeners:
            raise OSError(98, "Address already in use")
        self._listeners[host, port] = factory
        return cast(asyncio.Server, MemoryServer(self, (host, port)))

    async def datagrams(
        self, factory: Callable[[], DatagramT], host: str, port: int
    ) -> tuple[asyncio.DatagramTransport, DatagramT]:
        """No way leads anywhere for datagrams."""
        raise OSError(101, "Network is unreachable")

    def cut(self) -> None:
        """Every connection at once, as a crash or a power cut does: no `close`, both ends see a reset."""
        for transport in list(self._open):
            transport._lose(ConnectionResetError("cut"))

    @property
    def connections(self) -> int:
        """Connections that are open at one end at least."""
        return len({frozenset((id(each), id(each.peer))) for each in self._open})
