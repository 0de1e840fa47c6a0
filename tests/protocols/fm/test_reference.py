"""Our checkwords and waveforms against formulas that share nothing with them (EN 50067 clauses 1, 2; GD/J 085 6)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.fm.baseband import Modulator
from protocols.fm.bits import frame_to_air
from protocols.fm.pulse import symbol
from protocols.rds.block import Offset, encode_block
from tests.protocols.fm.reference import (
    GRID,
    OFFSETS,
    OFFSETS_PRINTED,
    REACH_BITS,
    Air,
    bits_of,
    block,
    differential,
    divided,
    pulse,
)
from tests.protocols.fm.vectors import START_FRAMES, start_on_air


@given(word=st.integers(0, 0xFFFF), offset=st.sampled_from(Offset))
def test_a_block_is_what_long_division_makes_of_it(word: int, offset: Offset) -> None:
    assert f"{encode_block(word, offset):026b}" == block(word, offset)


@given(word=st.integers(0, 0xFFFF), offset=st.sampled_from(OFFSETS))
def test_the_remainder_of_a_whole_block_is_its_offset_word(word: int, offset: int) -> None:
    assert divided(int(block(word, offset), 2), 26) == offset


@given(frame=st.binary(min_size=8, max_size=8))
def test_a_frame_on_air_is_its_four_blocks(frame: bytes) -> None:
    assert f"{int.from_bytes(frame_to_air(frame), 'big'):0104b}" == bits_of([frame])
    printed = frame_to_air(frame, offset_b=Offset.B_PRINTED)
    assert f"{int.from_bytes(printed, 'big'):0104b}" == bits_of([frame], OFFSETS_PRINTED)


def test_the_reference_agrees_with_the_printed_checkwords_of_the_worked_start() -> None:
    assert bits_of(START_FRAMES) == f"{start_on_air():0{24 * 104}b}"


def test_differential_coding_by_hand() -> None:
    """0110 1: the state flips at each one: 0, 1, 0, 0, 1."""
    assert differential("01101") == [0, 1, 0, 0, 1]


def test_the_closed_form_of_the_symbol_is_what_the_filter_does_to_two_impulses() -> None:
    peak = max(abs(symbol(number / GRID)) for number in range(GRID))
    for number, value in enumerate(pulse()):
        assert symbol(number / GRID - REACH_BITS) / peak == pytest.approx(value, abs=2e-4)


@pytest.mark.parametrize("rate_hz", [171_000, 192_000, 228_000])
def test_the_modulator_makes_the_samples_of_the_definition(rate_hz: int) -> None:
    """Up to what lies beyond two bits, 0.5 % of the peak (rds-uecp.md A.3), and the first bit's missing forerunners."""
    bits = f"{random.Random(rate_hz).getrandbits(150):0150b}"
    made = Modulator(rate_hz, pilot=0.09 * 75 / 2).feed(int(bits, 2), 150)
    wanted = Air(rate_hz=rate_hz).multiplex(bits)
    begin, end = 2 * 200, len(made) - 1
    assert end > 140 * 140
    assert max(abs(made[at] * 2 / 75 - wanted[at]) for at in range(begin, end)) < 0.006 * 2 / 75 * 2
