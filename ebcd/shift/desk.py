"""Who is on duty, what is open, and how one hands over to the next.

An answer waits until the journal holds it (I10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import structlog

from devices.ports import Clock
from ebcd.ledger import Ledger
from ebcd.operator import Actor, Kind, OperationRefused, Problem
from ebcd.personal import number_in
from ebcd.shift.book import ShiftBook, shift_handed_over, shift_noted, shift_overdue, shift_taken
from ebcd.shift.values import Entry, Handover, Matter
from ebcd.store import Store

LOOK_S = 5.0
MATTERS_MAX = 300
"""Open matters listed in one handover; the others are counted."""
ROWS_MAX = 500
log = structlog.get_logger("ebcd.shift")


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry for people; `person`, `phone`: whom it is about, empty where that was erased or is nobody."""

    at: int
    actor: str
    words: str
    person: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class HandoverRow:
    """One handover. Moments are UTC seconds, None where it has not come so far."""

    number: int
    by: str
    to: str
    at: int
    words: str
    matters: tuple[Matter, ...]
    left_out: int
    taken: int | None
    overdue: int | None
    replaced: bool


@dataclass(frozen=True, slots=True)
class ShiftView:
    """The shift as it is now. `open`: what a handover would list; `waiting`: the one that nobody has acknowledged;
    `overdue`: handovers so far that waited longer than `acknowledge_s`."""

    now: int
    on_duty: str
    since: int | None
    waiting: HandoverRow | None
    open: tuple[Matter, ...]
    left_out: int
    entries: tuple[EntryRow, ...]
    overdue: int
    acknowledge_s: float


@dataclass(frozen=True, slots=True)
class ShiftLog:
    """Past handovers and entries, newest first."""

    handovers: tuple[HandoverRow, ...]
    entries: tuple[EntryRow, ...]


