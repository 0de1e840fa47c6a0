"""The texts inside warning elements: times with a zone, severities, references, words of a fixed list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from protocols.cap.values import Dialect, Reference, Severity
from protocols.ebd.edition import Edition
from protocols.ebd.values import BEIJING_S, Scalar
from protocols.errors import LocalProtocolError

WordT = TypeVar("WordT", bound=StrEnum)

_DATE: Final = r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?"
_ZONE: Final = r"(Z|[+-]\d{2}:?\d{2})?"
_TIME: Final = re.compile(_DATE + r"\s?" + _ZONE, re.ASCII)
_REFERENCE: Final = re.compile(rf"([^\s,]+)\s*,\s*([^\s,]+)\s*,\s*({_DATE}(?:Z|[+-]\d{{2}}:?\d{{2}})?)", re.ASCII)
_SEPARATORS: Final = re.compile(r"[\s,;，；]+")
ZONE_S_MAX: Final = 14 * 3600

SEVERITY_WORDS: Final[Mapping[Dialect, tuple[str, ...]]] = {
    Dialect.CAP: ("Unknown", "Extreme", "Severe", "Moderate", "Minor"),
    Dialect.GB: ("Unknown", "Red", "Orange", "Yellow", "Blue"),
}
"""By `Severity`. That CAP's four words are the four colours is inferred."""
_SEVERITIES: Final = {
    word.lower(): Severity(number) for words in SEVERITY_WORDS.values() for number, word in enumerate(words)
} | {"红色": Severity.RED, "橙色": Severity.ORANGE, "黄色": Severity.YELLOW, "蓝色": Severity.BLUE}


def read_time(text: str) -> int:
    """`YYYY-MM-DDThh:mm:ss+08:00`, also with a blank for T; without a zone it is Beijing time. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not YYYY-MM-DDThh:mm:ss with a zone")
    numbers = [int(part) for part in found.groups()[:6]]
    written, offset_s = found[7], BEIJING_S
    if written == "Z":
        offset_s = 0
    elif written:
        offset_s = int(written[1:3]) * 3600 + int(written[-2:]) * 60
        if offset_s > ZONE_S_MAX:
            raise ValueError(f"{text[:40]!r} has no zone of this world")
        offset_s = -offset_s if written[0] == "-" else offset_s
    year, month, day, hour, minute, second = numbers
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) - offset_s


def write_time(seconds: int, dialect: Dialect) -> str:
    """Beijing time with its zone. Raises LocalProtocolError outside the years 1-9999."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, hours=8)
    except OverflowError:
        raise LocalProtocolError(f"{seconds} s is no time that a calendar has") from None
    between = "T" if dialect is Dialect.CAP else " "
    return f"{moment.year:04d}-{moment:%m-%d}{between}{moment:%H:%M:%S}+08:00"


def time_in(dialect: Dialect) -> Scalar[int]:
    """A time as this dialect writes it; both are read."""
    return Scalar(lambda text, _: read_time(text), lambda value, _: write_time(value, dialect))


def severity_in(dialect: Dialect) -> Scalar[Severity]:
    """A severity as this dialect writes it; both and the Chinese colours are read."""

    def read(text: str, _edition: Edition) -> Severity:
        try:
            return _SEVERITIES[text.lower()]
        except KeyError:
            raise ValueError(f"{text[:40]!r} is no severity; known are {', '.join(_SEVERITIES)}") from None

    return Scalar(read, lambda value, _: SEVERITY_WORDS[dialect][value])


def word_of(words: type[WordT]) -> Scalar[WordT]:
    """One of a fixed list of words, whatever the case."""
    known: Mapping[str, WordT] = {each.value.lower(): each for each in words}

    def read(text: str, _edition: Edition) -> WordT:
        try:
            return known[text.lower()]
        except KeyError:
            raise ValueError(f"{text[:40]!r} is none of {', '.join(words)}") from None

    return Scalar(read, lambda value, _: value.value)


def read_references(text: str) -> tuple[Reference, ...]:
    """`sender,identifier,sent` in any number (CAP 1.2 clause 3.2.1), or bare identifiers. Raises ValueError."""
    if not _REFERENCE.search(text):
        return tuple(Reference(each) for each in _SEPARATORS.split(text) if each)
    found = [Reference(each[2], each[1], read_time(each[3])) for each in _REFERENCE.finditer(text)]
    if _SEPARATORS.sub("", _REFERENCE.sub("", text)):
        raise ValueError(f"{text[:80]!r} is not a list of sender,identifier,sent")
    return tuple(found)


def write_references(references: tuple[Reference, ...]) -> str:
    """The inverse. Raises LocalProtocolError for parts with blanks or commas, and where both forms would be mixed."""
    whole = [each for each in references if each.sender or each.sent is not None]
    if whole and len(whole) != len(references):
        raise LocalProtocolError("either every reference names its sender and time, or none does")
    for each in references:
        if not each.identifier or _SEPARATORS.search(each.identifier + each.sender) or bool(each.sender) != bool(whole):
            raise LocalProtocolError(f"{each} has an empty part, a blank or a comma")
    if not whole:
        return " ".join(each.identifier for each in references)
    return " ".join(f"{each.sender},{each.identifier},{write_time(each.sent or 0, Dialect.CAP)}" for each in references)


REFERENCES: Final[Scalar[tuple[Reference, ...]]] = Scalar(
    lambda text, _: read_references(text), lambda value, _: write_references(value)
)
