"""Rows of a foreign table brought into inventory.csv: what is added, what changes field by field, what is quarantined.

A column that the table does not have, and an empty cell, change nothing; `-` empties a cell. Rows are matched by
resource code, else by physical address. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ebcd.archive.columns import CONTACT
from ebcd.archive.mapping import ColumnMap
from ebcd.archive.table import Table
from ebcd.archive.xlsx import Row, problem
from ebcd.errors import Problem
from ebcd.inventory_csv import RowReader
from protocols.codes import AreaCode

CLEAR = "-"
MASK = "***"
SHOWN_ANYHOW = ("code", "name")
"""Columns of a new device that stand beside its changes."""
PROBLEMS_MAX = 5_000_000
PASSES_MAX = 5
"""A row that is taken out may leave others without their adapter, and so on; what is left then is told at the start."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One cell. Personal data is masked."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """A device that is added or changed, with its cells, or that is missing, and the row of the table that says so."""

    row: int
    code: str
    name: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row with something wrong in it. `taken`: the device was brought in all the same, without the wrong values."""

    row: int
    cells: tuple[str, ...]
    reasons: tuple[Problem, ...]
    taken: bool


@dataclass(slots=True)
class Merge:
    """What an import would do."""

    table: Table
    header: tuple[str, ...] = ()
    added: list[RowChange] = field(default_factory=list)
    changed: list[RowChange] = field(default_factory=list)
    missing: list[RowChange] = field(default_factory=list)  # in inventory.csv and not in the table
    removed: int = 0
    kept_back: bool = False
    """Nothing was removed, because a row that is put aside names no device: it may mean one of those."""
    unused: tuple[str, ...] = ()  # columns of the table that nothing is taken from
    absent: tuple[str, ...] = ()  # columns of the mapping that the table does not have
    unchanged: int = 0
    quarantined: list[Quarantined] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """For the journal and for people."""
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "unchanged": self.unchanged,
            "missing": len(self.missing),
            "removed": self.removed,
            "quarantined": sum(not each.taken for each in self.quarantined),
            "incomplete": sum(each.taken for each in self.quarantined),
        }


@dataclass(slots=True)
class _Touched:
    """A row of the table under way to its row of inventory.csv."""

    number: int
    cells: list[str]
    at: int  # in the new table
    before: list[str] | None  # None: a new row
    reasons: list[Problem] = field(default_factory=list)
    is_out: bool = False
    is_known: bool = True  # whether its key names a device of the inventory, or of a row before it


class Merger:
    """One import."""

    def __init__(self, table: Table, file: Path, mapping: ColumnMap, area: AreaCode | None) -> None:
        """`table` is changed; `file` is the foreign table, for problems."""
        self._table = table
        self._file = file
        self._mapping = mapping
        self._area = area
        self._touched: dict[int, _Touched] = {}
        self._by_code = {table.cell(row, "code"): at for at, row in enumerate(table.rows)}
        self._by_phys = {phys: at for at, row in enumerate(table.rows) if (phys := table.cell(row, "phys").upper())}
        self._by_code.pop("", None)
        self._unchanged: set[int] = set()
        self._columns: dict[str, int] = {}
        self._width = 0
        self._seen: set[int] = set()  # rows of ours that a row meant which is put aside

    def run(self, rows: Iterable[Row], *, remove_missing: bool = False) -> Merge:
        """Everything. Raises ConfigError where the table as a whole cannot be used."""
        merge = Merge(self._table)
        header: list[str] = []
        for number, cells in rows:
            if not merge.header:
                if number >= self._mapping.header_row:
                    header = self._mapping.header(cells)
                    self._check_header(header, cells)
                    self._width = len(cells)
                    merge.header = tuple(cells)
                    merge.unused = tuple(cell for cell, name in zip(cells, header, strict=True) if cell and not name)
                    merge.absent = tuple(name for name in self._mapping.columns if name not in cells)
                    self._widen(header)
                continue
            self._take(number, cells, self._mapping.row(header, cells))
        if not merge.header:
            raise problem(self._file, "archive.empty")
        self._judge()
        self._report(merge)
        merge.kept_back = remove_missing and any(each.is_out and not each.is_known for each in self._touched.values())
        if remove_missing and not merge.kept_back:
            gone = {change.code for change in merge.missing}
            merge.removed = len(merge.missing)
            self._table.rows = [row for row in self._table.rows if self._table.cell(row, "code") not in gone]
        return merge

    def _check_header(self, header: list[str], cells: list[str]) -> None:
        if "code" not in header and "phys" not in header:
            raise problem(self._file, "archive.no_key", columns=", ".join(cells)[:500])
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            raise problem(self._file, "archive.column_twice", columns=", ".join(twice))

    def _widen(self, header: list[str]) -> None:
        for name in (*header, *self._mapping.defaults):
            if name:
                self._table.column(name)
        self._columns = {name: at for at, name in enumerate(self._table.header)}

    # ---- row by row ------------------------------------------------------------------------------------------------

    def _take(self, number: int, cells: list[str], told: dict[str, str]) -> None:
        told = {name: value for name, value in told.items() if value}
        code, phys = told.get("code", ""), told.get("phys", "").upper()
        at = self._by_code.get(code) if code else self._by_phys.get(phys)
        if any(cells[self._width :]):  # a comma too many: what stands where is anybody's guess
            self._out(number, cells, "", "", "row_width", found=len(cells), expected=self._width)
            self._touched[-len(self._touched)].is_known = at is not None
            self._seen |= set() if at is None else {at}
        elif (at is not None and at in self._touched) or at in self._unchanged:
            first = self._touched[at].number if at in self._touched else 0
            self._out(number, cells, "code" if code else "phys", code or phys, "row_twice", first=first)
        elif at is None and not code:
            self._out(number, cells, "code", "", "archive.no_code")
            self._touched[-len(self._touched)].is_known = False
        elif at is None:
            holder = self._by_phys.get(phys)
            self._seen |= set() if holder is None else {holder}  # its code was garbled on the way, or it moved
            touched = _Touched(number, cells, len(self._table.rows), None, is_known=holder is not None)
            self._touched[touched.at] = touched
            self._by_code[code] = self._table.put(None, {k: "" if v == CLEAR else v for k, v in told.items()})
        else:
            self._change(number, cells, at, told)

    def _change(self, number: int, cells: list[str], at: int, told: dict[str, str]) -> None:
        before = self._table.rows[at]
        wanted = {k: "" if v == CLEAR else v for k, v in told.items()}
        if any(_differs(before, self._columns[name], value) for name, value in wanted.items()):
            self._table.rows[at] = list(before)
            self._table.put(at, wanted)
            self._touched[at] = _Touched(number, cells, at, before)
        else:
            self._unchanged.add(at)

    def _out(self, number: int, cells: list[str], column: str, value: str, what: str, **values: object) -> None:
        """A row that has no place at all."""
        reason = Problem(str(self._file), column, repr(value) if value else "", what, values, row=number)
        at = -len(self._touched) - 1
        self._touched[at] = _Touched(number, cells, at, None, [reason], is_out=True)

    # ---- judging ---------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """Read the new table as the daemon will; take back what is wrong, until the rest is sound."""
        for _ in range(PASSES_MAX):
            if not self._judge_once():
                return

    def _judge_once(self) -> bool:
        """Whether something was taken back."""
        live = {each.at: each for each in self._touched.values() if not each.is_out}
        reader = RowReader(str(self._file), self._area, problems_max=PROBLEMS_MAX)
        reader.read_header(self._table.header)
        rows = self._table.rows
        for at, row in enumerate(rows):
            if at not in live and row:
                reader.read_row(0, row)
        reader.problems.clear()  # of rows that are not ours to judge
        for each in live.values():
            reader.read_row(each.number, rows[each.at])
        reader.check_adapters()
        by_number = {each.number: each for each in live.values()}
        wrong: dict[int, _Touched] = {}
        for told in reader.problems:
            if (touched := by_number.get(told.row)) is not None:
                if told.what == "row_twice" and not told.values["first"]:
                    told = replace(told, what="in_inventory")
                touched.reasons.append(told)
                wrong[told.row] = touched
        for touched in wrong.values():
            self._take_back(touched)
        return bool(wrong)

    def _take_back(self, touched: _Touched) -> None:
        """The wrong values where only the archive's are wrong; else the whole row."""
        row = self._table.rows[touched.at]
        if all(reason.what.startswith("archive.") for reason in touched.reasons):
            for reason in touched.reasons:
                column = self._table.header.index(reason.where)
                before = touched.before
                row[column] = before[column] if before is not None and column < len(before) else ""
        else:
            touched.is_out = True
            self._table.rows[touched.at] = touched.before if touched.before is not None else []

    # ---- telling ---------------------------------------------------------------------------------------------------

    def _report(self, merge: Merge) -> None:
        seen = {each.at for each in self._touched.values()} | self._unchanged | self._seen
        merge.unchanged = len(self._unchanged)
        for touched in sorted(self._touched.values(), key=lambda each: each.number):
            if touched.reasons:
                taken = not touched.is_out
                merge.quarantined.append(
                    Quarantined(touched.number, tuple(touched.cells), tuple(touched.reasons), taken)
                )
            if touched.is_out:
                continue
            fields = self._differences(touched)
            if touched.before is None:
                merge.added.append(self._row_change(touched.number, touched.at, fields))
            elif fields:
                merge.changed.append(self._row_change(touched.number, touched.at, fields))
            else:
                merge.unchanged += 1
        merge.missing = [self._row_change(0, at) for at, row in enumerate(self._table.rows) if row and at not in seen]

    def _row_change(self, number: int, at: int, fields: tuple[FieldChange, ...] = ()) -> RowChange:
        row = self._table.rows[at]
        return RowChange(number, self._table.cell(row, "code"), self._table.cell(row, "name"), fields)

    def _differences(self, touched: _Touched) -> tuple[FieldChange, ...]:
        before, after = touched.before or [], self._table.rows[touched.at]
        found = []
        for name, column in self._columns.items():
            if not _differs(before, column, after[column]) or (touched.before is None and name in SHOWN_ANYHOW):
                continue
            old, new = self._table.cell(before, name), after[column].strip()
            masked = name == CONTACT
            found.append(FieldChange(name, MASK if masked and old else old, MASK if masked and new else new))
        return tuple(found)


def _differs(row: list[str], column: int, value: str) -> bool:
    """Whether a cell holds something else; a row that is too short holds nothing there."""
    if column >= len(row):
        return bool(value)
    return row[column] != value and row[column].strip() != value.strip()
