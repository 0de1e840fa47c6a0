"""What must hold for every codec: the three properties, as targets for any bytes.

Only RemoteProtocolError leaves a decoder; decoding what was encoded gives the same value; how reads split a stream
changes nothing, and what is held back stays under a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar
from zlib import crc32

from protocols.errors import LocalProtocolError, RemoteProtocolError

Run = Callable[[bytes], None]
ValueT = TypeVar("ValueT")


class Cuts(Protocol):
    """A deframer: bytes in, events out, with what it holds of a frame that has not ended."""

    @property
    def pending(self) -> int:
        """Bytes held."""

    def feed(self, data: bytes) -> Sequence[object]:
        """Bytes in."""

    def end(self) -> Sequence[object]:
        """The stream ended."""


def decodes(decode: Callable[[bytes], object]) -> Run:
    """Any bytes give a value or RemoteProtocolError."""

    def run(data: bytes) -> None:
        try:
            decode(data)
        except RemoteProtocolError:
            return

    return run


def comes_back(
    decode: Callable[[bytes], ValueT], encode: Callable[[ValueT], bytes], *, may_refuse: bool = False
) -> Run:
    """The same, and the value encoded and decoded is the value. `may_refuse`: what is read tolerantly need not be
    written (XML), but then with LocalProtocolError."""

    def run(data: bytes) -> None:
        try:
            value = decode(data)
        except RemoteProtocolError:
            return
        try:
            written = encode(value)
        except LocalProtocolError:
            if may_refuse:
                return
            raise
        again = decode(written)
        assert again == value, f"{again} is not {value}"
        assert encode(again) == written

    return run


def streams(make: Callable[[], Cuts], pending_max: int) -> Run:
    """A deframer tells the same of one read and of many, and never holds more than `pending_max` bytes."""

    def run(data: bytes) -> None:
        whole = _events(make(), [data], pending_max)
        assert _events(make(), pieces_of(data), pending_max) == whole

    return run


def _events(deframer: Cuts, reads: Iterable[bytes], pending_max: int) -> list[object]:
    found: list[object] = []
    for read in reads:
        found += deframer.feed(read)
        assert deframer.pending <= pending_max, deframer.pending
    found += deframer.end()
    assert not deframer.pending
    return found


def pieces_of(data: bytes) -> Iterator[bytes]:
    """The same bytes in reads of lengths that their own checksum chooses, many of them 1."""
    state, at = crc32(data) or 1, 0
    while at < len(data):
        state = state * 0x5DEECE66D + 11 & 0xFFFFFFFFFFFF
        size = 1 + (state >> 24) % (1, 3, 20, 400)[state >> 16 & 3]
        yield data[at : at + size]
        at += size
