"""A disk that is full, locked, read-only or lying: told, nothing half done, and the work goes on when it is back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event
from structlog.testing import capture_logs

from ebcd.store import NewEvent, Store, StoreError, engine, pumps
from ebcd.store.committer import Job
from tests.ebcd.store.conftest import COUNTY, Opener, event


@dataclass
class Disk:
    """What every new connection of this test is told about the disk."""

    pragma: str = ""


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Makes databases behave as on a bad disk, by SQLite's own means."""
    disk = Disk()

    def connected(connection: Any, _record: object) -> None:
        if disk.pragma:
            connection.execute(f"PRAGMA {disk.pragma}")

    sqlalchemy_event.listen(Engine, "connect", connected)
    yield disk
    sqlalchemy_event.remove(Engine, "connect", connected)


def big(number: int) -> NewEvent:
    """An event that needs pages of its own."""
    return NewEvent(COUNTY, "test.happened", "tester", {"number": number, "filler": "x" * 50_000})


async def numbers(store: Store) -> list[int]:
    return [row.payload["number"] for row in await store.read(COUNTY)]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    other = sqlite3.connect(folder / "state" / "ebcd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def test_a_full_disk_is_told_to_every_waiter_and_leaves_nothing_half_done(opener: Opener, disk: Disk) -> None:
    disk.pragma = "max_page_count=60"
    store = opener()
    (first,) = await store.append([event(1)])
    results = await asyncio.gather(
        store.append([event(2)]), store.append([big(3), big(4), big(5), big(6)]), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreError, StoreError]
    assert isinstance(results[0], StoreError)
    assert results[0].reason == "full"
    assert "free some space" in str(results[0])
    assert await numbers(store) == [1]
    disk.pragma = ""
    (after,) = await store.append([event(7)])
    assert (after.seq, after.prev) == (2, first.hash)
    assert (await store.verify(COUNTY)).whole
    assert store.stats().failures == {"full": 1}


async def test_events_without_a_waiter_outlast_a_full_disk_in_order(opener: Opener, disk: Disk) -> None:
    disk.pragma = "max_page_count=60"
    store = opener()
    told: list[int] = []
    for number in range(5):
        store.append_soon([big(number)], lambda rows: told.append(rows[0].payload["number"]))
    with pytest.raises(StoreError):
        await store.flushed()
    assert (told, store.stats().waiting) == ([], 5)
    disk.pragma = ""
    await asyncio.sleep(pumps.RETRY_S * 2)
    assert told == [0, 1, 2, 3, 4]
    assert await numbers(store) == [0, 1, 2, 3, 4]
    assert (store.stats().waiting, store.stats().lost) == (0, 0)


async def test_an_outage_is_logged_when_it_begins_and_when_it_is_over(opener: Opener, disk: Disk) -> None:
    opener().abandon()
    disk.pragma = "query_only=ON"
    store = opener()
    with capture_logs() as logged:
        store.append_soon([event(1)])
        await asyncio.sleep(pumps.RETRY_S * 5)
        disk.pragma = ""
        await asyncio.sleep(pumps.RETRY_S * 2)
    assert [line["event"] for line in logged] == ["store.cannot_write", "store.writes_again"]
    assert logged[0]["reason"] == "readonly"


async def test_new_events_come_behind_those_that_still_wait_for_the_disk(opener: Opener, disk: Disk) -> None:
    opener().abandon()
    disk.pragma = "query_only=ON"
    store = opener()
    store.append_soon([event(1)])
    with pytest.raises(StoreError) as readonly:
        await store.append([event(2)])
    assert readonly.value.reason == "readonly"
    disk.pragma = ""
    await store.append([event(3)])
    assert await numbers(store) == [1, 3]


@pytest.mark.real
async def test_the_thread_tries_again_by_itself(threaded: Opener, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pumps, "RETRY_S", 0.001)
    threaded().abandon()
    disk.pragma = "query_only=ON"
    store = threaded()
    durable = asyncio.get_running_loop().create_future()
    store.append_soon([event(1)], durable.set_result)
    with pytest.raises(StoreError):
        await store.flushed()
    disk.pragma = ""
    await durable
    assert await numbers(store) == [1]
    assert store.stats().retried >= 1
    await store.close()


@pytest.mark.real
@pytest.mark.parametrize("gone_for_good", [True, False])
async def test_closing_tries_once_more_and_counts_what_is_lost(
    threaded: Opener, disk: Disk, gone_for_good: bool
) -> None:
    threaded().abandon()
    disk.pragma = "query_only=ON"
    store = threaded()
    store.append_soon([event(1), event(2)])
    with pytest.raises(StoreError):
        await store.flushed()
    if not gone_for_good:
        disk.pragma = ""
    await store.close()
    assert store.stats().lost == (2 if gone_for_good else 0)
    assert store.stats().waiting == 0


async def test_a_file_locked_by_another_process_is_told(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 1)
    store = opener()
    with locked(tmp_path), pytest.raises(StoreError) as busy:
        await store.append([event(1)])
    assert busy.value.reason == "locked"
    await store.append([event(2)])
    assert await numbers(store) == [2]


@pytest.mark.parametrize("landed", [True, False])
async def test_i10_a_commit_that_reports_an_error_is_judged_by_what_is_on_disk(
    opener: Opener, monkeypatch: pytest.MonkeyPatch, landed: bool
) -> None:
    store = opener()
    await store.append([event(1)])
    dialect = store._engine.dialect
    commit = dialect.do_commit

    def lying(connection: Any) -> None:
        monkeypatch.setattr(dialect, "do_commit", commit)
        if landed:
            commit(connection)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(dialect, "do_commit", lying)
    if landed:
        assert [row.seq for row in await store.append([event(2)])] == [2]
    else:
        with pytest.raises(StoreError):
            await store.append([event(2)])
    await store.append([event(3)])
    assert await numbers(store) == ([1, 2, 3] if landed else [1, 3])
    assert (await store.verify(COUNTY)).whole


async def test_i10_events_kept_for_another_try_are_not_doubled_when_the_first_had_landed(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opener()
    dialect = store._engine.dialect
    commit = dialect.do_commit

    def lying(connection: Any) -> None:
        commit(connection)
        monkeypatch.setattr(dialect, "do_commit", commit)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(dialect, "do_commit", lying)
    store.append_soon([event(1)])
    await store.flushed()
    await asyncio.sleep(pumps.RETRY_S * 2)
    assert await numbers(store) == [1]


def bug(_work: object) -> None:
    raise ZeroDivisionError("a bug")


async def test_a_bug_in_the_writer_is_told_to_everyone_and_not_survived(opener: Opener) -> None:
    store = opener()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    results = await asyncio.gather(store._writer.do(Job(bug, 1)), store.append([event(1)]), return_exceptions=True)
    assert [getattr(result, "reason", None) for result in results] == ["broken", "broken"]
    with pytest.raises(StoreError, match="ZeroDivisionError"):
        await store.append([event(2)])
    await store.close()


@pytest.mark.real
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_bug_in_the_writer_thread_leaves_no_caller_waiting(threaded: Opener) -> None:
    store = threaded()
    results = await asyncio.gather(
        store._writer.do(Job(bug, 1)), *(store.append([event(n)]) for n in range(20)), return_exceptions=True
    )
    assert {getattr(result, "reason", None) for result in results} == {"broken"}
    with pytest.raises(StoreError, match="ZeroDivisionError"):
        await store.append([event(2)])
    await store.close()
