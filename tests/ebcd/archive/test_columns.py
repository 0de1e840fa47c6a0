"""Every further column of inventory.csv becomes a value of the archive, or is told by row and left out."""

from __future__ import annotations

from datetime import date
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.archive import EMPTY, Record, Status
from ebcd.archive.columns import COLUMNS, READERS, BadValue, person_id, read_record
from ebcd.inventory_csv import read
from protocols.codes import AreaCode, ResourceCode

COUNTY = AreaCode("341123000000")
HEADER = "kind,code,phys,name,host,port,paths,frequency_mhz"
HORN = ResourceCode("63411231002010314010401")
WRITTEN: dict[str, tuple[str, Any]] = {
    "status": ("enrolled", Status.ENROLLED),
    "model": ("YD-100", "YD-100"),
    "hardware_version": ("1.2", "1.2"),
    "software_version": ("3.04", "3.04"),
    "certificate": ("00000000020a", "00000000020A"),
    "certificate_expiry": ("2027-05-31", date(2027, 5, 31)),
    "longitude": ("118.31", 118.31),
    "latitude": ("32.29", 32.29),
    "population": ("1240", 1240),
    "contact": ("P12", "P12"),
    "pole": ("0412", "0412"),
    "feeder": ("石潭支线", "石潭支线"),
    "sim_iccid": ("8986 0012 3456 7890 123a", "8986001234567890123A"),
    "sim_expiry": ("2028-01-01", date(2028, 1, 1)),
    "sim_traffic_mb": ("300", 300),
    "sim_batch": ("2026-A", "2026-A"),
    "installed": ("2024-11-03", date(2024, 11, 3)),
    "guarantee_until": ("2029-11-02", date(2029, 11, 2)),
    "supplier": ("某厂", "某厂"),
    "crew_area": ("341123100", AreaCode("341123100000")),
    "volume": ("60", 60),
    "return_to": ("10.1.1.9:8889", "10.1.1.9:8889"),
    "power_w": ("300", 300),
    "backup": ("yes", True),
    "auto_switch": ("否", False),
    "remote_control": ("no", False),
}


def _read(file: FilePath, *rows: str, header: str) -> tuple[dict[ResourceCode, Record], list[str]]:
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    inventory, problems = read(file, area=COUNTY)
    return dict(inventory.archive.records), [str(problem).removeprefix(f"{file}: ") for problem in problems]


def _horn(code: str = HORN, rest: str = "") -> str:
    return f"terminal,{code},,喇叭,,,ip,{rest}"


@pytest.mark.requirement("R-PLT-23")
def test_every_column_of_the_archive_is_read(tmp_path: FilePath) -> None:
    assert tuple(WRITTEN) == COLUMNS
    header = ",".join((HEADER, *WRITTEN))
    row = ",".join((_horn(), *(text for text, _ in WRITTEN.values())))
    records, problems = _read(tmp_path / "inventory.csv", row, header=header)
    assert problems == []
    assert records == {HORN: Record(**{name: value for name, (_, value) in WRITTEN.items()})}


