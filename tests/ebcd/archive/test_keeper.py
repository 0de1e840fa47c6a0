"""The file and the running inventory change together, or not at all; the journal says who did it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path as FilePath

import pytest

from devices.link import Path
from ebcd import snapshot
from ebcd.archive import keeper as keeping
from ebcd.archive.contacts import name_and_number, take_in
from ebcd.archive.history import DeviceBook, device_commissioned, device_set, device_swapped
from ebcd.archive.keeper import Keeper, KeeperDoors
from ebcd.archive.table import Table, digest
from ebcd.archive.turnover import Turnover
from ebcd.health import HealthBook, Ways, ways_of
from ebcd.inventory import Inventory
from ebcd.operator import OperationRefused
from ebcd.state import CountyState
from tests.ebcd.county import COUNTY, VILLAGE_A1, Room, control_room, terminal

HORN = terminal(VILLAGE_A1, 1)
HEADER = "kind,code,phys,name,host,port,paths,frequency_mhz,contact\n"
FILE = f"{HEADER}terminal,{HORN},,a,,,ip,,\n"
BOTH = FILE + f"terminal,{terminal(VILLAGE_A1, 2)},,b,,,ip,,王村长 138-0000-0001\n"


def _ways(inventory: Inventory) -> Ways:
    return ways_of(inventory, {"ip": Path.IP}, dict.fromkeys(Path, 15.0), 60.0)


@dataclass
class People:
    """The store's people."""

    known: list[tuple[str, str]] = field(default_factory=list)

    async def person(self, name: str, phone: str) -> int:
        """Their number."""
        self.known.append((name, phone))
        return len(self.known)


def _write(file: FilePath) -> None:
    file.write_text(FILE, encoding="utf-8")


@asynccontextmanager
async def kept(file: FilePath) -> AsyncIterator[tuple[Room, Keeper, People]]:
    """A running county and the keeper of its file."""
    _write(file)
    async with control_room() as room:
        people = People()
        ledger = room.core.ledger
        doors = KeeperDoors(room.clock, ledger.enter, ledger.mark, people.person, _ways, in_thread=False)
        turnover = Turnover(room.inventory, room.core, HealthBook(_ways(room.inventory)), lambda _sites: None)
        yield room, Keeper(file, COUNTY, turnover, room.core.state.devices, doors), people


def _facts(room: Room) -> list[tuple[str, str, object]]:
    return [(e.kind, e.actor, e.payload["source"]) for e in room.journal.events if e.kind == "inventory.changed"]


async def test_an_import_changes_the_file_the_running_inventory_and_the_journal(tmp_path: FilePath) -> None:
    file = tmp_path / "inventory.csv"
    async with kept(file) as (room, keeper, people):
        done = await keeper.replace(BOTH.encode(), digest(FILE.encode()), "devices.xlsx", "chen")
        assert (done.devices, done.removed) == (2, 13)
        assert sorted(room.inventory.roster.devices) == [HORN, terminal(VILLAGE_A1, 2)]
        assert people.known == [("王村长", "13800000001")]
        assert room.inventory.archive.of(terminal(VILLAGE_A1, 2)).contact == "P1"
        assert file.read_text(encoding="utf-8") == BOTH.replace("王村长 138-0000-0001", "P1")
        assert done.sm3 == digest(file.read_bytes()) == room.core.state.devices.inventory_sm3
        assert _facts(room) == [("inventory.changed", "chen", "devices.xlsx")]
        assert not [e for e in room.journal.events if "王" in str(e.payload) or "13800000001" in str(e.payload)]


async def test_an_import_made_from_another_file_is_refused(tmp_path: FilePath) -> None:
    file = tmp_path / "inventory.csv"
    async with kept(file) as (room, keeper, _):
        with pytest.raises(OperationRefused, match="inventory_moved"):
            await keeper.replace(BOTH.encode(), "0" * 64, "x", "chen")
        assert file.read_text(encoding="utf-8") == FILE
        assert _facts(room) == []


@pytest.mark.parametrize("content", [b"kind,code\n", HEADER.encode(), b"\xff\xfe\x00", b""])
async def test_a_file_without_a_usable_terminal_is_refused_and_the_running_inventory_stays(
    tmp_path: FilePath, content: bytes
) -> None:
    file = tmp_path / "inventory.csv"
    async with kept(file) as (room, keeper, _):
        file.write_bytes(content)
        with pytest.raises(OperationRefused, match="inventory_"):
            await keeper.reload("chen")
        assert len(room.inventory.roster.terminals) == 12
        assert file.read_bytes() == content


