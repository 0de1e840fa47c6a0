"""One socket of a FEFD terminal: bytes in, frames to its listener; bytes out, or closed when nobody reads them."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from protocols import terminal
from protocols.codes import ResourceCode


class Listener(Protocol):
    """Who owns the connections."""

    frame_bytes_max: int
    unsent_bytes_max: int

    def opened(self, connection: Connection) -> None:
        """A socket was accepted."""

    source_bcd: bytes
    """Our own code in wire form."""

    def received(self, connection: Connection, frame: terminal.Frame) -> None:
        """A whole frame with a right CRC came."""

    def answered(self, connection: Connection, session: int, type_: int, result: int) -> None:
        """The bound device answered a request, without text."""

    def refused(self, connection: Connection, bad: terminal.BadFrame) -> None:
        """Bytes came that are no frame."""

    def waits(self, connection: Connection) -> None:
        """Part of a frame came; the rest is outstanding."""

    def closed(self, connection: Connection) -> None:
        """The socket is gone; `connection.reason` says why."""


class Connection(asyncio.Protocol):
    """Kept small: a county has thousands."""

    __slots__ = (
        "_cutter",
        "_dropped",
        "_listener",
        "bad_frames",
        "code",
        "code_bcd",
        "edition",
        "heard",
        "old_code",
        "phys",
        "ready",
        "reason",
        "transport",
    )

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._cutter = terminal.Deframer(listener.frame_bytes_max)
        self._dropped = False
        self.transport: asyncio.Transport | None = None
        self.code: ResourceCode | None = None
        """The device this socket speaks for, once its first heartbeat has said so."""
        self.code_bcd = b""
        """The same in wire form."""
        self.phys = ""
        self.edition = 0
        """Of the inventory, when it was last looked up who this socket speaks for."""
        self.old_code: ResourceCode | None = None
        """What the device calls itself until it has taken the code that the inventory has for it."""
        self.ready = False
        """Whether the device uses its right code, so that it can be commanded."""
        self.heard = False
        self.bad_frames = 0
        self.reason = "closed by the terminal"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=self._listener.unsent_bytes_max)
        self._listener.opened(self)

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        if self.ready and self._cutter.is_clean:
            seen = terminal.short_answer(data, self.code_bcd, self._listener.source_bcd)
            if seen is not None:
                self._listener.answered(self, *seen)
                return
        self._hand_on(self._cutter.feed(data))
        if self._cutter.pending:
            self._listener.waits(self)

    def give_up_partial(self) -> None:
        """The rest of a frame did not come: look for whole frames in what is there."""
        if self._cutter.pending:
            self._hand_on(self._cutter.end())

    def eof_received(self) -> bool:
        """asyncio: a terminal that half-closes has gone."""
        return False

    def pause_writing(self) -> None:
        """asyncio: more than the limit is unsent, so nobody reads there (I6)."""
        self.drop("stalled")

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        if exc is not None:
            self.reason = f"lost: {exc}"
        for item in self._cutter.end():  # what was whole behind a cut frame was still said
            if isinstance(item, terminal.BadFrame):
                self._listener.refused(self, item)
            elif not self._dropped:
                self._listener.received(self, item)
        self.transport = None
        self._listener.closed(self)

    def write(self, data: bytes) -> bool:
        """Send without waiting. False: the connection is gone, or was dropped because it does not read."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        transport.write(data)
        return not transport.is_closing()

    def drop(self, reason: str) -> None:
        """Close at once and forget what is unsent."""
        if self.transport is not None and not self.is_gone:
            self.reason, self._dropped = reason, True
            self.transport.abort()

    def close(self, reason: str) -> None:
        """Close after what was written has gone out."""
        if self.transport is not None and not self.is_gone:
            self.reason, self._dropped = reason, True
            self.transport.close()

    @property
    def is_gone(self) -> bool:
        """Whether nothing can be said on this socket any more."""
        return self.transport is None or self.transport.is_closing()

    @property
    def peer(self) -> str:
        """Address of the other side, for people."""
        name = self.transport.get_extra_info("peername") if self.transport else None
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) and len(name) >= 2 else "?"

    def _hand_on(self, items: list[terminal.Frame | terminal.BadFrame]) -> None:
        for item in items:
            if self.is_gone:
                return
            if isinstance(item, terminal.Frame):
                self._listener.received(self, item)
            else:
                self._listener.refused(self, item)
