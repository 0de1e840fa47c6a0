"""FEFD frames that break: their fields up to there (GD/J 089-2018 annexes D and E)."""

from __future__ import annotations

from dataclasses import replace
from struct import Struct

from ebcd.decode.cuts import cut, is_cut
from ebcd.decode.keys import Keys
from ebcd.decode.reading import NO_NOTES, UNSIGNED, Crc, Reading, Signed
from ebcd.decode.recogniser import message_name, told
from ebcd.decode.signature_fields import block_fields, crc_field, unread_fields
from ebcd.decode.terminal_bodies import CLAUSES, body_fields
from ebcd.decode.tree import Field, Group, Items, value_of
from protocols import terminal
from protocols.codes import resource_code_of
from protocols.crc import crc32_mpeg2
from protocols.errors import RemoteProtocolError
from protocols.partial import Partial
from protocols.signature import BLOCK_BYTES, SignatureBlock
from protocols.terminal import Header
from protocols.terminal.frame import MARK, measure

CODE_BYTES = 12
TARGETS_AT = {Header.D: 26, Header.E: 25}
TOTAL_AT = {Header.D: 10, Header.E: 9}
HEAD_CLAUSES = {Header.D: "GD/J 089 D.2-D.4", Header.E: "GD/J 089 E.2, E.3"}
_FRAME_CLAUSE = "GD/J 089 D.2, E.2"
_HEAD = Struct(">2sHIB")
_PACKET_TYPE_AT = 8
_FIRST_NIBBLE = 0xF0
_CRC_BYTES = 4
_BUSINESS_BYTES = 3
_OF_LENGTHS = frozenset({"head", "length"})
_HEAD_BYTES_MIN = 13  # up to the byte that tells the headers apart
_FRAME_BYTES_MIN = 32  # header E without targets


def so_far(data: bytes, keys: Keys, errors: tuple[RemoteProtocolError, ...]) -> Reading:
    """A frame that breaks: its fields up to there, and what its lengths still tell of the bytes behind the data."""
    broken = Reading("terminal", "", head_of(data), _crc_of(data), clause=_FRAME_CLAUSE)
    broken = replace(broken, errors=tuple(told(each) for each in errors), offset=errors[-1].offset)
    header = _header_of(data)
    if header is None:
        is_begun = len(data) < _HEAD_BYTES_MIN and errors[0].reason == "length"
        return cut(broken, len(data), _FRAME_BYTES_MIN, at_least=True) if is_begun else broken
    if errors[0].reason in _OF_LENGTHS and data[:2] == MARK:
        broken = _with_lengths(broken, data, header)
    fields, at, is_whole = _addresses(data, header)
    if not is_whole or at + 3 > len(data):
        return replace(broken, fields=fields + Group(unread_fields(data[at:])))
    type_, length = data[at], int.from_bytes(data[at + 1 : at + 3], "big")
    at += 3
    value, used = terminal.data_so_far(type_, data[_PACKET_TYPE_AT], data[at : at + length])
    business = Group((Field("business_type", type_, "business_type"), Field("business_length", length)))
    fields += _with_clause(business, header) + body_fields(value)
    signature, notes = Signed.NONE, NO_NOTES
    if measure(data, 0, terminal.FRAME_BYTES_MAX) != len(data):
        fields += Group(unread_fields(data[at + used :]))
    else:
        notes = UNSIGNED
        block, end = data[at + length : -_CRC_BYTES], at + length
        signed = SignatureBlock.decode(block[2:]) if len(block) == 2 + BLOCK_BYTES else None
        if signed is not None and not signed.is_empty:
            signature, notes = keys.judge(data[:end], signed, ranges=(("", 0), ("body", at - 3), ("data", at)))
        fields += Group((*unread_fields(data[at + used : end]), *block_fields(signed), crc_field(data)))
    clause = f"GD/J 089 {CLAUSES[type_]}" if type_ in CLAUSES else _FRAME_CLAUSE
    return replace(broken, message=_name(value), fields=fields, signature=signature, notes=notes, clause=clause)


