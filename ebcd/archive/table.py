"""inventory.csv as rows of texts: what is written back is what people wrote, also where it is wrong or not ours."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from ebcd.archive.xlsx import problem
from ebcd.inventory_csv import COLUMNS
from protocols.sm2 import sm3

PREVIOUS = ".previous"
"""Behind the name of the file that was replaced last."""


@dataclass(slots=True)
class Table:
    """Header and rows; rows are as long as the header unless they came from a file that is wrong there."""

    header: list[str] = field(default_factory=lambda: list(COLUMNS))
    rows: list[list[str]] = field(default_factory=list)

    @classmethod
    def parse(cls, content: bytes, path: Path) -> Table:
        """Read a file's content. Raises ConfigError where it is no CSV in UTF-8."""
        try:
            text = content.decode("utf-8-sig")
            rows = list(csv.reader(io.StringIO(text, newline="")))
        except UnicodeDecodeError as error:
            raise problem(path, "not_utf8", offset=error.start) from None
        except csv.Error as error:
            raise problem(path, "other", detail=str(error)) from None
        if not rows:
            return cls()
        header = [name.strip().lower() for name in rows[0]]
        return cls(header, [row for row in rows[1:] if any(row)])

    def column(self, name: str) -> int:
        """Where a column stands; it is added where there was none."""
        if name not in self.header:
            self.header.append(name)
            for row in self.rows:
                if len(row) == len(self.header) - 1:
                    row.append("")
        return self.header.index(name)

    def cell(self, row: Sequence[str], name: str) -> str:
        """A cell; "" where the row or the table has none."""
        at = self.header.index(name) if name in self.header else len(row)
        return row[at].strip() if at < len(row) else ""

    def find(self, column: str, value: str) -> int | None:
        """The first row with this value in a column."""
        return next((at for at, row in enumerate(self.rows) if self.cell(row, column) == value), None)

    def put(self, at: int | None, values: dict[str, str]) -> int:
        """Change cells of a row, or add one; where it stands."""
        columns = {name: self.column(name) for name in values}
        if at is None:
            self.rows.append([""] * len(self.header))
            at = len(self.rows) - 1
        row = self.rows[at]
        row.extend([""] * (len(self.header) - len(row)))
        for name, column in columns.items():
            row[column] = values[name]
        return at

    def lines(self) -> Iterator[Sequence[str]]:
        """Header and rows; emptied ones are left out."""
        yield self.header
        yield from filter(None, self.rows)

    def content(self) -> bytes:
        """As it is written."""
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(self.lines())
        return out.getvalue().encode()


def digest(content: bytes) -> str:
    """SM3 of a file's content, hexadecimal."""
    return sm3(content).hex()


def read_content(path: Path) -> bytes:
    """A file's content, b"" where there is no file. Raises ConfigError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise problem(path, "unreadable", reason=error.strerror or str(error)) from error


def replace_file(path: Path, content: bytes) -> None:
    """Put a new file in the place of the old one, which stays beside it under PREVIOUS; at no moment is there none or
    half of one. Raises OSError."""
    write_whole(path, content, _keep)


def write_whole(path: Path, content: bytes, keep: Callable[[Path, int], None] | None = None) -> None:
    """Write a file so that at no moment there is half of one. `keep`: sees to the one before, and to the rights of the
    new one, which is open as the given descriptor. Raises OSError."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as new:
        try:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
            (keep or _same_rights)(path, new.fileno())
            os.replace(new.name, path)
        except BaseException:
            os.unlink(new.name)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep(path: Path, new: int) -> None:
    """Copy the old file aside and give its owner and rights to the new one."""
    if not _same_rights(path, new):
        return
    aside = path.with_name(f".{path.name}{PREVIOUS}")
    shutil.copy2(path, aside)
    os.replace(aside, path.with_name(path.name + PREVIOUS))


def _same_rights(path: Path, new: int) -> bool:
    """Give owner and rights of the old file to the new one; False where there is no old one."""
    try:
        old = path.stat()
    except FileNotFoundError:
        os.fchmod(new, 0o640)
        return False
    os.fchmod(new, old.st_mode & 0o777)
    with suppress(PermissionError):
        os.fchown(new, old.st_uid, old.st_gid)
    return True
