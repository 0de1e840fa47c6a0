"""Keeps inventory.csv under a running daemon: the one way in which the file and the running inventory change together.

Order of each change: read and sort aside, write the file, enter the fact, take over, answer when the journal holds it
(I10). A crash in between is found at the next start, because the file's SM3 is then not the one in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from devices.ports import Clock
from ebcd import errors
from ebcd.archive.contacts import Person, take_in
from ebcd.archive.history import DeviceBook, inventory_changed
from ebcd.archive.table import Table, digest, read_content, replace_file
from ebcd.archive.turnover import Difference, Fresh, Turnover, difference
from ebcd.facts import DAEMON, Fact
from ebcd.health import Ways
from ebcd.inventory import Inventory
from ebcd.inventory_csv import left_out
from ebcd.inventory_csv import read_content as inventory_of
from ebcd.operator import Kind, OperationRefused, Problem
from protocols.codes import AreaCode

PROBLEMS_LOGGED_MAX = 50
RELEASE_S = 60.0

ValueT = TypeVar("ValueT")

log = structlog.get_logger("ebcd.archive")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a change of the inventory came to."""

    sm3: str
    added: int
    changed: int
    removed: int
    devices: int
    problems: int  # rows and values that were left out


@dataclass(frozen=True, slots=True)
class KeeperDoors:
    """What the keeper works with. `aside` runs what takes long where it delays nobody."""

    clock: Clock
    enter: Callable[..., None]
    durable: Callable[[], Awaitable[object]]
    person: Person
    ways_of: Callable[[Inventory], Ways]
    in_thread: bool = True


@dataclass(frozen=True, slots=True)
class _Built:
    """A new inventory, ready, and how it differs from the running one."""

    sm3: str
    fresh: Fresh
    difference: Difference
    problems: tuple[errors.Problem, ...]

    @property
    def counts(self) -> dict[str, int]:
        return {
            "added": len(self.difference.added),
            "changed": len(self.difference.changed),
            "removed": len(self.difference.removed),
            "devices": len(self.fresh.inventory.roster.devices),
        }


def refused(kind: Kind, code: str, thing: str, value: object = "", limit: object = "") -> OperationRefused:
    """A refusal with its sentence in the catalogue."""
    return OperationRefused(Problem(kind, code, thing, str(value), str(limit)))


