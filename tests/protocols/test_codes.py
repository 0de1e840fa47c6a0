"""Codes of resources, areas, messages and packages (GD/J 080 clause 4, GD/J 082)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codes import AreaCode, EbdId, EbmId, InvalidCode, ResourceCode, covers, matches
from protocols.errors import RemoteProtocolError


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


VILLAGE_TERMINAL = ResourceCode("63415231002000314010401")  # GD/J 080: village loudspeaker terminal
ALL_COUNTY_TERMINALS = ResourceCode("63415230000000314010400")  # GD/J 080 table B.1


@pytest.mark.requirement("R-ARC-02", "R-IF-08")
@pytest.mark.clause("GD/J 080 tables 2, 3, 4, 5", "GD/J 082 table C.6")
def test_the_standards_example_splits_into_its_fields() -> None:
    code = ResourceCode("43415230000000301010201")  # county FM station 1, adapter 1
    assert (code.level, code.area, code.type, code.type_serial) == (4, "341523000000", "0301", "01")
    assert (code.subtype, code.subtype_serial) == ("02", "01")


def test_building_from_parts_pads_numbers() -> None:
    assert ResourceCode.build(6, "341523100200", "0314", 1, "04", 1) == VILLAGE_TERMINAL


@pytest.mark.parametrize(
    ("level", "area", "type_", "serial", "said"),
    [
        (7, "341523100200", "0314", 1, "level is 7"),
        (6, "341523", "0314", 1, "12 digits"),
        (6, "341523100200", "03145", 1, "type"),
        (6, "341523100200", "0314", 100, "type serial"),
        (6, "341523100200", "0314", -1, "character"),
    ],
)
def test_a_part_out_of_range_is_refused_by_name(level: int, area: str, type_: str, serial: int, said: str) -> None:
    with pytest.raises(InvalidCode, match=said):
        ResourceCode.build(level, area, type_, serial, "04", 1)


@pytest.mark.parametrize("text", ["", "6341523100200031401040", "634152310020003140104011"])
def test_a_wrong_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidCode, match="23 digits"):
        ResourceCode(text)


@pytest.mark.parametrize("wrong", ["x", "٣", " ", "-"])
def test_a_wrong_digit_is_named_by_its_place(wrong: str) -> None:
    with pytest.raises(InvalidCode, match="character 4 is"):
        ResourceCode("634" + wrong + "5231002000314010401")


def test_wire_form_is_a_nibble_f_and_bcd() -> None:
    assert VILLAGE_TERMINAL.to_bcd().hex() == "f63415231002000314010401"


@given(digits(23))
def test_resource_codes_survive_the_wire(text: str) -> None:
    code = ResourceCode(text)
    assert ResourceCode.from_bcd(code.to_bcd()) == code
    assert type(ResourceCode.from_bcd(code.to_bcd())) is ResourceCode


@given(digits(35))
def test_ebm_ids_survive_the_wire(text: str) -> None:
    assert EbmId.from_bcd(EbmId(text).to_bcd()) == text


@given(st.binary(max_size=20))
def test_any_bytes_are_a_code_or_a_remote_protocol_error(data: bytes) -> None:
    for kind in (ResourceCode, EbmId):
        with contextlib.suppress(RemoteProtocolError):
            assert len(kind.from_bcd(data)) == kind.length


def test_a_nibble_that_is_no_digit_is_named() -> None:
    with pytest.raises(RemoteProtocolError, match="digit 3 is nibble c") as caught:
        ResourceCode.from_bcd(bytes.fromhex("f63c15231002000314010401"))
    assert caught.value.offset == 1


def test_a_resource_code_without_the_reserved_nibble_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="F is needed"):
        ResourceCode.from_bcd(bytes.fromhex("063415231002000314010401"))


def test_eighteen_zero_bytes_mean_everything() -> None:
    assert EbmId.from_bcd(bytes(18)) == EbmId.EVERYTHING
    assert EbmId.EVERYTHING.to_bcd() == b"\xf0" + bytes(17)


@pytest.mark.clause("GD/J 082 EBMID")
def test_an_ebm_id_tells_platform_date_serial_and_force() -> None:
    ebm = EbmId("24300000000000102010101201904260183")  # platform.md 4.3
    assert (ebm.platform, ebm.date, ebm.serial) == ("24300000000000102010101", "20190426", "0183")
    assert ebm.forced
    assert not EbmId.build(ebm.platform, ebm.date, 0).forced


def test_ebm_serials_fit_four_digits() -> None:
    assert EbmId.build("24300000000000102010101", "20190426", 183) == "24300000000000102010101201904260183"
    with pytest.raises(InvalidCode, match="serial is 10000"):
        EbmId.build("24300000000000102010101", "20190426", 10000)


@pytest.mark.clause("GD/J 083 EBDID")
def test_an_ebd_id_is_kind_sender_and_sequence() -> None:
    ebd = EbdId.build("10", "24300000000000102010101", 30585)
    assert ebd == "10243000000000001020101010000000000030585"
    assert (ebd.kind, ebd.sender, ebd.sequence) == ("10", "24300000000000102010101", 30585)


@pytest.mark.parametrize(("kind", "sequence"), [("11", 0), ("01", 1), ("10", -1), ("10", 10**16)])
def test_an_ebd_id_outside_the_rules_is_refused(kind: str, sequence: int) -> None:
    with pytest.raises(InvalidCode):
        EbdId.build(kind, "24300000000000102010101", sequence)


@pytest.mark.parametrize(("text", "full"), [("341523", "341523000000"), (" 341523100 ", "341523100000")])
def test_short_areas_are_padded(text: str, full: str) -> None:
    assert AreaCode.parse(text) == full


@pytest.mark.parametrize("text", ["", "34", "3415231", "3415231002", "3415231002000"])
def test_other_lengths_of_areas_are_refused(text: str) -> None:
    with pytest.raises(InvalidCode, match="6, 9 or 12"):
        AreaCode.parse(text)


@pytest.mark.clause("GD/J 080 clause 4")
@pytest.mark.parametrize(
    ("area", "stem", "level"),
    [
        ("000000000000", "", 1),
        ("340000000000", "34", 2),
        ("341500000000", "3415", 3),
        ("341523000000", "341523", 4),
        ("341523100000", "341523100", 5),
        ("341523100200", "341523100200", 6),
        ("341523000200", "341523000200", 6),
    ],
)
def test_trailing_zero_groups_mean_the_whole_upper_area(area: str, stem: str, level: int) -> None:
    assert AreaCode(area).stem == stem
    assert AreaCode(area).level == level


def test_an_area_knows_every_area_around_it() -> None:
    assert AreaCode("341523100200").enclosing == (
        "341523100200",
        "341523100000",
        "341523000000",
        "341500000000",
        "340000000000",
        "000000000000",
    )


@given(digits(12), digits(12))
def test_an_area_covers_exactly_those_that_it_encloses(one: str, two: str) -> None:
    outer, inner = AreaCode(one), AreaCode(two)
    assert covers(outer, inner) == (outer in inner.enclosing)
    assert covers(inner, inner)
    assert covers(AreaCode("0" * 12), inner)


@pytest.mark.clause("GD/J 080 table B.1")
def test_the_standards_address_of_all_village_terminals_matches() -> None:
    assert matches(ALL_COUNTY_TERMINALS, VILLAGE_TERMINAL)


@pytest.mark.parametrize(
    ("target", "heard"),
    [
        ("03415230000000314010400", True),  # level digit 0: any level (captured start)
        ("63415230000000314000400", True),  # type serial 00: any
        ("63415231002000314010401", True),
        ("53415230000000314010400", False),  # another level
        ("63415240000000314010400", False),  # another county
        ("63415231010000314010400", False),  # another township
        ("63415230000000301010400", False),  # another type
        ("63415230000000314020400", False),  # another type serial
        ("63415230000000314010200", False),  # adapters, not terminals
        ("63415230000000314010402", False),  # another terminal
    ],
)
def test_an_address_means_a_terminal_only_where_every_part_agrees(target: str, heard: bool) -> None:
    assert matches(ResourceCode(target), VILLAGE_TERMINAL) is heard
