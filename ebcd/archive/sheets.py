"""Tables that people and other systems hand over, as rows of texts: CSV in UTF-8 or GB 18030, XLSX.

Nothing is calculated: of a formula the value counts that the spreadsheet stored last. Everything has a limit, because
a file of 40 kilobytes may unpack to gigabytes.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from ebcd.archive.cells import harmless, plain
from ebcd.archive.xlsx import COLUMNS_MAX, Row, problem, workbook, xlsx_rows

ROWS_MAX = 500_000
CELL_CHARACTERS_MAX = 2_000
FILE_BYTES_MAX = 256 * 2**20
XLSX = (".xlsx", ".xlsm")
DELIMITERS = (",", ";", "\t", "，")
_CHUNK_BYTES = 2**20
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def rows_of(path: Path, *, encoding: str = "", sheet: str = "", header_row: int = 0) -> Iterator[Row]:
    """The rows of a file, one after another, with the numbers that a spreadsheet shows; empty ones are left out.
    `header_row`: where the columns are named, 0 for the first row that is not empty. Raises ConfigError while they are
    read."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise problem(path, "archive.file_size", limit=FILE_BYTES_MAX // 2**20)
        if path.suffix.lower() in XLSX:
            with workbook(path, sheet) as found:
                yield from _checked(path, xlsx_rows(path, found))
        else:
            with path.open(encoding=encoding or encoding_of(path), newline="") as lines:
                yield from _checked(path, _csv_rows(path, lines, header_row))
    except OSError as error:
        raise problem(path, "unreadable", reason=error.strerror or str(error)) from error
    except (UnicodeDecodeError, LookupError):
        raise problem(path, "archive.encoding") from None


def encoding_of(path: Path) -> str:
    """By its byte order mark; else UTF-8 where every byte fits, else GB 18030, which Chinese spreadsheets write."""
    with path.open("rb") as file:
        head = file.read(4)
        for mark, name in _BYTE_ORDER_MARKS.items():
            if head.startswith(mark):
                return name
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(head)
            while chunk := file.read(_CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8"


def _checked(path: Path, rows: Iterable[Row]) -> Iterator[Row]:
    for count, (number, cells) in enumerate(rows):
        if count > ROWS_MAX:
            raise problem(path, "archive.rows", limit=ROWS_MAX)
        if len(cells) > COLUMNS_MAX:
            raise problem(path, "archive.columns", row=number, limit=COLUMNS_MAX)
        stripped = [plain(cell) for cell in cells]
        if any(stripped):
            if max(map(len, stripped)) > CELL_CHARACTERS_MAX:
                raise problem(path, "archive.cell", row=number, limit=CELL_CHARACTERS_MAX)
            yield number, stripped


# ---- CSV -----------------------------------------------------------------------------------------------------------


def _csv_rows(path: Path, lines: IO[str], header_row: int) -> Iterator[Row]:
    delimiter = _delimiter(lines, header_row)
    lines.seek(0)
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        yield from enumerate(reader, 1)
    except csv.Error as error:
        raise problem(path, "archive.csv", row=reader.line_num, reason=str(error)) from None


def _delimiter(lines: IO[str], header_row: int) -> str:
    """What stands most often between the names of the columns: titles above them have commas of their own."""
    line, number = lines.readline(_CHUNK_BYTES), 1
    while line and (number < header_row or not line.strip()):
        line, number = lines.readline(_CHUNK_BYTES), number + 1
    return max(DELIMITERS, key=line.count)


def write_csv(file: IO[str], rows: Iterable[Sequence[str]]) -> None:
    """As our own files are: commas, one line feed a row; no cell is a formula."""
    csv.writer(file, lineterminator="\n").writerows([harmless(cell) for cell in row] for row in rows)
