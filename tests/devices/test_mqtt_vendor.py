"""Vendors' terminals over a broker, in virtual time: nothing without an exception, once only, never a guess."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace

import pytest

from devices.link import (
    Answered,
    Began,
    Connected,
    DeviceState,
    Disconnected,
    Fault,
    LinkUp,
    NoAnswer,
    Played,
    Refusal,
    Refused,
    Rejected,
    StateTold,
    Verb,
)
from protocols.codes import EbmId
from tests.devices.commands import EBM, OTHER_EBM, ask, set_clock, start, stop, terminal_code
from tests.devices.fefd_terminal import settle
from tests.devices.vendor_link import CONFIG, VILLAGE, devices, vendor_link
from tests.virtual_time import VirtualClock

ONE, TWO, THREE = (terminal_code(number) for number in (1, 2, 3))
P6 = replace(CONFIG, profile="p6")
OTHER = replace(CONFIG, profile=VILLAGE)
DOWN_1 = "/v1/user/sub_control"
UP_1 = "/v1/user/pub_response"
ANSWERED = Answered("mqtt", ONE, EBM, Verb.START, 0, "")


async def test_nothing_is_said_to_a_terminal_without_an_exception(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng) as at:
        at.link.offer(start(ONE, TWO))
        at.link.offer(stop(ONE))
        at.link.offer(ask(ONE))
        await asyncio.sleep(60)
        assert at.new() == []
        assert at.told(Refused) == [
            Refused("mqtt", ONE, EBM, Verb.STOP, Refusal.NO_EXCEPTION),
            Refused("mqtt", TWO, EBM, Verb.START, Refusal.NO_EXCEPTION),
        ]


async def test_an_exception_lets_its_own_terminal_pass_and_no_other(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(start(ONE, TWO))
        await settle()
        said = at.new()
        assert [(each.topic, each.message["type"]) for each in said] == [(DOWN_1, "volume_set"), (DOWN_1, "play")]
        assert said[1].message["other"] == {"url": "http://127.0.0.1:8088/a.mp3"}
        assert said[1].expiry_s == 60
        assert at.sign.count == 0
        assert at.told(Refused) == [Refused("mqtt", TWO, EBM, Verb.START, Refusal.NO_EXCEPTION)]


async def test_who_was_started_is_stopped_although_the_exception_is_over(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(start(ONE))
        await settle()
        at.new()
        at.excused.clear()
        at.link.offer(stop(ONE))
        await settle()
        assert [each.message["type"] for each in at.new()] == ["stop"]
        at.link.offer(start(ONE, ebm_id=OTHER_EBM))
        await settle()
        assert at.new() == []


async def test_an_answer_confirms_and_silence_does_not(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE, TWO]) as at:
        at.link.offer(start(ONE, TWO))
        await settle()
        await at.hears(UP_1, SrcDeviceName="v1", type="play", other={})
        await asyncio.sleep(60)
        assert at.told(Answered, Played) == [ANSWERED]
        (silent,) = at.told(NoAnswer)
        assert silent == NoAnswer("mqtt", TWO, EBM, Verb.START, "no answer to 1 tries")


async def test_i7_a_start_that_nobody_could_tell_from_its_repeat_goes_out_once(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(start(ONE))
        await asyncio.sleep(60)
        at.link.offer(start(ONE))
        at.broker.cut()
        await asyncio.sleep(60)
        plays = [each for each in at.new() if each.message["type"] == "play"]
        assert len(plays) == 1
        assert at.broker.connections == 2


async def test_i7_a_start_under_way_when_the_broker_was_lost_is_not_given_to_the_next(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.broker.deaf = True
        at.link.offer(start(ONE))
        await settle()
        at.broker.deaf = False
        at.broker.cut()
        await asyncio.sleep(60)
        assert [each.message["type"] for each in at.new()] == ["volume_set", "play"]
        assert [type(event) for event in at.told(NoAnswer)] == [NoAnswer]


async def test_i3_a_start_that_waits_past_its_end_is_not_published(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.broker.refuses = 3
        at.broker.cut()
        await settle()
        at.link.offer(start(ONE, end=clock.wall() + 1))
        await asyncio.sleep(30)
        assert at.link.status().up
        assert at.new() == []
        assert at.told(NoAnswer) == [NoAnswer("mqtt", ONE, EBM, Verb.START, "window is over")]


async def test_i3_the_end_is_told_to_terminals_that_were_told_none(clock: VirtualClock, rng: random.Random) -> None:
    over = replace(stop(ONE), at_end=True)
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        assert not at.link.capabilities.ends_itself
        at.link.offer(start(ONE))
        at.link.offer(over)
        await settle()
        assert at.new()[-1].message["type"] == "stop"
    async with vendor_link(clock, rng, OTHER, excused=[ONE]) as at:
        assert at.link.capabilities.ends_itself
        at.link.offer(start(ONE))
        await settle()
        assert [each.message["cmd"] for each in at.new()] == ["play"]
        at.link.offer(over)
        await settle()
        assert at.new() == []


async def test_i12_a_stop_takes_waiting_starts_away_and_goes_first(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE, TWO]) as at:
        at.broker.refuses = 1
        at.broker.cut()
        await settle()
        at.link.offer(start(ONE, TWO))
        at.link.offer(stop(ONE))
        await asyncio.sleep(5)
        told = [(each.topic, each.message["type"]) for each in at.new()]
        assert (DOWN_1, "play") not in told
        assert told[0] == (DOWN_1, "stop")


async def test_i4_a_stop_without_an_id_spares_what_came_after(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE, TWO]) as at:
        at.link.offer(start(ONE, TWO))
        at.link.offer(start(ONE, ebm_id=OTHER_EBM))
        await settle()
        at.new()
        at.link.offer(stop(ONE, TWO))
        await settle()
        assert [each.topic for each in at.new()] == ["/v2/user/sub_control"]


async def test_i4_after_a_restart_the_daemon_says_where_another_sounds(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE, TWO]) as at:
        at.link.offer(replace(stop(ONE, TWO), elsewhere=frozenset({ONE})))
        await settle()
        assert [each.topic for each in at.new()] == ["/v2/user/sub_control"]
        at.link.offer(replace(stop(ONE, ebm_id=EbmId.EVERYTHING), elsewhere=frozenset({ONE})))
        await settle()
        assert [each.topic for each in at.new()] == [DOWN_1]


async def test_i4_a_lower_message_comes_back_when_the_higher_one_s_stop_was_answered(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        for command in (start(ONE), start(ONE, ebm_id=OTHER_EBM), stop(ONE, ebm_id=OTHER_EBM), ask(ONE)):
            at.link.offer(command)
            await settle()
        assert at.told(StateTold) == []
        await at.hears(UP_1, type="stop", other={"code": 0})
        assert at.told(StateTold) == [StateTold("mqtt", ONE, DeviceState.IDLE, ())]
        at.new()
        at.link.offer(start(ONE))
        await settle()
        assert [each.message["type"] for each in at.new()] == ["volume_set", "play"]


async def test_i8_an_answer_that_names_no_command_counts_only_where_one_can_be_meant(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(start(ONE))
        at.link.offer(start(ONE, ebm_id=OTHER_EBM))
        await settle()
        await at.hears(UP_1, type="play")
        assert at.told(Answered) == []
        await at.hears(UP_1, type="play")
        assert at.told(Answered) == [Answered("mqtt", ONE, OTHER_EBM, Verb.START, 0, "")]
        await at.hears(UP_1, type="play")
        reasons = [event.reason for event in at.events if isinstance(event, Rejected)]
        assert reasons == ["ambiguous", "session"]


async def test_i8_an_answer_that_the_broker_kept_from_yesterday_confirms_nothing(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(start(ONE))
        await settle()
        told = json.dumps({"SrcDeviceName": "v1", "type": "play", "other": {"code": 0}}).encode()
        at.broker.says(UP_1, told, None, retained=True)
        at.broker.says("/v1/status/onoffline", b'{"uuid":"v1","state":"online"}', None, retained=True)
        await settle()
        assert at.told(Answered, Connected, Rejected) == [
            Rejected("mqtt", "retained", UP_1, f"{UP_1} was kept by the broker; only who is online may be"),
            Connected("mqtt", ONE),
        ]
        await at.hears(UP_1, type="play")
        assert at.told(Answered) == [Answered("mqtt", ONE, EBM, Verb.START, 0, "")]


async def test_states_faults_and_busy_are_told_and_busy_confirms_nothing(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, P6, excused=[ONE]) as at:
        for value in (1, 2, 3, 4, 4, 0):
            await at.hears(
                "pub6/broadcast/v2/sys", method="report", data={"act": "status", "value": value}, **{"from": "v1"}
            )
        assert at.told(Connected, Disconnected, Fault, StateTold, Answered) == [
            Connected("mqtt", ONE),
            Fault("mqtt", ONE, 0, False, "reported fault"),
            Fault("mqtt", ONE, 0, True, "reported fault"),
            StateTold("mqtt", ONE, DeviceState.WORKING, ()),
            Disconnected("mqtt", ONE, "offline"),
        ]


async def test_p6_cannot_start_and_says_so(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, P6, excused=[ONE]) as at:
        at.link.offer(start(ONE))
        await settle()
        assert at.told(Refused) == [Refused("mqtt", ONE, EBM, Verb.START, Refusal.NO_COMMAND)]
        assert at.new() == []


async def test_a_terminal_that_nothing_names_is_refused_by_name(clock: VirtualClock, rng: random.Random) -> None:
    nameless = [replace(each, mqtt_id="", phys="") for each in devices((1,))]
    async with vendor_link(clock, rng, excused=[ONE], inventory=nameless) as at:
        at.link.offer(start(ONE))
        await settle()
        assert at.told(Refused) == [Refused("mqtt", ONE, EBM, Verb.START, Refusal.NO_ADDRESS)]


async def test_terminals_of_another_link_are_left_to_it(clock: VirtualClock, rng: random.Random) -> None:
    mixed = [*devices((1,)), *devices((2,), mqtt_link="other")]
    async with vendor_link(clock, rng, excused=[ONE, TWO], inventory=mixed) as at:
        at.link.offer(start(ONE, TWO, THREE))
        await settle()
        assert {each.topic for each in at.new()} == {DOWN_1}
        assert at.told(NoAnswer) == [NoAnswer("mqtt", THREE, EBM, Verb.START, "not reached by this link")]


async def test_i12_a_stop_that_was_not_heard_is_told_again_when_the_terminal_is_back(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(start(ONE))
        await settle()
        at.link.offer(stop(ONE))
        await asyncio.sleep(600)
        at.new()
        await at.hears("/v1/status/onoffline", uuid="v1", state="online")
        assert [each.message["type"] for each in at.new()] == ["stop"]
        await at.hears(UP_1, type="stop")
        await at.hears("/v1/status/onoffline", uuid="v1", state="offline")
        await at.hears("/v1/status/onoffline", uuid="v1", state="online")
        assert at.new() == []


async def test_i12_a_full_queue_has_room_for_a_stop_and_a_stop_of_everything_empties_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, replace(CONFIG, unacknowledged_max=2), excused=[ONE, TWO, THREE]) as at:
        at.broker.deaf = True
        at.link.offer(start(ONE, TWO, THREE))
        await settle()
        at.broker.deaf = False
        at.link.offer(stop(ONE, TWO, THREE, ebm_id=EbmId.EVERYTHING))
        at.broker.cut()
        await asyncio.sleep(2)
        stops = [each.topic for each in at.new() if each.message["type"] == "stop"]
        assert stops == ["/v1/user/sub_control", "/v2/user/sub_control", "/v3/user/sub_control"]
        assert at.link.status().dropped == 4


# ---- a profile of one's own, whose terminals know their commands again ----


async def test_a_start_that_can_be_told_from_its_repeat_is_repeated_unchanged(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, OTHER, excused=[ONE], inventory=devices((1,))) as at:
        at.link.offer(start(ONE))
        await asyncio.sleep(60)
        plays = at.new()
        assert len(plays) == 3
        assert all(each == plays[0] for each in plays)
        assert at.told(NoAnswer) == [NoAnswer("mqtt", ONE, EBM, Verb.START, "no answer to 3 tries")]


async def test_a_number_ties_every_report_to_its_start(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, OTHER, excused=[ONE, TWO]) as at:
        at.link.offer(start(ONE))
        at.link.offer(start(TWO, ebm_id=OTHER_EBM))
        await settle()
        one, two = (each.message["track"] for each in at.new())
        await at.hears("device/v1/ack", what="ack", cmd="play", track=one, code="ok")
        await at.hears("device/v1/event", what="playing", track=one, time=1000)
        await at.hears("device/v1/event", what="done", track=str(one), count=2, note="done")
        await at.hears("device/v2/event", what="failed", track=two, note="no card")
        await at.hears("device/v1/event", what="done", track=two)
        await at.hears("device/v1/ack", what="ack", cmd="play", track=two, code="ok")
        await at.hears("device/v1/ack", what="ack", cmd="halt", track=one, code="ok")
        assert at.told(Answered, Began, Played) == [
            ANSWERED,
            Began("mqtt", ONE, EBM, 1000),
            Played("mqtt", ONE, EBM, True, 2, "done"),
            Played("mqtt", TWO, OTHER_EBM, False, 0, "no card"),
        ]
        assert [event.reason for event in at.events if isinstance(event, Rejected)] == ["session"] * 3
        await asyncio.sleep(60)
        assert at.told(NoAnswer) == []


async def test_a_question_is_asked_where_its_answer_says_something(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, OTHER, excused=[ONE]) as at:
        at.link.offer(ask(ONE, TWO))
        at.link.offer(set_clock(ONE))
        await settle()
        assert [(each.topic, each.message) for each in at.new()] == [("device/v1/cmd", {"cmd": "state"})]
        await at.hears("device/v1/event", what="idle")
        await at.hears("device/v1/event", what="idle")
        assert at.told(StateTold) == [StateTold("mqtt", ONE, DeviceState.IDLE, ())]


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (UP_1, b"\xff", "charset"),
        (UP_1, b"{" * 9, "json"),
        (UP_1, b'{"type":"play","type":"stop"}', "duplicate"),
        (UP_1, b'{"type":NaN}', "number"),
        (UP_1, b'{"type":' + b"[" * 1000, "depth"),
        (UP_1, b'{"a":"' + b"x" * 2**20 + b'"}', "length"),
        (UP_1, b'{"type":1}', "unmatched"),
        (UP_1, b'{"type":"play"}', "session"),
        ("/v9/user/pub_response", b'{"type":"play"}', "unknown_device"),
        ("/v1/elsewhere", b"{}", "topic"),
    ],
)
async def test_what_is_no_message_is_refused_by_name_and_the_link_goes_on(
    clock: VirtualClock, rng: random.Random, topic: str, payload: bytes, reason: str
) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.broker.says(topic, payload, None)
        await at.hears("/v1/status/onoffline", uuid="v1", state="online")
        assert [event.reason for event in at.events if isinstance(event, Rejected)] == [reason]
        assert at.told(LinkUp, Connected) == [LinkUp("mqtt"), Connected("mqtt", ONE)]
