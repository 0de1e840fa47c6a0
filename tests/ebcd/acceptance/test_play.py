"""The checklist in both directions, in virtual time over HTTP: our gateway judged, the simulated province judged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path as Folder
from typing import Any

import pytest

from ebcd.acceptance import CHECKLIST, Act, Conversation, Pace, Result, Verdict, play
from ebcd.acceptance.acts import (
    AskData,
    AskMessageState,
    AtCounty,
    OrderBroadcast,
    OrderDrill,
    SpoilSignature,
)
from ebcd.exchanges import Exchange
from ebcd.gateway import PostFailed
from ebcd.gateway.post import ReceiptJudge, no_objection
from ebcd.operation_data import ReportRule
from ebcd.operation_data.rules import cycles
from protocols.codes import AreaCode
from protocols.ebd import Ebd, ResultCode, build_request_body, decode, find_archive, unpack
from protocols.ebd.messages import EbdResponse, EbmStateResponse
from protocols.ebd.multipart import RequestBody
from protocols.signature import Certificate
from simulators.province import Province as SimulatedProvince
from simulators.province_config import County, ProvinceConfig, SignProfile
from simulators.province_http import NoReceipt, Posted
from simulators.province_orders import Message, OmdRequested, StateRequest
from simulators.province_packages import Parcel
from tests.ebcd.acceptance.arena import COUNTY_PORT, PROVINCE_PORT, Wire, above, nothing
from tests.ebcd.county import COUNTY, PROVINCE, VILLAGE_A1, terminal
from tests.ebcd.office import PLATFORM
from tests.ebcd.operation_data.bench import Bench, Province, bench
from tests.ebcd.signing.authority import OTHER, PEER, Authority
from tests.memory_network import MemoryNetwork
from tests.virtual_time import VirtualClock

PACE = Pace(answer_s=60.0, by_hand_s=60.0, lead_s=300.0, duration_s=60.0, watch_s=86_500.0)


@pytest.fixture(autouse=True)
def _calm_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebcd.core.BEAT_S", 2.0)
    monkeypatch.setattr("ebcd.gateway.client.WATCH_S", 5.0)
    monkeypatch.setattr("ebcd.operation_data.reporter.TURN_S", 20.0)


def verdicts(results: Sequence[Result]) -> dict[str, str]:
    return {each.point.number: str(each.finding.verdict) for each in results}


@asynccontextmanager
async def county(
    folder: Folder, clock: VirtualClock, network: MemoryNetwork, rule: ReportRule | None = None
) -> AsyncIterator[Bench]:
    poster = Wire(network, PROVINCE_PORT)
    async with bench(folder, Province(clock), poster=poster, network=network, rule=rule) as room:
        yield room


class AtTheCounty:
    """A person at the county, who does what is asked."""

    def __init__(self, room: Bench) -> None:
        self._room = room

    async def act(self, act: AtCounty) -> bool:
        match act.what:
            case "cause_fault":
                self._room.signs["links_down"] = ("ip",)
            case "cut_terminal":
                self._room.beat(*self._room.everybody)
                await asyncio.sleep(10)
                self._room.fall_silent(terminal(VILLAGE_A1, 1))
            case _:
                return False
        return True


Do = Callable[[Act], Awaitable[bool]]


class Both:
    """Hands of both sides."""

    def __init__(self, above: Do, person: AtTheCounty | None) -> None:
        self._above, self._person = above, person
        self.done: list[Act] = []

    async def act(self, act: Act) -> bool:
        self.done.append(act)
        if isinstance(act, AtCounty):
            return await self._person.act(act) if self._person else False
        return await self._above(act)


# ---- our gateway judged ----------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-TST-01", "R-TST-02", "R-TST-06", "R-TST-09")
async def test_our_gateway_passes_every_point_at_the_real_intervals(tmp_path: Folder, clock: VirtualClock) -> None:
    network = MemoryNetwork()
    async with county(tmp_path, clock, network) as room, above(tmp_path, clock, network, PACE) as judge:
        hands = Both(judge.actor.act, AtTheCounty(room))
        talk = Conversation((), upper=True)
        results = await play(CHECKLIST, talk, judge.actor.fetch, hands, clock, PACE)
        told = verdicts(results)
        assert [(each.point.number, each.finding) for each in results if each.finding.verdict != Verdict.PASS] == []
        assert len(told) == len(CHECKLIST)


async def test_without_a_test_area_nothing_sounds_and_what_needs_none_is_judged_all_the_same(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    network, pace = MemoryNetwork(), replace(PACE, watch_s=0.0)
    async with county(tmp_path, clock, network) as room, above(tmp_path, clock, network, pace, None) as judge:
        room.beat(*room.everybody)
        results = await play(
            CHECKLIST, Conversation((), upper=True), judge.actor.fetch, Both(judge.actor.act, None), clock, pace
        )
        told = verdicts(results)
        assert room.link.commands == []
        assert {told[number] for number in ("10", "11", "12")} == {Verdict.NOT_SEEN}
        assert [each.finding for each in results if each.finding.verdict == Verdict.FAIL] == []
        assert {told[number] for number in ("1", "3", "5", "7", "9", "13", "B.signature", "B.drill")} == {Verdict.PASS}
        assert Verdict.FAIL not in told.values()


async def test_a_county_that_does_not_answer_requests_fails_those_points_and_no_other(
    tmp_path: Folder, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, pace = MemoryNetwork(), replace(PACE, watch_s=0.0, answer_s=10.0, lead_s=20.0)
    async with county(tmp_path, clock, network) as room, above(tmp_path, clock, network, pace) as judge:
        monkeypatch.setattr(room.reporter, "take", lambda *_values: None)
        results = await play(
            CHECKLIST, Conversation((), upper=True), judge.actor.fetch, Both(judge.actor.act, None), clock, pace
        )
        failed = {number for number, verdict in verdicts(results).items() if verdict == Verdict.FAIL}
        assert failed == {"3", "5", "7", "9", "12"}


async def test_a_county_that_is_not_there_passes_nothing(tmp_path: Folder, clock: VirtualClock) -> None:
    network, pace = MemoryNetwork(), replace(PACE, watch_s=0.0, answer_s=5.0, lead_s=20.0)
    (tmp_path / "trust").mkdir()
    async with above(tmp_path, clock, network, pace) as judge:
        hands = Both(nothing, None)
        results = await play(CHECKLIST, Conversation((), upper=True), judge.actor.fetch, hands, clock, pace)
        assert set(verdicts(results).values()) == {Verdict.NOT_SEEN}


# ---- the simulated province judged -----------------------------------------------------------------------------------


class InMemory:
    """The simulated province's poster on the memory network."""

    def __init__(self, wire: Wire, clock: VirtualClock) -> None:
        self._wire, self._clock = wire, clock

    async def post(self, parcel: Parcel) -> Posted:
        began = self._clock.monotonic()
        try:
            receipt = await self._wire.post("", build_request_body(parcel.archive, parcel.file_name, "b" * 24))
        except PostFailed as error:
            raise NoReceipt(str(error)) from error
        took_s = self._clock.monotonic() - began
        return Posted(receipt.code, receipt.desc, "", None, self._clock.wall(), took_s)


