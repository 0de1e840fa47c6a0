"""Who stands where, and addresses that mean exactly those who were asked for (I2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.link import Path
from devices.roster import Device, DeviceKind, Roster
from ebcd.inventory import Inventory, outermost
from protocols.codes import AreaCode, ResourceCode, covers, matches

COUNTY = AreaCode("341123000000")
TOWN_A, TOWN_B = AreaCode("341123100000"), AreaCode("341123101000")
VILLAGE_A1, VILLAGE_A2, VILLAGE_B1 = (
    AreaCode("341123100201"),
    AreaCode("341123100202"),
    AreaCode("341123101201"),
)


def _terminal(area: AreaCode, serial: int, type_serial: int = 1) -> Device:
    code = ResourceCode.build(area.level, area, "0314", type_serial, "04", serial)
    return Device(DeviceKind.TERMINAL, code, "", f"喇叭{serial}", paths=(Path.IP,))


def _adapter(area: AreaCode, type_serial: int = 1) -> Device:
    code = ResourceCode.build(area.level, area, "0314", type_serial, "02", 1)
    return Device(DeviceKind.ADAPTER, code, "", "", host="127.0.0.1", port=8799)


def _inventory(*devices: Device) -> Inventory:
    return Inventory(Roster.of(devices))


TWO_TOWNS = _inventory(
    _terminal(TOWN_A, 1),
    _terminal(VILLAGE_A1, 1),
    _terminal(VILLAGE_A1, 2),
    _terminal(VILLAGE_A2, 1),
    _terminal(VILLAGE_B1, 1),
)


def test_an_area_holds_the_terminals_of_its_villages_and_of_its_seat() -> None:
    assert [t.code[0:13] for t in TWO_TOWNS.terminals_in([TOWN_A])] == [
        "5341123100000",
        "6341123100201",
        "6341123100201",
        "6341123100202",
    ]


def test_areas_that_overlap_name_each_terminal_once() -> None:
    codes = [t.code for t in TWO_TOWNS.terminals_in([VILLAGE_A1, COUNTY, TOWN_A, COUNTY])]
    assert len(codes) == len(set(codes)) == 5


def test_an_area_without_terminals_holds_nobody() -> None:
    nowhere = AreaCode("341124000000")
    assert TWO_TOWNS.terminals_in([nowhere]) == ()
    assert TWO_TOWNS.places_in(nowhere) == frozenset()
    assert TWO_TOWNS.targets_for([nowhere]) == ()


def test_places_are_the_areas_that_terminals_carry() -> None:
    assert TWO_TOWNS.places_in(TOWN_A) == {TOWN_A, VILLAGE_A1, VILLAGE_A2}
    assert TWO_TOWNS.places_in(VILLAGE_B1) == {VILLAGE_B1}


def test_a_terminal_knows_its_place_and_a_stranger_has_none() -> None:
    terminal = _terminal(VILLAGE_A1, 1)
    assert TWO_TOWNS.place_of(terminal.code) == VILLAGE_A1
    assert TWO_TOWNS.place_of(_terminal(VILLAGE_A1, 99).code) is None


def test_the_adapter_of_a_terminal_covers_it_with_the_longest_stem() -> None:
    inventory = _inventory(_adapter(COUNTY), _adapter(TOWN_A), _adapter(VILLAGE_A1))
    assert inventory.adapter_of(_terminal(VILLAGE_A1, 1).code) == _adapter(VILLAGE_A1).code
    assert inventory.adapter_of(_terminal(VILLAGE_A2, 1).code) == _adapter(TOWN_A).code
    assert inventory.adapter_of(_terminal(VILLAGE_B1, 1).code) == _adapter(COUNTY).code
    assert inventory.adapter_of(_terminal(AreaCode("341124100201"), 1).code) is None


def test_of_two_adapters_of_one_area_the_first_drives() -> None:
    inventory = _inventory(_adapter(TOWN_A, 2), _adapter(TOWN_A, 1))
    assert inventory.adapter_of(_terminal(TOWN_A, 1).code) == _adapter(TOWN_A, 1).code


def test_a_county_is_addressed_by_one_code_for_each_level_present() -> None:
    assert TWO_TOWNS.targets_for([COUNTY]) == ("53411230000000314010400", "63411230000000314010400")


def test_a_level_that_is_not_present_is_not_addressed() -> None:
    assert TWO_TOWNS.targets_for([TOWN_B]) == ("63411231010000314010400",)


def test_each_type_serial_has_an_address_of_its_own() -> None:
    inventory = _inventory(_terminal(VILLAGE_A1, 99, 1), _terminal(VILLAGE_A1, 1, 2))
    assert inventory.targets_for([VILLAGE_A1]) == ("63411231002010314010400", "63411231002010314020400")


def test_places_taken_exactly_leave_the_villages_of_a_town_alone() -> None:
    assert TWO_TOWNS.targets_for_places([TOWN_A]) == ("53411231000000314010400",)


def test_villages_named_one_by_one_are_never_widened_to_their_town() -> None:
    assert TWO_TOWNS.targets_for([VILLAGE_A1, VILLAGE_A2]) == ("63411231002010314010400", "63411231002020314010400")
    assert TWO_TOWNS.targets_for_places([VILLAGE_A1, VILLAGE_A2]) == (
        "63411231002010314010400",
        "63411231002020314010400",
    )


def test_places_are_put_together_inside_the_area_that_the_alert_names() -> None:
    places = [VILLAGE_A1, VILLAGE_A2]
    assert TWO_TOWNS.targets_for_places(places, within=[COUNTY]) == ("63411231000000314010400",)
    assert TWO_TOWNS.targets_for_places(TWO_TOWNS.places, within=[COUNTY]) == TWO_TOWNS.targets_for([COUNTY])


def test_a_village_directly_under_the_county_is_not_taken_for_the_county() -> None:
    direct = AreaCode("341123000001")
    inventory = _inventory(_terminal(direct, 1), _terminal(VILLAGE_A1, 1))
    assert inventory.targets_for_places([direct], within=[COUNTY]) == ("63411230000010314010400",)


def test_an_area_has_a_name_or_shows_its_code() -> None:
    inventory = Inventory(Roster(), {TOWN_A: "鹿洞镇", VILLAGE_A1: "石潭村", VILLAGE_B1: "石潭村"})
    assert inventory.name_of(TOWN_A) == "鹿洞镇"
    assert inventory.name_of(TOWN_B) == "341123101000"
    assert inventory.areas_named(" 石潭村") == (VILLAGE_A1, VILLAGE_B1)
    assert inventory.areas_named("无名村") == ()


# ---- properties ----

_areas = st.builds(
    lambda town, village: AreaCode(f"341123{town:03d}{village:03d}"), st.integers(0, 3), st.integers(0, 3)
)
_devices = st.lists(
    st.builds(_terminal, _areas, st.integers(1, 3), st.integers(1, 2)), unique_by=lambda each: each.code, max_size=40
)


@pytest.mark.requirement("R-SYS-04", "R-PLT-22", "R-PLT-25")
@given(devices=_devices, areas=st.lists(_areas, min_size=1, max_size=4))
def test_i2_addresses_reach_exactly_the_terminals_inside_the_areas(
    devices: list[Device], areas: list[AreaCode]
) -> None:
    inventory = _inventory(*devices)
    targets = inventory.targets_for(areas)
    reached = {each.code for each in devices if any(matches(target, each.code) for target in targets)}
    assert reached == {each.code for each in devices if any(covers(area, each.code.area) for area in areas)}
    assert reached == {terminal.code for terminal in inventory.terminals_in(areas)}


@given(devices=_devices, areas=st.lists(_areas, min_size=1, max_size=4), stranger=_areas, level=st.integers(4, 6))
def test_i2_no_address_means_anybody_outside_the_areas(
    devices: list[Device], areas: list[AreaCode], stranger: AreaCode, level: int
) -> None:
    """Also a terminal that the inventory does not know, or that has the wrong level set."""
    unknown = ResourceCode.build(level, stranger, "0314", 1, "04", 9)
    for target in _inventory(*devices).targets_for(areas):
        assert not matches(target, unknown) or any(covers(area, stranger) for area in areas)


@given(devices=_devices, data=st.data())
def test_i2_addresses_of_places_reach_exactly_those_places(devices: list[Device], data: st.DataObject) -> None:
    inventory = _inventory(*devices)
    places = data.draw(st.lists(st.sampled_from(inventory.places)) if inventory.places else st.just([]))
    within = data.draw(st.lists(_areas, max_size=2))
    targets = inventory.targets_for_places(places, within=within)
    reached = {each.code for each in devices if any(matches(target, each.code) for target in targets)}
    assert reached == {each.code for each in devices if each.code.area in places}
    for target in targets:
        assert target.area in places or any(covers(area, target.area) for area in within)


@given(devices=_devices, areas=st.lists(_areas, max_size=6))
def test_putting_places_together_never_takes_more_addresses(devices: list[Device], areas: list[AreaCode]) -> None:
    inventory = _inventory(*devices)
    places = {place for area in areas for place in inventory.places_in(area)}
    together = inventory.targets_for_places(places, within=areas)
    assert len(together) <= min(
        len(inventory.targets_for_places(places)), len(inventory.targets_for(areas)) if areas else 0
    )


@given(areas=st.lists(_areas, max_size=8))
def test_outermost_areas_enclose_all_and_none_of_each_other(areas: list[AreaCode]) -> None:
    found = outermost(areas)
    assert all(any(covers(outer, area) for outer in found) for area in areas)
    assert not [(a, b) for a in found for b in found if a != b and covers(a, b)]
