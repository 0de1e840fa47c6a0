"""State and journal take every fact in the same order, and what rests on one waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ebcd import facts, snapshot
from ebcd.errors import ForbiddenTransition
from ebcd.facts import Fact
from ebcd.ledger import Ledger
from ebcd.lifecycle import AlertEvent, AlertState
from ebcd.state import CountyState
from ebcd.store import NewEvent, StoreError
from protocols.codes import EbdId
from tests.ebcd.county import COUNTY, PROVINCE, MemoryJournal
from tests.ebcd.test_scheduler import alert

ACCEPTED = facts.alert_accepted(alert(1), AlertState.WAITING, 1.0, PROVINCE)
STARTED = facts.alert_moved(alert(1).id, AlertEvent.START, 2.0)


def books() -> tuple[Ledger, MemoryJournal, list[str]]:
    journal, seen = MemoryJournal(), list[str]()

    def watch(fact: Fact, state: CountyState) -> None:
        seen.append(fact.kind)

    return Ledger(CountyState(), journal, COUNTY, [watch]), journal, seen


async def test_facts_are_applied_at_once_seen_by_watchers_and_journaled_in_order() -> None:
    ledger, journal, seen = books()
    ledger.enter(ACCEPTED, STARTED)
    assert ledger.state.alerts[alert(1).id].state is AlertState.ON_AIR
    assert seen == [e.kind for e in journal.events] == ["alert.accepted", "alert.moved"]
    assert {e.stream for e in journal.events} == {COUNTY}
    await asyncio.sleep(0.1)
    assert snapshot.same(journal.replayed(), ledger.state)


async def test_i10_what_the_state_knows_the_journal_gets_even_when_a_watcher_or_the_next_fact_fails() -> None:
    journal = MemoryJournal()

    def broken(fact: Fact, state: CountyState) -> None:
        raise TypeError("a defect")

    ledger = Ledger(CountyState(), journal, COUNTY, [broken])
    with pytest.raises(TypeError):
        ledger.enter(ACCEPTED)
    ledger, journal, _ = books()
    with pytest.raises(ForbiddenTransition):
        ledger.enter(ACCEPTED, facts.alert_moved(alert(1).id, AlertEvent.STOPPED, 2.0))
    for each in (ledger, Ledger(ledger.state, journal, COUNTY, [])):
        assert snapshot.same(journal.replayed(), each.state)


async def test_i10_a_mark_is_done_when_everything_before_it_is_on_disk() -> None:
    ledger, journal, _ = books()
    journal.stuck = True
    told: list[bool] = []
    ledger.enter(ACCEPTED, on_durable=lambda: told.append(True))
    mark = ledger.mark()
    await asyncio.sleep(5)
    assert (mark.done(), told) == (False, [])
    journal.flush()
    assert (await mark, told) == (1, [True])


async def test_a_mark_before_any_fact_waits_for_nothing() -> None:
    ledger, _, _ = books()
    assert await ledger.mark() == 0
    ledger.enter()
    assert await ledger.mark() == 0


async def test_a_fact_that_the_table_forbids_reaches_neither_state_nor_journal() -> None:
    ledger, journal, seen = books()
    ledger.enter(ACCEPTED)
    with pytest.raises(ForbiddenTransition):
        ledger.enter(facts.alert_moved(alert(1).id, AlertEvent.STOPPED, 2.0))
    assert len(journal.events) == len(seen) == 1


async def test_a_foretold_fact_is_applied_and_left_to_another_transaction() -> None:
    ledger, journal, _ = books()
    ebd_id = EbdId.build(EbdId.MESSAGE, PROVINCE, 1)
    event = ledger.foretell(facts.package_received(ebd_id, None, "file.tar", 1.0, PROVINCE))
    assert event.kind == facts.PACKAGE_RECEIVED
    assert list(ledger.state.open_packages) == [ebd_id]
    assert journal.events == []


class FullJournal:
    """Takes nothing more."""

    def append_soon(self, events: Sequence[NewEvent], on_durable: Callable[[Any], None] | None = None) -> None:
        raise StoreError("queue_full", "journal", "", "end")


async def test_i10_a_journal_that_takes_nothing_more_ends_the_daemon() -> None:
    ledger = Ledger(CountyState(), FullJournal(), COUNTY, [])
    watching = asyncio.ensure_future(ledger.watch())
    await asyncio.sleep(1)
    assert not watching.done()
    with pytest.raises(StoreError):
        ledger.enter(ACCEPTED)
    with pytest.raises(StoreError):
        await watching
