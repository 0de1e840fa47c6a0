"""One line of whatever a program logged: hexadecimal, Base64 or a string of a program, with words around it or not."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from ebcd.decode.hexadecimal import from_array, from_hex
from ebcd.decode.literals import from_decimals, from_list, from_literal
from ebcd.decode.recognise import best_claim
from ebcd.decode.recogniser import Claim

_RUN = re.compile(
    r"(?:(?<![0-9A-Za-z])|(?<=0[xX]))[0-9A-Fa-f]{2}(?:(?: {1,2}|[:,-] ?)?[0-9A-Fa-f]{2}){7,}(?![0-9A-Za-z])"
)
_SEPARATOR = re.compile(r"[ :,-]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{10,}={0,2}")
_URL_SAFE = str.maketrans("-_", "+/")
_DOCUMENT = re.compile(r"(?:<\?xml[^>]*\?>\s*)?<([A-Za-z]\w*)\b[^>]*>.*</\1\s*>")
_NO_DOCUMENT = re.compile(r"<(?:\d{1,3}>|Buffer )")  # the priority of syslog; what JavaScript prints
_TIME = re.compile(r"\s*(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d\s+")  # its digits are hexadecimal, too
LOG_LINE_MAX = 16_384
RUNS_MAX = 4
WORDS_MAX = 12
"""Times and numbers that stand before the bytes, and look like some."""
WORDS_BEHIND_MAX = 4
DIGITS_MIN = 20
"""Nothing shorter has a checksum to be sure by."""


def begins_document(text: str) -> bool:
    """Whether a text begins as XML does."""
    return text.startswith("<") and not _NO_DOCUMENT.match(text)


def is_document(line: str) -> bool:
    """Whether a line is an XML document from its root to the end."""
    return _DOCUMENT.fullmatch(line.strip()) is not None


def of_line(line: str) -> bytes | None:
    """A line's message; where a log wrote words around it, that run of hexadecimal which is the surest of being one."""
    if is_document(line):
        return line.encode("utf-8", "surrogateescape")
    if (found := _whole(line)) is not None or len(line) > LOG_LINE_MAX:
        return found
    best, sure = None, Claim.WEAK
    for data, least in _inside(line):
        if (claim := best_claim(data)) > sure and claim >= least:
            best, sure = data, claim
            if sure is Claim.CERTAIN:
                break
    return best


def _whole(line: str) -> bytes | None:
    """What the line is if it is nothing but bytes in one spelling."""
    if (found := from_decimals(line)) is not None:
        return found
    literal, found = from_literal(line), from_hex(line)
    if found is not None and best_claim(found) < Claim.LIKELY and (time := _TIME.match(line)):
        behind = from_hex(line[time.end() :])
        found = found if behind is None else max(found, behind, key=best_claim)
    if literal is not None and found is not None:
        return max(found, literal, key=best_claim)
    return found if found is not None else from_base64(line)


def _inside(line: str) -> Iterator[tuple[bytes, Claim]]:
    """All that may be a message in a line with words around it, and how sure it must be."""
    for reader in (from_literal, from_list, from_array):
        if (found := reader(line)) is not None:
            yield found, Claim.LIKELY
    runs = sorted((run[0] for run in _RUN.finditer(line)), key=len, reverse=True)
    for run in runs[:RUNS_MAX]:
        for piece in (run, max(_SEPARATOR.split(run), key=len)):
            if (data := from_hex(piece)) is not None:
                yield data, Claim.LIKELY
        gaps = [*_SEPARATOR.finditer(run)]
        for end in [len(run), *(gap.start() for gap in reversed(gaps))][:WORDS_BEHIND_MAX]:
            for begin in [0, *(gap.end() for gap in gaps)][:WORDS_MAX]:
                if end - begin >= DIGITS_MIN and (data := from_hex(run[begin:end])) is not None:
                    yield data, Claim.CERTAIN


def from_base64(text: str) -> bytes | None:
    """The bytes of Base64 of either alphabet, where they are a message; hexadecimal has been tried before."""
    written = "".join(text.split()).translate(_URL_SAFE)
    if len(written) % 4 or not _BASE64.fullmatch(written):
        return None
    data = base64.b64decode(written)
    return data if best_claim(data) >= Claim.LIKELY else None
