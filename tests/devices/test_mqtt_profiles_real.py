"""Every profile against mosquitto, with fake terminals on MQTT 3.1.1 that share nothing with the program."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from devices.link import (
    Answered,
    Connected,
    DeviceState,
    Disconnected,
    Fault,
    NoAnswer,
    Played,
    Refusal,
    Refused,
    Rejected,
    StateTold,
    Verb,
)
from tests.devices.commands import EBM, OTHER_EBM
from tests.devices.mqtt311 import Client311
from tests.devices.mqtt_bench import (
    ONE,
    TWO,
    VILLAGE_PROFILE,
    FakeTerminal,
    FrameTerminal,
    MirrorTerminal,
    MwTerminal,
    P6Terminal,
    VillageTerminal,
    bench,
    bench_on,
    needs_mosquitto,
    start,
    stop,
)

pytestmark = [pytest.mark.real, needs_mosquitto]

KINDS: dict[str, Callable[[], FakeTerminal]] = {
    "ebcd": lambda: FrameTerminal(ONE),
    "ebcd-json": lambda: MirrorTerminal(ONE),
    "mw": lambda: MwTerminal(ONE, "898600"),
    VILLAGE_PROFILE: lambda: VillageTerminal(ONE, "v1"),
}
IDS = {"ebcd": "", "ebcd-json": "", "mw": "898600", VILLAGE_PROFILE: "v1"}
BEGINS = {"ebcd": "start", "ebcd-json": "start", "mw": "play", VILLAGE_PROFILE: "play"}
ENDS = {"ebcd": "stop", "ebcd-json": "stop", "mw": "stop", VILLAGE_PROFILE: "halt"}


@pytest.mark.parametrize("profile", KINDS, ids=["ebcd", "ebcd-json", "mw", "own"])
async def test_a_terminal_arrives_is_started_answers_is_stopped_and_leaves_by_its_will(profile: str) -> None:
    async with bench(profile, [IDS[profile]]) as at:
        terminal = KINDS[profile]()
        terminal.dial(at.port)
        await terminal.arrive()
        await at.until(lambda: at.of(Connected) == [Connected("mqtt", ONE)])
        at.link.offer(start(ONE))
        await at.until(lambda: len(at.of(Answered)) == 1)
        at.link.offer(stop(ONE))
        await at.until(lambda: len(at.of(Answered)) == 2)
        assert at.of(Answered) == [
            Answered("mqtt", ONE, EBM, Verb.START, 0, ""),
            Answered("mqtt", ONE, EBM, Verb.STOP, 0, ""),
        ]
        assert [word for word in terminal.words if word != "volume_set"] == [BEGINS[profile], ENDS[profile]]
        await terminal.leave()
        await at.until(lambda: at.of(Disconnected) == [Disconnected("mqtt", ONE, "offline")])
        assert at.of(Rejected) == []


async def test_only_a_profile_that_can_say_played_says_it() -> None:
    async with bench(VILLAGE_PROFILE, ["v1"]) as at:
        terminal = VillageTerminal(ONE, "v1")
        terminal.dial(at.port)
        await terminal.arrive()
        at.link.offer(start(ONE))
        await at.until(lambda: at.of(Played) == [Played("mqtt", ONE, EBM, True, 1, "")])
        await terminal.leave()


@pytest.mark.parametrize("profile", KINDS, ids=["ebcd", "ebcd-json", "mw", "own"])
async def test_who_was_online_before_the_link_is_known_from_its_retained_status(profile: str) -> None:
    async with bench(profile, [IDS[profile]]) as at:
        terminal = KINDS[profile]()
        terminal.dial(at.port)
        await terminal.arrive()
        await at.until(lambda: bool(at.of(Connected)))
        async with bench_on(at.port, profile, [IDS[profile]], client_id="another") as later:
            await later.until(lambda: later.of(Connected) == [Connected("mqtt", ONE)])
        await terminal.leave()


@pytest.mark.parametrize("profile", KINDS, ids=["ebcd", "ebcd-json", "mw", "own"])
async def test_a_session_that_is_kept_brings_the_start_once_when_the_terminal_is_back(profile: str) -> None:
    async with bench(profile, [IDS[profile]], answer_timeout_s=60.0) as at:
        terminal = KINDS[profile]()
        terminal.dial(at.port, keep=True)
        await terminal.arrive()
        await at.until(lambda: bool(at.of(Connected)))
        await terminal.leave()
        await at.until(lambda: bool(at.of(Disconnected)))
        at.link.offer(start(ONE))
        terminal.dial(at.port, keep=True)
        await terminal.arrive()
        await at.until(lambda: len(at.of(Answered)) == 1)
        at.link.offer(stop(ONE))
        await at.until(lambda: len(at.of(Answered)) == 2)
        assert terminal.words.count(BEGINS[profile]) == 1
        await terminal.leave()


@pytest.mark.parametrize("profile", KINDS, ids=["ebcd", "ebcd-json", "mw", "own"])
async def test_i3_a_start_that_is_over_never_reaches_a_terminal_that_comes_back(profile: str) -> None:
    async with bench(profile, [IDS[profile]], answer_timeout_s=3.5, retries=0) as at:
        terminal = KINDS[profile]()
        terminal.dial(at.port, keep=True)
        await terminal.arrive()
        await at.until(lambda: bool(at.of(Connected)))
        await terminal.leave()
        await at.until(lambda: bool(at.of(Disconnected)))
        at.link.offer(start(ONE, length_s=2.0))
        await at.until(lambda: bool(at.of(NoAnswer)))
        terminal.dial(at.port, keep=True)
        await terminal.arrive()
        at.link.offer(stop(ONE))
        await at.until(lambda: len(at.of(Answered)) == 1)
        assert terminal.words == [ENDS[profile]]
        await terminal.leave()


async def test_a_terminal_without_an_exception_hears_nothing_on_the_wire() -> None:
    async with bench("mw", ["898600", "898601"], excused=[ONE]) as at:
        one, two = MwTerminal(ONE, "898600"), MwTerminal(TWO, "898601")
        for terminal in (one, two):
            terminal.dial(at.port)
            await terminal.arrive()
        await at.until(lambda: len(at.of(Connected)) == 2)
        at.link.offer(start(ONE, TWO))
        await at.until(lambda: len(at.of(Answered)) == 1)
        assert at.of(Refused) == [Refused("mqtt", TWO, EBM, Verb.START, Refusal.NO_EXCEPTION)]
        at.excused.add(TWO)
        at.link.offer(start(TWO, ebm_id=OTHER_EBM))
        await at.until(lambda: len(at.of(Answered)) == 2)
        assert two.words == ["volume_set", "play"]
        assert [message["type"] for _, message in one.heard] == ["volume_set", "play"]
        for terminal in (one, two):
            await terminal.leave()


async def test_p6_tells_how_it_is_and_is_never_started() -> None:
    async with bench("p6", ["8001"]) as at:
        terminal = P6Terminal(ONE, "8001")
        terminal.dial(at.port)
        await terminal.arrive()
        for value in (2, 3, 4):
            await terminal.client.publish(terminal.SYS, terminal.status(value))
        await terminal.client.publish(terminal.SYS, terminal.report({"act": "static_props", "value": {"volume": 9}}))
        await terminal.client.publish(terminal.SYS, terminal.report('{"act":"static_props","value":{"volume":9}}'))
        at.link.offer(start(ONE))
        await at.until(lambda: bool(at.of(Refused)))
        await terminal.leave()
        await at.until(lambda: bool(at.of(Disconnected)))
        assert at.of(Connected) == [Connected("mqtt", ONE)]
        assert [event.cleared for event in at.of(Fault)] == [False, True]
        assert at.of(StateTold) == [StateTold("mqtt", ONE, DeviceState.WORKING, ())]
        assert at.of(Refused) == [Refused("mqtt", ONE, EBM, Verb.START, Refusal.NO_COMMAND)]
        assert (at.of(Rejected), terminal.heard) == ([], [])


JUNK: list[tuple[bytes, str]] = [
    (b"", "json"),
    (b"{", "json"),
    (b'{"type":"play"', "json"),
    (b"\xff\xfe\x00", "charset"),
    (b'{"type":"play","type":"stop"}', "duplicate"),
    (b'{"type":NaN}', "number"),
    (b'{"type":' + b"[" * 30_000, "depth"),
    (b'{"type":"' + b"x" * 1_000_000 + b'"}', "length"),
    (b'{"type":7}', "unmatched"),
    (b'{"type":"play","other":{"code":0},"SrcDeviceName":5}', "id"),
    (b'{"type":"play","SrcDeviceName":"898601"}', "source"),
    (b'{"type":"play"}', "session"),
]


async def test_what_is_no_message_is_refused_by_name_and_nothing_hangs() -> None:
    async with bench("mw", ["898600", "898601"]) as at:
        stranger = Client311(at.port, "stranger")
        await stranger.connect()
        for payload, _ in JUNK:
            await stranger.publish("/898600/user/pub_response", payload)
        await stranger.publish("/000000/status/onoffline", b'{"state":"online"}')
        await stranger.publish("/898600/status/onoffline", b'{"state":"online"}')
        await at.until(lambda: bool(at.of(Connected)))
        assert [event.reason for event in at.of(Rejected)] == [*(reason for _, reason in JUNK), "unknown_device"]
        await stranger.cut()


OUR_JUNK: list[tuple[str, bytes, str]] = [
    ("rsp", b"", "json"),
    ("rsp", b"\xfe\xfd\x01\x00", "charset"),
    ("rsp", b'{"sid":1,"sid":2}', "duplicate"),
    ("rsp", b'{"sid":1,"type":"dance"}', "type"),
    ("rsp", b'{"sid":1,"type":"answer"}', "missing"),
    ("rsp", b'{"a":"' + b"x" * 1_000_000 + b'"}', "length"),
    ("status", b"maybe", "status"),
]


async def test_the_mirror_refuses_by_name_too() -> None:
    async with bench("ebcd-json", [""]) as at:
        stranger = Client311(at.port, "stranger")
        await stranger.connect()
        for channel, payload, _ in OUR_JUNK:
            await stranger.publish(f"eb/v1/{ONE}/{channel}", payload)
        await stranger.publish(f"eb/v1/{ONE}/status", b"online")
        await at.until(lambda: bool(at.of(Connected)))
        assert [event.reason for event in at.of(Rejected)] == [reason for _, _, reason in OUR_JUNK]
        await stranger.cut()


async def test_a_mirror_speaks_for_its_own_topic_only() -> None:
    async with bench("ebcd-json", ["", ""]) as at:
        stranger = Client311(at.port, "stranger")
        await stranger.connect()
        told = {"sid": 1, "type": "heartbeat", "header": "E", "from": TWO, "to": [ONE]}
        told |= {"state": 1, "first": 1, "phys": ""}
        await stranger.publish(f"eb/v1/{ONE}/report", json.dumps(told).encode())
        await at.until(lambda: [event.reason for event in at.of(Rejected)] == ["source"])
        await stranger.cut()
