"""The folder of sound."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd import media
from ebcd.media import MediaRefused, MediaStore, is_name
from protocols.sm2 import sm3

SOUND = b"\xff\xfb" + bytes(1000)


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "state" / "media")


def test_a_file_is_named_by_the_sm3_of_its_bytes(store: MediaStore) -> None:
    stored = store.put(SOUND, ".MP3")
    assert stored.sm3 == sm3(SOUND).hex()
    assert stored.name == f"{stored.sm3}.mp3"
    assert stored.path.read_bytes() == SOUND
    assert store.find(stored.name) == stored


def test_the_same_bytes_are_kept_once(store: MediaStore) -> None:
    one = store.put(SOUND, "mp3")
    written_ns = one.path.stat().st_mtime_ns
    assert store.put(SOUND, "mp3") == one
    assert one.path.stat().st_mtime_ns == written_ns
    assert [each.name for each in store.folder.iterdir()] == [one.name]


def test_a_damaged_file_is_written_anew(store: MediaStore) -> None:
    stored = store.put(SOUND, "mp3")
    stored.path.write_bytes(SOUND[:10])
    assert store.put(SOUND, "mp3").path.read_bytes() == SOUND


@pytest.mark.parametrize(("data", "extension"), [(b"", "mp3"), (SOUND, "exe"), (SOUND, ""), (SOUND, "../mp3")])
def test_what_is_not_served_is_not_kept(store: MediaStore, data: bytes, extension: str) -> None:
    with pytest.raises(MediaRefused):
        store.put(data, extension)
    assert list(store.folder.iterdir()) == []


def test_too_many_bytes_are_refused_with_the_limit(store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "FILE_BYTES_MAX", 100)
    with pytest.raises(MediaRefused, match="1 to 100"):
        store.put(SOUND, "mp3")


def test_what_a_crash_left_half_written_is_cleared_at_the_next_start(store: MediaStore) -> None:
    kept = store.put(SOUND, "mp3")
    (store.folder / "tmpabc.part").write_bytes(b"half")
    assert [each.name for each in MediaStore(store.folder).folder.iterdir()] == [kept.name]


def test_a_write_that_fails_leaves_nothing(store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put(SOUND, "mp3")
    assert list(store.folder.iterdir()) == []


@given(st.one_of(st.text(max_size=80), st.from_regex(r"[0-9a-f]{64}\.[a-z0-9]{2,4}", fullmatch=True)))
def test_only_a_digest_with_a_known_extension_is_a_name(text: str) -> None:
    digest, _, extension = text.partition(".")
    good = len(digest) == 64 and all(each in "0123456789abcdef" for each in digest) and extension in media.CONTENT_TYPES
    assert is_name(text) is good


@pytest.mark.parametrize(
    "name", ["", "..", "/etc/passwd", "0" * 64, "A" * 64 + ".mp3", "0" * 64 + ".mp3/..", "0" * 64 + ".mp3"]
)
def test_what_is_not_there_is_not_found(store: MediaStore, name: str) -> None:
    assert store.find(name) is None
