"""How jobs get from the loop to the committer: through a thread, or inline where time is virtual."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from .committer import Committer, Job, Outcome
from .errors import StoreError

ROWS_PER_COMMIT_MAX = 4096

RETRY_S = 1.0
"""Pause before writes without a waiter are tried again on a database that is out of order."""

ValueT = TypeVar("ValueT")

Deliver = Callable[[list[Outcome]], None]


def _broken(error: BaseException) -> StoreError:
    return StoreError(
        "broken", "store writer", f"failed with {error!r}", "this is a bug: report it, restart the daemon"
    )


class InlinePump:
    """Commits in the loop. Deterministic: no thread, no clock but the loop's."""

    def __init__(self, committer: Committer, deliver: Deliver) -> None:
        self._committer = committer
        self._deliver = deliver
        self.broken: StoreError | None = None
        self._kept: list[Job] = []
        self._retry: asyncio.TimerHandle | None = None

    def take(self, jobs: Sequence[Job]) -> None:
        """Commit these jobs, behind those that still wait for another try."""
        self._cancel_retry()
        jobs, self._kept = [*self._kept, *jobs], []
        if self.broken is not None:
            self._deliver([(job, None, self.broken) for job in jobs])
            return
        try:
            outcomes, self._kept = self._committer.run(jobs)
        except BaseException as error:
            self.broken = _broken(error)
            self._deliver([(job, None, self.broken) for job in jobs])
            raise
        self._deliver(outcomes)
        if self._kept:
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self.take, ())

    @property
    def alive(self) -> bool:
        """It is unless a commit failed in a way that nobody understands."""
        return self.broken is None

    async def close(self) -> list[Job]:
        """Try once more what is kept; returns what could not be written."""
        if self._kept:
            self.take(())
        kept, self._kept = self._kept, []
        self.abandon()
        return kept

    def abandon(self) -> None:
        """Stop at once."""
        self._cancel_retry()
        self._kept = []
        self._committer.close()

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None


class ThreadPump:
    """Commits in a thread that begins with the first job."""

    def __init__(self, committer: Committer, deliver: Deliver) -> None:
        self._committer = committer
        self._deliver = deliver
        self.broken: StoreError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended: asyncio.Future[list[Job]] | None = None
        # shared with the thread, under _wake
        self._wake = threading.Condition()
        self._queue: deque[Job] = deque()
        self._fresh = False  # something came since the thread looked last
        self._ending = False
        self._dropping = False

    def take(self, jobs: Sequence[Job]) -> None:
        """Hand jobs to the thread."""
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._ended = self._loop.create_future()
            self._thread = threading.Thread(target=self._run, name="ebcd-store", daemon=True)
            self._thread.start()
        with self._wake:
            if self.broken is None:
                self._queue.extend(jobs)
                self._fresh = True
                self._wake.notify()
                return
        self._deliver([(job, None, self.broken) for job in jobs])

    @property
    def alive(self) -> bool:
        """Its thread runs, or has not been needed yet."""
        return self.broken is None and (self._thread is None or self._thread.is_alive())

    async def close(self) -> list[Job]:
        """Let the thread empty the queue and end; returns what could not be written."""
        if self._thread is None or self._ended is None:
            return []
        with self._wake:
            self._ending = True
            self._wake.notify()
        left = await self._ended
        self._thread.join()
        return left

    def abandon(self) -> None:
        """Stop after the commit that is under way, if any."""
        if self._thread is None:
            return
        with self._wake:
            self._queue.clear()
            self._ending = self._dropping = True
            self._wake.notify()
        self._thread.join()

    # ---- in the thread ----

    def _run(self) -> None:
        jobs: list[Job] = []
        outcomes: list[Outcome]
        try:
            while jobs := self._next_group():
                outcomes, kept = self._committer.run(jobs)
                jobs = []
                self._tell(self._deliver, outcomes)
                with self._wake:
                    self._queue.extendleft(reversed(kept))
                    if self._ending and kept:
                        break  # the last try has failed too
                self._pause(bool(kept))
            self._end(list(self._queue))
        except BaseException as error:
            with self._wake:
                self.broken = _broken(error)
                stranded = [*jobs, *self._queue]
                self._queue.clear()
            outcomes = [(job, None, self.broken) for job in stranded]
            self._tell(self._deliver, outcomes)
            self._end([])
            raise

    def _next_group(self) -> list[Job]:
        """The next jobs to commit together; empty when it is time to end."""
        group: list[Job] = []
        rows = 0
        with self._wake:
            while not self._queue and not self._ending:
                self._wake.wait()
            self._fresh = False
            while self._queue and (not group or rows + self._queue[0].rows <= ROWS_PER_COMMIT_MAX):
                job = self._queue.popleft()
                rows += job.rows
                group.append(job)
        return group

    def _pause(self, troubled: bool) -> None:
        """After a failure wait for new work or for the time to try again, whichever comes first."""
        with self._wake:
            if troubled and not self._fresh and not self._ending:
                self._wake.wait(RETRY_S)

    def _end(self, left: list[Job]) -> None:
        self._committer.close()
        if self._ended is not None:
            self._tell(self._resolve, left)

    def _resolve(self, left: list[Job]) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(left)

    def _tell(self, callback: Callable[[ValueT], None], value: ValueT) -> None:
        """Call back in the loop; a loop that is gone has nobody left to tell."""
        if self._loop is not None and not self._loop.is_closed() and not self._dropping:
            self._loop.call_soon_threadsafe(callback, value)
