"""Parts of the daemon that fail are started again, and end when they are told to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from ebcd.supervise import supervise
from tests.virtual_time import VirtualClock


def supervised(run: Callable[[], Awaitable[None]], clock: VirtualClock, failed: list[str]) -> asyncio.Task[None]:
    return asyncio.create_task(
        supervise("part", run, monotonic=clock.monotonic, chance=random.Random(1), failed=failed.append)
    )


async def test_a_part_that_fails_or_ends_is_counted_and_started_again(clock: VirtualClock) -> None:
    begun: list[float] = []
    failed: list[str] = []
    third = asyncio.Event()

    async def part() -> None:
        begun.append(clock.monotonic())
        if len(begun) == 1:
            raise RuntimeError("a defect")
        if len(begun) == 3:
            third.set()

    task = supervised(part, clock, failed)
    async with asyncio.timeout(600):
        await third.wait()
    task.cancel()
    await asyncio.wait({task})
    assert failed[:2] == ["part", "part"]
    assert begun[0] < begun[1] < begun[2]


@pytest.mark.parametrize("passes", range(6))
async def test_a_part_that_is_told_to_end_while_something_in_it_fails_ends(clock: VirtualClock, passes: int) -> None:
    """However many turns of the loop lie between the two: a group of tasks raises their errors only."""
    now = asyncio.Event()

    async def fails() -> None:
        await now.wait()
        raise RuntimeError("a defect")

    async def part() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            await asyncio.sleep(3600)

    task = supervised(part, clock, [])
    await asyncio.sleep(1)
    now.set()
    for _ in range(passes):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=30)
    task.cancel()
    assert done == {task}
    assert task.cancelled()
