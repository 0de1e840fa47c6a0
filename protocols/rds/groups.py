"""RDS groups as values: four information words of 16 bits each (EN 50067 clause 3.1).

    block 1  PI
    block 2  group type 4 · version B 1 · TP 1 · PTY 5 · five bits of the group's own
    block 3  the group's own (version A), PI again (version B)
    block 4  the group's own

Typed are the groups whose layout the standard gives; every other one is a `FreeFormat`, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from construct import BitsInteger, Bitwise, Bytes, Bytewise, ExprAdapter, Flag, Struct

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.rds.group_types import group_name
from protocols.wire import Layout, build, parse

WORDS: Final = 4
PTY_ALARM_TEST: Final = 30  # receivers must not react (EN 50067 annex F)
PTY_ALARM: Final = 31
PS_CHARACTERS: Final = 8
RADIO_TEXT_CHARACTERS_MAX: Final = 64
RADIO_TEXT_END: Final = 0x0D

Words = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class BasicTuning:
    """0A: switching flags, two AF codes and two characters of the programme service name (clause 3.1.5.1)."""

    ta: bool
    music: bool
    di: bool  # d3 in segment 0 ... d0 in segment 3
    segment: int
    af: int
    af_next: int
    name: bytes


@dataclass(frozen=True, slots=True)
class BasicTuningShort:
    """0B: the same without AF (clause 3.1.5.1)."""

    ta: bool
    music: bool
    di: bool
    segment: int
    name: bytes


@dataclass(frozen=True, slots=True)
class SlowLabelling:
    """1A: one of the slow codes and the programme item number (clause 3.1.5.2).

    `data` by `variant`: 0 paging 4 and extended country code 8, 1 TMC, 3 language, 6 the broadcaster's, 7 the channel
    of emergency warnings, beside which variant 0 must be sent (clause 3.2.7).
    """

    paging: int
    linked: bool
    variant: int
    data: int
    day: int  # 0: no item number
    hour: int
    minute: int


@dataclass(frozen=True, slots=True)
class RadioText:
    """2A: four of 64 characters; another `ab` than before clears the display (clause 3.1.5.3)."""

    ab: bool
    segment: int
    text: bytes


@dataclass(frozen=True, slots=True)
class RadioTextShort:
    """2B: two of 32 characters."""

    ab: bool
    segment: int
    text: bytes


@dataclass(frozen=True, slots=True)
class OpenDataAnnouncement:
    """3A: which group carries which application for now (clauses 3.1.4, 3.1.5.4). `group` as of `group_types`."""

    group: int
    message: int
    aid: int


@dataclass(frozen=True, slots=True)
class ClockTime:
    """4A: UTC to the minute and the local offset in half hours (clause 3.1.5.6). `mjd` 0: do not take it over."""

    spare: int
    mjd: int
    hour: int
    minute: int
    west: bool
    offset_half_hours: int


@dataclass(frozen=True, slots=True)
class ProgrammeTypeName:
    """10A: four of eight characters (clause 3.1.5.14)."""

    ab: bool
    spare: int
    segment: int
    name: bytes


@dataclass(frozen=True, slots=True)
class EmergencyWarning:
    """9A: 37 bits that each country lays out itself (clause 3.1.5.13), or an application's where 3A says so."""

    bits: int
    block3: int
    block4: int


@dataclass(frozen=True, slots=True)
class OtherNetwork:
    """14A: one piece of what another network `pi_on` sends; `variant` says which (clause 3.1.5.19, figure 37)."""

    tp_on: bool
    variant: int
    information: int
    pi_on: int


@dataclass(frozen=True, slots=True)
class OtherNetworkSwitch:
    """14B: traffic news begin or end on another network (clauses 3.1.5.19, 3.2.1.8, figure 38)."""

    tp_on: bool
    ta_on: bool
    spare: int
    pi_on: int


@dataclass(frozen=True, slots=True)
class LongServiceName:
    """15A: four of the 32 bytes of a long name in UTF-8; younger than EN 50067 (IEC 62106)."""

    spare: int
    segment: int
    name: bytes


@dataclass(frozen=True, slots=True)
class FastSwitching:
    """15B: the flags of 0B alone, for quick reaction; block 4 repeats block 2 (clause 3.1.5.21)."""

    ta: bool
    music: bool
    di: bool
    segment: int


