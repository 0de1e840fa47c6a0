"""White lists reach adapters, and what an adapter has is what it answered, and nothing else."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ebcd import snapshot
from ebcd.archive.history import device_swapped
from ebcd.operator import OperationRefused
from ebcd.people import PeopleDesk
from protocols import adapter as annex_a
from protocols.adapter import ResultCode
from tests.ebcd.archive.behind_adapter import FRONT
from tests.ebcd.county import TOWN_A, VILLAGE_A1
from tests.ebcd.whitelist.office import CHEN, LI, ZHANG, office
from tests.virtual_time import VirtualClock

AT = str(FRONT)


@pytest.mark.requirement("R-ADP-11", "R-X-06")
@pytest.mark.clause("GD/J 089 table A.5")
async def test_who_is_listed_for_a_town_can_speak_through_its_adapters_when_they_say_so(
    clock: VirtualClock, tmp_path: Path
) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{TOWN_A},phone,", f"{LI},李四,{AT},sms,{TOWN_A}")
        view = await at.desk.rows(CHEN, await at.pusher.differing())
        assert [(row.number, row.adapters, row.taken) for row in view.rows] == [(ZHANG, 1, 0), (LI, 1, 0)]
        assert view.open == (AT,)
        assert at.unit.entries == {}
        assert await at.push() == {ZHANG: "taken", LI: "taken"}
        zhang, li = at.unit.entries[ZHANG], at.unit.entries[LI]
        assert (zhang.name, zhang.permission, zhang.areas) == ("张三", 2, (VILLAGE_A1,))
        assert (li.name, li.permission, li.areas) == ("李四", 1, (TOWN_A,))
        view = await at.desk.rows(CHEN, await at.pusher.differing())
        assert ([row.taken for row in view.rows], view.open) == ([1, 1], ())
        assert (await at.pusher.plan()).rows == ()


async def test_only_what_differs_is_told_and_who_was_removed_is_told_to_everybody_who_had_him(
    clock: VirtualClock, tmp_path: Path
) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{AT},both,", f"{LI},李四,{AT},both,")
        await at.push()
        await at.put(f"{ZHANG},张三丰,{AT},sms,")
        gone = await at.desk.remove("138-0000 0002", "", CHEN)
        assert [row.name for row in gone.rows] == ["李四"]
        (row,) = (await at.pusher.plan()).rows
        assert [(line.operation, line.number, line.name) for line in row.lines] == [
            ("delete", LI, "李四"),
            ("modify", ZHANG, "张三丰"),
        ]
        assert await at.push() == {ZHANG: "taken", LI: "taken"}
        assert {phone: (e.name, e.permission) for phone, e in at.unit.entries.items()} == {ZHANG: ("张三丰", 1)}
        assert await at.pusher.differing() == ()


async def test_portions_fit_and_a_portion_that_is_refused_keeps_nobody_else_out(
    clock: VirtualClock, tmp_path: Path
) -> None:
    async with office(clock, tmp_path, entries_max=2) as at:
        at.unit.numbers_max = 3
        await at.put(*(f"1380000000{n},某人{n},{AT},both," for n in range(5)))
        found = await at.push()
        assert sorted(found.values()) == ["refused", "refused", "taken", "taken", "taken"]
        assert len(at.unit.entries) == 3
        assert len(at.book.taken[AT]) == 3
        told = [fact["said"] for fact in at.facts("whitelist.told")]
        assert told == ["", "", "3 full at 3", "3 full at 3"]
        at.unit.numbers_max = 9
        assert sorted((await at.push()).values()) == ["taken", "taken"]


@pytest.mark.requirement("R-ADP-11")
async def test_i8_a_silent_adapter_keeps_its_difference_open_and_may_have_taken_it_all_the_same(
    clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(clock, tmp_path, entries_max=1) as at:
        await at.put(f"{ZHANG},张三,{AT},both,", f"{LI},李四,{AT},both,")
        real = at.village.station.adapter.receive

        def deaf(frame: annex_a.AdapterFrame, now: float) -> object:
            real(frame, now)
            raise OSError("its line is cut before it can answer")

        monkeypatch.setattr(at.village.station, "command", lambda frame, _socket: _done(deaf, frame, clock.wall()))
        assert await at.push() == {ZHANG: "no_answer", LI: "unsent"}
        assert at.unit.entries.keys() == {ZHANG}
        assert at.book.taken == {}
        assert await at.pusher.differing() == (FRONT,)
        monkeypatch.undo()
        assert await at.push() == {ZHANG: "taken", LI: "taken"}  # added twice is changed
        assert at.unit.entries.keys() == {ZHANG, LI}


def _done(deaf: object, frame: annex_a.AdapterFrame, now: float) -> None:
    with pytest.raises(OSError, match="cut"):
        deaf(frame, now)  # type: ignore[operator]


async def test_a_restart_knows_what_was_taken_and_a_new_unit_has_nobody(clock: VirtualClock, tmp_path: Path) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{AT},both,")
        await at.push()
        replayed = snapshot.load(snapshot.dump(at.village.room.core.state))
        assert replayed.devices.callers == at.book
        assert at.village.room.journal.replayed().devices.callers == at.book
        at.village.room.core.ledger.enter(device_swapped(AT, "C0", "C1", clock.wall(), "chen"))
        assert at.book.taken == {}
        assert await at.pusher.differing() == (FRONT,)


async def test_an_adapter_that_was_reset_is_told_everything_and_only_where_somebody_says_so(
    clock: VirtualClock, tmp_path: Path
) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{AT},both,")
        await at.push()
        at.unit.entries.clear()
        assert (await at.pusher.plan()).rows == ()
        assert await at.push(empty=True) == {ZHANG: "taken"}
        assert at.unit.entries.keys() == {ZHANG}
        with pytest.raises(OperationRefused, match="whitelist_empty_where"):
            await at.pusher.plan(empty=True)
        for nowhere in ("某地", "12", "6" * 23):
            with pytest.raises(OperationRefused, match="whitelist_no_adapter"):
                await at.pusher.plan([nowhere])
        at.book.taken.clear()
        for here in (str(TOWN_A), str(TOWN_A)[:9], str(TOWN_A)[:6], AT):
            assert [row.code for row in (await at.pusher.plan([here])).rows] == [AT]


async def test_what_is_confirmed_is_what_was_shown(clock: VirtualClock, tmp_path: Path) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{AT},both,")
        shown = await at.pusher.plan()
        await at.put(f"{LI},李四,{AT},both,")
        with pytest.raises(OperationRefused, match="whitelist_moved"):
            await at.pusher.push([], shown.digest, CHEN, empty=False)
        assert at.unit.entries == {}


async def test_names_and_numbers_are_in_no_journal_and_in_no_log(
    clock: VirtualClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{AT},both,")

        at.unit.take = lambda told: annex_a.GeneralAnswer(ResultCode.CONFLICT, f"no {told.entries[0].phone} 张三")  # type: ignore[method-assign]
        assert await at.push() == {ZHANG: "refused"}
        await at.desk.rows(CHEN, ())
        written = b"".join(orjson.dumps(event.payload) for event in at.village.room.journal.events).decode()
        logged = "".join(capsys.readouterr())
        assert ZHANG not in written + logged
        assert "张三" not in written + logged
        assert at.facts("whitelist.told")[0]["said"] == "3 no *** ***"


async def test_who_is_on_a_list_is_not_forgotten_before_the_adapters_have_been_told(
    clock: VirtualClock, tmp_path: Path
) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{AT},both,")
        await at.push()
        ledger, inventory = at.village.room.core.ledger, at.village.room.inventory
        people = PeopleDesk(ledger, at.store, inventory, clock, at.book.held_by)
        with pytest.raises(OperationRefused, match="whitelist_holds_person"):
            await people.erase("P1", CHEN)
        await at.desk.remove(ZHANG, AT, CHEN)
        with pytest.raises(OperationRefused, match="whitelist_holds_person"):
            await people.erase("P1", CHEN)
        await at.push()
        assert at.book.held_by(1) == ()


async def test_an_adapter_that_left_the_inventory_is_shown_with_what_it_still_has(
    clock: VirtualClock, tmp_path: Path
) -> None:
    async with office(clock, tmp_path) as at:
        await at.put(f"{ZHANG},张三,{AT},both,")
        await at.push()
        roster = at.village.room.inventory.roster
        roster.adapters = ()
        (row,) = (await at.pusher.plan()).rows
        assert (row.code, row.standing, row.has, row.lines) == (AT, "gone", 1, ())
