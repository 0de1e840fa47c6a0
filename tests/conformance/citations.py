"""How standards are cited: in docstrings and comments, in the marks of tests, in vectors. One grammar for all.

A citation is a standard and the places in it: `GD/J 089 tables A.12, A.15`, `085 clause 5.4`, `GD/J 083 OMDRequest`.
Inside a module whose docstring names its standard the places may stand alone: `(table A.12)`, `Type 11: ...`.
A bare number behind a standard is a clause; an annex with a number (`annex A.4`) is a clause, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<standard> (?:GD/J\s+)?0(?:79|8\d)(?:[-—]2018)?\b | EN\s50067 | SPB\s490 | IEC\s62106(?:-10)?\b | CAP\s1\.2
        | GB/T\s32918(?:\.\d)? | GB/T\s32905(?:-\d+)? | GB/T\s35965(?:\.\d)?)
    | (?P<kind> \b(?i:tables?|annex(?:es)?|clauses?|figures?|elements?|types?|mec)\b | \bfig\.)
    | (?P<item> \b(?:[A-H](?:\.\d+)+|\d+(?:\.\d+)+|[0-9A-F]{2}|\d{1,2}|[A-H])\b(?!\.\d))
    | (?P<name> \b[A-Z][a-zA-Z]{2,}\b)
    | (?P<range> \s*[-–]\s*(?=[A-H\d]) | \bto\b)
    | (?P<join> [,\s;]+ | \band\b )
    | (?P<other> \w+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS: Final = {"tables": "table", "annexes": "annex", "clauses": "clause", "figures": "figure", "fig.": "figure"}
_KINDS_MORE: Final = {"elements": "element", "mec": "element", "types": "type"}
_SAME: Final = {"IEC 62106": "EN 50067", "IEC 62106-10": "SPB 490"}


@dataclass(frozen=True, slots=True)
class Citation:
    """One place of one standard; `standard` is empty where the text leaves it to its module."""

    standard: str
    place: str
    in_range: bool = False


def standard_name(text: str) -> str:
    """One spelling for each standard: `089-2018` -> `GD/J 089`, `GB/T 32918.2` -> `GB/T 32918`."""
    words = re.sub(r"\s+", " ", text.strip()).upper()
    if match := re.fullmatch(r"(?:GD/J )?(0\d\d)(?:[-—]2018)?", words):
        return f"GD/J {match[1]}"
    words = _SAME.get(words, words)
    return re.sub(r"(?<=GB/T \d{5})[.-]\d+$", "", words)


def standards_named(text: str) -> tuple[str, ...]:
    """The standards that a text names with their full name, in order, each once."""
    found: dict[str, None] = {}
    listed = False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if match.lastgroup == "standard" and (listed or not token.startswith("0")):
            found[standard_name(token)] = None
            listed = True
        elif match.lastgroup != "join":
            listed = False
    return tuple(found)


@dataclass
class _Reader:
    """Where in a citation the reading stands."""

    standard: str = ""
    kind: str = ""
    last: str = ""  # the item a range may begin with
    in_range: bool = False

    def forget(self) -> None:
        """Ordinary words end a citation."""
        self.standard = self.kind = self.last = ""
        self.in_range = False

    def take(self, token: str) -> Iterator[Citation]:
        """An item or number where a place may stand."""
        place = _place(self.kind, token, after_standard=bool(self.standard))
        if place is None:
            self.forget()
            return
        if self.in_range and self.last:
            for step in _steps(self.last, place):
                yield Citation(self.standard, step, in_range=True)
        yield Citation(self.standard, place, in_range=self.in_range)
        self.last, self.in_range = place, False


def citations(text: str) -> tuple[Citation, ...]:
    """All citations of a text, ranges written out (`A.1-A.3` is three places)."""
    found: list[Citation] = []
    reader = _Reader()
    for match in _TOKEN.finditer(text):
        group, token = match.lastgroup, match[0]
        if group == "standard":
            reader.forget()
            reader.standard = standard_name(token)
        elif group == "kind":
            word = token.lower()
            reader.kind = _KINDS.get(word, _KINDS_MORE.get(word, word))
            reader.last, reader.in_range = "", False
        elif group == "item":
            found += reader.take(token)
        elif group == "name" and token not in {"GD", "GB"}:
            found.append(Citation(reader.standard, token))
            if not reader.standard:
                reader.forget()
        elif group == "range":
            reader.in_range = True
        elif group == "other":
            reader.forget()
    return _with_first_of_ranges(found)


def _with_first_of_ranges(found: list[Citation]) -> tuple[Citation, ...]:
    """The place that a range begins with belongs to the range."""
    fixed = [
        Citation(each.standard, each.place, in_range=True) if _begins_range(each, after) else each
        for each, after in zip_longest(found, found[1:])
    ]
    return tuple(dict.fromkeys(fixed))


def _begins_range(each: Citation, after: Citation | None) -> bool:
    return after is not None and after.in_range and not each.in_range and each.standard == after.standard


def _place(kind: str, item: str, *, after_standard: bool) -> str | None:
    """`kind item` as rows are named, or None where these words are no place."""
    item = item.upper()
    dotted = "." in item
    if kind == "element":
        return f"element {item}" if re.fullmatch(r"[0-9A-F]{2}", item) else None
    if kind == "type":
        return f"type {int(item)}" if item.isdecimal() else None
    if item[0].isdigit() and not item.replace(".", "").isdecimal():
        return None
    if kind == "annex":
        return f"clause {item}" if dotted else (f"annex {item}" if item[0].isalpha() else None)
    if kind:
        return f"{kind} {item}" if dotted or not item[0].isalpha() else None
    return f"clause {item}" if dotted and after_standard else None


def _steps(first: str, last: str) -> Iterator[str]:
    """What lies between the two ends of a range."""
    stem, low = _split(first)
    stem_last, high = _split(last)
    if stem == stem_last and low is not None and high is not None:
        for number in range(low + 1, high):
            yield f"{stem}{number}"


def _split(place: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(.*?)(\d+)", place)
    return (match[1], int(match[2])) if match and not place.startswith("element") else (place, None)