@dataclass(frozen=True, slots=True)
class FreeFormat:
    """Any other group, bit for bit. `block3` is None in version B, where the PI stands there."""

    number: int
    bits: int
    block3: int | None
    block4: int


Content = (
    BasicTuning
    | BasicTuningShort
    | SlowLabelling
    | RadioText
    | RadioTextShort
    | OpenDataAnnouncement
    | ClockTime
    | ProgrammeTypeName
    | EmergencyWarning
    | OtherNetwork
    | OtherNetworkSwitch
    | LongServiceName
    | FastSwitching
    | FreeFormat
)


@dataclass(frozen=True, slots=True)
class Group:
    """One group: what every group says, and its content."""

    pi: int
    tp: bool
    pty: int
    content: Content


Heard = tuple[Group, RemoteProtocolError | None]
"""A group, and what disagrees in it: its two PI, or the two copies of block 2 in 15B."""


# ---- layouts -------------------------------------------------------------------------------------------------------

_HEAD: Final = (
    "pi" / BitsInteger(16),
    "number" / BitsInteger(4),
    "version_b" / Flag,
    "tp" / Flag,
    "pty" / BitsInteger(5),
)
_PI_AGAIN: Final = "pi_again" / BitsInteger(16)
_SWITCHES: Final = ("ta" / Flag, "music" / Flag, "di" / Flag, "segment" / BitsInteger(2))


def _characters(size: int) -> Layout:
    return Bytewise(Bytes(size))


def _layout(content: type, *members: Layout) -> Layout:
    """64 bits <-> Group of one type and version."""
    names = tuple(field.name for field in fields(content))
    number, version_b = _TYPE_OF[content]

    def take(found: Any, _context: Any) -> Heard:
        fault = _pi_differs(found.pi, found.pi_again) if version_b else None
        if content is FastSwitching and found.again != (word := _second_word(found, found)):
            fault = fault or RemoteProtocolError(
                "repeat", f"block 4 of 15B is {found.again:04X}, not block 2, {word:04X}"
            )
        return Group(found.pi, found.tp, found.pty, content(**{name: found[name] for name in names})), fault

    def give(group: Group, _context: Any) -> dict[str, Any]:
        own = {name: getattr(group.content, name) for name in names}
        head = {"pi": group.pi, "number": number, "version_b": version_b, "tp": group.tp, "pty": group.pty}
        again = _second_word(group, group.content) if content is FastSwitching else 0
        return head | own | {"pi_again": group.pi, "again": again}

    return ExprAdapter(Bitwise(Struct(*_HEAD, *members)), take, give)


def _pi_differs(pi: int, again: int) -> RemoteProtocolError | None:
    if again == pi:
        return None
    return RemoteProtocolError("pi", f"block 3 of version B says {again:04X}, block 1 {pi:04X}")


def _second_word(head: Any, flags: Any) -> int:
    """Block 2 of 15B."""
    switches = flags.ta << 4 | flags.music << 3 | flags.di << 2 | flags.segment
    return int(0xF800 | head.tp << 10 | head.pty << 5 | switches)


