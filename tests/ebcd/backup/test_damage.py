"""Archives that are not what they should be replace nothing."""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
import io
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ebcd import snapshot
from ebcd.backup.errors import BackupError
from ebcd.backup.make import Made
from ebcd.foundation import restore
from ebcd.store import open_store
from tests.ebcd.backup.county import AREA, Place, make_place


def test_a_file_that_is_no_backup_is_refused(place: Place, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"hello")
    with pytest.raises(BackupError, match="no backup of ebcd"):
        place.restore(tmp_path / "x", replace=True)


def test_an_archive_that_does_not_exist_is_named(place: Place, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No such file"):
        place.restore(tmp_path / "none", replace=True)


@dataclass(frozen=True)
class Archives:
    """A county with a plain and a sealed archive."""

    place: Place
    plain: Made
    sealed: Made


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Made once."""
    place = make_place(tmp_path_factory.mktemp("damage") / "county")
    return Archives(place, place.backup(), place.backup(b"p"))


@pytest.fixture
def keys_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same passphrase and salt make the same key: a fifth of a second that need not be spent again."""
    monkeypatch.setattr("hashlib.scrypt", functools.cache(hashlib.scrypt))


@pytest.mark.usefixtures("keys_once")
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.booleans(), sealed=st.booleans())
def test_a_flipped_or_truncated_archive_replaces_nothing(
    two: Archives, *, at: int, bit: int, cut: bool, sealed: bool
) -> None:
    """Some bits of a gzip stream say nothing: the date in its head, or how far back a run of zeros is copied from. Then
    all that was read is byte for byte what was written."""
    place, made = two.place, two.sealed if sealed else two.plain
    content = made.file.read_bytes()
    at %= len(content)
    file = place.folder.parent / "damaged"
    file.write_bytes(content[:at] if cut else content[:at] + bytes((content[at] ^ 1 << bit,)) + content[at + 1 :])
    before = place.files()
    try:
        planned = place.plan(file, b"p")
    except BackupError as error:
        told = error.what
    else:
        assert not cut
        assert not sealed
        assert planned.manifest == made.manifest
        return
    assert told in ("damaged", "not_archive", "wrong_passphrase", "newer")
    assert place.files() == before


def rebuilt(archive: Path, target: Path, change: dict[str, bytes | None], *, kind: bytes = tarfile.REGTYPE) -> Path:
    """The same archive with other files in it, its manifest untouched."""
    with (
        tarfile.open(archive) as old,
        gzip.open(target, "wb") as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as new,
    ):
        inside = {info.name: old.extractfile(info) for info in old}
        content = {name: data.read() for name, data in inside.items() if data is not None}
        manifest = content.pop("manifest.json")
        for name, data in {**content, **change, "manifest.json": manifest}.items():
            if data is not None:
                info = tarfile.TarInfo(name)
                info.size = len(data) if kind == tarfile.REGTYPE or name not in change else 0
                info.type = kind if name in change else tarfile.REGTYPE
                info.linkname = "/etc/passwd" if info.type != tarfile.REGTYPE else ""
                new.addfile(info, io.BytesIO(data))
    return target


@pytest.mark.parametrize(
    "change",
    [
        {"inventory.csv": b"kind,code\n"},
        {"inventory.csv": None},
        {"trust/more.cer": b"x"},
        {"../outside": b"x"},
        {"/etc/passwd": b"x"},
        {"trust/../../x.cer": b"x"},
        {"packages/a.tar": b"x"},
    ],
)
def test_what_the_manifest_does_not_vouch_for_is_refused(
    place: Place, tmp_path: Path, change: dict[str, bytes | None]
) -> None:
    file = rebuilt(place.backup().file, tmp_path / "rebuilt", change)
    before = place.files()
    with pytest.raises(BackupError) as caught:
        place.restore(file, replace=True)
    assert caught.value.what == "damaged"
    assert place.files() == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_nothing_but_plain_files_comes_out_of_an_archive(place: Place, tmp_path: Path, kind: bytes) -> None:
    file = rebuilt(place.backup().file, tmp_path / "rebuilt", {"trust/x.cer": b"x"}, kind=kind)
    with pytest.raises(BackupError, match="does not belong"):
        place.restore(file, replace=True)


def test_a_journal_that_was_altered_long_before_the_backup_is_refused(place: Place) -> None:
    async def checkpoint() -> None:
        store = open_store(place.settings.store.url, clock=place.clock, inline=True)
        state = snapshot.dump(await restore(store, AREA))
        await store.checkpoint(AREA, 5, state)  # a daemon's start believes it and looks at nothing before
        await store.close()

    asyncio.run(checkpoint())
    with closing(sqlite3.connect(place.database)) as journal:
        (name,) = journal.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%BEFORE UPDATE%'").fetchone()
        journal.execute(f"DROP TRIGGER {name}")
        journal.execute("UPDATE journal SET actor = 'nobody' WHERE seq = 2")
        journal.commit()
    archive = place.backup().file
    with pytest.raises(BackupError, match="breaks at row 2"):
        place.restore(archive, replace=True)
