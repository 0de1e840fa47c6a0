"""The one writer: gathers what the loop submits, commits it in groups, wakes the waiters after the commit.

With a thread of its own, groups grow by themselves while a commit is under way. Inline (virtual time, simulation) the
group of one loop turn is committed in the loop itself. Either way a waiter resumes only after COMMIT.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .committer import Committer, Job, Outcome
from .errors import StoreError
from .pumps import InlinePump, ThreadPump
from .records import StoreStats

ROWS_WAITING_MAX = 100_000
"""Rows submitted and not yet on disk; beyond it a call is refused and counted."""


class Writer:
    """Takes jobs from one event loop; every method is called in that loop."""

    def __init__(self, committer: Committer, stats: StoreStats, *, inline: bool) -> None:
        self._stats = stats
        self._pump: InlinePump | ThreadPump
        self._pump = InlinePump(committer, self._deliver) if inline else ThreadPump(committer, self._deliver)
        self._gathered: list[Job] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def submit(self, job: Job) -> None:
        """Queue a job. Raises StoreError when the queue is full or the store is closed."""
        if self._closed:
            raise StoreError("closed", "store", "closed", "open it again")
        if self._pump.broken is not None:
            raise self._pump.broken
        if self._stats.waiting + job.rows > ROWS_WAITING_MAX:
            self._stats.refused += 1
            value = f"{self._stats.waiting} rows wait for the disk, ROWS_WAITING_MAX = {ROWS_WAITING_MAX}"
            raise StoreError("queue", "store", value, "look for a full or slow disk, then try again")
        self._stats.waiting += job.rows
        if not self._gathered:
            self._bound_loop().call_soon(self._hand_over)
        self._gathered.append(job)

    async def do(self, job: Job) -> Any:
        """Queue a job and wait for its commit. A cancelled wait does not take the write back."""
        job.future = asyncio.get_running_loop().create_future()
        self.submit(job)
        return await job.future

    @property
    def alive(self) -> bool:
        """Whether somebody takes jobs to the disk."""
        return not self._closed and self._pump.alive

    async def close(self) -> None:
        """Write what waits, then end. What the disk still refuses is counted as lost."""
        if self._closed:
            return
        self._closed = True
        self._hand_over()
        for job in await self._pump.close():
            self._stats.lost += job.rows
            self._stats.waiting -= job.rows

    def abandon(self) -> None:
        """Stop as a crash would: nothing more is written, no waiter is told."""
        self._closed = True
        self._gathered.clear()
        self._pump.abandon()

    # ---- inside ----

    def _bound_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise StoreError("closed", "store", "belongs to another event loop", "open one store per loop")
        return loop

    def _hand_over(self) -> None:
        if self._gathered:
            jobs, self._gathered = self._gathered, []
            self._pump.take(jobs)

    def _deliver(self, outcomes: list[Outcome]) -> None:
        """Wake the waiters of finished jobs; in the loop, once per group."""
        rest = iter(outcomes)
        try:
            for job, result, error in rest:
                self._stats.waiting -= job.rows
                if job.future is None:
                    if job.on_durable is not None and error is None:
                        job.on_durable(result)
                elif job.future.done():  # its task was cancelled meanwhile
                    continue
                elif error is None:
                    job.future.set_result(result)
                else:
                    job.future.set_exception(error)
        finally:
            if left := list(rest):  # a listener failed: the others hear all the same
                asyncio.get_running_loop().call_soon(self._deliver, left)
