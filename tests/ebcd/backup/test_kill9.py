"""A backup beside a writing daemon is of one moment; killed with -9 it leaves nothing that counts as a backup."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ebcd.backup.archive import read_archive
from ebcd.backup.errors import BackupError
from ebcd.backup.keeping import archives
from ebcd.store import open_store
from ebcd.store.audit import verify_journal
from tests.ebcd.backup.county import AREA, Place

ROOT = Path(__file__).parents[3]
LIVES = 6
KILLED_WITHIN_S = 0.2  # of the moment at which a backup begins to write
RESTORED_WITHIN_S = 1.0  # the start of the command included

pytestmark = pytest.mark.real


def writer(place: Place, life: int) -> subprocess.Popen[str]:
    """A process that writes events and packages without end, and says what is durable."""
    command = [sys.executable, "-m", "tests.ebcd.store.endless_writer", place.settings.store.url, str(life)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def command(*arguments: str, place: Place) -> list[str]:
    return [sys.executable, "-m", "ebcd", *arguments, "-c", str(place.config)]


def ended(process: subprocess.Popen[bytes], within_s: float) -> bool:
    """Whether it came to its end by itself in that time."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(within_s)
    return process.returncode is not None


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=60)


def test_i10_beside_a_daemon_that_writes_all_the_time_each_backup_is_whole_and_of_one_moment(
    place: Place, tmp_path: Path
) -> None:
    busy = writer(place, 0)
    try:
        made = [place.backup() for _ in range(4)]
    finally:
        end(busy)
    rows = [sum(head.seq for head in each.manifest.heads) for each in made]
    assert rows == sorted(set(rows)), "each knows more than the one before"
    for number, each in enumerate(made):
        new = Place(tmp_path / f"new{number}", place.clock)
        new.restore(each.file)
        assert all(verdict.whole for verdict in verify_journal(f"sqlite:///{new.database}"))
        assert each.manifest.packages_missing == 0


def test_a_backup_killed_at_any_moment_leaves_no_archive_or_a_whole_one(place: Place, rng: random.Random) -> None:
    folder = place.settings.backup.folder
    folder.mkdir(parents=True)
    ready = folder / ".lock"
    for _ in range(LIVES):
        process = subprocess.Popen(command("backup", place=place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not ready.exists() and not ended(process, 0.0005):
            pass
        ended(process, rng.uniform(0.0, KILLED_WITHIN_S))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        ready.unlink(missing_ok=True)
        for kept in archives(folder, AREA):
            read_archive(kept.path, None, lambda _name: None)
            kept.path.unlink()
    place.backup()
    assert [path.name for path in folder.iterdir() if path.name.endswith(".part")] == []


def test_a_restore_killed_at_any_moment_leaves_the_old_county_or_the_new_one_or_says_that_it_is_neither(
    place: Place, rng: random.Random
) -> None:
    archive = place.backup().file
    (place.folder / "inventory.csv").write_bytes(b"other\n")
    told: set[str] = set()
    for _ in range(LIVES):
        process = subprocess.Popen(
            command("restore", str(archive), "--replace", place=place),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ended(process, rng.uniform(0.0, RESTORED_WITHIN_S))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        told.add(_state(place))
    assert told <= {"old", "new", "neither, and said so"}
    place.clock.now_s += 60
    place.restore(archive, replace=True)
    assert _state(place) == "new"


def _state(place: Place) -> str:
    """What a daemon that starts now would find."""
    if place.database.with_name("ebcd.db.restoring").exists():
        return "neither, and said so"
    open_store(place.settings.store.url, clock=place.clock, inline=True).abandon()
    (verdict,) = verify_journal(place.settings.store.url)
    assert verdict.whole
    other = (place.folder / "inventory.csv").read_bytes() == b"other\n"
    assert other is (verdict.rows == 5), "journal and inventory are of the same county"
    return "old" if other else "new"


def test_an_archive_that_somebody_cut_short_is_no_backup(place: Place) -> None:
    archive = place.backup().file
    os.truncate(archive, archive.stat().st_size - 1)
    with pytest.raises(BackupError):
        read_archive(archive, None, lambda _name: None)
