"""Frames back to packets, from any starting frame and through lost or damaged blocks (GD/J 085 clause 5.4).

Each (source level, version) has a slot. A frame whose blocks A and B are readable says where its bytes belong, so one
bad block C or D costs two bytes only and the packet's next repeat fills them. What had to be corrected may be wrong:
it is held as doubtful, gives way to a block that arrived whole, and is forgotten when the CRC-16 does not agree.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from protocols.crc import crc16_ccitt_false
from protocols.fm.bits import HeardFrame
from protocols.fm.frame import CRC_BYTES, PAYLOAD_BYTES, SourceLevel
from protocols.fm.packet import packet_bytes

PIECES: Final = 3  # a frame's payload travels in three blocks: byte 0 in B, bytes 1-2 in C, bytes 3-4 in D
_BOUNDS: Final = ((0, 1), (1, 3), (3, 5))


@dataclass(frozen=True, slots=True)
class Complete:
    """A packet whose length and CRC-16 are right; its signature has not been looked at."""

    level: int
    version: int
    packet: bytes


@dataclass(frozen=True, slots=True)
class Discarded:
    """A packet was given up. `reason`: "crc", "length", "replaced" (other content under the same version), "timeout",
    "slots" (the oldest made room)."""

    level: int
    version: int
    reason: str


class _Quality(IntEnum):
    MISSING = 0
    DOUBTFUL = 1
    SURE = 2


class _Slot:
    """One packet on its way."""

    __slots__ = ("count", "delivered", "last_s", "missing", "payload", "quality")

    def __init__(self, count: int, now_s: float) -> None:
        self.count = count
        self.payload = bytearray(PAYLOAD_BYTES * count)
        self.quality = bytearray(PIECES * count)
        self.missing = PIECES * count
        self.last_s = now_s
        self.delivered = False

    def take(self, index: int, pieces: tuple[tuple[bytes, _Quality], ...]) -> bool:
        """Store a frame's pieces; False when one that arrived whole contradicts one that did, too."""
        for number, (data, quality) in enumerate(pieces):
            if quality is _Quality.MISSING:
                continue
            at = PIECES * index + number
            known = self.quality[at]
            low, high = (PAYLOAD_BYTES * index + bound for bound in _BOUNDS[number])
            if known == _Quality.SURE:
                if quality is _Quality.SURE and self.payload[low:high] != data:
                    return False
                continue
            if known == _Quality.MISSING:
                self.missing -= 1
            self.payload[low:high] = data
            self.quality[at] = quality
        return True

    def forget_doubtful(self) -> bool:
        """Open every piece that had to be corrected; False when there was none."""
        doubtful = self.quality.count(_Quality.DOUBTFUL)
        self.quality = self.quality.replace(bytes((_Quality.DOUBTFUL,)), bytes((_Quality.MISSING,)))
        self.missing += doubtful
        return doubtful > 0

    def fault(self) -> str | None:
        """What is wrong with the full slot: "length", "crc" or nothing."""
        data = bytes(self.payload)
        length = packet_bytes(data)
        size = PAYLOAD_BYTES * self.count
        if not size - PAYLOAD_BYTES - 1 <= length <= size - CRC_BYTES:
            return "length"
        expected = int.from_bytes(data[length : length + CRC_BYTES], "big")
        return None if crc16_ccitt_false(data[:length]) == expected else "crc"


class Reassembler:
    """Feed it heard frames; it yields each packet once, as long as its repeats go on."""

    def __init__(self, *, slots_max: int, timeout_s: float) -> None:
        """At most `slots_max` packets are kept; one is forgotten `timeout_s` after its last frame."""
        self._slots_max = slots_max
        self._timeout_s = timeout_s
        self._slots: dict[int, _Slot] = {}

    def feed(self, frame: HeardFrame, now_s: float) -> Iterator[Complete | Discarded]:
        """Take one frame. `now_s` is any clock that never steps back."""
        word_a, word_b, word_c, word_d = frame.words
        if word_a is None or word_b is None:
            return
        count, index = word_a & 0xFF, word_b >> 8
        if not SourceLevel.NATIONAL <= word_a >> 13 <= SourceLevel.VILLAGE or index >= count:
            return
        key = word_a >> 8
        whole_a, whole_b, whole_c, whole_d = frame.whole
        placed = whole_a and whole_b  # a corrected A or B may have put sound bytes in a wrong place
        slot = self._slots.get(key)
        if slot is None or slot.count != count or now_s - slot.last_s > self._timeout_s:
            if not placed:
                return
            slot = yield from self._open(key, count, now_s)
        pieces = (
            _piece(word_b, 1, placed),
            _piece(word_c, 2, placed and whole_c),
            _piece(word_d, 2, placed and whole_d),
        )
        if not slot.take(index, pieces):
            slot = yield from self._open(key, count, now_s)
            slot.take(index, pieces)
        slot.last_s = now_s
        if not slot.missing and not slot.delivered:
            yield from self._finish(key, slot)

    def _open(self, key: int, count: int, now_s: float) -> Generator[Discarded, None, _Slot]:
        """Start a slot anew and make room for it."""
        old = self._slots.pop(key, None)
        if old is not None and not old.delivered:
            reason = "timeout" if now_s - old.last_s > self._timeout_s else "replaced"
            yield Discarded(key >> 5, key & 0x1F, reason)
        for other in [other for other, slot in self._slots.items() if now_s - slot.last_s > self._timeout_s]:
            if not self._slots.pop(other).delivered:
                yield Discarded(other >> 5, other & 0x1F, "timeout")
        if len(self._slots) >= self._slots_max:
            oldest = min(self._slots, key=lambda other: self._slots[other].last_s)
            if not self._slots.pop(oldest).delivered:
                yield Discarded(oldest >> 5, oldest & 0x1F, "slots")
        slot = self._slots[key] = _Slot(count, now_s)
        return slot

    def _finish(self, key: int, slot: _Slot) -> Iterator[Complete | Discarded]:
        fault = slot.fault()
        if fault is None:
            slot.delivered = True
            data = bytes(slot.payload)
            slot.quality = bytearray(bytes((_Quality.SURE,)) * len(slot.quality))
            yield Complete(key >> 5, key & 0x1F, data[: packet_bytes(data)])
        elif not slot.forget_doubtful():
            del self._slots[key]
            yield Discarded(key >> 5, key & 0x1F, fault)


def _piece(word: int | None, size: int, sure: bool) -> tuple[bytes, _Quality]:
    if word is None:
        return b"", _Quality.MISSING
    return (word & ((1 << 8 * size) - 1)).to_bytes(size, "big"), _Quality.SURE if sure else _Quality.DOUBTFUL