def simulated(folder: Folder, clock: VirtualClock, network: MemoryNetwork) -> SimulatedProvince:
    authority = Authority(folder / "trust")
    for number in (PEER, OTHER):
        authority.issue(number)
    certificate = Certificate.decode((folder / "trust" / "000000000201.cer").read_bytes())
    config = ProvinceConfig(
        PROVINCE, "某省", authority.keys[PEER], PEER, SignProfile.XML, "127.0.0.1", PROVINCE_PORT,
        County(PLATFORM, AreaCode(COUNTY), "http://county/x", certificate),
    )  # fmt: skip
    chance = random.Random(3)
    province = SimulatedProvince(config, clock, chance.randbytes, lambda _event: None)
    province._poster = InMemory(Wire(network, COUNTY_PORT), clock)  # type: ignore[assignment]
    return province


class _Listener(asyncio.Protocol):
    """The simulated province's HTTP side, by hand."""

    def __init__(self, province: SimulatedProvince) -> None:
        self._province = province
        self._got = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = bytes(self._got).partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:]) if found else {}
        if found and len(body) >= int(fields[b"Content-Length"]):
            reply = self._province.take(fields[b"Content-Type"].decode(), body)
            self._transport.write(b"HTTP/1.1 200 OK\r\n\r\n" + reply.archive)
            self._transport.close()


