"""Whole messages inside other bytes: two frames in one read, noise around them, a capture of a network card.

Only what proves itself is taken: frames with a right CRC, and documents from their root to its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ebcd.decode.adapter_frames import size_at
from protocols import adapter, terminal
from protocols.crc import crc32_mpeg2
from protocols.errors import RemoteProtocolError
from protocols.terminal.frame import measure
from protocols.uecp import frame as uecp
from protocols.uecp.frame import STUFFED_BYTES_MAX

FOUND_MAX = 1_000
"""Messages of one input that are taken apart."""
WORK_PER_BYTE_MAX = 64
"""Bytes that CRCs may run over, per byte of the input: a file of lying lengths must not take hours."""

DECLARATION_BYTES_MAX = 200

_ADAPTER = re.compile(rb"[\x49\x50]\x00\x01")
_TERMINAL = re.compile(rb"\xfe\xfd\x01[\x00\x01]")
_UECP = re.compile(rb"\xfe[^\xfe\xff]{6,%d}\xff" % STUFFED_BYTES_MAX)
_CRC32_BYTES = 4


@dataclass(frozen=True, slots=True)
class Found:
    """One whole message: its protocol, and where it stands."""

    protocol: str
    start: int
    end: int


class _Budget:
    """How much work is left."""

    def __init__(self, size: int) -> None:
        self.left = WORK_PER_BYTE_MAX * size + adapter.FRAME_BYTES_MAX


def carve(data: bytes, protocol: str | None = None) -> tuple[Found, ...]:
    """The whole messages in `data`, in order and without overlap; those of one protocol only where it is named."""
    budget = _Budget(len(data))
    found: list[Found] = []
    for name, finder in _FINDERS.items():
        if protocol in (None, name):
            found += finder(data, budget)
    taken: list[Found] = []
    for each in sorted(found, key=lambda one: (one.start, -one.end)):
        if not taken or each.start >= taken[-1].end:
            taken.append(each)
    return tuple(taken[:FOUND_MAX])


def _with_crc32(
    name: str, mark: re.Pattern[bytes], size_of: Callable[[bytes, int], int], size_max: int
) -> Callable[[bytes, _Budget], Iterator[Found]]:
    def find(data: bytes, budget: _Budget) -> Iterator[Found]:
        at = 0
        while (here := mark.search(data, at)) and budget.left > 0:
            at = here.start() + 1
            size = size_of(data, here.start())
            end = here.start() + size
            if not _CRC32_BYTES < size <= size_max or end > len(data):
                continue
            budget.left -= size
            carried = int.from_bytes(data[end - _CRC32_BYTES : end], "big")
            if crc32_mpeg2(data[here.start() : end - _CRC32_BYTES]) == carried:
                yield Found(name, here.start(), end)
                at = end

    return find


def _terminal_size(data: bytes, at: int) -> int:
    return measure(data, at, terminal.FRAME_BYTES_MAX)


def _uecp(data: bytes, budget: _Budget) -> Iterator[Found]:
    for here in _UECP.finditer(data):
        if budget.left <= 0:
            return
        budget.left -= len(here[0])
        try:
            uecp.decode(here[0])
        except RemoteProtocolError:
            continue
        yield Found("uecp", here.start(), here.end())


def _xml(name: str, roots: Sequence[bytes]) -> Callable[[bytes, _Budget], Iterator[Found]]:
    def find(data: bytes, _budget: _Budget) -> Iterator[Found]:
        for root in roots:
            closing, at = b"</" + root + b">", 0
            while (start := data.find(b"<" + root, at)) >= 0:
                close = data.find(closing, start)
                if close < 0:
                    break
                at = close + len(closing)
                yield Found(name, _declaration_before(data, start), at)

    return find


def _declaration_before(data: bytes, start: int) -> int:
    """Where the XML declaration of the root at `start` begins, if one stands right before it."""
    head = data[max(start - DECLARATION_BYTES_MAX, 0) : start]
    at = head.rfind(b"<?xml")
    is_all = at >= 0 and head[at:].rstrip().endswith(b"?>") and head[at:].count(b"<") == 1
    return start - len(head) + at if is_all else start


_FINDERS: dict[str, Callable[[bytes, _Budget], Iterator[Found]]] = {
    "adapter": _with_crc32("adapter", _ADAPTER, size_at, adapter.FRAME_BYTES_MAX),
    "terminal": _with_crc32("terminal", _TERMINAL, _terminal_size, terminal.FRAME_BYTES_MAX),
    "uecp": _uecp,
    "ebd-xml": _xml("ebd-xml", (b"EBD", b"EBI")),
    "signature-xml": _xml("signature-xml", (b"Signature",)),
}
