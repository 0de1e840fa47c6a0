"""Warnings that came before, updates and cancels, in any order (platform digest section 10)."""

from __future__ import annotations

import asyncio
import re

import pytest

from ebcd import snapshot
from ebcd.facts import warning_cancelled
from ebcd.lifecycle import AlertState
from ebcd.operator import Kind, OperationRefused
from ebcd.state import CANCELLED_WARNINGS_MAX, CountyState
from tests.ebcd.county import TOWN_A, TOWN_B
from tests.ebcd.test_operations import CHEN, LIU, WANG, desk
from tests.ebcd.test_warning_desk import info, record_of, taken_in, warning

# ---- I7, I11: it came before -----------------------------------------------------------------------------------------


async def test_i7_the_same_warning_again_is_answered_the_same_and_starts_nothing() -> None:
    async with desk() as at:
        first = await taken_in(at, "W-1", TOWN_A)
        await at.operations.approve(first.ebm_id, LIU)
        again = await taken_in(at, "W-1", TOWN_A)
        assert (again.ebm_id, again.state) == (first.ebm_id, "on_air")
        assert len(at.room.core.state.alerts) == 1
        preview = await at.operations.preview_warning(warning(at, "W-1", info(at, TOWN_A)), WANG)
        assert (preview.known, preview.parts) == (True, ())


async def test_i7_the_same_warning_handed_in_twice_at_once_is_taken_in_once() -> None:
    async with desk() as at:
        at.sounds.speech_s = 1.0
        xml = warning(at, "W-1", info(at, TOWN_A))
        both = asyncio.gather(*(at.operations.submit_warning(xml, actor) for actor in (CHEN, LIU)))
        await asyncio.sleep(2)
        one, two = await both
        assert one == two
        assert len(at.room.core.state.alerts) == 1


@pytest.mark.parametrize("text", ["headline", "description", "senderName"])
async def test_i8_another_warning_under_a_known_identifier_is_never_passed_over_in_silence(text: str) -> None:
    """Each sender numbers on its own: "1" of the water authority is not "1" of the weather station."""
    async with desk() as at:
        first = await taken_in(at, "1", TOWN_A)
        other = re.sub(f"<{text}>[^<]*", f"<{text}>水库溃坝", info(at, TOWN_A))
        xml = warning(at, "1", other)
        assert await at.refusal(at.operations.submit_warning(xml, CHEN)) == (Kind.CONFLICT, "warning_reused")
        with pytest.raises(OperationRefused):
            await at.operations.preview_warning(xml, CHEN)
        assert (await taken_in(at, "1", TOWN_A)).ebm_id == first.ebm_id


async def test_i7_a_warning_of_which_one_block_has_expired_by_now_is_still_the_same() -> None:
    async with desk() as at:
        xml = warning(at, "W-1", info(at, TOWN_A, end_s=60, headline="短"), info(at, TOWN_B))
        rows = await at.operations.submit_warning(xml, CHEN)
        await asyncio.sleep(61)
        again = await at.operations.submit_warning(xml, CHEN)
        assert [row.ebm_id for row in again] == [row.ebm_id for row in rows]


async def test_i11_a_cancelled_warning_does_not_come_back() -> None:
    async with desk() as at:
        row = await taken_in(at, "W-1", TOWN_A)
        await at.operations.submit_warning(warning(at, "W-2", kind="Cancel", references=("W-1",)), CHEN)
        again = await taken_in(at, "W-1", TOWN_A)
        assert (again.ebm_id, again.state) == (row.ebm_id, "cancelled")


async def test_i11_a_warning_that_comes_after_the_update_that_replaced_it_is_refused() -> None:
    async with desk() as at:
        await taken_in(at, "W-2", TOWN_A, kind="Update", references=("W-1",))
        late = at.operations.submit_warning(warning(at, "W-1", info(at, TOWN_A)), CHEN)
        assert await at.refusal(late) == (Kind.CONFLICT, "warning_superseded")


