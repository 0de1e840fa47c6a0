"""The journal as its callers see it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ebcd.store import ChainBroken, NewEvent, StoreError
from ebcd.store.journal import CHECKPOINTS_KEPT
from tests.ebcd.store.conftest import COUNTY, Opener, event
from tests.virtual_time import EPOCH_UTC_S, VirtualClock


def tamper(folder: Path, sql: str) -> None:
    """Change the file behind the store's back, as someone with the disk in hand could."""
    with sqlite3.connect(folder / "state" / "ebcd.db") as connection:
        connection.execute("DROP TRIGGER IF EXISTS journal_no_update")
        connection.execute("DROP TRIGGER IF EXISTS journal_no_delete")
        connection.execute(sql)
    connection.close()


async def test_events_come_back_as_they_were_written_numbered_from_one(opener: Opener) -> None:
    store = opener()
    written = await store.append([event(1, alert="A"), event(2)])
    assert [row.seq for row in written] == [1, 2]
    assert await store.read(COUNTY) == written
    assert [row.payload for row in written] == [{"number": 1}, {"number": 2}]
    assert [row.alert for row in written] == ["A", None]


async def test_each_stream_counts_and_chains_for_itself(opener: Opener) -> None:
    store = opener()
    rows = await store.append([event(1), event(2, stream="341124000000"), event(3)])
    assert [(row.stream, row.seq) for row in rows] == [(COUNTY, 1), ("341124000000", 1), (COUNTY, 2)]
    assert rows[2].prev == rows[0].hash
    assert rows[1].prev == bytes(32)


async def test_an_event_bears_the_time_of_the_call_unless_it_brings_its_own(
    opener: Opener, clock: VirtualClock
) -> None:
    store = opener()
    clock.step(5.5)
    now, own = await store.append([event(), NewEvent(COUNTY, "test.happened", "tester", {}, at=7.25)])
    assert now.at == EPOCH_UTC_S + 5.5
    assert own.at == 7.25


async def test_reading_goes_on_behind_a_sequence_number_page_by_page(opener: Opener) -> None:
    store = opener()
    await store.append([event(n) for n in range(7)])
    assert [row.seq for row in await store.read(COUNTY, 3, limit=2)] == [4, 5]
    assert [row.seq for row in await store.read(COUNTY, 5, limit=9)] == [6, 7]


async def test_one_alert_is_read_without_the_others(opener: Opener) -> None:
    store = opener()
    await store.append([event(n, alert="AB"[n % 2]) for n in range(5)])
    assert [row.payload["number"] for row in await store.read_alert(COUNTY, "A")] == [0, 2, 4]


async def test_a_payload_has_one_canonical_text_whatever_the_order_of_its_keys(opener: Opener) -> None:
    store = opener()
    one, other = await store.append(
        [
            NewEvent(COUNTY, "test.happened", "tester", {"b": 1, "a": {"d": "镇", "c": None}}),
            NewEvent(COUNTY, "test.happened", "tester", {"a": {"c": None, "d": "镇"}, "b": 1}),
        ]
    )
    assert one.raw == other.raw == '{"a":{"c":null,"d":"镇"},"b":1}'.encode()


@pytest.mark.parametrize("field", ["stream", "kind", "actor", "alert"])
@pytest.mark.parametrize("text", ["", "a\x00b", "a\ud800"])
async def test_texts_that_a_database_cannot_hold_are_the_callers_error(opener: Opener, field: str, text: str) -> None:
    store = opener()
    change: dict[str, Any] = {field: text}
    with pytest.raises(ValueError):
        await store.append([event(1), event(2, alert="A")._replace(**change)])
    assert await store.read(COUNTY) == []


@pytest.mark.parametrize("payload", [{"x": object()}, {1: "x"}, {"x": 1 << 70}, {"x": "a\ud800"}])
async def test_a_payload_that_json_cannot_carry_is_the_callers_error(
    opener: Opener, payload: dict[str, object]
) -> None:
    store = opener()
    with pytest.raises(TypeError):
        await store.append([NewEvent(COUNTY, "test.happened", "tester", payload)])
    assert await store.read(COUNTY) == []


@pytest.mark.parametrize("at", [float("nan"), float("inf")])
async def test_a_time_that_is_no_number_is_refused(opener: Opener, at: float) -> None:
    with pytest.raises(ValueError, match="UTC seconds"):
        await opener().append([NewEvent(COUNTY, "test.happened", "tester", {}, at=at)])


