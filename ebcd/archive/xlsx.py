"""XLSX by openpyxl, bounded: packed sheets in, sheets of texts out."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ebcd.archive.cells import harmless
from ebcd.errors import ConfigError, Problem

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

COLUMNS_MAX = 200
UNPACKED_BYTES_MAX = 2**30
EXACT_NUMBER_MAX = 10**15
"""A spreadsheet keeps 15 digits of a number: longer ones are no longer what somebody typed."""

_FAULTS = (  # what openpyxl lets out of a damaged file
    zipfile.BadZipFile, zlib.error, KeyError, ValueError, SyntaxError, EOFError, IndexError, TypeError, AttributeError,
    OverflowError, RuntimeError,
)  # fmt: skip

Row = tuple[int, list[str]]
"""Number of a row in its file, from 1, and its cells."""


def problem(path: Path, what: str, **values: object) -> ConfigError:
    """One thing wrong with the whole file."""
    return ConfigError([Problem(str(path), "", "", what, values)])


@contextmanager
def workbook(path: Path, sheet: str) -> Iterator[ReadOnlyWorksheet]:
    """One sheet of a file, the first where none is named. Raises ConfigError, OSError."""
    import openpyxl

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(each.file_size for each in packed.infolist()) > UNPACKED_BYTES_MAX:
                raise problem(path, "archive.unpacked", limit=UNPACKED_BYTES_MAX // 2**20)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it does not keep: validations, styles
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except _FAULTS as error:
        raise problem(path, "archive.xlsx", reason=str(error)) from None
    try:
        if sheet and sheet not in book.sheetnames:
            raise problem(path, "archive.no_sheet", sheet=sheet, choices=", ".join(book.sheetnames))
        found: Any = book[sheet] if sheet else book.worksheets[0]
        found.reset_dimensions()  # some writers lie about them
        yield found
    finally:
        book.close()


def xlsx_rows(path: Path, sheet: ReadOnlyWorksheet) -> Iterator[Row]:
    """Its rows; empty ones too. Raises ConfigError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number, row in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX + 1, values_only=True), 1):
                yield number, _filled(row)
    except _FAULTS as error:
        raise problem(path, "archive.xlsx", reason=str(error)) from None


def _filled(row: Sequence[Any]) -> list[str]:
    """Without the empty cells at its end."""
    cells = [cell_text(value) for value in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def cell_text(value: object) -> str:
    """A cell as somebody would have typed it. A number that lost digits is written so that no column takes it."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float() if value.is_integer() and abs(value) < EXACT_NUMBER_MAX:
            return str(int(value))
        case float() if abs(value) >= EXACT_NUMBER_MAX:
            return f"{value:.6E}"
        case float():
            return format(Decimal(repr(value)).normalize(), "f")
        case datetime():
            return value.date().isoformat() if value.time() == value.time().min else value.isoformat(" ")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def write_xlsx(file: IO[bytes], rows: Iterable[Sequence[str]]) -> None:
    """One sheet of texts: numbers would be rounded. No cell is a formula, also when somebody saves it as CSV."""
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("inventory")
    for row in rows:
        sheet.append([harmless(ILLEGAL_CHARACTERS_RE.sub("", cell)) for cell in row])
    book.save(file)
