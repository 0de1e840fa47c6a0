"""SM3 of files that are too large to hold (GB/T 32905)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from protocols.sm2 import sm3

PIECE_BYTES = 1024 * 1024


class Digest(Protocol):
    """A digest that grows."""

    def update(self, data: bytes, /) -> None:
        """Take more."""

    def hexdigest(self) -> str:
        """Of everything so far."""


class _Gathered:
    """For machines whose Python has no SM3: the bytes are held until they are asked for."""

    def __init__(self) -> None:
        self._held = bytearray()

    def update(self, data: bytes, /) -> None:
        """Take more."""
        self._held += data

    def hexdigest(self) -> str:
        """Of everything so far."""
        return sm3(bytes(self._held)).hex()


def new_sm3() -> Digest:
    """An empty digest."""
    try:
        return hashlib.new("sm3", usedforsecurity=False)
    except ValueError:
        return _Gathered()


class HashingReader:
    """Hands on what it reads and knows its digest."""

    def __init__(self, source: BinaryIO, before_each: Callable[[], None] = lambda: None) -> None:
        """`before_each` is called before each read and may raise."""
        self._source = source
        self._before_each = before_each
        self._digest = new_sm3()
        self.size_bytes = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        self._before_each()
        data = self._source.read(size)
        self._digest.update(data)
        self.size_bytes += len(data)
        return data

    @property
    def sm3(self) -> str:
        """Of everything read so far, hex."""
        return self._digest.hexdigest()
