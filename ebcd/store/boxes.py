"""Rows about packages: received ones with their answer, outgoing ones until the peer has them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from .errors import StoreError
from .events import Sealed
from .records import Accepted, Duplicate, Outgoing, PackageMeta
from .tables import ebd_in, outbox
from .transaction import Transaction

OUTBOX_PACKAGES_MAX = 10_000
"""Packages that may wait for peers; a peer that is away for weeks must not fill the disk."""


def answered(connection: Connection, ebd_id: str, digest: str) -> Duplicate | None:
    """What was answered to this EBDID before, None where it is new."""
    row = connection.execute(select(ebd_in).where(ebd_in.c.ebd_id == ebd_id)).first()
    if row is None:
        return None
    return Duplicate(row.result_code, row.received_at, row.digest, row.digest == digest, row.file)


def record_package(
    work: Transaction, ebd_id: str, meta: PackageMeta, file: tuple[str, str, int], events: Sequence[Sealed]
) -> Accepted | Duplicate:
    """Note a received package, whose bytes are durable already. `file` is its name, digest and size in bytes."""
    name, digest, size_bytes = file
    if (before := answered(work.connection, ebd_id, digest)) is not None:
        return before
    work.connection.execute(
        insert(ebd_in).values(
            ebd_id=ebd_id,
            src=meta.src,
            received_at=meta.received_at,
            file=name,
            digest=digest,
            size_bytes=size_bytes,
            result_code=meta.result_code,
        )
    )
    return Accepted(digest, name, meta.result_code, tuple(work.append(events)))


def put(work: Transaction, package: Outgoing) -> bool:
    """Add to the outbox; the same EBDID again changes nothing and gives False. Raises StoreError when it is full."""
    connection = work.connection
    if connection.execute(select(outbox.c.id).where(outbox.c.ebd_id == package.ebd_id)).first() is not None:
        return False
    oldest_over = select(outbox.c.id).order_by(outbox.c.id).offset(OUTBOX_PACKAGES_MAX - 1).limit(1)
    if connection.execute(oldest_over).first() is not None:
        value = f"{OUTBOX_PACKAGES_MAX} packages wait, OUTBOX_PACKAGES_MAX"
        raise StoreError("refused", "outbox to peers", value, "see why the peer does not answer")
    connection.execute(
        insert(outbox).values(
            ebd_id=package.ebd_id,
            peer=package.peer,
            related=package.related,
            document=package.document,
            tries=package.tries,
            next_at=package.next_at,
            error=package.error,
        )
    )
    return True


def postpone(work: Transaction, ebd_id: str, tries: int, next_at: float, error: str) -> None:
    """Note a failed try. Raises StoreError for a package that is not in the outbox."""
    changed = work.connection.execute(
        update(outbox).where(outbox.c.ebd_id == ebd_id).values(tries=tries, next_at=next_at, error=error)
    )
    if changed.rowcount == 0:
        raise StoreError("missing", "outbox to peers", f"no package {ebd_id}", "it was answered or given up before")


def remove(work: Transaction, ebd_id: str) -> bool:
    """Take a package out; False when it was not there."""
    return work.connection.execute(delete(outbox).where(outbox.c.ebd_id == ebd_id)).rowcount > 0


def waiting(connection: Connection, peer: str | None = None, limit: int = OUTBOX_PACKAGES_MAX) -> list[Outgoing]:
    """What is in the outbox, for one peer or for all, in the order it was put in; the oldest `limit`."""
    rows = select(outbox).order_by(outbox.c.id).limit(limit)
    if peer is not None:
        rows = rows.where(outbox.c.peer == peer)
    return [
        Outgoing(row.ebd_id, row.peer, row.related, bytes(row.document), row.next_at, row.tries, row.error)
        for row in connection.execute(rows)
    ]