class Keeper:
    """One county's file."""

    def __init__(self, file: Path, area: AreaCode, turnover: Turnover, book: DeviceBook, doors: KeeperDoors) -> None:
        self.turnover = turnover
        self._file = file
        self._area = area
        self._book = book
        self._doors = doors
        self._lock = asyncio.Lock()

    async def reload(self, actor: str) -> Kept:
        """Take over the file as it is now. Raises OperationRefused where it cannot be used; the running inventory then
        stays."""
        async with self._lock:
            content = await self._aside(lambda: read_content(self._file))
            table = await self._aside(lambda: self._parse(content))
            return await self._take(table, actor, "file", as_read=content)

    async def read_again(self, actor: str) -> int:
        """`reload` where the file is another one than the one in use; how many devices differ."""
        now = await self._aside(lambda: digest(read_content(self._file)))
        if now == self._book.inventory_sm3:
            return 0
        kept = await self.reload(actor)
        return kept.added + kept.changed + kept.removed

    async def replace(self, content: bytes, base: str, source: str, actor: str) -> Kept:
        """Put `content` in the place of the file whose SM3 is `base`. Raises OperationRefused where it is another one
        by now, or the new one cannot be used."""
        async with self._lock:
            now = await self._aside(lambda: digest(read_content(self._file)))
            if now != base:
                raise refused(Kind.CONFLICT, "inventory_moved", "inventory", self._file)
            table = await self._aside(lambda: self._parse(content))
            return await self._take(table, actor, source)

    async def edit(
        self,
        change: Callable[[Table], None],
        holds: Callable[[Inventory], bool],
        actor: str,
        source: str,
        facts: Sequence[Fact] = (),
    ) -> Kept:
        """Change rows of the file. `holds` says whether the new inventory is what was meant; `facts` are entered with
        the change. Raises OperationRefused."""
        async with self._lock:
            table = await self._aside(lambda: self._parse(read_content(self._file)))
            change(table)
            return await self._take(table, actor, source, holds=holds, facts=facts)

    async def check(self, change: Callable[[Table], None], holds: Callable[[Inventory], bool]) -> None:
        """Whether `edit` could do this now; nothing is written. Raises OperationRefused where it could not."""
        table = await self._aside(lambda: self._parse(read_content(self._file)))
        change(table)
        self._must_hold(await self._aside(lambda: self._build(table.content())), holds)

    async def durable(self) -> None:
        """Everything entered so far is on disk."""
        await self._doors.durable()

    async def run(self) -> None:
        """Until cancelled: let go of devices that left, once nobody needs them."""
        await self.notice()
        while True:
            await asyncio.sleep(RELEASE_S)
            self.turnover.release()

    async def notice(self) -> None:
        """At the start: whether people changed the file while nobody ran."""
        sm3 = await self._aside(lambda: digest(read_content(self._file)))
        if sm3 != self._book.inventory_sm3:
            counts = {"devices": len(self.turnover.inventory.roster.devices)}
            at = self._doors.clock.wall()
            self._doors.enter(inventory_changed(sm3, self._book.inventory_sm3, counts, "file", at, DAEMON))

    # ---- inside ----------------------------------------------------------------------------------------------------

    async def _take(
        self,
        table: Table,
        actor: str,
        source: str,
        *,
        as_read: bytes | None = None,
        holds: Callable[[Inventory], bool] = lambda _inventory: True,
        facts: Sequence[Fact] = (),
    ) -> Kept:
        """`as_read`: the file's content where it stands already as it is wanted."""
        people = await take_in(table, self._doors.person)
        content = await self._aside(table.content) if people or as_read is None else as_read
        built = await self._aside(lambda: self._build(content))
        if self.turnover.inventory.roster.terminals and not built.fresh.inventory.roster.terminals:
            raise refused(Kind.INVALID, "inventory_empty", "inventory", self._file)
        self._must_hold(built, holds)
        if content is not as_read:
            await self._write(content, names_only=as_read is not None)
        for problem in built.problems[:PROBLEMS_LOGGED_MAX]:
            is_value = left_out(problem) == "value"
            log.error("inventory.value_left_out" if is_value else "inventory.row_left_out", problem=str(problem))
        if built.sm3 != self._book.inventory_sm3 or facts:
            at = self._doors.clock.wall()
            changed = inventory_changed(built.sm3, self._book.inventory_sm3, built.counts, source, at, actor)
            self._doors.enter(changed, *facts)
        self.turnover.become(built.fresh, built.difference)
        await self._doors.durable()
        return Kept(sm3=built.sm3, problems=len(built.problems), **built.counts)

    async def _write(self, content: bytes, *, names_only: bool) -> None:
        """`names_only`: nothing but names is replaced, so that a file that cannot be written may stay as it is."""
        try:
            await self._aside(lambda: replace_file(self._file, content))
        except OSError as error:
            reason = error.strerror or str(error)
            if names_only:
                log.warning("inventory.names_stay_in_file", file=str(self._file), reason=reason)
                return
            raise refused(Kind.UNAVAILABLE, "inventory_unwritable", "inventory", self._file, reason) from None

    def _must_hold(self, built: _Built, holds: Callable[[Inventory], bool]) -> None:
        if not holds(built.fresh.inventory):
            last = built.problems[-1] if built.problems else ""  # rows are added at the end
            raise refused(Kind.INVALID, "inventory_unusable", "inventory", last)

    def _parse(self, content: bytes) -> Table:
        try:
            return Table.parse(content, self._file)
        except errors.ConfigError as error:
            raise refused(Kind.INVALID, "inventory_unusable", "inventory", error) from None

    def _build(self, content: bytes) -> _Built:
        inventory, problems = inventory_of(content, str(self._file), area=self._area)
        fresh = Fresh.of(inventory, self._doors.ways_of)
        return _Built(digest(content), fresh, difference(self.turnover.inventory, inventory), tuple(problems))

    async def _aside(self, work: Callable[[], ValueT]) -> ValueT:
        return await asyncio.to_thread(work) if self._doors.in_thread else work()
