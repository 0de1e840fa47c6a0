"""Work orders over the operator API, from the county's own inventory; and the month they made."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import pytest

from ebcd.api import application
from ebcd.api.answers import decoded
from ebcd.api.orders import routes
from ebcd.archive import Archive, Record
from ebcd.facts import Fact
from ebcd.health import Condition, DeviceHealth
from ebcd.identity import Operators
from ebcd.operator import Actor
from ebcd.workorders import Crew, Desk, Finding, OrderEvent, OrderRule, Trouble
from ebcd.workorders.book import WorkBook, order_opened
from ebcd.workorders.crews import Payer, payer
from ebcd.workorders.office import STEPS, OrderDetail, OrderRow, WorkOffice
from ebcd.workorders.statistics import Line, all_of, month_of, statistics
from protocols.codes import ResourceCode
from tests.ebcd.county import COUNTY, VILLAGE_A1, VILLAGE_B1, Room, control_room, terminal
from tests.ebcd.fake_operations import FakeOperations

TOKENS = {hashlib.sha256(name.encode()).hexdigest(): name for name in ("chen", "li")}
HORN = terminal(VILLAGE_A1, 1)
OPENED_AT = 1_760_000_000.0


def by(name: str) -> dict[str, str]:
    """An operator who reads English."""
    return {"X-Ebcd-Token": name, "Accept-Language": "en"}


@asynccontextmanager
async def office() -> AsyncIterator[tuple[Room, Desk, httpx.AsyncClient]]:
    """A county's desk and a client of its API."""
    async with control_room() as room:
        crews = (Crew("一班", (COUNTY,)),)
        health = DeviceHealth()

        def enter(fact: Fact) -> None:
            room.core.ledger.enter(fact)

        def health_of(_code: ResourceCode) -> DeviceHealth:
            return health

        desk = Desk(room.core.state.work, enter, health_of, COUNTY, crews, OrderRule(), lambda _code: 0.0)
        operators = Operators(TOKENS)
        work = WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark)
        app = application(FakeOperations(), operators, more=routes(work, operators))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ebcd") as http:
            yield room, desk, http


async def reported(http: httpx.AsyncClient, subject: str = HORN) -> OrderRow:
    """A villager's report, taken in by chen."""
    answer = await http.post("/v1/orders", json={"subject": subject, "words": "no sound"}, headers=by("chen"))
    assert answer.status_code == 201, answer.text
    return decoded(OrderRow, answer.content)


async def test_a_report_names_the_device_the_crew_and_what_to_bring() -> None:
    async with office() as (_, _, http):
        row = await reported(http)
        assert (row.trouble, row.root, row.crew, row.state, row.source) == ("reported", HORN, "一班", "open", "chen")
        assert (row.bring, row.why, row.devices) == ("look", "no sound", 1)
        listed = decoded(list[OrderRow], (await http.get("/v1/orders", headers=by("li"))).content)
        assert [each.id for each in listed] == [row.id]


async def test_the_number_painted_on_the_pole_is_enough() -> None:
    async with office() as (room, _, http):
        painted = HORN[-8:]
        alike = [code for code in room.codes() if code[-8:] == painted]
        answer = await http.post("/v1/orders", json={"subject": painted}, headers=by("chen"))
        assert answer.status_code == (201 if len(alike) == 1 else 422)
        if len(alike) > 1:
            assert answer.json()["error"]["code"] == "ambiguous_device"


async def test_every_step_has_its_actor_and_is_on_disk_before_the_answer() -> None:
    async with office() as (room, _, http):
        row = await reported(http)
        for step, who in (("accept", "li"), ("arrive", "li"), ("mend", "li"), ("prove", "chen")):
            answer = await http.post(f"/v1/orders/{row.id}/{step}", json={"note": step}, headers=by(who))
            assert answer.status_code == 200, answer.text
            assert room.journal.events[-1].kind == "order.moved"
        detail = decoded(OrderDetail, (await http.get(f"/v1/orders/{row.id}", headers=by("li"))).content)
        assert [(s.what, s.actor) for s in detail.history] == [
            ("opened", "chen"),
            ("accept", "li"),
            ("arrive", "li"),
            ("mend", "li"),
            ("prove", "chen"),
        ]
        assert (detail.row.state, detail.device_names) == ("closed", (detail.row.root_name,))
        listed = await http.get("/v1/orders", headers=by("li"))
        assert listed.json() == []


