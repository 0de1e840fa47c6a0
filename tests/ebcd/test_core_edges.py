"""The core where things come late, twice, or in the wrong order."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from devices.link import (
    Answered,
    Command,
    DeviceState,
    Heartbeat,
    LinkUp,
    OutboxFull,
    Path,
    Played,
    Sent,
    Start,
    StateTold,
    Stop,
    Verb,
)
from ebcd.alert import AlertClass, Window
from ebcd.lifecycle import AlertState, DeliveryState
from protocols.codes import AreaCode
from tests.ebcd.county import VILLAGE_A1, RecordingLink, control_room, terminal
from tests.ebcd.test_core import counts, state


async def test_i3_a_start_that_the_disk_held_back_until_the_end_is_not_sent() -> None:
    async with control_room() as room:
        start = int(room.clock.wall())
        room.journal.stuck = True
        room.take_in(window=Window(start, start + 10))
        await asyncio.sleep(10.1)
        room.journal.flush()
        room.journal.stuck = False
        await asyncio.sleep(1)
        assert [c for c in room.links[Path.IP].commands if isinstance(c, Start)] == []


async def test_i12_a_stop_does_not_wait_for_the_disk_and_a_start_that_does_is_not_sent_behind_it() -> None:
    async with control_room() as room:
        playing = room.take_in()
        await asyncio.sleep(1)
        room.journal.stuck = True
        held_back = room.take_in(level=1, areas=(VILLAGE_A1,))
        room.core.cancel(playing, "chen")
        await asyncio.sleep(1)
        commands = room.links[Path.IP].commands
        assert [c.ebm_id for c in commands if isinstance(c, Stop)] == [playing.alert.id]
        room.core.cancel(held_back, "chen")
        room.journal.flush()
        room.journal.stuck = False
        await asyncio.sleep(1)
        assert [c.ebm_id for c in commands if isinstance(c, Start)] == [playing.alert.id]
        assert (state(playing), state(held_back)) == (AlertState.CANCELLED, AlertState.CANCELLED)


async def test_i12_a_stop_that_a_full_link_refused_is_offered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with control_room() as room:
        record = room.take_in()
        await asyncio.sleep(1)
        link = room.links[Path.IP]
        offer, refusals = link.offer, [OutboxFull("32 packets rotate")] * 2

        def full(command: Command) -> None:
            if refusals:
                raise refusals.pop()
            offer(command)

        monkeypatch.setattr(link, "offer", full)
        room.core.cancel(record, "chen")
        await asyncio.sleep(12)
        assert [c.ebm_id for c in link.commands if isinstance(c, Stop)] == [record.alert.id]


async def test_an_update_of_an_alert_that_is_being_cancelled_is_taken_in() -> None:
    async with control_room() as room:
        old = room.take_in()
        await asyncio.sleep(1)
        room.core.cancel(old, "chen")
        new = room.take_in(replaces=old.alert.id)
        await asyncio.sleep(2)
        assert old.state is AlertState.CANCELLED
        assert counts(new) == {"targeted": 12, "confirmed": 12}


@pytest.mark.parametrize("class_", [c for c in AlertClass if c is not AlertClass.EMERGENCY])
async def test_i5_a_drill_or_a_programme_that_names_an_emergency_does_not_stop_it(class_: AlertClass) -> None:
    async with control_room() as room:
        real = room.take_in()
        await asyncio.sleep(1)
        room.take_in(class_=class_, replaces=real.alert.id)
        await asyncio.sleep(1)
        assert state(real) is AlertState.ON_AIR


@pytest.mark.parametrize("step_s", [-3600, 30])
async def test_i4_a_clock_that_is_set_takes_no_place_from_what_is_on_air(step_s: int) -> None:
    async with control_room() as room:
        real = room.take_in()
        await asyncio.sleep(1)
        room.clock.step(step_s)
        await asyncio.sleep(1)
        later = room.take_in(level=4)
        await asyncio.sleep(1)
        assert (state(real), state(later)) == (AlertState.ON_AIR, AlertState.WAITING)


async def test_i6_a_deaf_terminal_holds_back_its_own_place_and_no_other() -> None:
    async with control_room() as room:
        deaf = terminal(VILLAGE_A1, 1)
        old = room.take_in()
        await asyncio.sleep(1)
        room.links[Path.IP].silent.add(deaf)
        new = room.take_in(replaces=old.alert.id)
        await asyncio.sleep(1)
        assert state(old) is AlertState.CANCELLING
        assert old.holds == {VILLAGE_A1}
        assert counts(new) == {"targeted": 12, "confirmed": 8, "pending": 4}
        await asyncio.sleep(12)
        assert (state(old), counts(new)["confirmed"]) == (AlertState.CANCELLED, 11)


async def test_i14_daily_content_taken_in_by_day_does_not_begin_in_quiet_hours() -> None:
    async with control_room() as room:
        room.clock.step((13 * 3600 + 3590 - room.clock.wall()) % 86400)  # 21:59:50 in Beijing
        start = int(room.clock.wall()) + 20
        record = room.take_in(class_=AlertClass.DAILY, level=4, window=Window(start, start + 60))
        await asyncio.sleep(1)
        assert state(record) is AlertState.WAITING
        await asyncio.sleep(25)
        assert state(record) is AlertState.HELD
        assert room.told[-1] == (record.alert.id, 0, "quiet_hours")
        await asyncio.sleep(60)
        assert state(record) is AlertState.DROPPED


async def test_i8_a_terminal_busy_with_a_cancelled_message_does_not_confirm_the_next_one() -> None:
    async with control_room() as room:
        deaf = terminal(VILLAGE_A1, 1)
        old = room.take_in()
        await asyncio.sleep(1)
        room.links[Path.IP].silent.add(deaf)
        room.core.cancel(old, "chen")
        await asyncio.sleep(12)
        assert state(old) is AlertState.CANCELLED
        new = room.take_in()
        await asyncio.sleep(1)
        room.connect(Path.IP, [deaf], DeviceState.WORKING)
        await asyncio.sleep(1)
        assert new.deliveries[deaf].state is DeliveryState.SENT


@pytest.mark.parametrize("returning", [DeviceState.WORKING, DeviceState.FAULT])
async def test_who_was_away_when_the_order_went_out_gets_it_whatever_it_plays_or_suffers_from(
    returning: DeviceState,
) -> None:
    """A daemon that restarts begins what waits before anybody is connected; terminals come back busy with old ones."""
    async with control_room() as room:
        away = terminal(VILLAGE_A1, 1)
        room.take_in(level=4)
        await asyncio.sleep(1)
        room.links[Path.IP].silent.add(away)
        new = room.take_in(level=1)
        await asyncio.sleep(1)
        room.links[Path.IP].silent.discard(away)
        room.connect(Path.IP, [away], returning)
        await asyncio.sleep(1)
        assert new.deliveries[away].state is DeliveryState.CONFIRMED
        room.connect(Path.IP, [away], returning)
        await asyncio.sleep(1)
        assert room.links[Path.IP].started(new.alert.id).count(away) == 2, "one that has confirmed is left alone"


async def test_a_terminal_that_was_busy_with_something_better_gets_the_order_again_when_it_is_idle() -> None:
    async with control_room() as room:
        busy = terminal(VILLAGE_A1, 1)
        room.links[Path.IP].silent.add(busy)
        record = room.take_in()
        await asyncio.sleep(0.5)
        room.following.take(Answered("ip", busy, record.alert.id, Verb.START, 73, "busy"))
        room.following.take(Heartbeat("ip", busy, "", DeviceState.WORKING, False))
        await asyncio.sleep(0.5)
        assert record.deliveries[busy].state is DeliveryState.REFUSED
        room.links[Path.IP].silent.discard(busy)
        room.following.take(Heartbeat("ip", busy, "", DeviceState.IDLE, False))
        await asyncio.sleep(0.5)
        assert record.deliveries[busy].state is DeliveryState.CONFIRMED
        assert room.links[Path.IP].started(record.alert.id).count(busy) == 2


async def test_i12_a_cancel_stops_those_too_that_are_said_to_have_played() -> None:
    """Results are signed by nobody: a forged one must not keep a loudspeaker going."""
    async with control_room() as room:
        said = terminal(VILLAGE_A1, 1)
        record = room.take_in()
        await asyncio.sleep(1)
        room.following.take(Played("ip", said, record.alert.id, True, 1, ""))
        await asyncio.sleep(1)
        assert record.deliveries[said].state is DeliveryState.PLAYED
        room.core.cancel(record, "chen")
        await asyncio.sleep(1)
        stops = [c for c in room.links[Path.IP].commands if isinstance(c, Stop)]
        assert said in stops[-1].members
        assert (state(record), counts(record)["played"]) == (AlertState.CANCELLED, 1)


async def test_a_start_on_air_does_not_answer_for_the_stop_behind_it() -> None:
    async with control_room(lambda v, s: (Path.FM,)) as room:
        record = room.take_in()
        await asyncio.sleep(1)
        room.core.cancel(record, "chen")
        room.following.take(Sent("fm", record.alert.id, Verb.START, 1, 2496))
        await asyncio.sleep(1)
        assert state(record) is AlertState.CANCELLING
        room.following.take(Sent("fm", record.alert.id, Verb.STOP, 1, 2496))
        await asyncio.sleep(1)
        assert state(record) is AlertState.CANCELLED
        assert counts(record) == {"targeted": 12, "unconfirmed": 12}


async def test_terminals_that_come_back_together_are_started_with_one_frame() -> None:
    async with control_room(connected=False) as room:
        room.links[Path.IP].answers = False
        record = room.take_in()
        await asyncio.sleep(1)
        room.links[Path.IP].commands.clear()
        room.connect(Path.IP, room.codes(), DeviceState.IDLE)
        await asyncio.sleep(1)
        (start,) = room.links[Path.IP].commands
        assert isinstance(start, Start)
        assert start.members == tuple(room.codes())
        assert counts(record) == {"targeted": 12, "pending": 12}


async def test_i7_a_terminal_that_says_idle_and_then_confirms_in_one_breath_is_not_started_again() -> None:
    async with control_room() as room:
        room.links[Path.IP].answers = False
        record = room.take_in()
        await asyncio.sleep(1)
        code = terminal(VILLAGE_A1, 1)
        room.following.take(StateTold("ip", code, DeviceState.IDLE, None))
        room.following.take(Answered("ip", code, record.alert.id, Verb.START, 0, ""))
        await asyncio.sleep(1)
        assert room.links[Path.IP].started(record.alert.id).count(code) == 1
        assert record.deliveries[code].state is DeliveryState.CONFIRMED


async def test_a_link_that_only_tells_people_hears_of_the_start_and_of_the_end_and_counts_nobody() -> None:
    async with control_room(lambda v, s: (Path.FM,), connected=False) as room:
        radios = RecordingLink(Path.FM.value, Path.FM, room.following.take)
        room.core.announcers.append(radios)
        room.following.take(LinkUp(radios.name))
        await asyncio.sleep(0.1)
        record = room.take_in()
        await asyncio.sleep(1)
        assert not room.core.orders.is_live(terminal(VILLAGE_A1, 1), Path.FM)
        room.following.take(Sent(radios.name, record.alert.id, Verb.START, 1, 0))
        await asyncio.sleep(0.1)
        assert counts(record) == {"targeted": 12, "pending": 12}
        room.core.cancel(record, "chen")
        await asyncio.sleep(0.1)
        assert [(type(c), c.members) for c in radios.commands] == [(Start, ()), (Stop, ())]


async def test_a_terminal_that_could_not_play_is_told_over_its_next_path_while_there_is_time() -> None:
    def paths(_village: AreaCode, serial: int) -> tuple[Path, ...]:
        return (Path.IP, Path.FM) if serial == 1 else (Path.IP,)

    async with control_room(paths) as room:
        no_sound, no_other_path = terminal(VILLAGE_A1, 1), terminal(VILLAGE_A1, 2)
        record = room.take_in()
        await asyncio.sleep(1.0)
        for code in (no_sound, no_other_path):
            room.following.take(Played("ip", code, record.alert.id, False, 0, "no audio"))
        await asyncio.sleep(0.1)
        assert room.links[Path.FM].started(record.alert.id) == [no_sound]
        assert record.deliveries[no_sound].state is DeliveryState.SENT
        assert record.deliveries[no_other_path].state is DeliveryState.REFUSED
        for _ in range(2):  # the same complaint again starts nothing
            room.following.take(Played("ip", no_sound, record.alert.id, False, 0, "no audio"))
        await asyncio.sleep(0.1)
        assert room.links[Path.FM].started(record.alert.id) == [no_sound]
        assert record.deliveries[no_sound].state is DeliveryState.SENT


async def test_terminals_behind_an_adapter_that_refused_are_silent_for_its_reason() -> None:
    async with control_room(lambda v, s: (Path.ADAPTER,)) as room:
        record = room.take_in()
        await asyncio.sleep(1)
        (start,) = room.links[Path.ADAPTER].commands
        room.following.take(
            Answered("adapter", start.members[0], record.alert.id, Verb.START, 4, "验签失败" + "。" * 9000)
        )
        await asyncio.sleep(60)
        reasons = Counter(delivery.detail for delivery in record.deliveries.values())
        assert counts(record) == {"targeted": 12, "timed_out": 12}
        assert reasons == {"adapter 4 验签失败" + "。" * 196: 4, "no_answer": 8}
        assert {room.inventory.adapter_of(d.code) for d in record.deliveries.values() if d.detail != "no_answer"} == {
            start.members[0]
        }
