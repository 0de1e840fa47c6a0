"""Bad days on which devices also come and go while alerts are on air: what must always hold does (design 4)."""

from __future__ import annotations

import random

import pytest

from devices.roster import Roster
from ebcd.archive.turnover import follow_inventory
from ebcd.inventory import Inventory
from tests.ebcd.random_county import BadDay
from tests.ebcd.test_random_county import (
    everything_is_over_and_told,
    nothing_sounded_that_must_not,
    the_books_are_right,
    the_county_heard_what_the_books_say,
)

DAYS = 15
ACTS_OF_A_DAY = 60


class ChangingDay(BadDay):
    """Somebody imports inventories all day, some of them wrong, and corrects them."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.everybody = tuple(self.field.inventory.roster.devices.values())
        self.changes = 0
        self.further[self._import] = 8

    def _import(self) -> None:
        share = self.chance.choice((0.5, 0.9, 1.0))
        here = [device for device in self.everybody if self.chance.random() < share]
        self.field.inventory.become(Inventory(Roster.of(here)))
        live = self.life.core.state.live_alerts()
        self.field.inventory.release({code for record in live for code in record.deliveries})
        follow_inventory(self.life.core)
        self.changes += 1

    async def _die_and_rise(self) -> None:
        """The next life knows only who is in the file."""
        self.field.inventory.roster.release(frozenset())
        self.field.inventory.become(Inventory(Roster.of(self.field.inventory.roster.devices.values())))
        await super()._die_and_rise()


@pytest.mark.parametrize("day", range(DAYS))
async def test_devices_that_come_and_go_break_nothing_that_must_hold(day: int, rng: random.Random) -> None:
    story = ChangingDay(rng)
    await story.run(ACTS_OF_A_DAY)
    try:
        assert story.changes > 0
        assert story.violations == []
        everything_is_over_and_told(story)
        the_books_are_right(story)
        the_county_heard_what_the_books_say(story)
        nothing_sounded_that_must_not(story)
    finally:
        await story.close()
