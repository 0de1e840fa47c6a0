"""Reading the journal: pages, one alert, checkpoints, the walk along the chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from protocols.sm2 import sm3

from . import chain
from .errors import ChainBroken, StoreError
from .events import Stored
from .records import Checkpoint, Loaded, Verdict
from .tables import checkpoint, journal
from .transaction import Transaction, read_head

READ_ROWS_MAX = 10_000
CHECKPOINTS_KEPT = 3


def _stored(row: Sequence[Any]) -> Stored:
    stream, seq, at, kind, alert, actor, raw, prev, link = row
    return Stored(stream, seq, at, kind, alert, actor, bytes(raw), bytes(prev), bytes(link))


def read_page(connection: Connection, stream: str, after_seq: int, limit: int) -> list[Stored]:
    """Up to `limit` rows behind `after_seq`, in order."""
    page = select(journal).where(journal.c.stream == stream, journal.c.seq > after_seq)
    return [_stored(row) for row in connection.execute(page.order_by(journal.c.seq).limit(limit))]


def read_all(connection: Connection, stream: str, after_seq: int = 0) -> Iterator[Stored]:
    """Every row behind `after_seq`, fetched in pages."""
    while page := read_page(connection, stream, after_seq, READ_ROWS_MAX):
        yield from page
        after_seq = page[-1].seq


def read_alert(connection: Connection, stream: str, alert: str, limit: int = READ_ROWS_MAX) -> list[Stored]:
    """The events of one alert, in order."""
    rows = select(journal).where(journal.c.stream == stream, journal.c.alert == alert)
    return [_stored(row) for row in connection.execute(rows.order_by(journal.c.seq).limit(limit))]


def streams(connection: Connection) -> list[str]:
    """Every stream that has a row."""
    return [row.stream for row in connection.execute(select(journal.c.stream).distinct().order_by(journal.c.stream))]


def verify(connection: Connection, stream: str, progress: Callable[[int], None] | None = None) -> Verdict:
    """Walk a whole chain up to the first link that does not hold; `progress` hears the row number of each page."""
    seq, head = 0, chain.GENESIS
    try:
        for row in chain.walk(read_all(connection, stream)):
            seq, head = row.seq, row.hash
            if progress is not None and seq % READ_ROWS_MAX == 0:
                progress(seq)
    except ChainBroken as broken:
        return Verdict(stream, seq, seq, head, broken.seq, broken.value)
    return Verdict(stream, seq, seq, head, None, "")


# ---- checkpoints ---------------------------------------------------------------------------------------------------


def _state_digest(seq: int, link: bytes, state: bytes) -> bytes:
    return sm3(seq.to_bytes(8, "big") + link + state)


def _hash_at(connection: Connection, stream: str, seq: int) -> bytes | None:
    found = connection.execute(select(journal.c.hash).where(journal.c.stream == stream, journal.c.seq == seq)).scalar()
    return None if found is None else bytes(found)


def put_checkpoint(work: Transaction, stream: str, seq: int, state: bytes, at: float) -> None:
    """Keep a state that stands on the event `seq`. Raises StoreError where that event is not committed."""
    connection = work.connection
    link = _hash_at(connection, stream, seq)
    if link is None:
        value = f"has no event {seq}, the last is {read_head(connection, stream)[0]}"
        raise StoreError("missing", f"journal of {stream}", value, "checkpoint an event that append has returned")
    mine = checkpoint.c.stream == stream
    connection.execute(delete(checkpoint).where(mine, checkpoint.c.seq == seq))
    digest = _state_digest(seq, link, state)
    connection.execute(insert(checkpoint).values(stream=stream, seq=seq, hash=link, at=at, digest=digest, state=state))
    kept = select(checkpoint.c.seq).where(mine).order_by(checkpoint.c.seq.desc()).limit(CHECKPOINTS_KEPT)
    newest = [row.seq for row in connection.execute(kept)]
    connection.execute(delete(checkpoint).where(mine, checkpoint.c.seq.not_in(newest)))


def load(connection: Connection, stream: str) -> Loaded:
    """The newest checkpoint that is whole and stands on the journal, and the events after it, chain verified.

    Raises ChainBroken where an event after it does not follow.
    """
    refused: list[str] = []
    good: Checkpoint | None = None
    newest_first = select(checkpoint).where(checkpoint.c.stream == stream).order_by(checkpoint.c.seq.desc())
    for row in connection.execute(newest_first):
        found = Checkpoint(stream, row.seq, bytes(row.hash), row.at, bytes(row.state))
        if bytes(row.digest) != _state_digest(found.seq, found.hash, found.state):
            refused.append(f"checkpoint at {found.seq} is damaged")
        elif _hash_at(connection, stream, found.seq) != found.hash:
            refused.append(f"checkpoint at {found.seq} stands on an event that is not in the journal")
        else:
            good = found
            break
    seq, prev = (good.seq, good.hash) if good else (0, chain.GENESIS)
    events = tuple(chain.walk(read_all(connection, stream, seq), seq=seq, prev=prev))
    return Loaded(good, events, tuple(refused))
