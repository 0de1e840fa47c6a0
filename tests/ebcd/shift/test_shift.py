"""The shift's log in virtual time: who is on duty, what is open, and a handover that takes two people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path as Folder

import httpx
import orjson
import pytest

from devices.link import DeviceState, Heartbeat, Path
from ebcd import snapshot
from ebcd.alarms import Expiry
from ebcd.alarms.book import alarm_raised
from ebcd.alarms.office import AlarmOffice
from ebcd.alarms.values import AlarmKind, Sighting
from ebcd.alert import AlertClass, Origin
from ebcd.alert_desk import journaled
from ebcd.api import application
from ebcd.api.answers import decoded
from ebcd.api.shift import routes
from ebcd.health import Condition, HealthBook, Way, Ways
from ebcd.identity import Operators
from ebcd.operator import Actor, LinkRow, OperationRefused
from ebcd.shift import Matter, MatterKind
from ebcd.shift.desk import MATTERS_MAX, HandoverRow, ShiftDesk, ShiftLog, ShiftView
from ebcd.shift.matters import open_matters
from ebcd.shift.paper import as_text, log_text
from ebcd.store import Store, open_store
from ebcd.workorders import Finding, Trouble
from ebcd.workorders.book import order_opened
from tests.ebcd.county import VILLAGE_A1, VILLAGE_B1, Room, adapter, control_room
from tests.ebcd.fake_operations import FakeOperations

CHEN, LIU, WANG = (Actor(name, "token") for name in ("chen", "liu", "wang"))
PEOPLE = frozenset({"chen", "liu", "wang"})
LIMIT_S = 900.0
OPEN = (Matter(MatterKind.HEAD_END, "6" * 23, "双河村前端", "offline", 1_760_000_000),)


class Watch:
    """A desk on a real journal, with its matters in a list."""

    def __init__(self, room: Room, store: Store) -> None:
        self.room, self.store = room, store
        self.matters: tuple[Matter, ...] = OPEN
        self.desk = self.made(lambda: self.matters)

    def made(self, matters: Callable[[], tuple[Matter, ...]]) -> ShiftDesk:
        ledger = self.room.core.ledger
        return ShiftDesk(
            ledger, self.store, self.room.clock, lambda: PEOPLE, matters, LIMIT_S, lambda t, v: journaled(ledger, t, v)
        )

    def facts(self, kind: str) -> list[dict[str, object]]:
        return [dict(event.payload) for event in self.room.journal.events if event.kind == kind]


@asynccontextmanager
async def watch(folder: Folder) -> AsyncIterator[Watch]:
    async with control_room() as room:
        store = open_store(f"sqlite:///{folder}/state/ebcd.db", clock=room.clock, inline=True, fsync=False)
        duty = Watch(room, store)
        running = asyncio.ensure_future(duty.desk.run())
        try:
            yield duty
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            store.abandon()


def code_of(refused: pytest.ExceptionInfo[OperationRefused]) -> str:
    return refused.value.problem.code


@pytest.mark.requirement("R-X-11")
async def test_a_shift_changes_hands_by_two_people_and_lists_what_is_open(tmp_path: Folder) -> None:
    async with watch(tmp_path) as duty:
        await duty.desk.take("", CHEN)
        handover = await duty.desk.hand_over("liu", "备用电源在测试", CHEN)
        assert (handover.by, handover.to, handover.matters, handover.taken) == ("chen", "liu", OPEN, None)
        assert (await duty.desk.view()).on_duty == "chen"  # until liu has taken over
        view = await duty.desk.take("", LIU)
        assert (view.on_duty, view.waiting) == ("liu", None)
        (row,) = (await duty.desk.log(10)).handovers
        assert (row.by, row.to, row.taken is not None, row.overdue) == ("chen", "liu", True, None)
        (fact,) = duty.facts("shift.handed_over")
        assert fact["matters"] == [["head_end", "6" * 23, "双河村前端", "offline", 1_760_000_000, "", "", 0]]


async def test_nobody_takes_over_in_anothers_name_or_hands_over_what_is_not_theirs(tmp_path: Folder) -> None:
    async with watch(tmp_path) as duty:
        with pytest.raises(OperationRefused) as refused:
            await duty.desk.hand_over("liu", "", CHEN)
        assert code_of(refused) == "nobody_on_duty"
        await duty.desk.take("", CHEN)
        for actor, to, code in (
            (LIU, "wang", "not_on_duty"),
            (CHEN, "chen", "handover_to_oneself"),
            (CHEN, "zhao", "no_such_operator"),
        ):
            with pytest.raises(OperationRefused) as refused:
                await duty.desk.hand_over(to, "", actor)
            assert code_of(refused) == code
        await duty.desk.hand_over("liu", "", CHEN)
        for actor, code in ((CHEN, "on_duty_already"), (WANG, "handover_for_another")):
            with pytest.raises(OperationRefused) as refused:
                await duty.desk.take("", actor)
            assert code_of(refused) == code
        assert duty.desk.book.on_duty == "chen"
        assert len(duty.facts("shift.taken")) == 1


async def test_who_is_gone_can_be_relieved_with_a_reason_that_stays_in_the_log(tmp_path: Folder) -> None:
    async with watch(tmp_path) as duty:
        await duty.desk.take("", CHEN)
        with pytest.raises(OperationRefused) as refused:
            await duty.desk.take("", LIU)
        assert code_of(refused) == "no_handover"
        view = await duty.desk.take("chen taken ill", LIU)
        assert (view.on_duty, [entry.words for entry in view.entries]) == ("liu", ["chen taken ill"])
        assert duty.facts("shift.taken")[-1] == {"handover": 0, "why": "chen taken ill"}


@pytest.mark.requirement("R-X-11")
async def test_a_handover_that_nobody_takes_is_told_and_counted_once(
    tmp_path: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    async with watch(tmp_path) as duty:
        await duty.desk.take("", CHEN)
        await duty.desk.hand_over("liu", "", CHEN)
        await asyncio.sleep(LIMIT_S - 10)
        assert duty.desk.book.overdue == 0
        await asyncio.sleep(3600)
        view = await duty.desk.view()
        assert view.waiting is not None
        assert (view.overdue, view.waiting.overdue is not None, view.on_duty) == (1, True, "chen")
        assert capsys.readouterr().out.count("shift.overdue") == 1
        assert "NOT YET TAKEN OVER" in as_text(view, "en")
        assert "尚未接班" in as_text(view, "zh")
        await duty.desk.take("", LIU)
        (row,) = (await duty.desk.log(10)).handovers
        assert (row.taken is not None, row.overdue is not None) == (True, True)


async def test_a_new_handover_takes_the_place_of_the_one_that_waits(tmp_path: Folder) -> None:
    async with watch(tmp_path) as duty:
        await duty.desk.take("", CHEN)
        await duty.desk.hand_over("liu", "", CHEN)
        await duty.desk.hand_over("wang", "", CHEN)
        with pytest.raises(OperationRefused):
            await duty.desk.take("", LIU)
        await duty.desk.take("", WANG)
        second, first = (await duty.desk.log(10)).handovers
        assert (first.replaced, first.taken, second.replaced, second.taken is not None) == (True, None, False, True)


async def test_people_in_an_entry_stand_beside_the_journal_and_can_be_erased(tmp_path: Folder) -> None:
    async with watch(tmp_path) as duty:
        await duty.desk.take("", CHEN)
        entry = await duty.desk.note("来电询问停播", "王村长", "13800100055", CHEN)
        assert (entry.person, entry.phone) == ("王村长", "13800100055")
        journal = orjson.dumps([event.payload for event in duty.room.journal.events]).decode()
        assert "王村长" not in journal
        assert "13800100055" not in journal
        (shown,) = (await duty.desk.view()).entries
        assert (shown.words, shown.person) == ("来电询问停播", "王村长")
        await duty.store.erase_person(1)
        (shown,) = (await duty.desk.view()).entries
        assert (shown.words, shown.person, shown.phone) == ("来电询问停播", "", "")


@pytest.mark.parametrize(
    "words", ["call 13800100055", "138 0010 0055 来电", "138-0010-0055", "身份证 11010519491231002X", "王13800100055打"]
)
async def test_words_with_a_persons_numbers_are_refused(tmp_path: Folder, words: str) -> None:
    async with watch(tmp_path) as duty:
        await duty.desk.take("", CHEN)
        for act in (
            lambda: duty.desk.note(words, "", "", CHEN),
            lambda: duty.desk.hand_over("liu", words, CHEN),
            lambda: duty.desk.take(words, LIU),
        ):
            with pytest.raises(OperationRefused) as refused:
                await act()
            assert code_of(refused) == "number_in_words"
            assert "0055" not in refused.value.problem.value


@pytest.mark.parametrize("words", ["341123101201 断电", "工单 W202611290001", "终端 63411231012010314010401"])
async def test_codes_and_order_numbers_are_no_persons_numbers(tmp_path: Folder, words: str) -> None:
    async with watch(tmp_path) as duty:
        assert (await duty.desk.note(words, "", "", CHEN)).words == words


async def test_more_matters_than_a_handover_lists_are_counted(tmp_path: Folder) -> None:
    async with watch(tmp_path) as duty:
        duty.matters = OPEN * (MATTERS_MAX + 7)
        await duty.desk.take("", CHEN)
        row = await duty.desk.hand_over("liu", "", CHEN)
        assert (len(row.matters), row.left_out) == (MATTERS_MAX, 7)
        assert "and 7 more" in log_text(await duty.desk.log(1), "en")


async def test_a_restart_and_a_checkpoint_know_the_shift_and_an_older_checkpoint_has_none(tmp_path: Folder) -> None:
    async with watch(tmp_path) as duty:
        await duty.desk.take("", CHEN)
        await duty.desk.note("note", "someone", "", CHEN)
        await duty.desk.hand_over("liu", "", CHEN)
        await asyncio.sleep(LIMIT_S + 10)
        state = duty.room.core.state
        assert snapshot.same(duty.room.journal.replayed(), state)
        again = snapshot.load(snapshot.dump(state))
        assert again.shift == state.shift
        old = orjson.loads(snapshot.dump(state))
        del old["shift"], old["alarms"]
        loaded = snapshot.load(orjson.dumps(old))
        assert (loaded.shift.on_duty, loaded.shift.handovers, loaded.alarms.alarms) == ("", [], {})


def link(name: str, type_: str, reason: str, *, up: bool) -> LinkRow:
    """A line of `ebcd links`."""
    return LinkRow(name, type_, "fm", up, reason, 0, 0, 1, 0)


# ---- what is open --------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-X-11", "R-PLT-13")
async def test_open_matters_name_alerts_holds_alarms_links_head_ends_orders_and_certificates() -> None:
    async with control_room() as room:
        on_air = room.take_in()
        behind = room.take_in(level=4, areas=(VILLAGE_A1,))
        room.take_in(origin=Origin.OPERATOR, author="chen")
        await asyncio.sleep(1)
        low = room.take_in(level=4, areas=(VILLAGE_B1,), class_=AlertClass.DAILY)
        state, now = room.core.state, room.clock.wall()
        silent = Finding(Trouble.DEVICE, "root", ("6" * 23,))
        for number in ("W1", "W2"):
            room.core.ledger.enter(order_opened(number, silent, VILLAGE_A1, "crew", now, "daemon"))
        room.core.ledger.enter(alarm_raised("A1", Sighting(AlarmKind.ONLINE_COUNTY, "", "某县", "90/100"), now))
        health = HealthBook(Ways({adapter(VILLAGE_A1): Way(60.0), adapter(VILLAGE_B1): Way(60.0)}))
        health.remember(adapter(VILLAGE_A1), Condition.OFFLINE, now - 60, now - 60, "")
        health.observe(Heartbeat("x", adapter(VILLAGE_B1), "", DeviceState.IDLE, False), Path.ADAPTER, 1.0, now)
        rows = [
            link("fm", "fm_transmitter", "refused", up=False),
            link("2" * 23, "upstream", "", up=False),
            link("ip", "terminal_tcp", "", up=True),
        ]
        ending = [Expiry("device", "device", 30, 29, 12)]
        found = open_matters(state, health, rows, ending, {"W2"}, room.inventory.roster.adapters)
        assert [(matter.kind, matter.subject) for matter in found] == [
            (MatterKind.ALERT_ON_AIR, on_air.alert.id),
            (MatterKind.ALERT_PENDING, list(state.alerts)[2]),
            (MatterKind.ALERT_WAITING, behind.alert.id),
            (MatterKind.ALERT_WAITING, low.alert.id),
            (MatterKind.ALARM, "A1"),
            (MatterKind.LINK, "fm"),
            (MatterKind.PEER, "2" * 23),
            (MatterKind.HEAD_END, adapter(VILLAGE_A1)),
            (MatterKind.ORDER_OVERDUE, "W2"),
            (MatterKind.ORDER, "W1"),
            (MatterKind.CERTIFICATE, "device"),
        ]
        for language in ("zh", "en"):
            view = ShiftView(int(now), "chen", int(now), None, found, 0, (), 0, LIMIT_S)
            words = as_text(view, language)
            assert all(matter.subject in words for matter in found)
            assert "90/100" in words


async def test_an_alert_that_lost_places_to_a_higher_one_is_told_with_them() -> None:
    async with control_room() as room:
        room.take_in(level=3)
        await asyncio.sleep(1)
        room.take_in(level=1, areas=(VILLAGE_A1,))
        await asyncio.sleep(1)
        found = open_matters(room.core.state, HealthBook(Ways({})), (), (), (), ())
        (lost,) = [matter for matter in found if matter.kind is MatterKind.PREEMPTED]
        assert lost.detail == VILLAGE_A1


# ---- over the API --------------------------------------------------------------------------------------------------


async def test_the_second_person_acknowledges_with_their_own_token(tmp_path: Folder) -> None:
    import hashlib

    operators = Operators({hashlib.sha256(name.encode()).hexdigest(): name for name in ("chen", "liu")})
    async with watch(tmp_path) as duty:
        ledger = duty.room.core.ledger
        office = AlarmOffice(ledger, duty.room.clock, lambda t, v: journaled(ledger, t, v))
        app = application(FakeOperations(), operators, more=routes(duty.desk, office, operators))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ebcd") as http:

            async def post(path: str, who: str, **body: str) -> httpx.Response:
                headers = {"X-Ebcd-Token": who, "Accept-Language": "en"}
                return await http.post(path, content=orjson.dumps(body), headers=headers)

            assert (await post("/v1/shift/take", "eve")).status_code == 401
            assert (await post("/v1/shift/take", "chen")).status_code == 200
            made = await post("/v1/shift/handover", "chen", to="liu", words="all quiet")
            assert (made.status_code, decoded(HandoverRow, made.content).matters) == (201, OPEN)
            wrong = await post("/v1/shift/take", "chen")
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (409, "on_duty_already")
            assert (await post("/v1/shift/notes", "liu", words="")).status_code == 422
            assert (await post("/v1/shift/notes", "liu", words="generator tested")).status_code == 201
            taken = await post("/v1/shift/take", "liu")
            assert decoded(ShiftView, taken.content).on_duty == "liu"
            log = decoded(ShiftLog, (await http.get("/v1/shift/log")).content)
            assert [(row.by, row.to) for row in log.handovers] == [("chen", "liu")]
            ledger.enter(alarm_raised("A1", Sighting(AlarmKind.LINK, "fm"), duty.room.clock.wall()))
            assert (await post("/v1/alarms/A1/acknowledge", "liu")).json()["acknowledged_by"] == "liu"
            assert [row["id"] for row in (await http.get("/v1/alarms")).json()] == ["A1"]
            assert (await http.get("/v1/alarms", params={"rows_max": 0})).status_code == 422
