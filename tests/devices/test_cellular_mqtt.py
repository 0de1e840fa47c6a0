"""The 3G/4G path over a broker, in virtual time."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.link import (
    Answered,
    Began,
    Connected,
    DeviceState,
    Disconnected,
    Ended,
    Fault,
    Heartbeat,
    LinkDown,
    LinkUp,
    NoAnswer,
    OutboxFull,
    Path,
    Played,
    Rejected,
    StateTold,
    Verb,
)
from protocols import mqtt
from protocols import terminal as t
from protocols.codes import EbmId, ResourceCode
from tests.devices.commands import EBM, OTHER_EBM, VILLAGE, ask, phys_of, set_clock, start, stop, terminal_code
from tests.devices.fake_broker import CONFIG, mqtt_link
from tests.devices.fefd_terminal import settle
from tests.virtual_time import VirtualClock

ONE, TWO, THREE = (terminal_code(number) for number in (1, 2, 3))
AREA_TOPIC = f"eb/v1/area/{VILLAGE.area}/cmd"


def own_topic(code: ResourceCode) -> str:
    return f"eb/v1/{code}/cmd"


async def test_it_subscribes_to_answers_reports_and_states(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        assert at.broker.subscribed == ["eb/v1/+/rsp", "eb/v1/+/report", "eb/v1/+/status"]
        assert at.told(LinkUp) == [LinkUp("mqtt")]
        assert (at.link.path, at.link.status().up) == (Path.MQTT, True)


@pytest.mark.parametrize("passes", range(8))
async def test_a_link_that_is_told_to_end_while_its_broker_goes_ends(
    clock: VirtualClock, rng: random.Random, passes: int
) -> None:
    """However many turns of the loop lie between the two."""
    async with asyncio.timeout(60), mqtt_link(clock, rng) as at:
        at.broker.cut()
        for _ in range(passes):
            await asyncio.sleep(0)


async def test_one_signed_frame_is_published_once_for_a_whole_area(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE, TWO, THREE))
        await settle()
        (sent,) = at.new()
        assert (sent.topic, sent.expiry_s, at.sign.count) == (AREA_TOPIC, 60, 1)
        assert sent.frame.signature is not None
        message = sent.frame.message
        assert isinstance(message, t.Start)
        assert (message.ebm_id, message.url) == (EBM, "http://127.0.0.1:8088/a.mp3")


async def test_a_command_expires_with_its_window(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE, end=clock.wall() + 20.5))
        await settle()
        assert [sent.expiry_s for sent in at.new()] == [20]


async def test_single_addresses_go_to_their_own_topics(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE, TWO, targets=(ONE, TWO)))
        await settle()
        assert [sent.topic for sent in at.new()] == [own_topic(ONE), own_topic(TWO)]


async def test_answers_and_reports_become_events(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE, TWO))
        await settle()
        frame = at.new()[0].frame
        at.broker.answers(ONE, frame)
        at.broker.answers(TWO, frame, t.Answer(1, t.Result.HIGHER_PRIORITY, "busy"))
        at.broker.reports(ONE, t.Heartbeat(2, 1, phys_of(1)))
        at.broker.reports(ONE, t.TaskSwitch(1, 1, EBM, 100))
        at.broker.reports(ONE, t.TaskSwitch(2, 1, EBM, 160))
        at.broker.reports(ONE, t.TaskResult(EBM, 1, "", 100, 160, 3, 160))
        at.broker.reports(ONE, t.FaultReport(1, 3, "低", 170))
        await settle()
        assert at.told(Answered) == [
            Answered("mqtt", ONE, EBM, Verb.START, 0, ""),
            Answered("mqtt", TWO, EBM, Verb.START, 73, "busy"),
        ]
        assert at.told(Heartbeat, Began, Ended, Played, Fault) == [
            Heartbeat("mqtt", ONE, phys_of(1), DeviceState.WORKING, True),
            Began("mqtt", ONE, EBM, 100),
            Ended("mqtt", ONE, EBM, 160),
            Played("mqtt", ONE, EBM, True, 3, ""),
            Fault("mqtt", ONE, 3, False, "低"),
        ]


async def test_who_is_silent_is_told_again_alone_with_the_same_bytes(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE, TWO))
        await settle()
        (first,) = at.new()
        at.broker.answers(ONE, first.frame)
        await asyncio.sleep(CONFIG.answer_timeout_s + 0.1)
        (retry,) = at.new()
        assert (retry.topic, retry.payload) == (own_topic(TWO), first.payload)
        at.broker.answers(TWO, retry.frame)
        await asyncio.sleep(60)
        assert at.new() == []
        assert at.told(NoAnswer) == []


async def test_i8_silence_after_two_retries_is_told_and_a_late_answer_still_counts(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE))
        await asyncio.sleep(4 * CONFIG.answer_timeout_s)
        assert [sent.topic for sent in at.new()] == [AREA_TOPIC, own_topic(ONE), own_topic(ONE)]
        assert at.told(NoAnswer) == [NoAnswer("mqtt", ONE, EBM, Verb.START, "no answer to 3 tries")]
        at.broker.answers(ONE, at.broker.published[0].frame)
        await settle()
        assert at.told(Answered) == [Answered("mqtt", ONE, EBM, Verb.START, 0, "")]


async def test_i3_a_retry_past_the_end_is_not_sent(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE, end=clock.wall() + 4))
        await asyncio.sleep(30)
        assert len(at.new()) == 1
        assert at.told(NoAnswer) == [NoAnswer("mqtt", ONE, EBM, Verb.START, "window is over")]


async def test_i12_a_stop_ends_the_retries_of_its_start(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE))
        await settle()
        at.link.offer(stop(ONE))
        await settle()
        begun, stopped = at.new()
        assert isinstance(stopped.frame.message, t.Stop)
        assert stopped.frame.session > begun.frame.session
        at.broker.answers(ONE, stopped.frame)
        await asyncio.sleep(60)
        assert at.new() == []
        assert at.told(Answered) == [Answered("mqtt", ONE, EBM, Verb.STOP, 0, "")]


async def test_a_stop_of_another_message_leaves_the_retries_alone(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE))
        at.link.offer(stop(ONE, ebm_id=OTHER_EBM))
        await asyncio.sleep(CONFIG.answer_timeout_s + 0.1)
        retried = [type(sent.frame.message) for sent in at.new() if sent.topic == own_topic(ONE)]
        assert retried == [t.Stop, t.Start]


async def test_questions_go_to_each_member_and_bring_states(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(ask(ONE, TWO))
        at.link.offer(set_clock(THREE))
        await settle()
        sent = at.new()
        assert [s.topic for s in sent] == [own_topic(ONE), own_topic(TWO), own_topic(THREE)]
        working = t.StatusAnswer(0, "", (t.Number(t.WORK_STATE, 2),))
        at.broker.answers(ONE, sent[0].frame, working)
        at.broker.answers(THREE, sent[2].frame)
        await settle()
        assert at.told(StateTold) == [StateTold("mqtt", ONE, DeviceState.WORKING, None)]
        await asyncio.sleep(60)
        assert at.told(NoAnswer) == [], "a question that nobody answers is no failed delivery"


async def test_i8_what_the_broker_kept_from_yesterday_confirms_nothing(clock: VirtualClock, rng: random.Random) -> None:
    """A terminal, or a bridge, that sets "retain" on everything: with each new connection its old words come again."""
    async with mqtt_link(clock, rng) as at:
        at.link.offer(start(ONE))
        await settle()
        frame = at.new()[0].frame
        at.broker.answers(ONE, frame, retained=True)
        at.broker.reports(ONE, t.TaskSwitch(1, 1, EBM, 100), retained=True)
        await settle()
        assert at.told(Answered, Began, Connected) == []
        rejected = [event.reason for event in at.events if isinstance(event, Rejected)]
        assert rejected == ["retained"] * 2
        at.broker.status(ONE, "online")
        at.broker.answers(ONE, frame)
        await settle()
        assert at.told(Answered, Connected) == [
            Connected("mqtt", ONE),
            Answered("mqtt", ONE, EBM, Verb.START, 0, ""),
        ]


async def test_states_and_last_wills_tell_who_can_be_commanded(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        for status in ("online", "online", "offline", "offline"):
            at.broker.status(ONE, status)
        await settle()
        assert at.told(Connected, Disconnected) == [
            Connected("mqtt", ONE),
            Disconnected("mqtt", ONE, "offline"),
        ]
        assert at.link.status().devices == 0


async def test_a_lost_broker_takes_its_devices_and_comes_back_with_what_is_unanswered(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mqtt_link(clock, rng) as at:
        at.broker.status(ONE, "online")
        at.link.offer(start(ONE, TWO))
        await settle()
        at.broker.answers(ONE, at.new()[0].frame)
        await settle()
        at.broker.cut()
        await settle()
        assert at.told(LinkDown, Disconnected) == [
            LinkDown("mqtt", "broker died"),
            Disconnected("mqtt", ONE, "broker lost"),
        ]
        await asyncio.sleep(CONFIG.reconnect_first_s)
        assert [sent.topic for sent in at.new()] == [own_topic(TWO)]
        assert at.broker.connections == 2


async def test_what_the_broker_had_not_acknowledged_is_published_again(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.broker.deaf = True
        at.link.offer(start(ONE))
        await settle()
        assert at.new() == []
        at.broker.deaf = False
        at.broker.cut()
        await asyncio.sleep(CONFIG.reconnect_first_s)
        assert AREA_TOPIC in [sent.topic for sent in at.new()]


async def test_i3_what_ended_while_the_broker_was_away_is_not_published(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mqtt_link(clock, rng) as at:
        at.broker.refuses = 3
        at.broker.cut()
        await settle()
        at.link.offer(start(ONE, end=clock.wall() + 1))
        await asyncio.sleep(20)
        assert at.link.status().up
        assert at.new() == []
        assert at.told(NoAnswer) == [NoAnswer("mqtt", ONE, EBM, Verb.START, "window is over")]


async def test_after_a_long_outage_a_frame_is_signed_again(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng, config=replace(CONFIG, reconnect_first_s=600.0, reconnect_last_s=600.0)) as at:
        at.link.offer(start(ONE))
        await settle()
        (first,) = at.new()
        at.broker.cut()
        await asyncio.sleep(600)
        again = at.new()[0]
        assert first.frame.signature is not None
        assert again.frame.signature is not None
        assert again.frame.session == first.frame.session
        assert again.frame.signature.time - first.frame.signature.time >= 300


async def test_it_comes_back_with_growing_waits(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.broker.refuses = 4
        at.broker.cut()
        await asyncio.sleep(3)
        assert not at.link.status().up
        assert at.link.status().reason == "connection refused"
        await asyncio.sleep(40)
        assert at.link.status().up
        assert at.broker.connections == 2
        once = [LinkDown("mqtt", "broker died"), LinkDown("mqtt", "connection refused")]
        assert at.told(LinkDown) == once, "however often it is tried"


async def test_members_without_this_path_are_told_at_once(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng, numbers=(1,)) as at:
        at.link.offer(start(ONE, TWO))
        await settle()
        assert at.told(NoAnswer) == [NoAnswer("mqtt", TWO, EBM, Verb.START, "not reached by this link")]


async def test_a_command_that_no_frame_can_hold_is_told_and_harms_nobody(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(replace(start(ONE), event_type="too long"))
        at.link.offer(start(TWO, ebm_id=OTHER_EBM))
        await settle()
        (refused,) = at.told(NoAnswer)
        assert isinstance(refused, NoAnswer)
        assert "cannot be encoded" in refused.reason
        assert len(at.new()) == 1


async def test_the_outbox_is_bounded_while_the_broker_is_away(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng, config=replace(CONFIG, outbox_max=2)) as at:
        at.broker.refuses = 100
        at.broker.cut()
        await settle()
        for serial in (1, 2):
            at.link.offer(start(ONE, ebm_id=EbmId.build(EBM.platform, EBM.date, serial)))
        with pytest.raises(OutboxFull):
            at.link.offer(start(ONE, ebm_id=EbmId.build(EBM.platform, EBM.date, 3)))
        assert at.link.status().outbox_depth == 2


STRANGER = terminal_code(77)


@pytest.mark.parametrize(
    ("topic", "payload", "content_type", "reason"),
    [
        (f"eb/v1/{STRANGER}/status", b"online", None, "unknown_device"),
        (f"eb/v1/{ONE}/status", b"maybe", None, "status"),
        (f"eb/v1/{ONE}/rsp", b"\x00" * 20, mqtt.CONTENT_TYPE, "head"),
        (f"eb/v1/{ONE}/rsp", b"{}", "application/json", "content_type"),
        (f"eb/v1/{ONE}/cmd", b"", None, "topic"),
        ("eb/v1/somebody/rsp", b"", None, "topic"),
    ],
)
async def test_bytes_from_outside_are_refused_by_name(
    clock: VirtualClock, rng: random.Random, topic: str, payload: bytes, content_type: str | None, reason: str
) -> None:
    async with mqtt_link(clock, rng) as at:
        at.broker.says(topic, payload, content_type)
        await settle()
        rejected = [event for event in at.events if isinstance(event, Rejected)]
        assert [(event.link, event.reason) for event in rejected] == [("mqtt", reason)]


async def test_strangers_other_sources_and_unasked_answers_are_refused(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.broker.reports(STRANGER, t.Heartbeat(1, 1, ""))
        at.broker.reports(ONE, t.Heartbeat(1, 1, ""), source=TWO)
        at.broker.answers(ONE, t.request(t.Header.D, 99, VILLAGE, (ONE,), t.Stop(EBM)))
        await settle()
        rejected = [event.reason for event in at.events if isinstance(event, Rejected)]
        assert rejected == ["unknown_device", "source", "session"]
        assert at.told(Heartbeat, Answered) == []
