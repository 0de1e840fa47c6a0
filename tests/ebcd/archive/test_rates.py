"""Enrolment and opening rates by town, and what nobody can observe."""

from __future__ import annotations

import pytest

from devices.link import Path
from devices.roster import Device, DeviceKind, Roster
from ebcd.archive import Archive, Record, Status
from ebcd.archive.rates import rates
from ebcd.inventory import Inventory
from tests.ebcd.county import COUNTY, TOWN_A, TOWN_B, VILLAGE_A1, VILLAGE_B1, terminal

OPENED, ENROLLED, PLANNED, MUTE = (terminal(VILLAGE_A1, n) for n in (1, 2, 3, 4))
OTHER = terminal(VILLAGE_B1, 1)


def _horn(code: str, *paths: Path) -> Device:
    return Device(DeviceKind.TERMINAL, type(OTHER)(code), "", "", paths=paths or (Path.IP,))


INVENTORY = Inventory(
    Roster.of([_horn(OPENED), _horn(ENROLLED), _horn(MUTE, Path.FM), _horn(OTHER)]),
    {TOWN_A: "甲镇"},
    Archive(
        {ENROLLED: Record(status=Status.ENROLLED), PLANNED: Record(status=Status.PLANNED)}, {PLANNED: _horn(PLANNED)}
    ),
)


@pytest.mark.requirement("R-TST-04")
def test_rates_are_counted_by_town_and_for_the_county() -> None:
    heard = {OPENED, ENROLLED}
    one, other, whole = rates(INVENTORY, COUNTY, lambda code: code in heard)
    assert (one.town, one.name, one.planned, one.entered, one.opened, one.heard, one.mute) == (
        TOWN_A, "甲镇", 4, 3, 2, 1, 1
    )  # fmt: skip
    assert (one.enrolment, one.opening) == (3 / 4, 1 / 3)
    assert (other.town, other.enrolment, other.opening) == (TOWN_B, 1.0, 0.0)
    assert (whole.town, whole.planned, whole.entered, whole.heard, whole.opening) == (COUNTY, 5, 4, 1, 1 / 4)


def test_where_nobody_listens_nothing_is_said_about_opening() -> None:
    assert [row.opening for row in rates(INVENTORY, COUNTY, None)] == [None, None, None]


def test_an_empty_county_has_no_rates() -> None:
    (whole,) = rates(Inventory(Roster()), COUNTY, lambda _code: True)
    assert (whole.enrolment, whole.opening) == (None, None)