async def test_i5_an_exercise_does_not_keep_the_warning_out_whose_place_it_takes() -> None:
    async with desk() as at:
        await taken_in(at, "W-2", TOWN_A, kind="Update", status="Exercise", references=("W-1",))
        assert (await taken_in(at, "W-1", TOWN_A)).state == "pending"


async def test_i11_a_warning_that_comes_after_its_cancel_is_refused_also_after_a_restart() -> None:
    async with desk() as at:
        cancel = warning(at, "W-3", kind="Cancel", references=("W-1", "W-2"))
        shown = await at.operations.preview_warning(cancel, CHEN)
        assert (shown.stops, shown.never_came) == ((), ("W-1", "W-2"))
        for _ in range(2):
            with pytest.raises(OperationRefused, match="no_such_warning"):
                await at.operations.submit_warning(cancel, CHEN)
        assert [event.kind for event in at.room.journal.events] == ["warning.cancelled"]
        late = warning(at, "W-1", info(at, TOWN_A))
        assert await at.refusal(at.operations.submit_warning(late, CHEN)) == (Kind.CONFLICT, "warning_cancelled")
        drill = await taken_in(at, "W-2", TOWN_A, status="Exercise")  # the cancel meant the real thing
        assert drill.state == "pending"
        for state in (snapshot.load(snapshot.dump(at.room.core.state)), at.room.journal.replayed()):
            assert state.cancelled_warnings == {"W-1": "W-3", "W-2": "W-3"}


async def test_i11_a_cancel_remembers_those_of_its_references_that_never_came() -> None:
    async with desk() as at:
        row = await taken_in(at, "W-2", TOWN_A)
        cancel = warning(at, "W-3", kind="Cancel", references=("W-1", "W-2"))
        shown = await at.operations.preview_warning(cancel, CHEN)
        assert (shown.stops, shown.never_came) == ((row.ebm_id,), ("W-1",))
        (told,) = await at.operations.submit_warning(cancel, CHEN)
        assert (told.ebm_id, told.state) == (row.ebm_id, "cancelled")
        late = at.operations.submit_warning(warning(at, "W-1", info(at, TOWN_A)), CHEN)
        assert await at.refusal(late) == (Kind.CONFLICT, "warning_cancelled")


def test_only_the_newest_cancels_are_remembered() -> None:
    state = CountyState()
    for number in range(CANCELLED_WARNINGS_MAX + 2):
        state.apply(warning_cancelled("C", (f"W-{number}",), 0.0, "chen"))
    known = list(state.cancelled_warnings)
    assert (len(known), known[0]) == (CANCELLED_WARNINGS_MAX, "W-2")
    assert list(snapshot.load(snapshot.dump(state)).cancelled_warnings) == known


# ---- Update and Cancel -----------------------------------------------------------------------------------------------


async def test_an_update_takes_the_old_ones_place_when_it_is_approved_and_not_before() -> None:
    async with desk() as at:
        old = await taken_in(at, "W-1", TOWN_A)
        await at.operations.approve(old.ebm_id, LIU)
        new_xml = warning(at, "W-2", info(at, TOWN_A, severity="Red"), kind="Update", references=("W-1",))
        assert (await at.operations.preview_warning(new_xml, CHEN)).stops == (old.ebm_id,)
        (new,) = await at.operations.submit_warning(new_xml, CHEN)
        await asyncio.sleep(1)
        assert new.ebm_id != old.ebm_id
        assert record_of(at, new).alert.replaces == old.ebm_id
        assert record_of(at, old).state is AlertState.ON_AIR  # people go on hearing it
        await at.operations.approve(new.ebm_id, LIU)
        await asyncio.sleep(15)
        assert record_of(at, old).state is AlertState.CANCELLED
        assert record_of(at, new).state is AlertState.ON_AIR


async def test_an_update_that_is_turned_down_leaves_the_old_one_on_air() -> None:
    async with desk() as at:
        old = await taken_in(at, "W-1", TOWN_A)
        await at.operations.approve(old.ebm_id, LIU)
        new = await taken_in(at, "W-2", TOWN_A, kind="Update", references=("W-1",))
        await at.operations.reject(new.ebm_id, LIU, "not yet")
        await asyncio.sleep(1)
        assert record_of(at, old).state is AlertState.ON_AIR


