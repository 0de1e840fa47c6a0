"""The one way a fact enters the daemon: it joins the live state and the journal in the same order.

Facts are applied at once and queued for the disk in that order. What rests on them (a byte to a device, an answer to a
person) waits for `durable`; news from devices waits for nobody (I10). Facts that a full disk turns away are kept by the
store and written when it can write again; until then nothing that rests on them leaves the house.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ebcd.facts import Fact
from ebcd.state import CountyState
from ebcd.store.errors import StoreError
from ebcd.store.events import NewEvent

Watcher = Callable[[Fact, CountyState], None]
"""Sees every fact after it was applied: the invariant checker and the metrics."""


class JournalWriter(Protocol):
    """The part of the store that the ledger uses."""

    def append_soon(self, events: Sequence[NewEvent], on_durable: Callable[[Any], None] | None = None) -> None: ...


class Ledger:
    """Applies and journals the facts of one county (`stream`)."""

    def __init__(self, state: CountyState, journal: JournalWriter, stream: str, watchers: Sequence[Watcher]) -> None:
        self.state = state
        self._journal = journal
        self._stream = stream
        self._watchers = list(watchers)
        self._last: asyncio.Future[int] | None = None
        self._broken: list[StoreError] = []
        self._ended = asyncio.Event()

    def watched_by(self, watcher: Watcher) -> None:
        """Add one who sees every fact from now on."""
        self._watchers.append(watcher)

    async def watch(self) -> None:
        """Wait until a fact could not even be queued, then raise that StoreError: the daemon must end, and its next
        life begins with what the journal holds."""
        await self._ended.wait()
        raise self._broken[0]

    def enter(self, *facts: Fact, on_durable: Callable[[], None] | None = None) -> None:
        """Apply and queue. `on_durable` is called after the commit that holds all of them.

        A fact that was applied is queued, even where a watcher or the next fact fails: the journal must never know
        less than the state. The error is the caller's all the same.
        """
        events: list[NewEvent] = []
        try:
            for fact in facts:
                self.state.apply(fact)
                events.append(self.event_of(fact))
                self._show(fact)
        finally:
            if events:
                self._queue(events, on_durable)

    def _queue(self, events: list[NewEvent], on_durable: Callable[[], None] | None) -> None:
        done = asyncio.get_running_loop().create_future()
        self._last = done

        def committed(stored: Sequence[Any]) -> None:
            if not done.done():
                done.set_result(stored[-1].seq)
            if on_durable is not None:
                on_durable()

        try:
            self._journal.append_soon(events, committed)
        except StoreError as error:
            self._broken.append(error)  # applied and not written: this process knows more than its journal ever will
            self._ended.set()
            raise

    def mark(self) -> asyncio.Future[int]:
        """Done when every fact entered so far is on disk; the result is the journal's sequence number of the last one,
        0 where this process has entered none."""
        if self._last is None:
            self._last = asyncio.get_running_loop().create_future()
            self._last.set_result(0)
        return self._last

    def foretell(self, fact: Fact) -> NewEvent:
        """Apply a fact that another transaction of the store is about to make durable, and give the event for it.

        Only for facts that commute with all others (a package received); `state` must be mended if the write fails.
        """
        self.state.apply(fact)
        self._show(fact)
        return self.event_of(fact)

    def event_of(self, fact: Fact) -> NewEvent:
        """The fact as the store takes it."""
        return NewEvent(self._stream, fact.kind, fact.actor, fact.payload, fact.alert, fact.at)

    def _show(self, fact: Fact) -> None:
        for watch in self._watchers:
            watch(fact, self.state)
