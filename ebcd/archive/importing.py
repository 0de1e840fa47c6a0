"""One import from file to file: read, merge, write, with what is wrong beside it. Without a daemon; see `keeper`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ebcd.archive.mapping import ColumnMap
from ebcd.archive.merge import Merge, Merger, Quarantined, RowChange
from ebcd.archive.sheets import XLSX, rows_of, write_csv
from ebcd.archive.table import Table, digest, read_content, write_whole
from ebcd.archive.xlsx import write_xlsx
from ebcd.catalogue import text
from protocols.codes import AreaCode

QUARANTINE = ".quarantine.csv"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An import that has not been written. `base` is the SM3 of the file it starts from."""

    merge: Merge
    base: str
    content: bytes

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return digest(self.content) != self.base


def prepare(
    inventory: Path,
    file: Path,
    mapping: ColumnMap,
    *,
    sheet: str = "",
    area: AreaCode | None = None,
    remove_missing: bool = False,
) -> Prepared:
    """Read both files and merge them. Raises ConfigError."""
    before = read_content(inventory)
    merger = Merger(Table.parse(before, inventory), file, mapping, area)
    wanted = sheet or mapping.sheet
    rows = rows_of(file, encoding=mapping.encoding, sheet=wanted, header_row=mapping.header_row)
    merge = merger.run(rows, remove_missing=remove_missing)
    touched = merge.added or merge.changed or merge.removed
    return Prepared(merge, digest(before), merge.table.content() if touched else before)


def write_quarantine(file: Path, merge: Merge, language: str) -> Path | None:
    """The rows that were wrong, as they stood, with the reason beside them; None where there are none. The file is
    readable for its owner only, since it may name people. Raises OSError."""
    path = file.with_suffix(QUARANTINE)
    if not merge.quarantined:
        path.unlink(missing_ok=True)  # of an earlier try
        return None
    head = [text(f"inventory.{name}", language) for name in ("row", "taken", "reason")]
    rows = [[*head, *merge.header], *(_quarantined(each, language) for each in merge.quarantined)]
    with open(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8-sig", newline=""
    ) as out:
        write_csv(out, rows)
    return path


def _quarantined(each: Quarantined, language: str) -> list[str]:
    taken = text("inventory.yes" if each.taken else "inventory.no", language)
    return [str(each.row), taken, "; ".join(reason.sentence(language) for reason in each.reasons), *each.cells]


def export(inventory: Path, file: Path) -> int:
    """The inventory as CSV (with a mark that spreadsheets know UTF-8 by) or XLSX; how many rows. A file that cannot be
    written whole stays as it was. Raises ConfigError, OSError."""
    table = Table.parse(read_content(inventory), inventory)
    if file.suffix.lower() in XLSX:
        packed = io.BytesIO()
        write_xlsx(packed, table.lines())
        write_whole(file, packed.getvalue())
    else:
        out = io.StringIO(newline="")
        write_csv(out, table.lines())
        write_whole(file, out.getvalue().encode("utf-8-sig"))
    return len(table.rows)


def told(prepared: Prepared, language: str) -> dict[str, Any]:
    """Everything about an import, for `--json`."""
    merge = prepared.merge
    return {
        "base": prepared.base,
        "sm3": digest(prepared.content),
        "counts": merge.counts,
        "kept_back": merge.kept_back,
        "unused_columns": merge.unused,
        "absent_columns": merge.absent,
        "added": _changes(merge.added),
        "changed": _changes(merge.changed),
        "missing": _changes(merge.missing),
        "quarantined": [
            {"row": each.row, "taken": each.taken, "reasons": [reason.as_dict(language) for reason in each.reasons]}
            for each in merge.quarantined
        ],
    }


def _changes(changes: Iterable[RowChange]) -> list[dict[str, Any]]:
    return [
        {
            "row": change.row,
            "code": change.code,
            "name": change.name,
            "fields": [{"column": f.column, "before": f.before, "after": f.after} for f in change.fields],
        }
        for change in changes
    ]
