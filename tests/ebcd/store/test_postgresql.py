"""The same store on PostgreSQL: its SQL always, a real server where EBCD_TEST_POSTGRESQL names an empty database.

EBCD_TEST_POSTGRESQL=postgresql+psycopg://user@127.0.0.1/empty python -m pytest tests/ebcd/store/test_postgresql.py
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from ebcd.store import Accepted, Duplicate, HealthRow, Outgoing, PackageMeta, SignatureSeen, open_store, tables
from ebcd.store.audit import verify_journal
from ebcd.store.engine import make_engine, parse_url
from ebcd.store.migrations import runner
from tests.ebcd.store.conftest import COUNTY, MachineClock, event

URL = os.environ.get("EBCD_TEST_POSTGRESQL", "")

on_a_server = pytest.mark.skipif(not URL, reason="EBCD_TEST_POSTGRESQL names no database")


def test_every_table_has_a_postgresql_form() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    text = ""
    for table in tables.metadata.sorted_tables:
        text += str(CreateTable(table).compile(dialect=dialect))
        text += "".join(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
    assert "DOUBLE PRECISION" in text
    assert "BYTEA" in text
    assert text.count("BIGSERIAL") == 3


def start_anew() -> None:
    """Empty the test database."""
    engine = make_engine(parse_url(URL), fsync=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()


@on_a_server
@pytest.mark.real
async def test_everything_the_store_does_works_on_a_server(tmp_path: Path) -> None:
    start_anew()
    store = open_store(URL, clock=MachineClock(), packages=tmp_path)
    rows = await asyncio.gather(*(store.append([event(n, alert="A")]) for n in range(300)))
    assert [row.seq for (row,) in rows] == list(range(1, 301))
    assert [row.seq for row in await store.read_alert(COUNTY, "A")] == list(range(1, 301))
    assert (await store.verify(COUNTY)).whole
    await store.checkpoint(COUNTY, 250, b"state")
    meta = PackageMeta("src", 1.0, 1)
    seen = SignatureSeen("000000000101", 5, 5, bytes(32), 1.0)
    assert isinstance(await store.accept_package("E", b"raw", meta, [event()], signature=seen), Accepted)
    assert isinstance(await store.accept_package("E", b"raw", meta, [event()]), Duplicate)
    assert [await store.next_ebd_number() for _ in range(2)] == [1, 2]
    assert [await store.next_ebm_serial("20261122") for _ in range(2)] == [1, 2]
    await store.outbox_put(Outgoing("x", "peer", "", b"tar", next_at=1.0))
    await store.outbox_postpone("x", tries=1, next_at=2.0, error="refused")
    person = await store.person("陈某", "139")
    await store.erase_person(person)
    store.health_soon([HealthRow("code", "online", 1.0, 2.0)])
    await store.close()

    store = open_store(URL, clock=MachineClock(), packages=tmp_path)
    loaded = await store.load(COUNTY)
    assert (loaded.state, len(loaded.events), loaded.refused) == (b"state", 51, ())
    assert (await store.signatures()).last == {"000000000101": 5}
    assert [package.tries for package in await store.outbox_waiting()] == [1]
    assert await store.next_ebd_number() == 101
    assert (await store.people([person]))[person].erased
    assert [row.state for row in await store.health()] == ["online"]
    await store.close()
    assert [verdict.whole for verdict in verify_journal(URL)] == [True]


@on_a_server
@pytest.mark.real
async def test_version_1_on_a_server_comes_to_the_newest_and_refuses_changes(tmp_path: Path) -> None:
    start_anew()
    engine = make_engine(parse_url(URL), fsync=True)
    with engine.begin() as connection:
        runner.upgrade(connection, "0001")
    store = open_store(URL, clock=MachineClock(), packages=tmp_path)
    await store.append([event()])
    await store.close()
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE journal SET actor = 'nobody'")
    engine.dispose()
