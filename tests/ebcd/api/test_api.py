"""The operator API over a real unix socket."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket as sockets
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from ebcd.alert import DrillDepth
from ebcd.api import STATUS, application
from ebcd.http_server import HttpLimits, SocketTaken, on_unix_socket
from ebcd.identity import Operators
from ebcd.operator import Category, Kind
from protocols.cap.codec import WARNING_BYTES_MAX
from tests.ebcd.fake_operations import NOW, FakeOperations, row

pytestmark = pytest.mark.real

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing here is TLS: httpx need not read every authority
TOKENS = {hashlib.sha256(name.encode()).hexdigest(): name for name in ("chen", "wang")}
DRAFT: dict[str, Any] = {
    "level": 2,
    "areas": ["双河镇"],
    "title": "暴雨",
    "text": "请转移到高处。",
    "duration_s": 600,
}


def client(socket: Path, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(socket), verify=NO_AUTHORITIES),
        base_url="http://ebcd",
        headers=headers,
    )


def as_operator(socket: Path, name: str, language: str = "zh") -> httpx.AsyncClient:
    return client(socket, **{"X-Ebcd-Token": name, "Accept-Language": language})


def api(operations: FakeOperations, **bounds: int) -> Any:
    return application(operations, Operators(TOKENS), **bounds)  # type: ignore[arg-type]


async def test_a_draft_reaches_the_core_as_a_frozen_value_with_its_author(tmp_path: Path) -> None:
    operations = FakeOperations()
    body = {
        **DRAFT,
        "category": "drill",
        "drill_depth": "headend",
        "start": NOW + 60,
        "audio": {"name": "siren.mp3", "content": base64.b64encode(b"ID3 sound").decode()},
    }
    async with on_unix_socket(api(operations), tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        answer = await http.post("/v1/alerts", json=body)
    draft, author = operations.drafts[0]
    assert answer.status_code == 201
    assert answer.json()["state"] == "pending"
    assert author == "chen"
    assert (draft.category, draft.drill_depth, draft.start) == (Category.DRILL, DrillDepth.HEADEND, NOW + 60)
    assert draft.audio is not None
    assert draft.audio.content == b"ID3 sound"


async def test_every_fault_of_a_body_is_told_at_once_with_its_field(tmp_path: Path) -> None:
    body = {"level": 9, "areas": [], "title": " ", "duration_s": 0, "colour": "red"}
    async with on_unix_socket(api(FakeOperations()), tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        answer = await http.post("/v1/alerts", json=body)
    told = [answer.json()["error"], *answer.json()["others"]]
    assert answer.status_code == 422
    assert {problem["thing"] for problem in told} == {"level", "areas", "title", "duration_s", "colour"}
    assert next(problem for problem in told if problem["thing"] == "level")["value"] == "9"
    assert all(set(problem) == {"code", "thing", "value", "limit", "next"} for problem in told)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"level": "two"}'])
async def test_bodies_that_are_no_draft_are_refused(tmp_path: Path, body: bytes) -> None:
    async with on_unix_socket(api(FakeOperations()), tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        answer = await http.post("/v1/alerts", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "bad_field"


async def test_a_draft_with_neither_text_nor_sound_is_refused(tmp_path: Path) -> None:
    async with on_unix_socket(api(FakeOperations()), tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        answer = await http.post("/v1/alerts", json={**DRAFT, "text": "  "})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "nothing_to_say"


async def test_i5_a_drill_depth_without_the_category_drill_is_refused(tmp_path: Path) -> None:
    async with on_unix_socket(api(FakeOperations()), tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        answer = await http.post("/v1/alerts", json={**DRAFT, "drill_depth": "platform"})
        drill = await http.post("/v1/alerts", json={**DRAFT, "drill_depth": "platform", "category": "drill"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "depth_without_drill")
    assert drill.status_code == 201


@pytest.mark.parametrize("field", ["level", "duration_s"])
async def test_true_and_texts_are_no_numbers(tmp_path: Path, field: str) -> None:
    async with on_unix_socket(api(FakeOperations()), tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        for value in (True, "1"):
            answer = await http.post("/v1/alerts", json={**DRAFT, field: value})
            assert answer.status_code == 422


async def test_the_authors_own_approval_is_forbidden_and_says_what_to_do_in_the_readers_language(
    tmp_path: Path,
) -> None:
    operations = FakeOperations(rows={row(1).ebm_id: row(1, author="chen")})
    path = f"/v1/alerts/{row(1).ebm_id}/approve"
    async with on_unix_socket(api(operations), tmp_path / "s"):
        async with as_operator(tmp_path / "s", "chen", "zh") as http:
            chinese = await http.post(path)
        async with as_operator(tmp_path / "s", "chen", "en") as http:
            english = await http.post(path)
        async with as_operator(tmp_path / "s", "wang") as http:
            other = await http.post(path)
    assert chinese.status_code == english.status_code == 403
    assert chinese.json()["error"]["next"] == "请由另一位操作员审批。"
    assert english.json()["error"]["next"] == "Another operator must approve it."
    assert (other.status_code, other.json()["state"]) == (200, "waiting")


async def test_each_kind_of_refusal_has_its_http_status(tmp_path: Path) -> None:
    waiting = row(1)
    operations = FakeOperations(rows={waiting.ebm_id: waiting})
    async with on_unix_socket(api(operations), tmp_path / "s"), as_operator(tmp_path / "s", "wang") as http:
        missing = await http.get("/v1/alerts/404")
        await http.post(f"/v1/alerts/{waiting.ebm_id}/approve")
        again = await http.post(f"/v1/alerts/{waiting.ebm_id}/approve")
        outside = await http.post("/v1/alerts", json={**DRAFT, "areas": ["350000"]})
        page = await http.get("/v2/alerts")
        method = await http.delete("/v1/alerts")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_such_alert")
    assert (again.status_code, again.json()["error"]["next"]) == (409, "Look first.")
    assert (outside.status_code, outside.json()["error"]["value"]) == (422, "350000")
    assert (page.status_code, page.json()["error"]["code"]) == (404, "no_such_page")
    assert method.status_code == 405


async def test_a_stranger_may_look_but_not_act(tmp_path: Path) -> None:
    operations = FakeOperations()
    async with on_unix_socket(api(operations), tmp_path / "s"), client(tmp_path / "s") as http:
        looked = await http.get("/v1/links")
        acted = await http.post("/v1/alerts/all/cancel")
        guessed = await http.get("/v1/links", headers={"X-Ebcd-Token": "guess"})
    assert looked.status_code == 200
    assert (acted.status_code, acted.json()["error"]["value"]) == (401, f"uid {os.getuid()}")
    assert guessed.status_code == 401
    assert operations.acts == []


async def test_whoever_could_end_the_daemon_may_reload_it_and_a_wrong_token_may_not(tmp_path: Path) -> None:
    operations = FakeOperations()
    async with on_unix_socket(api(operations), tmp_path / "s"), client(tmp_path / "s") as http:
        done = await http.post("/v1/reload")
        refused = await http.post("/v1/reload", headers={"X-Ebcd-Token": "guess"})
    assert (done.status_code, done.json()["certificates"]) == (200, 4)
    assert refused.status_code == 401
    assert operations.acts == [("reload", f"uid {os.getuid()}")]


async def test_the_peer_of_the_socket_is_the_actor_where_its_uid_is_known(tmp_path: Path) -> None:
    operations = FakeOperations()
    app = application(operations, Operators(by_uid={os.getuid(): "duty officer"}))
    async with on_unix_socket(app, tmp_path / "s"), client(tmp_path / "s") as http:
        await http.post("/v1/alerts/all/cancel")
    assert operations.acts == [("cancel", "duty officer", "all")]


async def test_a_body_over_the_limit_is_refused_by_its_announced_length_or_when_it_grows(tmp_path: Path) -> None:
    async def growing() -> Any:
        for _ in range(64):
            yield b" " * 1000

    app = api(FakeOperations(), body_bytes_max=10_000)
    async with on_unix_socket(app, tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        announced = await http.post("/v1/alerts", content=b" " * 10_001)
        chunked = await http.post("/v1/alerts", content=growing())
        fits = await http.post("/v1/alerts", json=DRAFT)
    assert announced.status_code == chunked.status_code == 413
    assert announced.json()["error"]["limit"] == "10000 bytes"
    assert fits.status_code == 201


async def test_a_defect_is_told_as_uncertain_and_the_next_request_is_served(tmp_path: Path) -> None:
    operations = FakeOperations(defect=True)
    async with on_unix_socket(api(operations), tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        broken = await http.post("/v1/alerts", json=DRAFT)
        served = await http.get("/v1/status")
    assert (broken.status_code, broken.json()["error"]["code"]) == (500, "defect")
    assert broken.json()["error"]["value"] == "ZeroDivisionError"
    assert served.json()["now"] == NOW


async def test_lists_are_filtered_and_unknown_query_names_refused(tmp_path: Path) -> None:
    operations = FakeOperations(rows={row(n).ebm_id: row(n) for n in range(1, 4)})
    async with on_unix_socket(api(operations), tmp_path / "s"), client(tmp_path / "s") as http:
        two = await http.get("/v1/alerts", params={"state": "pending", "rows_max": 2})
        none = await http.get("/v1/alerts", params={"state": "done"})
        offline = await http.get("/v1/terminals", params={"state": "offline"})
        wrong = await http.get("/v1/terminals", params={"sate": "offline"})
        many = await http.get("/v1/terminals", params={"rows_max": 10**9})
    assert [found["ebm_id"] for found in two.json()] == [row(3).ebm_id, row(2).ebm_id]
    assert none.json() == []
    assert offline.json()["total"] == 1
    assert (wrong.status_code, many.status_code) == (422, 422)


async def test_the_socket_file_is_private_to_its_group_and_gone_afterwards(tmp_path: Path) -> None:
    async with on_unix_socket(api(FakeOperations()), tmp_path / "run" / "s"):
        mode = (tmp_path / "run" / "s").stat().st_mode & 0o777
    assert mode == 0o660
    assert not (tmp_path / "run" / "s").exists()


async def test_a_second_daemon_is_refused_and_a_dead_ones_socket_is_replaced(tmp_path: Path) -> None:
    dead = sockets.socket(sockets.AF_UNIX)
    dead.bind(str(tmp_path / "s"))
    dead.close()
    async with on_unix_socket(api(FakeOperations()), tmp_path / "s"):
        with pytest.raises(SocketTaken, match="another ebcd"):
            async with on_unix_socket(api(FakeOperations()), tmp_path / "s"):
                raise AssertionError("it must not start")
        async with client(tmp_path / "s") as http:
            assert (await http.get("/v1/status")).status_code == 200


async def test_an_idle_connection_gives_its_place_to_one_that_asks(tmp_path: Path) -> None:
    limits = HttpLimits(connections_max=1)
    async with on_unix_socket(api(FakeOperations()), tmp_path / "s", limits), client(tmp_path / "s") as first:
        assert (await first.get("/v1/status")).status_code == 200
        async with client(tmp_path / "s") as second:
            assert (await second.get("/v1/status")).status_code == 200


async def test_a_connection_that_never_asks_is_closed(tmp_path: Path) -> None:
    limits = HttpLimits(head_timeout_s=0.05)
    async with on_unix_socket(api(FakeOperations()), tmp_path / "s", limits):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(b"GET /v1/status HTTP/1.1\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await writer.wait_closed()


async def test_a_request_on_its_way_is_finished_before_the_socket_closes(tmp_path: Path) -> None:
    operations = FakeOperations()
    inside, released = asyncio.Event(), asyncio.Event()

    async def slow_links() -> tuple[()]:
        inside.set()
        await released.wait()
        return ()

    operations.links = slow_links  # type: ignore[method-assign]
    async with (
        client(tmp_path / "s") as http,
        asyncio.TaskGroup() as group,
        on_unix_socket(api(operations), tmp_path / "s"),
    ):
        asked = group.create_task(http.get("/v1/links"))
        await inside.wait()
        asyncio.get_running_loop().call_later(0.05, released.set)  # after the listener was told to end
    assert asked.result().status_code == 200


def test_every_kind_of_refusal_has_a_status() -> None:
    assert set(STATUS) == set(Kind)


async def test_a_warning_is_taken_as_it_came_and_no_longer_than_its_limit(tmp_path: Path) -> None:
    operations = FakeOperations()
    async with on_unix_socket(api(operations), tmp_path / "s"), as_operator(tmp_path / "s", "chen") as http:
        preview = await http.post("/v1/warnings/preview", content=b"<alert/>")
        taken = await http.post("/v1/warnings", content=b"<alert/>")
        long = await http.post("/v1/warnings", content=b" " * (WARNING_BYTES_MAX + 1))
    assert (preview.status_code, taken.status_code, long.status_code) == (200, 201, 413)
    assert operations.acts == [("preview_warning", "chen"), ("submit_warning", "chen")]


async def test_i1_nobody_hands_in_a_warning_without_a_name(tmp_path: Path) -> None:
    operations = FakeOperations()
    async with on_unix_socket(api(operations), tmp_path / "s"), as_operator(tmp_path / "s", "eve") as http:
        answer = await http.post("/v1/warnings", content=b"<alert/>")
    assert answer.status_code == 401
    assert operations.acts == []
