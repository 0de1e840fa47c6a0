"""Groups of ordinary RDS: eight bytes of information, or the thirteen on air (EN 50067)."""

from __future__ import annotations

from dataclasses import replace

from ebcd.decode.keys import Keys
from ebcd.decode.rds_content import content_fields
from ebcd.decode.reading import Crc, Reading, Signed
from ebcd.decode.recogniser import Claim, Recogniser, told
from ebcd.decode.tree import Field, Group
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.rds import groups as rds
from protocols.rds.group_types import group_name

WORDS_BYTES = 8
_CLAUSE = "EN 50067 3.1"
CLAUSES = {
    rds.BasicTuning: "3.1.5.1",
    rds.BasicTuningShort: "3.1.5.1",
    rds.SlowLabelling: "3.1.5.2",
    rds.RadioText: "3.1.5.3",
    rds.RadioTextShort: "3.1.5.3",
    rds.OpenDataAnnouncement: "3.1.5.4",
    rds.ClockTime: "3.1.5.6",
    rds.ProgrammeTypeName: "3.1.5.14",
    rds.EmergencyWarning: "3.1.5.13",
    rds.OtherNetwork: "3.1.5.19",
    rds.OtherNetworkSwitch: "3.1.5.19",
    rds.FastSwitching: "3.1.5.21",
}
_AF_SIGNS = frozenset((*range(0xE0, 0xFB), 0xCD))  # number of frequencies, and the filler
_LABEL_VARIANTS = frozenset({0, 3, 6, 7})  # country and paging, language, broadcaster, EWS channel
_YEARS_MJD = range(51_544, 88_069)  # this century


def claim(data: bytes) -> Claim:
    """Eight bytes are a group whenever they read; certain only where a text, a clock or a repeated PI agrees."""
    if len(data) == rds.GROUP_BYTES:
        try:
            data = _bytes_of(rds.from_air(data))
        except RemoteProtocolError:
            return Claim.NONE
    elif len(data) != WORDS_BYTES:
        return Claim.NONE
    try:
        group = rds.decode(_words(data))
    except RemoteProtocolError:
        return Claim.NONE
    if not group.pi:
        return Claim.WEAK
    return Claim.CERTAIN if _tells_itself(group.content) else Claim.LIKELY


def _tells_itself(content: rds.Content) -> bool:
    """Whether the content is of a kind that other eight bytes hardly have."""
    match content:
        case rds.BasicTuning(name=name, af=af, af_next=af_next):
            return _is_text(name) and bool(_AF_SIGNS & {af, af_next})
        case rds.RadioText(text=text) | rds.ProgrammeTypeName(name=text):
            return _is_text(text)
        case rds.SlowLabelling(paging=0, day=0, hour=0, minute=0, variant=variant):
            return variant in _LABEL_VARIANTS
        case rds.ClockTime():
            in_day = content.hour < 24 and content.minute < 60 and not content.spare
            return in_day and content.mjd in _YEARS_MJD
        case rds.FreeFormat(block3=block3):
            return block3 is None
        case rds.BasicTuningShort() | rds.RadioTextShort() | rds.OtherNetworkSwitch() | rds.FastSwitching():
            return True
        case _:
            return False


def _is_text(data: bytes) -> bool:
    return all(0x20 <= byte < 0x7F or byte == rds.RADIO_TEXT_END for byte in data)


def read(data: bytes, _keys: Keys) -> Reading:
    """One group. On air its checkwords are judged; nothing is corrected."""
    crc = Crc.NONE
    try:
        if len(data) == rds.GROUP_BYTES:
            crc = Crc.BAD
            words = rds.from_air(data)
            crc = Crc.OK
        elif len(data) == WORDS_BYTES:
            words = _words(data)
        else:
            sizes = f"{WORDS_BYTES} bytes, or {rds.GROUP_BYTES} on air"
            raise RemoteProtocolError("length", f"a group has {sizes}; here are {len(data)}")
        group = rds.decode(words)
    except RemoteProtocolError as error:
        return Reading("rds-group", "", crc=crc, errors=(told(error),), clause=_CLAUSE, offset=error.offset)
    again: bytes | None = None
    try:
        made = rds.encode(group)
        again = rds.to_air(made) if len(data) == rds.GROUP_BYTES else _bytes_of(made)
    except LocalProtocolError:
        pass
    name = group_name(words[1] >> 11)
    clause = f"EN 50067 {CLAUSES.get(type(group.content), '3.1')}"
    return Reading("rds-group", name, _fields(group, name), crc, Signed.NONE, again == data, clause=clause)


def _fields(group: rds.Group, name: str) -> Group:
    head = (
        Field("pi", f"{group.pi:04X}"),
        Field("group_type", name),
        Field("tp", group.tp),
        Field("pty", group.pty, "pty"),
    )
    own = tuple(field for field in content_fields(group.content) if field.name != "number")  # group_type says it
    return Group(tuple(replace(each, clause=_CLAUSE) for each in head) + own)


def _words(data: bytes) -> rds.Words:
    one, two, three, four = (int.from_bytes(data[at : at + 2], "big") for at in range(0, WORDS_BYTES, 2))
    return one, two, three, four


def _bytes_of(words: rds.Words) -> bytes:
    return b"".join(word.to_bytes(2, "big") for word in words)


RECOGNISER = Recogniser("rds-group", claim, read)
