"""White lists to adapters: shown first, sent in portions that fit, each portion's answer noted (GD/J 089 table A.5).

What an adapter has is what it answered 0 to. One that is silent, or says no, keeps its difference open: the next push
tells it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import orjson
import structlog

from devices.given import Caller, ListOperation
from devices.link import Path
from devices.maintenance import Configure, Configured, Given
from devices.ports import Clock
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.keeper import refused
from ebcd.inventory import Inventory
from ebcd.operator import Actor, Kind
from ebcd.personal import MASK, masked
from ebcd.store import Store
from ebcd.whitelist.book import CallerBook, whitelist_emptied, whitelist_told
from ebcd.whitelist.desk import people_of
from ebcd.whitelist.plan import Line, adapters_at, difference, wanted
from protocols.codes import ResourceCode
from protocols.sm2 import sm3

ADAPTERS_AT_ONCE = 256
"""That are told side by side: dead ones cost half a minute each."""
OTHER = {ListOperation.ADD: ListOperation.MODIFY, ListOperation.MODIFY: ListOperation.ADD}
"""What is tried where a single line is refused: an answer that was lost leaves us not knowing whether it is there."""
OPEN, TAKEN, REFUSED, SILENT, UNSENT = "open", "taken", "refused", "no_answer", "unsent"

log = structlog.get_logger("ebcd.whitelist")


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of what an adapter is told. `outcome`: "open" in a preview; then "taken", "refused" with what it said,
    "no_answer", "unsent" (an earlier portion was not answered)."""

    operation: str
    number: str
    name: str
    permission: str
    areas: tuple[str, ...]
    outcome: str = OPEN
    said: str = ""


@dataclass(frozen=True, slots=True)
class AdapterRow:
    """One adapter whose list is not as it should be. `has`: numbers that it took so far. `standing`: "open", "gone" (it
    is in the inventory no more, and what it has stays there)."""

    code: str
    name: str
    place: str
    has: int
    lines: tuple[LineRow, ...]
    standing: str = OPEN


@dataclass(frozen=True, slots=True)
class PushPlan:
    """Of one push. `digest`: SM3 over all of it, so that what is confirmed is what was shown."""

    digest: str
    rows: tuple[AdapterRow, ...]
    lines: dict[ResourceCode, tuple[Line, ...]] = field(repr=False, default_factory=dict)


