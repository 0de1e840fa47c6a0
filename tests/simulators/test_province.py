"""The simulated province on real sockets: a county of the same parts answers it."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from protocols.ebd import ResultCode, decode, unpack
from protocols.ebd.messages import Coverage, EbdNotify, EbmStateRequest, EbmStateResponse
from protocols.ebd.reports import EbrdtState, ResourceState
from simulators.clock import SystemClock
from simulators.county import main as county_main
from simulators.province import Province
from simulators.province_config import ProvinceConfig, load
from simulators.province_http import Poster, Reply, listening
from simulators.province_inbox import Inbox
from simulators.province_orders import BadCommand, command_of
from simulators.province_packages import Composer
from tests.simulators.province_pair import SetClock, composer, pair

pytestmark = pytest.mark.real

Event = dict[str, Any]


class Bench:
    """A province, a county on a free port, and everything both were told."""

    def __init__(self, rng: random.Random, county_port: int) -> None:
        province, self.county_config = pair(rng, county_url=f"http://127.0.0.1:{county_port}/any/path")
        self.events: list[Event] = []
        self.province = Province(province, SystemClock(), rng.randbytes, self.events.append)
        self.county_inbox = Inbox(self.county_config, SystemClock())
        self.county: Composer = composer(self.county_config, SetClock(), rng)
        self.received: list[Any] = []
        self._rng = rng

    def take(self, content_type: str, body: bytes) -> Reply:
        """The county's side of a POST."""
        verdict = self.county_inbox.take(content_type, body)
        if verdict.code is ResultCode.SUCCESS:
            self.received.append(verdict.events[0])
        receipt = self.county.receipt(verdict.code, verdict.desc, verdict.envelope)
        return Reply(receipt.archive, receipt.file_name)

    async def tell(self, **command: object) -> Event:
        """Give the province a command and return what it told last."""
        await self.province.execute(command_of(command, 1))
        return self.events[-1]

    def poster(self, port: int) -> Poster:
        """The county's client."""
        return Poster(f"http://127.0.0.1:{port}/", SystemClock(), self._rng.randbytes)


@asynccontextmanager
async def bench(rng: random.Random) -> AsyncIterator[Bench]:
    county: list[Bench] = []
    async with listening(lambda kind, body: county[0].take(kind, body), "127.0.0.1", 0) as port:
        county.append(Bench(rng, port))
        yield county[0]


async def test_a_message_is_posted_and_its_receipt_told_with_the_time_of_the_last_byte(rng: random.Random) -> None:
    async with bench(rng) as room:
        before = SystemClock().wall()
        receipt = await room.tell(cmd="ebm", tag="s1", title="暴雨", with_audio=1.0, serial=1)
        after = SystemClock().wall()
    assert (receipt["event"], receipt["tag"], receipt["code"]) == ("receipt", "s1", 1)
    assert receipt["related"] == receipt["ebdid"]
    assert before <= receipt["posted_at"] <= after
    assert 0 < receipt["took_s"] < 10
    assert room.received[0]["ebdid"] == receipt["ebdid"]


async def test_faulty_packages_reach_the_county_as_they_were_meant(rng: random.Random) -> None:
    codes = {}
    async with bench(rng) as room:
        for fault in ("wrong_signature", "tampered", "unsigned", "dest", "no_area", "empty_area", "expired"):
            codes[fault] = (await room.tell(cmd="ebm", fault=fault))["code"]
    assert codes == {
        "wrong_signature": 4,
        "tampered": 4,
        "unsigned": 4,
        "dest": 5,
        "no_area": 3,
        "empty_area": 3,
        "expired": 1,
    }


async def test_the_very_same_bytes_are_posted_again_under_the_same_number(rng: random.Random) -> None:
    async with bench(rng) as room:
        first = await room.tell(cmd="ebm", tag="s1")
        again = await room.tell(cmd="repost", tag="s2", of="s1")
        patched = await room.tell(cmd="repost", tag="s3", of="s1", sigtime="patched")
        with pytest.raises(BadCommand, match="nothing was posted"):
            await room.tell(cmd="repost", of="never")
    assert again["ebdid"] == patched["ebdid"] == first["ebdid"]
    assert [event["event"] for event in room.received] == ["package", "duplicate", "duplicate"]


async def test_requests_and_heartbeats_are_posted(rng: random.Random) -> None:
    async with bench(rng) as room:
        await room.tell(cmd="state_request", ebmid="9" * 35)
        await room.tell(cmd="omd", type="EBRDTState", report="Incremental")
        await room.tell(cmd="heartbeat")
    assert [event["type"] for event in room.received] == ["EBMStateRequest", "OMDRequest", "ConnectionCheck"]


async def test_a_county_that_is_not_there_is_told_as_no_receipt(rng: random.Random) -> None:
    province, _county = pair(rng, county_url="http://127.0.0.1:9/")
    events: list[Event] = []
    await Province(province, SystemClock(), rng.randbytes, events.append).execute(command_of({"cmd": "ebm"}, 1))
    assert events[0]["code"] is None
    assert "ConnectError" in events[0]["error"]


