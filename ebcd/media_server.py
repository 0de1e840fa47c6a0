"""Serves the media folder to devices over HTTP, straight from an asyncio Protocol.

When an alert starts, a whole county fetches one file within a second, on the loop that is also waiting for the
county's confirmations. So the file is held in memory, its answer is one write, and nothing stands in between: three
to four times the requests a second of an ASGI server here, and that much less time taken from the confirmations.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge

from devices.ports import Network
from ebcd import media_request as http
from ebcd.media import MediaStore
from protocols.sm2 import sm3

_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What the server spends on its peers."""

    connections_max: int = 8_000  # one more is closed at once
    head_bytes_max: int = 8_192
    idle_s: float = 20.0  # without a byte in or out: a half-sent head, a stalled reader, a kept-alive connection
    cache_bytes_max: int = 64_000_000
    cached_file_bytes_max: int = 8_000_000  # about twenty minutes of speech; longer files are read piece by piece
    piece_bytes: int = 131_072


class MediaServer:
    """One folder on any number of listeners; `protocol` is the factory to listen with."""

    def __init__(
        self, store: MediaStore, registry: CollectorRegistry | None = None, limits: MediaLimits | None = None
    ) -> None:
        self.store = store
        self.limits = limits or MediaLimits()
        self.connections: set[_Connection] = set()
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0
        requests = Counter(
            "ebcd_media_requests", "Answers of the media server by status.", ["status"], registry=registry
        )
        self._by_status = {status: requests.labels(str(status.value)) for status in _STATUSES}
        self._bytes = Counter("ebcd_media_bytes", "Bytes of sound handed to devices.", registry=registry)
        self._refused = Counter("ebcd_media_refused_connections", "Connections over the limit.", registry=registry)
        self._damaged = Counter("ebcd_media_damaged", "Files whose SM3 is not their name.", registry=registry)
        self._open = Gauge("ebcd_media_connections", "Open media connections.", registry=registry)
        self._open.set_function(lambda: len(self.connections))

    def protocol(self) -> asyncio.Protocol:
        """A new connection's protocol."""
        return _Connection(self)

    def admit(self, connection: _Connection) -> bool:
        """Count a connection in; False over the limit."""
        if len(self.connections) >= self.limits.connections_max:
            self._refused.inc()
            return False
        self.connections.add(connection)
        return True

    def count(self, status: HTTPStatus) -> None:
        """One answer was given."""
        self._by_status[status].inc()

    def count_bytes(self, count: int) -> None:
        """Sound went out."""
        self._bytes.inc(count)

    def whole(self, name: str) -> bytes | None:
        """The file from memory, where the first request puts it, checked. None: absent, damaged or too long."""
        data = self._cache.get(name)
        if data is not None:
            self._cache.move_to_end(name)
            return data
        stored = self.store.find(name)
        if stored is None or stored.size_bytes > self.limits.cached_file_bytes_max:
            return None
        try:
            data = stored.path.read_bytes()
        except OSError:
            return None
        if sm3(data).hex() != stored.sm3:
            self._damaged.inc()
            return None
        self._keep(name, data)
        return data

    def open(self, name: str) -> tuple[int, bytes | int] | None:
        """Size and source of a file: its bytes, or for one too long for memory a descriptor that the caller closes.

        The SM3 of a long file was checked when it was written, and devices check it again.
        """
        data = self.whole(name)
        if data is not None:
            return len(data), data
        stored = self.store.find(name)
        if stored is None or stored.size_bytes <= self.limits.cached_file_bytes_max:
            return None
        try:
            return stored.size_bytes, os.open(stored.path, os.O_RDONLY)
        except OSError:
            return None

    def _keep(self, name: str, data: bytes) -> None:
        self._cache[name] = data
        self._cached_bytes += len(data)
        while self._cached_bytes > self.limits.cache_bytes_max:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped)

    def close(self) -> None:
        """Cut every connection."""
        for connection in list(self.connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    """One peer: reads heads, writes answers one after another, never more than the transport's buffer ahead."""

    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._source: bytes | int = b""  # what is being sent: bytes, or the descriptor of a long file
        self._at = self._end = 0
        self._keep_alive = True
        self._paused = False
        self._active_s = 0.0
        self._buffered = 0
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it in and start watching its pace."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by isinstance
        self._loop = asyncio.get_running_loop()
        if not self._server.admit(self):
            self._transport.abort()
            return
        self._active_s = self._loop.time()
        self._watch = self._loop.call_later(self._server.limits.idle_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what it held."""
        self._server.connections.discard(self)
        self._transport = None
        if self._watch is not None:
            self._watch.cancel()
        self._release()

    def abort(self) -> None:
        """Cut it."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Collect heads; answer the first as soon as the one before is written."""
        self._active_s = self._loop.time()
        self._received += data
        self._serve()

    def eof_received(self) -> bool:
        """The peer sends nothing more; it still gets what it asked for."""
        self._keep_alive = False
        return self._at < self._end

    def pause_writing(self) -> None:
        """The peer reads slowly: take no further requests from it either."""
        self._paused = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It caught up."""
        self._paused = False
        self._active_s = self._loop.time()
        self._pump()
        self._serve()
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _serve(self) -> None:
        while self._transport is not None and not self._transport.is_closing() and not self._paused:
            end = self._received.find(_END_OF_HEAD)
            if end < 0 or end > self._server.limits.head_bytes_max:
                if len(self._received) > self._server.limits.head_bytes_max:
                    self._answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, keep_alive=False)
                return
            request = http.parse(bytes(self._received[:end]))
            del self._received[: end + len(_END_OF_HEAD)]
            self._keep_alive = request.keep_alive
            if request.status is HTTPStatus.OK:
                self._send_file(request)
            else:
                self._answer(request.status, keep_alive=request.keep_alive)

    def _send_file(self, request: http.Request) -> None:
        source = self._server.open(request.name)
        if source is None:
            self._answer(HTTPStatus.NOT_FOUND, keep_alive=request.keep_alive)
            return
        size, self._source = source
        fields = http.file_fields(request.name)
        span = http.byte_range(request.range_text, size)
        if http.is_current(request):
            self._answer(HTTPStatus.NOT_MODIFIED, keep_alive=request.keep_alive, fields=fields)
        elif span is None:
            fields = (f"Content-Range: bytes */{size}",)
            self._answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, keep_alive=request.keep_alive, fields=fields)
        else:
            status, (start, end) = HTTPStatus.OK, span
            if span != (0, size):
                status = HTTPStatus.PARTIAL_CONTENT
                fields = (*fields, f"Content-Range: bytes {start}-{end - 1}/{size}")
            self._server.count(status)
            if not request.head_only:
                self._at, self._end = span
            self._pump(http.answer_head(status, keep_alive=request.keep_alive, length=end - start, fields=fields))

    def _pump(self, head: bytes = b"") -> None:
        """Write `head` with the first piece, then pieces until the transport says stop."""
        transport = self._transport
        if transport is None:
            return
        if self._at == self._end and head:
            transport.write(head)
        while self._at < self._end and not self._paused:
            piece = self._piece(min(self._end - self._at, self._server.limits.piece_bytes))
            if not piece:  # the file was cut while we read it: the promised length cannot be kept
                transport.abort()
                return
            self._at += len(piece)
            self._server.count_bytes(len(piece))
            if head:
                transport.writelines((head, piece))
                head = b""
            else:
                transport.write(piece)
        self._buffered = transport.get_write_buffer_size()
        if self._at == self._end:
            self._release()
            if not self._keep_alive:
                transport.close()

    def _piece(self, count: int) -> bytes:
        if isinstance(self._source, bytes):
            whole = count == len(self._source)  # the usual case, without a copy
            return self._source if whole else self._source[self._at : self._at + count]
        try:
            return os.pread(self._source, count, self._at)
        except OSError:
            return b""

    def _release(self) -> None:
        if isinstance(self._source, int):
            os.close(self._source)
        self._source, self._at, self._end = b"", 0, 0

    def _answer(self, status: HTTPStatus, *, keep_alive: bool, fields: tuple[str, ...] = ()) -> None:
        self._server.count(status)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            fields = ("Allow: GET, HEAD",)
        self._keep_alive = keep_alive
        self._release()
        self._pump(http.answer_head(status, keep_alive=keep_alive, length=0, fields=fields))

    def _look(self) -> None:
        """Cut a peer that has been still for `idle_s`; look again when that could next be so."""
        if self._transport is None:
            return
        buffered = self._transport.get_write_buffer_size()
        if buffered < self._buffered:
            self._active_s = self._loop.time()  # slow, but reading
        self._buffered = buffered
        left_s = self._active_s + self._server.limits.idle_s - self._loop.time()
        if left_s <= 0:
            self._transport.abort()
        else:
            self._watch = self._loop.call_later(left_s, self._look)


_STATUSES = (
    HTTPStatus.OK,
    HTTPStatus.PARTIAL_CONTENT,
    HTTPStatus.NOT_MODIFIED,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
)


@contextlib.asynccontextmanager
async def serving(server: MediaServer, network: Network, host: str, port: int) -> AsyncIterator[asyncio.Server]:
    """Serve while the block runs. Raises OSError when the address is taken."""
    listener = await network.listen(server.protocol, host, port)
    try:
        yield listener
    finally:
        listener.close()
        server.close()
        await asyncio.sleep(0)  # lets the transports tell their protocols
