"""Checking the journal from outside: `ebcd journal verify / export / prove`. Reads only; the daemon may be running."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from . import chain, journal
from .engine import database_file, make_engine, parse_url, told
from .errors import StoreError
from .proof import Hidden, Proof, Shown
from .records import Loaded, Verdict
from .schema import current_version
from .tables import ebd_in
from .transaction import read_head

Progress = Callable[[int], None]
"""Told now and then how many rows are done."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export holds; `head_hash` belongs on paper, or with someone who keeps it."""

    stream: str
    rows: int
    head_seq: int
    head_hash: bytes


@dataclass(frozen=True, slots=True)
class Survey:
    """What a database holds."""

    schema: str
    heads: tuple[tuple[str, int, bytes], ...]  # stream, last row, its hash
    packages: frozenset[str]  # names of the package files it speaks of


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    parsed = parse_url(url)
    file = database_file(parsed)
    if file is not None and not file.is_file():
        raise StoreError("cannot_open", f"database {file}", "does not exist", "name the file of [store] url")
    engine = make_engine(parsed, fsync=True)
    try:
        with engine.connect() as connection:
            if parsed.get_backend_name() == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only=ON")
            if current_version(connection) is None:
                raise StoreError("schema", f"database {parsed}", "holds no journal", "name the file of [store] url")
            yield connection
    except SQLAlchemyError as error:
        raise told(error, parsed) from error
    finally:
        engine.dispose()


def verify_journal(url: str, stream: str | None = None, progress: Progress | None = None) -> tuple[Verdict, ...]:
    """Walk the chain of one stream, or of all. Raises StoreError where the database cannot be read."""
    with _reading(url) as connection:
        wanted = journal.streams(connection) if stream is None else [stream]
        return tuple(journal.verify(connection, name, progress) for name in wanted)


def survey(url: str) -> Survey:
    """Look a database over without walking its chains. Raises StoreError."""
    with _reading(url) as connection:
        heads = tuple((name, *read_head(connection, name)) for name in journal.streams(connection))
        packages = frozenset(row.file for row in connection.execute(select(ebd_in.c.file)))
        return Survey(str(current_version(connection)), heads, packages)


def load_journal(url: str, stream: str) -> Loaded:
    """What a restart on this database would begin with. Raises StoreError, ChainBroken."""
    with _reading(url) as connection:
        return journal.load(connection, stream)


def page_damage(file: Path) -> str:
    """What SQLite finds out of order in the pages of a database; "" where nothing is. Raises StoreError."""
    with _reading(f"sqlite:///{file}") as connection:
        found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    return "" if found == "ok" else found


def export_journal(url: str, stream: str, out: BinaryIO) -> Exported:
    """Write a stream's rows, one a line: the row's hash in hex, a blank, its canonical bytes (see `chain`).

    Rows are written as they are, whole or not: `check_export` judges them. Raises StoreError, OSError.
    """
    rows, seq, head = 0, 0, chain.GENESIS
    with _reading(url) as connection:
        for row in journal.read_all(connection, stream):
            out.write(b"%s %s\n" % (row.hash.hex().encode(), chain.line_of(row)))
            rows, seq, head = rows + 1, row.seq, row.hash
    return Exported(stream, rows, seq, head)


def check_export(lines: Iterable[bytes]) -> tuple[int, bytes]:
    """Follow the chain through the lines of an export from its first row on; returns how many and the last hash.

    Compare that hash with the one noted when the export was made. Raises ValueError naming the first bad line.
    """
    prev = chain.GENESIS
    number = 0
    for number, text in enumerate(lines, start=1):
        stated, _, line = text.rstrip(b"\n").partition(b" ")
        prev = chain.link(prev, chain.row_digest(line))
        if stated != prev.hex().encode():
            raise ValueError(f"line {number} does not follow from the line before it")
    return number, prev


def prove(url: str, alert: str, stream: str | None = None) -> Proof:
    """The events of one alert with what is needed to check them against the chain's head, showing no other alert.

    Raises StoreError where the journal knows no such alert, ChainBroken where the chain does not hold on the way.
    """
    with _reading(url) as connection:
        for name in journal.streams(connection) if stream is None else [stream]:
            if first := journal.read_alert(connection, name, alert, 1):
                break
        else:
            raise StoreError("missing", "journal", f"knows no alert {alert}", "see `ebcd alerts` for the ids")
        before, prev = first[0].seq - 1, first[0].prev
        rows: list[Shown | Hidden] = []
        head = prev
        for row in chain.walk(journal.read_all(connection, name, before), seq=before, prev=prev):
            line = chain.line_of(row)
            rows.append(Shown(line) if row.alert == alert else Hidden(chain.row_digest(line)))
            head = row.hash
    return Proof(name, alert, before, prev, tuple(rows), head)
