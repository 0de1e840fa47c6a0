"""What has time waits for answers, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from simulators.leisure import CALM_S, PATIENCE_S, Leisure, OwnThread, at_once
from tests.virtual_time import VirtualClock


async def test_work_is_done_in_the_order_it_was_put_off_when_nobody_asks(clock: VirtualClock) -> None:
    leisure, done = Leisure(), []
    for number in range(40):
        leisure.later(lambda number=number: done.append(number))  # type: ignore[misc]
    assert done == []
    await asyncio.sleep(10 * CALM_S)
    assert done == list(range(40))


async def test_commands_that_keep_coming_hold_it_back_until_its_patience_ends(clock: VirtualClock) -> None:
    leisure, done_at = Leisure(), []
    began_s = clock.monotonic()
    leisure.later(lambda: done_at.append(clock.monotonic() - began_s))
    while clock.monotonic() - began_s < 2 * PATIENCE_S:
        leisure.stir()
        await asyncio.sleep(CALM_S / 2)
    assert len(done_at) == 1
    assert PATIENCE_S <= done_at[0] <= PATIENCE_S + 2 * CALM_S


@pytest.mark.real
async def test_work_aside_comes_back_with_its_value_whichever_way_it_is_done() -> None:
    thread = OwnThread("test")
    assert [await at_once(lambda: 1), await thread(lambda: 2)] == [1, 2]
    thread.close()
