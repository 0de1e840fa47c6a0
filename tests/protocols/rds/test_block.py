"""Block code of RDS (EN 50067 clause 2.3, annexes A and B)."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.rds.block import (
    BLOCK_BITS,
    BURST_BITS_MAX,
    CORRECTIONS,
    SENT,
    Offset,
    checkword,
    decode_block,
    encode_block,
    remainder,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "fm" / "rds_groups.json"
GROUPS = json.loads(VECTORS.read_text(encoding="utf-8"))
WORDS = st.integers(0, 0xFFFF)
POSITIONS = st.integers(0, 3)


@pytest.mark.clause("EN 50067 clause 2.3, annex A")
@pytest.mark.parametrize("group", GROUPS["groups"], ids=lambda group: group["name"])
def test_the_checkwords_of_worked_groups_come_out(group: dict[str, list[str]]) -> None:
    version_b = len(group["words"]) == 4 and int(group["words"][1], 16) >> 11 & 1
    offsets = (Offset.A, Offset.B, Offset.C_PRIME if version_b else Offset.C, Offset.D)
    made = [checkword(int(word, 16), offset) for word, offset in zip(group["words"], offsets, strict=True)]
    assert [f"{check:03X}" for check in made] == group["checks"]


@pytest.mark.clause("EN 50067 clause 2")
def test_a_group_on_air_is_the_worked_bit_string() -> None:
    words = [int(word, 16) for word in GROUPS["groups"][0]["words"]]
    bits = 0
    for word, offset in zip(words, SENT, strict=True):
        bits = bits << BLOCK_BITS | encode_block(word, offset)
    assert f"{bits:026X}" == GROUPS["bits_0A"]


@given(word=WORDS, offset=st.sampled_from(list(Offset)))
def test_a_whole_block_leaves_its_offset_word_as_remainder(word: int, offset: Offset) -> None:
    assert remainder(encode_block(word, offset)) == offset


@pytest.mark.parametrize("word", [-1, 0x10000])
def test_a_word_of_more_than_16_bits_is_refused(word: int) -> None:
    with pytest.raises(LocalProtocolError, match="16 bits"):
        encode_block(word, Offset.A)


@pytest.mark.clause("EN 50067 annex B")
def test_every_burst_of_up_to_five_bits_has_a_syndrome_of_its_own() -> None:
    assert [len(patterns) for patterns in CORRECTIONS] == [0, 26, 51, 99, 191, 367]


@pytest.mark.clause("GD/J 085 clause 6.1.3", "EN 50067 clause 2.3")
@pytest.mark.parametrize("position", range(4))
def test_every_burst_of_up_to_five_bits_is_corrected_and_none_counts_as_whole(position: int) -> None:
    block = encode_block(0xA5C3, SENT[position])
    for pattern in CORRECTIONS[BURST_BITS_MAX].values():
        damaged = block ^ pattern
        decoded = decode_block(damaged, position, burst_bits_max=BURST_BITS_MAX)
        if remainder(damaged) == Offset.C_PRIME and position == 2:
            assert not decoded[1]  # reads as a block under C', with a wrong word; so it must not be trusted
        else:
            # One wrong check bit of block B makes the printed offset: whole, and the word is right.
            assert decoded == (0xA5C3, remainder(damaged) == Offset.B_PRINTED and position == 1)


def test_one_and_two_wrong_bits_are_always_noticed() -> None:
    for first, second in combinations(range(BLOCK_BITS), 2):
        assert remainder(1 << first | 1 << second) != 0
    assert all(remainder(1 << bit) for bit in range(BLOCK_BITS))


@pytest.mark.clause("GD/J 085 clause 6.1.3")
@given(start=st.integers(0, 25), shape=st.integers(1, 1023))
def test_a_burst_of_up_to_ten_bits_is_always_noticed(start: int, shape: int) -> None:
    burst = (shape << start) & ((1 << BLOCK_BITS) - 1)
    assert not burst or remainder(burst) != 0


@given(word=WORDS, position=POSITIONS, damage=st.integers(1, (1 << BLOCK_BITS) - 1))
def test_without_correction_a_damaged_block_is_whole_only_by_an_accepted_offset(
    word: int, position: int, damage: int
) -> None:
    decoded, whole = decode_block(encode_block(word, SENT[position]) ^ damage, position, burst_bits_max=0)
    found = remainder(encode_block(word, SENT[position]) ^ damage)
    assert whole == (found == SENT[position] or (position == 1 and found == Offset.B_PRINTED))
    assert (decoded is None) == (not whole and not (position == 2 and found == Offset.C_PRIME))


def test_the_offset_b_that_the_chinese_text_prints_is_accepted() -> None:
    assert decode_block(encode_block(0x1234, Offset.B_PRINTED), 1, burst_bits_max=0) == (0x1234, True)


def test_offset_c_prime_is_accepted_but_proves_nothing() -> None:
    assert decode_block(encode_block(0x1234, Offset.C_PRIME), 2, burst_bits_max=0) == (0x1234, False)


@given(word=WORDS, position=POSITIONS)
def test_a_block_at_the_wrong_place_is_no_whole_block(word: int, position: int) -> None:
    block = encode_block(word, SENT[(position + 1) % 4])
    assert decode_block(block, position, burst_bits_max=0) == (None, False)
