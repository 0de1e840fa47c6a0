"""What adapters report, and what they are answered."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.adapter_frames import TimeBase
from devices.link import Began, Connected, DeviceState, Ended, Heartbeat, Rejected
from devices.ports import Belief, Judged
from protocols import adapter as a
from tests.devices.annex_a_adapter import CONFIG, county, settle
from tests.devices.commands import EBM, VILLAGE, adapter_code
from tests.virtual_time import VirtualClock

ONE, STRANGER = adapter_code(1), adapter_code(99)
BEGAN = a.TaskBegan(ONE, EBM, 1, 4, 1, "11A01", 0, (), 80, (VILLAGE,))


def messages(replies: list[a.AdapterFrame | a.BadFrame]) -> list[a.Message]:
    return [reply.message for reply in replies if isinstance(reply, a.AdapterFrame)]


async def test_a_heartbeat_is_told_and_answered_with_a_signed_reply(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        reporter = await at.report(a.encode(a.AdapterHeartbeat(ONE, a.AdapterState.WORKING, 1)))
        assert at.told(Connected, Heartbeat) == [
            Connected("adapters", ONE),
            Heartbeat("adapters", ONE, "", DeviceState.WORKING, False),
        ]
        (reply,) = reporter.replies
        assert isinstance(reply, a.AdapterFrame)
        assert reply.message == a.PlatformReply(0)
        assert reply.signature is not None
        assert reply.head == a.COMMAND_HEAD


@pytest.mark.parametrize(("base", "shift_s"), [("utc", 0), ("beijing", 28_800)])
async def test_a_heartbeat_tells_the_adapters_clock_in_the_links_reading(
    clock: VirtualClock, rng: random.Random, base: str, shift_s: int
) -> None:
    async with county(clock, rng, config=replace(CONFIG, time_base=TimeBase(base))) as at:
        theirs = int(clock.wall()) - 7
        await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, theirs + shift_s)))
        assert at.told(Heartbeat) == [Heartbeat("adapters", ONE, "", DeviceState.IDLE, False, theirs)]


async def test_one_signed_reply_serves_the_heartbeats_of_a_minute(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        for _ in range(5):
            await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, 1)))
        assert at.sign.count == 1
        await asyncio.sleep(61)
        await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, 1)))
        assert at.sign.count == 2


@pytest.mark.clause("GD/J 089 clause A.2")
async def test_begin_and_end_of_a_task_are_told_and_answered(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        reporter = await at.report(a.encode(BEGAN) + a.encode(a.TaskEnded(ONE, EBM)))
        now = int(clock.wall())
        assert at.told(Began, Ended) == [Began("adapters", ONE, EBM, now), Ended("adapters", ONE, EBM, now)]
        assert messages(reporter.replies) == [a.TaskReply(0), a.PlatformReply(0)]


async def test_an_adapter_outside_the_inventory_is_refused_and_gets_no_reply(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        reporter = await at.report(a.encode(a.AdapterHeartbeat(STRANGER, 1, 1)))
        assert reporter.replies == []
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["unknown-device"]
        assert at.told(Heartbeat) == []


async def test_what_is_no_report_is_refused(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        await at.report(a.encode(a.GeneralAnswer()))
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["type"]


async def test_bytes_that_are_no_frame_end_the_connection_after_what_is_whole_behind_them(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        data = bytearray(a.encode(a.AdapterHeartbeat(ONE, 1, 1)))
        data[-1] ^= 1
        good = a.encode(a.AdapterHeartbeat(ONE, 1, 1))
        reporter = await at.report(bytes(data) + good)
        assert reporter.lost.is_set()
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["crc"]
        assert len(at.told(Heartbeat)) == len(reporter.replies) == 1


@pytest.mark.clause("GD/J 089 table A.37")
async def test_a_bad_signature_gets_code_4_and_no_effect(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        asked: list[bytes] = []

        def verify(signed: bytes, _block: object) -> Judged:
            asked.append(signed)
            return Judged(Belief.NONE, "bad_signature")

        at.link.verify = verify
        data = a.encode(BEGAN, sign=at.sign)
        reporter = await at.report(data)
        assert messages(reporter.replies) == [a.PlatformReply(a.ResultCode.SIGNATURE)]
        assert at.told(Began) == []
        assert asked == [a.decode(data).signed]


async def test_zeros_are_refused_where_signatures_are_required(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, config=replace(CONFIG, require_signature=True)) as at:
        reporter = await at.report(a.encode(BEGAN))
        assert messages(reporter.replies) == [a.PlatformReply(a.ResultCode.SIGNATURE)]
        assert at.told(Began) == []
        await at.report(a.encode(BEGAN, sign=at.sign))
        assert len(at.told(Began)) == 1


async def test_a_connection_that_stays_open_is_closed_after_a_while(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng) as at:
        reporter = await at.report(b"")
        await asyncio.sleep(13)
        assert reporter.lost.is_set()


async def test_more_report_connections_than_the_limit_are_refused(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, config=replace(CONFIG, report_connections_max=1)) as at:
        await at.report(b"")
        second = await at.report(b"")
        await settle()
        assert second.lost.is_set()
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["too-many-connections"]


async def test_a_clock_eight_hours_off_is_told_once_as_the_other_time_base(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        for seconds in (28_800, 28_750, 40, 28_800):
            await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, int(clock.wall()) + seconds)))
        doubts = [event for event in at.told(Rejected) if isinstance(event, Rejected)]
        assert [event.reason for event in doubts] == ["time-base", "time-base"]
        assert 'time_base = "beijing"' in doubts[0].detail
        assert len(at.told(Heartbeat)) == 4


async def test_a_link_that_speaks_beijing_time_doubts_a_clock_in_utc(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, config=replace(CONFIG, time_base=TimeBase.BEIJING)) as at:
        await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, int(clock.wall()) + 28_800)))
        assert at.told(Rejected) == []
        await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, int(clock.wall()))))
        (doubt,) = at.told(Rejected)
        assert isinstance(doubt, Rejected)
        assert 'time_base = "utc"' in doubt.detail


async def test_a_heartbeats_reply_may_go_to_where_the_adapter_listens(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, config=replace(CONFIG, reply_path="dial")) as at:
        reporter = await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, 1)))
        assert reporter.replies == []
        (frame,) = at.stations[1].heard or []
        assert (frame.message, frame.signature is not None) == (a.PlatformReply(), True)
        reporter = await at.report(a.encode(BEGAN))
        assert messages(reporter.replies) == [a.TaskReply()]


async def test_i6_an_adapter_that_takes_no_reply_delays_nobody_and_is_told_of(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, config=replace(CONFIG, reply_path="dial")) as at:
        at.network.refusing.add(("10.0.0.1", 8001))
        await at.report(a.encode(a.AdapterHeartbeat(ONE, 1, 1)))
        assert len(at.told(Heartbeat)) == 1
        assert [event.reason for event in at.told(Rejected) if isinstance(event, Rejected)] == ["reply-path"]