_TYPE_OF: Final[dict[type, tuple[int, bool]]] = {
    BasicTuning: (0, False),
    BasicTuningShort: (0, True),
    SlowLabelling: (1, False),
    RadioText: (2, False),
    RadioTextShort: (2, True),
    OpenDataAnnouncement: (3, False),
    ClockTime: (4, False),
    ProgrammeTypeName: (10, False),
    EmergencyWarning: (9, False),
    OtherNetwork: (14, False),
    OtherNetworkSwitch: (14, True),
    LongServiceName: (15, False),
    FastSwitching: (15, True),
}
_AF: Final = ("af" / BitsInteger(8), "af_next" / BitsInteger(8))
_ITEM: Final = ("day" / BitsInteger(5), "hour" / BitsInteger(5), "minute" / BitsInteger(6))
_LABEL: Final = ("paging" / BitsInteger(5), "linked" / Flag, "variant" / BitsInteger(3), "data" / BitsInteger(12))
_LAYOUTS: Final[dict[type, Layout]] = {
    BasicTuning: _layout(BasicTuning, *_SWITCHES, *_AF, "name" / _characters(2)),
    BasicTuningShort: _layout(BasicTuningShort, *_SWITCHES, _PI_AGAIN, "name" / _characters(2)),
    SlowLabelling: _layout(SlowLabelling, *_LABEL, *_ITEM),
    RadioText: _layout(RadioText, "ab" / Flag, "segment" / BitsInteger(4), "text" / _characters(4)),
    RadioTextShort: _layout(
        RadioTextShort, "ab" / Flag, "segment" / BitsInteger(4), _PI_AGAIN, "text" / _characters(2)
    ),
    OpenDataAnnouncement: _layout(
        OpenDataAnnouncement, "group" / BitsInteger(5), "message" / BitsInteger(16), "aid" / BitsInteger(16)
    ),
    ClockTime: _layout(
        ClockTime,
        "spare" / BitsInteger(3),
        "mjd" / BitsInteger(17),
        "hour" / BitsInteger(5),
        "minute" / BitsInteger(6),
        "west" / Flag,
        "offset_half_hours" / BitsInteger(5),
    ),
    ProgrammeTypeName: _layout(
        ProgrammeTypeName, "ab" / Flag, "spare" / BitsInteger(3), "segment" / BitsInteger(1), "name" / _characters(4)
    ),
    EmergencyWarning: _layout(
        EmergencyWarning, "bits" / BitsInteger(5), "block3" / BitsInteger(16), "block4" / BitsInteger(16)
    ),
    OtherNetwork: _layout(
        OtherNetwork,
        "tp_on" / Flag,
        "variant" / BitsInteger(4),
        "information" / BitsInteger(16),
        "pi_on" / BitsInteger(16),
    ),
    OtherNetworkSwitch: _layout(
        OtherNetworkSwitch,
        "tp_on" / Flag,
        "ta_on" / Flag,
        "spare" / BitsInteger(3),
        _PI_AGAIN,
        "pi_on" / BitsInteger(16),
    ),
    LongServiceName: _layout(
        LongServiceName, "spare" / BitsInteger(2), "segment" / BitsInteger(3), "name" / _characters(4)
    ),
    FastSwitching: _layout(FastSwitching, *_SWITCHES, _PI_AGAIN, "again" / BitsInteger(16)),
}
_CONTENT_OF: Final = {key: content for content, key in _TYPE_OF.items()}
_FREE: Final = Bitwise(Struct(*_HEAD, "bits" / BitsInteger(5), "block3" / BitsInteger(16), "block4" / BitsInteger(16)))


# ---- words ---------------------------------------------------------------------------------------------------------


def decode(words: Sequence[int]) -> Group:
    """A group from its four words. Raises RemoteProtocolError: body, pi, repeat."""
    group, fault = read(words)
    if fault is not None:
        raise fault
    return group


def read(words: Sequence[int]) -> Heard:
    """A group from its four words, blocks 1 and 2 believed where a later block disagrees. Raises RemoteProtocolError:
    body."""
    if len(words) != WORDS or not all(0 <= word <= 0xFFFF for word in words):
        raise RemoteProtocolError("body", f"a group has {WORDS} words of 16 bits, not {list(words)[:8]}")
    data = b"".join(word.to_bytes(2, "big") for word in words)
    key = (words[1] >> 12, bool(words[1] >> 11 & 1))
    if (content := _CONTENT_OF.get(key)) is not None:
        heard: Heard = parse(_LAYOUTS[content], data)
        return heard
    found = parse(_FREE, data)
    fault = _pi_differs(found.pi, found.block3) if found.version_b else None
    block3 = None if found.version_b else found.block3
    return Group(found.pi, found.tp, found.pty, FreeFormat(found.number, found.bits, block3, found.block4)), fault


def encode(group: Group) -> Words:
    """The four words of a group. Raises LocalProtocolError for a value that does not fit its field."""
    content = group.content
    if isinstance(content, FreeFormat):
        version_b = content.block3 is None
        if (content.number, version_b) in _CONTENT_OF:
            raise LocalProtocolError(f"{group_name(content.number << 1 | version_b)} has a type of its own")
        own = {"bits": content.bits, "block4": content.block4}
        own["block3"] = group.pi if content.block3 is None else content.block3
        head = {"pi": group.pi, "number": content.number, "version_b": version_b, "tp": group.tp, "pty": group.pty}
        data = build(_FREE, head | own)
    else:
        data = build(_LAYOUTS[type(content)], group)
    one, two, three, four = (int.from_bytes(data[at : at + 2], "big") for at in range(0, 2 * WORDS, 2))
    return one, two, three, four