class ShiftDesk:
    """The shift's log of one county."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        clock: Clock,
        people: Callable[[], Collection[str]],
        matters: Callable[[], tuple[Matter, ...]],
        acknowledge_s: float,
        durable: Callable[[str, str], Awaitable[None]],
    ) -> None:
        """`people`: names of the operators there are now; `matters`: what is open now; `durable` returns when the
        journal holds everything so far, or refuses."""
        self._ledger = ledger
        self._store = store
        self._clock = clock
        self._people = people
        self._matters = matters
        self._acknowledge_s = acknowledge_s
        self._durable = durable

    @property
    def book(self) -> ShiftBook:
        """What the journal says."""
        return self._ledger.state.shift

    # ---- what people do --------------------------------------------------------------------------------------------

    async def note(self, words: str, person: str, phone: str, actor: Actor) -> EntryRow:
        """Write something down. `person`, `phone`: whom it is about, kept beside the journal so that they can be
        erased. Raises OperationRefused for words with a telephone or identity number in them: nothing can be taken out
        of the journal again."""
        self._no_numbers(words)
        number = await self._store.person(person, phone) if person or phone else 0
        now = self._clock.wall()
        self._ledger.enter(shift_noted(words, number, now, actor.name))
        log.info("shift.noted", actor=actor.name)
        await self._durable("shift", "note")
        return EntryRow(int(now), actor.name, words, person, phone)

    async def hand_over(self, to: str, words: str, actor: Actor) -> HandoverRow:
        """Hand over to another operator, with everything that is open. It counts when that one has taken over; until
        then a further one takes its place. Raises OperationRefused."""
        self._no_numbers(words)
        book = self.book
        if not book.on_duty:
            raise _refused(Kind.CONFLICT, "nobody_on_duty", "shift", actor.name)
        if actor.name != book.on_duty:
            raise _refused(Kind.FORBIDDEN, "not_on_duty", "actor", actor.name, book.on_duty)
        if to == actor.name:
            raise _refused(Kind.INVALID, "handover_to_oneself", "to", to)
        if to not in self._people():
            raise _refused(Kind.INVALID, "no_such_operator", "to", to, ", ".join(sorted(self._people())))
        matters = self._matters()
        number, now = book.next_number, self._clock.wall()
        listed, left_out = matters[:MATTERS_MAX], max(0, len(matters) - MATTERS_MAX)
        self._ledger.enter(shift_handed_over(number, to, words, listed, left_out, now, actor.name))
        log.info("shift.handed_over", number=number, by=actor.name, to=to, open=len(matters))
        await self._durable("shift", str(number))
        return _row(book.handovers[-1])

    async def take(self, why: str, actor: Actor) -> ShiftView:
        """Be on duty from now on: by acknowledging the handover to oneself, or without one. Nobody relieves another
        without a handover and without a reason. Raises OperationRefused."""
        self._no_numbers(why)
        book, waiting = self.book, self.book.waiting
        if book.on_duty == actor.name:
            raise _refused(Kind.CONFLICT, "on_duty_already", "actor", actor.name)
        acknowledges = waiting is not None and waiting.to == actor.name
        if book.on_duty and not acknowledges and not why:
            if waiting is not None:
                raise _refused(Kind.FORBIDDEN, "handover_for_another", "handover", waiting.number, waiting.to)
            raise _refused(Kind.CONFLICT, "no_handover", "actor", actor.name, book.on_duty)
        number = waiting.number if waiting is not None and acknowledges else 0
        relieved = book.on_duty
        self._ledger.enter(shift_taken(number, why, self._clock.wall(), actor.name))
        log.info("shift.taken", number=number, actor=actor.name, relieved=relieved)
        await self._durable("shift", str(number))
        return await self.view()

    # ---- looking ---------------------------------------------------------------------------------------------------

    async def view(self) -> ShiftView:
        """The shift as it is now; entries since it began."""
        book, matters = self.book, self._matters()
        entries = [each for each in book.entries if each.at >= book.since][-ROWS_MAX:]
        return ShiftView(
            now=int(self._clock.wall()),
            on_duty=book.on_duty,
            since=_moment(book.since),
            waiting=_row(book.waiting) if book.waiting else None,
            open=matters[:MATTERS_MAX],
            left_out=max(0, len(matters) - MATTERS_MAX),
            entries=await self._entries(entries),
            overdue=book.overdue,
            acknowledge_s=self._acknowledge_s,
        )

    async def log(self, rows_max: int) -> ShiftLog:
        """What was handed over and written down, newest first."""
        handovers = tuple(_row(each) for each in self.book.handovers[-rows_max:][::-1])
        return ShiftLog(handovers, (await self._entries(self.book.entries[-rows_max:]))[::-1])

    async def _entries(self, entries: list[Entry]) -> tuple[EntryRow, ...]:
        people = await self._store.people({each.person for each in entries if each.person})
        nobody = ("", "")
        named = {number: (each.name, each.phone) for number, each in people.items()}
        return tuple(EntryRow(int(e.at), e.actor, e.words, *named.get(e.person, nobody)) for e in entries)

    # ---- time ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Watch over the handover that waits, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Once: one that nobody has acknowledged in time is told, and counted."""
        waiting, now = self.book.waiting, self._clock.wall()
        if waiting is None or waiting.overdue_at or now - waiting.at < self._acknowledge_s:
            return
        self._ledger.enter(shift_overdue(waiting.number, now))
        log.error("shift.overdue", number=waiting.number, by=waiting.by, to=waiting.to, limit_s=self._acknowledge_s)

    @property
    def waits_s(self) -> float:
        """How long the handover has waited that waits; 0 where none does."""
        return max(0.0, self._clock.wall() - self.book.waiting.at) if self.book.waiting else 0.0

    def _no_numbers(self, words: str) -> None:
        if found := number_in(words):
            raise _refused(Kind.INVALID, "number_in_words", "words", found[:3] + "…")


def _row(each: Handover) -> HandoverRow:
    return HandoverRow(
        each.number,
        each.by,
        each.to,
        int(each.at),
        each.words,
        each.matters,
        each.left_out,
        _moment(each.taken_at),
        _moment(each.overdue_at),
        each.replaced,
    )


def _moment(at: float) -> int | None:
    return int(at) if at else None


def _refused(kind: Kind, code: str, thing: str, value: object = "", limit: object = "") -> OperationRefused:
    return OperationRefused(Problem(kind, code, thing, str(value), str(limit)))