async def test_what_is_read_again_is_taken_over_only_where_it_is_another_file(tmp_path: FilePath) -> None:
    file = tmp_path / "inventory.csv"
    async with kept(file) as (room, keeper, _):
        await keeper.reload("chen")
        edition = room.inventory.roster.edition
        assert await keeper.read_again("liu") == 0
        assert room.inventory.roster.edition == edition
        file.write_text(BOTH.replace("王村长 138-0000-0001", ""), encoding="utf-8")
        assert await keeper.read_again("liu") == 1
        assert len(room.inventory.roster.terminals) == 2
        assert _facts(room)[-1] == ("inventory.changed", "liu", "file")


async def test_a_reload_reads_what_people_wrote_and_leaves_it_word_for_word(tmp_path: FilePath) -> None:
    file = tmp_path / "inventory.csv"
    async with kept(file) as (room, keeper, _):
        written = FILE.replace(",a,", ',"a",').replace("\n", "\r\n").encode()
        file.write_bytes(written)
        done = await keeper.reload("chen")
        assert file.read_bytes() == written
        assert done.sm3 == digest(written)
        again = await keeper.reload("chen")
        assert (again.sm3, len(_facts(room))) == (done.sm3, 1)


async def test_a_file_that_cannot_be_written_changes_nothing(
    tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    def readonly(_path: FilePath, _content: bytes) -> None:
        raise PermissionError(13, "permission denied")

    async with kept(tmp_path / "inventory.csv") as (room, keeper, _):
        monkeypatch.setattr(keeping, "replace_file", readonly)
        with pytest.raises(OperationRefused, match="inventory_unwritable"):
            await keeper.replace(BOTH.encode(), digest(FILE.encode()), "x", "chen")
        assert len(room.inventory.roster.terminals) == 12
        assert _facts(room) == []


async def test_names_in_a_file_that_cannot_be_written_are_taken_in_all_the_same(
    tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    def readonly(_path: FilePath, _content: bytes) -> None:
        raise PermissionError(13, "permission denied")

    file = tmp_path / "inventory.csv"
    async with kept(file) as (room, keeper, people):
        file.write_text(BOTH, encoding="utf-8")
        monkeypatch.setattr(keeping, "replace_file", readonly)
        await keeper.reload("chen")
        assert people.known == [("王村长", "13800000001")]
        assert room.inventory.archive.of(terminal(VILLAGE_A1, 2)).contact == "P1"


async def test_two_changes_at_once_come_one_after_the_other(tmp_path: FilePath) -> None:
    async with kept(tmp_path / "inventory.csv") as (room, keeper, _):
        base = digest(FILE.encode())
        first, second = await asyncio.gather(
            keeper.replace(BOTH.encode(), base, "a", "chen"),
            keeper.replace(FILE.encode() + b"\n", base, "b", "liu"),
            return_exceptions=True,
        )
        assert isinstance(second, OperationRefused)
        assert not isinstance(first, BaseException)
        assert len(_facts(room)) == 1


async def test_a_file_that_people_changed_while_nobody_ran_is_noticed_at_the_start(tmp_path: FilePath) -> None:
    async with kept(tmp_path / "inventory.csv") as (room, keeper, _):
        await keeper.notice()
        await keeper.notice()
        assert _facts(room) == [("inventory.changed", "daemon", "file")]


def test_a_replacement_inherits_the_history_of_its_code_and_a_checkpoint_keeps_it() -> None:
    state = CountyState()
    acceptance = {"code": HORN, "phys": "2048"}
    state.apply(device_commissioned(acceptance, "00", 1.0, "chen"))
    state.apply(device_set([HORN], {"volume": 40}, [], "drift", 2.0, "chen"))
    state.apply(device_swapped(HORN, "2048", "2049", 3.0, "liu", "lightning"))
    assert [(e.what, e.note) for e in state.devices.of(HORN)] == [
        ("device.commissioned", "2048"),
        ("device.set", "volume 40 (drift)"),
        ("device.swapped", "2048 -> 2049 lightning"),
    ]
    assert snapshot.same(snapshot.load(snapshot.dump(state)), state)


def test_a_checkpoint_from_before_there_was_a_history_is_loaded() -> None:
    assert DeviceBook.load({}) == DeviceBook()


@pytest.mark.parametrize(
    ("words", "person"),
    [
        ("王村长 13800000001", ("王村长", "13800000001")),
        ("13800000001（王）", ("王", "13800000001")),
        ("王：+86 138-0000-0001", ("王", "+8613800000001")),
        ("王村长", ("王村长", "")),
    ],
)
def test_a_person_is_read_as_people_write_one(words: str, person: tuple[str, str]) -> None:
    assert name_and_number(words) == person


async def test_a_person_named_twice_is_taken_in_once(tmp_path: FilePath) -> None:
    table = Table.parse(f"{HEADER}a,b,,,,,,,王 1380000001\nc,d,,,,,,,王 1380000001\ne,f,,,,,,,P7\n".encode(), tmp_path)
    people = People()
    assert await take_in(table, people.person) == 1
    assert [table.cell(row, "contact") for row in table.rows] == ["P1", "P1", "P7"]
