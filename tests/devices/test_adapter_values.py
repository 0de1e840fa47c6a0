"""Questions to adapters about themselves: what is known of the answers is told, and no alert waits for them."""

from __future__ import annotations

import asyncio
import random

from devices.link import Answered, Verb
from devices.maintenance import AskValues, Channel, Told, ValuesTold
from protocols import adapter as a
from tests.devices.annex_a_adapter import county, settle
from tests.devices.commands import EBM, adapter_code, start
from tests.virtual_time import VirtualClock

ONE = adapter_code(1)


async def test_i6_a_question_under_way_to_a_slow_adapter_holds_up_no_alert(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:
        at.stations[1].delay_s = 4.0
        at.link.offer(AskValues((ONE,), ()))
        await asyncio.sleep(1)
        assert [type(message) for message in at.stations[1].messages] == [a.QueryOutputs]
        at.link.offer(start(ONE))
        await settle()
        assert isinstance(at.stations[1].messages[-1], a.StartBroadcast)
        await asyncio.sleep(4)
        assert at.told(Answered) == [Answered("adapters", ONE, EBM, Verb.START, 0, "")]


async def test_an_adapter_that_knows_one_question_only_has_told_what_it_knows(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng) as at:

        def reply(frame: a.AdapterFrame) -> a.Message:
            if isinstance(frame.message, a.QueryInputs):
                return a.Inputs(ONE, (a.InputChannel(1, "话筒", 1, 1),))
            return a.GeneralAnswer(a.ResultCode.CONFLICT, "unknown")

        at.stations[1].reply = reply
        at.link.offer(AskValues((ONE,), ()))
        await settle()
        told = Told(code=str(ONE), inputs=(Channel(1, "话筒", "idle"),))
        assert at.told(ValuesTold) == [ValuesTold("adapters", ONE, told)]
