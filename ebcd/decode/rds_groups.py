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
from protocols.rds.on_air import GROUP_BYTES, heard_from_air, to_air

WORDS_BYTES = 8
WRONG_BLOCKS_MAX = 1  # of four: three right checkwords and their order are no chance
_FLAGS, _FAST_SWITCHING = 0x07FF, 0xF800
_BLOCK_OF = {"pi": 2, "repeat": 3}  # counted from 0: the block that disagrees
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
Faults = tuple[RemoteProtocolError, ...]
_NO_FAULTS: Faults = ()
_YEARS_MJD = range(51_544, 88_069)  # this century


def claim(data: bytes) -> Claim:
    """Eight bytes are a group whenever they read; certain only where a text, a clock or a repeated PI agrees."""
    faults = _NO_FAULTS
    if len(data) == GROUP_BYTES:
        words, faults = heard_from_air(data)
        if len(faults) > WRONG_BLOCKS_MAX:
            return Claim.NONE
        data = _bytes_of(words)
    elif len(data) != WORDS_BYTES:
        return Claim.NONE
    group, fault = rds.read(_words(data))
    if fault is not None and fault.reason == "pi":
        return Claim.NONE
    if not group.pi:
        return Claim.WEAK
    if _tells_itself(group.content):
        return Claim.CERTAIN
    return Claim.WEAK if faults else Claim.LIKELY


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
    """One group. On air its checkwords are judged; nothing is corrected, and what came is shown as it came."""
    crc, faults = Crc.NONE, _NO_FAULTS
    if len(data) == GROUP_BYTES:
        words, faults = heard_from_air(data)
        crc = Crc.BAD if faults else Crc.OK
    elif len(data) == WORDS_BYTES:
        words = _words(data)
    else:
        error = RemoteProtocolError(
            "length", f"a group has {WORDS_BYTES} bytes, or {GROUP_BYTES} on air; here are {len(data)}"
        )
        return Reading("rds-group", "", errors=(told(error),), clause=_CLAUSE)
    group, fault = rds.read(words)
    if fault is not None:
        at = _BLOCK_OF[fault.reason] * len(data) // rds.WORDS
        faults = (*faults, RemoteProtocolError(fault.reason, fault.detail, offset=at))
    again: bytes | None = None
    try:
        made = rds.encode(group)
        again = to_air(made) if len(data) == GROUP_BYTES else _bytes_of(made)
    except LocalProtocolError:
        pass
    name = group_name(words[1] >> 11)
    fields = _fields(group, name) + (_other_side(words, fault) if fault is not None else Group())
    return Reading(
        "rds-group",
        name,
        fields,
        crc,
        Signed.NONE,
        again == data,
        errors=tuple(told(each) for each in faults),
        clause=f"EN 50067 {CLAUSES.get(type(group.content), '3.1')}",
        offset=faults[0].offset if faults else None,
    )


def _fields(group: rds.Group, name: str) -> Group:
    head = _head(f"{group.pi:04X}", name, group)
    own = tuple(field for field in content_fields(group.content) if field.name != "number")  # group_type says it
    return Group((*head, *own))


def _head(pi: str, name: str, group: rds.Group) -> tuple[Field, ...]:
    fields = (
        Field("pi", pi),
        Field("group_type", name),
        Field("tp", group.tp),
        Field("pty", group.pty, "pty"),
    )
    return tuple(replace(each, clause=_CLAUSE) for each in fields)


def _other_side(words: rds.Words, fault: RemoteProtocolError) -> Group:
    """What the later block says that disagrees: the PI of block 3, or block 4 of 15B read as block 2."""
    if fault.reason == "pi":
        return Group((Field("pi_again", f"{words[2]:04X}"),))
    second = words[3]
    group, _ = rds.read((words[0], second & _FLAGS | _FAST_SWITCHING, words[0], second & _FLAGS | _FAST_SWITCHING))
    head = _head("", group_name(second >> 11), group)[1:]
    return Group((Field("repeated", Group((*head, *content_fields(group.content)))),))


def _words(data: bytes) -> rds.Words:
    one, two, three, four = (int.from_bytes(data[at : at + 2], "big") for at in range(0, WORDS_BYTES, 2))
    return one, two, three, four


def _bytes_of(words: rds.Words) -> bytes:
    return b"".join(word.to_bytes(2, "big") for word in words)


RECOGNISER = Recogniser("rds-group", claim, read)
