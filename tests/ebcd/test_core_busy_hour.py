"""An hour with a bit of everything, in virtual time: what holds at every moment of it and at its end."""

from __future__ import annotations

import asyncio

from devices.link import Path
from ebcd import snapshot
from ebcd.alert import AlertClass, Window
from tests.ebcd.county import TOWN_A, TOWN_B, VILLAGE_A1, Room, control_room, terminal


async def busy_hour(room: Room) -> None:
    """A bit of everything."""
    start = int(room.clock.wall())
    room.take_in(class_=AlertClass.DAILY, level=4, window=Window(start, start + 90))
    await asyncio.sleep(1)
    room.take_in(areas=(TOWN_A,), window=Window(start, start + 20))
    await asyncio.sleep(3)
    cancelled = room.take_in(level=2, areas=(TOWN_B,))
    await asyncio.sleep(1)
    room.core.cancel(cancelled, "liu")
    await asyncio.sleep(120)


async def test_i10_the_journal_adds_up_to_the_live_state() -> None:
    async with control_room(lambda v, s: (Path.IP, Path.FM)) as room:
        room.links[Path.IP].silent.add(terminal(VILLAGE_A1, 1))
        await busy_hour(room)
        assert snapshot.same(room.journal.replayed(), room.core.state)
        assert snapshot.same(snapshot.load(snapshot.dump(room.core.state)), room.core.state)


async def test_i13_counts_add_up_at_every_moment_of_a_busy_hour() -> None:
    async with control_room(lambda v, s: (Path.IP, Path.FM)) as room:
        room.links[Path.IP].silent.add(terminal(VILLAGE_A1, 1))
        hour = asyncio.ensure_future(busy_hour(room))
        seen = 0
        while not hour.done():
            await asyncio.sleep(0.05)
            for record in room.core.state.alerts.values():
                told = record.counts()
                parts = ("confirmed", "refused", "timed_out", "unconfirmed", "cancelled", "pending")
                assert sum(told[part] for part in parts) == told["targeted"] == len(record.deliveries)
                seen += told["targeted"] > 0
        await hour
        assert seen > 1000
