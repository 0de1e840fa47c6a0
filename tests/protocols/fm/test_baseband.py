"""Modulation and demodulation of the subcarrier (GD/J 085 clauses 6.2, 6.3; EN 50067 clause 1)."""

from __future__ import annotations

import cmath
import random
from array import array
from math import cos, pi

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.fm.baseband import (
    CARRIER_HZ,
    DEVIATION_HZ,
    MPX_FULL_SCALE_HZ,
    RATE_HZ,
    RATES_HZ,
    Demodulator,
    Modulator,
    samples_per_bit,
    shaping,
    symbol,
)
from protocols.fm.bits import BitReceiver, HeardFrame, frame_to_air
from protocols.fm.frame import FILLER_FRAME, FRAME_BITS
from protocols.fm.reassembly import Complete, Reassembler
from tests.protocols.fm.vectors import START, START_FRAMES

LEVEL = DEVIATION_HZ / MPX_FULL_SCALE_HZ
SENT = b"".join(frame_to_air(frame) for frame in [FILLER_FRAME] * 2 + list(START_FRAMES) + [FILLER_FRAME])


def modulated(data: bytes, rate_hz: int = RATE_HZ) -> array[float]:
    return Modulator(rate_hz).feed(int.from_bytes(data, "big"), 8 * len(data))


def demodulated(samples: array[float], rate_hz: int = RATE_HZ) -> list[int]:
    return list(Demodulator(rate_hz).feed(samples))


def packets(bits: list[int]) -> list[bytes]:
    receiver, reassembler = BitReceiver(), Reassembler(slots_max=4, timeout_s=30.0)
    found: list[bytes] = []
    for bit in bits:
        for event in receiver.feed(bit, 1):
            if isinstance(event, HeardFrame):
                complete = reassembler.feed(event, event.bit / 1187.5)
                found += [each.packet for each in complete if isinstance(each, Complete)]
    return found


def slower(samples: array[float], parts: float) -> array[float]:
    """The same signal from a site whose clock is off by `parts`: carrier and bit clock alike."""
    out = array("f")
    at = 0.0
    while at < len(samples) - 2:
        index = int(at)
        share = at - index
        out.append(samples[index] * (1 - share) + samples[index + 1] * share)
        at += 1.0 + parts
    return out


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
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_one_bit_is_forty_eight_cycles_of_the_carrier(rate_hz: int) -> None:
    assert samples_per_bit(rate_hz) * CARRIER_HZ == 48 * rate_hz
    assert len(modulated(bytes(10), rate_hz)) == 78 * samples_per_bit(rate_hz)  # two bits wait for their neighbours


def test_a_rate_without_whole_samples_per_bit_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="192000"):
        Modulator(192_000)


@pytest.mark.clause("GD/J 085 clause 6.3")
def test_a_one_changes_the_phase_and_a_zero_keeps_it() -> None:
    length = samples_per_bit(RATE_HZ)
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


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_what_is_modulated_is_demodulated(rate_hz: int) -> None:
    assert packets(demodulated(modulated(SENT, rate_hz), rate_hz)) == [START]


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), dropped=st.integers(0, 400), sign=st.sampled_from([1.0, -1.0]))
def test_bits_come_back_whatever_the_polarity_and_wherever_the_samples_begin(
    seed: int, dropped: int, sign: float
) -> None:
    count = 150
    bits = random.Random(seed).getrandbits(count)
    samples = array("f", (sign * LEVEL * sample for sample in Modulator().feed(bits, count)))[dropped:]
    found = demodulated(samples)
    text = f"{bits:0{count}b}"
    assert len(found) >= count - 35
    assert "".join(map(str, found)) in text


@pytest.mark.parametrize("parts", [-1e-4, 1e-4])
def test_a_site_whose_clock_is_off_by_a_hundred_millionths_is_followed(parts: float) -> None:
    """5.7 Hz of the carrier, within the 6 Hz of clause 6.2, and a bit gained or lost every 10,000."""
    stream = b"".join(frame_to_air(frame) for frame in START_FRAMES * 2)
    assert packets(demodulated(slower(modulated(stream), parts))) == [START]


def test_noise_of_twice_the_subcarrier_s_level_is_borne() -> None:
    rng = random.Random(2)
    stream = b"".join(frame_to_air(frame) for frame in START_FRAMES * 3)
    noisy = array("f", (LEVEL * sample + rng.gauss(0.0, 0.05) for sample in modulated(stream)))
    assert packets(demodulated(noisy)) == [START]


def test_how_the_samples_arrive_changes_no_bit() -> None:
    samples = modulated(SENT[:200])
    whole = demodulated(samples)
    demodulator, pieces, at, rng = Demodulator(), list[int](), 0, random.Random(3)
    while at < len(samples):
        size = rng.randint(1, 500)
        pieces += demodulator.feed(samples[at : at + size])
        at += size
    assert pieces == whole


def test_silence_gives_bits_that_no_frame_is_made_of() -> None:
    bits = demodulated(array("f", [0.0]) * RATE_HZ)
    assert set(bits) <= {0, 1}
    assert packets(bits) == []


def test_bits_may_be_fed_in_any_pieces() -> None:
    bits = int.from_bytes(SENT[:26], "big")
    modulator = Modulator()
    pieces = array("f")
    for at in range(2 * FRAME_BITS - 1, -1, -1):
        pieces += modulator.feed(bits >> at & 1, 1)
    assert pieces == Modulator().feed(bits, 2 * FRAME_BITS)
