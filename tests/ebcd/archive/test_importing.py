"""The inventory is replaced at once, the one before it stays, wrong rows lie beside the table with their reason."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from ebcd.archive.importing import export, prepare, write_quarantine
from ebcd.archive.mapping import ColumnMap
from ebcd.archive.table import digest, replace_file
from protocols.codes import AreaCode

COUNTY = AreaCode("341123000000")
HORN = "63411231002010314010401"
OURS = f"kind,code,phys,name,host,port,paths,frequency_mhz\nterminal,{HORN},,=石潭村喇叭1,,,ip,\n"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    file = tmp_path / "inventory.csv"
    file.write_text(OURS, encoding="utf-8")
    return file


def _table(folder: Path, text: str) -> Path:
    file = folder / "devices.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_is_replaced_and_the_one_before_stays(inventory: Path) -> None:
    inventory.chmod(0o640)
    replace_file(inventory, b"new\n")
    replace_file(inventory, b"newer\n")
    assert inventory.read_bytes() == b"newer\n"
    assert inventory.stat().st_mode & 0o777 == 0o640
    assert inventory.with_name("inventory.csv.previous").read_bytes() == b"new\n"
    assert sorted(each.name for each in inventory.parent.iterdir()) == ["inventory.csv", "inventory.csv.previous"]


def test_a_file_that_cannot_be_written_stays_as_it_was(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        replace_file(inventory, b"new\n")
    assert [each.name for each in inventory.parent.iterdir()] == ["inventory.csv"]
    assert inventory.read_text(encoding="utf-8") == OURS


def test_an_import_that_changes_nothing_writes_nothing(inventory: Path, tmp_path: Path) -> None:
    prepared = prepare(inventory, _table(tmp_path, f"code,name\n{HORN},=石潭村喇叭1\n"), ColumnMap(), area=COUNTY)
    assert not prepared.changes
    assert prepared.base == digest(OURS.encode())


def test_wrong_rows_lie_beside_the_table_with_their_reason(inventory: Path, tmp_path: Path) -> None:
    file = _table(tmp_path, f"编号,code,installed\n7,{HORN},gestern\n8,666,\n")
    merge = prepare(inventory, file, ColumnMap(), area=COUNTY).merge
    written = write_quarantine(file, merge, "en")
    assert written == tmp_path / "devices.quarantine.csv"
    assert written.stat().st_mode & 0o777 == 0o600
    with written.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["row", "taken", "reason", "编号", "code", "installed"]
    assert [(row[0], row[1], row[3:]) for row in rows[1:]] == [
        ("2", "yes, without the wrong values", ["7", HORN, "gestern"]),
        ("3", "no", ["8", "666", ""]),
    ]
    assert "no date" in rows[1][2]


def test_a_table_without_wrong_rows_takes_an_old_quarantine_away(inventory: Path, tmp_path: Path) -> None:
    file = _table(tmp_path, f"code,name\n{HORN},x\n")
    (tmp_path / "devices.quarantine.csv").write_text("old", encoding="utf-8")
    assert write_quarantine(file, prepare(inventory, file, ColumnMap(), area=COUNTY).merge, "en") is None
    assert not (tmp_path / "devices.quarantine.csv").exists()


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_an_export_that_cannot_be_written_leaves_the_file_before_and_nothing_else(
    inventory: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "no space left")

    (tmp_path / name).write_text("before", encoding="utf-8")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        export(inventory, tmp_path / name)
    with pytest.raises(OSError, match="No such file"):
        export(inventory, tmp_path / "nowhere" / name)
    assert (tmp_path / name).read_text(encoding="utf-8") == "before"
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([name, "inventory.csv"])


def test_neither_an_export_nor_a_quarantine_holds_a_formula(inventory: Path, tmp_path: Path) -> None:
    export(inventory, tmp_path / "out.csv")
    assert ",'=石潭村喇叭1," in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    file = _table(tmp_path, 'code,name\n12,"=HYPERLINK(""http://192.0.2.1"")"\n')
    written = write_quarantine(file, prepare(inventory, file, ColumnMap(), area=COUNTY).merge, "en")
    assert written is not None
    again = prepare(inventory, written, ColumnMap(), area=COUNTY).merge
    assert "'=HYPERLINK" in written.read_text(encoding="utf-8-sig")
    assert again.quarantined[0].cells[-1] == '=HYPERLINK("http://192.0.2.1")'


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_what_is_exported_can_be_imported_and_is_the_same(inventory: Path, tmp_path: Path, name: str) -> None:
    assert export(inventory, tmp_path / name) == 1
    prepared = prepare(inventory, tmp_path / name, ColumnMap(), area=COUNTY)
    assert (prepared.changes, prepared.merge.counts["unchanged"]) == (False, 1)
