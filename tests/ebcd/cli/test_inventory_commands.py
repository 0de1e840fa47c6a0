"""`ebcd inventory` without a daemon: it works on the file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ebcd.cli.app import app
from simulators.county import main as county

CONFIG = Path(__file__).parents[3] / "config"
HORN = "63411231002010314010401"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ebcd.toml", "inventory.csv"):
        shutil.copy(CONFIG / name, tmp_path)
    return tmp_path


def _type(folder: Path, *arguments: str) -> Result:
    environment = {"EBCD_CONFIG": str(folder / "ebcd.toml"), "EBCD_LANG": "en", "LANG": "C"}
    return CliRunner().invoke(app, ["inventory", *arguments], env=environment)


def test_a_dry_run_shows_every_change_and_writes_nothing(folder: Path) -> None:
    (folder / "new.csv").write_text(f"code,name,installed\n{HORN},石潭村口,gestern\n", encoding="utf-8")
    before = (folder / "inventory.csv").read_bytes()
    result = _type(folder, "import", str(folder / "new.csv"), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "name: 石潭村喇叭1 → 石潭村口" in result.output
    assert "row 2 installed = 'gestern' is no date" in result.output
    assert "Nothing was written." in result.output
    assert (folder / "inventory.csv").read_bytes() == before
    assert not (folder / "new.quarantine.csv").exists()


def test_an_import_writes_the_file_and_tells_its_digest(folder: Path) -> None:
    (folder / "new.csv").write_text(f"code,name\n{HORN},石潭村口\n666,x\n", encoding="utf-8")
    told = json.loads(_type(folder, "import", str(folder / "new.csv"), "--json").output)
    assert told["counts"] | {"changed": 1, "quarantined": 1} == told["counts"]
    assert told["changed"][0]["fields"] == [{"column": "name", "before": "石潭村喇叭1", "after": "石潭村口"}]
    assert told["written"] == str(folder / "inventory.csv")
    assert "石潭村口" in (folder / "inventory.csv").read_text(encoding="utf-8")
    assert (folder / "inventory.csv.previous").read_bytes() == (CONFIG / "inventory.csv").read_bytes()
    assert Path(told["quarantine"]).exists()


def test_a_table_that_cannot_be_used_is_told_in_a_sentence(folder: Path) -> None:
    result = _type(folder, "import", str(folder / "nothing.xlsx"))
    assert result.exit_code == 1
    assert "nothing.xlsx: cannot be read" in result.output


def test_the_inventory_is_exported_as_a_spreadsheet(folder: Path) -> None:
    result = _type(folder, "export", str(folder / "out.xlsx"), "--json")
    assert json.loads(result.output) == {"file": str(folder / "out.xlsx"), "rows": 10}


def test_rates_are_shown_without_a_daemon_as_far_as_a_file_can_tell(folder: Path) -> None:
    rows = json.loads(_type(folder, "rates", "--json").output)
    assert (rows[-1]["planned"], rows[-1]["entered"], rows[-1]["heard"]) == (10, 9, None)
    assert "Enrolment" in _type(folder, "rates").output


def test_a_wrong_value_of_the_archive_is_told_and_does_not_keep_the_daemon_from_starting(tmp_path: Path) -> None:
    assert county(["--out", str(tmp_path), "--terminals", "20", "--seed", "1"]) == 0
    file = tmp_path / "inventory.csv"
    header, first, *rest = file.read_text(encoding="utf-8").splitlines()
    lines = [f"{header},installed", f"{first},gestern", *(f"{row}," for row in rest)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["check-config", "-c", str(tmp_path / "ebcd.toml"), "--lang", "en"])
    assert "installed = 'gestern' is no date" in result.output
    assert result.exit_code == 0, result.output
    file.write_text("\n".join([*lines[:2], "pigeon,1,,,,,,,"]) + "\n", encoding="utf-8")
    assert CliRunner().invoke(app, ["check-config", "-c", str(tmp_path / "ebcd.toml")]).exit_code == 1
