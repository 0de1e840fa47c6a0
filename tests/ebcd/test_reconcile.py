"""A restart in the middle: what is on air is asked for, not started again (I7, I10)."""

from __future__ import annotations

import asyncio

import pytest

from devices.link import AskState, Began, Command, DeviceState, LinkUp, Path, Start, StateTold, Stop
from ebcd import snapshot
from ebcd.alert import Window
from ebcd.invariants import recount
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.planner import PREFERENCE
from ebcd.reconcile import resume
from ebcd.state import AlertRecord
from protocols.codes import AreaCode
from tests.ebcd.county import (
    TOWN_A,
    TOWN_B,
    VILLAGE_A1,
    VILLAGE_B1,
    VILLAGES,
    RecordingLink,
    Room,
    adapter,
    control_room,
    terminal,
)
from tests.ebcd.test_core import counts, state
from tests.ebcd.test_core_busy_hour import busy_hour


def same_alert(room: Room, record: AlertRecord) -> AlertRecord:
    """The record of the next life."""
    return room.core.state.alerts[record.alert.id]


def of(room: Room, path: Path, kind: type[Command]) -> list[Command]:
    return [c for c in room.links[path].commands if isinstance(c, kind)]


async def test_i7_terminals_found_working_are_confirmed_and_not_started_again() -> None:
    async with control_room() as first:
        first.links[Path.IP].answers = False
        record = first.take_in()
        await asyncio.sleep(1)
        assert counts(record) == {"targeted": 12, "pending": 12}
    async with control_room(before=first, connected=False) as room:
        resume(room.core)
        room.connect(Path.IP, room.codes(), DeviceState.WORKING)
        await asyncio.sleep(1)
        assert counts(same_alert(room, record)) == {"targeted": 12, "confirmed": 12}
        assert of(room, Path.IP, Start) == []


async def test_terminals_found_idle_that_never_confirmed_are_started() -> None:
    async with control_room() as first:
        first.links[Path.IP].answers = False
        record = first.take_in()
        await asyncio.sleep(1)
    async with control_room(before=first, connected=False) as room:
        resume(room.core)
        room.connect(Path.IP, room.codes(VILLAGE_A1), DeviceState.IDLE)
        await asyncio.sleep(1)
        assert sorted(room.links[Path.IP].started(record.alert.id)) == room.codes(VILLAGE_A1)
        assert counts(same_alert(room, record)) == {"targeted": 12, "confirmed": 4, "pending": 8}


async def test_i7_a_terminal_that_confirmed_before_the_restart_is_left_alone_when_idle() -> None:
    async with control_room() as first:
        record = first.take_in()
        await asyncio.sleep(1)
    async with control_room(before=first, connected=False) as room:
        resume(room.core)
        room.connect(Path.IP, room.codes(), DeviceState.IDLE)
        await asyncio.sleep(1)
        assert of(room, Path.IP, Start) == []
        assert counts(same_alert(room, record)) == {"targeted": 12, "confirmed": 12}


async def test_car_radios_hear_of_what_is_on_air_before_their_encoder_could_tell_them_that_it_is_over() -> None:
    async with control_room() as first:
        record = first.take_in()
        await asyncio.sleep(1)
    async with control_room(before=first, connected=False) as room:
        radios = RecordingLink("radios", Path.FM, room.following.take)
        room.core.announcers.append(radios)
        resume(room.core)
        assert [(type(each), each.members) for each in radios.commands] == [(Start, ())]
        await asyncio.sleep(1)
        assert len(radios.commands) == 1
        room.core.cancel(same_alert(room, record), "chen")
    async with control_room(before=room, connected=False) as third:
        radios = RecordingLink("radios", Path.FM, third.following.take)
        third.core.announcers.append(radios)
        resume(third.core)
        await asyncio.sleep(1)
        assert radios.commands == []  # the encoder goes back to its station's own signs by itself


async def test_adapters_are_asked_and_only_those_that_do_not_play_it_are_ordered_again() -> None:
    async with control_room(lambda v, s: (Path.ADAPTER,)) as first:
        record = first.take_in()
        await asyncio.sleep(1)
    async with control_room(lambda v, s: (Path.ADAPTER,), before=first, connected=False) as room:
        resume(room.core)
        await asyncio.sleep(0.1)
        (ask,) = of(room, Path.ADAPTER, AskState)
        assert set(ask.members) == {adapter(v) for v in VILLAGES}
        room.following.take(StateTold("adapter", adapter(VILLAGES[0]), DeviceState.WORKING, (record.alert.id,)))
        room.following.take(StateTold("adapter", adapter(VILLAGES[1]), DeviceState.IDLE, ()))
        await asyncio.sleep(0.1)
        (start,) = of(room, Path.ADAPTER, Start)
        assert start.members == (adapter(VILLAGES[1]),)


