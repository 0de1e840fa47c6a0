"""The white list as a table, as people write it. Pure.

    number,name,at,permission,areas          号码,姓名,范围,权限,区域
    13800000001,张三,双河镇,both,             13800000001,张三,双河镇,电话和短信,

`at`: an adapter's code, or an area (name or code) for every adapter in it. `areas`: where the number may be heard, by
name or code, several with ";"; none: wherever the adapter is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from devices.given import Permission
from ebcd.errors import Problem

COLUMNS = ("number", "name", "at", "permission", "areas")
CHINESE = dict(zip(("号码", "姓名", "范围", "权限", "区域"), COLUMNS, strict=True))
NEEDED = COLUMNS[:3]
ROWS_MAX = 5000
NAME_CHARACTERS_MAX = 40
AREAS_MAX = 255  # one count byte
_NUMBER = re.compile(r"\+?\d{3,20}")
_BETWEEN = re.compile(r"[ \-()]")
PERMISSIONS = {
    "sms": Permission.SMS,
    "phone": Permission.PHONE,
    "both": Permission.BOTH,
    "短信": Permission.SMS,
    "电话": Permission.PHONE,
    "电话和短信": Permission.BOTH,
    "": Permission.BOTH,
}

Places = Callable[[str], tuple[str, ...]]
"""What a person's words may mean as a place: codes of areas, or an adapter's; nothing, or several."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. Personal data: it stays out of journal and logs."""

    number: str
    name: str
    at: str
    permission: Permission
    areas: tuple[str, ...]


def number_of(words: str) -> str:
    """A telephone number without what stands between its digits; "" for none."""
    number = _BETWEEN.sub("", words)
    return number if _NUMBER.fullmatch(number) else ""


def parse(content: str, file: str, at: Places, area: Places) -> tuple[tuple[Entry, ...], list[Problem]]:
    """The rows, and everything that is wrong in them. `at` and `area` read places of the two columns."""
    try:
        rows = list(csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline="")))
    except csv.Error as error:
        return (), [Problem(file, "", "", "other", {"detail": str(error)})]
    header = [CHINESE.get(name.strip(), name.strip().lower()) for name in (rows[0] if rows else ())]
    if missing := [name for name in NEEDED if name not in header]:
        return (), [Problem(file, "", "", "whitelist_columns", {"missing": ", ".join(missing)}, 1)]
    if len(rows) > ROWS_MAX:
        return (), [Problem(file, "", str(len(rows) - 1), "whitelist_long", {"limit": ROWS_MAX})]
    entries: list[Entry] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str], int] = {}
    for line, cells in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
        found = list(_wrong(row, at, area))
        entry = None if found else _entry(row, at, area)
        if entry is not None and (twice := seen.setdefault((entry.number, entry.at), line)) != line:
            found = [("number", "whitelist_twice", {"row": twice})]
        problems += [Problem(file, name, _shown(name, row), what, values, line) for name, what, values in found]
        if entry is not None and not found:
            entries.append(entry)
    return tuple(entries), problems


def _shown(column: str, row: dict[str, str]) -> str:
    """Names and numbers stay out of what may be logged; the line says which row it is."""
    return "***" if column in ("number", "name") and row.get(column) else row.get(column, "")


def _entry(row: dict[str, str], at: Places, area: Places) -> Entry:
    areas = tuple(dict.fromkeys(area(each)[0] for each in _listed(row)))
    permission = PERMISSIONS[row.get("permission", "").lower()]
    return Entry(number_of(row["number"]), row["name"], at(row["at"])[0], permission, areas)


def _listed(row: dict[str, str]) -> list[str]:
    return [each for each in re.split(r"[;；、\s]+", row.get("areas", "")) if each]


def _wrong(row: dict[str, str], at: Places, area: Places) -> Iterator[tuple[str, str, dict[str, object]]]:
    """(column, problem, values) for each thing that is wrong in a row."""
    if not number_of(row.get("number", "")):
        yield "number", "whitelist_number", {}
    name = row.get("name", "")
    if not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        yield "name", "whitelist_name", {"limit": NAME_CHARACTERS_MAX}
    if row.get("permission", "").lower() not in PERMISSIONS:
        yield "permission", "whitelist_permission", {}
    yield from _place("at", row.get("at", ""), at)
    listed = _listed(row)
    if len(listed) > AREAS_MAX:
        yield "areas", "whitelist_areas", {"limit": AREAS_MAX}
    for each in listed:
        yield from _place("areas", each, area)


def _place(column: str, words: str, places: Places) -> Iterator[tuple[str, str, dict[str, object]]]:
    found = places(words) if words else ()
    if not found:
        yield column, "whitelist_place", {"words": words}
    elif len(found) > 1:
        yield column, "whitelist_places", {"words": words, "codes": ", ".join(found)}
