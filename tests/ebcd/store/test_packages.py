"""Received packages: on disk before the answer, answered once and for all."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from ebcd.store import Accepted, Duplicate, PackageMeta, SignatureSeen, Stored, StoreError
from protocols.sm2 import sm3
from tests.ebcd.store.conftest import COUNTY, Opener, event

EBD_ID = "01" + "23400000000000101010101" + "0000000000000042"
META = PackageMeta("23400000000000101010101", 1.5, 1)


def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "packages"


@pytest.mark.requirement("R-PLT-03", "R-SUP-05")
async def test_an_accepted_package_is_a_file_named_by_its_sm3_with_row_and_events(
    opener: Opener, tmp_path: Path
) -> None:
    store = opener()
    accepted = await store.accept_package(EBD_ID, b"a package", META, [event(1)])
    assert isinstance(accepted, Accepted)
    assert (accepted.digest, accepted.file) == (sm3(b"a package").hex(), f"{sm3(b'a package').hex()}.tar")
    assert (folder(tmp_path) / accepted.file).read_bytes() == b"a package"
    assert await store.read_package(accepted.file) == b"a package"
    assert tuple(await store.read(COUNTY)) == accepted.events


async def test_the_same_number_again_gets_the_recorded_answer_and_writes_nothing(opener: Opener) -> None:
    store = opener()
    await store.accept_package(EBD_ID, b"a package", META, [event(1)])
    later = PackageMeta(META.src, 99.0, 3)
    again = await store.accept_package(EBD_ID, b"a package", later, [event(2)])
    assert again == Duplicate(1, 1.5, sm3(b"a package").hex(), same_bytes=True, file=f"{sm3(b'a package').hex()}.tar")
    assert len(await store.read(COUNTY)) == 1


async def test_other_bytes_under_a_known_number_are_told_apart(opener: Opener) -> None:
    store = opener()
    await store.accept_package(EBD_ID, b"a package", META)
    again = await store.accept_package(EBD_ID, b"another", META)
    assert isinstance(again, Duplicate)
    assert not again.same_bytes


async def test_the_answer_survives_a_restart(opener: Opener) -> None:
    store = opener()
    await store.accept_package(EBD_ID, b"a package", META)
    store.abandon()
    store = opener()
    assert isinstance(await store.accept_package(EBD_ID, b"a package", META), Duplicate)
    assert await store.accepted_package("another") is None
    assert (await store.accepted_package(EBD_ID)) is not None


@pytest.mark.real
async def test_i10_of_many_calls_at_once_with_one_number_exactly_one_is_accepted(threaded: Opener) -> None:
    store = threaded()
    answers = await asyncio.gather(*(store.accept_package(EBD_ID, b"a package", META, [event(n)]) for n in range(40)))
    assert sum(isinstance(answer, Accepted) for answer in answers) == 1
    assert len(await store.read(COUNTY)) == 1
    await store.close()


async def test_a_signature_is_remembered_with_its_package_and_not_with_a_repeat(opener: Opener) -> None:
    store = opener()
    first = SignatureSeen("000000000101", 1000, 1000, b"1" * 32, 1.5)
    repeat = SignatureSeen("000000000101", 2000, 2000, b"2" * 32, 2.5)
    await store.accept_package(EBD_ID, b"a package", META, signature=first)
    await store.accept_package(EBD_ID, b"a package", META, signature=repeat)
    memory = await store.signatures()
    assert memory.last == {"000000000101": 1000}
    assert memory.seen == (("000000000101", 1000, b"1" * 32, 1.5),)


async def test_what_a_killed_process_left_half_written_is_removed_at_the_next_start(
    opener: Opener, tmp_path: Path
) -> None:
    await opener().close()
    (folder(tmp_path) / "00.ff.part").write_bytes(b"half")
    opener()
    assert list(folder(tmp_path).iterdir()) == []


async def test_a_file_that_is_not_what_its_name_says_is_not_handed_out(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    accepted = await store.accept_package(EBD_ID, b"a package", META)
    assert isinstance(accepted, Accepted)
    (folder(tmp_path) / accepted.file).write_bytes(b"a packagf")
    with pytest.raises(StoreError, match="its SM3 is not its name"):
        await store.read_package(accepted.file)


async def test_a_damaged_file_is_written_anew_when_its_package_comes_again(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    accepted = await store.accept_package(EBD_ID, b"a package", META)
    assert isinstance(accepted, Accepted)
    (folder(tmp_path) / accepted.file).write_bytes(b"")
    await store.accept_package("another", b"a package", META)
    assert await store.read_package(accepted.file) == b"a package"


async def test_a_folder_that_is_gone_is_told_and_leaves_no_row(opener: Opener, tmp_path: Path) -> None:
    store = opener()
    shutil.rmtree(folder(tmp_path))
    with pytest.raises(StoreError, match="packages folder"):
        await store.accept_package(EBD_ID, b"a package", META, [event(1)])
    assert await store.accepted_package(EBD_ID) is None
    folder(tmp_path).mkdir()
    assert isinstance(await store.accept_package(EBD_ID, b"a package", META), Accepted)


@pytest.mark.real
async def test_bytes_and_folder_are_synced_before_the_row_is_committed(
    threaded: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = threaded()
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(fd: int) -> None:
        order.append("folder" if os.path.isdir(f"/proc/self/fd/{fd}") else "file")
        fsync(fd)

    def noting_replace(source: Path, target: Path) -> None:
        order.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    answer = await store.accept_package(EBD_ID, b"a package", META, [event()])
    assert isinstance(answer, Accepted)
    assert [type(row) for row in answer.events] == [Stored]
    assert order == ["file", "rename", "folder"]
    await store.close()