@pytest.mark.requirement("R-TST-01", "R-TST-02")
async def test_the_simulated_province_passes_when_our_county_judges_it(tmp_path: Folder, clock: VirtualClock) -> None:
    network = MemoryNetwork()
    (tmp_path / "trust").mkdir()
    day_s = 3 * 3600.0  # of the province's agreement
    async with county(tmp_path, clock, network, ReportRule(every_s=cycles(day_s, 1800.0, 0.0))) as room:
        province = simulated(tmp_path, clock, network)
        server = await network.listen(lambda: _Listener(province), "127.0.0.1", PROVINCE_PORT)
        beats = asyncio.ensure_future(province._beat(30.0))
        orders: list[str] = []

        async def at_the_province(act: Act) -> bool:
            """A person at the province types what the protocol asks for."""
            match act:
                case AskData(type=type_, report=report):
                    await province.execute(OmdRequested("t", type_, report))
                case OrderBroadcast(ahead=ahead):
                    lead_s = PACE.lead_s if ahead else 0.0
                    message = Message(f"m{len(orders)}", start_in_s=lead_s, duration_s=60.0, msg_type=5)
                    await province.execute(message)
                    orders.append(province._parcels[message.tag].ebm_id)
                case OrderDrill():
                    await province.execute(Message("drill", msg_type=3))
                case AskMessageState():
                    await province.execute(StateRequest("s", orders[-1]))
                case SpoilSignature() | AtCounty():
                    return False
            return True

        async def fetch(number: int) -> Sequence[Exchange]:
            return room.mailroom.exchanges.since(number, PROVINCE)

        hands = Both(at_the_province, AtTheCounty(room))
        talk, pace = Conversation((), upper=False, info_s=day_s), replace(PACE, watch_s=day_s + 100)
        results = await play(CHECKLIST, talk, fetch, hands, clock, pace)
        beats.cancel()
        server.close()
        told = verdicts(results)
        assert told.pop("B.signature") == Verdict.NOT_SEEN  # nobody is asked to send a forged package by hand
        assert {number for number, verdict in told.items() if verdict != Verdict.PASS} == set()


# ---- a county that fails one point fails that point ------------------------------------------------------------------


@dataclass
class Muzzled(Wire):
    """The county's way up, on which what `lost` names gets a receipt and arrives nowhere."""

    lost: Callable[[Ebd], bool] = lambda _ebd: False

    async def post(self, url: str, body: RequestBody, objection: ReceiptJudge = no_objection) -> EbdResponse:
        if self.lost(decode(unpack(find_archive(body.content_type, body.body)).xml)):
            return EbdResponse(ResultCode.SUCCESS)
        return await super().post(url, body, objection)


def unasked(type_: str) -> Callable[[Ebd], bool]:
    return lambda ebd: ebd.envelope.ebd_type == type_ and not ebd.envelope.related_ebd_id


def answer(type_: str) -> Callable[[Ebd], bool]:
    return lambda ebd: ebd.envelope.ebd_type == type_ and bool(ebd.envelope.related_ebd_id)


def told(code: int) -> Callable[[Ebd], bool]:
    return lambda ebd: isinstance(ebd.detail, EbmStateResponse) and ebd.detail.state_code == code


@pytest.mark.parametrize(
    ("lost", "failed"),
    [
        (lambda _ebd: False, set()),
        (unasked("EBRPSState"), {"4.fault"}),
        (unasked("EBRDTState"), {"8"}),
        (answer("EBRPSInfo"), {"3"}),
        (answer("EBRPSState"), {"5"}),
        (answer("EBRDTInfo"), {"7"}),
        (answer("EBRDTState"), {"9"}),
        (answer("EBMBrdLog"), {"12"}),
        (told(1), {"10"}),
        (told(2), {"10", "11"}),
    ],
)
async def test_a_county_that_leaves_one_thing_unsaid_fails_that_point_and_no_other(
    tmp_path: Folder, clock: VirtualClock, lost: Callable[[Ebd], bool], failed: set[str]
) -> None:
    network, pace = MemoryNetwork(), replace(PACE, watch_s=0.0, answer_s=15.0, lead_s=20.0, duration_s=20.0)
    way = Muzzled(network, PROVINCE_PORT, lost)
    async with (
        bench(tmp_path, Province(clock), poster=way, network=network) as room,
        above(tmp_path, clock, network, pace) as judge,
    ):
        hands = Both(judge.actor.act, AtTheCounty(room))
        results = await play(CHECKLIST, Conversation((), upper=True), judge.actor.fetch, hands, clock, pace)
        assert {number for number, verdict in verdicts(results).items() if verdict == Verdict.FAIL} == failed


async def test_a_county_without_cycles_fails_them_where_somebody_watched_long_enough(
    tmp_path: Folder, clock: VirtualClock
) -> None:
    network, pace = MemoryNetwork(), replace(PACE, watch_s=3 * 3600.0, answer_s=15.0, lead_s=20.0, duration_s=20.0)
    points = [each for each in CHECKLIST if each.number in ("1", "4.half_hour", "2.daily")]
    async with (
        county(tmp_path, clock, network, ReportRule(every_s={})),
        above(tmp_path, clock, network, pace) as judge,
    ):
        results = await play(
            points, Conversation((), upper=True), judge.actor.fetch, Both(judge.actor.act, None), clock, pace
        )
        assert verdicts(results) == {"1": Verdict.PASS, "4.half_hour": Verdict.FAIL, "2.daily": Verdict.NOT_SEEN}
