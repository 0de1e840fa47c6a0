"""What stands behind a frame that never ends, or in the last bytes of a connection, is heard; answers that nobody waits
for are told. All bytes by hand (terminal-ip.md 2.1, 2.2, 7)."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from devices.adapter_tcp import AdapterTcpConfig
from devices.link import Answered, Began, Connected, Event, Heartbeat, Rejected
from protocols import adapter as a
from protocols import terminal as t
from protocols.codes import ResourceCode
from tests.devices.annex_a_adapter import county
from tests.devices.commands import COUNTY_ADAPTER, EBM, start, terminal_code, terminal_device
from tests.devices.fefd_terminal import CONFIG, Dialler, listener, settle
from tests.devices.test_adapter_reports import ONE
from tests.protocols.terminal.test_terminal_choices import DRAFT_HEARTBEAT
from tests.virtual_time import VirtualClock

HALF = bytes.fromhex(
    "FEFD 0100 00000009 01 0131 F69999011002010314010401 0001 F49999010000000103010101 13 0105 01 03 E58A9FE694BE"
)
"""A fault report by header E: 305 bytes in all, 261 of data, of which eight came."""
LYING = bytes.fromhex("500001200200000112")
"""Annex A: a heartbeat whose body of 18 bytes says that it has 274."""


def refusals(events: list[Event]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Rejected)]


def session_of(one: Dialler, message: type) -> int:
    return next(frame.session for frame in reversed(one.heard) if isinstance(frame.message, message))


async def test_a_report_behind_half_a_frame_is_heard_when_the_terminal_hangs_up(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.write(HALF)
        one.say(t.TaskSwitch(1, 1, EBM, 7))
        assert one.transport is not None
        one.transport.close()
        await settle()
        assert [event.code for event in at.told(Began) if isinstance(event, Began)] == [terminal_code(1)]
        assert refusals(at.events) == ["truncated"]


async def test_last_words_of_a_socket_never_replace_the_socket_that_lives(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        dying = await at.dial(1, beat=False)
        dying.write(HALF)
        dying.beat()
        await settle()
        living = await at.dial(1)
        assert dying.transport is not None
        dying.transport.close()
        await settle()
        assert not living.lost.is_set()
        assert len(at.told(Connected)) == 1


async def test_what_a_stranger_protocol_said_is_named_when_it_leaves(clock: VirtualClock, rng: random.Random) -> None:
    for said, reason in ((b"&" + bytes(40), "legacy-return"), (DRAFT_HEARTBEAT, "draft-2016x"), (b"AT\r", "noise")):
        async with listener(clock, rng, terminal_device(1)) as at:
            one = await at.dial(1, beat=False)
            one.write(said)
            await settle()
            assert one.transport is not None
            one.transport.close()
            await settle()
            assert refusals(at.events) == [reason]


async def test_what_a_stranger_protocol_said_is_named_when_it_is_closed_for_saying_nothing(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1, beat=False)
        one.write(DRAFT_HEARTBEAT)
        await asyncio.sleep(12)
        assert one.lost.is_set()
        assert refusals(at.events) == ["silent", "draft-2016x"]


async def test_an_answer_under_another_session_confirms_nothing_and_is_told(
    clock: VirtualClock, rng: random.Random
) -> None:
    for text in ("", "ok"):  # without a text it takes the short way
        async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, repeats=0)) as at:
            one = await at.dial(1)
            one.results = []
            at.link.offer(start(terminal_code(1)))
            await settle()
            right = session_of(one, t.Start)
            wrong = t.Frame(
                t.Header.D, right + 1, 2, one.code, (ResourceCode(COUNTY_ADAPTER),), t.Answer(t.Start.type, 0, text)
            )
            one.write(t.encode(wrong))
            await settle()
            assert at.told(Answered) == []
            (told,) = at.told(Rejected)
            assert isinstance(told, Rejected)
            assert (told.reason, str(right + 1) in told.detail) == ("stray-answer", True)


async def test_an_answer_given_twice_counts_once_and_is_told(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.link.offer(start(terminal_code(1)))
        await settle()
        one.answer(next(frame for frame in one.heard if isinstance(frame.message, t.Start)))
        await settle()
        assert len(at.told(Answered)) == 1
        assert refusals(at.events) == ["stray-answer"]


async def test_a_terminal_that_answers_is_not_silent(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        await asyncio.sleep(40)
        at.link.offer(start(terminal_code(1)))
        await asyncio.sleep(20)
        assert not one.lost.is_set()  # 45 s after its heartbeat, 20 s after its answer


async def test_a_heartbeat_behind_a_length_that_lies_is_answered_when_the_line_falls_silent(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, config=AdapterTcpConfig("adapters", report_idle_s=2.0)) as at:
        reporter = await at.report(LYING + a.encode(a.AdapterHeartbeat(ONE, 1, 1)))
        assert at.told(Heartbeat) == []
        await asyncio.sleep(5)
        assert len(at.told(Heartbeat)) == 1
        assert [type(frame) for frame in reporter.replies] == [a.AdapterFrame]
        assert refusals(at.events) == ["truncated"]
        assert reporter.lost.is_set()
