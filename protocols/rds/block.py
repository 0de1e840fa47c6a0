"""The 26-bit block of RDS: 16 information bits and a 10-bit checkword (EN 50067 clause 2.3, GD/J 085 annex A).

A block is an int of 26 bits, the first bit on air highest. Its remainder by g(x) is the offset word of its position
when nothing was damaged; the exclusive-or of the two is the syndrome of the error alone, and the 367 bursts of up to
five bits have 367 different syndromes. So checking is one table look-up and correcting is one dictionary look-up.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from protocols.errors import LocalProtocolError

GENERATOR: Final = 0x5B9  # x^10 + x^8 + x^7 + x^5 + x^4 + x^3 + 1
BLOCK_BITS: Final = 26
CHECK_BITS: Final = 10
CHECK_MASK: Final = (1 << CHECK_BITS) - 1
WORD_MAX: Final = 0xFFFF
BURST_BITS_MAX: Final = 5  # what the code can correct at all
BURST_BITS_ACQUIRING: Final = 2  # wrong guesses cost more than lost blocks while the phase is unknown
BURST_BITS_IN_SYNC: Final = 5  # a wrong guess is caught by the packet's CRC-16 and its signature


class Offset(IntEnum):
    """Offset words (EN 50067 annex A). `B_PRINTED` is how GD/J 085 annex A prints B: one bit differs, taken as a
    misprint; it is accepted and never sent. `C_PRIME` is listed there without a use; it is accepted too."""

    A = 0x0FC
    B = 0x198
    B_PRINTED = 0x19C
    C = 0x168
    C_PRIME = 0x350
    D = 0x1B4


SENT: Final = (Offset.A, Offset.B, Offset.C, Offset.D)
"""Offsets of the four blocks of a group or frame, in the order on air."""

ACCEPTED: Final = (
    (Offset.A,),
    (Offset.B, Offset.B_PRINTED),
    (Offset.C, Offset.C_PRIME),
    (Offset.D,),
)
"""Offsets a receiver takes at each of the four positions."""

_SAME_WORD: Final = frozenset({Offset.B, Offset.B_PRINTED})
"""They differ in one check bit, so either proves the block. C and C' do not prove each other's: a burst of five bits
makes one of the other, and the word is then a wrong one."""
HABIT_BLOCKS: Final = 4  # more blocks of the other spelling than of the usual one before it counts as the sender's
_HABIT_MAX: Final = 2 * HABIT_BLOCKS


def _remainders() -> array[int]:
    """m(x)·x^10 mod g(x) for every 16-bit m. The remainder is linear: each new bit doubles the table."""
    table = array("H", [0])
    remainder = 1 << (CHECK_BITS - 1)
    for _ in range(16):
        remainder <<= 1
        if remainder > CHECK_MASK:
            remainder ^= GENERATOR
        # First pass: x^10 mod g, the contribution of the lowest information bit; then one power of x higher each time.
        table.extend(array("H", [known ^ remainder for known in table]))
    return table


REMAINDER: Final = _remainders()
"""Checkword without offset of every information word. Public because receivers index it in their inner loop."""


def _burst_patterns(burst_bits_max: int) -> dict[int, int]:
    """Syndrome -> 26-bit error pattern, for every burst that spans at most `burst_bits_max` bits (EN 50067 annex B)."""
    patterns: dict[int, int] = {}
    for span in range(1, burst_bits_max + 1):
        # A burst starts and ends with a wrong bit; what lies between is free.
        inner = range(1 << max(0, span - 2))
        shapes = [1] if span == 1 else [(1 << (span - 1)) | (middle << 1) | 1 for middle in inner]
        for shape in shapes:
            for shift in range(BLOCK_BITS - span + 1):
                pattern = shape << shift
                patterns.setdefault(remainder(pattern), pattern)
    return patterns


def remainder(block: int) -> int:
    """The 26-bit block mod g(x): equal to the offset word of its position when it arrived whole."""
    return REMAINDER[block >> CHECK_BITS] ^ (block & CHECK_MASK)


CORRECTIONS: Final = tuple(_burst_patterns(span) for span in range(BURST_BITS_MAX + 1))
"""By the longest burst to correct: syndrome of the error -> the bits to flip."""


def checkword(word: int, offset: Offset) -> int:
    """The ten bits that follow an information word at the position of `offset`."""
    return REMAINDER[word] ^ offset


def encode_block(word: int, offset: Offset) -> int:
    """A 26-bit block. Raises LocalProtocolError when `word` is not 16 bits."""
    if not 0 <= word <= WORD_MAX:
        raise LocalProtocolError(f"an RDS information word has 16 bits; {word:#x} does not fit")
    return word << CHECK_BITS | REMAINDER[word] ^ offset


def decode_block(
    block: int, position: int, *, burst_bits_max: int, sent: Sequence[Offset] = SENT
) -> tuple[int | None, bool]:
    """The word of the block at `position` (0-3) of its frame, and whether it arrived whole (GD/J 085 clause 6.1.3).

    Bursts of at most `burst_bits_max` (0-5) bits are corrected. Longer damage may be "corrected" to a wrong word: 36 %
    of random blocks at five bits, 5 % at two, so the caller needs a check of its own over the message.

    Correction assumes the offset that is `sent`: trying all of them would make a wrong guess as likely as a right one.
    A word under the other of C and C' is taken but not called whole. The word is None when nothing explains the block.
    """
    found = REMAINDER[block >> CHECK_BITS] ^ (block & CHECK_MASK)
    if found == sent[position]:
        return block >> CHECK_BITS, True
    if found in ACCEPTED[position]:
        return block >> CHECK_BITS, found in _SAME_WORD
    pattern = CORRECTIONS[burst_bits_max].get(found ^ sent[position])
    return (None, False) if pattern is None else ((block ^ pattern) >> CHECK_BITS, False)


class Habit:
    """Which of the accepted offsets one sender uses, learnt from the blocks that arrive undamaged.

    Against the wrong one every burst of a sender's block B (printed) or C' would be taken for damage of another kind.
    """

    __slots__ = ("_lean", "offsets")

    def __init__(self) -> None:
        self.offsets: tuple[Offset, ...] = SENT
        self._lean = [0] * len(ACCEPTED)

    def notice(self, remainders: Sequence[int]) -> None:
        """The remainders of one frame's four blocks."""
        for position, offsets in enumerate(ACCEPTED):
            if len(offsets) == 1 or remainders[position] not in offsets:
                continue
            usual = remainders[position] == SENT[position]
            lean = self._lean[position] + (-1 if usual else 1)
            self._lean[position] = max(-_HABIT_MAX, min(_HABIT_MAX, lean))
            chosen = offsets[self._lean[position] >= HABIT_BLOCKS]
            if chosen is not self.offsets[position]:
                self.offsets = (*self.offsets[:position], chosen, *self.offsets[position + 1 :])
