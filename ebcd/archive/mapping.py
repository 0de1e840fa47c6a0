"""Foreign tables in our words: which of their columns is which of ours, and what their values mean.

A mapping is a TOML file:

    [file]                       # all optional
    encoding = "gb18030"         # else detected
    sheet = "设备"                # else the first one
    header_row = 2               # else the first one that is not empty
    [columns]
    "设备编码" = "code"           # columns that are ours already need no line
    [values.kind]
    "大喇叭" = "terminal"
    [dates]
    formats = ["%Y/%m/%d"]       # tried in turn, after 2026-05-31
    [units]
    sim_traffic_mb = 1024        # theirs are GB: multiplied by this
    [defaults]
    paths = "ip;fm"              # where the table has no column for it, or an empty cell
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ebcd import inventory_csv
from ebcd.archive import columns
from ebcd.errors import ConfigError, Problem

OURS = (*inventory_csv.COLUMNS, inventory_csv.PLACE_COLUMN, *columns.COLUMNS)
DATES = frozenset({"certificate_expiry", "sim_expiry", "installed", "guarantee_until"})
NUMBERS = frozenset(
    {"frequency_mhz", "longitude", "latitude", "population", "sim_traffic_mb", "volume", "port"}
)  # fmt: skip
SECTIONS = ("file", "columns", "values", "dates", "units", "defaults")
FILE_KEYS = {"encoding": str, "sheet": str, "header_row": int}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """One mapping. Without a file everything is taken as it stands."""

    encoding: str = ""
    sheet: str = ""
    header_row: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    date_formats: tuple[str, ...] = ()
    units: Mapping[str, Decimal] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)

    def header(self, cells: Sequence[str]) -> list[str]:
        """Our column for each of theirs, "" for what we do not keep."""
        found = [self.columns.get(cell, cell.lower()) for cell in cells]
        return [name if name in OURS else "" for name in found]

    def row(self, header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
        """A row in our words. What cannot be translated stays as it is, for the column's own check to tell."""
        told = {name: value for name, value in zip(header, cells, strict=False) if name}
        for name, default in self.defaults.items():
            if not told.get(name):
                told[name] = default
        return {name: self._value(name, value) for name, value in told.items()}

    def _value(self, name: str, value: str) -> str:
        value = self.values.get(name, {}).get(value, value)
        if name in DATES and self.date_formats:
            return self._date(value)
        if (factor := self.units.get(name)) is not None:
            return _multiplied(value, factor)
        return value

    def _date(self, value: str) -> str:
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            for pattern in self.date_formats:
                try:
                    return datetime.strptime(value, pattern).replace(tzinfo=UTC).date().isoformat()
                except ValueError:
                    continue
        return value


def _multiplied(value: str, factor: Decimal) -> str:
    try:
        product = Decimal(value) * factor
    except InvalidOperation:
        return value
    return format(product.normalize(), "f") if product.is_finite() else value


def load_mapping(path: Path) -> ColumnMap:
    """Read a mapping. Raises ConfigError with everything that is wrong with it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused(path, "", "unreadable", reason=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _refused(path, "", "not_utf8", offset=error.start) from error
    except (ValueError, RecursionError) as error:
        raise _refused(path, "", "not_toml", reason=str(error)) from error
    problems = _problems(path, document)
    if problems:
        raise ConfigError(problems)
    file = document.get("file", {})
    return ColumnMap(
        encoding=file.get("encoding", ""),
        sheet=file.get("sheet", ""),
        header_row=file.get("header_row", 0),
        columns=document.get("columns", {}),
        values=document.get("values", {}),
        date_formats=tuple(document.get("dates", {}).get("formats", ())),
        units={name: Decimal(str(factor)) for name, factor in document.get("units", {}).items()},
        defaults={name: str(value) for name, value in document.get("defaults", {}).items()},
    )


def _problems(path: Path, document: Mapping[str, Any]) -> list[Problem]:
    def wrong(where: str, what: str, **values: object) -> None:
        found.append(_problem(path, where, what, **values))

    found: list[Problem] = []
    for name in document.keys() - {*SECTIONS}:
        wrong(name, "archive.map_key", choices=", ".join(SECTIONS))
    tables: dict[str, dict[str, Any]] = {}
    for name in SECTIONS:
        table = document.get(name, {})
        tables[name] = table if isinstance(table, dict) else {}
        if not isinstance(table, dict):
            wrong(name, "type.table")
    for key, value in tables["file"].items():
        if not isinstance(value, FILE_KEYS.get(key, type(None))):
            wrong(f"file.{key}", "archive.map_key", choices=", ".join(FILE_KEYS))
    for theirs, ours in tables["columns"].items():
        if ours not in OURS:
            wrong(f"columns.{theirs}", "archive.map_column", columns=", ".join(OURS))
    for name, table in tables["values"].items():
        if name not in OURS or not isinstance(table, dict) or not _are_texts(table.values()):
            wrong(f"values.{name}", "archive.map_column", columns=", ".join(OURS))
    formats = tables["dates"].get("formats", [])
    if tables["dates"].keys() - {"formats"} or not isinstance(formats, list) or not _are_texts(formats):
        wrong("dates", "archive.map_key", choices="formats")
    for name, factor in tables["units"].items():
        if name not in NUMBERS or isinstance(factor, bool) or not isinstance(factor, int | float):
            wrong(f"units.{name}", "archive.map_column", columns=", ".join(sorted(NUMBERS)))
    for name, value in tables["defaults"].items():
        if name not in OURS or not isinstance(value, str | int | float):
            wrong(f"defaults.{name}", "archive.map_column", columns=", ".join(OURS))
    return found


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(each, str) for each in values)


def _problem(path: Path, where: str, what: str, **values: object) -> Problem:
    return Problem(str(path), where, "", what, values)


def _refused(path: Path, where: str, what: str, **values: object) -> ConfigError:
    return ConfigError([_problem(path, where, what, **values)])
