"""Bytes as programs print and write them: strings with escapes, and numbers to the base of ten."""

from __future__ import annotations

import re

_STRING = re.compile(r"""[bB]?(["'])((?:\\.|(?!\1)[^\\\n])*)\1""")
_JOINED = re.compile(r"[\s\\+]*")
"""What may stand between the pieces of one string: C puts them side by side, other languages add them."""
_ESCAPE = re.compile(r"\\(?:[xX]([0-9A-Fa-f]{2})|([0-7]{1,3})|(.))")
_SIGNS = {"n": 10, "r": 13, "t": 9, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27, "\\": 92, "'": 39, '"': 34}
_HEX_ESCAPE = re.compile(r"\\[xX][0-9A-Fa-f]{2}")

_BRACKETS = re.compile(r"[\[{(]([^\[\]{}()]+)[\]})]")
_NUMBER = re.compile(r"-?[0-9]{1,3}")
_BETWEEN = re.compile(r"[\s,;]+")
NUMBERS_MIN = 4
"""Fewer numbers in a row are dates and the like."""


def from_literal(text: str) -> bytes | None:
    r"""The longest string with a `\x` in it, as Python, C, Java and others write bytes; None where there is none."""
    if not _HEX_ESCAPE.search(text):
        return None
    best, pieces, end = b"", list[bytes](), -1
    for string in _STRING.finditer(text):
        piece = _unescaped(string[2])
        if piece is None:
            continue
        if not (pieces and _JOINED.fullmatch(text, end, string.start())):
            best, pieces = max(best, b"".join(pieces), key=len), []
        pieces.append(piece)
        end = string.end()
    return max(best, b"".join(pieces), key=len) or None


def _unescaped(written: str) -> bytes | None:
    data, at = bytearray(), 0
    while at < len(written):
        escape = _ESCAPE.match(written, at)
        if escape is None:
            if not " " <= written[at] <= "~":
                return None
            data.append(ord(written[at]))
            at += 1
            continue
        value = int(escape[1], 16) if escape[1] else int(escape[2], 8) if escape[2] else _SIGNS.get(escape[3])
        if value is None or value > 0xFF:
            return None
        data.append(value)
        at = escape.end()
    return bytes(data)


def from_decimals(text: str) -> bytes | None:
    """The bytes of a list of numbers to the base of ten, 0 to 255 or, as Java counts, -128 to 127; None for others.

    One of them must have three digits or a sign, and not all may: other lists are hexadecimal.
    """
    bracketed = _BRACKETS.fullmatch(text.strip(" \t\r\n;"))
    return _numbers(bracketed[1] if bracketed else text)


def from_list(text: str) -> bytes | None:
    """The same of the longest list in brackets, whatever stands around it."""
    return _numbers(max((each[1] for each in _BRACKETS.finditer(text)), key=len, default=""))


def _numbers(listed: str) -> bytes | None:
    each = _BETWEEN.split(listed.strip(" \t\r\n,;"))
    if len(each) < NUMBERS_MIN or not all(_NUMBER.fullmatch(one) for one in each):
        return None
    if not any(len(one) == 3 or one[0] == "-" for one in each) or all(len(one) == 3 for one in each):
        return None
    numbers = [int(one) for one in each]
    if not -128 <= min(numbers) <= max(numbers) <= (0xFF if min(numbers) >= 0 else 0x7F):
        return None
    return bytes(number & 0xFF for number in numbers)
