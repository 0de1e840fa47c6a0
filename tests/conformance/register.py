"""What the standards ask, as data: the clauses in `standards/*.toml`, the ids of the county requirements, and gaps.

A row is `"table A.12" = "what it is"`, or an inline table with `is` and one of the words of `Gap`, whose text is the
reason. `also` names another word for the same place (`type 11`, an element's name). Reasons that
several rows share stand in `[reasons]` and are called by their name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tests.conformance.citations import Citation

FOLDER: Final = Path(__file__).parent
STANDARDS: Final = FOLDER / "standards"
REQUIREMENTS: Final = FOLDER / "requirements.toml"


class Gap(StrEnum):
    """Why a row is not simply done."""

    PARTLY = "partly"  # done and tested, but for what the reason says
    MISSING = "missing"  # ours to do, and not done or not proved
    OUTSIDE = "outside"  # another medium, another machine, another party
    HARDWARE = "hardware"  # no program can do it
    UNDEFINED = "undefined"  # the text says too little to build it


@dataclass(frozen=True, slots=True)
class Row:
    """One clause or one requirement."""

    key: str
    title: str
    gap: Gap | None = None
    reason: str = ""
    also: tuple[str, ...] = ()
    source: str = ""  # of a requirement: the clauses it stands in


@dataclass(frozen=True)
class Chapter:
    """One standard, or one section of the county requirements."""

    name: str
    title: str
    rows: Mapping[str, Row]

    @cached_property
    def _places(self) -> Mapping[str, Row]:
        return {word: row for row in self.rows.values() for word in (row.key, *row.also)}

    def find(self, place: str) -> Row | None:
        """The row of a place; a part of a row (`clause A.4.2.3.6` of `clause A.4.2.3`) is that row.

        A number without a word (`GD/J 089 A.12`) is read as a clause, and where there is none, as a table.
        """
        while place:
            if (row := self._places.get(place) or self._places.get(place.replace("clause ", "table "))) is not None:
                return row
            place, _, _ = place.rpartition(".")
        return None

    def encloses(self, place: str) -> bool:
        """Whether a place is no row itself but holds some: `annex A`, `clause 5`, a clause in an annex of tables."""
        kind, _, number = place.partition(" ")
        if kind == "clause":
            number = number.split(".")[0]
        return any(f"{key.partition(' ')[2]}.".startswith(f"{number}.") for key in self._places)


@dataclass(frozen=True)
class Register:
    """All standards by name, and the requirements by section."""

    standards: Mapping[str, Chapter]
    requirements: Mapping[str, Chapter]

    def resolve(self, citation: Citation, context: tuple[str, ...]) -> tuple[str, Row] | None:
        """The standard and row that are meant: of the standard named, else of the first in `context` that has it."""
        for name in (citation.standard,) if citation.standard else context:
            chapter = self.standards.get(name)
            if chapter is not None and (row := chapter.find(citation.place)) is not None:
                return name, row
        return None

    def is_unknown(self, citation: Citation, context: tuple[str, ...]) -> bool:
        """Whether a clause is cited that no row and no part of the register knows. Words that are no row are prose."""
        names = [name for name in ((citation.standard,) if citation.standard else context) if name in self.standards]
        kind, _, number = citation.place.partition(" ")
        if not names or not number or kind in {"type", "element"} or (kind == "annex" and not citation.standard):
            return False
        return not any(self.standards[name].encloses(citation.place) for name in names)


def load(standards: Path = STANDARDS, requirements: Path = REQUIREMENTS) -> Register:
    """Read both. Raises ValueError for a row that says something else than a row can say."""
    chapters = [_chapter(tomllib.loads(file.read_text(encoding="utf-8"))) for file in sorted(standards.glob("*.toml"))]
    sections = tomllib.loads(requirements.read_text(encoding="utf-8"))["section"]
    return Register(
        {chapter.name: chapter for chapter in chapters},
        {chapter.name: chapter for chapter in map(_chapter, sections)},
    )


def _chapter(table: Mapping[str, Any]) -> Chapter:
    rows = {
        key: _row(f"{table['name']}: {key}", key, value, table.get("reasons", {}))
        for key, value in table["rows"].items()
    }
    return Chapter(table["name"], table["title"], rows)


def _row(where: str, key: str, value: str | Mapping[str, Any], reasons: Mapping[str, str]) -> Row:
    if isinstance(value, str):
        return Row(key, value)
    gaps = [gap for gap in Gap if gap in value]
    surplus = set(value) - {"is", "also", "source", *gaps}
    if surplus or len(gaps) > 1 or "is" not in value:
        raise ValueError(f"{where}: a row has `is`, at most one of {', '.join(Gap)}, `also` and `source`: {value}")
    also = value.get("also", ())
    return Row(
        key,
        value["is"],
        gap=gaps[0] if gaps else None,
        reason=reasons.get(value[gaps[0]], value[gaps[0]]) if gaps else "",
        also=(also,) if isinstance(also, str) else tuple(also),
        source=value.get("source", ""),
    )
