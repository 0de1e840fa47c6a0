"""Thirty bad days of a county: whatever the seed, what must always hold does (design 4)."""

from __future__ import annotations

import random

import pytest

from ebcd import snapshot
from ebcd.invariants import recount
from ebcd.lifecycle import CONFIRMED_STATES, AlertState, DeliveryState
from ebcd.reporting import BRD_STATE
from protocols.codes import covers
from tests.ebcd.random_county import BadDay

DAYS = 30
ACTS_OF_A_DAY = 60


@pytest.mark.requirement("R-X-34")
@pytest.mark.parametrize("day", range(DAYS))
async def test_on_a_bad_day_everything_that_must_hold_does(day: int, rng: random.Random) -> None:
    story = BadDay(rng)
    await story.run(ACTS_OF_A_DAY)
    try:
        assert story.violations == []
        everything_is_over_and_told(story)
        the_books_are_right(story)
        the_county_heard_what_the_books_say(story)
        nothing_sounded_that_must_not(story)
    finally:
        await story.close()


def everything_is_over_and_told(story: BadDay) -> None:
    for record in story.life.core.state.alerts.values():
        assert not record.live, record.alert.id
        if record.alert.peer is not None:
            assert record.told, record.alert.id
            assert record.told[-1] == BRD_STATE[record.state]
    assert set(story.life.core.state.alerts) == set(story.ordered)
    for ebm_id in story.cancelled:
        assert story.life.core.state.alerts[ebm_id].state is not AlertState.DONE


def the_books_are_right(story: BadDay) -> None:
    state = story.life.core.state
    assert recount(state.alerts.values()) == []
    assert snapshot.same(story.life.disk.replayed(), state)
    assert snapshot.same(snapshot.load(snapshot.dump(state)), state)
    for record in state.alerts.values():
        counts = record.counts()
        parts = ("confirmed", "refused", "timed_out", "unconfirmed", "cancelled", "pending")
        assert sum(counts[part] for part in parts) == counts["targeted"]
        assert counts["pending"] == 0, record


def the_county_heard_what_the_books_say(story: BadDay) -> None:
    """I8: who is called confirmed did begin."""
    for record in story.life.core.state.alerts.values():
        for delivery in record.deliveries.values():
            if delivery.state in CONFIRMED_STATES:
                assert record.alert.id in story.field.horns[delivery.code].begun, (record.alert.id, delivery)
            if delivery.state is DeliveryState.CANCELLED:
                assert record.alert.id not in story.field.horns[delivery.code].playing


def nothing_sounded_that_must_not(story: BadDay) -> None:
    """I1, I2, I3, I5 as the county sees them."""
    for at_s, _, start in story.field.starts:
        assert at_s < start.end, start.ebm_id
    for horn in story.field.horns.values():
        for ebm_id in horn.begun:
            alert = story.ordered[ebm_id]
            assert any(covers(area, horn.code.area) for area in alert.areas)
            assert alert.depth == "terminal"
            assert alert.peer is not None or ebm_id in story.approved
