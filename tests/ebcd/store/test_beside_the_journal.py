"""Numbers, outbox, signatures, people and health: what a restart must find as it was."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from pathlib import Path

import pytest

from ebcd.store import HealthRow, Outgoing, Person, SignatureSeen, StoreError, boxes, memory
from ebcd.store.counters import EBD_NUMBERS_PER_BLOCK
from tests.ebcd.store.conftest import COUNTY, Opener, event

PACKAGE = Outgoing("EBD-1", "23400000000000101010101", "EBM-1", b"tar", next_at=100.0)

# ---- numbers -------------------------------------------------------------------------------------------------------


async def test_package_numbers_begin_at_one_and_cost_one_commit_a_block(opener: Opener) -> None:
    store = opener()
    given = [await store.next_ebd_number() for _ in range(EBD_NUMBERS_PER_BLOCK)]
    assert given == list(range(1, EBD_NUMBERS_PER_BLOCK + 1))
    assert store.stats().commits == 1


async def test_callers_at_once_get_different_package_numbers(opener: Opener) -> None:
    store = opener()
    given = await asyncio.gather(*(store.next_ebd_number() for _ in range(250)))
    assert sorted(given) == list(range(1, 251))


async def test_i10_no_package_number_comes_back_after_a_crash(opener: Opener) -> None:
    store = opener()
    before = [await store.next_ebd_number() for _ in range(3)]
    store.abandon()
    store = opener()
    assert await store.next_ebd_number() > max(before)


async def test_message_serials_count_within_a_day_without_gaps_over_a_crash(opener: Opener) -> None:
    store = opener()
    assert [await store.next_ebm_serial("20261122") for _ in range(2)] == [1, 2]
    store.abandon()
    store = opener()
    assert await store.next_ebm_serial("20261122") == 3
    assert await store.next_ebm_serial("20261123") == 1


async def test_a_day_out_of_serials_is_told(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    await store.next_ebm_serial("20261122")
    with sqlite3.connect(tmp_path / "state" / "ebcd.db") as connection:
        connection.execute("UPDATE counter SET value = 9998 WHERE name = 'ebm/20261122'")
    connection.close()
    assert await store.next_ebm_serial("20261122") == 9999
    with pytest.raises(StoreError, match="all 9999 are used"):
        await store.next_ebm_serial("20261122")


# ---- outbox --------------------------------------------------------------------------------------------------------


async def test_a_package_to_send_waits_through_a_restart_until_it_is_done(opener: Opener) -> None:
    store = opener()
    second = dataclasses.replace(PACKAGE, ebd_id="EBD-2")
    await store.outbox_put(PACKAGE, [event(1)])
    await store.outbox_put(second)
    store.abandon()
    store = opener()
    assert await store.outbox_waiting() == [PACKAGE, second]
    assert await store.outbox_done("EBD-1", [event(2)])
    assert await store.outbox_waiting() == [second]
    assert len(await store.read(COUNTY)) == 2


async def test_a_failed_try_is_noted_with_the_time_of_the_next(opener: Opener) -> None:
    store = opener()
    await store.outbox_put(PACKAGE)
    await store.outbox_postpone("EBD-1", tries=1, next_at=115.0, error="connection refused")
    assert await store.outbox_waiting() == [
        dataclasses.replace(PACKAGE, tries=1, next_at=115.0, error="connection refused")
    ]


async def test_a_package_is_done_once_and_its_events_are_written_once(opener: Opener) -> None:
    store = opener()
    await store.outbox_put(PACKAGE)
    assert await store.outbox_done("EBD-1", [event(1)])
    assert not await store.outbox_done("EBD-1", [event(2)])
    assert len(await store.read(COUNTY)) == 1


async def test_the_same_package_put_twice_waits_once(opener: Opener) -> None:
    store = opener()
    await store.outbox_put(PACKAGE)
    await store.outbox_put(dataclasses.replace(PACKAGE, document=b"other"))
    assert await store.outbox_waiting() == [PACKAGE]


async def test_a_full_outbox_is_told_and_its_events_are_not_written(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "OUTBOX_PACKAGES_MAX", 2)
    store = opener()
    for number in range(2):
        await store.outbox_put(dataclasses.replace(PACKAGE, ebd_id=f"EBD-{number}"))
    with pytest.raises(StoreError, match="2 packages wait"):
        await store.outbox_put(dataclasses.replace(PACKAGE, ebd_id="EBD-9"), [event()])
    assert await store.read(COUNTY) == []


# ---- signatures ----------------------------------------------------------------------------------------------------


async def test_i11_last_times_and_seen_signatures_survive_a_restart(opener: Opener) -> None:
    store = opener()
    await store.remember_signature(SignatureSeen("000000000101", 500, 500, b"1" * 32, 10.0))
    await store.remember_signature(SignatureSeen("000000000101", 490, 500, b"2" * 32, 11.0))
    store.abandon()
    remembered = await opener().signatures()
    assert remembered.last == {"000000000101": 500}
    assert [(time, digest) for _, time, digest, _ in remembered.seen] == [(500, b"1" * 32), (490, b"2" * 32)]


async def test_signatures_are_forgotten_after_a_day_and_beyond_the_limit(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "SIGNATURES_KEPT_MAX", 3)
    store = opener()
    for number in range(5):
        await store.remember_signature(SignatureSeen("000000000101", number, number, bytes(32), 0.0))
    assert [time for _, time, _, _ in (await store.signatures()).seen] == [2, 3, 4]
    await store.remember_signature(SignatureSeen("000000000101", 5, 5, bytes(32), memory.SIGNATURES_KEPT_S + 1))
    assert [time for _, time, _, _ in (await store.signatures()).seen] == [5]


# ---- people --------------------------------------------------------------------------------------------------------


async def test_a_person_has_one_id_however_often_referred_to(opener: Opener) -> None:
    store = opener()
    first = await store.person("陈某", "139")
    assert await store.person("陈某", "139") == first
    assert await store.person("陈某", "138") != first
    assert (await store.people([first]))[first].name == "陈某"


async def test_an_erased_person_leaves_id_and_chain_and_no_byte_of_the_name_on_disk(
    opener: Opener, tmp_path: Path
) -> None:
    store = opener()
    person = await store.person("ZhangSanFengUnusual", "13900001111")
    await store.append([event(person)])
    await store.erase_person(person, [event(2)])
    assert (await store.people([person]))[person] == Person(person, "", "", erased=True)
    assert await store.person("ZhangSanFengUnusual", "") != person
    await store.erase_person(await store.person("ZhangSanFengUnusual", ""))
    assert (await store.verify(COUNTY)).whole
    for file in (tmp_path / "state").glob("ebcd.db*"):
        assert b"ZhangSanFengUnusual" not in file.read_bytes(), file.name


async def test_erasing_someone_unknown_is_told(opener: Opener) -> None:
    with pytest.raises(StoreError, match="no id 7"):
        await opener().erase_person(7)


# ---- health --------------------------------------------------------------------------------------------------------


async def test_many_changes_of_health_become_one_commit_with_the_last_of_each_device(opener: Opener) -> None:
    store = opener()
    for second in range(10):
        store.health_soon(HealthRow(f"code-{n}", "online", 0.0, float(second)) for n in range(100))
    await asyncio.sleep(2)
    assert store.stats().commits == 1
    assert {row.last_seen for row in await store.health()} == {9.0}
    store.health_soon([HealthRow("code-5", "offline", 20.0, 9.0, "ip", "silent")])
    await store.close()
    rows = {row.code: row for row in await opener().health()}
    assert len(rows) == 100
    assert rows["code-5"] == HealthRow("code-5", "offline", 20.0, 9.0, "ip", "silent")


async def test_health_of_more_devices_than_the_limit_is_dropped_and_counted(
    opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "HEALTH_ROWS_MAX", 2)
    store = opener()
    store.health_soon(HealthRow(f"code-{n}", "online", 0.0, 0.0) for n in range(3))
    await store.close()
    assert store.stats().refused == 1
    assert len(await opener().health()) == 2