class Pusher:
    """One county's. `entries_max`: lines of one 0x0C."""

    def __init__(
        self,
        book: CallerBook,
        inventory: Inventory,
        store: Store,
        enquiries: Enquiries,
        entries_max: int,
        clock: Clock,
        enter: Callable[..., None],
        durable: Callable[[], Awaitable[object]],
    ) -> None:
        self._book = book
        self._inventory = inventory
        self._store = store
        self._enquiries = enquiries
        self._entries_max = entries_max
        self._clock = clock
        self._enter = enter
        self._durable = durable
        self._in_hand: set[str] = set()

    async def plan(self, at: Sequence[str] = (), *, empty: bool = False) -> PushPlan:
        """What the adapters at these places (none: all) would be told; `empty`: their lists are empty now, whatever
        they took. Raises OperationRefused."""
        if empty and not at:
            raise refused(Kind.INVALID, "whitelist_empty_where", "at")
        people = await people_of(self._store, self._book.people())
        meant = wanted(self._book, self._inventory)
        chosen = self._chosen(at)
        rows, lines = [], {}
        for code, here in meant.items():
            if chosen is not None and code not in chosen:
                continue
            taken = {} if empty else self._book.taken.get(code, {})
            found = difference(here, taken, people)
            if found:
                lines[code] = found
                rows.append(self._row(code, len(taken), tuple(map(_shown, found))))
        if chosen is None:
            rows += [self._row(c, len(has), (), "gone") for c, has in self._book.taken.items() if c not in meant]
        told = [[code, *(_plain(line) for line in each)] for code, each in sorted(lines.items())]
        return PushPlan(sm3(orjson.dumps([empty, told])).hex(), tuple(rows), lines)

    async def differing(self) -> tuple[str, ...]:
        """Adapters that a push would tell something."""
        return tuple((await self.plan()).lines)

    async def push(
        self, at: Sequence[str], digest: str, actor: Actor, *, empty: bool = False
    ) -> tuple[AdapterRow, ...]:
        """Tell them what was shown; what became of each line. Raises OperationRefused where it is something else by
        now, or somebody is telling one of them already."""
        plan = await self.plan(at, empty=empty)
        if plan.digest != digest:
            raise refused(Kind.CONFLICT, "whitelist_moved", "whitelist", digest[:12], plan.digest[:12])
        if busy := self._in_hand.intersection(plan.lines):
            raise refused(Kind.CONFLICT, "in_hand", "adapter", min(busy))
        self._in_hand.update(plan.lines)
        places = asyncio.Semaphore(ADAPTERS_AT_ONCE)

        async def tell(row: AdapterRow) -> AdapterRow:
            async with places:
                return await self._adapter(row, plan.lines[ResourceCode(row.code)], actor)

        try:
            for code in sorted(self._chosen(at) or ()) if empty else ():
                self._enter(whitelist_emptied(code, self._clock.wall(), actor.name))
            done = await asyncio.gather(*(tell(row) for row in plan.rows if row.standing == OPEN))
        finally:
            self._in_hand.difference_update(plan.lines)
        await self._durable()
        return tuple(done)

    # ---- one adapter -----------------------------------------------------------------------------------------------

    async def _adapter(self, row: AdapterRow, lines: Sequence[Line], actor: Actor) -> AdapterRow:
        """Portion by portion; after silence nothing more."""
        code, rows = ResourceCode(row.code), list[LineRow]()
        for begin in range(0, len(lines), self._entries_max):
            portion = lines[begin : begin + self._entries_max]
            if rows and rows[-1].outcome in (SILENT, UNSENT):
                rows += [replace(_shown(line), outcome=UNSENT) for line in portion]
            else:
                rows += await self._portion(code, portion, actor)
        counts = {name: sum(each.outcome == name for each in rows) for name in (TAKEN, REFUSED, SILENT)}
        log.info("whitelist.told", adapter=code, actor=actor.name, **counts)
        return replace(row, has=len(self._book.taken.get(code, ())), lines=tuple(rows))

    async def _portion(self, code: ResourceCode, lines: Sequence[Line], actor: Actor) -> list[LineRow]:
        """A portion that is refused goes again line by line, so that one wrong line keeps nobody else out."""
        answer = await self._tell(code, [line.caller for line in lines])
        if answer is not None and answer.result and len(lines) > 1:
            rows: list[LineRow] = []
            for line in lines:
                silent = bool(rows) and rows[-1].outcome in (SILENT, UNSENT)
                rows += [replace(_shown(line), outcome=UNSENT)] if silent else await self._portion(code, [line], actor)
            return rows
        if answer is not None and answer.result and (other := OTHER.get(lines[0].caller.operation)) is not None:
            again = await self._tell(code, [replace(lines[0].caller, operation=other)])
            answer = again if again is not None and not again.result else answer
        outcome, said = _outcome(answer, lines)
        self._note(code, lines if outcome == TAKEN else (), said, actor)
        return [replace(_shown(line), outcome=outcome, said=said) for line in lines]

    async def _tell(self, code: ResourceCode, callers: Sequence[Caller]) -> Configured | None:
        given = Given(callers=tuple(callers))
        answers = await self._enquiries.tell(Path.ADAPTER, lambda token: [Configure((code,), given, token)], [code])
        return answers.get(code)

    def _note(self, code: ResourceCode, taken: Sequence[Line], said: str, actor: Actor) -> None:
        """As soon as the answer is here: a crash afterwards forgets nothing of it."""
        kept = {line.person: line.right for line in taken if line.caller.operation != ListOperation.DELETE}
        gone = [line.former for line in taken if line.former is not None and line.former not in kept]
        self._enter(whitelist_told(code, kept, gone, said, self._clock.wall(), actor.name))

    # ---- what is shown ---------------------------------------------------------------------------------------------

    def _chosen(self, at: Sequence[str]) -> frozenset[ResourceCode] | None:
        if not at:
            return None
        found: set[ResourceCode] = set()
        for words in at:
            named = self._inventory.areas_named(words) or (words,)
            here = {code for each in named for code in adapters_at(str(each), self._inventory)}
            here &= {adapter.code for adapter in self._inventory.roster.adapters} | self._book.taken.keys()
            if not here:
                raise refused(Kind.NOT_FOUND, "whitelist_no_adapter", "at", words)
            found |= here
        return frozenset(found)

    def _row(self, code: str, has: int, lines: tuple[LineRow, ...], standing: str = OPEN) -> AdapterRow:
        device = self._inventory.roster.by_code(code)
        place = self._inventory.name_of(ResourceCode(code).area)
        return AdapterRow(code, "" if device is None else device.name, place, has, lines, standing)


def _outcome(answer: Configured | None, lines: Sequence[Line]) -> tuple[str, str]:
    """What it said may be written down: names and numbers are taken out."""
    if answer is None:
        return SILENT, SILENT
    if answer.result == 0:
        return TAKEN, ""
    text = answer.text
    for caller in (line.caller for line in lines):
        text = text.replace(caller.phone, MASK).replace(caller.name, MASK)
    return REFUSED, masked(f"{answer.result} {text}".rstrip())


def _shown(line: Line) -> LineRow:
    caller = line.caller
    operation, permission = caller.operation.name.lower(), caller.permission.name.lower()
    return LineRow(operation, caller.phone, caller.name, permission, line.right.areas)


def _plain(line: Line) -> list[object]:
    caller = line.caller
    return [caller.operation, line.person, line.former, caller.permission, *line.right.areas]
