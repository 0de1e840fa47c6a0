"""What operators may ask for, and what is refused with which word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from devices.link import Path, Start
from ebcd.alert import AlertClass, DrillDepth, Window
from ebcd.alert_desk import START_AHEAD_S_MAX, Identity
from ebcd.alert_desk import Room as OperationsRoom
from ebcd.evaluation.evidence import evidence_heard, evidence_monitored
from ebcd.health import HealthBook, Way, Ways
from ebcd.inventory import Inventory
from ebcd.operations import DURATION_S_MAX, CountyOperations
from ebcd.operator import Actor, AlertFilter, AudioFile, Category, Draft, Kind, OperationRefused, TerminalFilter
from ebcd.orders import Volumes
from ebcd.proofs import HeardRow, MonitorRow
from ebcd.reach import Reach
from ebcd.views import Views
from protocols.codes import AreaCode, EbmId
from tests.ebcd.county import COUNTY, RULES, TOWN_A, TOWN_B, VILLAGE_A1, VILLAGES, Room, adapter, control_room, terminal
from tests.ebcd.office import PLATFORM, Speaker

CHEN, LIU, WANG = (Actor(name, "token") for name in ("chen", "liu", "wang"))
DRAFT = Draft(level=2, areas=(TOWN_A,), title="暴雨", text="转移。", duration_s=60)
NAMES = {TOWN_A: "甲镇", TOWN_B: "乙镇", VILLAGES[0]: "新村", VILLAGES[2]: "新村"}


@dataclass
class Desk:
    """A control room and the operations on it."""

    room: Room
    operations: CountyOperations
    sounds: Speaker

    async def refusal(self, asked: Any) -> tuple[Kind, str]:
        """Why an operation was refused; refused ones change nothing."""
        facts = len(self.room.journal.events)
        with pytest.raises(OperationRefused) as caught:
            await asked
        assert len(self.room.journal.events) == facts
        return caught.value.problem.kind, caught.value.problem.code


@asynccontextmanager
async def desk(approvals: int = 1) -> AsyncIterator[Desk]:
    """Operators chen, liu and wang in front of a county."""
    needed = replace(RULES.approvals, by_level=dict.fromkeys((1, 2, 3, 4), approvals))
    async with control_room(rules=replace(RULES, approvals=needed)) as room:
        health = HealthBook(Ways(dict.fromkeys(room.codes(), Way(15.0))))
        volumes, sounds = Volumes(100, 255), Speaker()
        named = Inventory(room.inventory.roster, NAMES)
        views = Views(named, Reach(named.adapter_of), health, needed, volumes)
        links = tuple(("recording", link) for link in room.links.values())
        inside = OperationsRoom(room.core, named, health, views, sounds, volumes, links, lambda: (), lambda: 0)
        identity = Identity(PLATFORM, "某县", COUNTY, "0", room.clock.wall())
        yield Desk(room, CountyOperations(identity, inside), sounds)


# ---- approvals (I1) --------------------------------------------------------------------------------------------------


async def test_i1_the_authors_own_approval_is_refused() -> None:
    async with desk() as at:
        row = await at.operations.send(DRAFT, CHEN)
        assert (row.state, row.approvals_needed) == ("pending", 1)
        assert await at.refusal(at.operations.approve(row.ebm_id, CHEN)) == (Kind.FORBIDDEN, "own_approval")
        assert (await at.operations.approve(row.ebm_id, LIU)).state == "on_air"


async def test_i1_two_approvals_come_from_two_people() -> None:
    async with desk(approvals=2) as at:
        row = await at.operations.send(DRAFT, CHEN)
        assert (await at.operations.approve(row.ebm_id, LIU)).state == "pending"
        assert await at.refusal(at.operations.approve(row.ebm_id, LIU)) == (Kind.CONFLICT, "approved_already")
        assert (await at.operations.approve(row.ebm_id, WANG)).state == "on_air"
        assert await at.refusal(at.operations.approve(row.ebm_id, WANG)) == (Kind.CONFLICT, "not_pending")


async def test_what_is_rejected_cannot_be_approved_or_cancelled() -> None:
    async with desk() as at:
        row = await at.operations.send(DRAFT, CHEN)
        assert (await at.operations.reject(row.ebm_id, LIU, "wrong town")).note == "wrong town"
        assert await at.refusal(at.operations.approve(row.ebm_id, WANG)) == (Kind.CONFLICT, "not_pending")
        assert await at.refusal(at.operations.cancel(row.ebm_id, WANG)) == (Kind.CONFLICT, "not_live")


async def test_i10_an_answer_waits_for_the_journal() -> None:
    async with desk() as at:
        at.room.journal.stuck = True
        asked = asyncio.ensure_future(at.operations.send(DRAFT, CHEN))
        await asyncio.sleep(5)
        assert not asked.done()
        at.room.journal.flush()
        at.room.journal.stuck = False
        assert (await asked).state == "pending"


# ---- areas (I2) ------------------------------------------------------------------------------------------------------


async def test_i2_areas_may_be_named_as_people_name_them() -> None:
    async with desk() as at:
        seen = await at.operations.preview(replace(DRAFT, areas=("乙镇",)), CHEN)
        assert [(a.code, a.name) for a in seen.areas] == [(TOWN_B, "乙镇")]
        assert seen.targeted == 4


@pytest.mark.parametrize(
    ("areas", "code"),
    [
        ((), "no_area"),
        (("新村",), "ambiguous_area"),
        (("丙镇",), "unknown_area"),
        (("350000",), "no_area_of_ours"),
        (("349901999000",), "no_area_of_ours"),
        (("3499",), "bad_area_code"),
        (("34112310000X",), "bad_area_code"),
    ],
)
async def test_i2_areas_that_mean_nothing_here_are_refused(areas: tuple[str, ...], code: str) -> None:
    async with desk() as at:
        assert await at.refusal(at.operations.send(replace(DRAFT, areas=areas), CHEN)) == (Kind.INVALID, code)


async def test_a_preview_names_what_is_dropped_and_what_stands_before_it() -> None:
    async with desk() as at:
        running = at.room.take_in(level=1)
        await asyncio.sleep(1)
        facts = len(at.room.journal.events)
        seen = await at.operations.preview(replace(DRAFT, areas=(TOWN_A, "350000")), CHEN)
        assert [d.area for d in seen.dropped] == ["350000000000"]
        assert seen.behind == (running.alert.id,)
        assert (seen.targeted, seen.uncovered, seen.volume, seen.approvals) == (8, 0, 100, 1)
        assert len(at.room.journal.events) == facts


# ---- windows (I3) ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duration_s", [0, -1, DURATION_S_MAX + 1])
async def test_i3_durations_have_limits(duration_s: int) -> None:
    async with desk() as at:
        asked = at.operations.send(replace(DRAFT, duration_s=duration_s), CHEN)
        assert await at.refusal(asked) == (Kind.INVALID, "duration")


@pytest.mark.parametrize("offset_s", [-60, -DURATION_S_MAX - 1, START_AHEAD_S_MAX + 1])
async def test_i3_a_start_too_far_away_or_a_window_that_is_over_is_refused(offset_s: int) -> None:
    async with desk() as at:
        start = int(at.room.clock.wall()) + offset_s
        assert await at.refusal(at.operations.send(replace(DRAFT, start=start), CHEN)) == (Kind.INVALID, "start")


async def test_a_start_may_lie_in_the_past_while_the_window_is_open() -> None:
    async with desk() as at:
        start = int(at.room.clock.wall()) - 59
        row = await at.operations.send(replace(DRAFT, start=start), CHEN)
        assert (row.start, row.end) == (start, start + 60)


# ---- what goes on air ------------------------------------------------------------------------------------------------


async def test_a_text_is_spoken_and_a_file_is_kept() -> None:
    async with desk() as at:
        await at.operations.send(DRAFT, CHEN)
        await at.operations.send(replace(DRAFT, audio=AudioFile("a.mp3", b"sound")), CHEN)
        assert at.sounds.spoken == ["转移。"]
        assert at.sounds.kept == [("a.mp3", "")]


async def test_a_file_that_is_no_sound_is_refused() -> None:
    async with desk() as at:
        at.sounds.refuses.add("a.txt")
        asked = at.operations.send(replace(DRAFT, audio=AudioFile("a.txt", b"text")), CHEN)
        assert await at.refusal(asked) == (Kind.INVALID, "unusable_sound")


@pytest.mark.parametrize(
    ("depth", "class_"),
    [
        (DrillDepth.PLATFORM, AlertClass.SYSTEM_DRILL),
        (DrillDepth.HEADEND, AlertClass.SIMULATED_DRILL),
        (DrillDepth.TERMINAL, AlertClass.REAL_DRILL),
    ],
)
async def test_i5_a_drill_has_the_class_of_its_depth(depth: DrillDepth, class_: AlertClass) -> None:
    async with desk() as at:
        draft = replace(DRAFT, category=Category.DRILL, drill_depth=depth)
        row = await at.operations.send(draft, CHEN)
        alert = at.room.core.state.alerts[EbmId(row.ebm_id)].alert
        assert (alert.class_, alert.depth) == (class_, depth)
        await at.operations.approve(row.ebm_id, LIU)
        await asyncio.sleep(1)
        starts = [c for c in at.room.links[Path.IP].commands if isinstance(c, Start)]
        assert bool(starts) == (depth is DrillDepth.TERMINAL)


async def test_i5_the_depth_of_a_drill_means_nothing_for_an_emergency() -> None:
    async with desk() as at:
        row = await at.operations.send(replace(DRAFT, drill_depth=DrillDepth.PLATFORM), CHEN)
        assert at.room.core.state.alerts[EbmId(row.ebm_id)].alert.depth is DrillDepth.TERMINAL


@pytest.mark.requirement("R-PLT-07")
async def test_ids_count_up_within_the_day_in_beijing_and_are_never_given_twice() -> None:
    async with desk() as at:
        first, second = [await at.operations.send(DRAFT, CHEN) for _ in range(2)]
        assert (first.ebm_id, second.ebm_id) == (f"{PLATFORM}202510090001", f"{PLATFORM}202510090002")
        at.room.clock.step(8 * 3600)  # past midnight in Beijing, the same day in UTC
        assert (await at.operations.send(DRAFT, CHEN)).ebm_id == f"{PLATFORM}202510100001"


async def test_two_drafts_sent_at_once_get_two_ids() -> None:
    async with desk() as at:
        at.sounds.speech_s = 1.0
        rows = await asyncio.gather(at.operations.send(DRAFT, CHEN), at.operations.send(DRAFT, LIU))
        assert len({row.ebm_id for row in rows}) == 2


# ---- cancels (I12) ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-X-09")
async def test_i12_cancel_all_stops_what_plays_what_waits_and_what_is_pending() -> None:
    async with desk() as at:
        at.room.take_in(areas=(TOWN_B,))
        start = int(at.room.clock.wall())
        at.room.take_in(areas=(TOWN_A,), window=Window(start + 30, start + 60))
        await at.operations.send(DRAFT, CHEN)
        await asyncio.sleep(1)
        rows = await at.operations.cancel("all", LIU)
        assert len(rows) == 3
        await asyncio.sleep(1)
        assert {r.state for r in at.room.core.state.alerts.values()} == {"cancelled"}
        assert await at.operations.cancel("all", LIU) == ()


async def test_i12_cancel_all_goes_on_past_one_that_has_just_expired() -> None:
    async with desk() as at:
        running = at.room.take_in()
        await at.operations.send(replace(DRAFT, duration_s=5), CHEN)
        await asyncio.sleep(1)
        at.room.clock.step(10)  # the pending one is over, and nobody has looked yet
        rows = await at.operations.cancel("all", LIU)
        assert running.alert.id in {row.ebm_id for row in rows}
        await asyncio.sleep(1)
        assert {r.state for r in at.room.core.state.alerts.values()} == {"cancelled", "dropped"}


async def test_an_alert_that_nobody_knows_cannot_be_touched() -> None:
    async with desk() as at:
        for ebm_id in ("1" * 35, "nonsense"):
            for asked in (
                at.operations.show(ebm_id),
                at.operations.cancel(ebm_id, LIU),
                at.operations.approve(ebm_id, LIU),
                at.operations.reject(ebm_id, LIU, ""),
            ):
                assert await at.refusal(asked) == (Kind.NOT_FOUND, "no_such_alert")


# ---- looking ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-PLT-13", "R-PLT-17")
async def test_alerts_are_shown_newest_first_and_by_state() -> None:
    async with desk() as at:
        at.room.take_in()
        await asyncio.sleep(2)
        row = await at.operations.send(DRAFT, CHEN)
        rows = await at.operations.alerts(AlertFilter())
        assert rows[0].ebm_id == row.ebm_id
        assert [r.state for r in await at.operations.alerts(AlertFilter(state="on_air"))] == ["on_air"]


@pytest.mark.requirement("R-X-10", "R-SUP-04", "R-SUP-03")
async def test_an_alert_is_shown_with_its_counts_by_path_and_town_and_its_failures_by_name() -> None:
    async with desk() as at:
        deaf = terminal(VILLAGE_A1, 1)
        at.room.links[Path.IP].silent.add(deaf)
        record = at.room.take_in()
        await asyncio.sleep(35)
        shown = await at.operations.show(record.alert.id)
        assert [(p.path, p.counts.targeted, p.counts.confirmed) for p in shown.by_path] == [("ip", 12, 11)]
        assert [(t.name, t.counts.targeted, t.counts.confirmed) for t in shown.by_town] == [
            ("甲镇", 8, 7),
            ("乙镇", 4, 4),
        ]
        assert [(f.code, f.outcome, f.reason) for f in shown.failures] == [(deaf, "timed_out", "no_answer")]
        assert shown.times["latency_s"]["first"] > 0


async def test_terminals_are_found_by_town_and_path() -> None:
    async with desk() as at:
        page = await at.operations.terminals(TerminalFilter(town="甲镇", rows_max=3))
        assert (page.total, len(page.rows)) == (8, 3)
        assert {AreaCode(row.code[1:13])[:9] for row in page.rows} == {TOWN_A[:9]}
        assert (await at.operations.terminals(TerminalFilter(path="fm"))).total == 0
        assert (await at.operations.status()).terminals == {"unknown": 12}


# ---- a disk that does not write --------------------------------------------------------------------------------------


async def test_i10_an_operator_is_told_when_the_journal_does_not_write_and_the_act_is_done_later() -> None:
    async with desk() as at:
        row = await at.operations.send(DRAFT, CHEN)
        at.room.journal.stuck = True
        with pytest.raises(OperationRefused) as caught:
            await at.operations.approve(row.ebm_id, LIU)
        problem = caught.value.problem
        assert (problem.kind, problem.code, problem.value) == (Kind.UNAVAILABLE, "journal_waits", row.ebm_id)
        assert not [c for c in at.room.links[Path.IP].commands if isinstance(c, Start)]
        at.room.journal.flush()
        at.room.journal.stuck = False
        await asyncio.sleep(1)
        assert [c for c in at.room.links[Path.IP].commands if isinstance(c, Start)]


async def test_a_media_folder_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(text: str, *, alarm: bool) -> Any:
        raise OSError(28, "No space left on device")

    async with desk() as at:
        monkeypatch.setattr(at.sounds, "speak", full)
        assert await at.refusal(at.operations.send(DRAFT, CHEN)) == (Kind.UNAVAILABLE, "media_folder")


async def test_i10_what_is_shown_is_durable_or_said_not_to_be() -> None:
    async with desk() as at:
        row = await at.operations.send(DRAFT, CHEN)
        at.room.journal.stuck = True
        with pytest.raises(OperationRefused):
            await at.operations.approve(row.ebm_id, LIU)
        behind = asyncio.ensure_future(at.operations.show(row.ebm_id))
        await asyncio.sleep(0.5)
        assert not behind.done(), "a healthy disk needs milliseconds; nothing is told before it has written"
        assert not (await behind).durable, "a disk that hangs hides no alert"
        assert [each.ebm_id for each in await at.operations.alerts(AlertFilter())] == [row.ebm_id]
        at.room.journal.flush()
        at.room.journal.stuck = False
        assert (await at.operations.show(row.ebm_id)).durable


async def test_an_alert_shows_what_monitors_carried_and_what_people_said() -> None:
    async with desk() as at:
        record = at.room.take_in(areas=(VILLAGE_A1,))
        front, now = adapter(VILLAGE_A1), at.room.clock.wall()
        at.room.core.ledger.enter(
            evidence_monitored(record.alert.id, front, False, "other", {"seconds": 12.0}, now),
            evidence_heard(record.alert.id, VILLAGE_A1, 12, False, "only music", now, "sms"),
        )
        proofs = (await at.operations.show(record.alert.id)).proofs
        assert proofs.monitors == (MonitorRow(front, "新村", "other"),)
        assert proofs.heard == (HeardRow(VILLAGE_A1, "新村", False, int(now), "only music"),)
