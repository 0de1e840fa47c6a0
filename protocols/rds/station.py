"""What an ordinary station sends, group after group: name, RadioText, slow codes, clock.

The shares follow EN 50067 clause 3.1.3: the whole name about once a second (four of eleven groups are 0A), RadioText
with nearly all the rest, one slow code a second. A clock is put in when the caller has one: only the caller knows when
the minute's edge falls on the end of a group (clause 3.1.5.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from protocols.errors import LocalProtocolError
from protocols.rds.charset import encode_text
from protocols.rds.groups import (
    PS_CHARACTERS,
    RADIO_TEXT_CHARACTERS_MAX,
    RADIO_TEXT_END,
    BasicTuning,
    ClockTime,
    Content,
    Group,
    RadioText,
    SlowLabelling,
)

AF_NONE: Final = 0xE0
AF_FILLER: Final = 0xCD
AF_MAX: Final = 25
AF_FIRST_KHZ: Final = 87_600
AF_STEP_KHZ: Final = 100
AF_CODE_MAX: Final = 204
MJD_UNIX_EPOCH: Final = 40_587
HALF_HOUR_S: Final = 1800
BEIJING_HALF_HOURS: Final = 16

_TURNS: Final = "0 2 2 0 2 0 2 2 0 2 1"
_PATTERN: Final = tuple({"0": BasicTuning, "1": SlowLabelling, "2": RadioText}[turn] for turn in _TURNS.split())


@dataclass(frozen=True, slots=True)
class Programme:
    """What a station says about itself.

    `name` has up to eight characters, `radio_text` up to 64, both of `protocols.rds.charset`; `ab` flips with each new
    RadioText. `di` is the decoder information d3 d2 d1 d0 as a number of four bits; `ecc` None leaves out group 1A.
    """

    pi: int
    name: str
    pty: int = 0
    tp: bool = False
    ta: bool = False
    music: bool = True
    di: int = 1
    radio_text: str = ""
    ab: bool = False
    frequencies_khz: tuple[int, ...] = ()
    ecc: int | None = None


class Sequence:
    """Group after group without end. A changed programme takes effect with the next group."""

    __slots__ = ("_af_at", "_name_at", "_slot", "_text", "_text_at")

    def __init__(self) -> None:
        self._slot = 0
        self._name_at = 0
        self._af_at = 0
        self._text_at = 0
        self._text: tuple[str, bool] = ("", False)

    def next(self, programme: Programme, clock: ClockTime | None = None) -> Group:
        """The next group, or `clock` in its place. Raises LocalProtocolError for what RDS cannot say."""
        return Group(programme.pi, programme.tp, programme.pty, clock or self._content(programme))

    def _content(self, programme: Programme) -> Content:
        kind = _PATTERN[self._slot]
        self._slot = (self._slot + 1) % len(_PATTERN)
        if kind is RadioText and programme.radio_text:
            return self._radio_text(programme)
        if kind is SlowLabelling and programme.ecc is not None:
            return SlowLabelling(0, False, 0, programme.ecc, 0, 0, 0)
        return self._tuning(programme)

    def _tuning(self, programme: Programme) -> BasicTuning:
        segment, self._name_at = self._name_at, (self._name_at + 1) % (PS_CHARACTERS // 2)
        pairs = af_pairs(programme.frequencies_khz)
        pair = pairs[self._af_at % len(pairs)]
        self._af_at = (self._af_at + 1) % len(pairs)
        name = name_bytes(programme.name)[2 * segment : 2 * segment + 2]
        di = bool(programme.di >> (3 - segment) & 1)
        return BasicTuning(programme.ta, programme.music, di, segment, *pair, name)

    def _radio_text(self, programme: Programme) -> RadioText:
        if self._text != (programme.radio_text, programme.ab):
            self._text, self._text_at = (programme.radio_text, programme.ab), 0
        segments = radio_text_bytes(programme.radio_text)
        at, self._text_at = self._text_at, (self._text_at + 4) % len(segments)
        return RadioText(programme.ab, at // 4, segments[at : at + 4])


def name_bytes(name: str) -> bytes:
    """A programme service name, padded to its eight characters. Raises LocalProtocolError."""
    data = encode_text(name)
    if len(data) > PS_CHARACTERS:
        raise LocalProtocolError(f"a programme service name has {PS_CHARACTERS} characters; {name!r} has {len(data)}")
    return data.ljust(PS_CHARACTERS)


def radio_text_bytes(text: str) -> bytes:
    """RadioText with its end mark, filled up to whole groups of 2A. Raises LocalProtocolError."""
    data = encode_text(text)
    if len(data) > RADIO_TEXT_CHARACTERS_MAX:
        raise LocalProtocolError(f"RadioText has {RADIO_TEXT_CHARACTERS_MAX} characters; {len(data)} were given")
    if len(data) < RADIO_TEXT_CHARACTERS_MAX:
        data += bytes([RADIO_TEXT_END])
    return data.ljust(-(-len(data) // 4) * 4)


def af_code(frequency_khz: int) -> int:
    """The code of a carrier between 87.6 and 107.9 MHz (EN 50067 table 10). Raises LocalProtocolError."""
    code, odd = divmod(frequency_khz - AF_FIRST_KHZ, AF_STEP_KHZ)
    if odd or not 0 <= code < AF_CODE_MAX:
        raise LocalProtocolError(f"no AF code means {frequency_khz} kHz; use 87600 to 107900 in steps of 100")
    return code + 1


def af_pairs(frequencies_khz: Iterable[int]) -> list[tuple[int, int]]:
    """The AF list by method A: the number of frequencies, then they, two codes a group (EN 50067 clause 3.2.1.6)."""
    codes = [af_code(each) for each in frequencies_khz]
    if len(codes) > AF_MAX:
        raise LocalProtocolError(f"an AF list has at most {AF_MAX} frequencies; {len(codes)} were given")
    whole = [AF_NONE + len(codes), *codes]
    whole += [AF_FILLER] * (len(whole) % 2)
    return list(zip(whole[::2], whole[1::2], strict=True))


def clock_at(utc_s: float, offset_half_hours: int = BEIJING_HALF_HOURS) -> ClockTime:
    """The minute that is (EN 50067 clause 3.1.5.6, annex G). Positive offsets are east of Greenwich."""
    days, second = divmod(int(utc_s), 86_400)
    hour, rest = divmod(second, 3600)
    return ClockTime(0, MJD_UNIX_EPOCH + days, hour, rest // 60, offset_half_hours < 0, abs(offset_half_hours))


def clock_utc_s(clock: ClockTime) -> int | None:
    """UTC seconds at the minute's edge; None where the group says that its clock is not to be taken over."""
    if clock.mjd == 0 or clock.hour > 23 or clock.minute > 59:
        return None
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=clock.mjd - MJD_UNIX_EPOCH)
    return int(day.timestamp()) + clock.hour * 3600 + clock.minute * 60