async def test_what_cannot_be_done_is_refused_by_name() -> None:
    async with office() as (_, _, http):
        row = await reported(http)

        async def code(method: str, path: str, body: dict[str, Any] | None = None, who: str = "li") -> tuple[int, str]:
            answer = await http.request(method, path, json=body, headers=by(who))
            return answer.status_code, answer.json()["error"]["code"]

        assert await code("POST", f"/v1/orders/{row.id}/dance", {}) == (422, "no_such_step")
        assert await code("POST", "/v1/orders/W209901010001/accept", {}) == (404, "no_such_order")
        assert await code("GET", "/v1/orders/W209901010001") == (404, "no_such_order")
        assert await code("POST", f"/v1/orders/{row.id}/arrive", {}) == (409, "step_out_of_turn")
        assert await code("POST", "/v1/orders", {"subject": "nowhere"}) == (422, "unknown_device")
        assert await code("POST", f"/v1/orders/{row.id}/accept", {}, "stranger") == (401, "bad_token")
        assert await code("POST", f"/v1/orders/{row.id}/note", {"note": " "}) == (422, "bad_field")
        assert await code("GET", "/v1/orders/statistics?month=lately") == (422, "bad_field")


async def test_a_month_shows_how_long_things_took_and_whose_they_were() -> None:
    async with office() as (room, desk, http):
        now = room.clock.wall()
        for minutes, trouble in ((10, Trouble.DEVICE), (30, Trouble.DEVICE), (60, Trouble.HEAD_END)):
            desk.reconcile([Finding(trouble, f"{trouble}{minutes}", (f"{minutes}",), "")], now)
            order = desk.book.live()[-1]
            desk.step(order.id, OrderEvent.ACCEPT, now + 60, "li")
            desk.step(order.id, OrderEvent.ARRIVE, now + 60 * minutes, "li")
            desk.step(order.id, OrderEvent.MEND, now + 120 * minutes, "li")
        answer = await http.get(f"/v1/orders/statistics?month={month_of(now)}", headers=by("li"))
        lines = {(line.group, line.value): line for line in decoded(list[Line], answer.content)}
        assert (lines["all", ""].orders, lines["all", ""].arrive_s, lines["all", ""].mend_s) == (3, 1800, 3600)
        assert (lines["trouble", "device"].orders, lines["trouble", "device"].arrive_s) == (2, 1200)
        assert lines["crew", "一班"].orders == 3
        assert lines["model", ""].orders == 3
        assert lines["all", ""].notice_s is None, "nobody knows since when"
        nothing = decoded(list[Line], (await http.get("/v1/orders/statistics?month=1999-01", headers=by("li"))).content)
        assert [(line.orders, line.mend_s) for line in nothing] == [(0, None)]


def test_a_month_is_told_by_model_where_an_orders_devices_are_of_one() -> None:
    book = WorkBook()
    for number, devices in enumerate((("a1",), ("a2", "a3"), ("a1", "b1"), ("unknown",))):
        finding = Finding(Trouble.DEVICE, f"root{number}", devices, since=OPENED_AT - 60.0 * (number + 1))
        book.apply(order_opened(f"W{number}", finding, "349901000000", "", OPENED_AT, "daemon"))
    lines = statistics(book.orders.values(), month_of(OPENED_AT), lambda code: "A-30" if code[0] == "a" else "")
    models = {line.value: (line.orders, line.notice_s) for line in lines if line.group == "model"}
    assert models == {"A-30": (2, 90.0), "": (2, 210.0)}
    assert all_of(book.orders.values(), month_of(OPENED_AT)) == lines[0]


