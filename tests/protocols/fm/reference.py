"""The subcarrier once more, straight from the formulas of EN 50067 clauses 1 and 2 and annex A, and slowly.

Nothing of `protocols` is used here, so that it can judge what is there: checkwords by long division, biphase as two
impulses per bit, their shape by adding up the filter's spectrum, the multiplex by its definition.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, cos, floor, pi, sin

GENERATOR = 0b10110111001  # x^10 + x^8 + x^7 + x^5 + x^4 + x^3 + 1
OFFSETS = (0b0011111100, 0b0110011000, 0b0101101000, 0b0110110100)  # A, B, C, D
OFFSETS_PRINTED = (0b0011111100, 0b0110011100, 0b0101101000, 0b0110110100)  # as GD/J 085 annex A prints B
OFFSETS_C_PRIME = (0b0011111100, 0b0110011000, 0b1101010000, 0b0110110100)
BIT_S = 48 / 57_000
REACH_BITS = 3
NEIGHBOURS = 2  # symbols each side of a bit that are heard in it
GRID = 200  # points of the pulse per bit


def divided(number: int, bits: int) -> int:
    """The remainder of a polynomial of so many bits, one subtraction after another."""
    for at in range(bits - 1, 9, -1):
        if number >> at & 1:
            number ^= GENERATOR << (at - 10)
    return number


def block(word: int, offset: int) -> str:
    """The 26 bits of a block, as ASCII 0 and 1."""
    return f"{word:016b}{divided(word << 10, 26) ^ offset:010b}"


def bits_of(frames: Sequence[bytes], offsets: Sequence[int] = OFFSETS) -> str:
    """Frames of eight bytes as the bits before differential coding."""
    return "".join(
        block(int.from_bytes(frame[2 * at : 2 * at + 2], "big"), offsets[at]) for frame in frames for at in range(4)
    )


def differential(bits: str) -> list[int]:
    """D_k = B_k xor D_k-1, from zero (clause 1.6)."""
    coded, last = [], 0
    for bit in bits:
        last ^= int(bit)
        coded.append(last)
    return coded


@cache
def pulse() -> list[float]:
    """What the transmitter's filter makes of a one, two impulses half a bit apart, from -3 to 3 bits (clause 1.7)."""
    steps = 400
    lines = [(cos(pi * f / 4), f) for f in ((number + 0.5) * 2 / steps for number in range(steps))]

    def impulse(bits: float) -> float:
        return sum(height * cos(2 * pi * f * bits) for height, f in lines)

    places = [number / GRID - REACH_BITS for number in range(2 * REACH_BITS * GRID + 1)]
    shape = [impulse(place + 0.25) - impulse(place - 0.25) for place in places]
    peak = max(map(abs, shape))
    return [value / peak for value in shape]


@cache
def together(symbols: tuple[int, ...]) -> list[float]:
    """What neighbouring symbols are together at each point of one bit, the one two bits before it first."""
    shape, middle_of_first = pulse(), (NEIGHBOURS + REACH_BITS) * GRID - GRID // 2
    return [
        sum(symbol * shape[middle_of_first + point - number * GRID] for number, symbol in enumerate(symbols))
        for point in range(GRID + 1)
    ]


@dataclass(frozen=True)
class Air:
    """What a transmitter and a channel do to the subcarrier."""

    rate_hz: int = 228_000
    deviation_khz: float = 2.0
    phase: float = 0.0
    carrier_off_hz: float = 0.0
    clock_off: float = 0.0  # of carrier and bit clock alike
    sign: float = 1.0
    pilot: bool = True
    programme: bool = False
    noise: float = 0.0  # rms, full scale 1
    late_bits: float = 0.0  # of the first bit behind the first sample

    def multiplex(self, bits: str, seed: int = 1) -> array[float]:
        """Samples of the whole multiplex, 75 kHz of deviation being 1."""
        rng = random.Random(seed)
        before = NEIGHBOURS + ceil(self.late_bits)
        symbols = [*[0] * before, *(2 * coded - 1 for coded in differential(bits))]
        out, bit, shape = array("f"), None, together(())
        for number in range(floor((len(bits) + self.late_bits) * BIT_S * self.rate_hz)):
            t = number / self.rate_hz
            true_t = t * (1 + self.clock_off)
            place = true_t / BIT_S - self.late_bits
            if bit != (middle := floor(place)):
                bit, first = middle, before + middle - NEIGHBOURS
                shape = together(tuple(symbols[first : first + 2 * NEIGHBOURS + 1]))
            where = (place - middle) * GRID
            low = floor(where)
            share = where - low
            radio = shape[low] * (1 - share) + shape[low + 1] * share
            carrier = sin(2 * pi * ((57_000 * true_t + self.carrier_off_hz * t) % 1.0) + self.phase)
            value = self.deviation_khz / 75 * radio * carrier
            if self.pilot:
                value += 0.09 * sin(2 * pi * (19_000 * true_t % 1.0))
            if self.programme:
                value += self._programme(t, true_t)
            if self.noise:
                value += rng.gauss(0.0, self.noise)
            out.append(self.sign * value)
        return out

    @staticmethod
    def _programme(t: float, true_t: float) -> float:
        """Stereo at full deviation: tones on the left up to the upper edge, others on the right."""
        left = 0.5 * sin(2 * pi * 1000 * t) + 0.4 * sin(2 * pi * 14_500 * t)
        right = 0.5 * sin(2 * pi * 330 * t) - 0.4 * sin(2 * pi * 9_000 * t)
        return 0.88 * ((left + right) / 2 + (left - right) / 2 * sin(2 * pi * (38_000 * true_t % 1.0)))
