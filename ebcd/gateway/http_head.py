"""Makes requests of hand-written clients acceptable to a strict HTTP parser, without weakening the parser.

Two things only: a request of HTTP/1.1 that names no Host gets one, and a client that shuts its sending side after the
request (half-closed) still gets its answer.
"""

from __future__ import annotations

import asyncio
import re

from uvicorn.protocols.http.h11_impl import H11Protocol

_END = re.compile(rb"\r?\n\r?\n")
_HOST = re.compile(rb"^host[ \t]*:", re.IGNORECASE | re.MULTILINE)


class TolerantHead(asyncio.Protocol):
    """Stands before the protocol of one HTTP connection and completes the head of its first request."""

    def __init__(self, inner: H11Protocol, *, head_bytes_max: int) -> None:
        self._inner = inner
        self._head_bytes_max = head_bytes_max
        self._head: bytearray | None = bytearray()  # None once the first head is through

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass on."""
        self._inner.connection_made(transport)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on."""
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._inner.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Hold back until the head is whole, then pass everything on."""
        if self._head is None:
            self._inner.data_received(data)
            return
        self._head += data
        end = _END.search(self._head)
        if end is None and len(self._head) <= self._head_bytes_max:
            return
        head, self._head = bytes(self._head), None
        if end is not None and _HOST.search(head, 0, end.end()) is None:
            line, feed, rest = head.partition(b"\n")
            head = line + feed + b"Host: ebcd\r\n" + rest
        self._inner.data_received(head)

    def eof_received(self) -> bool:
        """Keep the connection while a whole request is being answered; close it otherwise."""
        cycle = self._inner.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete
