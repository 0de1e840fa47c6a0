"""Opening a database: a new one, an old one, someone else's, one that is in use."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ebcd.store import StoreError, open_store, schema, tables
from ebcd.store.engine import WRITES, make_engine, parse_url
from ebcd.store.migrations import runner
from tests.ebcd.store.conftest import COUNTY, Opener, event, url_of
from tests.virtual_time import VirtualClock


def make_at(folder: Path, version: str) -> None:
    """A database as the ebcd of that schema version left it, with one row in it."""
    (folder / "state").mkdir()
    engine = make_engine(parse_url(url_of(folder)), fsync=True)
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        runner.upgrade(connection, version)
        connection.exec_driver_sql("INSERT INTO people (name, phone) VALUES ('陈某', '139')")
    engine.dispose()


def texts(file: Path) -> list[tuple[str, str, str, str]]:
    """Every object of a schema, without the blanks in its text."""
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY 1, 2")
    found = [(kind, name, table, re.sub(r"\s+", "", text)) for kind, name, table, text in rows]
    connection.close()
    return found


def test_the_version_in_the_program_is_the_head_of_the_migrations() -> None:
    assert runner.scripts().get_current_head() == tables.SCHEMA_VERSION


async def test_a_new_database_is_what_migrating_from_nothing_gives(opener: Opener, tmp_path: Path) -> None:
    opener()
    other = tmp_path / "migrated"
    other.mkdir()
    make_at(other, "head")
    assert texts(tmp_path / "state" / "ebcd.db") == texts(other / "state" / "ebcd.db")


@pytest.mark.parametrize("version", sorted(runner.known_versions()))
async def test_every_older_version_comes_to_the_newest_with_its_rows(
    opener: Opener, tmp_path: Path, version: str
) -> None:
    make_at(tmp_path, version)
    store = opener()
    assert (await store.people([1]))[1].name == "陈某"
    await store.append([event()])
    assert (store.backup is None) == (version == tables.SCHEMA_VERSION)
    assert [name for _, name, _, _ in texts(tmp_path / "state" / "ebcd.db") if name == "journal_no_update"]


async def test_the_backup_made_before_a_migration_is_the_old_database(opener: Opener, tmp_path: Path) -> None:
    make_at(tmp_path, "0001")
    before = texts(tmp_path / "state" / "ebcd.db")
    store = opener()
    assert store.backup == "ebcd.db.schema-0001.1"
    assert texts(tmp_path / "state" / store.backup) == before


async def test_a_migration_that_fails_leaves_the_old_database(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_at(tmp_path, "0001")
    before = texts(tmp_path / "state" / "ebcd.db")
    with sqlite3.connect(tmp_path / "state" / "ebcd.db") as connection:
        connection.execute("CREATE TABLE ix_people_name_phone (x)")  # stands in the way of the second statement
    connection.close()
    with pytest.raises(StoreError):
        opener()
    with sqlite3.connect(tmp_path / "state" / "ebcd.db") as connection:
        connection.execute("DROP TABLE ix_people_name_phone")
    connection.close()
    assert texts(tmp_path / "state" / "ebcd.db") == before
    assert opener().backup == "ebcd.db.schema-0001.2"


async def test_a_database_from_a_newer_ebcd_is_left_alone(opener: Opener, tmp_path: Path) -> None:
    await opener().close()
    with sqlite3.connect(tmp_path / "state" / "ebcd.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=f"has schema 9999, this ebcd knows up to {tables.SCHEMA_VERSION}"):
        opener()


async def test_someone_elses_database_is_left_alone(opener: Opener, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with sqlite3.connect(tmp_path / "state" / "ebcd.db") as connection:
        connection.execute("CREATE TABLE recipes (x)")
    connection.close()
    with pytest.raises(StoreError, match="holds tables recipes"):
        opener()


async def test_a_file_that_is_no_database_is_told(opener: Opener, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "ebcd.db").write_bytes(b"no database" * 500)
    with pytest.raises(StoreError) as told:
        opener()
    assert told.value.reason == "corrupt"


async def test_a_second_daemon_on_the_same_file_is_refused_until_the_first_has_ended(opener: Opener) -> None:
    first = opener()
    with pytest.raises(StoreError, match="held by process"):
        opener()
    await first.close()
    await opener().append([event()])


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/x", "oracle://host/x", "postgresql+no_such_driver://host/x"])
def test_a_url_that_ebcd_does_not_speak_is_told(url: str, clock: VirtualClock) -> None:
    with pytest.raises(StoreError, match=r"store\.url"):
        open_store(url, clock=clock)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder"):
        open_store(f"sqlite:///{tmp_path}/file/ebcd.db", clock=clock)


async def test_a_database_in_memory_works_inline_and_needs_a_folder_for_packages(clock: VirtualClock) -> None:
    store = open_store("sqlite://", clock=clock, inline=True)
    await store.append([event()])
    assert len(await store.read(COUNTY)) == 1
    with pytest.raises(StoreError, match=r"store\.packages"):
        await store.read_package("x.tar")
    await store.close()
    with pytest.raises(StoreError, match="needs inline=True"):
        open_store("sqlite://", clock=clock)


@pytest.mark.real
def test_opening_an_up_to_date_database_does_not_import_alembic(tmp_path: Path) -> None:
    program = f"""
import sys, time
from ebcd.store import open_store
for _ in range(2):
    open_store({url_of(tmp_path)!r}, clock=time, inline=True).abandon()
print([name for name in sys.modules if name.startswith("alembic")])
"""
    program = program.replace("clock=time", "clock=type('Clock', (), {'monotonic': time.monotonic, 'wall': time.time})")
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_every_migration_backup_gets_a_name_of_its_own_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BACKUPS_MAX", 2)
    make_at(tmp_path, "0001")
    file = tmp_path / "state" / "ebcd.db"
    assert [schema._back_up(file, "0001").name[-1] for _ in range(2)] == ["1", "2"]
    with pytest.raises(StoreError, match="2 exist"):
        schema._back_up(file, "0001")