async def test_feedback_becomes_events_with_all_counts(rng: random.Random) -> None:
    ebm_id = "9" * 35
    coverage = Coverage(0.98, ("349901000000",), (1, 105, 1, 2224))
    async with bench(rng) as room, listening(room.province.take, "127.0.0.1", 0) as port:
        poster = room.poster(port)
        state = EbmStateResponse(1_790_000_000, ebm_id, 2, "播发中", coverage)
        related = "10" + "2" * 39
        receipt = await poster.post(room.county.document(state, related=related))
        items = (ResourceState(1_790_000_000, "63499010012030314010401", 3, "offline"),)
        await poster.post(room.county.document(EbrdtState(items)))
        await poster.post(room.county.document(EbdNotify(ResultCode.CONTENT_MISSING, "unknown")))
        await poster.post(room.county.heartbeat())
    assert receipt.code == 1
    told, terminals, notify, heartbeat = room.events
    assert (told["event"], told["ebmid"], told["code"], told["related"]) == ("state", ebm_id, 2, related)
    assert told["coverage"] == {"rate": 0.98, "areas": ["349901000000"], "used": [1, 105, 1, 2224]}
    assert terminals["items"] == [{"code": "63499010012030314010401", "state": 3, "desc": "offline"}]
    assert (notify["event"], notify["code"]) == ("notify", 3)
    assert heartbeat["event"] == "heartbeat"
    assert json.loads(json.dumps(room.events)) == room.events


async def test_the_province_fails_when_told_so_and_then_takes_the_same_package(rng: random.Random) -> None:
    async with bench(rng) as room, listening(room.province.take, "127.0.0.1", 0) as port:
        poster = room.poster(port)
        parcel = room.county.document(EbmStateResponse(1, "9" * 35, 3))
        await room.province.execute(command_of({"cmd": "answer", "code": 5}, 1))
        await room.province.execute(command_of({"cmd": "answer", "status": 503}, 2))
        beat = await poster.post(room.county.heartbeat())
        refused = await poster.post(parcel)
        async with httpx.AsyncClient(trust_env=False) as http:
            unavailable = await http.post(f"http://127.0.0.1:{port}/", content=parcel.archive)
        taken = await poster.post(parcel)
    assert (beat.code, refused.code, unavailable.status_code, taken.code) == (1, 5, 503, 1)
    assert [event["event"] for event in room.events] == ["heartbeat", "state"]


async def test_receipts_are_signed_packages_that_name_what_they_answer(rng: random.Random) -> None:
    async with bench(rng) as room, listening(room.province.take, "127.0.0.1", 0) as port:
        parcel = room.county.document(EbmStateRequest("9" * 35))
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"http://127.0.0.1:{port}/x/y.htm", content=parcel.archive)
    package = unpack(answer.content)
    assert answer.headers["content-type"] == "application/x-tar"
    assert answer.headers["content-disposition"] == f'attachment; filename="EBDT_{package.ebd_id}.tar"'
    assert package.signature_xml is not None
    assert decode(package.xml).envelope.related_ebd_id == parcel.ebd_id


async def test_the_process_reads_the_countys_folder_obeys_lines_and_ends_with_stdin(tmp_path: Path) -> None:
    assert county_main(["--out", str(tmp_path), "--terminals", "20", "--seed", "3", "--base-port", "0"]) == 0
    config = load(tmp_path)
    facts_file = tmp_path / "sim" / "fleet.json"
    facts = json.loads(facts_file.read_text(encoding="utf-8"))
    received: list[Any] = []
    inbox = Inbox(_as_county(config), SystemClock())
    county = Composer(_as_county(config), SystemClock(), config.key)

    def take(kind: str, body: bytes) -> Reply:
        verdict = inbox.take(kind, body)
        received.append(verdict.envelope.ebd_type if verdict.envelope else "")
        receipt = county.receipt(verdict.code, verdict.desc, verdict.envelope)
        return Reply(receipt.archive, receipt.file_name)

    async with listening(take, "127.0.0.1", 0) as port:
        facts["endpoints"]["upstream"] = ["127.0.0.1", port]
        facts["endpoints"]["province"] = ["127.0.0.1", 0]
        facts_file.write_text(json.dumps(facts), encoding="utf-8")
        told, status = await _run(tmp_path, ['{"cmd": "ebm", "tag": "s1"}', "rain", '{"cmd": "ebm", "hue": 1}'])
    assert status == 0
    assert told[0]["event"] == "ready"
    assert {event["tag"]: event["event"] for event in told[1:]} == {"s1": "receipt", "2": "error", "3": "error"}
    assert received == ["EBM"]


def _as_county(config: ProvinceConfig) -> ProvinceConfig:
    """The province's own facts turned round; the county's messages are signed with the province's key here."""
    own = replace(config.county.certificate, number=config.certificate, public_key=config.key.public.raw)
    above = replace(config.county, code=config.code, certificate=own)
    return replace(config, code=config.county.code, county=above)


async def _run(folder: Path, lines: list[str]) -> tuple[list[Event], int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulators", "province", "--dir", str(folder), "--heartbeat-s", "0"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _err = await asyncio.wait_for(process.communicate("\n".join(lines).encode() + b"\n"), 60)
    assert process.returncode is not None
    return [json.loads(line) for line in out.splitlines()], process.returncode
