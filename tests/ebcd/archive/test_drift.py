"""Drift is what a device answers against what the archive says; mended by command where a command can."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from devices.link import Path
from devices.maintenance import UNASKED, Air, Told
from devices.roster import Device, DeviceKind, Roster
from ebcd import snapshot
from ebcd.archive import Archive, Record
from ebcd.archive.drift import Deviation, deviations
from ebcd.archive.rollout import ChangeState, Order, batches, fails
from ebcd.archive.stages import RUNNING_MAX, NobodyReached, StageRule, Stages, TooManyChanges
from ebcd.inventory import Inventory
from protocols.fm.configuration import ScanEntry, ScanList
from tests.ebcd.archive.yard import CHEN, HORNS, ONE, TWO, courier, yard
from tests.ebcd.county import COUNTY, PROVINCE, TOWN_A

# ---- drift ---------------------------------------------------------------------------------------------------------


def test_what_a_device_has_and_what_it_should_have_are_compared() -> None:
    device = Device(DeviceKind.TERMINAL, ONE, "AA", "")
    record = Record(volume=60, return_to="10.1.1.9:8889", frequency_khz=98_500)
    told = Told(40, "1/2/3", "10.1.1.8:8889", TWO, "BB", command_khz=88_400, scan_khz=(88_400, 90_000))
    assert deviations(device, record, told) == (
        Deviation("code", ONE, TWO, True),
        Deviation("phys", "AA", "BB", False),
        Deviation("volume", "60", "40", True),
        Deviation("return_to", "10.1.1.9:8889", "10.1.1.8:8889", True),
        Deviation("frequency_khz", "98500", "88400", False),
        Deviation("scan_khz", "98500", "88400, 90000", False),
    )


def test_a_carrier_can_be_mended_over_the_air_by_a_transmitter_that_the_terminal_listens_to() -> None:
    told = Told(command_khz=88_400, scan_khz=(88_400, 90_000))
    wanted = Record(frequency_khz=98_500)
    tuned = Device(DeviceKind.TERMINAL, ONE, "", "", paths=(Path.IP, Path.FM))
    deaf = Device(DeviceKind.TERMINAL, ONE, "", "", paths=(Path.IP,))
    mendable = [
        [each.mendable for each in deviations(device, wanted, told, ours)]
        for device, ours in ((tuned, {90_000}), (tuned, {98_500}), (tuned, set()), (deaf, {90_000}))
    ]
    assert mendable == [[True, True], [False, False], [False, False], [False, False]]


@pytest.mark.clause("GD/J 085 clause 5.2.2")
async def test_a_scan_list_goes_out_over_fm_and_the_terminal_says_over_ip_what_came_of_it() -> None:
    async with yard() as at:
        transmitter = Device(DeviceKind.TRANSMITTER, PROVINCE, "", "", "192.0.2.1", 1, frequency_khz=90_000)
        rows = [replace(device, paths=(Path.IP, Path.FM)) for device in at.inventory.roster.terminals]
        records = dict.fromkeys(HORNS, Record(frequency_khz=98_500))
        at.inventory.become(Inventory(Roster.of([*rows, transmitter]), {}, Archive(records)))
        for code in HORNS:
            at.field.values[code] = Told(command_khz=98_500, scan_khz=(98_500, 90_000))
        at.field.values[ONE] = at.field.values[TWO] = Told(command_khz=90_000, scan_khz=(90_000,))
        at.air.deaf.add(TWO)
        after = await at.drift.mend(HORNS, CHEN)
        assert [row.state for row in after[:3]] == ["sound", "drift", "sound"]
        watching = ScanList((ScanEntry(1, 1, 98_500), ScanEntry(2, 2, 90_000)))
        assert [command for _, command in at.air.told] == [Air((ONE, TWO), watching, UNASKED)]
        (fact,) = at.facts("device.set")
        assert (fact["codes"], fact["failed"], fact["settings"]) == ([ONE, TWO], [TWO], {"scan_khz": "98500, 90000"})


def test_what_either_side_does_not_say_is_no_deviation() -> None:
    device = Device(DeviceKind.TERMINAL, ONE, "", "")
    assert deviations(device, Record(volume=60), Told(phys="BB", return_to="x:1")) == ()
    assert deviations(device, Record(), Told(volume=3, code=ONE)) == ()


async def test_every_terminal_of_a_town_is_asked_and_silence_is_told_as_such() -> None:
    async with yard(HORNS[29]) as at:
        at.field.values[ONE] = Told(volume=10)
        at.field.deaf.add(TWO)
        rows = {row.code: row for row in await at.drift.look([TOWN_A])}
        assert len(rows) == 30
        assert rows[ONE].deviations == (Deviation("volume", "60", "10", True),)
        assert (rows[TWO].state, rows[HORNS[2]].state, rows[HORNS[29]].state) == ("no_answer", "sound", "silent")


@pytest.mark.requirement("R-TRM-04", "R-PLT-23")
async def test_what_deviates_is_set_asked_again_and_written_down() -> None:
    async with yard() as at:
        at.field.values[ONE] = Told(volume=10, return_to="1.2.3.4:1")
        at.field.values[TWO] = Told(volume=10)
        at.field.unwilling.add(TWO)
        one, two, sound = await at.drift.mend((ONE, TWO, HORNS[2]), CHEN)
        assert (one.state, two.state, sound.state) == ("sound", "drift", "sound")
        assert {code for code, _ in at.field.told} == {ONE, TWO}
        facts = {fact["codes"][0]: fact for fact in at.facts("device.set")}
        assert facts[ONE]["settings"] == {"volume": 60, "return_to": "10.1.1.9:8889"}
        assert (facts[ONE]["failed"], facts[TWO]["failed"]) == ([], [TWO])


async def test_where_nothing_deviates_nothing_is_set() -> None:
    async with yard() as at:
        await at.drift.mend((ONE,), CHEN)
        assert at.field.told == []
        assert at.facts("device.set") == []


# ---- changes in stages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("devices", "sizes"), [(0, []), (1, [1]), (2, [1, 1]), (15, [1, 14]), (30, [1, 2, 27]), (1000, [1, 99, 900])]
)
def test_stages_are_one_device_a_tenth_and_all(devices: int, sizes: list[int]) -> None:
    found = batches([str(n) for n in range(devices)])
    assert [len(batch) for batch in found] == sizes
    assert [code for batch in found for code in batch] == [str(n) for n in range(devices)]


def test_a_larger_share_than_allowed_halts() -> None:
    assert fails(1, 1, 0.02)
    assert not fails(100, 2, 0.02)
    assert fails(100, 3, 0.02)
    assert not fails(100, 0, 0.0)


@pytest.mark.requirement("R-X-14")
async def test_a_change_goes_to_one_then_a_tenth_then_all() -> None:
    async with yard(HORNS[29]) as at:
        change = at.stages.open(Order(volume=40), HORNS, "chen")
        await asyncio.sleep(60)
        assert change.state is ChangeState.DONE
        assert change.stages == [(1, ()), (1, ()), (27, ())]
        assert change.skipped == (HORNS[29],)
        assert {at.field.values[code].volume for code in HORNS[:29]} == {40}
        assert at.settled == [change]
        assert [f["told"] for f in at.facts("change.staged")] == [1, 1, 27]


async def test_too_many_failures_halt_the_change_and_give_the_old_values_back() -> None:
    async with yard() as at:
        at.field.values[ONE] = Told(volume=33)
        at.field.unwilling.update(HORNS[1:3])
        change = at.stages.open(Order(volume=40), HORNS, "chen")
        await asyncio.sleep(60)
        assert (change.state, change.why, change.restored) == (ChangeState.HALTED, "2/2", 1)
        assert at.field.values[ONE].volume == 33
        assert at.field.values[HORNS[10]].volume == 60


async def test_a_device_that_says_yes_and_does_not_show_the_value_in_time_has_failed() -> None:
    async with yard() as at:
        at.field.stubborn.add(ONE)
        change = at.stages.open(Order(volume=40), HORNS, "chen")
        await asyncio.sleep(880)
        assert change.state is ChangeState.RUNNING
        await asyncio.sleep(120)
        assert (change.state, change.stages) == (ChangeState.HALTED, [(1, (ONE,))])


async def test_i8_a_device_that_answers_nothing_has_failed() -> None:
    async with yard() as at:
        at.field.deaf.add(ONE)
        change = at.stages.open(Order(volume=40), HORNS, "chen")
        await asyncio.sleep(120)
        assert (change.state, change.stages) == (ChangeState.HALTED, [(1, (ONE,))])


async def test_no_stage_begins_while_an_alert_is_on_air() -> None:
    async with yard() as at:
        at.busy[0] = True
        change = at.stages.open(Order(volume=40), HORNS, "chen")
        await asyncio.sleep(300)
        assert (change.stages, at.field.told) == ([], [])
        at.busy[0] = False
        await asyncio.sleep(120)
        assert change.state is ChangeState.DONE


async def test_a_change_can_be_halted_by_hand() -> None:
    async with yard() as at:
        at.field.stubborn.add(ONE)
        change = at.stages.open(Order(volume=40), HORNS, "chen")
        await asyncio.sleep(10)
        assert at.stages.halt(change.id, "liu")
        await asyncio.sleep(60)
        assert (change.state, change.why, change.left) == (ChangeState.HALTED, "by_hand", ())
        assert at.settled == []
        assert not at.stages.halt(change.id, "liu")


async def test_a_halt_by_hand_between_two_stages_gives_the_old_values_back_and_says_who_has_not_got_them() -> None:
    async with yard() as at:
        at.field.values[ONE] = Told(volume=33)
        change = at.stages.open(Order(volume=40), HORNS, "chen")
        for _ in range(500):
            await asyncio.sleep(0)
            if change.stages:
                break
        assert at.field.values[ONE].volume == 40
        at.field.deaf.add(ONE)
        assert at.stages.halt(change.id, "liu")
        await asyncio.sleep(120)
        (ended,) = at.facts("change.ended")
        assert (change.state, change.why, ended["restored"], change.left[:1]) == (
            ChangeState.HALTED, "by_hand", len(change.codes[:sum(n for n, _ in change.stages)]) - 1, (ONE,)
        )  # fmt: skip
        assert {at.field.values[code].volume for code in HORNS[1:]} == {60}


async def test_a_change_of_nobody_is_refused() -> None:
    async with yard(*HORNS) as at:
        with pytest.raises(NobodyReached):
            at.stages.open(Order(volume=40), HORNS, "chen")
        assert at.facts("change.opened") == []


async def test_only_so_many_changes_are_open_at_once() -> None:
    async with yard() as at:
        at.busy[0] = True
        for _ in range(RUNNING_MAX):
            at.stages.open(Order(volume=40), HORNS, "chen")
        with pytest.raises(TooManyChanges):
            at.stages.open(Order(volume=40), HORNS, "chen")


async def test_i10_a_change_that_ran_when_the_daemon_died_is_halted_by_the_next_life() -> None:
    async with yard() as at:
        at.busy[0] = True
        at.stages.open(Order(volume=40), HORNS, "chen")
        state = at.room.journal.replayed()
        assert snapshot.same(snapshot.load(snapshot.dump(state)), state)
        (change,) = state.devices.rollout.changes.values()
        assert (change.state, change.order) == (ChangeState.RUNNING, Order(volume=40))
        enter, clock = state.apply, at.room.clock
        book, roster = state.devices.rollout, at.inventory.roster
        carrier = courier(at.room, at.enquiries)
        next_life = Stages(
            book, at.enquiries, roster, enter, lambda: False, clock, StageRule(), carrier, at.shelf.images
        )
        running = asyncio.ensure_future(next_life.run())
        await asyncio.sleep(1)
        running.cancel()
        assert (change.state, change.why) == (ChangeState.HALTED, "restart")
        assert (change.left, at.field.told) == ((ONE,), [])  # it may have been told before the end


async def test_the_county_is_asked_as_a_whole() -> None:
    async with yard() as at:
        assert len(await at.drift.look([COUNTY])) == 30
