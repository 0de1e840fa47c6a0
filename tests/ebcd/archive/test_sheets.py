"""Tables of other people: their encodings, their spreadsheets, and files that want to do harm."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.archive import sheets, xlsx
from ebcd.archive.cells import harmless, plain
from ebcd.archive.sheets import encoding_of, rows_of
from ebcd.archive.xlsx import cell_text, write_xlsx
from ebcd.errors import ConfigError

TEXT = "编码,名称\n63411231002010314010401,石潭村喇叭1\n"


Places = list[tuple[int, int]]


@pytest.fixture(scope="module")
def sound() -> bytes:
    """A spreadsheet."""
    file = io.BytesIO()
    write_xlsx(file, [["code", "name"], ["63411231002010314010401", "石潭村"]])
    return file.getvalue()


def _read(file: Path) -> tuple[list[xlsx.Row], str]:
    """The rows, or why there are none."""
    try:
        return list(rows_of(file)), ""
    except ConfigError as error:
        return [], error.problems[0].sentence("zh")


ROWS = [(1, ["编码", "名称"]), (2, ["63411231002010314010401", "石潭村喇叭1"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_table_is_read_in_the_encoding_it_has(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(TEXT, encoding=encoding)
    assert list(rows_of(file)) == ROWS


def test_a_character_cut_by_the_end_of_the_file_is_no_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_bytes("a,村".encode()[:-1])
    assert encoding_of(file) == "gb18030"


@pytest.mark.parametrize("delimiter", [";", "\t", "，"])
def test_other_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(TEXT.replace(",", delimiter), encoding="utf-8")
    assert list(rows_of(file)) == ROWS


def test_empty_rows_are_left_out_and_numbers_are_those_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text('a,b\n\n , \n"x\ny",2\nz,3\n', encoding="utf-8")
    assert list(rows_of(file)) == [(1, ["a", "b"]), (4, ["x y", "2"]), (5, ["z", "3"])]


def test_a_title_with_commas_of_its_own_does_not_say_how_columns_are_parted(tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text("某县设备表，2026 年，全部\n\n" + TEXT, encoding="utf-8")
    assert list(rows_of(file, header_row=3))[1:] == [(number + 2, cells) for number, cells in ROWS]


def test_a_spreadsheet_is_read_like_a_table(tmp_path: Path) -> None:
    file = tmp_path / "devices.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["x"])
    sheet = book.create_sheet("设备")
    sheet.append(["编码", "安装", "频率", "音量"])
    sheet.append(["63411231002010314010401", date(2026, 5, 31), 88.4, 60])
    book.save(file)
    assert list(rows_of(file, sheet="设备"))[1] == (2, ["63411231002010314010401", "2026-05-31", "88.4", "60"])
    assert list(rows_of(file)) == [(1, ["x"])]
    with pytest.raises(ConfigError, match="has no sheet 终端; use one of Sheet, 设备"):
        list(rows_of(file, sheet="终端"))


def test_a_code_that_a_spreadsheet_has_rounded_is_not_taken_for_a_code() -> None:
    assert cell_text(6.341123100201031e22) == "6.341123E+22"
    assert cell_text(20480000000001.0) == "20480000000001"


def test_formulas_are_never_calculated(tmp_path: Path) -> None:
    file = tmp_path / "devices.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append(["x", "=1+1"])
    book.save(file)
    assert list(rows_of(file))[1] == (2, ["x"])


def test_what_we_write_is_text_also_where_it_looks_like_a_formula(tmp_path: Path) -> None:
    file = tmp_path / "devices.xlsx"
    rows = [["code", "name"], ["63411231002010314010401", "=1+1"], ["0412", "\x07+86"], ["-7.5", "'@x"]]
    with file.open("wb") as out:
        write_xlsx(out, rows)
    assert [cells for _, cells in rows_of(file)] == [*rows[:2], ["0412", "+86"], rows[3]]
    sheet = openpyxl.load_workbook(file).active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells if cell.value[0] in "=+-@"] == ["-7.5"]


@given(value=st.text(st.sampled_from("=+-@'\t\r 1a"), max_size=6))
def test_no_cell_goes_out_as_a_formula_and_each_comes_back(value: str) -> None:
    out = harmless(value)
    assert out.lstrip()[:1] not in set("=+@")
    assert not out.lstrip().startswith("-") or float(out) < 0.01
    assert plain(out) == plain(value) or value.lstrip().startswith("'")
    assert plain(harmless(plain(value))) == plain(value)


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ('="63411231002010314010401"', "63411231002010314010401"),
        ("'=1+1", "=1+1"),
        ("'0412", "'0412"),
        ("\t00017\n", "00017"),
        ("换\r\n行", "换 行"),
    ],
)
def test_what_only_spreadsheets_need_is_taken_off(cell: str, meant: str) -> None:
    assert plain(cell) == meant


@pytest.mark.parametrize(
    ("limit", "value", "sentence"),
    [
        ("ROWS_MAX", 1, "has more than 1 rows"),
        ("COLUMNS_MAX", 1, "has more than 1 columns in row 1"),
        ("CELL_CHARACTERS_MAX", 10, "has a cell of more than 10 characters in row 2"),
        ("FILE_BYTES_MAX", 20, "has more than 0 MB"),
    ],
)
def test_every_limit_has_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, sentence: str
) -> None:
    monkeypatch.setattr(sheets, limit, value)
    file = tmp_path / "devices.csv"
    file.write_text(TEXT + "1,2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence):
        list(rows_of(file))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "devices.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", bytes(5_000_000))
    monkeypatch.setattr(xlsx, "UNPACKED_BYTES_MAX", 4_000_000)
    assert file.stat().st_size < 10_000
    with pytest.raises(ConfigError, match="unpacks to more than"):
        list(rows_of(file))


@given(content=st.binary(max_size=300), suffix=st.sampled_from([".csv", ".xlsx"]))
def test_any_bytes_are_rows_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    file = tmp_path_factory.mktemp("any") / f"devices{suffix}"
    file.write_bytes(content)
    rows, sentence = _read(file)
    assert bool(sentence) or all(any(cells) for _, cells in rows)


@given(places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_damaged_spreadsheet_is_told(sound: bytes, tmp_path_factory: pytest.TempPathFactory, places: Places) -> None:
    file = tmp_path_factory.mktemp("damaged") / "devices.xlsx"
    content = bytearray(sound)
    for place, value in places:
        content[place % len(content)] = value
    file.write_bytes(content)
    rows, sentence = _read(file)
    assert bool(rows) != bool(sentence)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        list(rows_of(tmp_path / "no.xlsx"))
    with pytest.raises(ConfigError, match="cannot be read"):
        list(rows_of(tmp_path / "no.csv"))
