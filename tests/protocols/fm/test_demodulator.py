"""57 kHz samples to bits, from a multiplex that `reference.py` makes (GD/J 085 clauses 6.2, 6.3; EN 50067 clause 1)."""

from __future__ import annotations

import random
from array import array
from dataclasses import replace
from math import pi

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.fm.demodulator import Demodulator
from protocols.fm.frame import FRAME_BITS
from tests.protocols.fm.hearing import demodulated, frames, packets
from tests.protocols.fm.reference import Air, bits_of, differential
from tests.protocols.fm.vectors import START, START_FRAMES

SENT = bits_of(START_FRAMES)


def heard(air: Air, bits: str = SENT) -> list[int]:
    return demodulated(air.multiplex(bits), air.rate_hz)


@pytest.mark.parametrize("rate_hz", [128_000, 171_000, 190_000, 192_000, 228_000, 250_000, 384_000])
def test_one_pass_is_enough_at_any_rate_that_can_carry_it_down_to_the_first_and_last_bit(rate_hz: int) -> None:
    bits = heard(Air(rate_hz=rate_hz))
    assert "".join(map(str, bits))[1:] == SENT[1:]
    assert packets(bits) == [START]


@pytest.mark.parametrize(
    "air",
    [
        Air(phase=pi / 2),
        Air(phase=2.0, sign=-1.0, pilot=False),
        Air(carrier_off_hz=6.0),
        Air(carrier_off_hz=-6.0, phase=1.0),
        Air(clock_off=80e-6),
        Air(clock_off=-80e-6, late_bits=0.31),
        Air(deviation_khz=1.0, programme=True),
        Air(deviation_khz=7.5, programme=True, pilot=False),
        Air(rate_hz=192_000, deviation_khz=1.5, programme=True, carrier_off_hz=4.0, sign=-1.0),
        Air(noise=0.05),
    ],
    ids=repr,
)
def test_what_transmitters_and_channels_do_is_borne(air: Air) -> None:
    assert packets(heard(air)) == [START]


def test_noise_of_0_08_costs_fewer_than_four_blocks_in_ten() -> None:
    """Where an ordinary decoder begins to fail (rds-uecp.md A.3)."""
    found = frames(heard(Air(noise=0.08, carrier_off_hz=3.0)))
    whole = sum(sum(frame.whole) for frame in found)
    assert whole > 0.6 * 4 * len(START_FRAMES)


@settings(max_examples=8)
@given(
    skipped=st.integers(0, 40_000),
    late_bits=st.floats(0.0, 1.0),
    phase=st.floats(0.0, 6.3),
    off=st.floats(-6.0, 6.0),
    rate_hz=st.sampled_from([171_000, 192_000, 228_000]),
)
def test_a_recording_may_begin_anywhere(skipped: int, late_bits: float, phase: float, off: float, rate_hz: int) -> None:
    air = Air(rate_hz=rate_hz, late_bits=late_bits, phase=phase, carrier_off_hz=off)
    samples = air.multiplex(SENT[: 6 * FRAME_BITS])[skipped:]
    text = "".join(map(str, demodulated(samples, rate_hz)))
    assert len(text) >= (len(samples) / rate_hz * 1187.5) - 2
    assert text[2:-1] in SENT[: 6 * FRAME_BITS]


def test_how_the_samples_arrive_changes_no_bit() -> None:
    samples = Air(noise=0.03).multiplex(SENT[: 5 * FRAME_BITS])
    whole = demodulated(samples, 228_000)
    demodulator, pieces, at, rng = Demodulator(228_000), list[int](), 0, random.Random(3)
    while at < len(samples):
        size = rng.randint(1, 3000)
        pieces += demodulator.feed(samples[at : at + size])
        at += size
    assert [*pieces, *demodulator.finish()] == whole


def test_silence_before_the_signal_costs_at_most_the_block_in_which_it_begins() -> None:
    samples = array("f", [0.0]) * 100_003 + Air().multiplex(SENT * 2)
    assert packets(demodulated(samples, 228_000)) == [START]


def test_missing_samples_cost_a_few_frames_and_not_the_rest() -> None:
    samples = Air().multiplex(SENT * 2)
    del samples[200_000:200_077]  # 0.4 bit
    del samples[500_000:507_331]  # 38.2 bits
    bits = demodulated(samples, 228_000)
    assert sum(frame.whole == (True,) * 4 for frame in frames(bits)) >= 48 - 8
    assert packets(bits) == [START]


@pytest.mark.parametrize("samples", [array("f"), array("f", [0.0]) * 7, array("f", [0.0]) * 228_000])
def test_silence_gives_no_packet_and_no_exception(samples: array[float]) -> None:
    bits = demodulated(samples, 228_000)
    assert set(bits) <= {0}
    assert packets(bits) == []


def test_noise_alone_gives_no_packet() -> None:
    assert packets(heard(replace(Air(noise=0.3), deviation_khz=0.0), "0" * 3000)) == []


def test_a_signal_much_weaker_than_its_neighbours_still_has_its_bits() -> None:
    """A programme at full deviation and a subcarrier of half the least level that the standard allows."""
    text = "".join(map(str, heard(Air(deviation_khz=0.5, programme=True), SENT[:1000])))
    assert text[1:] == SENT[1:1000]


@pytest.mark.parametrize("rate_hz", [0, 44_100, 48_000, 96_000, 5_000_000])
def test_a_rate_that_cannot_carry_the_subcarrier_is_refused(rate_hz: int) -> None:
    with pytest.raises(LocalProtocolError, match="120000"):
        Demodulator(rate_hz)


def test_the_reference_of_these_tests_is_differential() -> None:
    """Else polarity would matter and nobody would see it."""
    assert differential(SENT) != [int(bit) for bit in SENT]
