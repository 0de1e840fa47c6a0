"""One exception: which terminals may be commanded although they cannot verify SM2, why, until when, and who says so.

A file of a few lines of TOML that people can read, and under it the signature of an administrator. What is signed are
the bytes of the file above the line `signature`, as they stand, and the four bytes of the time (GD/J 081 clause 5.4).
Its first line says what the file is, so that no other signed thing can pass for one. It names one county, so that it
means nothing in another, and it always has an end.
"""

from __future__ import annotations

import base64
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from protocols.codes import AreaCode, InvalidCode, ResourceCode, covers
from protocols.errors import RemoteProtocolError
from protocols.signature import SignatureBlock

FIRST_LINE = "# ebcd: exception from SM2 verification, form 1"
KEYS = ("county", "areas", "terminals", "reason", "by", "from", "until")
FILE_BYTES_MAX = 262_144
LINES_MAX = 5_000  # terminals and areas
WORDS_MAX = 300  # characters of a reason
NAME_MAX = 100
DAYS_MAX = 366
_DAY_S = 86_400
_MARK = b"\nsignature = "
BEIJING = timezone(timedelta(hours=8))

Sign = Callable[[bytes], SignatureBlock]


class NoException(Exception):
    """The file is no exception; `reason` is for people and names the line or the value."""


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """What an administrator has signed. Times are UTC seconds; it holds from the first and no longer at the second."""

    county: AreaCode
    areas: tuple[AreaCode, ...]
    terminals: tuple[ResourceCode, ...]
    reason: str
    by: str
    not_before: int
    until: int
    signature: SignatureBlock | None = None
    signed: bytes = b""
    _named: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())

    def __post_init__(self) -> None:
        """Raises NoException for what cannot be meant."""
        object.__setattr__(self, "_named", frozenset((*self.areas, *self.terminals)))
        for name, text, limit in (("reason", self.reason, WORDS_MAX), ("by", self.by, NAME_MAX)):
            if not text.strip() or len(text) > limit or not text.isprintable():
                raise NoException(f"{name} needs 1 to {limit} characters on one line")
        if not self.areas and not self.terminals:
            raise NoException("neither areas nor terminals are named")
        if len(self.areas) + len(self.terminals) > LINES_MAX:
            raise NoException(f"more than {LINES_MAX} areas and terminals")
        outside = [each for each in self.areas if not covers(self.county, each)]
        outside_codes = [each for each in self.terminals if not covers(self.county, each.area)]
        if outside or outside_codes:
            raise NoException(f"{(*outside, *outside_codes)[0]} lies outside the county {self.county}")
        if not self.not_before < self.until <= self.not_before + DAYS_MAX * _DAY_S:
            raise NoException(f"it must end after it begins, at most {DAYS_MAX} days later")

    def names(self, code: ResourceCode) -> bool:
        """Whether it is about this terminal."""
        return code in self._named or any(area in self._named for area in code.area.enclosing)

    def holds_at(self, utc_s: float) -> bool:
        """Whether its time has come and is not over."""
        return self.not_before <= utc_s < self.until

    def write(self, sign: Sign) -> bytes:
        """The signed file."""
        body = "\n".join(
            (
                FIRST_LINE,
                f'county = "{self.county}"',
                f"areas = {_list(self.areas)}",
                f"terminals = {_list(self.terminals)}",
                f"reason = {_quoted(self.reason)}",
                f"by = {_quoted(self.by)}",
                f"from = {_moment(self.not_before)}",
                f"until = {_moment(self.until)}",
            )
        )
        signed = body.encode() + b"\n"
        block = base64.b64encode(sign(signed).encode()).decode()
        return signed + f'signature = "{block}"\n'.encode()


def read(data: bytes) -> ExceptionRecord:
    """What a file says, its signature not judged. Raises NoException."""
    if len(data) > FILE_BYTES_MAX:
        raise NoException(f"more than {FILE_BYTES_MAX} bytes")
    if not data.startswith(FIRST_LINE.encode() + b"\n"):
        raise NoException(f"the first line is not {FIRST_LINE!r}")
    at = data.rfind(_MARK)
    if at < 0:
        raise NoException("there is no line that begins with signature")
    signed = data[: at + 1]
    try:
        table = tomllib.loads(signed.decode("utf-8"))
        last = tomllib.loads(data[at + 1 :].decode("utf-8"))
    except (ValueError, RecursionError) as error:  # tomllib has none of its own for numbers of 5,000 digits
        raise NoException(f"is not TOML: {error}") from error
    if set(last) != {"signature"} or not isinstance(last["signature"], str):
        raise NoException("behind the signature stands something else")
    wrong = sorted(set(table) ^ set(KEYS))
    if wrong:
        raise NoException(f"{wrong[0]} is {'missing' if wrong[0] in KEYS else 'unknown'}; it has {', '.join(KEYS)}")
    return replace(_record(table), signature=_block(last["signature"]), signed=signed)


def _record(table: Mapping[str, Any]) -> ExceptionRecord:
    try:
        return ExceptionRecord(
            AreaCode(_text(table, "county")),
            tuple(AreaCode(each) for each in _texts(table, "areas")),
            tuple(ResourceCode(each) for each in _texts(table, "terminals")),
            _text(table, "reason"),
            _text(table, "by"),
            _seconds(table, "from"),
            _seconds(table, "until"),
        )
    except InvalidCode as error:
        raise NoException(str(error)) from error


def _block(text: str) -> SignatureBlock:
    try:
        return SignatureBlock.decode(base64.b64decode(text, validate=True))
    except (ValueError, RemoteProtocolError) as error:
        raise NoException(f"signature: {error}") from error


def _text(table: Mapping[str, Any], key: str) -> str:
    if not isinstance(table[key], str):
        raise NoException(f"{key} is no text")
    return str(table[key])


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise NoException(f"{key} is no list of texts")
    return value


def _seconds(table: Mapping[str, Any], key: str) -> int:
    value = table[key]
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise NoException(f"{key} is no moment with an offset, such as 2027-01-01T00:00:00+08:00")
    return int(value.timestamp())


def _moment(utc_s: int) -> str:
    return datetime.fromtimestamp(utc_s, UTC).astimezone(BEIJING).isoformat(timespec="seconds")


def _list(codes: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{code}"' for code in codes) + "]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a basic string of TOML, since nothing unprintable is in it
