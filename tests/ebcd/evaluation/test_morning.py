"""Which horns would speak, said honestly; written each morning, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path as Folder

import pytest

from devices.link import Began, Heartbeat, Path
from devices.link import DeviceState as S
from ebcd.alarms import Alarm, AlarmKind
from ebcd.clock import BEIJING
from ebcd.evaluation.desk import EvaluationDesk, HeardBody
from ebcd.evaluation.keeper import GATHER_S, Keeper, MorningRule
from ebcd.evaluation.morning import Count, Proof, as_text
from ebcd.health import Condition, HealthBook, ways_of
from ebcd.ledger import Ledger
from ebcd.operator import Actor, OperationRefused
from ebcd.store import Store, open_store
from ebcd.workorders import Finding, OrderState, Trouble, WorkOrder
from ebcd.workorders.book import order_opened
from protocols.codes import AreaCode
from tests.ebcd.county import COUNTY, VILLAGE_A1, VILLAGE_B1, control_room, small_county, terminal
from tests.virtual_time import VirtualClock


def mixed(village: AreaCode, serial: int) -> tuple[Path, ...]:
    return (Path.FM,) if serial == 4 else (Path.IP,)


INVENTORY = small_county(mixed)
WAYS = ways_of(INVENTORY, {"ip": Path.IP}, dict.fromkeys(Path, 60.0), 60.0)


def book() -> HealthBook:
    """Online, faulty, offline, unreachable, never heard, and FM only."""
    health = HealthBook(WAYS)
    for serial, state in ((1, S.IDLE), (2, S.FAULT)):
        health.observe(Heartbeat("ip", terminal(VILLAGE_A1, serial), "", state, False), Path.IP, 1.0, 1_760_000_000.0)
    health.remember(terminal(VILLAGE_A1, 3), Condition.OFFLINE, 1_759_990_000.0, 1.0, "")
    health.of(terminal(VILLAGE_B1, 1)).condition = Condition.UNREACHABLE
    return health


@pytest.mark.requirement("R-X-32", "R-SUP-02")
def test_only_who_is_online_would_speak_and_of_the_others_the_reason_is_named() -> None:
    health = book()
    count = Count(INVENTORY, WAYS, health.of)
    for device in INVENTORY.roster.terminals:
        count.add(device)
    report = count.report(1_760_000_000.0, "某县", ())
    assert (report.terminals, report.would_speak) == (12, 1)
    assert report.reasons == {"offline": 1, "fault": 1, "unreachable": 1, "unheard": 5, "no_return": 3}
    assert report.would_speak + sum(report.reasons.values()) == report.terminals
    assert [town.unknown for town in report.towns] == [5, 3]
    words = as_text(report, "en")
    assert "terminals that would speak now: 1 of 12" in words
    assert f"{terminal(VILLAGE_A1, 3)}: offline, since 2025-10-09" in words
    assert "能响的终端：1 / 12" in as_text(report, "zh")


def test_who_is_online_and_did_not_answer_the_nights_question_is_named() -> None:
    now, health = 1_760_000_000.0, book()
    first = terminal(VILLAGE_A1, 1)
    health.of(first).asked_at = health.of(terminal(VILLAGE_A1, 3)).asked_at = now - 5 * 3600
    for told_at, unanswered in ((0.0, [first]), (now - 4 * 3600, [])):
        health.of(first).told_at = told_at
        count = Count(INVENTORY, WAYS, health.of, now=now)
        for device in INVENTORY.roster.terminals:
            count.add(device)
        report = count.report(now, "某县", ())
        assert (report.asked, [each.code for each in report.unanswered]) == (2, unanswered)
        assert f"Asked last night: 2; {len(unanswered)} are online and did not answer" in as_text(report, "en")


def test_the_report_says_for_each_silent_horn_who_goes_and_that_nobody_does() -> None:
    count = Count(INVENTORY, WAYS, book().of)
    for device in INVENTORY.roster.terminals:
        count.add(device)
    offline, behind = terminal(VILLAGE_A1, 3), terminal(VILLAGE_B1, 1)
    head_end = str(INVENTORY.adapter_of(behind))
    orders = [
        WorkOrder("W1", Trouble.DEVICE, offline, (offline,), "", "", "", 1.0, "daemon", OrderState.DISPATCHED),
        WorkOrder("W2", Trouble.HEAD_END, head_end, (head_end,), "", "", "east", 2.0, "daemon", OrderState.ACCEPTED),
    ]
    report = count.report(1_760_000_000.0, "某县", orders)
    going = {each.code: (each.order, each.crew) for each in report.silent if each.order}
    assert going == {offline: ("W1", ""), behind: ("W2", "east")}
    words, chinese = as_text(report, "en"), as_text(report, "zh")
    assert "a crew was told to go: 1 of 3" in words
    assert "; order W1, nobody goes" in words
    assert "; east goes (W2)" in words
    assert "; no order, nobody goes" in words  # the faulty one
    assert f"W2 dead head-end {head_end}: 1 devices, accepted, crew east" in words
    assert f"W1 单台离线 {offline}：设备 1，已派单，班组 无人" in chinese


@dataclass
class Office:
    """A keeper at work on a real store."""

    keeper: Keeper
    ledger: Ledger
    store: Store
    folder: Folder


@asynccontextmanager
async def office(folder: Folder, clock: VirtualClock, ledger: Ledger | None = None) -> AsyncIterator[Office]:
    from ebcd.state import CountyState

    store = open_store(f"sqlite:///{folder}/state/ebcd.db", clock=clock, inline=True, fsync=False)
    ledger = ledger or Ledger(CountyState(), store, COUNTY, [])
    desk = EvaluationDesk(ledger, store, INVENTORY, book(), clock, "某县")
    rule = MorningRule(time(8), folder / "reports", "en")
    keeper = Keeper(desk, ledger, store, clock, rule, lambda _bound: None)
    running = asyncio.ensure_future(keeper.run())
    try:
        yield Office(keeper, ledger, store, folder / "reports")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        store.abandon()


def at(clock: VirtualClock, hour: int, minute: int) -> None:
    """Set the wall clock to a moment of 2025-10-10, Beijing time."""
    wanted = datetime(2025, 10, 10, hour, minute, tzinfo=BEIJING).timestamp()
    clock.step(wanted - clock.wall())


@pytest.mark.requirement("R-X-13", "R-X-20")
def test_the_report_names_alarms_who_is_on_duty_and_how_many_horns_are_proved() -> None:
    now, health = 1_760_000_000.0, book()
    heard: dict[str, float] = {terminal(VILLAGE_A1, 1): now - 3600, terminal(VILLAGE_A1, 2): now - 3600}
    for since, proved in ((now - 86_400, 1), (now - 60, 0)):
        count = Count(INVENTORY, WAYS, health.of, Proof(8, since, heard))
        for device in INVENTORY.roster.terminals:
            count.add(device)
        certificate = Alarm("A202510090001", AlarmKind.CERTIFICATE, "000000000201", "own", "29 1", 30, now)
        rate = Alarm("A202510090002", AlarmKind.ONLINE_COUNTY, "", "某县", "1/9 11.1 %", 0, now, acknowledged_by="chen")
        report = count.report(now, "某县", (), (certificate, rate), "liu")
        assert report.proved == proved  # the second one has a fault: it is not promised, so it is not counted
        words = as_text(report, "en")
        assert f"said within 8 days that they sounded: {proved} of 1" in words
        assert "A202510090001 certificate 000000000201 (our own) ends in 29 days (1 of them)" in words
        assert "NOT ACKNOWLEDGED" in words
        assert "terminals online in the county: 1/9 11.1 %, since 2025-10-09 16:53:20, chen" in words
        assert "On duty: liu" in words
        assert "值班：liu" in as_text(report, "zh")


async def test_the_report_is_written_at_eight_once_a_day(tmp_path: Folder, clock: VirtualClock) -> None:
    at(clock, 6, 0)
    async with office(tmp_path, clock) as room:
        finding = Finding(Trouble.DEVICE, terminal(VILLAGE_A1, 3), (terminal(VILLAGE_A1, 3),))
        room.ledger.enter(order_opened("20251010-0001", finding, COUNTY, "crew", clock.wall(), "daemon"))
        await asyncio.sleep(7190)
        assert not room.folder.exists()
        await asyncio.sleep(30)
        names = sorted(file.name for file in room.folder.iterdir())
        assert names == ["morning-2025-10-10.json", "morning-2025-10-10.txt"]
        told = json.loads((room.folder / names[0]).read_bytes())
        assert (told["would_speak"], told["orders"][0]["id"]) == (1, "20251010-0001")
        assert "20251010-0001" in (room.folder / names[1]).read_text(encoding="utf-8")
        first = (room.folder / names[0]).read_bytes()
        await asyncio.sleep(3600)
        assert (room.folder / names[0]).read_bytes() == first
        await asyncio.sleep(24 * 3600)
        assert len(list(room.folder.iterdir())) == 4


async def test_a_start_after_eight_makes_the_report_when_devices_had_time_to_be_heard(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    at(clock, 9, 0)
    async with office(tmp_path, clock) as room:
        await asyncio.sleep(290)
        assert not room.folder.exists()
        await asyncio.sleep(30)
        assert len(list(room.folder.iterdir())) == 2


async def test_a_folder_that_cannot_be_written_ends_nothing(tmp_path: Folder, clock: VirtualClock) -> None:
    (tmp_path / "reports").write_text("a file", encoding="utf-8")
    at(clock, 9, 0)
    async with office(tmp_path, clock) as room:
        await asyncio.sleep(1000)
        (tmp_path / "reports").unlink()
        await asyncio.sleep(700)
        assert len(list(room.folder.iterdir())) == 2


@pytest.mark.requirement("R-X-20")
async def test_the_online_rate_is_the_mean_of_the_days_samples_over_a_restart(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    at(clock, 10, 0)
    for _ in range(2):
        async with office(tmp_path, clock):
            await asyncio.sleep(1900)
    async with office(tmp_path, clock) as room:
        month = await room.keeper.desk.month("2025-10")
        assert month.online_by_day == {"2025-10-10": round(2 / 9, 4)}  # FM only terminals cannot be heard
        assert await room.store.counted("online-of/") == {"20251010": 6 * 9}


@pytest.mark.parametrize("month", ["2025-13", "2025-1", "", "x"])
async def test_a_month_that_is_none_is_refused(tmp_path: Folder, clock: VirtualClock, month: str) -> None:
    async with office(tmp_path, clock) as room:
        with pytest.raises(OperationRefused):
            await room.keeper.desk.month(month)


async def test_begins_of_sound_that_come_after_the_answer_are_journaled_together(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with control_room() as county, office(tmp_path, clock, county.core.ledger) as room:
        record = county.take_in()
        await asyncio.sleep(1)
        codes = county.codes()
        for code in (*codes, terminal(VILLAGE_A1, 99)):
            room.keeper.observe(Began("ip", code, record.alert.id, 0), Path.IP)
            room.keeper.observe(Began("ip", code, record.alert.id, 0), Path.IP)
        await asyncio.sleep(GATHER_S + 1)
        kinds = [event.kind for event in county.journal.events]
        assert kinds.count("evidence.began") == 1
        effect = await room.keeper.desk.effect(record.alert.id)
        assert (effect.sound.count, effect.grades.spoke, effect.targeted) == (12, 12, 12)


async def test_a_persons_word_is_journaled_without_the_name(tmp_path: Folder, clock: VirtualClock) -> None:
    async with control_room() as county, office(tmp_path, clock, county.core.ledger) as room:
        record = county.take_in()
        await asyncio.sleep(1)
        body = HeardBody(VILLAGE_A1, "王村长", "139")
        effect = await room.keeper.desk.heard(record.alert.id, body, Actor("chen", "token"))
        assert effect.grades.heard == 1
        (event,) = [event for event in county.journal.events if event.kind == "evidence.heard"]
        assert "王村长" not in str(event.payload)
        assert event.actor == "chen"
        number = int(str(event.payload["person"]))
        (person,) = (await room.store.people([number])).values()
        assert (person.name, person.phone) == ("王村长", "139")
        for place in ("no such place", "349"):
            with pytest.raises(OperationRefused):
                await room.keeper.desk.heard(record.alert.id, HeardBody(place, "x"), Actor("chen", "token"))
        with pytest.raises(OperationRefused):
            await room.keeper.desk.effect("no alert")
