"""The socket to an FM exciter."""

from __future__ import annotations

import asyncio
from typing import cast


class ExciterConnection(asyncio.Protocol):
    """The TCP connection to the exciter, which has nothing to say."""

    def __init__(self) -> None:
        self.lost: str | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, by whomever."""
        self.lost = str(exc) if exc else "the transmitter closed the connection"

    @property
    def unsent_bytes(self) -> int:
        """What the operating system has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Hand bytes over at once."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Hang up without waiting: nothing that is left is worth playing."""
        if self._transport is not None:
            self._transport.abort()
