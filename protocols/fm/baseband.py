"""Bits to 57 kHz samples (GD/J 085 clauses 6.2 and 6.3, EN 50067 clause 1). The way back: `protocols.fm.demodulator`.

Differential coding, biphase symbols, cosine shaping half at each end, double-sideband on a suppressed carrier. At each
place of the sampling instants inside a bit, its samples are one of 32 waveforms: its own symbol and two neighbours on
each side. The modulator only looks them up.
"""

from __future__ import annotations

from array import array
from math import gcd, pi, sin
from typing import Final

from protocols.errors import LocalProtocolError
from protocols.fm.pulse import CARRIER_HZ, CYCLES_PER_BIT, NEIGHBOURS, PILOT_HZ, SYMBOL_PEAK, symbol

RATE_HZ: Final = 228_000  # four samples per carrier cycle, 192 per bit
RATE_HZ_MIN: Final = 125_000
RATE_HZ_MAX: Final = 1_000_000
RATE_STEP_HZ: Final = 100  # so that the sampling instants come round to the same place within 95 bits
_CONTEXT_BITS: Final = 2 * NEIGHBOURS + 1
_CYCLES_OF_PILOT_PER_BIT: Final = CYCLES_PER_BIT * PILOT_HZ / CARRIER_HZ


def check_rate(rate_hz: int) -> None:
    """Raises LocalProtocolError for a rate that is not made here."""
    if not RATE_HZ_MIN <= rate_hz <= RATE_HZ_MAX or rate_hz % RATE_STEP_HZ:
        raise LocalProtocolError(
            f"{rate_hz} Hz is no sampling rate for the subcarrier; "
            f"use a multiple of {RATE_STEP_HZ} from {RATE_HZ_MIN} to {RATE_HZ_MAX}"
        )


class Modulator:
    """Bits in, samples of the subcarrier out, two bits later; peak about 1, phase as sin(3 · pilot).

    Bit k lasts from sample k · rate / 1187.5; the first sample stands at the beginning of the first bit.
    """

    def __init__(self, rate_hz: int = RATE_HZ, *, pilot: float = 0.0) -> None:
        """`pilot`: amplitude of a pilot tone beside the subcarrier. Raises LocalProtocolError for the rate."""
        check_rate(rate_hz)
        # A bit has `_above / _below` samples; a sample lies `_below` of `_above` parts of a bit after the one before.
        common = gcd(rate_hz * CYCLES_PER_BIT, CARRIER_HZ)
        self._above, self._below = rate_hz * CYCLES_PER_BIT // common, CARRIER_HZ // common
        self._pilot = pilot
        self._late = 0  # by how many such parts the bit's first sample comes after the bit's beginning
        self._columns: dict[int, tuple[list[list[float]], list[float], list[float]]] = {}
        self._waveforms: dict[tuple[int, int], array[float]] = {}
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
                continue
            key = (self._late, self._context)
            waveform = self._waveforms.get(key)
            if waveform is None:
                waveform = self._waveforms[key] = self._waveform(*key)
            out.extend(waveform)
            self._late += len(waveform) * self._below - self._above
        return out

    def _waveform(self, late: int, context: int) -> array[float]:
        """Samples of one bit for a run of five differential bits, the oldest highest."""
        if late not in self._columns:
            self._columns[late] = self._column(late)
        symbols, carrier, pilot = self._columns[late]
        signs = [1.0 if context >> (_CONTEXT_BITS - 1 - at) & 1 else -1.0 for at in range(_CONTEXT_BITS)]
        return array(
            "f",
            (
                wave * sum(sign * share for sign, share in zip(signs, shares, strict=True)) + tone
                for wave, tone, shares in zip(carrier, pilot, symbols, strict=True)
            ),
        )

    def _column(self, late: int) -> tuple[list[list[float]], list[float], list[float]]:
        """For each sample of a bit: what the five symbols are there, the carrier and the pilot."""
        places = [part / self._above for part in range(late, self._above, self._below)]
        offsets = range(-NEIGHBOURS, NEIGHBOURS + 1)
        symbols = [[symbol(place - 0.5 - offset) / SYMBOL_PEAK for offset in offsets] for place in places]
        carrier = [sin(2 * pi * CYCLES_PER_BIT * place) for place in places]
        pilot = [self._pilot * sin(2 * pi * _CYCLES_OF_PILOT_PER_BIT * place) for place in places]
        return symbols, carrier, pilot
