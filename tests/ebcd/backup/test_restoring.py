"""A backup comes back whole or not at all, and a daemon that starts on it starts as after a crash."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ebcd import snapshot
from ebcd.backup.errors import BackupError
from ebcd.backup.pieces import Does
from ebcd.backup.restoring import EBM_SERIALS_LOST_MAX
from ebcd.foundation import folded
from ebcd.lifecycle import AlertState
from ebcd.state import CountyState
from ebcd.store import StoreError, open_store
from ebcd.store.audit import load_journal, verify_journal
from ebcd.store.counters import EBD_NUMBERS_LOST_MAX
from ebcd.store.engine import FileLock
from tests.ebcd.backup.county import AREA, NOW_S, Place


def elsewhere(place: Place, folder: Path) -> Place:
    """An empty server."""
    return Place(folder / "new", place.clock)


def test_on_an_empty_server_everything_comes_back_as_it_was(place: Place, tmp_path: Path) -> None:
    new = elsewhere(place, tmp_path)
    made = place.backup()
    before = place.files()
    new.restore(made.file)
    after = new.files()
    for name in before:
        if name.startswith(("trust/", "inventory.csv", "state/packages/")):
            assert after[name] == before[name], name
    (verdict,) = verify_journal(f"sqlite:///{new.database}")
    assert verdict.whole
    assert verdict.rows == made.manifest.heads[0].seq + 1


def test_the_restored_journal_says_that_it_was_restored_and_by_whom(place: Place, tmp_path: Path) -> None:
    new = elsewhere(place, tmp_path)
    made = place.backup()
    new.restore(made.file)
    with closing(sqlite3.connect(new.database)) as journal:
        last = journal.execute("SELECT kind, actor, payload FROM journal ORDER BY seq DESC").fetchone()
    assert last[:2] == ("journal.restored", "tester")
    assert made.file.name.encode() in last[2]


async def numbers(place: Place, count: int) -> list[int]:
    """Own package numbers, as the daemon takes them."""
    store = open_store(place.settings.store.url, clock=place.clock, inline=True)
    given = [await store.next_ebd_number() for _ in range(count)]
    store.abandon()
    return given


def test_i10_no_package_number_that_was_given_out_since_the_backup_comes_again(place: Place, tmp_path: Path) -> None:
    archive = place.backup().file
    since = asyncio.run(numbers(place, 300))
    new = elsewhere(place, tmp_path)
    new.restore(archive)
    (first,) = asyncio.run(numbers(new, 1))
    assert max(since) < EBD_NUMBERS_LOST_MAX < first


def state_of(place: Place) -> CountyState:
    """What a daemon that starts now begins with, by a checkpoint as by the journal."""
    state = folded(load_journal(f"sqlite:///{place.database}", AREA))
    assert snapshot.same(snapshot.load(snapshot.dump(state)), state)
    return state


def test_i7_alerts_of_operators_get_ids_that_none_since_the_backup_can_have_had(place: Place, tmp_path: Path) -> None:
    archive = place.backup().file
    new = elsewhere(place, tmp_path)
    new.restore(archive)
    assert state_of(new).serials_lost == {"20261130": 3 + EBM_SERIALS_LOST_MAX}
    for _ in range(2):
        new.clock.now_s += 1
        new.restore(new.backup().file, replace=True)
    assert state_of(new).serials_lost == {"20261130": 3 + 3 * EBM_SERIALS_LOST_MAX}
    new.clock.now_s += 86_400
    new.restore(new.backup().file, replace=True)
    assert state_of(new).serials_lost == {"20261201": EBM_SERIALS_LOST_MAX}


def test_i12_alerts_that_may_have_been_cancelled_since_are_cancelled_where_one_asks_for_it(
    place: Place, tmp_path: Path
) -> None:
    new = elsewhere(place, tmp_path)
    new.restore(place.backup().file, cancel_live=True)
    states = {record.alert.title: record.state for record in state_of(new).alerts.values()}
    assert states == {
        "alert 1": AlertState.CANCELLING,  # it was on air: a restart sends its stops everywhere
        "alert 2": AlertState.DROPPED,
        "alert 3": AlertState.CANCELLED,
    }


def test_the_plan_names_the_alerts_that_were_not_over_and_writes_nothing(place: Place, tmp_path: Path) -> None:
    archive = place.backup().file
    before = place.files()
    planned = place.plan(archive)
    assert [record.alert.title for record in planned.live] == ["alert 1", "alert 3"]
    assert {piece.name: piece.does for piece in planned.pieces} == {
        "configuration": Does.STAYS,
        "trust": Does.SAME,
        "inventory": Does.SAME,
        "roster": Does.SAME,
        "packages": Does.SAME,
        "media": Does.SAME,
        "journal": Does.REPLACES,
    }
    assert place.files() == before
    assert not (tmp_path / "new").exists()


def test_the_duty_roster_comes_back_and_stays_where_the_archive_has_none(place: Place, tmp_path: Path) -> None:
    roster, without = place.folder / "roster.csv", place.backup().file
    turns = "begin,end,operator,phone,email\n2026-12-01 08:00,2026-12-01 20:00,wang,,\n"
    roster.write_text(turns, encoding="utf-8")
    new = elsewhere(place, tmp_path)
    new.restore(place.backup().file)
    assert (new.folder / "roster.csv").read_text(encoding="utf-8") == turns
    assert {piece.does for piece in place.plan(without).pieces if piece.name == "roster"} == {Does.SAME}


def test_a_target_that_holds_something_is_not_replaced_unless_told(place: Place) -> None:
    archive = place.backup().file
    before = place.files()
    with pytest.raises(BackupError) as caught:
        place.restore(archive)
    assert caught.value.what == "not_empty"
    assert str(place.database) in str(caught.value)
    assert place.files() == before


def test_what_is_replaced_is_kept_under_another_name_with_its_log(place: Place) -> None:
    archive = place.backup().file
    with closing(sqlite3.connect(place.database)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("INSERT INTO counter VALUES ('later', 1)")
        writer.commit()
        log = place.database.with_name("ebcd.db-wal").read_bytes()
        (place.folder / "inventory.csv").write_text("other\n", encoding="utf-8")
        suffix = place.restore(archive, replace=True)
    assert place.database.with_name(f"ebcd.db-wal{suffix}").read_bytes() == log
    assert not place.database.with_name("ebcd.db-wal").exists()
    assert (place.folder / f"inventory.csv{suffix}").read_text(encoding="utf-8") == "other\n"
    with closing(sqlite3.connect(place.database)) as journal:
        assert journal.execute("SELECT count(*) FROM counter WHERE name = 'later'").fetchone() == (0,)


def test_packages_beyond_the_archives_stay_where_they_are(place: Place) -> None:
    archive = place.backup().file
    more = place.folder / "state" / "packages" / ("0" * 64 + ".tar")
    more.write_bytes(b"later evidence")
    place.restore(archive, replace=True)
    assert more.read_bytes() == b"later evidence"


def test_a_sealed_archive_comes_back_with_its_passphrase_only(place: Place, tmp_path: Path) -> None:
    new = elsewhere(place, tmp_path)
    archive = place.backup(b"right").file
    for passphrase, what in ((None, "sealed"), (b"wrong", "wrong_passphrase")):
        with pytest.raises(BackupError) as caught:
            new.restore(archive, passphrase)
        assert caught.value.what == what
    assert not new.folder.exists()
    new.restore(archive, b"right")
    assert new.database.exists()


def test_a_running_daemon_is_not_overrun(place: Place) -> None:
    archive = place.backup().file
    before = place.files()
    lock = FileLock(place.database)
    try:
        with pytest.raises(BackupError) as caught:
            place.restore(archive, replace=True)
    finally:
        lock.release()
    assert caught.value.what == "running"
    assert place.files() == before


def test_another_countys_backup_is_refused(place: Place) -> None:
    archive = place.backup().file
    text = place.config.read_text(encoding="utf-8").replace('area = "349901000000"', 'area = "349902000000"')
    place.config.write_text(text, encoding="utf-8")
    with pytest.raises(BackupError, match="349902000000"):
        place.restore(archive, replace=True)


def test_a_broken_configuration_is_named_and_not_guessed_around(place: Place) -> None:
    archive = place.backup().file
    place.config.write_text(place.config.read_text(encoding="utf-8") + "\n[nonsense]\n", encoding="utf-8")
    with pytest.raises(BackupError, match="nonsense"):
        place.restore(archive, replace=True)


# ---- a restore that does not come to its end -----------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, 6))
def test_a_rename_that_fails_is_taken_back_with_all_before_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    archive = place.backup().file
    for name in ("inventory.csv", "trust/000000000001.cer"):
        (place.folder / name).write_bytes(b"other")
    before = place.files()
    real, done = os.rename, []

    def rename(old: Path, new: Path) -> None:
        done.append(old)
        if len(done) == number:
            raise OSError(5, "Input/output error", str(old))
        real(old, new)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(BackupError) as caught:
        place.restore(archive, replace=True)
    assert caught.value.what == "disk"
    assert place.files() == before


@pytest.mark.parametrize("number", range(1, 6))
def test_a_restore_killed_between_two_renames_keeps_the_daemon_from_starting_and_can_be_done_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    archive = place.backup().file
    for name in ("inventory.csv", "trust/000000000001.cer"):
        (place.folder / name).write_bytes(b"other")
    done: list[Path] = []
    real = os.rename

    def rename(old: Path, new: Path) -> None:
        if len(done) >= number:
            raise Killed
        done.append(old)
        real(old, new)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(Killed):
        place.restore(archive, replace=True)
    monkeypatch.undo()
    with pytest.raises(StoreError, match="restore is under way or was cut short"):
        open_store(place.settings.store.url, clock=place.clock, inline=True)
    place.clock.now_s += 5
    place.restore(archive, replace=True)
    open_store(place.settings.store.url, clock=place.clock, inline=True).abandon()
    assert (place.folder / "inventory.csv").read_bytes() != b"other"


class Killed(BaseException):
    """Nobody is left."""


def test_a_disk_that_is_full_changes_nothing_and_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    new = elsewhere(place, tmp_path)
    archive = place.backup().file
    real_open = Path.open

    def small_disk(self: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        file = real_open(self, mode, *args, **options)
        if mode == "xb" and self.is_relative_to(new.folder):
            file.close()
            return (Path("/dev/full")).open("wb")  # the kernel's own full disk
        return file

    monkeypatch.setattr(Path, "open", small_disk)
    with pytest.raises(BackupError, match=rf"The disk is full: {new.folder}/"):
        new.restore(archive)
    monkeypatch.undo()
    assert new.files() == {}


def test_i3_what_expired_between_backup_and_restore_never_starts(place: Place, tmp_path: Path) -> None:
    """`test_reconcile` proves what a restart does; here: the restored state gives a restart just that."""
    archive = place.backup().file
    place.clock.now_s = NOW_S + 1800
    planned = elsewhere(place, tmp_path).plan(archive)
    assert [(r.alert.title, r.alert.window.is_open(place.clock.wall())) for r in planned.live] == [
        ("alert 1", True),
        ("alert 3", False),
    ]


def test_chance_is_the_only_thing_two_backups_of_one_moment_differ_in(place: Place) -> None:
    first = place.backup().manifest
    place.clock.now_s -= 1
    place.settings.backup.folder.joinpath("moved").mkdir()
    for file in place.settings.backup.folder.glob("ebcd-*"):
        file.rename(file.parent / "moved" / file.name)
    assert place.backup().manifest == first
