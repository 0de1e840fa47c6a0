"""The core in virtual time: starts, fallbacks, ranks, cancels, ends."""

from __future__ import annotations

import asyncio
from datetime import time
from typing import Any

import pytest

from devices.link import Began, DeviceState, NoAnswer, Path, Played, Sent, Start, Stop, Verb
from ebcd.alert import Alert, AlertClass, DrillDepth, Origin, Window
from ebcd.errors import ForbiddenTransition
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.rules import QuietHours
from ebcd.state import AlertRecord
from protocols.codes import AreaCode, EbmId
from tests.ebcd.county import (
    COUNTY,
    RULES,
    TOWN_A,
    TOWN_B,
    VILLAGE_A1,
    VILLAGE_B1,
    control_room,
    terminal,
)


def state(record: AlertRecord) -> AlertState:
    """Read anew: a checker would take what was compared once for settled."""
    return record.state


def counts(record: AlertRecord) -> dict[str, int]:
    return {name: value for name, value in record.counts().items() if value}


@pytest.mark.requirement("R-PERF-02")
async def test_every_terminal_confirms_and_the_province_hears_2_then_3() -> None:
    async with control_room() as room:
        record = room.take_in()
        await asyncio.sleep(1)
        assert counts(record) == {"targeted": 12, "confirmed": 12}
        for code in room.codes():
            room.following.take(Played("ip", code, record.alert.id, True, 1, ""))
        await asyncio.sleep(65)
        assert state(record) is AlertState.DONE
        assert [code for _, code, _ in room.told] == [2, 3]
        assert counts(record) == {"targeted": 12, "confirmed": 12, "played": 12}


@pytest.mark.requirement("R-PERF-01", "R-X-17", "R-X-28", "R-PLT-12")
async def test_one_frame_serves_all_and_names_the_county_not_the_terminals() -> None:
    async with control_room() as room:
        room.take_in()
        await asyncio.sleep(1)
        (start,) = [c for c in room.links[Path.IP].commands if isinstance(c, Start)]
        assert [str(t) for t in start.targets] == [f"6{COUNTY}0314010400"]
        assert len(start.members) == 12
        assert start.volume == 100
        assert start.audio.url.startswith("http://media/media/")


async def test_i8_silence_is_never_success() -> None:
    async with control_room() as room:
        room.links[Path.IP].answers = False
        record = room.take_in()
        await asyncio.sleep(31)
        assert counts(record) == {"targeted": 12, "timed_out": 12}
        await asyncio.sleep(40)
        assert state(record) is AlertState.FAILED
        assert [code for _, code, _ in room.told] == [2, 4]


@pytest.mark.requirement("R-ARC-04", "R-SYS-10", "R-LNK-02", "R-ARC-10")
async def test_a_terminal_silent_on_ip_is_told_over_cellular_and_then_over_fm() -> None:
    def paths(_village: AreaCode, _serial: int) -> tuple[Path, ...]:
        return (Path.IP, Path.CELLULAR, Path.FM)

    async with control_room(paths) as room:
        deaf = terminal(VILLAGE_A1, 1)
        room.links[Path.IP].silent.add(deaf)
        room.links[Path.CELLULAR].silent.add(deaf)
        record = room.take_in()
        await asyncio.sleep(2.5)
        assert room.links[Path.CELLULAR].started(record.alert.id) == [deaf]
        await asyncio.sleep(6.5)
        assert room.links[Path.FM].started(record.alert.id) == [deaf]
        room.following.take(Sent("fm", record.alert.id, Verb.START, 1, 2496))
        await asyncio.sleep(0.1)
        assert record.deliveries[deaf].state is DeliveryState.UNCONFIRMED
        assert record.deliveries[deaf].path is Path.FM
        assert counts(record) == {"targeted": 12, "confirmed": 11, "unconfirmed": 1}


async def test_a_dead_link_is_left_at_once_when_it_says_so() -> None:
    async with control_room(lambda v, s: (Path.IP, Path.MQTT)) as room:
        room.links[Path.IP].answers = False
        record = room.take_in()
        code = terminal(VILLAGE_A1, 1)
        await asyncio.sleep(0.1)
        room.following.take(NoAnswer("ip", code, record.alert.id, Verb.START, "connection lost"))
        await asyncio.sleep(0.2)
        assert record.deliveries[code].state is DeliveryState.CONFIRMED
        assert record.deliveries[code].path is Path.MQTT


