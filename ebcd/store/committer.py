"""Carries a group of jobs to the disk in one transaction, and says of each whether it arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)

from .engine import WRITES, told
from .errors import StoreError
from .records import StoreStats
from .transaction import Heads, Transaction, read_head

log = structlog.get_logger("ebcd.store")


@dataclass(slots=True, eq=False)
class Job:
    """Some writing that must happen as a whole. `work` may run more than once, but commits at most once."""

    work: Callable[[Transaction], Any]
    rows: int  # what it counts against the queue's limit
    future: asyncio.Future[Any] | None = None  # None: nobody waits, it is kept and tried again until it succeeds
    on_durable: Callable[[Any], None] | None = None


Outcome = tuple[Job, Any, Exception | None]
"""A finished job with its result, or with the error that ended it."""

_IMPOSSIBLE = (ValueError, TypeError, OverflowError)  # a driver's word for a value that no column can hold
_OF_ONE_JOB = (IntegrityError, DataError, ProgrammingError, NotSupportedError)  # the database itself is in order


class Committer:
    """Owns the one writing connection and the heads of the chains. Used by one thread at a time."""

    def __init__(self, engine: Engine, url: URL, monotonic: Callable[[], float], stats: StoreStats) -> None:
        self._engine = engine
        self._url = url
        self._monotonic = monotonic
        self._stats = stats
        self._connection: Connection | None = None
        self._heads: Heads = {}

    def run(self, jobs: Sequence[Job]) -> tuple[list[Outcome], list[Job]]:
        """Commit all jobs together; returns the finished ones and those to be kept for another try.

        A job that cannot be written for a reason of its own fails alone. When the database is out of order, waiters
        are told and the jobs without a waiter are kept, in their order.
        """
        try:
            results = self._commit(jobs)
        except (SQLAlchemyError, StoreError, *_IMPOSSIBLE) as error:
            if isinstance(error, DBAPIError) and not isinstance(error, _OF_ONE_JOB):
                return self._turn_back(jobs, told(error, self._url))
            if len(jobs) > 1:
                return self._one_by_one(jobs)
            return [(jobs[0], None, self._fail(jobs[0], error))], []
        return [(job, result, None) for job, result in zip(jobs, results, strict=True)], []

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    # ---- inside ----

    def _commit(self, jobs: Sequence[Job]) -> list[Any]:
        began_s = self._monotonic()
        connection = self._connected()
        transaction = connection.begin()
        work = Transaction(connection, self._heads)
        try:
            results = [job.work(work) for job in jobs]
            work.finish()
        except BaseException:
            self._undo(transaction.rollback)
            raise
        try:
            transaction.commit()
        except SQLAlchemyError:
            self._undo(transaction.rollback)
            if not self._landed(work):
                raise
        self._heads.update(work.heads)
        self._say("", "")
        stats = self._stats
        stats.commits += 1
        stats.events += work.journal_rows
        stats.groups_rows_max = max(stats.groups_rows_max, work.journal_rows)
        stats.commit_s_last = self._monotonic() - began_s
        stats.commit_s_sum += stats.commit_s_last
        return results

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(**{WRITES: True})
        return self._connection

    def _undo(self, rollback: Callable[[], None]) -> None:
        """After a failure nothing that was remembered may be trusted: the connection and the heads are taken anew."""
        self._heads.clear()
        try:
            rollback()
        except SQLAlchemyError:
            self.close()

    def _landed(self, work: Transaction) -> bool:
        """A COMMIT that reported an error may have reached the disk all the same: the head's hash tells."""
        self.close()
        if not work.heads:
            return False
        try:
            connection = self._connected()
            with connection.begin():
                return all(read_head(connection, stream) == head for stream, head in work.heads.items())
        except SQLAlchemyError:
            self.close()
            return False

    def _turn_back(self, jobs: Sequence[Job], error: StoreError) -> tuple[list[Outcome], list[Job]]:
        self.close()
        self._stats.failures[error.reason] = self._stats.failures.get(error.reason, 0) + 1
        kept = [job for job in jobs if job.future is None]
        self._say(error.reason, str(error))
        self._stats.retried += len(kept)
        return [(job, None, error) for job in jobs if job.future is not None], kept

    def _say(self, trouble: str, detail: str) -> None:
        """Once when it begins and once when it is over: until then nothing that must be on disk first leaves."""
        if trouble == self._stats.trouble:
            return
        self._stats.trouble = trouble
        if trouble:
            log.error("store.cannot_write", reason=trouble, detail=detail)
        else:
            log.info("store.writes_again")

    def _one_by_one(self, jobs: Sequence[Job]) -> tuple[list[Outcome], list[Job]]:
        finished: list[Outcome] = []
        kept: list[Job] = []
        for job in jobs:
            done, again = self.run([job])
            finished += done
            kept += again
        return finished, kept

    def _fail(self, job: Job, error: Exception) -> Exception:
        if job.future is None:
            self._stats.lost += job.rows
        return told(error, self._url) if isinstance(error, SQLAlchemyError) else error
