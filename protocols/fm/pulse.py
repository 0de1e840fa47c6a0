"""The shape of one bit on the subcarrier and its place in the multiplex (GD/J 085 clauses 6.2, 6.3; EN 50067 clause 1).

Carrier, pilot and bit clock are locked to each other: one bit lasts exactly 48 cycles of 57 kHz and 16 of the pilot.
"""

from __future__ import annotations

from math import cos, pi
from typing import Final

CARRIER_HZ: Final = 57_000
CYCLES_PER_BIT: Final = 48
PILOT_HZ: Final = 19_000
MPX_FULL_SCALE_HZ: Final = 75_000
DEVIATION_HZ: Final = 2_000  # of the unmodulated subcarrier; ± 1.0 to ± 7.5 kHz are allowed, this is advised
PILOT_DEVIATION_HZ: Final = 6_750  # 8-10 % of 75 kHz (ITU-R BS.450)
HALF_BAND_HZ: Final = 2_400  # the subcarrier takes 57 ± 2.4 kHz
NEIGHBOURS: Final = 2  # a symbol is below 0.2 % of its peak beyond two bits from its centre


def shaping(bits: float) -> float:
    """Impulse response of the half filter H(f) = cos(pi f t_d / 4) below 2/t_d, `bits` from its centre, peak 8/pi."""
    denominator = 1.0 - (8.0 * bits) ** 2
    if abs(denominator) < 1e-9:
        return 2.0
    return 8.0 / pi * cos(4.0 * pi * bits) / denominator


def symbol(bits: float) -> float:
    """The shaped biphase symbol of a one, `bits` from its centre; a zero is its negative."""
    return shaping(bits + 0.25) - shaping(bits - 0.25)


SYMBOL_PEAK: Final = max(abs(symbol(number / 1000)) for number in range(-500, 501))
