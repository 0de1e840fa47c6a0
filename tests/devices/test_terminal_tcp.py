"""Commands to FEFD terminals on TCP, in virtual time."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.link import (
    Answered,
    Connected,
    DeviceState,
    Disconnected,
    NoAnswer,
    OutboxFull,
    StateTold,
    Verb,
)
from devices.terminal_tcp import TerminalTcpConfig
from protocols import terminal as t
from protocols.codes import ResourceCode
from protocols.terminal import Header
from tests.devices.commands import EBM, OTHER_EBM, ask, set_clock, start, stop, terminal_code, terminal_device
from tests.devices.fefd_terminal import CONFIG, listener, settle
from tests.virtual_time import VirtualClock

ONE, TWO, THREE = (terminal_code(number) for number in (1, 2, 3))


def answered(code: ResourceCode, verb: Verb = Verb.START, result: int = 0) -> Answered:
    return Answered("ip", code, EBM, verb, result, "")


async def test_one_signed_frame_starts_every_member_and_each_answer_is_told(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1), terminal_device(2)) as at:
        one, two = await at.dial(1), await at.dial(2)
        at.link.offer(start(ONE, TWO))
        await settle()
        assert at.told(Answered) == [answered(ONE), answered(TWO)]
        (frame,) = [frame for frame in one.heard if not frame.is_answer]
        assert frame.signature is not None
        assert [f for f in two.heard if not f.is_answer] == [frame]
        message = frame.message
        assert isinstance(message, t.Start)
        assert (message.ebm_id, message.class_, message.level, message.volume) == (EBM, 4, 1, 80)
        assert message.url == "http://127.0.0.1:8088/a.mp3"
        assert at.sign.count == 1


async def test_a_start_goes_to_its_members_only(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), terminal_device(2)) as at:
        await at.dial(1)
        other = await at.dial(2)
        at.link.offer(start(ONE))
        await settle()
        assert other.requests == []


async def test_a_member_that_is_not_connected_is_told_at_once(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        at.link.offer(start(ONE))
        await settle()
        assert at.told(NoAnswer) == [NoAnswer("ip", ONE, EBM, Verb.START, "not connected")]


async def test_i8_silence_is_asked_twice_more_with_the_same_session_and_then_told(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(start(ONE))
        await asyncio.sleep(8.9)
        assert at.told(NoAnswer) == []
        await asyncio.sleep(0.2)
        assert at.told(NoAnswer) == [NoAnswer("ip", ONE, EBM, Verb.START, "no answer to 3 tries")]
        frames = [frame for frame in one.heard if not frame.is_answer]
        assert len(frames) == 3
        assert len({frame.session for frame in frames}) == 1
        assert at.sign.count == 1


async def test_a_repeat_reaches_only_those_who_have_not_answered(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), terminal_device(2)) as at:
        one, two = await at.dial(1), await at.dial(2)
        two.results = []
        at.link.offer(start(ONE, TWO))
        await asyncio.sleep(4)
        assert len(one.requests) == 1
        assert len(two.requests) == 2


async def test_an_answer_after_the_last_repeat_is_still_told(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(start(ONE))
        await asyncio.sleep(10)
        one.answer(next(frame for frame in one.heard if not frame.is_answer), 0)
        await settle()
        assert at.told(NoAnswer, Answered)[-1] == answered(ONE)


async def test_refusals_are_told_with_their_code_and_text(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(start(ONE))
        await settle()
        one.answer(one.heard[-1], t.Result.HIGHER_PRIORITY, "忙")
        await settle()
        assert at.told(Answered) == [Answered("ip", ONE, EBM, Verb.START, 73, "忙")]


@pytest.mark.parametrize("wrong", ["session", "type", "twice"])
async def test_answers_that_fit_no_request_are_not_believed(
    clock: VirtualClock, rng: random.Random, wrong: str
) -> None:
    async with listener(clock, rng, terminal_device(1), terminal_device(2)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(start(ONE))
        await settle()
        frame = one.heard[-1]
        if wrong == "session":
            one.answer(replace(frame, session=frame.session + 1))
        elif wrong == "type":
            one.write(t.encode(t.answer(frame, ONE, t.Answer(0x02, 0))))
        else:
            one.answer(frame)
            one.answer(frame)
        await settle()
        assert len(at.told(Answered)) == (1 if wrong == "twice" else 0)


async def test_an_answer_of_another_socket_is_not_believed(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), terminal_device(2)) as at:
        one, two = await at.dial(1), await at.dial(2)
        one.results = []
        at.link.offer(start(ONE))
        await settle()
        two.answer(one.heard[-1])
        await settle()
        assert at.told(Answered) == []


async def test_i12_a_stop_ends_the_repeats_of_its_start(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(start(ONE))
        await asyncio.sleep(1)
        at.link.offer(stop(ONE))
        await asyncio.sleep(30)
        assert [message.type for message in one.requests] == [1, 2, 2, 2]
        assert at.told(NoAnswer)[0] == NoAnswer("ip", ONE, EBM, Verb.START, "stopped")


async def test_i12_a_stop_takes_back_a_start_that_still_waits(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.link.offer(start(ONE))
        at.link.offer(stop(ONE))
        await settle()
        assert [message.type for message in one.requests] == [2]
        assert at.told(NoAnswer, Answered) == [
            NoAnswer("ip", ONE, EBM, Verb.START, "stopped"),
            answered(ONE, Verb.STOP),
        ]


async def test_i3_a_start_that_is_over_is_not_sent_and_an_unanswered_one_not_repeated(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(start(ONE, end=clock.wall() - 1))
        at.link.offer(start(ONE, ebm_id=OTHER_EBM, end=clock.wall() + 2))
        await asyncio.sleep(30)
        assert [message.type for message in one.requests] == [1]
        assert [event.reason for event in at.told(NoAnswer) if isinstance(event, NoAnswer)] == [
            "expired",
            "no answer to 1 tries",
        ]


async def test_a_terminal_that_disconnects_during_a_start_is_told_at_once(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(start(ONE))
        await settle()
        assert one.transport is not None
        one.transport.close()
        await settle()
        assert at.told(NoAnswer, Disconnected) == [
            NoAnswer("ip", ONE, EBM, Verb.START, "closed by the terminal"),
            Disconnected("ip", ONE, "closed by the terminal"),
        ]


async def test_i6_a_terminal_that_does_not_read_is_dropped_and_delays_nobody(
    clock: VirtualClock, rng: random.Random
) -> None:
    config = replace(CONFIG, unsent_bytes_max=1000)
    async with listener(clock, rng, terminal_device(1), terminal_device(2), config=config) as at:
        stuck, two = await at.dial(1), await at.dial(2)
        assert stuck.transport is not None
        stuck.transport.stalled = True
        for serial in range(1, 11):
            at.link.offer(start(ONE, TWO, ebm_id=type(EBM)(EBM[:31] + f"{serial:04d}")))
        await settle()
        assert len(two.requests) == 10
        assert len(at.told(Answered)) == 10
        assert at.told(Disconnected) == [Disconnected("ip", ONE, "stalled")]


async def test_asking_for_the_state_uses_parameter_6_and_tells_what_comes_back(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.results = []
        at.link.offer(ask(ONE))
        await settle()
        assert one.requests == [t.StatusQuery((t.WORK_STATE,))]
        states = (t.Number(t.VOLUME, 60), t.Number(t.WORK_STATE, t.WorkState.WORKING))
        one.write(t.encode(t.answer(one.heard[-1], ONE, t.StatusAnswer(0, "", states))))
        await settle()
        assert at.told(StateTold) == [StateTold("ip", ONE, DeviceState.WORKING, None)]


async def test_the_clock_is_set_to_the_links_own(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.link.offer(set_clock(ONE))
        await settle()
        assert one.requests == [t.ParameterSet((t.Number(t.SET_CLOCK, int(clock.wall())),))]


async def test_more_than_255_targets_are_split_and_each_member_gets_the_frame_that_means_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1), terminal_device(300)) as at:
        one, late = await at.dial(1), await at.dial(300)
        targets = tuple(terminal_code(number) for number in range(1, 400))
        at.link.offer(start(ONE, terminal_code(300), targets=targets))
        await settle()
        assert len(at.told(Answered)) == 2
        (first,) = [frame for frame in one.heard if not frame.is_answer]
        (second,) = [frame for frame in late.heard if not frame.is_answer]
        assert ONE in first.targets
        assert terminal_code(300) in second.targets
        assert first.session != second.session


async def test_a_start_that_no_frame_can_hold_is_told_and_does_not_stop_the_link(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        await at.dial(1)
        at.link.offer(replace(start(ONE), event_type="too long"))
        at.link.offer(start(ONE, ebm_id=OTHER_EBM))
        await settle()
        (refused,) = at.told(NoAnswer)
        assert isinstance(refused, NoAnswer)
        assert "cannot be encoded" in refused.reason
        assert len(at.told(Answered)) == 1


async def test_a_full_outbox_is_named(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, outbox_max=2)) as at:
        at.link.offer(start(ONE))
        at.link.offer(start(ONE))
        with pytest.raises(OutboxFull, match="ip: 2 commands wait"):
            at.link.offer(start(ONE))
        assert at.link.status().outbox_depth == 2


async def test_session_ids_go_on_increasing_over_a_restart(clock: VirtualClock, rng: random.Random) -> None:
    sessions = []
    for _ in range(2):
        async with listener(clock, rng, terminal_device(1)) as at:
            one = await at.dial(1)
            at.link.offer(start(ONE))
            await settle()
            sessions.append(one.heard[-1].session)
        await asyncio.sleep(5)
    assert sessions[0] < sessions[1]


async def test_commands_carry_header_d_even_to_terminals_that_report_by_header_e(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1, header=Header.E)
        assert at.told(Connected) == [Connected("ip", ONE)]
        at.link.offer(start(ONE))
        await settle()
        assert [frame.header for frame in one.heard] == [Header.D]
        assert at.told(Answered) == [answered(ONE)]


def test_a_repeat_that_would_carry_too_old_a_signature_is_refused_in_the_configuration() -> None:
    with pytest.raises(ValueError, match="at most 240"):
        TerminalTcpConfig("ip", answer_timeout_s=100.0)


async def test_commands_are_signed_over_the_body_alone_where_terminals_want_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, sign_scope=t.SignScope.BODY_TIME)) as at:
        one = await at.dial(1)
        at.link.offer(start(ONE))
        await settle()
        (frame,) = [frame for frame in one.heard if not frame.is_answer]
        assert frame.signed.endswith(at.sign.last)
        assert at.sign.last[0] == t.Start.type


def test_a_scope_without_time_is_refused_in_the_configuration() -> None:
    with pytest.raises(ValueError, match="body_time"):
        TerminalTcpConfig("ip", sign_scope=t.SignScope.HEAD_BODY)
