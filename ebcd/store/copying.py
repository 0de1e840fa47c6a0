"""A whole copy of an SQLite database that somebody may be writing to."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from .engine import told_by_driver
from .errors import StoreError

PAGES_PER_STEP = 1024
"""4 MiB: whoever gives up need not wait for a whole journal."""


def copy_database(source: Path, target: Path, before_each: Callable[[], None] = lambda: None) -> None:
    """Copy with SQLite's own backup, so that what is still in the write-ahead log comes along and every page is of the
    same moment, whoever writes meanwhile. On disk when this returns. Raises StoreError, and what `before_each` raises.
    """
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(source))}?mode=rw", uri=True)) as original,
            closing(sqlite3.connect(target)) as copy,
        ):
            original.isolation_level = None
            original.execute("BEGIN")  # one reading transaction: a writer would make the copying start again
            original.execute("SELECT count(*) FROM sqlite_master").fetchone()
            original.backup(copy, pages=PAGES_PER_STEP, progress=lambda *_told: before_each())
        fd = os.open(target, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except sqlite3.Error as error:
        raise told_by_driver(error, f"copy of {source}") from error
    except OSError as error:
        value = error.strerror or str(error)
        raise StoreError("io", f"copy of {source}", value, "look at the disk that holds it") from error