def _with_lengths(broken: Reading, data: bytes, header: Header) -> Reading:
    """The same with what the lengths tell: that the end is missing, or that the total lies where the others lead to
    the end."""
    total = int.from_bytes(data[TOTAL_AT[header] :][:2], "big")
    begin = TARGETS_AT[header]
    at = begin + CODE_BYTES * int.from_bytes(data[begin - 2 : begin], "big")
    inner = at + _BUSINESS_BYTES + int.from_bytes(data[at + 1 : at + _BUSINESS_BYTES], "big") + _CRC_BYTES
    if len(data) in (inner, inner + 2, inner + 2 + BLOCK_BYTES) and total != len(data):
        detail = f"the total length says {total}, the other lengths lead to the {len(data)} bytes that are here"
        error = told(RemoteProtocolError("length", detail, offset=TOTAL_AT[header]))
        return replace(broken, errors=(error, *broken.errors[1:]), offset=TOTAL_AT[header])
    is_one = broken.crc is Crc.BAD and is_cut(len(data), total, terminal.FRAME_BYTES_MAX)
    return cut(broken, len(data), total) if is_one else broken


def _name(value: terminal.Message | Partial) -> str:
    if isinstance(value, terminal.Opaque):
        return "extension"
    return message_name(value.owner if isinstance(value, Partial) else type(value).__name__)


def _header_of(data: bytes) -> Header | None:
    """Which header the first nibble of the source's code shows, where it has come so far."""
    for header, at in ((Header.D, 12), (Header.E, 11)):
        if len(data) > at and data[at] >= _FIRST_NIBBLE:
            return header
    return None


def _addresses(data: bytes, header: Header) -> tuple[Group, int, bool]:
    """The head up to the target codes as far as it is there, where that ends, and whether it is all there."""
    at = TOTAL_AT[header]
    head = [Field("header", header.value, "header"), *head_of(data).fields]
    if header is Header.D:
        head.append(Field("signature_flag", data[9]))
    head.append(Field("total_length", int.from_bytes(data[at : at + 2], "big")))
    begin = TARGETS_AT[header]
    if len(data) < begin:
        return _with_clause(Group(tuple(head)), header), at + 2, False
    count = int.from_bytes(data[begin - 2 : begin], "big")
    starts = range(begin, len(data) - CODE_BYTES + 1, CODE_BYTES)[:count]
    codes = tuple(_code(data[each : each + CODE_BYTES]) for each in starts)
    head.append(Field("source_code", _code(data[at + 2 :][:CODE_BYTES]), "code"))
    head.append(Field("target_codes", Items(codes), "code"))
    return _with_clause(Group(tuple(head)), header), begin + CODE_BYTES * len(codes), len(codes) == count


def _code(data: bytes) -> str:
    """The digits, or the bytes where they are no code."""
    try:
        return str(resource_code_of(data))
    except RemoteProtocolError:
        return data.hex().upper()


def _with_clause(group: Group, header: Header) -> Group:
    return Group(tuple(replace(each, clause=HEAD_CLAUSES[header]) for each in group.fields))


def _crc_of(data: bytes) -> Crc:
    if len(data) < _HEAD.size + _CRC_BYTES:
        return Crc.NONE
    return Crc.BAD if crc32_mpeg2(data) else Crc.OK


def head_of(data: bytes) -> Group:
    """Mark, version, session and packet type of what may be a frame."""
    if len(data) < _HEAD.size:
        return Group()
    mark, version, session, packet_type = _HEAD.unpack_from(data)
    return Group(
        (
            Field("mark", value_of(mark)),
            Field("version", f"{version:04X}"),
            Field("session_id", session),
            Field("packet_type", packet_type, "packet_type"),
        )
    )
