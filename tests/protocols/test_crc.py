"""Check sums against their published check values, the shift-register definition and worked frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.crc import crc16_ccitt_false, crc16_uecp, crc32_mpeg2

FRAMES: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "vectors/signature/worked_examples.json").read_text("utf-8")
)["frames"]


def shift_register(data: bytes, *, bits: int, polynomial: int, final: int) -> int:
    """Annex G's register, bit by bit, starting with all ones."""
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    register = mask
    for byte in data:
        register ^= byte << (bits - 8)
        for _ in range(8):
            register = ((register << 1) ^ (polynomial if register & top else 0)) & mask
    return register ^ final


@pytest.mark.clause("GD/J 089 annex G", "SPB 490 clause 2.2.7")
@pytest.mark.parametrize(
    ("crc", "check"), [(crc32_mpeg2, 0x0376E6E7), (crc16_ccitt_false, 0x29B1), (crc16_uecp, 0xD64E)]
)
def test_check_value_of_the_catalogue(crc: Callable[[bytes], int], check: int) -> None:
    assert crc(b"123456789") == check


@given(st.binary(max_size=300))
def test_fast_ways_equal_the_shift_register(data: bytes) -> None:
    assert crc32_mpeg2(data) == shift_register(data, bits=32, polynomial=0x04C11DB7, final=0)
    assert crc16_ccitt_false(data) == shift_register(data, bits=16, polynomial=0x1021, final=0)
    assert crc16_uecp(data) == shift_register(data, bits=16, polynomial=0x1021, final=0xFFFF)


@given(st.binary(max_size=300))
def test_residue_over_data_and_its_crc_is_zero(data: bytes) -> None:
    assert crc32_mpeg2(data + crc32_mpeg2(data).to_bytes(4, "big")) == 0


@pytest.mark.clause("GD/J 089 annex G")
@pytest.mark.parametrize("name", FRAMES)
def test_worked_frame_carries_its_crc(name: str) -> None:
    frame = bytes.fromhex(FRAMES[name])
    assert crc32_mpeg2(frame[:-4]) == int.from_bytes(frame[-4:], "big")
