"""Message elements that say what a station's programme is: name, type, flags, texts (rds-uecp.md B.2).

`dsn` is the data set (0 the current one, 254 all but it, 255 all), `psn` the programme service in it (0 the main one).
`spare` are bits without a meaning, kept so that a captured frame comes back as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from construct import BitsInteger, Bitwise, Bytes, ExprAdapter, Flag, GreedyBytes, Int8ub, Int16ub, Struct

from protocols.errors import LocalProtocolError
from protocols.rds.groups import RADIO_TEXT_CHARACTERS_MAX, RADIO_TEXT_END
from protocols.wire import Layout, record

RADIO_TEXT_END_BELOW: Final = 61  # a longer text needs no end mark (SPB 490, element 0A)
FLUSH: Final = 0b00  # RadioText: empty the buffer, then load
APPEND: Final = 0b10
CLEAR: Final = 0b11


@dataclass(frozen=True, slots=True)
class ProgrammeIdentification:
    """Element 01 PI."""

    pi: int
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class ProgrammeServiceName:
    """Element 02 PS: eight characters, filled up with blanks."""

    name: bytes
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class TrafficFlags:
    """Element 03 TA and TP."""

    ta: bool
    tp: bool
    spare: int = 0
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class DecoderInformation:
    """Element 04 DI and dynamic PTY indicator."""

    stereo: bool
    artificial_head: bool
    compressed: bool
    dynamic_pty: bool
    spare: int = 0
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class MusicSpeech:
    """Element 05 M/S."""

    music: bool
    spare: int = 0
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class ProgrammeItemNumber:
    """Element 06 PIN: scheduled start; `day` 0 means none."""

    day: int
    hour: int
    minute: int
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class ProgrammeType:
    """Element 07 PTY: 31 is the alarm, 30 its test."""

    pty: int
    spare: int = 0
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class RadioText:
    """Element 0A RT. `text` None: without content, which clears the display. `transmissions` 0: for ever."""

    text: bytes | None
    toggle: bool = False  # flip the A/B flag: receivers clear the display
    transmissions: int = 0
    buffer: int = FLUSH
    spare: int = 0
    dsn: int = 0
    psn: int = 0

    def __post_init__(self) -> None:
        if self.text is None and (self.toggle or self.transmissions or self.buffer or self.spare):
            raise LocalProtocolError("a RadioText element without text has no settings either")

    @classmethod
    def showing(cls, text: bytes, *, toggle: bool) -> RadioText:
        """Show `text` from now on, with its end mark where it needs one. Raises LocalProtocolError over 64 bytes."""
        if len(text) > RADIO_TEXT_CHARACTERS_MAX:
            raise LocalProtocolError(f"RadioText has {RADIO_TEXT_CHARACTERS_MAX} characters; {len(text)} were given")
        end = bytes([RADIO_TEXT_END]) if len(text) < RADIO_TEXT_END_BELOW else b""
        return cls(text + end, toggle=toggle)


@dataclass(frozen=True, slots=True)
class AlternativeFrequencies:
    """Element 13 AF: `start` is a place in the list (FFFFh appends), `codes` as in 0A, ended by 00."""

    start: int
    codes: tuple[int, ...]
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class SlowLabelling:
    """Element 1A: block 3 of group 1A; variant 0 carries the extended country code (China F0h)."""

    variant: int
    data: int
    spare: int = 0
    dsn: int = 0


@dataclass(frozen=True, slots=True)
class ProgrammeTypeName:
    """Element 3E PTYN: eight characters."""

    name: bytes
    dsn: int = 0
    psn: int = 0


NUMBERS: Final = ExprAdapter(GreedyBytes, lambda data, _: tuple(data), lambda numbers, _: bytes(numbers))
"""One number a byte, to the end of the element."""
_DSN: Final = "dsn" / Int8ub
_SET: Final = (_DSN, "psn" / Int8ub)


def bits(cls: type, *members: Layout, before: tuple[Layout, ...] = (), after: tuple[Layout, ...] = ()) -> Layout:
    """A layout of `cls` with whole bytes before and after one run of bit fields."""
    names = tuple(member.name for member in members)
    inner = Struct(*before, "bits" / Bitwise(Struct(*members)), *after)
    whole = tuple(member.name for member in (*before, *after))
    return ExprAdapter(
        inner,
        lambda found, _: cls(**{n: found[n] for n in whole}, **{n: found.bits[n] for n in names}),
        lambda value, _: {n: getattr(value, n) for n in whole} | {"bits": {n: getattr(value, n) for n in names}},
    )


def _flag(cls: type, name: str) -> Layout:
    return bits(cls, "spare" / BitsInteger(7), name / Flag, before=_SET)


_FULL_RADIO_TEXT: Final = bits(
    RadioText,
    "spare" / BitsInteger(1),
    "buffer" / BitsInteger(2),
    "transmissions" / BitsInteger(4),
    "toggle" / Flag,
    before=_SET,
    after=("text" / GreedyBytes,),
)


class _RadioTextLayout:
    """Two forms, told apart by the length (`text` None)."""

    def parse_stream(self, stream: Any, **params: Any) -> Any:
        """As construct's layouts."""
        body = stream.read()
        if len(body) <= len(_SET):
            found = Struct(*_SET).parse(body)
            return RadioText(None, dsn=found.dsn, psn=found.psn)
        return _FULL_RADIO_TEXT.parse(body)

    def build(self, value: RadioText) -> bytes:
        """As construct's layouts."""
        if value.text is None:
            return bytes(Struct(*_SET).build({"dsn": value.dsn, "psn": value.psn}))
        return bytes(_FULL_RADIO_TEXT.build(value))


LAYOUTS: Final[dict[int, tuple[type, Layout]]] = {
    0x01: (ProgrammeIdentification, record(ProgrammeIdentification, *_SET, "pi" / Int16ub)),
    0x02: (ProgrammeServiceName, record(ProgrammeServiceName, *_SET, "name" / Bytes(8))),
    0x03: (TrafficFlags, bits(TrafficFlags, "spare" / BitsInteger(6), "tp" / Flag, "ta" / Flag, before=_SET)),
    0x04: (
        DecoderInformation,
        bits(
            DecoderInformation,
            "spare" / BitsInteger(4),
            "dynamic_pty" / Flag,
            "compressed" / Flag,
            "artificial_head" / Flag,
            "stereo" / Flag,
            before=_SET,
        ),
    ),
    0x05: (MusicSpeech, _flag(MusicSpeech, "music")),
    0x06: (
        ProgrammeItemNumber,
        bits(
            ProgrammeItemNumber,
            "day" / BitsInteger(5),
            "hour" / BitsInteger(5),
            "minute" / BitsInteger(6),
            before=_SET,
        ),
    ),
    0x07: (ProgrammeType, bits(ProgrammeType, "spare" / BitsInteger(3), "pty" / BitsInteger(5), before=_SET)),
    0x0A: (RadioText, _RadioTextLayout()),
    0x13: (
        AlternativeFrequencies,
        record(AlternativeFrequencies, *_SET, "start" / Int16ub, "codes" / NUMBERS),
    ),
    0x1A: (
        SlowLabelling,
        bits(
            SlowLabelling,
            "spare" / BitsInteger(1),
            "variant" / BitsInteger(3),
            "data" / BitsInteger(12),
            before=(_DSN,),
        ),
    ),
    0x3E: (ProgrammeTypeName, record(ProgrammeTypeName, *_SET, "name" / Bytes(8))),
}
