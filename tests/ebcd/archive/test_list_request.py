"""Which lists are asked for: who commands whom, what stays, what cannot be asked for (GD/J 088 B.2, 9.2-9.4)."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from ebcd.archive.list_request import County, LeftOut, ListRequest, Wanted, Wish, list_request
from ebcd.inventory_csv import read_rows
from protocols.codes import AreaCode, ResourceCode
from protocols.signature import LIST_CERTIFICATES_MAX, AuthorisationList, CertificateNumber, number_from_text

COUNTY_CODE, COUNTY_AREA = "43411230000000101010101", AreaCode("341123000000")
US, PROVINCE, ADAPTER, ROOT = (number_from_text(f"{n:012X}") for n in (0x201, 0x101, 0x301, 1))
VILLAGE = "63411230010010314010201"
HORN, COLUMN, RADIO = (f"6341123001001031401040{n}" for n in (1, 2, 3))
ROWS = f"""\
kind,code,phys,name,host,port,paths,frequency_mhz,certificate
adapter,{VILLAGE},,石潭适配器,127.0.0.1,9000,,,000000000301
terminal,{HORN},,喇叭,,,adapter;fm,,000000000401
terminal,{COLUMN},,音柱,,,ip;adapter,,000000000402
terminal,{RADIO},,收扩机,,,fm,,000000000403
"""


def county(rows: str = ROWS, **change: object) -> County:
    inventory, problems = read_rows(csv.reader(rows.splitlines()), "inventory.csv", area=COUNTY_AREA)
    assert problems == []
    plain = County(COUNTY_CODE, "某县", US, inventory, {}, {US, PROVINCE, ADAPTER, ROOT}, (PROVINCE,))
    return replace(plain, **change)  # type: ignore[arg-type]


def filed(serial: int, receiver: int, *numbers: CertificateNumber) -> dict[CertificateNumber, AuthorisationList | None]:
    number = number_from_text(f"{receiver:012X}")
    return {number: AuthorisationList(number, serial, numbers, ROOT)}


def trusts(found: ListRequest) -> dict[str, tuple[str, ...]]:
    return {each.code: each.certificates for each in found.lists}


OURS, THEIRS = "000000000201", "000000000301"


@pytest.mark.requirement("R-SEC-07")
def test_each_device_is_to_trust_whoever_commands_it_over_any_of_its_paths() -> None:
    found = list_request(county(), Wish())
    assert trusts(found) == {VILLAGE: (OURS,), HORN: (THEIRS, OURS), COLUMN: (OURS, THEIRS), RADIO: (OURS,)}
    assert found.lists[0] == Wanted("000000000301", 1, (OURS,), VILLAGE, "石潭适配器", "adapter", None, ())
    assert (found.missing, found.left_out) == ((), ())


def test_an_adapter_that_drives_a_transmitter_is_trusted_by_those_who_hear_it() -> None:
    found = list_request(county(fm_adapters=(ResourceCode(VILLAGE),)), Wish())
    assert trusts(found)[RADIO] == (OURS, THEIRS)


def test_what_a_list_names_stays_and_the_serial_goes_on() -> None:
    """A list that left a number out would revoke it (GD/J 081 6.5)."""
    newest = {**filed(7, 0x402, PROVINCE, US), **filed(255, 0x403, PROVINCE)}
    found = {each.code: each for each in list_request(county(newest=newest), Wish()).lists}
    column, radio = found[COLUMN], found[RADIO]
    assert (column.serial, column.certificates) == (8, ("000000000101", OURS, THEIRS))
    assert (column.serial_before, column.before) == (7, ("000000000101", OURS))
    assert (radio.serial, radio.certificates) == (0, ("000000000101", OURS))  # 255 + 1 modulo 256


def test_who_has_the_list_that_it_needs_is_not_asked_for_unless_everybody_is() -> None:
    enough = county(newest={**filed(1, 0x301, US), **filed(4, 0x201, PROVINCE)})
    assert VILLAGE not in trusts(list_request(enough, Wish()))
    everybody = {each.code: each for each in list_request(enough, Wish(everybody=True)).lists}
    assert everybody[VILLAGE].serial == 2
    assert (everybody[COUNTY_CODE].kind, everybody[COUNTY_CODE].certificates) == ("platform", ("000000000101",))


def test_our_own_list_is_asked_for_when_a_platform_above_is_not_on_it() -> None:
    found = list_request(county(newest=filed(3, 0x201, US)), Wish())
    assert (found.lists[0].code, found.lists[0].certificates) == (COUNTY_CODE, (OURS, "000000000101"))


def test_a_number_is_added_everywhere_and_another_is_taken_away() -> None:
    new = number_from_text("000000000202")
    wish = Wish(devices={ResourceCode(RADIO)}, extra=(new,), revoked=frozenset({PROVINCE}))
    found = list_request(county(newest=filed(3, 0x403, PROVINCE, US)), wish)
    assert trusts(found) == {RADIO: (OURS, "000000000202")}
    assert found.missing == ("000000000202",)


def test_who_cannot_be_asked_for_is_named_with_the_reason() -> None:
    rows = ROWS.replace("000000000301", "").replace("000000000403", "000000000402")
    found = list_request(county(rows), Wish())
    assert found.lists == ()
    assert found.left_out == (
        LeftOut(VILLAGE, "石潭适配器", "no_number"),
        LeftOut(HORN, "喇叭", "commander_no_number", VILLAGE),
        LeftOut(COLUMN, "音柱", "shared_number", "000000000402"),
        LeftOut(RADIO, "收扩机", "shared_number", "000000000402"),
    )


@pytest.mark.parametrize("many", [LIST_CERTIFICATES_MAX - 1, LIST_CERTIFICATES_MAX])
def test_a_list_holds_255_certificates(many: int) -> None:
    numbers = tuple(number_from_text(f"{0x1000 + n:012X}") for n in range(many))
    found = list_request(county(newest=filed(3, 0x403, *numbers)), Wish(devices={ResourceCode(RADIO)}))
    assert [each.reason for each in found.left_out] == (["too_many"] if many == LIST_CERTIFICATES_MAX else [])


def test_two_lists_that_contradict_each_other_are_for_a_person_to_settle() -> None:
    found = list_request(county(newest={number_from_text("000000000403"): None}), Wish())
    assert LeftOut(RADIO, "收扩机", "conflict", "000000000403") in found.left_out