def test_a_file_without_further_columns_keeps_no_records(tmp_path: FilePath) -> None:
    records, problems = _read(tmp_path / "inventory.csv", _horn(), header=HEADER)
    assert (records, problems) == ({}, [])


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("status", "broken", "row 2 status = 'broken' is unknown; use planned, enrolled, opened"),
        ("certificate_expiry", "2027-02-30", "row 2 certificate_expiry = '2027-02-30' is no date; write it as 2026-05"),
        ("certificate", "201", "row 2 certificate = '201' is no certificate number; write 12 hexadecimal digits"),
        ("latitude", "118.3", "row 2 latitude = '118.3' is no number of this column; use -90 to 90"),
        ("longitude", "nan", "row 2 longitude = 'nan' is no number of this column; use -180 to 180"),
        ("population", "-4", "row 2 population = '-4' is no number of this column; use 0 to 10000000"),
        ("population", "٣", "row 2 population = '٣' is no number of this column"),
        (
            "sim_iccid",
            "8.98600E+19",
            "row 2 sim_iccid = '8.98600E+19' is no number of a SIM card (ICCID); write the ",
        ),
        ("crew_area", "34", "row 2 crew_area = '34' is no area code"),
        ("volume", "101", "row 2 volume = '101' is no number of this column; use 0 to 100"),
        ("return_to", "10.1.1.9", "row 2 return_to = '10.1.1.9' is no address with a port; write it as 10.1.1.9:8889"),
        ("backup", "maybe", "row 2 backup = 'maybe' is unknown; use yes, no, 是, 否"),
        ("return_to", "10.1.1.9:0", "row 2 return_to = '10.1.1.9:0' is no address with a port"),
        ("pole", "x" * 121, "row 2 pole = 'xxxxx"),
    ],
)
def test_a_wrong_value_is_told_and_its_device_stays(tmp_path: FilePath, column: str, value: str, sentence: str) -> None:
    file = tmp_path / "inventory.csv"
    file.write_text(f"{HEADER},{column},model\n{_horn()},{value},YD\n", encoding="utf-8")
    inventory, problems = read(file, area=COUNTY)
    assert [str(problem).removeprefix(f"{file}: ")[: len(sentence)] for problem in problems] == [sentence]
    assert inventory.archive.of(HORN) == Record(model="YD")
    assert [each.code for each in inventory.roster.terminals] == [HORN]


def test_a_wrong_contact_is_told_without_its_words(tmp_path: FilePath) -> None:
    words = "张三" * 100
    _, problems = _read(tmp_path / "inventory.csv", f"{_horn()},{words}", header=f"{HEADER},contact")
    assert len(problems) == 1
    assert "张三" not in problems[0]


def test_planned_devices_stand_in_the_archive_and_in_no_roster(tmp_path: FilePath) -> None:
    file = tmp_path / "inventory.csv"
    rows = [f"terminal,{HORN},,石潭村喇叭1,,,,,planned", "adapter,53411231000000314010201,,,,,,,planned"]
    file.write_text("\n".join((f"{HEADER},status", *rows)) + "\n", encoding="utf-8")
    inventory, problems = read(file, area=COUNTY)
    assert problems == []
    assert (inventory.roster.terminals, inventory.roster.adapters) == ((), ())
    assert sorted(inventory.archive.planned) == ["53411231000000314010201", HORN]


def test_the_frequency_of_a_terminal_is_what_it_should_be_tuned_to(tmp_path: FilePath) -> None:
    records, problems = _read(tmp_path / "inventory.csv", _horn(rest="98.5"), header=HEADER)
    assert (records[HORN].frequency_khz, problems) == (98_500, [])
    records, problems = _read(tmp_path / "inventory.csv", _horn(rest="985"), header=HEADER)
    assert records == {}
    assert len(problems) == 1


def test_a_batch_is_named_or_comes_from_the_number_of_the_card() -> None:
    assert Record(sim_iccid="89860012345678901234").batch == "8986001234567"
    assert Record(sim_iccid="89860012345678901234", sim_batch="2026-A").batch == "2026-A"
    assert EMPTY.batch == ""


@pytest.mark.parametrize(("contact", "person"), [("P12", 12), ("12", None), ("P", None), ("P 1", None), ("", None)])
def test_a_contact_is_the_id_of_a_person_or_words(contact: str, person: int | None) -> None:
    assert person_id(contact) == person


@given(column=st.sampled_from(COLUMNS), value=st.text(max_size=40))
def test_any_text_is_a_value_or_wrong(column: str, value: str) -> None:
    record, wrong = read_record({column: value.strip()}, has_frequency=True)
    assert len(wrong) <= 1
    if wrong or not value.strip():
        assert record == EMPTY
    assert bool(wrong) == (bool(value.strip()) and not _is_read(column, value.strip()))


def _is_read(column: str, value: str) -> bool:
    try:
        READERS[column](value)
    except BadValue:
        return False
    return True
