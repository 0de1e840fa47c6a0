"""Modulation of the subcarrier (GD/J 085 clauses 6.2, 6.3; EN 50067 clause 1)."""

from __future__ import annotations

import cmath
import math
import random
from array import array
from math import cos, pi

import pytest

from protocols.errors import LocalProtocolError
from protocols.fm.baseband import RATE_HZ, Modulator
from protocols.fm.bits import frame_to_air
from protocols.fm.frame import FILLER_FRAME, FRAME_BITS
from protocols.fm.pulse import CARRIER_HZ, shaping, symbol
from tests.protocols.fm.hearing import demodulated, packets
from tests.protocols.fm.vectors import START, START_FRAMES

SENT = b"".join(frame_to_air(frame) for frame in [*START_FRAMES, FILLER_FRAME])


def modulated(data: bytes, rate_hz: int = RATE_HZ) -> array[float]:
    return Modulator(rate_hz).feed(int.from_bytes(data, "big"), 8 * len(data))


def amplitude_at(samples: array[float], frequency_hz: float, rate_hz: int = RATE_HZ) -> float:
    turn = cmath.exp(-2j * pi * frequency_hz / rate_hz)
    phase, total = 1 + 0j, 0j
    for sample in samples:
        total += sample * phase
        phase *= turn
    return abs(total) / len(samples)


@pytest.mark.clause("GD/J 085 clause 6.3", "EN 50067 clause 1")
@pytest.mark.parametrize("bits", [0.0, 0.03, 0.125, 0.2, 0.37, 0.5, 1.1, 1.9])
def test_the_pulse_is_the_transform_of_the_cosine_filter(bits: float) -> None:
    steps = 20_000
    width = 2.0 / steps
    total = sum(
        cos(pi * (number + 0.5) * width / 4) * cos(2 * pi * (number + 0.5) * width * bits) for number in range(steps)
    )
    assert shaping(bits) == pytest.approx(2 * total * width, abs=1e-6)


def test_a_symbol_is_odd_and_gone_two_bits_away() -> None:
    peak = max(abs(symbol(number / 1000)) for number in range(-500, 501))
    for number in range(400):
        assert symbol(number / 200) == pytest.approx(-symbol(-number / 200))
    assert all(abs(symbol(2.0 + number / 100)) < 0.002 * peak for number in range(100))


@pytest.mark.clause("GD/J 085 clause 6.2", "EN 50067 clause 1")
@pytest.mark.parametrize(("rate_hz", "samples"), [(171_000, 144), (190_000, 160), (228_000, 192)])
def test_one_bit_is_forty_eight_cycles_of_the_carrier(rate_hz: int, samples: int) -> None:
    assert samples * CARRIER_HZ == 48 * rate_hz
    assert len(modulated(bytes(10), rate_hz)) == 78 * samples  # two bits wait for their neighbours


@pytest.mark.parametrize("rate_hz", [125_000, 176_400, 192_000, 200_000, 250_000, 384_000])
def test_at_other_rates_bits_have_as_many_samples_as_fit_and_none_is_lost(rate_hz: int) -> None:
    samples = modulated(bytes(200), rate_hz)
    assert len(samples) == math.ceil(1598 * 48 * rate_hz / 57_000)


@pytest.mark.parametrize("rate_hz", [0, 96_000, 192_050, 2_000_000])
def test_a_rate_that_is_not_made_here_is_refused(rate_hz: int) -> None:
    with pytest.raises(LocalProtocolError, match=f"{rate_hz} Hz.*multiple of 100"):
        Modulator(rate_hz)


def test_the_pilot_goes_through_zero_upwards_where_the_carrier_does() -> None:
    """In phase: sin(3 w t) beside sin(w t) (EN 50067 clause 1.2); twelve samples a pilot cycle."""
    bare, beside = Modulator().feed(0, 12), Modulator(pilot=3.0).feed(0, 12)
    tone = [both - alone for both, alone in zip(beside, bare, strict=True)]
    assert tone[:12] == pytest.approx([3 * math.sin(2 * pi * number / 12) for number in range(12)], abs=1e-5)


@pytest.mark.clause("GD/J 085 clause 6.3")
def test_a_one_changes_the_phase_and_a_zero_keeps_it() -> None:
    length = 192
    samples = Modulator().feed(0b0000_1000_0000, 12)
    before, after = samples[length : 2 * length], samples[-2 * length : -length]
    assert before == array("f", (-sample for sample in after))


def test_the_signal_stays_inside_its_band_and_has_no_carrier() -> None:
    rng = random.Random(1)
    samples = Modulator().feed(rng.getrandbits(400), 400)
    inside = [amplitude_at(samples, CARRIER_HZ + offset) for offset in range(-2000, 2001, 173)]
    outside = [amplitude_at(samples, CARRIER_HZ + offset) for offset in (-9000, -6000, -4000, 4000, 6000, 9000)]
    assert max(outside) < 0.02 * max(inside)
    assert amplitude_at(samples, CARRIER_HZ) < 0.2 * max(inside)


@pytest.mark.parametrize("rate_hz", [125_000, 171_000, 176_400, 190_000, 192_000, 228_000, 250_000])
def test_what_is_modulated_is_demodulated(rate_hz: int) -> None:
    assert packets(demodulated(modulated(SENT, rate_hz), rate_hz)) == [START]


def test_bits_may_be_fed_in_any_pieces() -> None:
    bits = int.from_bytes(SENT[:26], "big")
    modulator = Modulator()
    pieces = array("f")
    for at in range(2 * FRAME_BITS - 1, -1, -1):
        pieces += modulator.feed(bits >> at & 1, 1)
    assert pieces == Modulator().feed(bits, 2 * FRAME_BITS)
