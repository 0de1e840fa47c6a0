"""How many callers share one commit, and what each of them is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ebcd.store import Outgoing, Stored, StoreError, writer
from tests.ebcd.store.conftest import COUNTY, Opener, event


def numbers(rows: Sequence[Stored]) -> list[int]:
    return [row.payload["number"] for row in rows]


async def test_waiters_of_one_loop_turn_share_one_commit(opener: Opener) -> None:
    store = opener()
    rows = await asyncio.gather(*(store.append([event(n)]) for n in range(2224)))
    assert [row.seq for (row,) in rows] == list(range(1, 2225))
    assert (store.stats().commits, store.stats().events, store.stats().waiting) == (1, 2224, 0)


@pytest.mark.real
async def test_waiters_behind_a_thread_get_their_own_rows_in_few_commits(threaded: Opener) -> None:
    store = threaded()
    rows = await asyncio.gather(*(store.append([event(n)]) for n in range(500)))
    assert [numbers(mine) for mine in rows] == [[n] for n in range(500)]
    assert store.stats().commits < 50
    assert (await store.verify(COUNTY)).rows == 500
    await store.close()


async def test_events_of_one_call_stay_together_in_order_among_other_callers(opener: Opener) -> None:
    store = opener()
    rows = await asyncio.gather(*(store.append([event(n), event(n + 100)]) for n in range(5)))
    assert [row.seq for mine in rows for row in mine] == list(range(1, 11))


async def test_nothing_is_written_before_the_caller_waits_a_turn(opener: Opener) -> None:
    store = opener()
    store.append_soon([event()])
    assert (store.stats().commits, store.stats().waiting) == (0, 1)
    await store.flushed()
    assert (store.stats().events, store.stats().waiting) == (1, 0)


async def test_events_without_a_waiter_are_told_when_durable_in_the_order_they_were_given(opener: Opener) -> None:
    store = opener()
    told: list[list[int]] = []
    for n in range(3):
        store.append_soon([event(n), event(n + 10)], lambda rows: told.append(numbers(rows)))
    await store.flushed()
    await asyncio.sleep(0)
    assert told == [[0, 10], [1, 11], [2, 12]]


async def test_a_listener_that_fails_keeps_no_other_from_hearing(opener: Opener) -> None:
    store = opener()
    failures: list[object] = []
    told: list[Sequence[Stored]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context["exception"]))
    store.append_soon([event(1)], lambda rows: told.append(rows[5:][0]))  # type: ignore[arg-type]
    store.append_soon([event(2)], told.append)
    await store.append([event(3)])
    await asyncio.sleep(0)
    assert [numbers(rows) for rows in told] == [[2]]
    assert [type(failure) for failure in failures] == [IndexError]


async def test_a_caller_that_gave_up_waiting_has_written_all_the_same(opener: Opener) -> None:
    store = opener()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(store.append([event(1)]))
        await asyncio.sleep(0)
        waiting.cancel()
    assert numbers(await store.read(COUNTY)) == [1]


async def test_a_job_that_cannot_be_done_fails_alone_in_its_group(opener: Opener) -> None:
    store = opener()
    results = await asyncio.gather(
        store.append([event(1)]),
        store.outbox_postpone("unknown", tries=1, next_at=0.0, error=""),
        store.outbox_put(Outgoing("x", "peer", "", b"", next_at=1e300), [event(2)]),
        store.outbox_put(Outgoing("y", "peer", "", b"", next_at=0.0, tries=1 << 70), [event(9)]),
        store.append([event(3)]),
        return_exceptions=True,
    )
    assert isinstance(results[1], StoreError)
    assert isinstance(results[3], OverflowError)
    assert numbers(await store.read(COUNTY)) == [1, 2, 3]
    assert [package.ebd_id for package in await store.outbox_waiting()] == ["x"]
    assert (await store.verify(COUNTY)).whole


async def test_a_full_queue_refuses_and_counts_and_works_again_after(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ROWS_WAITING_MAX", 10)
    store = opener()
    store.append_soon([event(n) for n in range(8)])
    with pytest.raises(StoreError, match="ROWS_WAITING_MAX = 10") as full:
        store.append_soon([event(n) for n in range(3)])
    with pytest.raises(StoreError):
        await store.append([event(n) for n in range(3)])
    assert full.value.reason == "queue"
    await store.flushed()
    assert store.stats().refused == 2
    await store.append([event(99)])
    assert len(await store.read(COUNTY)) == 9


async def test_a_closed_store_has_written_everything_and_takes_nothing_more(opener: Opener) -> None:
    store = opener()
    store.append_soon([event(1)])
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        store.append_soon([event(2)])
    assert numbers(await opener().read(COUNTY)) == [1]


@pytest.mark.real
async def test_closing_waits_for_the_thread_to_write_everything(threaded: Opener) -> None:
    store = threaded()
    for n in range(100):
        store.append_soon([event(n)])
    await store.close()
    await store.close()
    assert store.stats().waiting == 0
    store = threaded()
    assert numbers(await store.read(COUNTY)) == list(range(100))
    await store.close()


async def test_an_abandoned_store_loses_only_what_was_not_acknowledged(opener: Opener) -> None:
    store = opener()
    await store.append([event(1)])
    store.append_soon([event(2)])
    store.abandon()
    store = opener()
    assert numbers(await store.read(COUNTY)) == [1]
    assert [row.seq for row in await store.append([event(3)])] == [2]


@pytest.mark.real
async def test_a_store_serves_one_loop_only(threaded: Opener) -> None:
    store = threaded()
    await store.append([event(1)])

    def elsewhere() -> None:
        asyncio.run(store.append([event(2)]))

    with pytest.raises(StoreError, match="another event loop"):
        await asyncio.to_thread(elsewhere)
    await store.close()
