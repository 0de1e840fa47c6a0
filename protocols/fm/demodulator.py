"""57 kHz samples back to bits (GD/J 085 clauses 6.2 and 6.3, EN 50067 clause 1).

    samples -> band-pass and mixing to zero, about eight steps a bit
            -> the other half of the shaping filter, matched to one biphase symbol
            -> where the symbols lie, block by block -> carrier and sign, symbol by symbol -> differential decoding

Everything is found in the subcarrier itself: no pilot is needed, polarity, phase and some ten hertz of carrier offset
do not matter, and the sample rate need not fit the bit clock. A block is decided only when its own energy has told
where its symbols lie, so that the first bits of a recording are not lost to a loop that settles.
"""

from __future__ import annotations

from cmath import exp as turn_by
from cmath import phase, rect
from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import cos, floor, pi, sin, sqrt
from operator import mul
from typing import Final

from protocols.errors import LocalProtocolError
from protocols.fm.frame import BIT_RATE
from protocols.fm.pulse import CARRIER_HZ, symbol

RECORDING_RATE_HZ_MIN: Final = 120_000  # carries 57 + 2.4 kHz with room for a filter
RECORDING_RATE_HZ_MAX: Final = 4_000_000
STEP_RATE_HZ_MIN: Final = 8 * BIT_RATE
BAND_FILTER_STEPS: Final = 9  # length of the band-pass; 70 dB beyond the band that folds into ours
KAISER_BETA: Final = 6.76  # for those 70 dB
MATCHED_BITS: Final = 2.5  # each side of the centre
BLOCK_BITS: Final = 104  # symbols whose place is judged together
TIMING_KEPT: Final = 0.5  # of the blocks before, in the place within half a bit
HALF_KEPT: Final = 0.8  # and in which half: fillers say little about it, so it is remembered longer
PHASE_WEIGHT: Final = 1 / 12  # of each new symbol in the carrier's phase
TURN_WEIGHT: Final = 1 / 500  # and of its error in the carrier's turn per bit
TURN_MAX: Final = 0.25  # radians a bit, 47 Hz
FILTERS_KEPT_MAX: Final = 8  # recordings come at a few rates


def _bessel_i0(x: float) -> float:
    """Modified Bessel function of order zero, by its series."""
    term = total = 1.0
    for number in range(1, 40):
        term *= (x / (2 * number)) ** 2
        total += term
    return total


@lru_cache(FILTERS_KEPT_MAX)
def _band_filter(rate_hz: int, decimation: int) -> tuple[float, ...]:
    """Low-pass of the mixed signal: flat to 2.4 kHz, nothing left of what decimation would fold into that band."""
    step_rate = rate_hz / decimation
    middle = BAND_FILTER_STEPS * decimation // 2
    cutoff = 0.5 * step_rate / rate_hz  # half-way between the band's edge and its first image
    taps = []
    for at in range(-middle, middle + 1):
        ideal = 2 * cutoff if at == 0 else sin(2 * pi * cutoff * at) / (pi * at)
        taps.append(ideal * _bessel_i0(KAISER_BETA * sqrt(1 - (at / (middle + 1)) ** 2)))
    return tuple(taps)


