"""Bits to 57 kHz samples and back (GD/J 085 clauses 6.2 and 6.3, EN 50067 clause 1).

Differential coding, biphase symbols, cosine shaping half at each end, double-sideband on a suppressed carrier. One bit
lasts exactly 48 carrier cycles, so at a rate with a whole number of samples per bit every bit's samples are one of 32
waveforms: its own symbol and two neighbours on each side. The modulator only looks them up.

The demodulator needs no carrier recovery: it compares each symbol with the one before. It is a measuring instrument
for our own signal and for clean recordings; it has no filter against strong audio beside the subcarrier.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from math import cos, pi, sin
from operator import mul
from typing import Final

from protocols.errors import LocalProtocolError

CARRIER_HZ: Final = 57_000
CYCLES_PER_BIT: Final = 48
PILOT_HZ: Final = 19_000
DEVIATION_HZ: Final = 2_000  # of the unmodulated subcarrier; ± 1.0 to ± 7.5 kHz are allowed, this is advised
MPX_FULL_SCALE_HZ: Final = 75_000
RATE_HZ: Final = 228_000  # four samples per carrier cycle
RATES_HZ: Final = (171_000, 190_000, 228_000)  # 144, 160 and 192 samples per bit
NEIGHBOURS: Final = 2  # a symbol is below 0.2 % of its peak beyond two bits from its centre
_CONTEXT_BITS: Final = 2 * NEIGHBOURS + 1

STEPS_PER_BIT: Final = 8  # the demodulator's resolution in time
ACQUIRE_BITS: Final = 24  # listened to before the first bit is decided
ENERGY_WEIGHT: Final = 1 / 64  # of each new symbol in the mean energy of its step
NEIGHBOUR_MARGIN: Final = 1.05  # how much better the next step must be before timing moves by an eighth of a bit
HALF_BIT_MARGIN: Final = 1.3  # and the step half a bit away, where biphase symbols look alike at first


def shaping(bits: float) -> float:
    """Impulse response of the half filter H(f) = cos(pi f t_d / 4) below 2/t_d, `bits` from its centre, peak 8/pi."""
    denominator = 1.0 - (8.0 * bits) ** 2
    if abs(denominator) < 1e-9:
        return 2.0
    return 8.0 / pi * cos(4.0 * pi * bits) / denominator


def symbol(bits: float) -> float:
    """The shaped biphase symbol of a one, `bits` from its centre; a zero is its negative."""
    return shaping(bits + 0.25) - shaping(bits - 0.25)


def samples_per_bit(rate_hz: int) -> int:
    """Raises LocalProtocolError for a rate at which a bit has no whole number of samples."""
    if rate_hz not in RATES_HZ:
        raise LocalProtocolError(f"{rate_hz} Hz has no whole number of samples per bit; use {RATES_HZ}")
    return rate_hz * CYCLES_PER_BIT // CARRIER_HZ


def _waveforms(rate_hz: int) -> list[array[float]]:
    """Samples of one bit for each run of five differential bits, the oldest highest; peak about 1."""
    count = samples_per_bit(rate_hz)
    carrier = [sin(2.0 * pi * CARRIER_HZ * number / rate_hz) for number in range(count)]
    peak = max(abs(symbol(number / 1000)) for number in range(-500, 501))
    shares = [
        [symbol((number + 0.5) / count - 0.5 - offset) / peak * carrier[number] for number in range(count)]
        for offset in range(-NEIGHBOURS, NEIGHBOURS + 1)
    ]
    waveforms = []
    for context in range(1 << _CONTEXT_BITS):
        signs = [1.0 if context >> (_CONTEXT_BITS - 1 - at) & 1 else -1.0 for at in range(_CONTEXT_BITS)]
        waveforms.append(array("f", (sum(map(mul, signs, column)) for column in zip(*shares, strict=True))))
    return waveforms


class Modulator:
    """Bits in, samples of the subcarrier out, two bits later; peak about 1, phase as sin(3 · pilot)."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        """Raises LocalProtocolError for a rate at which a bit has no whole number of samples."""
        self._waveforms = _waveforms(rate_hz)
        self._context = 0
        self._last = 0  # the last differential bit
        self._started = 0

    def feed(self, bits: int, count: int) -> array[float]:
        """Samples that the low `count` bits of `bits`, the first on air highest, make certain."""
        out = array("f")
        for at in range(count - 1, -1, -1):
            self._last ^= bits >> at & 1
            self._context = (self._context << 1 | self._last) & ((1 << _CONTEXT_BITS) - 1)
            if self._started < NEIGHBOURS:
                self._started += 1
            else:
                out.extend(self._waveforms[self._context])
        return out


class Demodulator:
    """Samples in, bits out. Polarity, phase and a frequency offset of some hertz do not matter."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        """Raises LocalProtocolError for a rate at which a bit has no whole number of samples."""
        count = samples_per_bit(rate_hz)
        self._step_samples = count // STEPS_PER_BIT
        angles = [2.0 * pi * CARRIER_HZ * number / rate_hz for number in range(count)]
        self._cosines = [cos(angle) for angle in angles]
        self._sines = [sin(angle) for angle in angles]
        taps = 2 * NEIGHBOURS * STEPS_PER_BIT
        self._taps = [symbol((number + 0.5) / STEPS_PER_BIT - NEIGHBOURS) for number in range(taps)]
        self._samples: array[float] = array("f")
        self._in_phase: deque[float] = deque([0.0] * taps, maxlen=taps)
        self._quadrature: deque[float] = deque([0.0] * taps, maxlen=taps)
        self._energies = [0.0] * STEPS_PER_BIT
        self._step = 0
        self._decide_at = ACQUIRE_BITS * STEPS_PER_BIT
        self._locked = False
        self._symbol: complex | None = None

    def feed(self, samples: Iterable[float]) -> Iterator[int]:
        """Bits, 0 or 1, in the order on air."""
        self._samples.extend(samples)
        used = 0
        while len(self._samples) - used >= self._step_samples:
            part = self._samples[used : used + self._step_samples]
            used += self._step_samples
            first = self._step % STEPS_PER_BIT * self._step_samples
            self._in_phase.append(sum(map(mul, part, self._cosines[first : first + self._step_samples])))
            self._quadrature.append(sum(map(mul, part, self._sines[first : first + self._step_samples])))
            yield from self._advance()
        del self._samples[:used]

    def _advance(self) -> Iterator[int]:
        """One step in time: measure its energy, and decide a bit where one is due."""
        found = complex(sum(map(mul, self._in_phase, self._taps)), sum(map(mul, self._quadrature, self._taps)))
        at = self._step % STEPS_PER_BIT
        energy = found.real**2 + found.imag**2
        self._energies[at] += ENERGY_WEIGHT * (energy - self._energies[at])
        step, self._step = self._step, self._step + 1
        if step < self._decide_at:
            return
        if not self._locked:
            best = max(range(STEPS_PER_BIT), key=self._energies.__getitem__)
            self._decide_at = step + 1 + (best - step - 1) % STEPS_PER_BIT
            self._locked = True
            return
        if self._symbol is not None:
            yield int((found * self._symbol.conjugate()).real < 0.0)
        self._symbol = found
        self._decide_at = step + STEPS_PER_BIT + self._correction(at)

    def _correction(self, at: int) -> int:
        """Steps by which the next decision moves: early, late, or half a bit where the first guess was wrong."""
        here = self._energies[at]
        half = self._energies[(at + STEPS_PER_BIT // 2) % STEPS_PER_BIT]
        if half > HALF_BIT_MARGIN * here:
            return STEPS_PER_BIT // 2
        early, late = self._energies[at - 1], self._energies[(at + 1) % STEPS_PER_BIT]
        if max(early, late) > NEIGHBOUR_MARGIN * here:
            return 1 if late > early else -1
        return 0
