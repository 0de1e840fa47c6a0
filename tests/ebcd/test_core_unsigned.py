"""Terminals that cannot verify SM2, seen from the core: refused by name, tried elsewhere, stopped at the end (I13)."""

from __future__ import annotations

import asyncio

from devices.link import (
    Connected,
    DeviceState,
    Disconnected,
    Heartbeat,
    Path,
    Refusal,
    Refused,
    Start,
    StateTold,
    Stop,
    Verb,
)
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.state import AlertRecord
from protocols.codes import AreaCode, ResourceCode
from tests.ebcd.county import VILLAGE_A1, Room, control_room, terminal


def counts(record: AlertRecord) -> dict[str, int]:
    return {name: value for name, value in record.counts().items() if value}


def refuse(room: Room, record: AlertRecord, codes: list[ResourceCode]) -> None:
    for code in codes:
        room.following.take(Refused("mqtt", code, record.alert.id, Verb.START, Refusal.NO_EXCEPTION))


def mqtt_only(_village: AreaCode, _serial: int) -> tuple[Path, ...]:
    return (Path.MQTT,)


def mqtt_and_fm(_village: AreaCode, _serial: int) -> tuple[Path, ...]:
    return (Path.MQTT, Path.FM)


def ip_and_mqtt(_village: AreaCode, _serial: int) -> tuple[Path, ...]:
    return (Path.IP, Path.MQTT)


async def test_i13_who_has_no_exception_is_refused_with_that_cause_and_counted() -> None:
    async with control_room(mqtt_only) as room:
        deaf = [terminal(VILLAGE_A1, 1), terminal(VILLAGE_A1, 2)]
        room.links[Path.MQTT].silent.update(deaf)
        record = room.take_in()
        await asyncio.sleep(1)
        refuse(room, record, deaf)
        await asyncio.sleep(1)
        assert counts(record) == {"targeted": 12, "confirmed": 10, "refused": 2}
        assert {record.deliveries[code].detail for code in deaf} == {"no_exception"}
        assert room.violations == []


async def test_what_a_link_would_not_send_goes_over_the_next_path() -> None:
    async with control_room(mqtt_and_fm) as room:
        other = terminal(VILLAGE_A1, 1)
        room.links[Path.MQTT].silent.add(other)
        record = room.take_in()
        await asyncio.sleep(1)
        refuse(room, record, [other])
        await asyncio.sleep(1)
        assert room.links[Path.FM].started(record.alert.id) == [other]
        assert record.deliveries[other].state is DeliveryState.SENT
        assert room.violations == []


async def test_a_refused_terminal_that_comes_back_on_another_path_is_started_there_once() -> None:
    async with control_room(ip_and_mqtt) as room:
        other = terminal(VILLAGE_A1, 1)
        room.links[Path.IP].silent.add(other)
        room.links[Path.MQTT].silent.add(other)
        record = room.take_in()
        await asyncio.sleep(3)
        assert record.deliveries[other].tried == (Path.IP, Path.MQTT)
        refuse(room, record, [other])
        await asyncio.sleep(1)
        assert record.deliveries[other].detail == "no_exception"
        room.links[Path.IP].silent.clear()
        room.following.take(Connected("ip", other))
        room.following.take(Heartbeat("ip", other, "", DeviceState.IDLE, False))
        await asyncio.sleep(1)
        assert room.links[Path.IP].started(record.alert.id).count(other) == 1, "it was tried there already"


async def test_a_refused_terminal_is_started_on_a_path_that_was_away_when_it_comes_back() -> None:
    async with control_room(ip_and_mqtt) as room:
        other = terminal(VILLAGE_A1, 1)
        room.following.take(Disconnected("ip", other, "reset"))
        await asyncio.sleep(1)
        room.links[Path.MQTT].silent.add(other)
        record = room.take_in()
        await asyncio.sleep(1)
        refuse(room, record, [other])
        await asyncio.sleep(1)
        assert counts(record) == {"targeted": 12, "confirmed": 11, "refused": 1}
        room.following.take(Connected("ip", other))
        room.following.take(Heartbeat("ip", other, "", DeviceState.IDLE, False))
        await asyncio.sleep(1)
        assert counts(record) == {"targeted": 12, "confirmed": 12}
        assert room.violations == []


async def test_a_terminal_that_is_busy_with_nothing_of_ours_is_not_confirmed() -> None:
    async with control_room(mqtt_only) as room:
        room.links[Path.MQTT].answers = False
        record = room.take_in()
        await asyncio.sleep(1)
        busy, playing = terminal(VILLAGE_A1, 1), terminal(VILLAGE_A1, 2)
        room.following.take(StateTold("mqtt", busy, DeviceState.WORKING, ()))
        room.following.take(StateTold("mqtt", playing, DeviceState.WORKING, (record.alert.id,)))
        await asyncio.sleep(1)
        assert counts(record) == {"targeted": 12, "confirmed": 1, "pending": 11}
        assert record.deliveries[playing].detail == "found working"


async def test_i3_devices_that_know_no_end_are_told_when_the_window_is_over() -> None:
    async with control_room(mqtt_only) as room:
        room.core.orders.endless |= {Path.MQTT}
        record = room.take_in()
        await asyncio.sleep(1)
        assert [type(c) for c in room.links[Path.MQTT].commands] == [Start]
        await asyncio.sleep(70)
        (stop,) = [c for c in room.links[Path.MQTT].commands if isinstance(c, Stop)]
        assert (stop.at_end, len(stop.members), stop.elsewhere) == (True, 12, frozenset())
        assert record.state is AlertState.DONE
        assert counts(record) == {"targeted": 12, "confirmed": 12}


async def test_devices_that_know_the_end_are_told_nothing() -> None:
    async with control_room(mqtt_only) as room:
        room.take_in()
        await asyncio.sleep(70)
        assert [type(c) for c in room.links[Path.MQTT].commands] == [Start]


async def test_i4_a_stop_says_where_a_higher_message_sounds_by_now() -> None:
    async with control_room(mqtt_only) as room:
        room.core.orders.endless |= {Path.MQTT}
        low = room.take_in(level=3)
        await asyncio.sleep(1)
        room.take_in(level=1, areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        room.core.cancel(low, "liu")
        await asyncio.sleep(1)
        (stop,) = [c for c in room.links[Path.MQTT].commands if isinstance(c, Stop)]
        assert stop.elsewhere == {terminal(VILLAGE_A1, serial) for serial in range(1, 5)}
        assert room.violations == []
