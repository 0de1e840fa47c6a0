"""The store as the daemon sees it: every call resolves after what it wrote is durable."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from devices.ports import Clock

from . import boxes, counters, journal, memory, reports
from .committer import Committer, Job
from .engine import FileLock, database_file, forget_log, make_engine, parse_url, restore_mark, told
from .errors import StoreError
from .events import NewEvent, Sealed, Stored, seal
from .packages import PackageFolder
from .records import (
    Accepted,
    Duplicate,
    HealthRow,
    Loaded,
    Outgoing,
    PackageMeta,
    Person,
    ReportRow,
    SignatureMemory,
    SignatureSeen,
    StoreStats,
    Verdict,
)
from .schema import bring_up
from .transaction import Transaction
from .writer import Writer

ValueT = TypeVar("ValueT")

OnDurable = Callable[[Sequence[Stored]], None]
"""Called in the loop with the rows of one `append_soon`, after they are durable."""

NEXT_AFTER_CUT_RESTORE = "a restore is under way or was cut short: run `ebcd restore --replace` again to its end"

HEALTH_FLUSH_S = 1.0
"""How long changes of health gather before they are written; a restart may miss that much of them."""
LINK_COUNTER = "link/"
"""Before the name of a link, in the table of counters."""


def open_store(
    url: str, *, clock: Clock, packages: Path | None = None, inline: bool = False, fsync: bool = True
) -> Store:
    """Open a database, making or migrating it first. Raises StoreError.

    `packages` is the folder for raw packages, by default beside the SQLite file. `inline` works in the caller's loop
    without threads, for virtual time. `fsync=False` gives up durability and is for simulation only.
    """
    parsed = parse_url(url)
    file = database_file(parsed)
    if file is None and parsed.get_backend_name() == "sqlite" and not inline:
        raise StoreError("cannot_open", "store.url", repr(url), "a database in memory needs inline=True")
    lock = None
    if file is not None:
        if (mark := restore_mark(file)).exists():
            raise StoreError("restoring", f"database {file}", f"{mark.name} stands beside it", NEXT_AFTER_CUT_RESTORE)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            value = error.strerror or str(error)
            raise StoreError("cannot_open", f"folder {file.parent}", value, "make it by hand") from error
        lock = FileLock(file)
        packages = packages or file.parent / "packages"
    engine = make_engine(parsed, fsync=fsync)
    try:
        backup = bring_up(engine)
        folder = PackageFolder(packages, fsync=fsync) if packages is not None else None
        if folder is not None:
            folder.sweep()
    except BaseException:
        engine.dispose()
        if lock is not None:
            lock.release()
        raise
    return Store(engine, clock, folder, lock, inline=inline, backup=backup)


class Store:
    """Journal, packages and projections of one daemon. Use `open_store`; one event loop per store."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        folder: PackageFolder | None,
        lock: FileLock | None,
        *,
        inline: bool,
        backup: str | None,
    ) -> None:
        self.backup = backup
        """Name of the copy made before a migration at opening; None where none was needed."""
        self._engine = engine
        self._clock = clock
        self._folder = folder
        self._lock = lock
        self._stats = StoreStats()
        self._writer = Writer(Committer(engine, engine.url, clock.monotonic, self._stats), self._stats, inline=inline)
        self._readers = None if inline else ThreadPoolExecutor(2, "ebcd-store-read")
        self._health: dict[str, HealthRow] = {}
        self._health_flush: asyncio.TimerHandle | None = None
        self._ebd_numbers = iter(range(0))
        self._ebd_reserving = asyncio.Lock()

    # ---- journal ----

    async def append(self, events: Sequence[NewEvent]) -> list[Stored]:
        """Write events, in order and all or none; returns when they are durable. Raises StoreError."""
        sealed = self._seal(events)
        stored: list[Stored] = await self._writer.do(Job(lambda work: work.append(sealed), max(1, len(sealed))))
        return stored

    def append_soon(self, events: Sequence[NewEvent], on_durable: OnDurable | None = None) -> None:
        """Queue events without waiting; they are tried again until the disk takes them.

        Raises StoreError when the queue is full. `flushed` waits for them.
        """
        sealed = self._seal(events)
        if sealed:
            self._writer.submit(Job(lambda work: work.append(sealed), len(sealed), on_durable=on_durable))

    async def flushed(self) -> None:
        """Resolve when everything queued before is durable. Raises StoreError while the disk refuses it."""
        await self._writer.do(Job(lambda _work: None, 0))

    async def read(self, stream: str, after_seq: int = 0, limit: int = journal.READ_ROWS_MAX) -> list[Stored]:
        """Up to `limit` events of a stream behind `after_seq`; ask again from the last one for more."""
        return await self._reading(lambda connection: journal.read_page(connection, stream, after_seq, limit))

    async def read_alert(self, stream: str, alert: str) -> list[Stored]:
        """The events of one alert, in order, at most `journal.READ_ROWS_MAX`."""
        return await self._reading(lambda connection: journal.read_alert(connection, stream, alert))

    async def verify(self, stream: str) -> Verdict:
        """Walk the whole chain of a stream. Takes its time: about a second per 100,000 events."""
        return await self._reading(lambda connection: journal.verify(connection, stream))

    async def checkpoint(self, stream: str, seq: int, state: bytes) -> None:
        """Keep the state after the event `seq`, which must be durable. The newest three are kept."""
        at = self._clock.wall()
        await self._writer.do(Job(lambda work: journal.put_checkpoint(work, stream, seq, state, at), 1))

    async def load(self, stream: str) -> Loaded:
        """What a restart begins with. Raises ChainBroken where the journal was altered after the checkpoint."""
        return await self._reading(lambda connection: journal.load(connection, stream))

    # ---- packages from and to peers ----

    async def accept_package(
        self,
        ebd_id: str,
        raw: bytes,
        meta: PackageMeta,
        events: Sequence[NewEvent] = (),
        *,
        signature: SignatureSeen | None = None,
    ) -> Accepted | Duplicate:
        """Make a received package durable: its bytes as a file, then its row, signature and events in one transaction.

        A number that was accepted before gives its recorded answer and writes nothing. Record only what its sender's
        signature vouches for: a forged package must not use up an id. Raises StoreError.
        """
        folder = self._packages()
        sealed = self._seal(events)
        name, digest, size_bytes = await self._blocking(lambda: folder.write(raw))

        def record(work: Transaction) -> Accepted | Duplicate:
            result = boxes.record_package(work, ebd_id, meta, (name, digest, size_bytes), sealed)
            if signature is not None and isinstance(result, Accepted):
                memory.remember_signature(work, signature)
            return result

        answer: Accepted | Duplicate = await self._writer.do(Job(record, 1 + len(sealed)))
        return answer

    async def accepted_package(self, ebd_id: str) -> Duplicate | None:
        """The answer recorded for a package number, None where it is new. `same_bytes` means nothing here."""
        return await self._reading(lambda connection: boxes.answered(connection, ebd_id, ""))

    async def read_package(self, file: str) -> bytes:
        """The bytes of an accepted package by its file name. Raises StoreError where they are gone or damaged."""
        folder = self._packages()
        return await self._blocking(lambda: folder.read(file))

    async def next_ebd_number(self) -> int:
        """A number for an own EBDID that was never given out before, by this or any earlier process; from 1."""
        async with self._ebd_reserving:
            for number in self._ebd_numbers:
                return number
            block = counters.EBD_NUMBERS_PER_BLOCK
            last: int = await self._writer.do(Job(lambda work: counters.advance(work, "ebd", block), 1))
            self._ebd_numbers = iter(range(last - block + 1, last + 1))
            return next(self._ebd_numbers)

    async def next_ebm_serial(self, day: str) -> int:
        """The next serial for an own EBMID of `day` (YYYYMMDD), 1 to 9999. Raises StoreError when the day is full."""
        serial: int = await self._writer.do(Job(lambda work: counters.advance(work, f"ebm/{day}", 1), 1))
        if serial > counters.EBM_SERIAL_MAX:
            raise StoreError("refused", f"EBM serials of {day}", "all 9999 are used", "wait for the next day")
        return serial

    async def kept_numbers(self) -> dict[str, int]:
        """What links kept, by their names."""
        return await self._reading(lambda connection: counters.values(connection, LINK_COUNTER))

    def keep_number_soon(self, link: str, value: int) -> None:
        """Write a link's number with the next commit; a crash before that loses it."""
        self._writer.submit(Job(lambda work: counters.put(work, LINK_COUNTER + link, value), 1))

    async def begin_restored(self, events: Sequence[NewEvent]) -> None:
        """This journal comes from a backup: journal so, and skip the numbers that were given out since (GD/J 083: an
        EBDID is used once)."""
        sealed = self._seal(events)

        def work(transaction: Transaction) -> None:
            counters.skip_lost(transaction)
            transaction.append(sealed)

        await self._writer.do(Job(work, 1 + len(sealed)))

    async def outbox_put(self, package: Outgoing, events: Sequence[NewEvent] = ()) -> list[Stored]:
        """Queue a package for a peer, durable, with its events; the same number again writes nothing."""
        sealed = self._seal(events)

        def work(transaction: Transaction) -> list[Stored]:
            return transaction.append(sealed) if boxes.put(transaction, package) else []

        stored: list[Stored] = await self._writer.do(Job(work, 1 + len(sealed)))
        return stored

    async def outbox_postpone(self, ebd_id: str, *, tries: int, next_at: float, error: str) -> None:
        """Note that a try failed and when the next one is due (UTC seconds)."""
        await self._writer.do(Job(lambda work: boxes.postpone(work, ebd_id, tries, next_at, error), 1))

    async def outbox_done(self, ebd_id: str, events: Sequence[NewEvent] = ()) -> bool:
        """The peer has answered, or it was given up. Nothing is journaled and False returned where it was not there."""
        sealed = self._seal(events)

        def work(transaction: Transaction) -> bool:
            there = boxes.remove(transaction, ebd_id)
            if there:
                transaction.append(sealed)
            return there

        done: bool = await self._writer.do(Job(work, 1 + len(sealed)))
        return done

    async def outbox_waiting(self, peer: str | None = None, limit: int = boxes.OUTBOX_PACKAGES_MAX) -> list[Outgoing]:
        """Packages that no peer, or this one, has answered yet, the oldest first."""
        return await self._reading(lambda connection: boxes.waiting(connection, peer, limit))

    # ---- what stands beside the journal ----

    async def remember_signature(self, seen: SignatureSeen) -> None:
        """Note an accepted signature that came without a package of its own."""
        await self._writer.do(Job(lambda work: memory.remember_signature(work, seen), 1))

    async def signatures(self) -> SignatureMemory:
        """Last times and the replay cache, for a restart."""
        return await self._reading(memory.signatures)

    async def person(self, name: str, phone: str = "") -> int:
        """The id under which the journal refers to a person."""
        found: int = await self._writer.do(Job(lambda work: memory.refer(work, name, phone), 1))
        return found

    async def people(self, ids: Iterable[int]) -> dict[int, Person]:
        """The people behind ids, as far as they exist."""
        wanted = tuple(ids)
        return await self._reading(lambda connection: memory.find_people(connection, wanted))

    async def erase_person(self, person: int, events: Sequence[NewEvent] = ()) -> None:
        """Empty a name and phone for good; the chain and the id stay. Raises StoreError for an unknown id."""
        sealed = self._seal(events)

        def work(transaction: Transaction) -> None:
            memory.erase(transaction, person)
            transaction.append(sealed)

        await self._writer.do(Job(work, 1 + len(sealed)))
        await self._reading(forget_log)

    def health_soon(self, rows: Iterable[HealthRow]) -> None:
        """Write devices' states within about `HEALTH_FLUSH_S`; of several for one device only the last."""
        for row in rows:
            if row.code not in self._health and len(self._health) >= memory.HEALTH_ROWS_MAX:
                self._stats.refused += 1
                continue
            self._health[row.code] = row
        if self._health and self._health_flush is None:
            self._health_flush = asyncio.get_running_loop().call_later(HEALTH_FLUSH_S, self._flush_health)

    async def health(self) -> list[HealthRow]:
        """Every device's last written state."""
        return await self._reading(memory.all_health)

    def reports_soon(self, rows: Sequence[ReportRow], gone: Sequence[tuple[str, str, str]]) -> None:
        """Write what platforms above know, without waiting; tried again until the disk takes it. Raises StoreError when
        the queue is full."""
        self._writer.submit(Job(lambda work: reports.write(work, rows, gone), max(1, len(rows) + len(gone))))

    async def reports(self) -> list[ReportRow]:
        """What each platform above knows."""
        return await self._reading(reports.every)

    def count_soon(self, steps: Mapping[str, int]) -> None:
        """Move counters on without waiting; tried again until the disk takes it. Raises StoreError when the queue is
        full."""

        def work(transaction: Transaction) -> None:
            for name, by in steps.items():
                counters.advance(transaction, name, by)

        self._writer.submit(Job(work, len(steps)))

    async def counted(self, prefix: str) -> dict[str, int]:
        """Counters whose names begin with `prefix`, by the rest of the name."""
        return await self._reading(lambda connection: counters.starting_with(connection, prefix))

    # ---- itself ----

    def stats(self) -> StoreStats:
        """A copy of the counters."""
        return dataclasses.replace(self._stats, failures=dict(self._stats.failures))

    @property
    def alive(self) -> bool:
        """Whether what is written can still reach the disk; a full disk is alive, a dead writer is not."""
        return self._writer.alive

    async def close(self) -> None:
        """Write what waits and let go of the database."""
        self._flush_health()
        await self._writer.close()
        self._let_go()

    def abandon(self) -> None:
        """Stop as a crash would: what no call has acknowledged may be lost, and nobody is told."""
        self._health.clear()
        self._cancel_health()
        self._writer.abandon()
        self._let_go()

    # ---- inside ----

    def _seal(self, events: Sequence[NewEvent]) -> tuple[Sealed, ...]:
        now = self._clock.wall()
        return tuple([seal(event, now) for event in events])

    def _packages(self) -> PackageFolder:
        if self._folder is None:
            raise StoreError("missing", "store.packages", "no folder", "name one when opening the store")
        return self._folder

    async def _blocking(self, call: Callable[[], ValueT]) -> ValueT:
        if self._readers is None:
            return call()
        return await asyncio.get_running_loop().run_in_executor(self._readers, call)

    async def _reading(self, query: Callable[[Connection], ValueT]) -> ValueT:
        def run() -> ValueT:
            try:
                with self._engine.connect() as connection:
                    return query(connection)
            except SQLAlchemyError as error:
                raise told(error, self._engine.url) from error

        return await self._blocking(run)

    def _flush_health(self) -> None:
        self._cancel_health()
        if self._health:
            rows: Any = tuple(self._health.values())
            self._health = {}
            self._writer.submit(Job(lambda work: memory.upsert_health(work, rows), len(rows)))

    def _cancel_health(self) -> None:
        if self._health_flush is not None:
            self._health_flush.cancel()
            self._health_flush = None

    def _let_go(self) -> None:
        if self._readers is not None:
            self._readers.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
