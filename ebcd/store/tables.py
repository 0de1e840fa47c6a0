"""The tables at the newest schema version. A new file is made from these; older ones come here by `migrations/`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    event,
    false,
)

from .triggers import forbid_changes

SCHEMA_VERSION = "0003"
"""Must be the head of `migrations/versions` (a test holds it), so that start-up need not import Alembic to know."""

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY numbers by itself in SQLite

journal = Table(
    "journal",
    metadata,
    Column("stream", Text, nullable=False),
    Column("seq", BigInteger, nullable=False, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("alert", Text),
    Column("actor", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("prev", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "seq", name="pk_journal"),
)
Index("ix_journal_alert", journal.c.stream, journal.c.alert, journal.c.seq)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("stream", Text, nullable=False),
    Column("seq", BigInteger, nullable=False, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("at", Double, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("state", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "seq", name="pk_checkpoint"),
)

ebd_in = Table(
    "ebd_in",
    metadata,
    Column("ebd_id", Text, primary_key=True),
    Column("src", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("file", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("result_code", Integer, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("ebd_id", Text, nullable=False, unique=True),
    Column("peer", Text, nullable=False),
    Column("related", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("error", Text, nullable=False),
)

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

signature_last = Table(
    "signature_last",
    metadata,
    Column("certificate", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

signature_seen = Table(
    "signature_seen",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("certificate", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at", Double, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("erased", Boolean, nullable=False, server_default=false()),
)
Index("ix_people_name_phone", people.c.name, people.c.phone)

health = Table(
    "health",
    metadata,
    Column("code", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("link", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

report = Table(
    "report",
    metadata,
    Column("peer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("told", Text, nullable=False),
    Column("changed_at", Double, nullable=False),
    PrimaryKeyConstraint("peer", "kind", "code", name="pk_report"),
)

event.listen(journal, "after_create", forbid_changes)
