"""Numbers that must never repeat, whatever happens to the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select
from sqlalchemy.dialects import sqlite

from .tables import counter
from .transaction import Transaction

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

EBD_NUMBERS_PER_BLOCK = 100
"""Package numbers reserved with one commit; a restart skips what is left of the block."""

EBM_SERIAL_MAX = 9999

EBD_NUMBERS_LOST_MAX = 10_000_000
"""After a restore the numbers given out since the backup are not known: more than a county uses in a year are skipped
(a heartbeat to a peer each 30 s is a million)."""


def upsert_insert(connection: Connection) -> type[sqlite.Insert] | type[postgresql.Insert]:
    """The INSERT construct that knows ON CONFLICT in this connection's dialect."""
    if connection.dialect.name == "sqlite":
        return sqlite.Insert
    from sqlalchemy.dialects import postgresql  # 40 ms of every start-up, for those who use it

    return postgresql.Insert


def starting_with(connection: Connection, prefix: str) -> dict[str, int]:
    """Counters whose names begin with `prefix`, by the rest of the name."""
    rows = connection.execute(select(counter).where(counter.c.name.startswith(prefix, autoescape=True)))
    return {row.name.removeprefix(prefix): int(row.value) for row in rows}


def advance(work: Transaction, name: str, by: int) -> int:
    """Move a counter on by `by` and return its new value; a new counter starts from 0."""
    new = upsert_insert(work.connection)(counter).values(name=name, value=by)
    moved = new.on_conflict_do_update(
        index_elements=[counter.c.name], set_={"value": counter.c.value + new.excluded.value}
    ).returning(counter.c.value)
    return int(work.connection.execute(moved).scalar_one())


def put(work: Transaction, name: str, value: int) -> None:
    """Keep a number under a name, whatever stood there."""
    new = upsert_insert(work.connection)(counter).values(name=name, value=value)
    work.connection.execute(
        new.on_conflict_do_update(index_elements=[counter.c.name], set_={"value": new.excluded.value})
    )


def value_of(connection: Connection, name: str) -> int | None:
    """The number kept under a name, None where there is none."""
    found = connection.execute(select(counter.c.value).where(counter.c.name == name)).scalar()
    return None if found is None else int(found)


def values(connection: Connection, prefix: str) -> dict[str, int]:
    """Counters whose names begin with `prefix`, without it."""
    rows = connection.execute(select(counter).where(counter.c.name.startswith(prefix, autoescape=True)))
    return {row.name.removeprefix(prefix): int(row.value) for row in rows}


def skip_lost(work: Transaction) -> None:
    """Leave out whatever may have been given out between a backup and its restore."""
    advance(work, "ebd", EBD_NUMBERS_LOST_MAX)
