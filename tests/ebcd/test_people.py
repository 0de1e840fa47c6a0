"""Whom an id means is told to people on duty only, and can be erased without touching the journal's chain."""

from __future__ import annotations

from pathlib import Path as Folder

import pytest

from devices.roster import Roster
from ebcd.archive import Archive, Record
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.operator import Actor, OperationRefused
from ebcd.people import PeopleDesk
from ebcd.state import CountyState
from ebcd.store import open_store
from tests.ebcd.county import COUNTY, VILLAGE_A1, terminal
from tests.virtual_time import VirtualClock

CHEN = Actor("chen", "token")
HORN = terminal(VILLAGE_A1, 1)


async def test_a_person_is_looked_up_and_erased_and_the_journal_says_by_whom(tmp_path: Folder) -> None:
    clock = VirtualClock()
    store = open_store(f"sqlite:///{tmp_path}/ebcd.db", clock=clock, inline=True, fsync=False)
    number = await store.person("王村长", "13800000000")
    inventory = Inventory(Roster(), archive=Archive({HORN: Record(contact=f"P{number}")}))
    desk = PeopleDesk(Ledger(CountyState(), store, COUNTY, []), store, inventory, clock)

    row = await desk.look_up(f"p{number}", CHEN)
    assert (row.name, row.phone, row.erased, row.devices) == ("王村长", "13800000000", False, (HORN,))

    gone = await desk.erase(f"P{number}", CHEN)
    assert (gone.id, gone.name, gone.phone, gone.erased) == (row.id, "", "", True)
    (event,) = [each for each in await store.read(COUNTY) if each.kind == "person.erased"]
    assert (event.actor, event.payload) == ("chen", {"person": number})

    for unknown in ("P99", "99", "", "王村长"):
        with pytest.raises(OperationRefused, match="no_such_person"):
            await desk.look_up(unknown, CHEN)
    store.abandon()