async def test_i6_terminals_without_a_live_path_do_not_delay_the_others() -> None:
    async with control_room(connected=False) as room:
        room.connect(Path.IP, room.codes(VILLAGE_B1))
        await asyncio.sleep(0.01)
        record = room.take_in()
        room.links[Path.IP].silent.update(room.codes(TOWN_A))
        await asyncio.sleep(0.3)
        assert counts(record) == {"targeted": 12, "confirmed": 4, "pending": 8}


async def test_i4_a_lower_level_waits_where_a_higher_one_sounds_and_starts_when_its_turn_comes() -> None:
    async with control_room() as room:
        start = int(room.clock.wall())
        high = room.take_in(areas=(TOWN_A,), window=Window(start, start + 20))
        await asyncio.sleep(1)
        low = room.take_in(level=4, areas=(TOWN_A, TOWN_B), window=Window(start, start + 60))
        await asyncio.sleep(1)
        assert counts(high) == {"targeted": 8, "confirmed": 8}
        assert counts(low) == {"targeted": 12, "confirmed": 4, "pending": 8}
        assert low.holds == {VILLAGE_B1}
        await asyncio.sleep(20)
        assert counts(low) == {"targeted": 12, "confirmed": 12}


async def test_i4_one_that_never_has_its_turn_fails_and_says_that_nobody_was_ordered() -> None:
    async with control_room() as room:
        start = int(room.clock.wall())
        room.take_in(areas=(TOWN_A,), window=Window(start, start + 60))
        await asyncio.sleep(1)
        low = room.take_in(level=4, areas=(TOWN_A,), window=Window(start, start + 20))
        await asyncio.sleep(30)
        assert (state(low), low.why, counts(low)) == (AlertState.FAILED, "nobody was ordered", {})


async def test_i4_a_higher_level_takes_over_and_the_lower_one_resumes_without_a_second_start() -> None:
    async with control_room() as room:
        start = int(room.clock.wall())
        daily = room.take_in(class_=AlertClass.DAILY, level=4, window=Window(start, start + 60))
        await asyncio.sleep(1)
        high = room.take_in(areas=(TOWN_A,), window=Window(start, start + 20))
        await asyncio.sleep(1)
        assert daily.holds == {VILLAGE_B1}
        assert counts(high) == {"targeted": 8, "confirmed": 8}
        await asyncio.sleep(20)
        assert daily.holds == set(room.inventory.places)
        assert len(room.links[Path.IP].started(daily.alert.id)) == 12


@pytest.mark.requirement("R-PERF-05", "R-PERF-06")
async def test_two_towns_hear_two_messages_of_one_level_at_the_same_time() -> None:
    async with control_room() as room:
        first, second = room.take_in(areas=(TOWN_A,)), room.take_in(areas=(TOWN_B,))
        await asyncio.sleep(1)
        assert state(first) is state(second) is AlertState.ON_AIR
        heard = [set(room.links[Path.IP].started(record.alert.id)) for record in (first, second)]
        assert heard[0] | heard[1] == set(room.codes())
        assert not heard[0] & heard[1]
        assert counts(first)["confirmed"] + counts(second)["confirmed"] == 12


async def test_an_equal_level_waits_for_the_running_one() -> None:
    async with control_room() as room:
        start = int(room.clock.wall())
        first = room.take_in(level=2, window=Window(start, start + 30))
        await asyncio.sleep(1)
        second = room.take_in(level=2, window=Window(start, start + 60))
        await asyncio.sleep(1)
        assert (first.state, second.state) == (AlertState.ON_AIR, AlertState.WAITING)
        await asyncio.sleep(35)
        assert second.state is AlertState.ON_AIR


async def test_i12_cancel_stops_everybody_and_waits_for_their_word() -> None:
    async with control_room() as room:
        record = room.take_in()
        await asyncio.sleep(1)
        room.core.cancel(record, "chen")
        assert state(record) is AlertState.CANCELLING
        await asyncio.sleep(0.5)
        assert state(record) is AlertState.CANCELLED
        assert counts(record) == {"targeted": 12, "cancelled": 12}
        assert [code for _, code, _ in room.told] == [2, 5]


