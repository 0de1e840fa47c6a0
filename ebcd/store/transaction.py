"""One database transaction: rows for the journal are chained as they come and go in with one statement at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select

from . import chain
from .errors import StoreError
from .events import SEQ_MAX, NewEvent, Stored, canonical
from .tables import journal

Heads = dict[str, tuple[int, bytes]]
"""Per stream the last sequence number and its hash; (0, GENESIS) for a stream without rows."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event with its payload made canonical and its time fixed, so that nothing of it can change or fail later."""

    event: NewEvent
    at: float
    raw: bytes


def seal(events: Sequence[NewEvent], now: float) -> tuple[Sealed, ...]:
    """Fix the events at the moment of the call. Raises TypeError or ValueError for payloads that JSON cannot carry."""
    return tuple(Sealed(e, float(now if e.at is None else e.at), canonical(e.payload)) for e in events)


def read_head(connection: Connection, stream: str) -> tuple[int, bytes]:
    """The last row of a stream as the database has it."""
    last = select(journal.c.seq, journal.c.hash).where(journal.c.stream == stream).order_by(journal.c.seq.desc())
    row = connection.execute(last.limit(1)).first()
    return (row.seq, bytes(row.hash)) if row else (0, chain.GENESIS)


@dataclass(slots=True)
class Transaction:
    """What a job of the writer works with. `heads` holds only the streams that this transaction has moved."""

    connection: Connection
    committed: Heads
    heads: Heads = field(default_factory=dict)
    _rows: list[dict[str, object]] = field(default_factory=list)

    @property
    def journal_rows(self) -> int:
        """How many journal rows it will write."""
        return len(self._rows)

    def _head(self, stream: str) -> tuple[int, bytes]:
        if (head := self.heads.get(stream)) is not None:
            return head
        if (head := self.committed.get(stream)) is None:
            head = self.committed[stream] = read_head(self.connection, stream)
        return head

    def append(self, events: Sequence[Sealed]) -> list[Stored]:
        """Give each event its place in its stream's chain. They are written by `finish`."""
        stored = []
        for sealed in events:
            event = sealed.event
            seq, prev = self._head(event.stream)
            if seq >= SEQ_MAX:
                raise StoreError("refused", f"journal of {event.stream}", f"{seq} events", "begin another stream")
            seq += 1
            digest = chain.row_digest(event.stream, seq, sealed.at, event.kind, event.alert, event.actor, sealed.raw)
            link = chain.link(prev, digest)
            self.heads[event.stream] = (seq, link)
            self._rows.append(
                {
                    "stream": event.stream,
                    "seq": seq,
                    "at": sealed.at,
                    "kind": event.kind,
                    "alert": event.alert,
                    "actor": event.actor,
                    "payload": sealed.raw,
                    "prev": prev,
                    "hash": link,
                }
            )
            stored.append(
                Stored(event.stream, seq, sealed.at, event.kind, event.alert, event.actor, sealed.raw, prev, link)
            )
        return stored

    def finish(self) -> None:
        """Write the journal rows of all jobs at once."""
        if self._rows:
            self.connection.execute(insert(journal), self._rows)
