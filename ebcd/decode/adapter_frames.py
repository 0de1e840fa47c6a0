"""Frames between platform and adapter, 0x49 and 0x50 (GD/J 089-2018 annex A)."""

from __future__ import annotations

from dataclasses import replace
from struct import Struct

from ebcd.decode.cuts import cut, is_cut
from ebcd.decode.fm_content import content_fields
from ebcd.decode.keys import Keys
from ebcd.decode.reading import NO_ERRORS, NO_NOTES, UNSIGNED, Crc, Note, Reading, Signed
from ebcd.decode.recogniser import Claim, Recogniser, message_name, told
from ebcd.decode.signature_fields import (
    block_fields,
    certificates_of,
    crc_field,
    trailing_fields,
    trailing_notes,
    unread_fields,
)
from ebcd.decode.tree import Field, Group, Value, fields_of, fields_so_far, value_of
from protocols import adapter
from protocols.adapter import AdapterFrame, LockFrequency, QueryRecords, StopBroadcast, TypeTable
from protocols.adapter.daily import DailyCommand, DailyText
from protocols.crc import crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.packet import decode_content
from protocols.partial import Partial
from protocols.signature import BLOCK_BYTES, SignatureBlock
from protocols.signature import UNSIGNED as ZERO_BLOCK

_HEAD = Struct(">BHBBI")
_HEADS = (adapter.COMMAND_HEAD, adapter.REPORT_HEAD)
_HEAD_MARKS = tuple(bytes((head,)) for head in _HEADS)
_CRC_BYTES = 4
_FRAME_BYTES_MIN = _HEAD.size + 2 + _CRC_BYTES
_VERSION = b"\x00\x01"
_FRAME_CLAUSE = "GD/J 089 A.1-A.3"
_BLOCK_LENGTH = BLOCK_BYTES.to_bytes(2, "big")
_CLOSED_BYTES = 2 + BLOCK_BYTES + _CRC_BYTES
SWITCH_START, SWITCH_STOP = 1, 2
_TYPE_AT, _SWITCH_AT = 3, _HEAD.size + 18
_BEFORE_THE_BODY = frozenset({"head", "version"})
_OF_FRAME = frozenset({"head", "version", "length", "crc", "signature"})

CLAUSES = {
    0x01: "A.22",
    0x02: "A.24",
    0x03: "A.25",
    0x04: "A.12",
    0x05: "A.13",
    0x06: "A.14",
    0x07: "A.15",
    0x08: "A.16",
    0x09: "A.17",
    0x0A: "A.18",
    0x0B: "A.19",
    0x0C: "A.5",
    0x0D: "A.6",
    0x0E: "A.7",
    0x0F: "A.8",
    0x10: "A.9",
    0x11: "A.10",
    0x12: "A.26",
    0x13: "A.28",
    0x14: "A.29",
    0x15: "A.30",
    0x16: "A.31",
    0x17: "A.32",
    0x18: "A.33",
    0x19: "A.34",
    0x20: "A.35",
    0x21: "A.36",
    0x22: "A.38",
    0x3F: "A.20",
    0x40: "A.21",
    0x41: "A.11",
}
"""Type -> table of GD/J 089-2018."""


def claim(data: bytes) -> Claim:
    """Whether these are the bytes of one frame, or the first of one."""
    if len(data) >= _FRAME_BYTES_MIN and data[0] not in _HEADS and _fits(data):
        return Claim.LIKELY  # all but the head
    if len(data) < _HEAD.size or data[0] not in _HEADS:
        if data[:1] not in _HEAD_MARKS or data[1:3] != _VERSION:
            return Claim.NONE
        known = len(data) > 4 and data[3] in CLAUSES and data[4] in (adapter.PLATFORM, adapter.DEVICE)
        return Claim.LIKELY if known else Claim.WEAK
    _, version, _, origin, _ = _HEAD.unpack_from(data)
    if size_at(data, 0) == len(data):
        return Claim.LIKELY if version != 1 or crc32_mpeg2(data) else Claim.CERTAIN
    return Claim.WEAK if version == 1 and origin in (adapter.PLATFORM, adapter.DEVICE) else Claim.NONE


def _fits(data: bytes) -> bool:
    """Whether lengths, type and origin are those of a frame whose first byte is wrong."""
    _, version, type_, origin, _ = _HEAD.unpack_from(data)
    known = version == 1 and type_ in CLAUSES and origin in (adapter.PLATFORM, adapter.DEVICE)
    return known and size_at(data, 0) == len(data)


