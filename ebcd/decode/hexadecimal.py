"""Hexadecimal in the spellings of tools and people, and the dumps of hexdump, od, xxd, tcpdump and Wireshark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_PREFIX = re.compile(r"(?<![0-9A-Fa-f])0[xX]|\\[xX]|(?<=(?<![0-9A-Za-z])[0-9A-Fa-f]{2})[hH](?![0-9A-Za-z])")
_BETWEEN = re.compile(r"[\s:,;_'\"\ufeff，、：；-]+")
_ONE_DIGIT = re.compile(r"(?<![0-9A-Za-z])0[xX](?=[0-9A-Fa-f](?![0-9A-Za-z]))")
_SINGLE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f](?![0-9A-Za-z])")
_ARRAY = re.compile(r"[\[{(]([^\[\]{}()]+)[\]})]")
_ALL_ARRAY = re.compile(rf"\s*{_ARRAY.pattern}[\s;]*")
_FOREIGN = re.compile(r"[^0-9A-Fa-f]")
ARRAY_BYTES_MIN = 8
"""Shorter arrays in a text are indexes and the like."""

_OFFSET = r"^\s*(?:0x)?([0-9A-Fa-f]{4,16})(:?)"
_ROW = re.compile(
    _OFFSET + r"\s+((?:[0-9A-Fa-f]{2}\s){8}\s(?:[0-9A-Fa-f]{2}\s){1,8}|(?:[0-9A-Fa-f]{2,4}\s){1,16})(?:\s.*|\|.*)?$"
)
_END = re.compile(_OFFSET + r"\s*$")
_BASES = (16, 8, 10)  # xxd, hexdump and Wireshark; od; some od -A d
_SWAPPED_OFFSET_DIGITS = 7  # hexdump and od without options: words of two bytes, the second byte first
DUMP_BYTES_MAX = 16_777_216
"""What a line `*`, the last one over and over, may make of a dump."""


def from_hex(text: str) -> bytes | None:
    """The bytes of hexadecimal with blanks, line breaks, colons, commas, 0x or \\x between, or an h behind each byte;
    None for any other text."""
    try:
        return bytes.fromhex(_digits(text)) or None
    except ValueError:
        return None


def from_array(text: str) -> bytes | None:
    """The bytes of an array in a program's source or of a printed list; None for any other text."""
    whole = _ALL_ARRAY.fullmatch(text)
    if whole is None and "{" not in text:
        return None
    found = from_hex(max((each[1] for each in _ARRAY.finditer(text)), key=len, default=""))
    return found if found is not None and (whole or len(found) >= ARRAY_BYTES_MIN) else None


def _digits(text: str) -> str:
    plain = _PREFIX.sub("", _ONE_DIGIT.sub("0", text))
    return "".join(map(_digits_of_line, plain.splitlines()))


def _digits_of_line(line: str) -> str:
    """Where single digits stand between pairs, each is a byte: `%x` prints no leading zero."""
    if not _SINGLE.search(line):
        return _BETWEEN.sub("", line)
    words = _BETWEEN.split(line.strip())
    if max(map(len, words)) <= 2 and any(len(word) == 1 for word in words[1:-1]):
        return "".join(word.zfill(2) for word in words if word)
    return "".join(words)


def first_foreign(text: str) -> int | None:
    """Where the first character stands that hexadecimal cannot have."""
    blanked = _BETWEEN.sub(lambda found: "0" * len(found[0]), _PREFIX.sub(lambda found: "0" * len(found[0]), text))
    found = _FOREIGN.search(blanked)
    return found.start() if found else None


def digits_of(text: str) -> int:
    """How many hexadecimal digits a text of nothing else has."""
    return len(_digits(text))


def width_of(line: str) -> int:
    """How many characters of a line are no separators."""
    return len(_BETWEEN.sub("", line))


def from_dump(lines: Sequence[str]) -> tuple[bytes, ...]:
    """The bytes of dumps: an offset, then at most 16 bytes, then what they spell; one for each offset of zero, none for
    other lines.

    A line `*` stands for the line before it over and over; a last line may name the length alone.
    """
    rows = [_ROW.match(f"{line} ") for line in lines]
    starts = [number for number, row in enumerate(rows) if row is not None and not row[1].strip("0")]
    if not starts or starts[0] != 0:
        return ()
    found = [_one(lines[at:end], rows[at:end]) for at, end in pairwise((*starts, len(rows)))]
    return tuple(each for each in found if each is not None) if None not in found else ()


def _one(lines: Sequence[str], rows: Sequence[re.Match[str] | None]) -> bytes | None:
    if len(rows) == 1 and not (rows[0] is not None and rows[0][2]):
        return None  # a line of hexadecimal may begin with zeros, too; a colon makes it a dump
    return next((found for base in _BASES if (found := _dump(lines, rows, base)) is not None), None)


def _dump(lines: Sequence[str], rows: Sequence[re.Match[str] | None], base: int) -> bytes | None:
    data, row, repeats = bytearray(), b"", False
    for number, (line, match) in enumerate(zip(lines, rows, strict=True)):
        if line.strip() == "*":
            repeats = True
            continue
        end = None if match or number + 1 < len(lines) else _END.match(line)
        at = _number((match or end or {1: ""})[1], base)
        if at is None or at > DUMP_BYTES_MAX:
            return None
        if repeats and row and at > len(data):
            data += (row * (at // len(row) + 1))[: at - len(data)]
        if end is not None and at == len(data) - 1 and _is_swapped(rows):
            del data[at:]  # an odd byte was printed as a word
        if at != len(data):
            return None
        if match is not None:
            row, repeats = _bytes_of(match, _is_swapped(rows)), False
            data += row
    return bytes(data)


def _number(digits: str, base: int) -> int | None:
    try:
        return int(digits, base)
    except ValueError:
        return None


def _bytes_of(match: re.Match[str], swapped: bool) -> bytes:
    words = match[3].split()
    if any(len(word) == 3 for word in words):
        return b""
    return b"".join(bytes.fromhex(word)[:: -1 if swapped else 1] for word in words)


def _is_swapped(rows: Sequence[re.Match[str] | None]) -> bool:
    """Words of four digits behind an offset of seven without a colon: the byte order of the machine, little-endian."""
    found = rows[0]
    if found is None or found[2] or len(found[1]) != _SWAPPED_OFFSET_DIGITS:
        return False
    return all(len(word) == 4 for word in found[3].split())
