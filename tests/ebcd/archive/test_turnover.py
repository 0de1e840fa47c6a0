"""The inventory becomes another one while an alert is on air: nobody is lost, nobody is told too much."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from devices.link import Answered, Heartbeat, Path, Start, Stop, Verb
from devices.link import DeviceState as State
from devices.roster import Device, DeviceKind, Roster
from ebcd.alert import Window
from ebcd.archive import Archive, Record
from ebcd.archive.turnover import Difference, Fresh, Turnover, difference, follow_inventory
from ebcd.health import Condition, HealthBook, Ways, ways_of
from ebcd.inventory import Inventory
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.workorders import Sites
from protocols.codes import AreaCode, ResourceCode, covers, matches
from tests.ebcd.county import (
    TOWN_A,
    VILLAGE_A1,
    VILLAGE_A2,
    VILLAGE_B1,
    Room,
    adapter,
    control_room,
    small_county,
    terminal,
)

NEW_VILLAGE = AreaCode("349901101203")
GONE, STAYS, FIFTH = (terminal(VILLAGE_A1, n) for n in (1, 2, 5))


def with_devices(inventory: Inventory, *more: Device, without: Sequence[ResourceCode] = ()) -> Inventory:
    """The same inventory with others in it."""
    devices = [device for device in inventory.roster.devices.values() if device.code not in without]
    return Inventory(Roster.of([*devices, *more]))


def horn(village: AreaCode, serial: int, *paths: Path) -> Device:
    """One more terminal."""
    return Device(DeviceKind.TERMINAL, terminal(village, serial), "", "", paths=paths or (Path.IP,))


def turn_over(room: Room, inventory: Inventory) -> None:
    """As `Turnover` does, without health and sites."""
    room.inventory.become(inventory)
    follow_inventory(room.core)


def on_adapters(_village: AreaCode, _serial: int) -> tuple[Path, ...]:
    return (Path.ADAPTER,)


@pytest.mark.requirement("R-TST-04")
async def test_a_device_that_comes_into_a_running_alert_is_planned_and_started() -> None:
    async with control_room() as room:
        record = room.take_in(areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        room.connect(Path.IP, [FIFTH])
        await asyncio.sleep(1)
        turn_over(room, with_devices(room.inventory, horn(VILLAGE_A1, 5), horn(VILLAGE_B1, 5)))
        await asyncio.sleep(1)
        started = room.links[Path.IP].started(record.alert.id)
        assert sorted(started) == [terminal(VILLAGE_A1, n) for n in range(1, 6)]
        assert record.deliveries[FIFTH].state is DeliveryState.CONFIRMED
        assert record.counts()["targeted"] == 5


async def test_a_new_village_is_given_to_the_alert_whose_area_it_lies_in() -> None:
    async with control_room() as room:
        record = room.take_in(areas=(TOWN_A,))
        await asyncio.sleep(1)
        new = terminal(NEW_VILLAGE, 1)
        room.connect(Path.IP, [new])
        turn_over(room, with_devices(room.inventory, horn(NEW_VILLAGE, 1)))
        await asyncio.sleep(1)
        assert NEW_VILLAGE in record.holds
        assert record.deliveries[new].state is DeliveryState.CONFIRMED


async def test_i4_a_new_device_hears_the_higher_alert_of_its_place_and_no_other() -> None:
    async with control_room() as room:
        low = room.take_in(areas=(TOWN_A,), level=3)
        await asyncio.sleep(1)
        high = room.take_in(areas=(VILLAGE_A1,), level=1)
        await asyncio.sleep(1)
        room.connect(Path.IP, [FIFTH])
        turn_over(room, with_devices(room.inventory, horn(VILLAGE_A1, 5)))
        await asyncio.sleep(1)
        assert FIFTH not in low.deliveries
        assert high.deliveries[FIFTH].state is DeliveryState.CONFIRMED


async def test_i12_a_stop_still_reaches_a_device_that_has_left() -> None:
    async with control_room() as room:
        record = room.take_in(areas=(TOWN_A,))
        await asyncio.sleep(1)
        turn_over(room, with_devices(room.inventory, without=room.codes(VILLAGE_A1)))
        room.core.cancel(record, "chen")
        await asyncio.sleep(1)
        (stop,) = [c for c in room.links[Path.IP].commands if isinstance(c, Stop)]
        assert GONE in stop.members
        assert any(matches(target, GONE) for target in stop.targets)
        assert record.state is AlertState.CANCELLED
        assert record.counts()["cancelled"] == 8


async def test_i12_a_stop_reaches_the_adapter_that_drove_a_horn_before_another_one_came() -> None:
    async with control_room(on_adapters) as room:
        record = room.take_in(areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        nearer = ResourceCode(f"6{VILLAGE_A1}0314010202")
        moved = Device(DeviceKind.ADAPTER, nearer, "", "", "192.0.2.9", 8799)
        turn_over(room, with_devices(room.inventory, moved, without=[adapter(VILLAGE_A1)]))
        room.core.cancel(record, "chen")
        await asyncio.sleep(1)
        (stop,) = [c for c in room.links[Path.ADAPTER].commands if isinstance(c, Stop)]
        assert set(stop.members) == {nearer, adapter(VILLAGE_A1)}


async def test_a_device_that_has_left_is_not_commanded_for_new_alerts() -> None:
    async with control_room() as room:
        turn_over(room, with_devices(room.inventory, without=[GONE]))
        record = room.take_in(areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        assert GONE not in record.deliveries
        assert GONE not in room.links[Path.IP].started(record.alert.id)


async def test_i13_a_device_that_left_before_its_turn_is_counted_and_one_that_was_told_keeps_its_delivery() -> None:
    async with control_room(connected=False) as room:
        room.links[Path.IP].answers = False
        record = room.take_in(areas=(VILLAGE_A1, VILLAGE_B1), window=_soon(room))
        high = room.take_in(areas=(VILLAGE_A1,), level=1)
        await asyncio.sleep(5)
        assert record.deliveries[terminal(VILLAGE_B1, 1)].state is DeliveryState.SENT
        waiting = record.deliveries[GONE]
        assert waiting.state is DeliveryState.QUEUED
        turn_over(room, with_devices(room.inventory, without=[GONE, terminal(VILLAGE_B1, 1)]))
        assert (waiting.state, waiting.detail) == (DeliveryState.TIMED_OUT, "removed")
        assert record.deliveries[terminal(VILLAGE_B1, 1)].state is DeliveryState.SENT
        assert high.deliveries[GONE].state is DeliveryState.SENT
        assert record.counts()["targeted"] == 8


def _soon(room: Room) -> Window:
    """Two seconds from now, for a minute."""
    start = int(room.clock.wall()) + 2
    return Window(start, start + 60)


async def test_a_late_answer_of_a_device_that_has_left_still_counts() -> None:
    async with control_room() as room:
        room.links[Path.IP].answers = False
        record = room.take_in(areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        turn_over(room, with_devices(room.inventory, without=[GONE]))
        room.following.take(Answered("ip", GONE, record.alert.id, Verb.START, 0, ""))
        await asyncio.sleep(1)
        assert record.deliveries[GONE].state is DeliveryState.CONFIRMED


async def test_a_device_that_left_by_mistake_and_is_back_is_started() -> None:
    async with control_room() as room:
        record = room.take_in(areas=(VILLAGE_A1, VILLAGE_B1), window=_soon(room))
        high = room.take_in(areas=(VILLAGE_A1,), level=1)
        await asyncio.sleep(5)
        before = with_devices(room.inventory)
        turn_over(room, with_devices(room.inventory, without=[GONE]))
        room.core.cancel(high, "chen")
        await asyncio.sleep(5)
        assert GONE not in room.links[Path.IP].started(record.alert.id)
        turn_over(room, before)
        await asyncio.sleep(1)
        assert record.deliveries[GONE].state is DeliveryState.CONFIRMED


async def test_i2_addresses_never_grow_over_devices_that_have_left() -> None:
    async with control_room() as room:
        high = room.take_in(areas=(VILLAGE_A2,), level=1)
        await asyncio.sleep(1)
        turn_over(room, with_devices(room.inventory, without=room.codes(VILLAGE_A2)))
        low = room.take_in(areas=(TOWN_A,), level=3)
        await asyncio.sleep(1)
        (start,) = [c for c in room.links[Path.IP].commands if isinstance(c, Start) and c.ebm_id == low.alert.id]
        assert not any(matches(target, terminal(VILLAGE_A2, 1)) for target in start.targets)
        assert high.state is AlertState.ON_AIR
        assert all(covers(TOWN_A, target.area) for target in start.targets)


# ---- everything that was made from the inventory --------------------------------------------------------------------


def _ways(inventory: Inventory) -> Ways:
    return ways_of(inventory, {"ip": Path.IP}, dict.fromkeys(Path, 15.0), 60.0)


async def test_everybody_holds_the_new_inventory_and_health_goes_on() -> None:
    async with control_room() as room:
        book = HealthBook(_ways(room.inventory))
        book.start_counting(0.0)
        book.observe(Heartbeat("ip", STAYS, "", State.IDLE, False), Path.IP, 1.0, 1.0)
        sites: list[Sites] = []
        roster = room.inventory.roster
        turnover = Turnover(room.inventory, room.core, book, sites.append)
        new = with_devices(room.inventory, horn(VILLAGE_A1, 5), without=[GONE])
        new.archive = Archive({STAYS: Record(feeder="F1")})
        found = difference(room.inventory, new)
        turnover.become(Fresh.of(new, _ways), found)
        assert found == Difference(added=(FIFTH,), changed=(STAYS,), removed=(GONE,))
        assert room.inventory.roster is roster
        assert roster.by_code(FIFTH) is not None
        assert book.of(STAYS).condition is Condition.ONLINE
        assert {code for code, _ in book.all()} == set(roster.devices)
        assert sum(book.tally[DeviceKind.TERMINAL].values()) == 12
        assert list(sites[0].on_feeder) == ["F1"]


async def test_a_device_that_left_is_released_when_no_live_alert_needs_it() -> None:
    async with control_room() as room:
        turnover = Turnover(room.inventory, room.core, HealthBook(_ways(room.inventory)), lambda _sites: None)
        record = room.take_in(areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        new = with_devices(room.inventory, without=[GONE, terminal(VILLAGE_B1, 1)])
        turnover.become(Fresh.of(new, _ways), difference(room.inventory, new))
        assert room.inventory.roster.known(GONE) is not None
        assert room.inventory.roster.known(terminal(VILLAGE_B1, 1)) is None
        room.core.cancel(record, "chen")
        await asyncio.sleep(1)
        turnover.release()
        assert room.inventory.roster.known(GONE) is None


def test_what_did_not_change_is_no_difference() -> None:
    one, same = small_county(lambda _v, _s: (Path.IP,)), small_county(lambda _v, _s: (Path.IP,))
    assert not difference(one, same)
    assert difference(one, small_county(lambda _v, _s: (Path.CELLULAR,))).changed == tuple(
        sorted(each.code for each in one.roster.terminals)
    )


async def test_a_new_device_is_unknown_and_its_silence_counts_from_now() -> None:
    async with control_room() as room:
        book = HealthBook(_ways(room.inventory))
        book.start_counting(0.0)
        book.become(_ways(with_devices(room.inventory, horn(VILLAGE_A1, 5))), 100.0, 100.0)
        book.tick(144.0, 144.0)
        assert book.of(FIFTH).condition is Condition.UNKNOWN
        assert book.of(STAYS).condition is Condition.OFFLINE
        book.tick(145.0, 145.0)
        assert book.of(FIFTH).condition is Condition.OFFLINE


async def test_a_device_whose_dead_head_end_left_is_no_longer_called_unreachable() -> None:
    async with control_room(on_adapters) as room:
        book = HealthBook(_ways(room.inventory))
        book.start_counting(0.0)
        book.tick(180.0, 180.0)
        book.tick(181.0, 181.0)
        assert book.of(STAYS).condition is Condition.UNREACHABLE
        book.become(_ways(with_devices(room.inventory, without=[adapter(VILLAGE_A1)])), 200.0, 200.0)
        assert book.of(STAYS).condition is Condition.UNKNOWN
