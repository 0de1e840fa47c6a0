"""One open line to an encoder, serial or TCP, as an asyncio protocol."""

from __future__ import annotations

import asyncio
from typing import Final, cast

ARRIVED_BYTES_MAX: Final = 4096


class EncoderLine(asyncio.Protocol):
    """The serial line or TCP connection. What arrives waits here for the link, which takes all of it at once."""

    def __init__(self, changed: asyncio.Event) -> None:
        self.lost: str | None = None
        self._changed = changed
        self._arrived = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, by whomever."""
        self.lost = str(exc) if exc else "the encoder closed the line"
        self._changed.set()

    def data_received(self, data: bytes) -> None:
        """Keep it, up to a limit: so much between two turns is noise."""
        self._arrived += data[: ARRIVED_BYTES_MAX - len(self._arrived)]
        self._changed.set()

    @property
    def unsent_bytes(self) -> int:
        """What the line has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def take(self) -> bytes:
        """What arrived since the last time."""
        arrived = bytes(self._arrived)
        self._arrived.clear()
        return arrived

    def write(self, data: bytes) -> None:
        """Hand bytes over at once."""
        if self._transport is not None and data:
            self._transport.write(data)

    def close(self) -> None:
        """Hang up without waiting."""
        if self._transport is not None:
            self._transport.abort()
