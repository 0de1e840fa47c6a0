"""The texts inside EBD elements: times, numbers, codes, lists; and the small grammars of platform.md 5."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Generic, TypeVar

from protocols.ebd.edition import Edition, accepted
from protocols.errors import LocalProtocolError, RemoteProtocolError

T = TypeVar("T")

BEIJING_S = 8 * 3600
BEIJING = timezone(timedelta(seconds=BEIJING_S))
_TIME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T]+(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}(?:\.0+)?", re.ASCII)
_EVENT_TYPE = re.compile(r"[0-9A-Z]{5}")
_LIST_SEPARATORS = re.compile("[,，;；、()（）\\s]+")
_COMMA = re.compile("[,，]")
_GROUP = re.compile(r"[(（]([^(（)）]*)[)）]")


@dataclass(frozen=True, slots=True)
class Scalar(Generic[T]):
    """How one kind of text is read and written. `read` raises ValueError, `write` LocalProtocolError."""

    read: Callable[[str, Edition], T]
    write: Callable[[T, Edition], str]


# ---- time ----------------------------------------------------------------------------------------------------------


def parse_time(text: str) -> int:
    """`YYYY-MM-DD HH:MM:SS` in Beijing time -> UTC seconds. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not YYYY-MM-DD HH:MM:SS")
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) - BEIJING_S


def format_time(seconds: int) -> str:
    """UTC seconds -> Beijing time as platforms write it. Raises LocalProtocolError outside the years 1-9999."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, hours=8)
    except OverflowError:
        raise LocalProtocolError(f"{seconds} s is no time that a calendar has") from None
    return moment.replace(tzinfo=None).isoformat(" ")


# ---- scalars -------------------------------------------------------------------------------------------------------


def _read_integer(text: str, _edition: Edition) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no integer")
    return int(text.partition(".")[0])


def _read_number(text: str, _edition: Edition) -> float:
    if re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,30})?", text, re.ASCII) is None:
        raise ValueError(f"{text!r} is no number")
    return float(text)


def _write_number(value: float, _edition: Edition) -> str:
    return format(Decimal(repr(float(value))), "f")


def _read_rate(text: str, edition: Edition) -> float:
    """A share of 1; peers also write per cent (99), and either a sign after it or none."""
    number = text.removesuffix("%")
    value = _read_number(number, edition)
    if value > 1 or text.endswith("%"):
        value = float(Decimal(number) / 100)  # in decimal: 9.88 is 0.0988, also when it is told on
    if not 0 <= value <= 1:
        raise ValueError(f"{text!r} is no share between 0 and 1")
    return value


def _read_event_type(text: str, _edition: Edition) -> str:
    if _EVENT_TYPE.fullmatch(text.upper()) is None:
        raise ValueError(f"{text!r} is no event type of five digits or letters")
    return text.upper()


def split_list(text: str) -> tuple[str, ...]:
    """The items of a list joined by commas; other separators that people type, and brackets around the whole, as early
    peers have them, are accepted too."""
    return tuple(item for item in _LIST_SEPARATORS.split(text) if item)


def _write_list(items: tuple[str, ...], _edition: Edition) -> str:
    if wrong := [item for item in items if not item or _LIST_SEPARATORS.search(item)]:
        raise LocalProtocolError(f"list item {wrong[0]!r} is empty or holds a separator")
    return ",".join(items)


def _read_counts(text: str, edition: Edition) -> tuple[int, ...]:
    return tuple(_read_integer(item, edition) for item in split_list(text))


TEXT: Scalar[str] = Scalar(lambda text, _: text, lambda value, _: value)
INTEGER: Scalar[int] = Scalar(_read_integer, lambda value, _: str(int(value)))
NUMBER: Scalar[float] = Scalar(_read_number, _write_number)
RATE: Scalar[float] = Scalar(_read_rate, _write_number)
TIME: Scalar[int] = Scalar(lambda text, _: parse_time(text), lambda value, _: format_time(value))
EVENT_TYPE: Scalar[str] = Scalar(_read_event_type, lambda value, edition: _read_event_type(value, edition))
LIST: Scalar[tuple[str, ...]] = Scalar(lambda text, _: split_list(text), _write_list)
COUNTS: Scalar[tuple[int, ...]] = Scalar(_read_counts, lambda value, _: ",".join(str(int(n)) for n in value))


# ---- codes ---------------------------------------------------------------------------------------------------------


def check_digits(text: str, lengths: tuple[int, ...], noun: str) -> str:
    """`text` when it is digits of one of these lengths. Raises ValueError."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{noun} {text!r} is not made of digits")
    if len(text) not in lengths:
        raise ValueError(f"{noun} {text!r} has {len(text)} digits, not {' or '.join(map(str, lengths))}")
    return text


def _read_resource_code(text: str, edition: Edition) -> str:
    return check_digits(text, tuple(rules.resource_code_digits for rules in accepted(edition)), "resource code")


def _read_ebm_id(text: str, edition: Edition) -> str:
    return check_digits(text, tuple(rules.ebm_id_digits for rules in accepted(edition)), "EBM id")


def _read_ebd_id(text: str, edition: Edition) -> str:
    return check_digits(text, tuple(rules.ebd_id_digits for rules in accepted(edition)), "EBD id")


RESOURCE_CODE: Scalar[str] = Scalar(_read_resource_code, _read_resource_code)
EBM_ID: Scalar[str] = Scalar(_read_ebm_id, _read_ebm_id)
EBD_ID: Scalar[str] = Scalar(_read_ebd_id, _read_ebd_id)


def limited_text(noun: str, length: int) -> Scalar[str]:
    """A text of at most `length` characters without blanks, such as an InfoID."""

    def check(text: str, _edition: Edition) -> str:
        if len(text) > length or any(character.isspace() for character in text):
            raise ValueError(f"{noun} {text!r} has blanks or more than {length} characters")
        return text

    return Scalar(check, check)


# ---- BrdSysInfo ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BroadcastParameter:
    """One group of BrdSysInfo (platform.md 5.9): `kind` 1 programme name, 2 programme number, 3 frequency in kHz."""

    ebr_id: str
    kind: str
    value: str


def parse_broadcast_parameters(text: str) -> tuple[BroadcastParameter, ...]:
    """Read BrdSysInfo; without brackets the parts are taken in threes. Raises RemoteProtocolError("format")."""
    groups = [_COMMA.split(group, 2) for group in _GROUP.findall(text)]
    if not groups and text.strip():
        parts = _COMMA.split(text)
        groups = [parts[at : at + 3] for at in range(0, len(parts), 3)]
    parameters = []
    for group in groups:
        padded = [part.strip() for part in group] + ["", ""]
        if not padded[0].isdigit():
            raise RemoteProtocolError("format", f"BrdSysInfo {text[:80]!r}: {padded[0]!r} is no resource code")
        parameters.append(BroadcastParameter(*padded[:3]))
    return tuple(parameters)


def format_broadcast_parameters(parameters: tuple[BroadcastParameter, ...]) -> str:
    """Write BrdSysInfo. Raises LocalProtocolError for a value with a bracket or, in the first two parts, a comma."""
    for item in parameters:
        if set("()（）") & set(item.ebr_id + item.kind + item.value) or "," in item.ebr_id + item.kind:
            raise LocalProtocolError(f"BrdSysInfo cannot carry {item}")
    return ",".join(f"({item.ebr_id},{item.kind},{item.value})" for item in parameters)
