"""Groups against the worked ones of EN 50067, and the codec's properties."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.rds import groups, on_air
from protocols.rds.groups import (
    BasicTuning,
    BasicTuningShort,
    ClockTime,
    EmergencyWarning,
    FastSwitching,
    FreeFormat,
    Group,
    LongServiceName,
    OpenDataAnnouncement,
    OtherNetwork,
    OtherNetworkSwitch,
    ProgrammeTypeName,
    RadioText,
    RadioTextShort,
    SlowLabelling,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/fm/rds_groups.json").read_text("utf-8"))["groups"]
MEANINGS: dict[str, groups.Content] = {
    "0A segment 0": BasicTuning(False, True, False, 0, 0xE0, 0xCD, b"EM"),
    "1A variant 0": SlowLabelling(0, False, 0, 0xF0, 0, 0, 0),
    "1A variant 7": SlowLabelling(0, False, 7, 1, 0, 0, 0),
    "2A segment 0": RadioText(False, 0, b"TEST"),
    "3A AID 6552": OpenDataAnnouncement(0x18, 1, 0x6552),
    "3A AID 50DD": OpenDataAnnouncement(0x16, 0, 0x50DD),
    "4A 2026-05-12": ClockTime(0, 61172, 6, 28, False, 16),
    "8A": FreeFormat(8, 0x08, 0x2A5C, 0x1234),
    "9A": EmergencyWarning(0x0A, 0x1234, 0x5678),
    "11A": FreeFormat(11, 0x15, 0xDEAD, 0xBEEF),
    "11B": FreeFormat(11, 0x15, None, 0xBEEF),
    "12A": FreeFormat(12, 0x00, 0xE5BA, 0x94E6),
    "14A variant 4": OtherNetwork(True, 4, 0xE0CD, 0x8124),
    "0B segment 1": BasicTuningShort(True, True, False, 1, b"RG"),
    "1A variant 3": SlowLabelling(0, False, 3, 0x075, 9, 14, 30),
    "1A variant 1": SlowLabelling(0, True, 1, 0x123, 0, 0, 0),
    "1A variant 6": SlowLabelling(0, False, 6, 0x0AB, 0, 0, 0),
    "2B segment 2": RadioTextShort(True, 2, b"ST"),
    "10A segment 0": ProgrammeTypeName(False, 0, 0, b"Foot"),
    "10A segment 1": ProgrammeTypeName(True, 0, 1, b"ball"),
    "14A variant 0": OtherNetwork(True, 0, 0x464D, 0x8124),
    "14A variant 5": OtherNetwork(True, 5, 0x6E7E, 0x8124),
    "14A variant 12": OtherNetwork(True, 12, 0x9A34, 0x8124),
    "14A variant 13": OtherNetwork(True, 13, 0xF801, 0x8124),
    "14A variant 14": OtherNetwork(False, 14, 0x4B9E, 0x8124),
    "14B": OtherNetworkSwitch(True, True, 0, 0x8124),
    "15A": LongServiceName(0, 0, bytes.fromhex("E5BA94E6")),
    "15B": FastSwitching(True, True, False, 2),
}

flag = st.booleans()
code = st.integers(0, 255)
word = st.integers(0, 0xFFFF)
bits5 = st.integers(0, 31)
pairs = st.binary(min_size=2, max_size=2)
fours = st.binary(min_size=4, max_size=4)
segments = st.integers(0, 3)
contents = st.one_of(
    st.builds(BasicTuning, flag, flag, flag, segments, code, code, pairs),
    st.builds(BasicTuningShort, flag, flag, flag, segments, pairs),
    st.builds(SlowLabelling, bits5, flag, st.integers(0, 7), st.integers(0, 0xFFF), bits5, bits5, st.integers(0, 63)),
    st.builds(RadioText, flag, st.integers(0, 15), fours),
    st.builds(RadioTextShort, flag, st.integers(0, 15), pairs),
    st.builds(OpenDataAnnouncement, bits5, word, word),
    st.builds(ClockTime, st.integers(0, 7), st.integers(0, 2**17 - 1), bits5, st.integers(0, 63), flag, bits5),
    st.builds(ProgrammeTypeName, flag, st.integers(0, 7), st.integers(0, 1), fours),
    st.builds(FastSwitching, flag, flag, flag, segments),
    st.builds(EmergencyWarning, bits5, word, word),
    st.builds(OtherNetwork, flag, st.integers(0, 15), word, word),
    st.builds(OtherNetworkSwitch, flag, flag, st.integers(0, 7), word),
    st.builds(LongServiceName, segments, st.integers(0, 7), fours),
    st.builds(FreeFormat, st.sampled_from([5, 6, 7, 8, 11, 12, 13]), bits5, st.none() | word, word),
    st.builds(FreeFormat, st.sampled_from([1, 3, 4, 9, 10]), bits5, st.none(), word),
)
whole_groups = st.builds(Group, word, flag, bits5, contents)


def words_of(vector: dict[str, list[str]]) -> groups.Words:
    one, two, three, four = (int(each, 16) for each in vector["words"])
    return one, two, three, four


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_a_worked_group_reads_as_written_and_is_written_the_same(vector: dict[str, list[str]]) -> None:
    words = words_of(vector)
    group = groups.decode(words)
    (meaning,) = [each for name, each in MEANINGS.items() if re.match(rf"{name}\b", str(vector["name"]))]
    assert group == Group(0x8123, True, 3, meaning)
    assert groups.encode(group) == words
    assert on_air.from_air(on_air.to_air(words)) == words


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_a_worked_group_carries_its_checkwords_on_air(vector: dict[str, list[str]]) -> None:
    bits = int.from_bytes(on_air.to_air(words_of(vector)), "big")
    assert [f"{bits >> shift & 0x3FF:03X}" for shift in (78, 52, 26, 0)] == vector["checks"]


def test_every_type_of_group_has_a_worked_one() -> None:
    assert {type(each) for each in MEANINGS.values()} == set(get_args(groups.Content))
    assert len(MEANINGS) == len(VECTORS)


def test_the_first_worked_group_is_these_104_bits() -> None:
    air = on_air.to_air((0x8123, 0x0468, 0xE0CD, 0x454D))
    assert air == bytes.fromhex("81 23 16 C1 1A 31 BE 0C D7 A5 15 35 2F")


@given(whole_groups)
def test_what_is_encoded_decodes_to_the_same_group(group: Group) -> None:
    words = groups.encode(group)
    assert groups.decode(words) == group
    assert on_air.from_air(on_air.to_air(words)) == words


@given(st.tuples(word, word, word, word))
def test_any_words_are_a_group_that_encodes_to_them_or_a_refusal(words: groups.Words) -> None:
    try:
        group = groups.decode(words)
    except RemoteProtocolError:
        assert words[1] >> 11 & 1  # only version B repeats anything that can be wrong
    else:
        assert groups.encode(group) == words


@given(st.binary(max_size=20))
def test_any_bytes_from_the_air_are_words_or_a_refusal(data: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert on_air.to_air(on_air.from_air(data)) == data


@given(whole_groups, st.integers(0, 103))
def test_a_wrong_bit_on_air_is_noticed(group: Group, at: int) -> None:
    bits = int.from_bytes(on_air.to_air(groups.encode(group)), "big") ^ 1 << at
    with pytest.raises(RemoteProtocolError, match="check"):
        on_air.from_air(bits.to_bytes(on_air.GROUP_BYTES, "big"))


def test_a_group_of_version_b_with_another_pi_in_block_3_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="block 3 of version B says 8124"):
        groups.decode((0x8123, 0xBC75, 0x8124, 0xBEEF))


@pytest.mark.clause("EN 50067 clause 3.1.5.21")
def test_a_group_15b_that_does_not_repeat_block_2_is_refused() -> None:
    words = groups.encode(Group(0x8123, True, 31, FastSwitching(True, True, False, 2)))
    assert words == (0x8123, 0xFFFA, 0x8123, 0xFFFA)
    with pytest.raises(RemoteProtocolError, match="repeat"):
        groups.decode((*words[:3], words[3] ^ 1))


def test_three_words_are_no_group() -> None:
    with pytest.raises(RemoteProtocolError, match="body"):
        groups.decode((1, 2, 3))


@pytest.mark.parametrize(
    "content",
    [
        BasicTuning(False, True, False, 4, 0xE0, 0xCD, b"EM"),
        RadioText(False, 0, b"TES"),
        FreeFormat(2, 0, 0, 0),
        ClockTime(0, 1 << 17, 0, 0, False, 0),
    ],
)
def test_a_value_that_fits_no_field_is_refused(content: groups.Content) -> None:
    with pytest.raises(LocalProtocolError):
        groups.encode(Group(0x8123, False, 0, content))
    with pytest.raises(LocalProtocolError):
        groups.encode(replace(Group(0x8123, False, 0, RadioText(False, 0, b"TEST")), pty=32))