def size_at(data: bytes, at: int) -> int:
    """Length of the frame that begins at `at` by its two length fields; 0 where they are not there."""
    if len(data) - at < _HEAD.size:
        return 0
    end = at + _HEAD.size + int.from_bytes(data[at + _HEAD.size - 4 : at + _HEAD.size], "big")
    if end + 2 > len(data):
        return 0
    return end + 2 + int.from_bytes(data[end : end + 2], "big") + _CRC_BYTES - at


def read(data: bytes, keys: Keys) -> Reading:
    """One frame, its CRC and its signature. With a wrong CRC alone the fields are shown all the same."""
    crc, errors, offset = Crc.OK, NO_ERRORS, None
    try:
        frame, table = _decode(data)
    except RemoteProtocolError as error:
        if error.reason != "crc":
            return _so_far(data, keys, (error,))
        try:
            frame, table = _decode(data[:-_CRC_BYTES] + crc32_mpeg2(data[:-_CRC_BYTES]).to_bytes(_CRC_BYTES, "big"))
        except RemoteProtocolError as second:
            return _so_far(data, keys, (error, second))
        crc, errors, offset = Crc.BAD, (told(error),), error.offset
    signature, notes = Signed.NONE, UNSIGNED
    if frame.signature is not None:
        signature, notes = keys.judge(frame.signed, frame.signature)
    return Reading(
        "adapter",
        message_name(type(frame.message)),
        _fields(frame, data),
        crc,
        signature,
        _again(frame, table) == data,
        errors=errors,
        clause=f"GD/J 089 {CLAUSES.get(frame.message.type, 'annex A')}",
        notes=(*notes, *trailing_notes(frame.trailing), *((Note("table_a1"),) if table is TypeTable.A1 else ())),
        offset=offset,
    )


def _so_far(data: bytes, keys: Keys, errors: tuple[RemoteProtocolError, ...]) -> Reading:
    """A frame that breaks: its fields up to there, and what its lengths still tell of the bytes behind the body."""
    broken = Reading("adapter", "", head_of(data), _crc_of(data), clause=_FRAME_CLAUSE)
    broken = replace(broken, errors=tuple(told(each) for each in errors), offset=errors[-1].offset)
    if len(data) < _HEAD.size and data[:1] in _HEAD_MARKS:
        return cut(broken, len(data), _FRAME_BYTES_MIN, at_least=True)
    if errors[0].reason in _BEFORE_THE_BODY or not broken.fields.fields:
        return broken
    type_, end = data[_TYPE_AT], _HEAD.size + int.from_bytes(data[_HEAD.size - 4 : _HEAD.size], "big")
    value, used = adapter.body_so_far(type_, data[_HEAD.size : end])
    fields = head_of(data) + _body(value) if not isinstance(value, Partial) else head_of(data) + _partial(value, data)
    at, signature, notes = _HEAD.size + used, Signed.NONE, NO_NOTES
    if size_at(data, 0) != len(data):
        fields += Group(unread_fields(data[at:]))
    else:
        notes = UNSIGNED
        block = data[end + 2 : -_CRC_BYTES]
        signed = SignatureBlock.decode(block) if len(block) == BLOCK_BYTES else None
        if signed is not None and not signed.is_empty:
            signature, notes = keys.judge(data[:end], signed)
        fields += Group((*unread_fields(data[at:end]), *_block(signed, data[end : end + 2]), crc_field(data)))
    cls = adapter.message_class(type_)
    named = message_name(StopBroadcast if _is_stop(data) else cls) if cls is not None else ""
    clause = f"GD/J 089 {CLAUSES[type_]}" if type_ in CLAUSES else _FRAME_CLAUSE
    broken = replace(broken, message=named, fields=fields, signature=signature, notes=notes, clause=clause)
    return _cut(broken, data) if broken.crc is Crc.BAD and errors[0].reason == "length" else broken


def _cut(broken: Reading, data: bytes) -> Reading:
    """The same where the end is missing; a whole frame with a length that lies has its block in the place of one."""
    if data[-_CLOSED_BYTES:][:2] == _BLOCK_LENGTH and len(data) >= _HEAD.size + _CLOSED_BYTES:
        return broken
    end = _HEAD.size + int.from_bytes(data[_HEAD.size - 4 : _HEAD.size], "big")
    whole, is_open = size_at(data, 0), end + 2 > len(data)
    whole = end + 2 + _CRC_BYTES if is_open else whole
    is_one = is_cut(len(data), whole, adapter.FRAME_BYTES_MAX)
    return cut(broken, len(data), whole, at_least=is_open) if is_one else broken


def _is_stop(data: bytes) -> bool:
    return data[_TYPE_AT] == StopBroadcast.type and data[_SWITCH_AT : _SWITCH_AT + 1] == bytes([SWITCH_STOP])