@pytest.mark.requirement("R-PLT-19")
@pytest.mark.parametrize("sql", ["UPDATE journal SET actor = 'nobody'", "DELETE FROM journal"])
async def test_the_database_refuses_to_change_or_remove_a_row(opener: Opener, tmp_path: Path, sql: str) -> None:
    store = opener()
    await store.append([event()])
    connection = sqlite3.connect(tmp_path / "state" / "ebcd.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(sql)
    connection.close()


# ---- the chain -----------------------------------------------------------------------------------------------------


async def test_a_whole_chain_verifies_up_to_its_head(opener: Opener) -> None:
    store = opener()
    rows = await store.append([event(n) for n in range(20)])
    verdict = await store.verify(COUNTY)
    assert verdict.whole
    assert (verdict.rows, verdict.head_seq, verdict.head_hash) == (20, 20, rows[-1].hash)


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE journal SET actor = 'nobody' WHERE seq = 7", 7),
        ("UPDATE journal SET at = at + 0.5 WHERE seq = 7", 7),
        ("UPDATE journal SET alert = 'B' WHERE seq = 7", 7),
        ("UPDATE journal SET payload = CAST('{\"number\":9}' AS BLOB) WHERE seq = 7", 7),
        ("DELETE FROM journal WHERE seq = 7", 7),
        ("UPDATE journal SET hash = prev WHERE seq = 7", 7),
        ("UPDATE journal SET prev = hash WHERE seq = 7", 7),
    ],
)
async def test_the_first_altered_row_is_named(opener: Opener, tmp_path: Path, sql: str, broken_at: int) -> None:
    store = opener()
    await store.append([event(n, alert="A") for n in range(20)])
    tamper(tmp_path, sql)
    verdict = await store.verify(COUNTY)
    assert (verdict.broken_at, verdict.rows, verdict.head_seq) == (broken_at, 6, 6)


async def test_the_chain_goes_on_where_the_last_process_left_it(opener: Opener) -> None:
    store = opener()
    (first,) = await store.append([event(1)])
    await store.close()
    store = opener()
    (second,) = await store.append([event(2)])
    assert (second.seq, second.prev) == (2, first.hash)


# ---- checkpoints ---------------------------------------------------------------------------------------------------


async def test_a_restart_begins_with_the_newest_checkpoint_and_the_events_behind_it(opener: Opener) -> None:
    store = opener()
    await store.append([event(n) for n in range(10)])
    await store.checkpoint(COUNTY, 4, b"old")
    await store.checkpoint(COUNTY, 8, b"new")
    loaded = await store.load(COUNTY)
    assert loaded.state == b"new"
    assert [row.seq for row in loaded.events] == [9, 10]
    assert loaded.refused == ()


async def test_a_stream_without_checkpoints_is_loaded_from_its_first_event(opener: Opener) -> None:
    store = opener()
    await store.append([event(n) for n in range(3)])
    loaded = await store.load(COUNTY)
    assert loaded.state is None
    assert [row.seq for row in loaded.events] == [1, 2, 3]


async def test_loading_looks_at_no_event_before_the_checkpoint(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    await store.append([event(n) for n in range(10)])
    await store.checkpoint(COUNTY, 8, b"state")
    tamper(tmp_path, "UPDATE journal SET actor = 'nobody' WHERE seq = 2")
    assert [row.seq for row in (await store.load(COUNTY)).events] == [9, 10]


async def test_loading_refuses_an_event_altered_after_the_checkpoint(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    await store.append([event(n) for n in range(10)])
    await store.checkpoint(COUNTY, 4, b"state")
    tamper(tmp_path, "UPDATE journal SET actor = 'nobody' WHERE seq = 6")
    with pytest.raises(ChainBroken, match="row 6 has a hash that its content does not give") as broken:
        await store.load(COUNTY)
    assert (broken.value.stream, broken.value.seq) == (COUNTY, 6)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("UPDATE checkpoint SET state = CAST('lie' AS BLOB) WHERE seq = 8", "checkpoint at 8 is damaged"),
        ("UPDATE checkpoint SET seq = 9 WHERE seq = 8", "checkpoint at 9 is damaged"),
    ],
)
async def test_a_damaged_checkpoint_is_passed_over_and_told(opener: Opener, tmp_path: Path, sql: str, why: str) -> None:
    store = opener()
    await store.append([event(n) for n in range(10)])
    await store.checkpoint(COUNTY, 4, b"old")
    await store.checkpoint(COUNTY, 8, b"new")
    tamper(tmp_path, sql)
    loaded = await store.load(COUNTY)
    assert (loaded.state, loaded.refused) == (b"old", (why,))
    assert loaded.events[0].seq == 5


async def test_a_checkpoint_of_another_journal_is_passed_over(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    await store.append([event(n) for n in range(10)])
    await store.checkpoint(COUNTY, 10, b"state")
    tamper(tmp_path, "DELETE FROM journal WHERE seq = 10")
    loaded = await store.load(COUNTY)
    assert loaded.state is None
    assert loaded.refused == ("checkpoint at 10 stands on an event that is not in the journal",)


async def test_only_the_newest_few_checkpoints_are_kept(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    await store.append([event(n) for n in range(10)])
    for seq in range(1, 11):
        await store.checkpoint(COUNTY, seq, b"state")
    await store.close()
    connection = sqlite3.connect(tmp_path / "state" / "ebcd.db")
    kept = [seq for (seq,) in connection.execute("SELECT seq FROM checkpoint ORDER BY seq")]
    connection.close()
    assert kept == list(range(11 - CHECKPOINTS_KEPT, 11))


async def test_a_checkpoint_of_an_event_that_is_not_written_is_refused(opener: Opener) -> None:
    store = opener()
    await store.append([event()])
    with pytest.raises(StoreError, match="has no event 2, the last is 1"):
        await store.checkpoint(COUNTY, 2, b"state")
