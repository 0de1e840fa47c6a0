"""What a restart must still know beside the journal: signatures seen, people, the health of devices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from .counters import put, upsert_insert, value_of
from .errors import StoreError
from .records import HealthRow, Person, SignatureMemory, SignatureSeen
from .tables import health, people, signature_last, signature_seen
from .transaction import Transaction

SIGNATURES_KEPT_MAX = 4096
SIGNATURES_KEPT_S = 24 * 3600.0
NOT_SIGNED = -1  # in the column of times
LIST_SERIAL = "trust_list"  # name of the counter
HEALTH_ROWS_MAX = 200_000
"""Devices of one county; more than a whole province has."""


# ---- signatures ----------------------------------------------------------------------------------------------------


def remember_signature(work: Transaction, seen: SignatureSeen) -> None:
    """Note an accepted signature and forget those beyond the replay window."""
    connection = work.connection
    if seen.last is not None:
        new = upsert_insert(connection)(signature_last).values(certificate=seen.certificate, last=seen.last)
        connection.execute(
            new.on_conflict_do_update(index_elements=[signature_last.c.certificate], set_={"last": new.excluded.last})
        )
    if seen.list_serial is not None:
        put(work, LIST_SERIAL, seen.list_serial)
    time = NOT_SIGNED if seen.time is None else seen.time
    added = connection.execute(
        insert(signature_seen)
        .values(certificate=seen.certificate, time=time, digest=seen.digest, at=seen.at)
        .returning(signature_seen.c.id)
    ).scalar_one()
    too_old = signature_seen.c.at < seen.at - SIGNATURES_KEPT_S
    connection.execute(delete(signature_seen).where(too_old | (signature_seen.c.id <= added - SIGNATURES_KEPT_MAX)))


def signatures(connection: Connection) -> SignatureMemory:
    """Everything remembered about signatures."""
    last = {row.certificate: row.last for row in connection.execute(select(signature_last))}
    seen = connection.execute(select(signature_seen).order_by(signature_seen.c.id))
    rows = tuple(
        (row.certificate, None if row.time == NOT_SIGNED else row.time, bytes(row.digest), row.at) for row in seen
    )
    return SignatureMemory(last, rows, value_of(connection, LIST_SERIAL))


# ---- people --------------------------------------------------------------------------------------------------------


def refer(work: Transaction, name: str, phone: str) -> int:
    """The id of a person, a new one for a name and phone not seen before."""
    same = select(people.c.id).where(people.c.name == name, people.c.phone == phone, people.c.erased.is_(False))
    if (known := work.connection.execute(same.limit(1)).scalar()) is not None:
        return int(known)
    added = insert(people).values(name=name, phone=phone).returning(people.c.id)
    return int(work.connection.execute(added).scalar_one())


def erase(work: Transaction, person: int) -> None:
    """Empty the name and phone behind an id. Raises StoreError for an id that does not exist."""
    blank = update(people).where(people.c.id == person).values(name="", phone="", erased=True)
    if work.connection.execute(blank).rowcount == 0:
        raise StoreError("missing", "people", f"no id {person}", "take the id from the journal event")


def find_people(connection: Connection, ids: Iterable[int]) -> dict[int, Person]:
    """The people behind these ids."""
    rows = connection.execute(select(people).where(people.c.id.in_(list(ids))))
    return {row.id: Person(row.id, row.name, row.phone, row.erased) for row in rows}


# ---- health --------------------------------------------------------------------------------------------------------


def upsert_health(work: Transaction, rows: Sequence[HealthRow]) -> None:
    """Write the last known state of devices, one statement for all."""
    new = upsert_insert(work.connection)(health)
    columns = ("state", "since", "last_seen", "link", "detail")
    statement = new.on_conflict_do_update(
        index_elements=[health.c.code], set_={name: new.excluded[name] for name in columns}
    )
    work.connection.execute(
        statement,
        [
            {
                "code": row.code,
                "state": row.state,
                "since": row.since,
                "last_seen": row.last_seen,
                "link": row.link,
                "detail": row.detail,
            }
            for row in rows
        ],
    )


def all_health(connection: Connection) -> list[HealthRow]:
    """Every device's last known state, by code."""
    return [
        HealthRow(row.code, row.state, row.since, row.last_seen, row.link, row.detail)
        for row in connection.execute(select(health).order_by(health.c.code))
    ]