async def test_i10_adapters_that_the_sound_is_streamed_to_are_started_again_whatever_they_play() -> None:
    async with control_room(lambda v, s: (Path.ADAPTER,)) as first:
        now = int(first.clock.wall())
        record = first.take_in(areas=(TOWN_A,), window=Window(now, now + 3600))
        await asyncio.sleep(1)
        confirmed = terminal(VILLAGE_A1, 1)
        first.following.take(Began("adapter", confirmed, record.alert.id, 0))
        await asyncio.sleep(200)
        assert counts(record) == {"targeted": 8, "confirmed": 1, "timed_out": 7}
    async with control_room(lambda v, s: (Path.ADAPTER,), before=first, connected=False) as room:
        room.core.orders.streamed = frozenset({Path.ADAPTER})
        resume(room.core)
        await asyncio.sleep(0.1)
        assert of(room, Path.ADAPTER, AskState) == []
        (start,) = of(room, Path.ADAPTER, Start)
        assert set(start.members) == {adapter(v) for v in VILLAGES if v != VILLAGE_B1}
        assert isinstance(start, Start)
        assert start.ebm_id == record.alert.id
        assert counts(same_alert(room, record)) == {"targeted": 8, "confirmed": 1, "timed_out": 7}


async def test_i4_after_a_pre_emption_adapters_that_the_sound_is_streamed_to_are_started_again() -> None:
    async with control_room(lambda v, s: (Path.ADAPTER,)) as room:
        room.core.orders.streamed = frozenset({Path.ADAPTER})
        now = int(room.clock.wall())
        low = room.take_in(level=3, window=Window(now, now + 3600))
        await asyncio.sleep(1)
        high = room.take_in(level=1, areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        room.core.cancel(high, "ops")
        await asyncio.sleep(100)
        told = room.links[Path.ADAPTER].commands
        starts = [c for c in told if isinstance(c, Start) and c.ebm_id == low.alert.id]
        assert [set(c.members) for c in starts] == [{adapter(v) for v in VILLAGES}, {adapter(VILLAGE_A1)}]
        assert of(room, Path.ADAPTER, AskState) == []


async def test_fm_is_sent_anew_while_the_window_is_open() -> None:
    async with control_room(lambda v, s: (Path.FM,)) as first:
        record = first.take_in()
        await asyncio.sleep(1)
    async with control_room(lambda v, s: (Path.FM,), before=first, connected=False) as room:
        resume(room.core)
        await asyncio.sleep(0.1)
        (start,) = of(room, Path.FM, Start)
        assert isinstance(start, Start)
        assert (start.ebm_id, len(start.members)) == (record.alert.id, 12)


async def test_a_stop_that_the_crash_cut_short_is_repeated_on_fm_behind_the_running_alerts_burst() -> None:
    async with control_room(lambda v, s: (Path.FM,)) as first:
        start = int(first.clock.wall())
        over = first.take_in(areas=(TOWN_A,), window=Window(start, start + 5))
        await asyncio.sleep(1)
        first.take_in(areas=(TOWN_B,))
        await asyncio.sleep(14)
        assert state(over) is AlertState.FAILED
    async with control_room(lambda v, s: (Path.FM,), before=first, connected=False) as room:
        resume(room.core)
        await asyncio.sleep(5)
        assert (len(of(room, Path.FM, Start)), of(room, Path.FM, Stop)) == (1, [])
        await asyncio.sleep(6)
        (stop,) = of(room, Path.FM, Stop)
        assert isinstance(stop, Stop)
        assert stop.ebm_id == over.alert.id


@pytest.mark.parametrize(("minutes", "stops"), [(10, 1), (16, 0)])
async def test_stops_go_on_after_a_restart_for_as_long_as_a_transmitter_repeats_them(minutes: int, stops: int) -> None:
    async with control_room(lambda v, s: (Path.FM,)) as first:
        start = int(first.clock.wall())
        over = first.take_in(window=Window(start, start + 5))
        await asyncio.sleep(minutes * 60)
        assert state(over) is AlertState.FAILED
    async with control_room(lambda v, s: (Path.FM,), before=first, connected=False) as room:
        resume(room.core)
        await asyncio.sleep(60)
        assert len(of(room, Path.FM, Stop)) == stops


@pytest.mark.parametrize("path", PREFERENCE)
async def test_i3_what_ended_while_nobody_was_there_is_not_started(path: Path) -> None:
    async with control_room(lambda v, s: (path,)) as first:
        first.links[path].answers = False
        record = first.take_in()
        await asyncio.sleep(1)
    await asyncio.sleep(120)
    async with control_room(lambda v, s: (path,), before=first, connected=False) as room:
        resume(room.core)
        room.following.take(LinkUp(Path.FM.value))
        if path not in (Path.ADAPTER, Path.FM):
            room.connect(path, room.codes(), DeviceState.IDLE)
        await asyncio.sleep(20)
        assert of(room, path, Start) == []
        assert same_alert(room, record).state is AlertState.FAILED


async def test_a_lower_one_waits_on_after_the_restart_and_has_its_turn() -> None:
    async with control_room() as first:
        start = int(first.clock.wall())
        first.take_in(areas=(TOWN_A,), window=Window(start, start + 20))
        low = first.take_in(level=4, window=Window(start, start + 60))
        await asyncio.sleep(1)
        assert counts(low) == {"targeted": 12, "confirmed": 4, "pending": 8}
    async with control_room(before=first) as room:
        resume(room.core)
        await asyncio.sleep(10)
        assert room.links[Path.IP].started(low.alert.id) == []
        await asyncio.sleep(15)
        assert counts(same_alert(room, low)) == {"targeted": 12, "confirmed": 12}
        assert len(room.links[Path.IP].started(low.alert.id)) == 8


async def test_i12_a_cancel_goes_on_after_the_restart() -> None:
    async with control_room() as first:
        record = first.take_in()
        await asyncio.sleep(1)
        first.links[Path.IP].answers = False
        first.core.cancel(record, "chen")
        await asyncio.sleep(1)
        assert state(record) is AlertState.CANCELLING
    async with control_room(before=first) as room:
        resume(room.core)
        await asyncio.sleep(1)
        (stop,) = of(room, Path.IP, Stop)
        assert len(stop.members) == 12
        assert same_alert(room, record).state is AlertState.CANCELLED
        assert counts(same_alert(room, record)) == {"targeted": 12, "cancelled": 12}


async def test_i8_a_cancel_that_nobody_answers_after_the_restart_times_out() -> None:
    async with control_room() as first:
        record = first.take_in()
        await asyncio.sleep(1)
        first.links[Path.IP].answers = False
        first.core.cancel(record, "chen")
    async with control_room(before=first) as room:
        room.links[Path.IP].answers = False
        resume(room.core)
        await asyncio.sleep(11)
        assert same_alert(room, record).state is AlertState.CANCELLED
        assert counts(same_alert(room, record)) == {"targeted": 12, "timed_out": 12}


async def test_nobody_falls_over_to_another_path_before_the_others_could_return() -> None:
    async with control_room(lambda v, s: (Path.IP, Path.FM)) as first:
        first.links[Path.IP].answers = False
        record = first.take_in()
        await asyncio.sleep(1)
    async with control_room(lambda v, s: (Path.IP, Path.FM), before=first, connected=False) as room:
        resume(room.core)
        room.following.take(LinkUp(Path.FM.value))
        await asyncio.sleep(9)
        assert of(room, Path.FM, Start) == []
        room.connect(Path.IP, room.codes()[:11], DeviceState.WORKING)
        await asyncio.sleep(2)
        assert room.links[Path.FM].started(record.alert.id) == room.codes()[11:]


async def test_the_province_is_told_what_it_was_not_told_before_the_restart() -> None:
    async with control_room() as first:
        record = first.take_in()
        await asyncio.sleep(1)
    async with control_room(before=first) as room:
        resume(room.core)
        await asyncio.sleep(1)
        assert (record.alert.id, 2, "") in room.told


@pytest.mark.parametrize("thirds", [0, 1, 2])
async def test_i10_from_any_point_of_the_journal_a_restart_ends_everything_in_order(thirds: int) -> None:
    """What a kill -9 leaves is a prefix of the journal; each third of them in a test of its own."""

    def paths(_village: AreaCode, serial: int) -> tuple[Path, ...]:
        return ((Path.IP, Path.FM), (Path.ADAPTER,), (Path.CELLULAR, Path.MQTT), (Path.FM,))[serial % 4]

    async with control_room(paths) as first:
        first.links[Path.IP].silent.add(terminal(VILLAGE_A1, 1))
        await busy_hour(first)
        start = int(first.clock.wall())
        first.take_in(areas=(TOWN_A,), window=Window(start, start + 20))
        waiting = first.take_in(level=3)  # half of it never gets its turn
        await asyncio.sleep(1)
        first.core.cancel(waiting, "chen")
        await asyncio.sleep(40)
    for kept in range(thirds, len(first.journal.events) + 1, 3):
        async with control_room(paths, before=first, events=kept) as room:
            first.clock.step(-first.clock.wall() + (first.journal.events[max(kept - 1, 0)].at or 0.0) + 1.0)
            resume(room.core)
            await asyncio.sleep(120)
            for record in room.core.state.alerts.values():
                assert not record.live, (kept, record.alert.id, record.state)
                assert record.counts()["pending"] == 0, (kept, record)
                states = {d.state for d in record.deliveries.values()}
                assert DeliveryState.STOPPING not in states
            assert recount(room.core.state.alerts.values()) == []
            assert snapshot.same(room.journal.replayed(), room.core.state)