@pytest.mark.parametrize("live", [AlertState.PENDING, AlertState.HELD, AlertState.WAITING, AlertState.ON_AIR])
async def test_i12_cancel_is_legal_in_every_live_state(live: AlertState) -> None:
    async with control_room(rules=RULES) as room:
        start = int(room.clock.wall())
        every: dict[AlertState, dict[str, Any]] = {
            AlertState.PENDING: {"origin": Origin.OPERATOR, "author": "chen", "peer": None, "ebd_id": None},
            AlertState.HELD: {"class_": AlertClass.DAILY, "level": 4},
            AlertState.WAITING: {"window": Window(start + 30, start + 60)},
            AlertState.ON_AIR: {},
        }
        changes = every[live]
        if live is AlertState.HELD:
            room.clock.step(86400 - start % 86400 + 15 * 3600)  # 23:00 in Beijing
            changes["window"] = Window(int(room.clock.wall()), int(room.clock.wall()) + 60)
        record = room.take_in(**changes)
        await asyncio.sleep(1)
        assert state(record) is live
        room.core.cancel(record, "chen")
        await asyncio.sleep(1)
        assert state(record) is AlertState.CANCELLED
        with pytest.raises(ForbiddenTransition):
            room.core.cancel(record, "chen")


async def test_a_stop_that_is_not_answered_is_not_called_stopped() -> None:
    async with control_room() as room:
        record = room.take_in()
        await asyncio.sleep(1)
        deaf = terminal(VILLAGE_A1, 1)
        room.links[Path.IP].silent.add(deaf)
        room.core.cancel(record, "chen")
        await asyncio.sleep(5)
        assert state(record) is AlertState.CANCELLING
        await asyncio.sleep(6)
        assert state(record) is AlertState.CANCELLED
        assert counts(record) == {"targeted": 12, "cancelled": 11, "timed_out": 1}


async def test_i12_a_terminal_cut_off_during_the_cancel_is_stopped_when_it_is_back() -> None:
    async with control_room() as room:
        record = room.take_in()
        await asyncio.sleep(1)
        deaf = terminal(VILLAGE_A1, 1)
        room.links[Path.IP].silent.add(deaf)
        room.core.cancel(record, "chen")
        await asyncio.sleep(12)
        before = len(room.links[Path.IP].commands)
        room.connect(Path.IP, [deaf], DeviceState.WORKING)
        await asyncio.sleep(0.1)
        (stop,) = room.links[Path.IP].commands[before:]
        assert isinstance(stop, Stop)
        assert stop.members == (deaf,)


@pytest.mark.requirement("R-PRI-06")
@pytest.mark.clause("GD/J 084 clause 6.3", "GD/J 086 clause 9.1")
async def test_i3_a_message_whose_window_is_over_never_starts() -> None:
    async with control_room() as room:
        start = int(room.clock.wall())
        record = room.take_in(window=Window(start - 60, start))
        await asyncio.sleep(1)
        assert state(record) is AlertState.DROPPED
        assert room.links[Path.IP].commands == []
        assert [code for _, code, _ in room.told] == [0]


async def test_i2_a_message_for_other_counties_only_is_dropped_and_told() -> None:
    async with control_room() as room:
        record = room.take_in(areas=(), dropped_areas=("340000000000",))
        await asyncio.sleep(1)
        assert (record.state, record.why) == (AlertState.DROPPED, "no_area_of_ours")
        assert [code for _, code, _ in room.told] == [0]


@pytest.mark.requirement("R-SYS-09", "R-TST-07")
async def test_i14_daily_content_from_above_is_held_in_quiet_hours_told_and_released() -> None:
    async with control_room() as room:
        seconds = int(room.clock.wall()) % 86400
        room.clock.step(86400 - seconds + 21 * 3600 + 59 * 60 + 30)  # 05:59:30 in Beijing
        start = int(room.clock.wall())
        record = room.take_in(class_=AlertClass.DAILY, level=4, window=Window(start, start + 300))
        emergency = room.take_in(areas=(TOWN_B,), window=Window(start, start + 10))
        await asyncio.sleep(1)
        assert state(record) is AlertState.HELD
        assert emergency.state is AlertState.ON_AIR
        assert (record.alert.id, 0, "quiet_hours") in room.told
        await asyncio.sleep(40)
        assert state(record) is AlertState.ON_AIR


async def test_i1_what_an_operator_wrote_waits_for_somebody_else() -> None:
    async with control_room() as room:
        record = room.take_in(origin=Origin.OPERATOR, author="chen", peer=None, ebd_id=None)
        await asyncio.sleep(1)
        assert state(record) is AlertState.PENDING
        assert room.links[Path.IP].commands == []
        room.core.approve(record, "liu")
        await asyncio.sleep(1)
        assert counts(record) == {"targeted": 12, "confirmed": 12}


