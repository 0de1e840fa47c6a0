"""Connections to SQLite or PostgreSQL, and database errors in words that say what to do."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from .errors import StoreError

BUSY_TIMEOUT_MS = 5000
"""How long a statement waits for another process (a backup, `ebcd journal verify`) to let go of the file."""

WRITES = "ebcd_writes"
"""Execution option of a connection whose transactions write: SQLite then takes its write lock at BEGIN."""

_SQLITE_REASONS = (
    ("SQLITE_FULL", "full", "free some space; what was not written is told to its caller, nothing is half done"),
    ("SQLITE_READONLY", "readonly", "make the file and its folder writable for the daemon's user"),
    ("SQLITE_PERM", "readonly", "make the file and its folder writable for the daemon's user"),
    ("SQLITE_BUSY", "locked", "another process holds the file; end it, or wait until it is done"),
    ("SQLITE_LOCKED", "locked", "another process holds the file; end it, or wait until it is done"),
    ("SQLITE_CANTOPEN", "cannot_open", "check that the folder exists and belongs to the daemon's user"),
    ("SQLITE_IOERR", "io", "look at the kernel's log for this disk and replace it"),
    ("SQLITE_CORRUPT", "corrupt", "restore the last backup and keep this file as evidence"),
    ("SQLITE_NOTADB", "corrupt", "name another file; this one is no database"),
)


def parse_url(url: str) -> URL:
    """Read a database URL. Raises StoreError."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "cannot_open", "store.url", repr(url), "write sqlite:///FILE or postgresql+DRIVER://…"
        ) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError("cannot_open", "store.url", repr(url), "ebcd speaks sqlite and postgresql")
    return parsed


def database_file(url: URL) -> Path | None:
    """The SQLite file behind a URL; None for PostgreSQL and for databases in memory."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def restore_mark(database: Path) -> Path:
    """The file that stands beside a database while a restore replaces it and its neighbours. Nobody opens it then: half
    of what is there may be of another day."""
    return database.with_name(f"{database.name}.restoring")


def make_engine(url: URL, *, fsync: bool) -> Engine:
    """An engine whose every connection is set up for the journal. `fsync=False` is for simulation only.

    Raises StoreError where the URL names a driver that this machine has not.
    """
    try:
        if url.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
        if database_file(url) is None:
            engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        else:
            engine = create_engine(url)
    except (ArgumentError, ModuleNotFoundError) as error:
        shown = url.render_as_string(hide_password=True)
        hint = f"install its driver or name one that is there ({error})"
        raise StoreError("cannot_open", "store.url", repr(shown), hint) from None
    synchronous = "FULL" if fsync else "OFF"

    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late; `begin` below sends it
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "secure_delete=ON",  # an erased name must not stay readable in a free page
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", begin)
    return engine


def forget_log(connection: Connection) -> None:
    """Empty SQLite's write-ahead log, where erased values stay readable otherwise; a reader in the way delays it."""
    if connection.dialect.name == "sqlite":
        raw = connection.connection.dbapi_connection
        if raw is not None:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def told(error: SQLAlchemyError, url: URL) -> StoreError:
    """The same failure as a StoreError naming the database, what it said, and the next step."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    return told_by_driver(cause or error, f"store {url.render_as_string(hide_password=True)}")


def told_by_driver(error: BaseException, thing: str) -> StoreError:
    """The same for an error of the driver itself."""
    name = getattr(error, "sqlite_errorname", "")
    for prefix, reason, next_step in _SQLITE_REASONS:
        if name.startswith(prefix):
            return StoreError(reason, thing, f"{error} ({name})", next_step)
    return StoreError("database", thing, str(error).strip(), "see that its server runs; its log says more")


class FileLock:
    """One daemon per SQLite file: two would each chain on a head of their own. Released when the process ends."""

    def __init__(self, database: Path) -> None:
        self.path = path = database.with_name(database.name + ".lock")
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                "cannot_open", f"lock {path}", error.strerror or str(error), "make the folder writable"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "another process"
            os.close(self._fd)
            raise StoreError(
                "locked", f"database {database}", f"held by process {holder}", "end that daemon first"
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let others open the file; may be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
