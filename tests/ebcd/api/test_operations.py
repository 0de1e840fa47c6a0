"""Operators' wishes from JSON to the core and back, in virtual time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from devices.link import Path
from ebcd.alert import Media
from ebcd.alert_desk import Identity
from ebcd.alert_desk import Room as OperationsRoom
from ebcd.api import application
from ebcd.api.answers import decoded
from ebcd.health import HealthBook, Way, Ways
from ebcd.identity import Operators
from ebcd.operations import CountyOperations
from ebcd.operator import AlertDetail, AlertRow, LinkRow, Preview, Status, TerminalPage
from ebcd.orders import Volumes
from ebcd.reach import Reach
from ebcd.views import Views
from protocols.codes import ResourceCode
from tests.ebcd.county import COUNTY, RULES, TOWN_A, Room, control_room

TOKENS = {hashlib.sha256(name.encode()).hexdigest(): name for name in ("chen", "liu", "wang")}
PLATFORM = ResourceCode("43499010000000101010101")
DRAFT: dict[str, Any] = {"level": 2, "areas": [TOWN_A], "title": "暴雨", "text": "转移。", "duration_s": 60}


class SilentSounds:
    """Every file is sound, every text can be spoken."""

    async def keep(self, data: bytes, name: str, digest: str) -> Media:
        return Media("1" * 64, name, len(data), False)

    async def speak(self, text: str, *, alarm: bool) -> Media:
        return Media("2" * 64, "spoken.mp3", len(text), True)


@asynccontextmanager
async def desk() -> AsyncIterator[tuple[Room, httpx.AsyncClient]]:
    """A control room and a client that belongs to nobody: `by` names the operator."""
    async with control_room() as room:
        health = HealthBook(Ways(dict.fromkeys(room.codes(), Way(15.0))))
        reach = Reach(room.inventory.adapter_of)
        volumes = Volumes(100, 255)
        views = Views(room.inventory, reach, health, RULES.approvals, volumes)
        links = tuple(("recording", link) for link in room.links.values())
        inside = OperationsRoom(
            room.core, room.inventory, health, views, SilentSounds(), volumes, links, lambda: (), lambda: 0
        )
        operations = CountyOperations(Identity(PLATFORM, "某县", COUNTY, "0", room.clock.wall()), inside)
        transport = httpx.ASGITransport(application(operations, Operators(TOKENS)))
        async with httpx.AsyncClient(transport=transport, base_url="http://ebcd") as http:
            yield room, http


def by(name: str) -> dict[str, str]:
    return {"X-Ebcd-Token": name, "Accept-Language": "en"}


async def sent(http: httpx.AsyncClient, **changes: Any) -> AlertRow:
    answer = await http.post("/v1/alerts", json=DRAFT | changes, headers=by("chen"))
    assert answer.status_code == 201, answer.text
    return decoded(AlertRow, answer.content)


@pytest.mark.requirement("R-PLT-08", "R-X-02")
async def test_i1_nothing_is_started_before_somebody_else_approves() -> None:
    async with desk() as (room, http):
        row = await sent(http)
        await asyncio.sleep(5)
        assert room.links[Path.IP].commands == []
        own = await http.post(f"/v1/alerts/{row.ebm_id}/approve", headers=by("chen"))
        assert (own.status_code, own.json()["error"]["code"]) == (403, "own_approval")
        await asyncio.sleep(5)
        assert room.links[Path.IP].commands == []
        other = await http.post(f"/v1/alerts/{row.ebm_id}/approve", headers=by("liu"))
        assert other.status_code == 200
        await asyncio.sleep(1)
        shown = decoded(AlertDetail, (await http.get(f"/v1/alerts/{row.ebm_id}")).content)
    assert (row.state, shown.row.state) == ("pending", "on_air")
    assert (shown.row.counts.targeted, shown.row.counts.confirmed) == (8, 8)
    assert shown.row.counts.adds_up
    assert [decision.actor for decision in shown.decisions] == ["liu"]


async def test_a_preview_changes_nothing_and_tells_who_would_hear() -> None:
    async with desk() as (room, http):
        answer = await http.post("/v1/preview", json=DRAFT | {"areas": [TOWN_A, "350000"]}, headers=by("chen"))
        listed = await http.get("/v1/alerts")
        told = decoded(Preview, answer.content)
        assert room.journal.events == []
    assert listed.json() == []
    assert (told.targeted, told.volume, told.approvals) == (8, 100, 1)
    assert [(path.path, path.terminals) for path in told.by_path] == [("ip", 8)]
    assert [area.area for area in told.dropped] == ["350000000000"]


async def test_a_rejected_alert_never_sounds_and_keeps_the_reason() -> None:
    async with desk() as (room, http):
        row = await sent(http)
        answer = await http.post(f"/v1/alerts/{row.ebm_id}/reject", json={"reason": "wrong town"}, headers=by("liu"))
        again = await http.post(f"/v1/alerts/{row.ebm_id}/approve", headers=by("wang"))
        await asyncio.sleep(5)
        assert room.links[Path.IP].commands == []
    assert (answer.json()["state"], answer.json()["note"]) == ("rejected", "wrong town")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_pending")


async def test_i12_cancel_all_stops_what_plays_and_what_waits() -> None:
    async with desk() as (room, http):
        playing, waiting = await sent(http), await sent(http, start=int(room.clock.wall()) + 600)
        for row in (playing, waiting):
            await http.post(f"/v1/alerts/{row.ebm_id}/approve", headers=by("liu"))
        await asyncio.sleep(1)
        stopped = await http.post("/v1/alerts/all/cancel", headers=by("wang"))
        await asyncio.sleep(1)
        listed = await http.get("/v1/alerts")
    assert {row["ebm_id"] for row in stopped.json()} == {playing.ebm_id, waiting.ebm_id}
    assert {row["state"] for row in listed.json()} == {"cancelled"}


async def test_i2_areas_that_are_not_ours_are_refused_and_an_empty_list_too() -> None:
    async with desk() as (_room, http):
        outside = await http.post("/v1/alerts", json=DRAFT | {"areas": ["350000"]}, headers=by("chen"))
        unknown = await http.post("/v1/alerts", json=DRAFT | {"areas": ["Atlantis"]}, headers=by("chen"))
        none = await http.post("/v1/alerts", json=DRAFT | {"areas": []}, headers=by("chen"))
        odd = await http.post("/v1/alerts", json=DRAFT | {"areas": ["3499011"]}, headers=by("chen"))
    codes = [answer.json()["error"]["code"] for answer in (outside, unknown, none, odd)]
    assert codes == ["no_area_of_ours", "unknown_area", "bad_field", "bad_area_code"]
    assert {answer.status_code for answer in (outside, unknown, none, odd)} == {422}


async def test_everything_that_can_be_looked_at_is_json_of_its_own_values() -> None:
    async with desk() as (room, http):
        await sent(http)
        status = decoded(Status, (await http.get("/v1/status")).content)
        links = decoded(list[LinkRow], (await http.get("/v1/links")).content)
        page = decoded(TerminalPage, (await http.get("/v1/terminals", params={"rows_max": 3})).content)
        assert status.now == int(room.clock.wall())
    assert (status.platform_code, status.alerts) == (PLATFORM, {"pending": 1})
    assert [link.path for link in links] == [path.value for path in Path]
    assert (len(page.rows), page.total) == (3, 12)
