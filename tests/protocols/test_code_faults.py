"""The strict judgement names the digit that is wrong (GD/J 080 tables 2-5 and B.1, GD/J 082)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.code_faults import PROVINCES, TYPES, Fault, faults_of
from protocols.codes import AreaCode, EbdId, EbmId, ResourceCode


@pytest.mark.parametrize(
    "code",
    [
        "23400000000000101010101",  # Anhui's platform (080)
        "43415230000000301010201",  # Shucheng, FM station 1, adapter 1 (080)
        "63415231002000314010401",  # a village's loudspeaker (080)
        "43210840000000314010101",  # a county platform as registered in Jiangsu
        "24300000000000102010101",  # Hunan's production system
        "45001160000000314010201",  # a county's adapter in Chongqing
        "53411231000000314010401",  # a column of a town
    ],
)
def test_the_codes_of_the_standard_and_of_deployed_platforms_are_good(code: str) -> None:
    assert faults_of(ResourceCode(code)) == ()
    assert faults_of(ResourceCode(code), address=True) == ()


@pytest.mark.parametrize("code", ["63415230000000314010400", "03415230000000314010400", "63415230000000314000400"])
def test_addresses_may_mean_all_of_them_and_any_level(code: str) -> None:
    assert faults_of(ResourceCode(code), address=True) == ()
    assert faults_of(ResourceCode(code))


@pytest.mark.parametrize(
    ("code", "fault", "place"),
    [
        ("73415231002000314010401", Fault("level", 1, "7", "1-6"), "1"),
        ("03415231002000314010401", Fault("level", 1, "0", "1-6"), "1"),
        ("53415231002000314010401", Fault("level_area", 1, "5", "6"), "1"),
        ("63415230000000301010201", Fault("level_area", 1, "6", "4"), "1"),
        ("53415230000000314010401", Fault("level_area", 1, "5", "4 6"), "1"),
        ("69915231002000314010401", Fault("province", 2, "99", "11-15 21-23 31-37 41-46 50-54 61-65 71 81 82"), "2-3"),
        ("63415230002000314010401", Fault("area_gap", 8, "000", "001-999"), "8-10"),
        ("63400231002000314010401", Fault("area_gap", 4, "00", "01-99"), "4-5"),
        ("63415231002000414010401", Fault("type", 14, "0414", "0001 0101-0104 0201-0203 0301-0399"), "14-17"),
        ("63415231002000314000401", Fault("type_serial", 18, "00", "01-99"), "18-19"),
        ("63415231002000314010501", Fault("subtype", 20, "05", "01-04"), "20-21"),
        ("63415231002000314010400", Fault("subtype_serial", 22, "00", "01-99"), "22-23"),
    ],
)
def test_the_digit_what_stands_there_and_what_could_are_named(code: str, fault: Fault, place: str) -> None:
    assert faults_of(ResourceCode(code)) == (fault,)
    assert fault.place == place
    assert code[fault.at - 1 :].startswith(fault.value)


def test_every_fault_is_told_from_left_to_right() -> None:
    told = faults_of(ResourceCode("99900000000009999000000"))
    assert [fault.what for fault in told] == [
        "level", "province", "type", "type_serial", "subtype", "subtype_serial"
    ]  # fmt: skip


@pytest.mark.parametrize("types", [["0105"], ["0100", "0204", "0300", "0400", "0000", "9999"]])
def test_types_outside_the_table_do_not_exist(types: list[str]) -> None:
    assert not TYPES & set(types)
    assert {"0001", "0101", "0104", "0201", "0203", "0301", "0314", "0398", "0399"} <= TYPES


def test_there_are_34_provinces() -> None:
    assert len(PROVINCES) == 34


@pytest.mark.parametrize(
    ("date", "exists"), [("20240229", True), ("20230229", False), ("20251301", False), ("20250400", False)]
)
def test_a_message_has_a_day_that_exists(date: str, exists: bool) -> None:
    told = faults_of(EbmId(f"24300000000000102010101{date}0183"))
    assert told == (() if exists else (Fault("date", 24, date, "YYYYMMDD"),))


def test_an_id_of_zeros_means_everything_and_is_no_fault() -> None:
    assert faults_of(EbmId.EVERYTHING) == ()


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("01" + "44312810000000314010101" + "0" * 16, ()),
        ("10" + "24300000000000102010101" + "0000000000030585", ()),
        ("11" + "24300000000000102010101" + "0" * 16, (Fault("kind", 1, "11", "01 10"),)),
        ("01" + "44312810000000314010101" + "0" * 15 + "7", (Fault("sequence", 26, "0" * 15 + "7", "0" * 16),)),
        ("10" + "84300000000000102010101" + "0" * 16, (Fault("level", 3, "8", "1-6"),)),
    ],
)
def test_a_package_number_is_judged_by_kind_sender_and_sequence(text: str, faults: tuple[Fault, ...]) -> None:
    assert faults_of(EbdId(text)) == faults


@pytest.mark.parametrize(
    "text", ["000000000000", "340000000000", "341523000000", "341523100000", "341523100200", "810000000000"]
)
def test_areas_of_every_level_are_good(text: str) -> None:
    assert faults_of(AreaCode(text)) == ()


@given(st.text("0123456789", min_size=23, max_size=23), st.booleans())
def test_any_digits_are_judged_and_each_fault_quotes_the_code(text: str, address: bool) -> None:
    for fault in faults_of(ResourceCode(text), address=address):
        assert text[fault.at - 1 : fault.at - 1 + len(fault.value)] == fault.value
        assert fault.allowed


@given(st.text("0123456789", min_size=41, max_size=41))
def test_any_package_number_is_judged(text: str) -> None:
    for fault in faults_of(EbdId(text)):
        assert text[fault.at - 1 : fault.at - 1 + len(fault.value)] == fault.value
