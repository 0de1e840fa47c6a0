"""The journal: how long until events are durable, beside one fdatasync of 4 KiB on the same disk."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from ebcd.store import NewEvent, Store, open_store
from tests.benchmarks.measure import Measure

COUNTY = "341123000000"
ALERT = "43411230000000101010101202611220001"
TERMINALS = 2224  # of the reference county
BATCH = 64  # receipts of one loop turn
SYNCS = 200
APPENDS = 300
ROUNDS = 7

FDATASYNC = "one fdatasync of 4 KiB"


class MachineClock:
    """The clock of this machine."""

    def wall(self) -> float:
        """UTC seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never step."""
        return time.monotonic()


def fdatasync_s(folder: Path) -> float:
    """Median time to write 4 KiB at the end of a file and have it on the disk."""
    taken_s = []
    data = os.urandom(4096)
    with open(folder / "floor", "wb", buffering=0) as file:
        for _ in range(SYNCS):
            began_s = time.perf_counter()
            file.write(data)
            os.fdatasync(file.fileno())
            taken_s.append(time.perf_counter() - began_s)
    return statistics.median(taken_s)


def receipt(number: int) -> NewEvent:
    """A confirmation as the daemon journals it."""
    payload = {"code": f"6341123{number:05d}0314010401", "path": "ip", "result": 0, "link": "ip"}
    return NewEvent(COUNTY, "receipt.confirmed", "link:ip", payload, ALERT)


async def one_by_one(store: Store) -> list[float]:
    """Seconds of single appends, each waited for."""
    taken_s = []
    for number in range(APPENDS):
        began_s = time.perf_counter()
        await store.append([receipt(number)])
        taken_s.append(time.perf_counter() - began_s)
    return taken_s


async def by_waiters(store: Store, waiters: int) -> float:
    """Rows a second when so many tasks append one event after another."""
    turns = max(2, 4 * TERMINALS // waiters)

    async def work() -> None:
        for number in range(turns):
            await store.append([receipt(number)])

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(waiters):
            group.create_task(work())
    return waiters * turns / (time.perf_counter() - began_s)


async def receipts(store: Store, batch: int) -> float:
    """Seconds from the first of a county's receipts to the last one durable, told without a waiter each."""
    began_s = time.perf_counter()
    for first in range(0, TERMINALS, batch):
        store.append_soon([receipt(number) for number in range(first, min(first + batch, TERMINALS))])
        await asyncio.sleep(0)
    await store.flushed()
    return time.perf_counter() - began_s


async def median_of(call: Callable[[], Awaitable[float]]) -> float:
    """The median of several rounds."""
    return statistics.median([await call() for _ in range(ROUNDS)])


def run() -> Iterator[Measure]:
    """Measure in a folder beside the working directory, so that the disk is the one the daemon would use."""
    with tempfile.TemporaryDirectory(prefix=".bench-store-", dir=".") as name, asyncio.Runner() as runner:
        folder = Path(name)
        sync_s = fdatasync_s(folder)
        yield Measure("one fdatasync", sync_s * 1e6, "us")
        began_s = time.perf_counter()
        store = open_store(f"sqlite:///{folder}/ebcd.db", clock=MachineClock())
        yield Measure("open a new database", (time.perf_counter() - began_s) * 1e3, "ms")
        singles_s = sorted(runner.run(one_by_one(store)))
        for what, at in (("median", APPENDS // 2), ("99 %", APPENDS * 99 // 100)):
            yield Measure(f"one append, {what}", singles_s[at] * 1e6, "us", sync_s * 1e6, FDATASYNC)
        for waiters in (50, TERMINALS):
            rate = runner.run(by_waiters(store, waiters))
            yield Measure(f"group commit, {waiters:,} waiters", rate, "rows/s", note=f"{rate * sync_s:.1f} rows a sync")
        for batch in (1, BATCH, TERMINALS):
            took_s = runner.run(median_of(lambda batch=batch: receipts(store, batch)))  # type: ignore[misc]
            what = f"{TERMINALS:,} receipts by append_soon, {batch:,} a loop turn"
            note = f"{took_s / TERMINALS * 1e6:.1f} us a receipt"
            yield Measure(what, took_s * 1e3, "ms", sync_s * 1e3, FDATASYNC, note)
        yield from restart(runner, store)
        runner.run(store.close())


def restart(runner: asyncio.Runner, store: Store) -> Iterator[Measure]:
    """What walking the chain costs, and what a checkpoint saves a restart."""
    began_s = time.perf_counter()
    verdict = runner.run(store.verify(COUNTY))
    took_s = time.perf_counter() - began_s
    yield Measure("verify the whole chain", verdict.rows / took_s, "rows/s", note=f"{verdict.rows:,} rows")
    runner.run(store.checkpoint(COUNTY, verdict.head_seq - 100, b"{}"))
    began_s = time.perf_counter()
    runner.run(store.load(COUNTY))
    yield Measure("load: checkpoint and 100 events behind it", (time.perf_counter() - began_s) * 1e3, "ms")