def test_a_month_begins_and_ends_at_midnight_in_beijing() -> None:
    book = WorkBook()
    december = 1_796_054_400.0  # 2026-12-01 00:00:00 +08:00
    for number, at in enumerate((december - 1.0, december, december + 31 * 86_400 - 1.0, december + 31 * 86_400)):
        finding = Finding(Trouble.DEVICE, f"root{number}", ("a1",), since=at)
        book.apply(order_opened(f"W{number}", finding, "349901000000", "", at, "daemon"))
    counts = [all_of(book.orders.values(), month).orders for month in ("2026-11", "2026-12", "2027-01")]
    assert counts == [1, 2, 1]


def test_every_step_of_people_is_in_the_table() -> None:
    assert set(STEPS.values()) <= set(OrderEvent)


async def test_the_number_on_the_pole_names_every_device_that_hangs_there() -> None:
    async with office() as (room, _, http):
        neighbour = terminal(VILLAGE_A1, 2)
        room.inventory.archive = Archive({HORN: Record(pole="0412"), neighbour: Record(pole="0412")})
        assert (await reported(http, "0412")).devices == 2


async def test_villages_that_number_their_poles_alike_are_told_apart_by_who_reports_or_not_at_all() -> None:
    async with office() as (room, desk, http):
        elsewhere = terminal(VILLAGE_B1, 1)
        room.inventory.archive = Archive({HORN: Record(pole="0412"), elsewhere: Record(pole="0412")})
        answer = await http.post("/v1/orders", json={"subject": "0412"}, headers=by("chen"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ambiguous_device")
        work = WorkOffice(desk, room.inventory, room.clock, room.core.ledger.mark)
        row = await work.report("0412", "no sound", Actor("wang", "sms"), near=VILLAGE_B1)
        assert row.root == elsewhere
        row = await work.report(HORN[-8:], "no sound", Actor("wang", "sms"), near=VILLAGE_A1)
        assert row.root == HORN, "the code's last digits repeat in every village"


@pytest.mark.parametrize(
    ("ends", "pays", "suppliers"),
    [
        ((date(2030, 1, 1), date(2030, 1, 1)), "supplier", ("A 厂", "B 厂")),
        ((date(2030, 1, 1), date(2020, 1, 1)), "partly", ("A 厂",)),
        ((date(2020, 1, 1), None), "owner", ()),
        ((None, None), "unknown", ()),
    ],
)
async def test_an_order_says_who_pays(
    ends: tuple[date | None, date | None], pays: str, suppliers: tuple[str, ...]
) -> None:
    async with office() as (room, _, http):
        first = Record(pole="0412", guarantee_until=ends[0], supplier="A 厂")
        second = Record(pole="0412", guarantee_until=ends[1], supplier="B 厂")
        room.inventory.archive = Archive({HORN: first, terminal(VILLAGE_A1, 2): second})
        row = await reported(http, "0412")
        assert (row.pays, row.suppliers) == (pays, suppliers)


def test_no_guarantee_pays_for_what_is_no_device() -> None:
    assert payer(Trouble.SIM_BATCH, [date(2030, 1, 1)], date(2026, 1, 1)) is Payer.OWNER
    assert payer(Trouble.FAULT, [date(2026, 1, 1)], date(2026, 1, 1)) is Payer.SUPPLIER, "its last day counts"


async def test_nobodys_ear_closes_what_a_device_says_is_broken() -> None:
    async with office() as (_, desk, http):
        row = await reported(http)
        desk._health_of(HORN).condition = Condition.OFFLINE
        desk.step(row.id, OrderEvent.ACCEPT, row.opened, "li")
        answer = await http.post(f"/v1/orders/{row.id}/prove", json={}, headers=by("chen"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "devices_disagree")
        desk._health_of(HORN).condition = Condition.ONLINE
        answer = await http.post(f"/v1/orders/{row.id}/prove", json={}, headers=by("chen"))
        assert decoded(OrderRow, answer.content).state == "closed"