@pytest.mark.requirement("R-TST-09")
@pytest.mark.parametrize("depth", [DrillDepth.PLATFORM, DrillDepth.HEADEND])
async def test_i5_a_drill_above_the_terminals_reaches_none(depth: DrillDepth) -> None:
    async with control_room() as room:
        record = room.take_in(class_=AlertClass.SYSTEM_DRILL, depth=depth)
        await asyncio.sleep(1)
        assert state(record) is AlertState.DONE
        assert room.links[Path.IP].commands == []


async def test_i7_the_same_message_again_starts_nobody_again() -> None:
    async with control_room() as room:
        alert = room.alert()
        record = room.core.take_in(alert, 0.0)
        await asyncio.sleep(1)
        assert room.core.take_in(alert, 0.0) is record
        await asyncio.sleep(1)
        assert len(room.links[Path.IP].started(alert.id)) == 12
        assert [code for _, code, _ in room.told] == [2, 2]


async def test_i7_a_terminal_that_confirmed_and_comes_back_idle_is_left_alone() -> None:
    async with control_room() as room:
        record = room.take_in()
        await asyncio.sleep(1)
        room.connect(Path.IP, [terminal(VILLAGE_A1, 1)], DeviceState.IDLE)
        await asyncio.sleep(1)
        assert len(room.links[Path.IP].started(record.alert.id)) == 12


async def test_a_terminal_that_was_off_is_started_when_it_comes_back_in_time() -> None:
    async with control_room() as room:
        late = terminal(VILLAGE_A1, 1)
        room.links[Path.IP].silent.add(late)
        record = room.take_in()
        await asyncio.sleep(35)
        assert record.deliveries[late].state is DeliveryState.TIMED_OUT
        room.links[Path.IP].silent.discard(late)
        room.connect(Path.IP, [late], DeviceState.IDLE)
        await asyncio.sleep(1)
        assert record.deliveries[late].state is DeliveryState.CONFIRMED


@pytest.mark.requirement("R-X-01")
async def test_an_update_stops_the_old_message_and_starts_the_new_one() -> None:
    async with control_room() as room:
        old = room.take_in()
        await asyncio.sleep(1)
        new = room.take_in(replaces=old.alert.id)
        await asyncio.sleep(2)
        assert old.state is AlertState.CANCELLED
        assert counts(new) == {"targeted": 12, "confirmed": 12}
        assert (old.alert.id, 5, f"replaced by {new.alert.id}") in room.told or (old.alert.id, 5, "") in room.told


async def test_terminals_behind_an_adapter_are_confirmed_by_themselves_only() -> None:
    async with control_room(lambda v, s: (Path.ADAPTER,)) as room:
        record = room.take_in()
        await asyncio.sleep(1)
        (start,) = room.links[Path.ADAPTER].commands
        assert len(start.members) == 3
        assert counts(record) == {"targeted": 12, "pending": 12}
        for code in room.codes():
            room.following.take(Began("adapter", code, record.alert.id, 0))
        await asyncio.sleep(0.1)
        assert counts(record) == {"targeted": 12, "confirmed": 12}


async def test_i10_nothing_is_sent_before_it_is_on_disk() -> None:
    async with control_room() as room:
        room.journal.stuck = True
        record = room.take_in()
        await asyncio.sleep(1)
        assert state(record) is AlertState.ON_AIR
        assert room.links[Path.IP].commands == []
        assert room.told == []
        room.journal.flush()
        room.journal.stuck = False
        await asyncio.sleep(1)
        assert len(room.links[Path.IP].commands) == 1


def test_quiet_hours_may_span_midnight_and_equal_ends_mean_never() -> None:
    beijing_midnight = 1_760_000_000 - (1_760_000_000 + 8 * 3600) % 86400
    night = QuietHours(time(22), time(6))
    assert [night.are_on(beijing_midnight + h * 3600) for h in (0, 5, 6, 12, 21, 22, 23)] == [
        True,
        True,
        False,
        False,
        False,
        True,
        True,
    ]
    assert not any(QuietHours(time(0), time(0)).are_on(beijing_midnight + h * 3600) for h in range(24))


async def test_alerts_survive_the_journal_unchanged() -> None:
    async with control_room() as room:
        alert = room.alert(replaces=EbmId("2" * 35), stream_url="rtp://239.0.0.1:5004")
        assert Alert.from_json(alert.to_json()) == alert
