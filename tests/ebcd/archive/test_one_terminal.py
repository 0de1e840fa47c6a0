"""An alert for single terminals: addressed, counted and stopped there and nowhere else."""

from __future__ import annotations

import asyncio

from devices.link import Path, Start, Stop
from ebcd.alert import Alert, AlertClass
from ebcd.lifecycle import AlertState
from tests.ebcd.county import VILLAGE_A1, control_room, terminal

ONE, TWO = terminal(VILLAGE_A1, 1), terminal(VILLAGE_A1, 2)


async def test_i2_only_the_named_terminal_is_addressed_counted_and_stopped() -> None:
    async with control_room() as room:
        record = room.take_in(areas=(VILLAGE_A1,), class_=AlertClass.DAILY, only=(ONE,), volume=10)
        await asyncio.sleep(1)
        assert record.counts()["targeted"] == record.counts()["confirmed"] == 1
        room.core.cancel(record, "chen")
        await asyncio.sleep(1)
        (start,) = [c for c in room.links[Path.IP].commands if isinstance(c, Start)]
        (stop,) = [c for c in room.links[Path.IP].commands if isinstance(c, Stop)]
        assert (start.targets, start.members, start.volume) == ((ONE,), (ONE,), 10)
        assert (stop.targets, stop.members) == ((ONE,), (ONE,))
        assert record.state is AlertState.CANCELLED


async def test_i4_it_waits_behind_an_alert_and_takes_no_place_from_it() -> None:
    async with control_room() as room:
        high = room.take_in(areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        tone = room.take_in(areas=(VILLAGE_A1,), class_=AlertClass.DAILY, level=4, only=(ONE,))
        await asyncio.sleep(1)
        assert tone.state is AlertState.WAITING
        assert VILLAGE_A1 in high.holds


async def test_it_is_the_same_after_a_restart() -> None:
    async with control_room() as room:
        alert = room.alert(areas=(VILLAGE_A1,), only=(ONE, TWO), volume=10)
        assert Alert.from_json(alert.to_json()) == alert
        assert "only" not in room.alert(areas=(VILLAGE_A1,)).to_json()
