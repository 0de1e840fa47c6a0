"""The loop that all other asynchronous tests stand on."""

from __future__ import annotations

import asyncio
import random
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import EPOCH_UTC_S, Deadlock, Hung, LeftBehind, VirtualClock, VirtualLoop, run


async def test_an_hour_passes_at_once() -> None:
    begin_s = asyncio.get_running_loop().time()
    await asyncio.sleep(3600)
    assert asyncio.get_running_loop().time() - begin_s == pytest.approx(3600)


async def test_sleepers_wake_in_order_of_their_deadlines() -> None:
    woken: list[int] = []

    async def sleeper(seconds: int) -> None:
        await asyncio.sleep(seconds)
        woken.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (30, 10, 20):
            group.create_task(sleeper(seconds))
    assert woken == [10, 20, 30]


async def test_a_timeout_fires_in_virtual_time() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await asyncio.Event().wait()


def test_waiting_for_nothing_is_reported_as_a_deadlock_with_its_place() -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"no timer is armed; waiting: .*test_virtual_time\.py"):
        run(waits())


def test_a_forgotten_task_fails_the_test_that_started_it() -> None:
    async def forgets() -> None:
        asyncio.get_running_loop().create_task(asyncio.sleep(99), name="orphan")

    with pytest.raises(LeftBehind, match="orphan"):
        run(forgets())


def test_a_test_that_hangs_is_ended_with_its_place() -> None:
    async def hangs() -> None:
        await asyncio.sleep(3600)

    with pytest.raises(Hung, match=r"not done after 5 s") as caught:
        run(hangs(), limit_s=5)
    assert "in hangs" in "".join(traceback.format_exception(caught.value))


async def test_a_thread_is_refused_in_virtual_time() -> None:
    with pytest.raises(RuntimeError, match="mark the test `real`"):
        await asyncio.to_thread(print)


async def test_the_clock_counts_from_its_epoch_and_steps_only_its_wall_time(clock: VirtualClock) -> None:
    assert clock.wall() == EPOCH_UTC_S
    await asyncio.sleep(5)
    clock.step(-3600)
    assert clock.monotonic() == pytest.approx(5)
    assert clock.wall() == pytest.approx(EPOCH_UTC_S + 5 - 3600)


@given(seconds=st.integers(0, 10**6))
async def test_properties_may_be_asynchronous(seconds: int) -> None:
    begin_s = asyncio.get_running_loop().time()
    await asyncio.sleep(seconds)
    assert asyncio.get_running_loop().time() - begin_s == pytest.approx(seconds)


@pytest.mark.real
async def test_a_test_marked_real_runs_outside_virtual_time() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualLoop)
    assert await asyncio.to_thread(int, "7") == 7


def test_chance_follows_the_seed(seed: int, rng: random.Random) -> None:
    assert rng.random() == random.Random(seed).random()


async def test_loopback_sockets_follow_virtual_time() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)
        writer.write(await reader.readexactly(4))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        begin_s = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"ping")
        assert await reader.read() == b"ping"
        assert asyncio.get_running_loop().time() - begin_s == pytest.approx(10)
        writer.close()
        await writer.wait_closed()
