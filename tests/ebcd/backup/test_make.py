"""What a backup holds, what it never holds, and that nothing is left of one that fails."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import tarfile
import tomllib
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from ebcd.backup import make as making
from ebcd.backup.archive import read_archive
from ebcd.backup.errors import BackupError
from ebcd.backup.make import passphrase_of
from ebcd.backup.manifest import JOURNAL
from ebcd.store.audit import verify_journal
from protocols.sm2 import sm3
from tests.ebcd.backup.county import AREA, SOUND, Place


def members(archive: Path) -> dict[str, bytes]:
    """Every file of an unsealed archive, by the standard library alone."""
    with tarfile.open(archive) as tar:
        found = {info.name: tar.extractfile(info) for info in tar}
        return {name: content.read() for name, content in found.items() if content is not None}


def left_behind(place: Place) -> list[str]:
    """What lies beside whole archives."""
    folder = place.settings.backup.folder
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith((".gz", ".sealed", ".lock")))


def test_it_holds_journal_packages_inventory_certificates_configuration_and_the_sound_of_live_alerts(
    place: Place,
) -> None:
    inside = members(place.backup().file)
    for name in (place.folder / "trust").iterdir():
        assert inside[f"trust/{name.name}"] == name.read_bytes()
    assert inside["inventory.csv"] == (place.folder / "inventory.csv").read_bytes()
    packages = {name: data for name, data in inside.items() if name.startswith("packages/")}
    assert {f"packages/{sm3(data).hex()}.tar" for data in packages.values()} == set(packages)
    assert len(packages) == 3
    assert [data for name, data in inside.items() if name.startswith("media/")] == [SOUND + b"\x01"]
    assert tomllib.loads(inside["ebcd.toml"].decode())["platform"]["area"] == AREA


def test_the_manifest_gives_the_sm3_of_every_file_and_where_the_chain_ends(place: Place) -> None:
    made = place.backup()
    inside = members(made.file)
    assert {file.name: file.sm3 for file in made.manifest.files} == {
        name: sm3(data).hex() for name, data in inside.items() if name != "manifest.json"
    }
    (verdict,) = verify_journal(f"sqlite:///{place.database}")
    (head,) = made.manifest.heads
    assert (head.stream, head.seq, head.hash) == (AREA, verdict.head_seq, verdict.head_hash.hex())


def test_no_private_key_password_or_token_is_in_it(place: Place) -> None:
    inside = members(place.backup().file)
    everything = b"".join(inside.values())
    key = (place.folder / "keys" / "platform.pem").read_bytes().splitlines()[1]
    token = (place.folder / "operators" / "chen.token").read_bytes().strip()
    assert key not in everything
    assert token not in everything
    assert b"p4ss" not in everything
    assert b'password = ""' in inside["ebcd.toml"]


def test_it_says_which_secrets_are_not_in_it(place: Place) -> None:
    (key,) = place.backup().manifest.secrets_left_out
    assert key.startswith("links[")
    assert key.endswith("].password")


def test_what_is_still_in_the_write_ahead_log_comes_along(place: Place, tmp_path: Path) -> None:
    with closing(sqlite3.connect(place.database)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("INSERT INTO counter VALUES ('only in the log', 7)")
        writer.commit()
        read_archive(place.backup().file, None, lambda name: tmp_path / "copy.db" if name == JOURNAL else None)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT value FROM counter WHERE name = 'only in the log'").fetchone() == (7,)


def test_a_package_that_was_moved_away_is_counted_and_stops_nothing(place: Place) -> None:
    next(iter((place.folder / "state" / "packages").glob("*.tar"))).unlink()
    assert place.backup().manifest.packages_missing == 1


def test_only_the_owner_and_the_group_may_read_it(place: Place) -> None:
    made = place.backup()
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o640
    assert stat.S_IMODE(made.file.parent.stat().st_mode) == 0o750


def test_a_sealed_archive_shows_nothing(place: Place) -> None:
    made = place.backup(b"correct horse")
    assert made.sealed
    content = made.file.read_bytes()
    assert AREA.encode() not in content
    assert b"SQLite" not in content


def test_the_passphrase_comes_from_the_variable_of_the_configuration(place: Place) -> None:
    settings = place.settings
    assert passphrase_of(settings, {"EBCD_BACKUP_PASSPHRASE": "x"}) == b"x"
    assert passphrase_of(settings, {"EBCD_BACKUP_PASSPHRASE": ""}) is None
    assert passphrase_of(settings, {}) is None


# ---- what goes wrong -----------------------------------------------------------------------------------------------


def test_without_room_for_it_and_for_the_journal_none_is_begun(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=100_000))
    with pytest.raises(BackupError) as caught:
        place.backup()
    assert caught.value.what == "no_room"
    assert "0 MB free" in str(caught.value)
    assert left_behind(place) == []


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
@pytest.mark.parametrize("passphrase", [None, b"secret"])
def test_a_disk_that_fills_up_meanwhile_is_told_and_nothing_is_left(
    place: Place, monkeypatch: pytest.MonkeyPatch, share: float, passphrase: bytes | None
) -> None:
    whole = place.backup(passphrase)
    whole.file.unlink()
    real_open = Path.open

    def small_disk(self: Path, mode: str = "r", *args: object, **options: object) -> object:
        file = real_open(self, mode, *args, **options)  # type: ignore[call-overload]
        if mode == "r+b" and self.name.endswith(".part"):
            real_write, room = file.write, [int(share * whole.size_bytes)]

            def write(data: bytes) -> int:
                room[0] -= len(data)
                if room[0] < 0:
                    raise OSError(errno.ENOSPC, "No space left on device", str(self))
                return int(real_write(data))

            return SmallDisk(file, write)
        return file

    monkeypatch.setattr(Path, "open", small_disk)
    with pytest.raises(BackupError, match="The disk is full") as caught:
        place.backup(passphrase)
    assert caught.value.what == "full"
    monkeypatch.undo()
    assert left_behind(place) == []
    assert list(place.settings.backup.folder.glob("ebcd-*")) == []


class SmallDisk:
    """A file that takes so many bytes."""

    def __init__(self, file: object, write: object) -> None:
        self._file = file
        self.write = write

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def __enter__(self) -> SmallDisk:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()  # type: ignore[attr-defined]


def test_a_daemon_that_ends_does_not_wait_for_its_archive(place: Place) -> None:
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(BackupError) as caught:
        place.backup(stopped=stopped)
    assert caught.value.what == "stopped"
    assert left_behind(place) == []


def test_what_a_killed_backup_left_is_removed_by_the_next(place: Place) -> None:
    folder = place.settings.backup.folder
    folder.mkdir(parents=True)
    for name in ("ebcd-349901000000-20261130T000000.tar.gz.part", "x.db.part", "x.db.part-journal"):
        (folder / name).write_bytes(b"half")
    place.backup()
    assert left_behind(place) == []


def test_two_backups_at_a_time_are_one_too_many(place: Place) -> None:
    with making._alone(_made(place.settings.backup.folder)), pytest.raises(BackupError) as caught:
        place.backup()
    assert caught.value.what == "busy"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_a_county_without_a_journal_has_nothing_to_back_up(place: Place) -> None:
    place.database.unlink()
    with pytest.raises(BackupError, match="does not exist"):
        place.backup()


def test_postgresql_is_left_to_its_own_tools(place: Place) -> None:
    text = place.config.read_text(encoding="utf-8").replace("sqlite:///state/ebcd.db", "postgresql+psycopg://db/ebcd")
    place.config.write_text(text, encoding="utf-8")
    with pytest.raises(BackupError, match="pg_dump"):
        place.backup()


def test_a_folder_that_cannot_be_made_is_named(place: Place) -> None:
    (place.folder / "state" / "backups").write_bytes(b"")
    with pytest.raises(BackupError) as caught:
        place.backup()
    assert os.fspath(place.folder / "state" / "backups") in str(caught.value)
