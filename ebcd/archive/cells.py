"""Cells that spreadsheets would calculate, made harmless on the way out and taken back on the way in.

A cell that begins with = + - or @ is a formula to a spreadsheet, and may call programs and send what stands beside it
somewhere else. Out goes such a text with an apostrophe before it, as spreadsheets write it themselves; in, one is taken
away again. Negative numbers are no formulas.
"""

from __future__ import annotations

import re

MARK = "'"
_FORMULA = re.compile(r"'*\s*[=+\-@]")
_NUMBER = re.compile(r"-\d+(\.\d+)?")
_AS_TEXT = re.compile(r'="([^"]*)"')
"""How other programs keep the digits of long numbers in a CSV."""


def harmless(value: str) -> str:
    """A cell as it may be given away."""
    is_formula = _FORMULA.match(value.lstrip()) is not None and _NUMBER.fullmatch(value.strip()) is None
    return MARK + value if is_formula else value


def plain(cell: str) -> str:
    """A cell as somebody meant it: one line, without what only a spreadsheet needs."""
    line = " ".join(cell.split()) if any(not each.isprintable() for each in cell) else cell.strip()
    if (text := _AS_TEXT.fullmatch(line)) is not None:
        return text[1].strip()
    if line.startswith(MARK) and _FORMULA.match(line) is not None:
        return line.removeprefix(MARK).strip()
    return line