class Demodulator:
    """Samples in, bits out; about 0.2 s later."""

    def __init__(self, rate_hz: int) -> None:
        """Raises LocalProtocolError for a rate that cannot carry the subcarrier, or is beyond any recording."""
        if not RECORDING_RATE_HZ_MIN <= rate_hz <= RECORDING_RATE_HZ_MAX:
            raise LocalProtocolError(
                f"{rate_hz} Hz is no sampling rate for a subcarrier at {CARRIER_HZ} Hz; "
                f"use {RECORDING_RATE_HZ_MIN} to {RECORDING_RATE_HZ_MAX}"
            )
        self._rate_hz = rate_hz
        self._decimation = decimation = int(rate_hz // STEP_RATE_HZ_MIN)
        self._step_bits = decimation * BIT_RATE / rate_hz
        band = _band_filter(rate_hz, decimation)
        angles = [2 * pi * CARRIER_HZ * at / rate_hz for at in range(len(band))]
        self._cosines = [tap * cos(angle) for tap, angle in zip(band, angles, strict=True)]
        self._sines = [-tap * sin(angle) for tap, angle in zip(band, angles, strict=True)]
        self._samples: list[float] = [0.0] * (len(band) // 2)
        self._first_sample = 0  # number of the sample at the middle of the band filter
        middle = round(MATCHED_BITS / self._step_bits)
        self._matched = [symbol(at * self._step_bits) for at in range(-middle, middle + 1)]
        self._in_phase = [0.0] * middle
        self._quadrature = [0.0] * middle
        self._symbols = _Symbols(self._step_bits)

    def feed(self, samples: Iterable[float]) -> Iterator[int]:
        """Bits, 0 or 1, in the order on air. Of the first symbol only the sign is known; its bit comes as 0."""
        self._samples.extend(map(float, samples))
        self._mix()
        yield from self._symbols.feed(self._match())

    def finish(self) -> Iterator[int]:
        """The recording ends: the bits that were still waiting for what follows."""
        yield from self.feed([0.0] * (len(self._cosines) // 2 + 1))
        rest = [0.0] * (len(self._matched) // 2)
        self._in_phase += rest
        self._quadrature += rest
        yield from self._symbols.feed(self._match())
        yield from self._symbols.finish()

    def _mix(self) -> None:
        """Band-pass, to zero frequency, one value per step."""
        samples, cosines, sines = self._samples, self._cosines, self._sines
        taps, at = len(cosines), 0
        while at + taps <= len(samples):
            part = samples[at : at + taps]
            real, imaginary = sum(map(mul, part, cosines)), sum(map(mul, part, sines))
            # The filter's carrier begins anew with every step; turn it to where the true one stands.
            angle = 2 * pi * (CARRIER_HZ * self._first_sample % self._rate_hz) / self._rate_hz
            x, y = cos(angle), -sin(angle)
            self._in_phase.append(real * x - imaginary * y)
            self._quadrature.append(real * y + imaginary * x)
            at += self._decimation
            self._first_sample += self._decimation
        del samples[:at]

    def _match(self) -> list[complex]:
        """The other half of the shaping, over a whole symbol."""
        taps = len(self._matched)
        count = len(self._in_phase) - taps + 1
        if count <= 0:
            return []
        out = [
            complex(
                sum(map(mul, self._in_phase[at : at + taps], self._matched)),
                sum(map(mul, self._quadrature[at : at + taps], self._matched)),
            )
            for at in range(count)
        ]
        del self._in_phase[:count]
        del self._quadrature[:count]
        return out


class _Symbols:
    """Matched steps to bits: where the symbols lie, then what they say."""

    def __init__(self, step_bits: float) -> None:
        self._step_bits = step_bits
        self._steps: list[complex] = []
        self._first = 0  # number of the first step in `_steps`
        self._judged = 0  # steps before this number have been judged for timing
        self._twice = 0j  # what the energy says about the place within half a bit
        self._once = 0j  # and about the half
        self._next_bits: float | None = None  # where the next symbol's centre lies, in bits
        self._carrier = 0j
        self._turn = 0.0
        self._last = 0

    def feed(self, steps: list[complex]) -> Iterator[int]:
        """Decide every block that is complete."""
        self._steps += steps
        while (self._first + len(self._steps)) * self._step_bits >= self._judged * self._step_bits + BLOCK_BITS + 1:
            yield from self._block(self._judged + floor(BLOCK_BITS / self._step_bits))

    def finish(self) -> Iterator[int]:
        """Decide what is left, the end included."""
        end = self._first + len(self._steps)
        self._steps += [0j] * 3
        yield from self._block(end)

    def _block(self, end: int) -> Iterator[int]:
        """Place and decide the symbols before step `end`."""
        place = self._place(end)
        self._judged = end
        if self._next_bits is None:
            self._next_bits = place if place >= 0.25 else place + 1  # half a symbol at the edge says nothing
        error = (place - self._next_bits + 0.5) % 1 - 0.5
        spread = error / BLOCK_BITS
        if abs(error) > 0.25:
            self._next_bits += error  # the other half after all, or samples are missing
            spread = 0.0
        while (at := self._next_bits / self._step_bits) < end:
            yield self._decide(self._between(at - self._first))
            self._next_bits += 1 + spread
        used = max(0, floor(self._next_bits / self._step_bits) - 8 - self._first)
        del self._steps[:used]
        self._first += used

    def _place(self, end: int) -> float:
        """Where the centres lie, 0 to 1 bit, by the lines of the symbol energy at the bit rate and twice the bit rate.

        A symbol's energy peaks at its centre, and half as high on the average between two centres.
        """
        total, once, twice = 0.0, 0j, 0j
        for number in range(max(self._judged, self._first), end):
            step = self._steps[number - self._first]
            energy = step.real * step.real + step.imag * step.imag
            angle = turn_by(-2j * pi * (number * self._step_bits % 1.0))
            total += energy
            once += energy * angle
            twice += energy * angle * angle
        if total > 0:
            self._twice = TIMING_KEPT * self._twice + twice / total
            self._once = HALF_KEPT * self._once + once / total
        place = -phase(self._twice) / (4 * pi) % 0.5
        if (self._once * turn_by(2j * pi * place)).real < 0:
            place += 0.5
        return place

    def _between(self, at: float) -> complex:
        """The step at a fractional number, by the cubic through its four neighbours."""
        index = floor(at)
        share = at - index
        before, here, after, later = (
            self._steps[number] if number >= 0 else 0j for number in range(index - 1, index + 3)
        )
        slope = (after - before) / 2
        bend = before - 2.5 * here + 2 * after - later / 2
        twist = (later - before) / 2 + 1.5 * (here - after)
        return here + share * (slope + share * (bend + share * twist))

    def _decide(self, found: complex) -> int:
        """The sign against the carrier that the symbols before had, and what the symbol says about that carrier."""
        length = abs(found)
        if length == 0.0:
            return 0
        against = found / length * self._carrier.conjugate()
        sign = 1 if against.real >= 0 else -1
        self._turn = max(-TURN_MAX, min(TURN_MAX, self._turn + TURN_WEIGHT * sign * against.imag))
        self._carrier += PHASE_WEIGHT * (sign * found / length - self._carrier)
        self._carrier *= rect(1.0, self._turn)
        bit = int(self._last != 0 and sign != self._last)
        self._last = sign
        return bit
