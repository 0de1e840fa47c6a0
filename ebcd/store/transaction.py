"""One database transaction: rows for the journal are chained as they come and go in together at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain as flat

from sqlalchemy import Connection, select

from . import chain
from .errors import StoreError
from .events import SEQ_MAX, Sealed, Stored
from .tables import journal

Heads = dict[str, tuple[int, bytes]]
"""Per stream the last sequence number and its hash; (0, GENESIS) for a stream without rows."""

ROWS_PER_STATEMENT = (64, 8, 1)
"""SQLite's driver lets go of the interpreter lock once per statement: few long ones keep a busy loop from being waited
for thousands of times."""


def read_head(connection: Connection, stream: str) -> tuple[int, bytes]:
    """The last row of a stream as the database has it."""
    last = select(journal.c.seq, journal.c.hash).where(journal.c.stream == stream).order_by(journal.c.seq.desc())
    row = connection.execute(last.limit(1)).first()
    return (row.seq, bytes(row.hash)) if row else (0, chain.GENESIS)


@cache
def _insert_rows(bind: str, rows: int) -> str:
    columns = ", ".join(column.name for column in journal.columns)
    row = f"({', '.join([bind] * len(journal.columns))})"
    return f"INSERT INTO journal ({columns}) VALUES {', '.join([row] * rows)}"


@dataclass(slots=True)
class Transaction:
    """What a job of the writer works with. `heads` holds only the streams that this transaction has moved."""

    connection: Connection
    committed: Heads
    heads: Heads = field(default_factory=dict)
    _rows: list[Stored] = field(default_factory=list)

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
        for stream, at, kind, alert, actor, raw in events:
            seq, prev = self._head(stream)
            if seq >= SEQ_MAX:
                raise StoreError("refused", f"journal of {stream}", f"{seq} events", "begin another stream")
            seq += 1
            digest = chain.row_digest(chain.row_line(stream, seq, at, kind, alert, actor, raw))
            link = chain.link(prev, digest)
            self.heads[stream] = (seq, link)
            stored.append(Stored(stream, seq, at, kind, alert, actor, raw, prev, link))
        self._rows += stored
        return stored

    def finish(self) -> None:
        """Write the journal rows of all jobs."""
        bind = "?" if self.connection.dialect.paramstyle == "qmark" else "%s"
        done = 0
        for size in ROWS_PER_STATEMENT:
            statement = _insert_rows(bind, size)
            while len(self._rows) - done >= size:
                values = tuple(flat.from_iterable(self._rows[done : done + size]))
                self.connection.exec_driver_sql(statement, values)
                done += size