def _partial(value: Partial, data: bytes) -> Group:
    """What could be read of a body; the switch of 0x04 decides which body it is, and has no name there."""
    fields = fields_so_far(value).fields
    if data[_TYPE_AT] != StopBroadcast.type or len(data) <= _SWITCH_AT or not fields:
        return Group(fields)
    return Group((fields[0], Field("switch", data[_SWITCH_AT], "action"), *fields[1:]))


def head_of(data: bytes) -> Group:
    """The first five fields of what may be a frame, as far as they are there."""
    if len(data) < _HEAD.size:
        return Group()
    head, version, type_, origin, length = _HEAD.unpack_from(data)
    values = (
        Field("head", head, "adapter_head"),
        Field("version", version),
        Field("protocol_type", type_, "adapter_type"),
        Field("origin", origin, "origin"),
        Field("body_length", length),
    )
    return Group(tuple(replace(value, clause=_FRAME_CLAUSE) for value in values))


def _crc_of(data: bytes) -> Crc:
    """Whether the last four bytes are right although the frame is not; `none` where there is no room for them."""
    if len(data) < _HEAD.size + _CRC_BYTES:
        return Crc.NONE
    return Crc.BAD if crc32_mpeg2(data) else Crc.OK


def _decode(data: bytes) -> tuple[AdapterFrame, TypeTable]:
    """By table A.4, and where its body does not fit by table A.1, which numbers 0x17-0x22 otherwise."""
    try:
        return adapter.decode(data), TypeTable.A4
    except RemoteProtocolError as error:
        if error.reason in _OF_FRAME:
            raise
        try:
            return adapter.decode(data, TypeTable.A1), TypeTable.A1
        except RemoteProtocolError:
            raise error from None


def _again(frame: AdapterFrame, table: TypeTable) -> bytes | None:
    try:
        return adapter.encode_again(frame, table)
    except LocalProtocolError:
        return None


def _fields(frame: AdapterFrame, data: bytes) -> Group:
    return head_of(data) + _body(frame.message) + _tail(frame, data)


def _body(message: adapter.Message | None) -> Group:
    match message:
        case adapter.StartBroadcast():
            fields = fields_of(message).fields
            return Group((fields[0], Field("switch", SWITCH_START, "action"), *fields[1:]))
        case StopBroadcast(rest=None):
            ebm_id, targets = fields_of(message).fields[:2]
            return Group((ebm_id, Field("switch", SWITCH_STOP, "action"), targets))
        case StopBroadcast(rest=rest):
            fields = fields_of(rest).fields
            return Group((fields[0], Field("switch", SWITCH_STOP, "action"), *fields[1:]))
        case adapter.TsSpecial(tag=tag, content=content) | adapter.IpSpecial(tag=tag, content=content):
            return Group((Field("tag", tag), Field("data", _special(content))))
        case adapter.RdsSpecial():
            head = fields_of(message).fields[:-1]
            return Group((*head, Field("data", _packet_content(message.packet_type, message.data))))
        case adapter.UpdateTerminalCertificates() | adapter.UpdateAdapterCertificates():
            return certificates_of(message.lists, message.certificates)
        case _:
            return fields_of(message)


def _special(content: LockFrequency | QueryRecords | DailyCommand | bytes) -> Value:
    """What stands behind a tag of 0x01 or 0x03; a daily command has a tag of its own (table C.1)."""
    if isinstance(content, bytes | LockFrequency | QueryRecords):
        return value_of(content)
    words = Group((Field("text", value_of(content.text)),)) if isinstance(content, DailyText) else Group()
    return Group((Field("tag", content.tag, "daily_tag", "GD/J 089 C.1"),)) + fields_of(content) + words


def _packet_content(packet_type: int, data: bytes) -> Value:
    """The content of an FM packet inside command 0x02; hexadecimal where it is none."""
    try:
        return content_fields(decode_content(packet_type, data))
    except RemoteProtocolError:
        return value_of(data)


def _tail(frame: AdapterFrame, data: bytes) -> Group:
    block = frame.signature or (ZERO_BLOCK if frame.zero_block else None)
    fields = _block(block, data[len(frame.signed) :][:2])
    return Group((*trailing_fields(frame.trailing), *fields, crc_field(data)))


def _block(block: SignatureBlock | None, length: bytes) -> tuple[Field, ...]:
    found = Field("signature_info_length", int.from_bytes(length, "big"), "", "GD/J 089 A.3")
    return (found, *block_fields(block))


RECOGNISER = Recogniser("adapter", claim, read)
