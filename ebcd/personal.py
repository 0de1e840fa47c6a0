"""Numbers of people in words that are meant for the journal, out of which nothing can be taken again."""

from __future__ import annotations

import re

MASK = "***"
_NUMBERS = re.compile(
    r"(?<!\d)(?:86[ -]?)?1[3-9]\d(?:[ -]?\d){8}(?!\d)"  # a mobile telephone
    r"|(?<!\d)0\d{2,3}-\d{7,8}(?!\d)"  # a fixed one
    r"|(?<!\d)\d{17}[\dXx](?![\dXx])"  # a person's identity number (GB 11643)
)


def number_in(words: str) -> str:
    """The first telephone or identity number in words; "" where there is none."""
    found = _NUMBERS.search(words)
    return found[0] if found else ""


def masked(words: str) -> str:
    """The words without such numbers."""
    return _NUMBERS.sub(MASK, words)
