"""Exchanges, effect, morning and people's words over the operator API, and as tables of the command line."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path as Folder

import httpx
import orjson
import pytest
from rich.console import Console

from devices.link import Path
from ebcd.api import application
from ebcd.api.answers import decoded
from ebcd.api.upward import routes
from ebcd.cli.effects import effects_table, month_table
from ebcd.evaluation.desk import EvaluationDesk
from ebcd.evaluation.effect import Effect, MonthEffect
from ebcd.evaluation.morning import MorningReport, as_text
from ebcd.exchanges import EXCHANGES_MAX, Exchange, ExchangeLog
from ebcd.gateway import Exchanged, Peer
from ebcd.health import HealthBook, Way, Ways
from ebcd.identity import Operators
from ebcd.store import open_store
from protocols.ebd import ResultCode
from protocols.ebd.messages import OmdRequest
from tests.ebcd.county import VILLAGE_A1, Room, control_room
from tests.ebcd.fake_operations import FakeOperations
from tests.virtual_time import VirtualClock

TOKENS = {hashlib.sha256(b"chen").hexdigest(): "chen"}
PEER = Peer("2" * 23, "http://x")


@asynccontextmanager
async def api(folder: Folder, clock: VirtualClock) -> AsyncIterator[tuple[Room, httpx.AsyncClient, ExchangeLog]]:
    store = open_store(f"sqlite:///{folder}/state/ebcd.db", clock=clock, inline=True, fsync=False)
    async with control_room() as room:
        health = HealthBook(Ways(dict.fromkeys(room.codes(), Way(15.0, frozenset({Path.IP})))))
        desk = EvaluationDesk(room.core.ledger, store, room.inventory, health, room.clock, "某县")
        log, operators = ExchangeLog(), Operators(TOKENS)
        app = application(FakeOperations(), operators, more=routes(log, desk, operators))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ebcd") as http:
            yield room, http, log
    store.abandon()


def shown(table: object) -> str:
    page = io.StringIO()
    Console(width=300, file=page).print(table)
    return page.getvalue()


async def test_an_alerts_effect_and_its_month_are_answered_and_shown(tmp_path: Folder, clock: VirtualClock) -> None:
    async with api(tmp_path, clock) as (room, http, _):
        record = room.take_in()
        room.links[Path.IP].silent = set(room.codes()[:3])
        await asyncio.sleep(40)
        answer = await http.get(f"/v1/evaluation/alerts/{record.alert.id}")
        effect = decoded(Effect, answer.content)
        assert (effect.targeted, effect.confirmed, effect.answered_in_time) == (12, 9, True)
        words = shown(effects_table([effect], "en"))
        assert "9/12 75.0 %" in words
        assert "unknown" in words  # no monitor exists
        month = decoded(MonthEffect, (await http.get("/v1/evaluation/months/2025-10")).content)
        assert [each.ebm_id for each in month.alerts] == [record.alert.id]
        assert "9 of 12 confirmed, coverage 75.0 %; answered in time 1 of 1 alerts" in shown(month_table(month, "en"))
        empty = decoded(MonthEffect, (await http.get("/v1/evaluation/months/2020-01")).content)
        assert "本月没有消息" in shown(month_table(empty, "zh"))


async def test_the_morning_report_can_be_asked_for_at_any_time(tmp_path: Folder, clock: VirtualClock) -> None:
    async with api(tmp_path, clock) as (_, http, _log):
        report = decoded(MorningReport, (await http.get("/v1/reports/morning")).content)
        assert (report.county, report.terminals, report.reasons) == ("某县", 12, {"unheard": 12})
        assert "12" in as_text(report, "zh")


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        ("chen", {"place": VILLAGE_A1, "name": "王村长"}, 200),
        ("chen", {"place": VILLAGE_A1, "name": ""}, 422),
        ("chen", {"place": "nowhere", "name": "x"}, 422),
        ("eve", {"place": VILLAGE_A1, "name": "x"}, 401),
    ],
)
async def test_a_persons_word_needs_an_operator_and_a_place(
    tmp_path: Folder, clock: VirtualClock, token: str, body: dict[str, str], status: int
) -> None:
    async with api(tmp_path, clock) as (room, http, _):
        record = room.take_in()
        answer = await http.post(
            f"/v1/alerts/{record.alert.id}/heard", content=orjson.dumps(body), headers={"X-Ebcd-Token": token}
        )
        assert answer.status_code == status
        if status == 200:
            assert decoded(Effect, answer.content).grades.heard == 1


async def test_an_unknown_alert_and_a_month_that_is_none_are_refused(tmp_path: Folder, clock: VirtualClock) -> None:
    async with api(tmp_path, clock) as (_, http, _log):
        assert (await http.get(f"/v1/evaluation/alerts/{'1' * 35}")).status_code == 404
        assert (await http.get("/v1/evaluation/months/2025-77")).status_code == 422


async def test_exchanges_are_listed_behind_a_number_and_the_oldest_are_let_go(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    async with api(tmp_path, clock) as (_, http, log):
        log.writing("10" + "1" * 39, OmdRequest("EBRPSInfo"), "", more=1)
        for number in range(EXCHANGES_MAX + 5):
            ebd_id = "10" + "1" * 39 if number == 0 else f"10{number:039d}"
            log.sent(Exchanged(PEER, ebd_id, 1.0, 0.1, ResultCode.SUCCESS))
        found = decoded(list[Exchange], (await http.get("/v1/exchanges", params={"after": EXCHANGES_MAX})).content)
        assert [each.number for each in found] == list(range(EXCHANGES_MAX + 1, EXCHANGES_MAX + 6))
        assert log.since(0)[0].number == 6
        other = await http.get("/v1/exchanges", params={"peer": "3" * 23})
        assert decoded(list[Exchange], other.content) == []
        first = decoded(list[Exchange], (await http.get("/v1/exchanges")).content)
        assert len(first) == 1000
        assert (await http.get("/v1/exchanges", params={"after": -1})).status_code == 422


async def test_an_exchange_tells_what_its_document_said(clock: VirtualClock) -> None:
    log = ExchangeLog()
    log.writing("10" + "1" * 39, OmdRequest("EBRPSInfo"), "r")
    log.sent(Exchanged(PEER, "10" + "1" * 39, clock.wall(), 0.25, None, "timeout"))
    log.sent(Exchanged(PEER, "01" + "1" * 39, clock.wall(), 0.25, ResultCode.SUCCESS))
    asked, beat = log.since(0)
    assert (asked.type, asked.related, asked.code, asked.facts["omd"]) == ("OMDRequest", "r", None, "EBRPSInfo")
    assert (beat.type, beat.signed, beat.outgoing) == ("ConnectionCheck", False, True)
