"""A village officer's SMS becomes evidence: of the alert it names, or of the last one at the place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as Folder

import pytest

from ebcd.alert import Window
from ebcd.evaluation.by_sms import by_sms
from ebcd.evaluation.desk import HEARD_WITHIN_S, EvaluationDesk
from ebcd.health import HealthBook, Ways
from ebcd.operator import OperationRefused
from ebcd.state import AlertRecord
from ebcd.store import Store, open_store
from ebcd.workorders.replies import Hear, Known
from protocols.codes import AreaCode
from tests.ebcd.county import VILLAGE_A1, VILLAGE_A2, VILLAGE_B1, Room, control_room

NUMBER = "+8613900200066"
OFFICER, CREW = Known("王村长", VILLAGE_A1), Known("一班")


@dataclass
class Village:
    """Who hears, and what becomes of it."""

    room: Room
    store: Store
    hear: Hear

    def on_air(self, *areas: AreaCode) -> AlertRecord:
        return self.room.take_in(areas=areas)

    def evidence(self, record: AlertRecord) -> list[tuple[str, bool, str]]:
        known = self.room.core.state.evidence.alerts.get(record.alert.id)
        return [(each.place, each.heard, each.note) for each in known.heard] if known else []


@asynccontextmanager
async def village(folder: Folder) -> AsyncIterator[Village]:
    async with control_room() as room:
        store = open_store(f"sqlite:///{folder}/state/ebcd.db", clock=room.clock, inline=True, fsync=False)
        desk = EvaluationDesk(room.core.ledger, store, room.inventory, HealthBook(Ways({})), room.clock, "某县")
        yield Village(room, store, by_sms(desk).hear)
        store.abandon()


async def test_the_last_alert_of_the_officers_own_place_is_meant(tmp_path: Folder) -> None:
    async with village(tmp_path) as here:
        first, elsewhere = here.on_air(VILLAGE_A1), here.on_air(VILLAGE_B1)
        await asyncio.sleep(70)
        last = here.on_air(VILLAGE_A1)
        await asyncio.sleep(1)
        assert await here.hear(OFFICER, NUMBER, "声音很大", True) == ("title", VILLAGE_A1)
        assert here.evidence(last) == [(VILLAGE_A1, True, "声音很大")]
        assert here.evidence(first) == here.evidence(elsewhere) == []


async def test_an_alert_named_by_its_number_or_the_end_of_it_is_meant_also_days_later(tmp_path: Folder) -> None:
    async with village(tmp_path) as here:
        first = here.on_air(VILLAGE_A1)
        await asyncio.sleep(70)
        last = here.on_air(VILLAGE_A1)
        await asyncio.sleep(70)
        here.room.clock.step(3 * HEARD_WITHIN_S)
        for naming in (first.alert.id, first.alert.id[-4:]):
            await here.hear(OFFICER, NUMBER, f"{naming} 村西没有", False)
        assert here.evidence(first) == [(VILLAGE_A1, False, "村西没有")] * 2
        assert here.evidence(last) == []
        with pytest.raises(OperationRefused, match="no_alert_heard"):
            await here.hear(OFFICER, NUMBER, "", True)


async def test_a_place_that_is_written_counts_before_the_officers_own(tmp_path: Folder) -> None:
    async with village(tmp_path) as here:
        record = here.on_air(VILLAGE_A2)
        await asyncio.sleep(1)
        await here.hear(CREW, NUMBER, f"{VILLAGE_A2} {record.alert.id[-4:]} 清楚", True)
        assert here.evidence(record) == [(VILLAGE_A2, True, "清楚")]
        with pytest.raises(OperationRefused, match="heard_where"):
            await here.hear(CREW, NUMBER, "清楚", True)
        with pytest.raises(OperationRefused, match="no_alert_heard"):
            await here.hear(OFFICER, NUMBER, "", True)  # nothing was on air at the officer's own place


async def test_an_alert_that_never_sounded_was_heard_by_nobody(tmp_path: Folder) -> None:
    async with village(tmp_path) as here:
        record = here.room.take_in(areas=(VILLAGE_A1,), window=Window(2**32 - 60, 2**32))
        with pytest.raises(OperationRefused, match="no_alert_heard"):
            await here.hear(OFFICER, NUMBER, record.alert.id, True)


async def test_neither_name_nor_number_goes_into_the_journal(tmp_path: Folder) -> None:
    async with village(tmp_path) as here:
        here.on_air(VILLAGE_A1)
        await asyncio.sleep(1)
        await here.hear(OFFICER, NUMBER, "", True)
        (event,) = [event for event in here.room.journal.events if event.kind == "evidence.heard"]
        assert event.actor == "sms"
        assert "王村长" not in str(event)
        assert NUMBER not in str(event)
        (person,) = (await here.store.people([int(str(event.payload["person"]))])).values()
        assert (person.name, person.phone) == ("王村长", NUMBER)