async def test_an_update_of_an_unknown_warning_is_a_new_one() -> None:
    async with desk() as at:
        row = await taken_in(at, "W-2", TOWN_A, kind="Update", references=("W-1",))
        assert (row.state, record_of(at, row).alert.replaces) == ("pending", None)


async def test_i4_an_exercise_never_takes_the_place_of_the_real_thing() -> None:
    async with desk() as at:
        old = await taken_in(at, "W-1", TOWN_A)
        await at.operations.approve(old.ebm_id, LIU)
        xml = warning(at, "W-2", info(at, TOWN_A), kind="Update", status="Exercise", references=("W-1",))
        assert (await at.operations.preview_warning(xml, CHEN)).stops == ()
        drill = await taken_in(at, "W-2", TOWN_A, kind="Update", status="Exercise", references=("W-1",))
        await at.operations.approve(drill.ebm_id, LIU)
        await asyncio.sleep(1)
        assert record_of(at, old).state is AlertState.ON_AIR


@pytest.mark.parametrize("approved", [True, False])
async def test_i12_a_cancel_stops_at_once_what_sounds_and_what_waits(approved: bool) -> None:
    async with desk() as at:
        row = await taken_in(at, "W-1", TOWN_A)
        if approved:
            await at.operations.approve(row.ebm_id, LIU)
        xml = warning(at, "W-2", kind="Cancel", references=("W-1",))
        assert (await at.operations.preview_warning(xml, WANG)).stops == (row.ebm_id,)
        (told,) = await at.operations.submit_warning(xml, WANG)
        assert told.ebm_id == row.ebm_id
        await asyncio.sleep(15)
        assert record_of(at, row).state is AlertState.CANCELLED
        (again,) = await at.operations.submit_warning(xml, WANG)
        assert (again.ebm_id, again.state) == (row.ebm_id, "cancelled")


async def test_i12_a_cancel_of_an_update_that_still_waits_stops_what_it_was_to_replace() -> None:
    async with desk() as at:
        old = await taken_in(at, "W-1", TOWN_A)
        await at.operations.approve(old.ebm_id, LIU)
        waiting = await taken_in(at, "W-2", TOWN_A, kind="Update", references=("W-1",))
        await at.operations.submit_warning(warning(at, "W-3", kind="Cancel", references=("W-2",)), CHEN)
        await asyncio.sleep(15)
        assert {record_of(at, each).state for each in (old, waiting)} == {AlertState.CANCELLED}


async def test_i5_a_cancel_that_is_an_exercise_stops_no_real_alert() -> None:
    async with desk() as at:
        row = await taken_in(at, "W-1", TOWN_A)
        await at.operations.approve(row.ebm_id, LIU)
        xml = warning(at, "W-2", kind="Cancel", status="Exercise", references=("W-1",))
        assert await at.refusal(at.operations.submit_warning(xml, CHEN)) == (Kind.NOT_FOUND, "no_such_exercise")


async def test_a_cancel_of_an_unknown_warning_is_told() -> None:
    async with desk() as at:
        xml = warning(at, "W-2", kind="Cancel", references=("W-1",))
        with pytest.raises(OperationRefused, match="no_such_warning"):
            await at.operations.submit_warning(xml, CHEN)


async def test_i10_after_a_restart_references_still_find_the_alert() -> None:
    async with desk() as at:
        row = await taken_in(at, "W-1", TOWN_A)
        await taken_in(at, "W-2", TOWN_B, kind="Update", references=("W-0",))
        by_checkpoint = snapshot.load(snapshot.dump(at.room.core.state))
        folded = at.room.journal.replayed()
        for state in (by_checkpoint, folded):
            assert [record.alert.id for record in state.of_warning("W-1")] == [row.ebm_id]
            assert state.of_warning("W-2")[0].alert.supersedes == ("W-0",)
