"""Frames back to packets, from any starting frame and through lost or damaged blocks (GD/J 085 clause 5.4).

Each (source level, version) has a slot. A frame whose blocks A and B are readable says where its bytes belong, so one
bad block C or D costs two bytes only and the packet's next repeat fills them. What had to be corrected, or whose place
had to be guessed, may be wrong: it is held as doubtful and gives way to a block that arrived whole, or to what repeats
said as often. The CRC-16 decides whether doubtful pieces were right, each time one of them changes.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Final

from protocols.crc import crc16_ccitt_false
from protocols.fm.bits import HeardFrame
from protocols.fm.frame import CRC_BYTES, FRAME_BITS, PAYLOAD_BYTES, SourceLevel
from protocols.fm.packet import packet_bytes
from protocols.sm2 import sm3

DELIVERED_MAX: Final = 64
"""Packets that are known by their SM3, so that a repeat after a pause is silent, too: twice what rotates."""
READINGS_MAX: Final = 8
"""Different doubtful readings of one piece that are counted; more repeats than that are told apart by the latest."""
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


class _Taken(Enum):
    NOTHING_NEW = auto()
    CHANGED = auto()
    CONTRADICTED = auto()


_Piece = tuple[bytes, _Quality]
_ALL_SURE: Final = bytes((_Quality.SURE,)) * PIECES
_ALL_MISSING: Final = bytes((_Quality.MISSING,)) * PIECES
_WHOLE: Final = (True,) * 4
_LOST: Final[_Piece] = (b"", _Quality.MISSING)


class _Slot:
    """One packet on its way."""

    __slots__ = ("count", "delivered", "last_s", "missing", "payload", "quality", "readings")

    def __init__(self, count: int, now_s: float) -> None:
        self.count = count
        self.payload = bytearray(PAYLOAD_BYTES * count)
        self.quality = bytearray(PIECES * count)
        self.missing = PIECES * count
        self.last_s = now_s
        self.delivered = False
        self.readings: dict[int, dict[bytes, int]] = {}  # of doubtful pieces: what was read, how often

    def take_whole(self, index: int, data: bytes) -> _Taken | None:
        """The same for a whole frame's five bytes, at a quarter of the cost; None where `take` has to look closer."""
        first = PIECES * index
        known = self.quality[first : first + PIECES]
        low = PAYLOAD_BYTES * index
        if known == _ALL_SURE:
            return _Taken.NOTHING_NEW if self.payload[low : low + PAYLOAD_BYTES] == data else _Taken.CONTRADICTED
        if known != _ALL_MISSING:
            return None
        self.payload[low : low + PAYLOAD_BYTES] = data
        self.quality[first : first + PIECES] = _ALL_SURE
        self.missing -= PIECES
        return _Taken.CHANGED

    def take(self, index: int, pieces: tuple[_Piece, ...]) -> _Taken:
        """Store a frame's pieces. What arrived whole replaces what is doubtful; two of them must not differ. Of what is
        doubtful the reading stays that came oftenest: a wrong correction seldom comes twice."""
        taken = _Taken.NOTHING_NEW
        for number, (data, quality) in enumerate(pieces):
            at = PIECES * index + number
            known = self.quality[at]
            low, high = (PAYLOAD_BYTES * index + bound for bound in _BOUNDS[number])
            if known == _Quality.SURE:
                if quality is _Quality.SURE and self.payload[low:high] != data:
                    return _Taken.CONTRADICTED
            elif quality is _Quality.SURE or (quality is _Quality.DOUBTFUL and self._is_likeliest(at, data)):
                self.missing -= known == _Quality.MISSING
                self.payload[low:high] = data
                self.quality[at] = quality
                taken = _Taken.CHANGED
        return taken

    def _is_likeliest(self, at: int, data: bytes) -> bool:
        """Whether no other reading of this piece came oftener; the latest of equals wins."""
        tally = self.readings.setdefault(at, {})
        if len(tally) < READINGS_MAX or data in tally:
            tally[data] = tally.get(data, 0) + 1
        return tally.get(data, 1) >= max(tally.values())

    def fault(self) -> str | None:
        """What is wrong with the full slot: "length", "crc" or nothing."""
        data = bytes(self.payload)
        length = packet_bytes(data)
        size = PAYLOAD_BYTES * self.count
        if not size - PAYLOAD_BYTES - 1 <= length <= size - CRC_BYTES:
            return "length"
        expected = int.from_bytes(data[length : length + CRC_BYTES], "big")
        return None if crc16_ccitt_false(data[:length]) == expected else "crc"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a frame says, or is thought, to belong."""

    key: int  # level and version
    count: int
    index: int
    bit: int

    def successor(self, bit: int) -> _Place | None:
        """The place of the frame that ends at `bit`, if it follows at once; a packet may begin again after its end."""
        if bit - self.bit != FRAME_BITS:
            return None
        return _Place(self.key, self.count, (self.index + 1) % self.count, bit)


class Reassembler:
    """Feed it heard frames; it yields each packet once, however often and under whatever version it is repeated."""

    def __init__(self, *, slots_max: int, timeout_s: float) -> None:
        """At most `slots_max` packets are kept; one is forgotten `timeout_s` after its last frame."""
        self._slots_max = slots_max
        self._timeout_s = timeout_s
        self._slots: dict[int, _Slot] = {}
        self._delivered: dict[bytes, None] = {}  # SM3 of packets, the latest last
        self._last: _Place | HeardFrame | None = None  # a whole frame says itself where it belonged
        self._homeless: HeardFrame | None = None  # the last one whose place nobody could say

    def feed(self, frame: HeardFrame, now_s: float) -> Iterator[Complete | Discarded]:
        """Take one frame. `now_s` is any clock that never steps back."""
        if frame.whole == _WHOLE and self._known(frame, now_s):
            return
        place, sure = self._place(frame)
        self._last = place
        if place is None:
            self._homeless = frame
            return
        slot = self._slots.get(place.key)
        if slot is None or slot.count != place.count or now_s - slot.last_s > self._timeout_s:
            if not sure and not self._confirmed(place):  # a wrong guess must not throw away what is there
                self._homeless = frame
                return
            slot = yield from self._open(place, now_s)
            self._take_homeless(slot, place)
        pieces = self._pieces(frame, sure)
        taken = slot.take(place.index, pieces)
        if taken is _Taken.CONTRADICTED:
            slot = yield from self._open(place, now_s)
            taken = slot.take(place.index, pieces)
        slot.last_s = now_s
        if taken is _Taken.CHANGED and not slot.missing and not slot.delivered:
            yield from self._finish(place.key, slot)

    def _known(self, frame: HeardFrame, now_s: float) -> bool:
        """Take a whole frame of a packet on its way, if that completes nothing and contradicts nothing: the usual case.
        A property test holds it equal to the long way."""
        word_a, word_b, word_c, word_d = frame.words
        if word_a is None or word_b is None or word_c is None or word_d is None:
            return False
        slot = self._slots.get(word_a >> 8)
        index = word_b >> 8
        if slot is None or slot.count != word_a & 0xFF or index >= slot.count:
            return False
        if now_s - slot.last_s > self._timeout_s or slot.missing == PIECES:  # too late, or this may be the last one
            return False
        data = ((word_b & 0xFF) << 32 | word_c << 16 | word_d).to_bytes(PAYLOAD_BYTES, "big")
        taken = slot.take_whole(index, data)
        if taken is None or taken is _Taken.CONTRADICTED:
            return False
        slot.last_s = now_s
        self._last = frame
        return True

    def _guess(self, bit: int) -> _Place | None:
        """Where the frame that ends at `bit` belongs if it follows the last one."""
        last = self._last
        if isinstance(last, HeardFrame):
            word_a, word_b = last.words[0] or 0, last.words[1] or 0
            last = _Place(word_a >> 8, word_a & 0xFF, word_b >> 8, last.bit)
        return None if last is None else last.successor(bit)

    def _place(self, frame: HeardFrame) -> tuple[_Place | None, bool]:
        """Where the frame belongs, and whether its own whole blocks say so.

        Frames of a packet usually follow each other, so an unreadable block A or B can be guessed from the frame
        before; a corrected A that names no packet on its way is distrusted in favour of the guess, unless the frame
        just before was corrected to the same.
        """
        word_a, word_b = frame.words[0], frame.words[1]
        guess = self._guess(frame.bit)
        whole_a, whole_b = frame.whole[0], frame.whole[1]
        if word_a is not None and not whole_a:
            slot = self._slots.get(word_a >> 8)
            if (slot is None or slot.count != word_a & 0xFF) and not self._said_before(word_a, frame.bit):
                word_a = None
        if word_a is None and guess is not None:
            word_a = guess.key << 8 | guess.count
        if word_a is None:
            return None, False
        key, count = word_a >> 8, word_a & 0xFF
        if word_b is not None:
            index = word_b >> 8
        elif guess is not None and guess.key == key:
            index = guess.index
        else:
            return None, False
        if not SourceLevel.NATIONAL <= key >> 5 <= SourceLevel.VILLAGE or index >= count:
            return None, False
        return _Place(key, count, index, frame.bit), whole_a and whole_b

    def _confirmed(self, place: _Place) -> bool:
        """Whether the frame just before says, too, which packet this is and that this index follows its own. Both may
        have been corrected; that two wrong corrections agree so well happens once in millions."""
        before = self._homeless
        if before is None or before.words[1] is None or not self._said_before(place.key << 8 | place.count, place.bit):
            return False
        return (before.words[1] >> 8) + 1 == place.index

    def _said_before(self, word_a: int, bit: int) -> bool:
        """Whether the frame before the one that ends at `bit` had no place and carries this block A."""
        before = self._homeless
        return before is not None and bit - before.bit == FRAME_BITS and before.words[0] == word_a

    def _take_homeless(self, slot: _Slot, place: _Place) -> None:
        """The frame just before a packet's first readable one: a recording may begin inside its block A."""
        frame, self._homeless = self._homeless, None
        if frame is None or place.bit - frame.bit != FRAME_BITS:
            return
        word_a, word_b = frame.words[0], frame.words[1]
        index = (place.index - 1) % place.count
        agrees_a, agrees_b = word_a == (place.key << 8 | place.count), word_b is not None and word_b >> 8 == index
        if (agrees_a or word_a is None) and (agrees_b or word_b is None) and (agrees_a or agrees_b):
            slot.take(index, self._pieces(frame, False))

    @staticmethod
    def _pieces(frame: HeardFrame, placed: bool) -> tuple[_Piece, ...]:
        """The payload in three parts; nothing is sure in a frame whose place is not."""
        _a, word_b, word_c, word_d = frame.words
        _whole_a, _whole_b, whole_c, whole_d = frame.whole
        return (
            _piece(word_b, 1, placed),
            _piece(word_c, 2, placed and whole_c),
            _piece(word_d, 2, placed and whole_d),
        )

    def _open(self, place: _Place, now_s: float) -> Generator[Discarded, None, _Slot]:
        """Start a slot anew and make room for it."""
        key = place.key
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
        slot = self._slots[key] = _Slot(place.count, now_s)
        return slot

    def _finish(self, key: int, slot: _Slot) -> Iterator[Complete | Discarded]:
        """Deliver a full slot, or wait for whole blocks in place of doubtful ones, or give it up."""
        fault = slot.fault()
        if fault is None:
            slot.delivered = True
            slot.quality = bytearray(bytes((_Quality.SURE,)) * len(slot.quality))
            data = bytes(slot.payload)
            yield from self._deliver(Complete(key >> 5, key & 0x1F, data[: packet_bytes(data)]))
        elif _Quality.DOUBTFUL not in slot.quality:
            del self._slots[key]
            yield Discarded(key >> 5, key & 0x1F, fault)

    def _deliver(self, complete: Complete) -> Iterator[Complete]:
        """Once for each packet of a source level."""
        digest = sm3(bytes((complete.level,)) + complete.packet)
        known = digest in self._delivered
        self._delivered.pop(digest, None)
        self._delivered[digest] = None
        if len(self._delivered) > DELIVERED_MAX:
            del self._delivered[next(iter(self._delivered))]
        if not known:
            yield complete


def _piece(word: int | None, size: int, sure: bool) -> _Piece:
    if word is None:
        return _LOST
    return (word & ((1 << 8 * size) - 1)).to_bytes(size, "big"), _Quality.SURE if sure else _Quality.DOUBTFUL
