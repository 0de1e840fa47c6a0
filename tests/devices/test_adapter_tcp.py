"""Commands to head-end adapters and what becomes of them, in virtual time."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.adapter_frames import TimeBase
from devices.adapter_tcp import AdapterTcpConfig
from devices.link import Answered, Connected, DeviceState, Disconnected, NoAnswer, Rejected, StateTold, Verb
from devices.ports import Belief, Judged
from protocols import adapter as a
from tests.devices.annex_a_adapter import CONFIG, county, settle, usual
from tests.devices.commands import (
    EBM,
    OTHER_EBM,
    VILLAGE,
    adapter_code,
    adapter_device,
    ask,
    set_clock,
    start,
    stop,
    terminal_code,
)
from tests.virtual_time import VirtualClock

ONE, TWO, THREE = (adapter_code(number) for number in (1, 2, 3))


def answered(number: int = 1, verb: Verb = Verb.START, result: int = 0, text: str = "") -> Answered:
    return Answered("adapters", adapter_code(number), EBM, verb, result, text)


@pytest.mark.requirement("R-IF-06", "R-PLT-14", "R-PLT-18", "R-TST-03")
async def test_one_signature_starts_all_adapters_and_each_answer_is_told(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 3) as at:
        at.link.offer(start(ONE, TWO, THREE, text="暴雨橙色预警"))
        await settle()
        assert at.told(Answered) == [answered(1), answered(2), answered(3)]
        assert at.sign.count == 1
        (frame,) = at.stations[1].heard or []
        assert frame.signature is not None
        message = frame.message
        assert isinstance(message, a.StartBroadcast)
        (language,) = message.languages
        assert language == a.Language(
            "zho", "暴雨橙色预警", "", (a.Auxiliary.url("http://127.0.0.1:8088/a.mp3"),), a.GB2312
        )
        assert message.targets == a.Targets((VILLAGE,))
        assert (message.class_, message.level, message.event_type, message.volume) == (4, 1, "11A01", 80)


async def test_a_rare_character_moves_the_text_to_gb_18030(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.link.offer(start(ONE, text="㐀村"))
        await settle()
        (message,) = at.stations[1].messages
        assert isinstance(message, a.StartBroadcast)
        assert message.languages[0].charset == a.GB18030
        assert message.languages[0].text == "㐀村"


async def test_a_name_longer_than_its_length_field_is_cut_between_characters(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        at.link.offer(replace(start(ONE, text="㐀村"), agency="长" * 200))
        await settle()
        (message,) = at.stations[1].messages
        assert isinstance(message, a.StartBroadcast)
        assert message.languages[0].agency == "长" * 127  # two bytes each in GB 18030


async def test_an_answer_makes_an_adapter_live(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, 2) as at:
        at.link.offer(start(ONE))
        await settle()
        assert at.told(Connected) == [Connected("adapters", ONE)]
        assert at.link.status().devices == 1
        await asyncio.sleep(200)
        assert at.told(Disconnected) == [Disconnected("adapters", ONE, "3 heartbeats missed")]


async def test_an_unknown_adapter_is_told(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.link.offer(start(TWO))
        assert at.told(NoAnswer) == [NoAnswer("adapters", TWO, EBM, Verb.START, "unknown adapter")]


@pytest.mark.clause("GD/J 089 clause A.2")
async def test_i8_silence_is_tried_three_times_on_new_connections_and_then_told(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        at.stations[1].reply = lambda _: None
        at.link.offer(start(ONE))
        await asyncio.sleep(14.9)
        assert at.told(NoAnswer) == []
        await asyncio.sleep(0.2)
        assert at.told(NoAnswer) == [NoAnswer("adapters", ONE, EBM, Verb.START, "no answer within 5 s")]
        assert len(at.stations[1].messages) == 3
        assert len(at.network.dialled) == 3
        assert at.sign.count == 1


async def test_a_slow_answer_to_an_earlier_try_counts(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.stations[1].delay_s = 6.0
        at.link.offer(start(ONE))
        await asyncio.sleep(30)
        assert at.told(Answered) == [answered()]
        assert at.told(NoAnswer) == []
        assert len(at.network.dialled) == 2


async def test_an_answer_after_the_last_try_is_still_told(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.stations[1].delay_s = 20.0
        at.link.offer(start(ONE))
        await asyncio.sleep(100)
        assert [type(event) for event in at.told(NoAnswer, Answered)] == [NoAnswer, Answered]


async def test_i6_slow_and_dead_adapters_delay_no_other(clock: VirtualClock, rng: random.Random) -> None:
    config = replace(CONFIG, exchanges_max=40, slow_exchanges_max=2)
    async with county(clock, rng, 30, config=config) as at:
        for number in range(1, 6):
            at.stations[number].delay_s = 4.0
        for number in range(6, 11):
            at.network.black_holes.add(("10.0.0.1", 8000 + number))
        for number in range(11, 16):
            at.network.refusing.add(("10.0.0.1", 8000 + number))
        everybody = tuple(adapter_code(number) for number in range(1, 31))
        at.link.offer(start(*everybody))
        await settle()
        assert {event.code for event in at.told(Answered) if isinstance(event, Answered)} == set(everybody[15:])
        await asyncio.sleep(60)
        assert len(at.told(Answered)) == 20
        assert {event.code for event in at.told(NoAnswer) if isinstance(event, NoAnswer)} == set(everybody[5:15])


async def test_adapters_that_failed_share_fewer_places_and_keep_nobody_waiting(
    clock: VirtualClock, rng: random.Random
) -> None:
    config = replace(CONFIG, exchanges_max=4, slow_exchanges_max=1, repeats=1)
    async with county(clock, rng, 10, config=config) as at:
        for number in range(1, 9):
            at.network.black_holes.add(("10.0.0.1", 8000 + number))
        dead, live = [adapter_code(n) for n in range(1, 9)], [adapter_code(n) for n in (9, 10)]
        at.link.offer(start(*dead))
        await asyncio.sleep(120)
        at.link.offer(start(*dead, *live, ebm_id=OTHER_EBM))
        await settle()
        assert len(at.told(Answered)) == 2


async def test_a_refusal_is_told_with_its_text(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.stations[1].reply = lambda _: a.StartAnswer(ONE, EBM, 1, "正忙")
        at.link.offer(start(ONE))
        await settle()
        assert at.told(Answered) == [answered(result=1, text="正忙")]


async def test_a_general_answer_to_a_start_counts_with_its_code(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, 2) as at:
        at.stations[1].reply = lambda _: a.GeneralAnswer(a.ResultCode.SIGNATURE, "bad signature")
        at.stations[2].reply = lambda _: a.GeneralAnswer(a.ResultCode.UNKNOWN)
        at.link.offer(start(ONE, TWO))
        await settle()
        assert at.told(Answered) == [answered(1, result=4, text="bad signature"), answered(2, result=-1)]


@pytest.mark.parametrize(
    "wrong",
    [a.StartAnswer(ONE, OTHER_EBM), a.StartAnswer(TWO, EBM), a.Records(ONE, ()), a.AdapterHeartbeat(ONE, 1, 0)],
)
async def test_an_answer_to_something_else_is_refused_and_the_right_one_still_counts(
    clock: VirtualClock, rng: random.Random, wrong: a.Message
) -> None:
    async with county(clock, rng) as at:
        at.stations[1].raw = a.encode(wrong)
        at.link.offer(start(ONE))
        await settle()
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["wrong-answer"]
        assert at.told(Answered) == [answered()]


async def test_noise_before_an_answer_is_counted_and_the_answer_heard(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.stations[1].raw = b"\xff\x00\x49"
        at.link.offer(start(ONE))
        await settle()
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["noise"]
        assert at.told(Answered) == [answered()]


async def test_a_connection_closed_without_an_answer_is_tried_again_at_once(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        at.stations[1].closes = True
        at.link.offer(start(ONE))
        await settle()
        assert at.told(NoAnswer) == [NoAnswer("adapters", ONE, EBM, Verb.START, "closed without an answer")]
        assert at.told(Disconnected) == []


async def test_an_adapter_that_cannot_be_reached_is_told_as_gone(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.link.offer(start(ONE))
        await settle()
        at.network.refusing.add(("10.0.0.1", 8001))
        at.link.offer(start(ONE, ebm_id=OTHER_EBM))
        await asyncio.sleep(10)
        (gone,) = at.told(Disconnected)
        assert isinstance(gone, Disconnected)
        assert gone.reason.startswith("no connection")
        assert at.link.status().devices == 0


async def test_i12_a_stop_does_not_wait_for_a_slow_start_and_ends_its_tries(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        station = at.stations[1]
        station.reply = lambda frame: usual(ONE)(frame) if isinstance(frame.message, a.StopBroadcast) else None
        at.link.offer(start(ONE))
        await asyncio.sleep(1)
        at.link.offer(stop(ONE))
        await settle()
        assert at.told(NoAnswer, Answered) == [
            NoAnswer("adapters", ONE, EBM, Verb.START, "stopped"),
            answered(verb=Verb.STOP),
        ]
        await asyncio.sleep(60)
        assert [type(message) for message in station.messages] == [a.StartBroadcast, a.StopBroadcast]


async def test_i12_a_start_stopped_while_it_connects_is_never_written(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.link.offer(start(ONE))
        await asyncio.sleep(0)
        at.link.offer(stop(ONE))
        await settle()
        assert [type(message) for message in at.stations[1].messages] == [a.StopBroadcast]


async def test_i3_a_start_that_ended_is_neither_sent_nor_tried_again(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.stations[1].reply = lambda _: None
        at.link.offer(start(ONE, end=clock.wall() + 2))
        at.link.offer(start(ONE, ebm_id=OTHER_EBM, end=clock.wall() + 3))
        await asyncio.sleep(60)
        assert len(at.stations[1].messages) == 1
        assert [event.reason for event in at.told(NoAnswer) if isinstance(event, NoAnswer)] == ["expired", "expired"]


async def test_asking_for_the_state_queries_any_message_and_tells_what_plays(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 2) as at:
        record = a.Record(EBM, a.RecordState.PLAYING, 1, 4, 1, "11A01", 1, 2, 80, 0, (), (VILLAGE,))
        at.stations[1].reply = lambda _: a.Records(ONE, (record, replace(record, state=a.RecordState.SUCCESS)))
        at.link.offer(ask(ONE, TWO))
        await settle()
        assert at.told(StateTold) == [
            StateTold("adapters", ONE, DeviceState.WORKING, (EBM,)),
            StateTold("adapters", TWO, DeviceState.IDLE, ()),
        ]
        (query,) = at.stations[2].messages
        assert isinstance(query, a.QueryRecords)
        assert (query.front, query.ebm_id, query.task) == (TWO, None, 0)


async def test_beijing_time_base_moves_annex_a_times_by_eight_hours(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, config=replace(CONFIG, time_base=TimeBase.BEIJING)) as at:
        at.link.offer(set_clock(ONE))
        await settle()
        assert at.stations[1].messages == [a.SetClock(int(clock.wall()) + 28_800)]


@pytest.mark.requirement("R-X-05")
async def test_more_than_255_targets_take_several_frames_and_one_answer_is_told(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        targets = tuple(terminal_code(number) for number in range(1, 601))
        at.link.offer(start(ONE, targets=targets))
        await settle()
        assert at.told(Answered) == [answered()]
        sent = [
            m.targets.codes
            for m in at.stations[1].messages
            if isinstance(m, a.StartBroadcast) and isinstance(m.targets, a.Targets)
        ]
        assert [len(codes) for codes in sent] == [255, 255, 90]
        assert tuple(code for codes in sent for code in codes) == targets


async def test_a_signature_that_has_grown_old_is_made_anew(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, config=replace(CONFIG, resign_after_s=3.0)) as at:
        at.stations[1].reply = lambda _: None
        at.link.offer(start(ONE))
        await asyncio.sleep(20)
        assert at.sign.count == 3
        assert len({frame.signature for frame in at.stations[1].heard or []}) == 3


async def test_a_full_outbox_of_one_adapter_concerns_that_adapter_only(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, 2, config=replace(CONFIG, outbox_max=1)) as at:
        at.stations[1].reply = lambda _: None
        for _ in range(2):
            at.link.offer(start(ONE))
            await settle()
        at.link.offer(start(ONE, TWO))
        await settle()
        (full,) = at.told(NoAnswer)
        assert isinstance(full, NoAnswer)
        assert full.code == ONE
        assert "1 commands wait" in full.reason
        assert at.told(Answered) == [answered(2)]


async def test_a_start_that_no_frame_can_hold_is_told(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.link.offer(replace(start(ONE), language="zh-CN"))
        await settle()
        (refused,) = at.told(NoAnswer)
        assert isinstance(refused, NoAnswer)
        assert "cannot be encoded" in refused.reason


async def test_a_signed_answer_is_verified_where_a_verifier_is_given(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        at.link.verify = lambda _signed, _block: Judged(Belief.NONE)
        at.stations[1].raw = a.encode(a.StartAnswer(ONE, EBM, 1), sign=at.sign)
        at.link.offer(start(ONE))
        await settle()
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["signature"]
        assert at.told(Answered) == [answered()]


async def test_an_unsigned_answer_is_refused_where_signatures_are_required(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, config=replace(CONFIG, require_signature=True, repeats=0)) as at:
        at.link.offer(start(ONE))
        await asyncio.sleep(10)
        assert at.told(Answered) == []
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["unsigned"]


async def test_commands_offered_before_the_link_runs_are_sent_when_it_does(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        pass
    at.link.offer(start(ONE))
    assert at.link.status().outbox_depth == 1
    async with asyncio.TaskGroup() as group:
        running = group.create_task(at.link.run())
        await settle()
        assert at.told(Answered) == [answered()]
        running.cancel()


def test_the_defaults_are_those_of_the_configuration_file() -> None:
    assert AdapterTcpConfig("adapters").report_port == 8099
    assert adapter_device(1).port == 8001
