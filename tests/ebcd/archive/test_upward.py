"""The platform above is told where a device stands and whom it reaches, never whom to call."""

from __future__ import annotations

from devices.roster import Roster
from ebcd.archive import Archive, Record
from ebcd.archive.upward import particulars_of
from ebcd.inventory import Inventory
from ebcd.operation_data.resources import NOTHING_MORE, Particulars
from tests.ebcd.county import VILLAGE_A1, terminal

HORN = terminal(VILLAGE_A1, 1)


def test_place_and_population_are_those_of_the_inventory_as_it_is_now() -> None:
    inventory = Inventory(Roster())
    of = particulars_of(inventory)
    assert of(HORN) == NOTHING_MORE
    known = Record(longitude=104.5, latitude=-0.25, population=120, contact="P12")
    inventory.become(Inventory(Roster(), archive=Archive({HORN: known})))
    assert of(HORN) == Particulars("104.500000", "-0.250000", population=120)
