"""Frames as bits on the subcarrier: four blocks of 26, back to back, without a gap (GD/J 085 clause 6.1).

The sender's side is one function. The receiver looks for the block phase bit by bit, then takes whole frames; it says
when it gains and when it loses the phase, and leaves unreadable words open instead of throwing the frame away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from protocols.errors import LocalProtocolError
from protocols.fm.frame import FRAME_BITS, FRAME_BYTES
from protocols.rds.block import (
    ACCEPTED,
    BLOCK_BITS,
    BURST_BITS_ACQUIRING,
    BURST_BITS_IN_SYNC,
    CHECK_BITS,
    CHECK_MASK,
    REMAINDER,
    SENT,
    Habit,
    Offset,
    decode_block,
    encode_block,
    remainder,
)

AIR_BYTES: Final = 13
BLOCKS: Final = 4
PIECE_BYTES: Final = 64
LOSS_WINDOW_BLOCKS: Final = 52  # EN 50067 annex C.1 judges loss over about 50 blocks; 13 whole frames
LOSS_WHOLE_BLOCKS_MIN: Final = 5  # fewer whole blocks than this in the window: the phase is lost,
LOSS_READ_BLOCKS_MIN: Final = 36  # unless so many could be corrected; of 52 random ones about 19 can
TRIAL_WINDOW_BLOCKS: Final = 12  # a phase found by chance is given up after this many
TRIAL_WHOLE_BLOCKS_MIN: Final = 4
PROVEN_BLOCKS_MIN: Final = 2  # whole blocks by which a frame on trial proves its own phase: longer bursts are corrected
HIT_SPAN_BLOCKS_MAX: Final = 4  # two valid blocks at most this far apart give the phase
SLIP_BAD_FRAMES: Final = 2  # frames in a row without a whole block after which another phase is looked for
SLIP_WHOLE_BLOCKS_MIN: Final = 3  # of the seven in those two frames, to prove it: by chance once in 100,000 times

_FRAME_MASK: Final = (1 << FRAME_BITS) - 1
_BLOCK_MASK: Final = (1 << BLOCK_BITS) - 1
_SLIP_MASK: Final = (1 << SLIP_BAD_FRAMES * FRAME_BITS) - 1
_SHIFTS: Final = tuple(BLOCK_BITS * (BLOCKS - 1 - position) for position in range(BLOCKS))
_POSITIONS: Final[dict[int, int]] = {
    int(offset): position for position, offsets in enumerate(ACCEPTED) for offset in offsets
}


def frame_to_air(frame: bytes, *, offset_b: Offset = Offset.B) -> bytes:
    """The 104 bits of a frame of eight bytes, first bit highest: 13 bytes.

    `offset_b`: what GD/J 085 annex A prints for B differs from EN 50067 in one bit; every decoder expects the latter.
    """
    if len(frame) != FRAME_BYTES:
        raise LocalProtocolError(f"a frame has {FRAME_BYTES} bytes, not {len(frame)}")
    offsets = (SENT[0], offset_b, SENT[2], SENT[3])
    bits = 0
    for position, offset in enumerate(offsets):
        bits = bits << BLOCK_BITS | encode_block(int.from_bytes(frame[2 * position : 2 * position + 2], "big"), offset)
    return bits.to_bytes(AIR_BYTES, "big")


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """Four words as they came through: None where nothing could be made of a block; `whole` where nothing had to be
    corrected. `bit` counts the receiver's bits up to the frame's end."""

    words: tuple[int | None, ...]
    whole: tuple[bool, ...]
    bit: int


@dataclass(frozen=True, slots=True)
class SyncGained:
    """Two valid blocks in valid order gave the phase; frames follow."""

    bit: int


@dataclass(frozen=True, slots=True)
class SyncLost:
    """Too few whole blocks for too long, so the receiver searches again; or another phase is proved, because bits were
    lost or doubled on the way, and `SyncGained` follows at once."""

    bit: int


BitEvent = HeardFrame | SyncGained | SyncLost


def hear_frame(
    bits: int, bit: int, *, burst_bits_max: int = BURST_BITS_IN_SYNC, sent: Sequence[Offset] = SENT
) -> HeardFrame:
    """Decode 104 bits whose phase is known, of a sender that uses the offsets `sent`."""
    decoded = [
        decode_block(bits >> shift & _BLOCK_MASK, position, burst_bits_max=burst_bits_max, sent=sent)
        for position, shift in enumerate(_SHIFTS)
    ]
    return HeardFrame(tuple(word for word, _ in decoded), tuple(whole for _, whole in decoded), bit)


def find_phase(bits: int, count: int) -> int | None:
    """How many of the last `count` bits come after the last whole frame, by at least SLIP_WHOLE_BLOCKS_MIN blocks that
    arrived whole; None where no phase has so many."""
    blocks = count // BLOCK_BITS - 1
    for after in range(BLOCK_BITS):
        found = [0] * BLOCKS
        for number in range(blocks):
            block = bits >> after + BLOCK_BITS * number & _BLOCK_MASK
            position = _POSITIONS.get(REMAINDER[block >> CHECK_BITS] ^ (block & CHECK_MASK))
            if position is not None:
                found[(position + 1 + number) % BLOCKS] += 1  # blocks of the open frame, if that block is right
        best = max(range(BLOCKS), key=found.__getitem__)
        if found[best] >= SLIP_WHOLE_BLOCKS_MIN:
            return after + BLOCK_BITS * best
    return None


class _State(Enum):
    SEARCHING = auto()
    TRIAL = auto()  # a phase is assumed: short bursts are corrected, and few bad blocks end it
    IN_SYNC = auto()


class BitReceiver:
    """Bits in, frames out. Errors are events or open words, never exceptions."""

    def __init__(self, *, first_bit: int = 0) -> None:
        """`first_bit`: how many bits were on air before, for events that share a count with other receivers."""
        self._state = _State.SEARCHING
        self._bits = 0
        self._pending = 0  # bits in `_bits` that belong to no finished frame
        self._bit = self._begin = first_bit
        self._hits: deque[tuple[int, int]] = deque(maxlen=2 * HIT_SPAN_BLOCKS_MAX)  # (bit, position) of valid blocks
        self._counts: deque[tuple[int, int]] = deque()  # per frame: whole blocks, blocks that could be read
        self._whole_sum = self._read_sum = 0
        self._before = 0  # the frame before, while nothing in it was whole
        self._bad_frames = 0  # in a row, without a whole block
        self._habit = Habit()

    @property
    def in_sync(self) -> bool:
        """Whether the phase is known, on trial or for good."""
        return self._state is not _State.SEARCHING

    @property
    def phase(self) -> int:
        """Bits of the current frame received so far, 0-103; meaningful in sync only."""
        return self._pending

    @property
    def at_frame_start(self) -> bool:
        """Whether the phase is known and the next bit is the first of a frame."""
        return not self._pending and self._state is not _State.SEARCHING

    def feed_bytes(self, data: bytes) -> Iterator[BitEvent]:
        """Take whole bytes, highest bit first; in pieces, since a look at one bit of a long number costs its length."""
        for at in range(0, len(data), PIECE_BYTES):
            piece = data[at : at + PIECE_BYTES]
            yield from self.feed(int.from_bytes(piece, "big"), 8 * len(piece))

    def feed(self, bits: int, count: int) -> Iterator[BitEvent]:
        """Take the low `count` bits of `bits`, the first on air highest."""
        left = count
        while left:
            if self._state is _State.SEARCHING:
                left -= 1
                yield from self._search(bits >> left & 1)
            else:
                taken = min(left, FRAME_BITS - self._pending)
                left -= taken
                self._bits = (self._bits << taken | bits >> left & ((1 << taken) - 1)) & _FRAME_MASK
                self._pending += taken
                self._bit += taken
                if self._pending == FRAME_BITS:
                    self._pending = 0
                    yield from self._finish(self._bits)

    def skip_clean(self, frame: HeardFrame) -> None:
        """Count one whole frame that somebody else decoded from the same bits; the phase must be at a frame's start."""
        self._bit += FRAME_BITS
        self._bad_frames = 0
        if self._whole_sum < LOSS_WINDOW_BLOCKS:  # else the window is full of whole blocks and stays so
            self._judge(frame)

    def _search(self, bit: int) -> Iterator[BitEvent]:
        self._bits = (self._bits << 1 | bit) & _FRAME_MASK
        self._bit += 1
        block = self._bits & _BLOCK_MASK
        position = _POSITIONS.get(REMAINDER[block >> CHECK_BITS] ^ (block & CHECK_MASK))
        if position is None or self._bit - self._begin < BLOCK_BITS:
            return
        for at, earlier in self._hits:
            blocks, rest = divmod(self._bit - at, BLOCK_BITS)
            if not rest and 1 <= blocks <= HIT_SPAN_BLOCKS_MAX and (earlier + blocks) % BLOCKS == position:
                yield from self._gain(position)
                return
        self._hits.append((self._bit, position))

    def _gain(self, position: int) -> Iterator[BitEvent]:
        self._hits.clear()
        self._begin_trial()
        yield SyncGained(self._bit)
        self._pending = (position + 1) * BLOCK_BITS
        if self._pending == FRAME_BITS:
            self._pending = 0
            if self._bit - self._begin >= FRAME_BITS:
                yield from self._finish(self._bits)

    def _finish(self, bits: int) -> Iterator[BitEvent]:
        burst = BURST_BITS_IN_SYNC if self._state is _State.IN_SYNC else BURST_BITS_ACQUIRING
        self._habit.notice([remainder(bits >> shift & _BLOCK_MASK) for shift in _SHIFTS])
        sent = self._habit.offsets
        frame = hear_frame(bits, self._bit, burst_bits_max=burst, sent=sent)
        if self._state is _State.TRIAL and PROVEN_BLOCKS_MIN <= sum(frame.whole) < BLOCKS:
            frame = hear_frame(bits, self._bit, sent=sent)
        yield frame
        if not self._judge(frame):
            self._state = _State.SEARCHING
            yield SyncLost(self._bit)
        elif any(frame.whole):
            self._bad_frames = 0
        else:
            self._bad_frames += 1
            if self._bad_frames >= SLIP_BAD_FRAMES:
                yield from self._look_for_slip(self._before << FRAME_BITS | bits)
            self._before = bits

    def _look_for_slip(self, bits: int) -> Iterator[BitEvent]:
        """Go on with another phase if the last two frames prove one; a frame that ended in it is not lost."""
        after = find_phase(bits & _SLIP_MASK, SLIP_BAD_FRAMES * FRAME_BITS)
        if not after:
            return
        yield SyncLost(self._bit)
        self._begin_trial()
        self._pending = after
        yield SyncGained(self._bit)
        sent = self._habit.offsets
        open_bits = bits >> after & _FRAME_MASK
        frame = hear_frame(open_bits, self._bit - after, burst_bits_max=BURST_BITS_ACQUIRING, sent=sent)
        yield frame
        self._judge(frame)

    def _begin_trial(self) -> None:
        self._state = _State.TRIAL
        self._counts.clear()
        self._whole_sum = self._read_sum = self._bad_frames = 0

    def _judge(self, frame: HeardFrame) -> bool:
        """Count a frame's blocks; False when the phase must be given up."""
        self._counts.append((sum(frame.whole), sum(word is not None for word in frame.words)))
        self._whole_sum += self._counts[-1][0]
        self._read_sum += self._counts[-1][1]
        if self._state is _State.TRIAL:
            if len(self._counts) * BLOCKS < TRIAL_WINDOW_BLOCKS:
                return True
            if self._whole_sum < TRIAL_WHOLE_BLOCKS_MIN:
                return False
            self._state = _State.IN_SYNC
        if len(self._counts) * BLOCKS > LOSS_WINDOW_BLOCKS:
            whole, read = self._counts.popleft()
            self._whole_sum -= whole
            self._read_sum -= read
        if len(self._counts) * BLOCKS < LOSS_WINDOW_BLOCKS:
            return True
        return self._whole_sum >= LOSS_WHOLE_BLOCKS_MIN or self._read_sum >= LOSS_READ_BLOCKS_MIN
