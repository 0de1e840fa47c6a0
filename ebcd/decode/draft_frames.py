"""FEFD frames of the older provincial draft, 9-byte codes and 15-byte EBM ids (terminal-ip.md 2.2, `edition` 2016x)."""

from __future__ import annotations

from dataclasses import replace

from ebcd.decode.keys import Keys
from ebcd.decode.reading import UNSIGNED, Crc, Note, Reading, Signed
from ebcd.decode.recogniser import message_name
from ebcd.decode.signature_fields import block_fields, crc_field
from ebcd.decode.tree import Field, Group, fields_of, value_of
from protocols import terminal
from protocols.crc import ends_in_crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.terminal import draft
from protocols.terminal.frame import MARK

_CLAUSE = "2016x"
_BUSINESS_BYTES = 3
_HEAD_BYTES = 23


def is_draft(data: bytes) -> bool:
    """Whether the draft's lengths and the CRC agree; nothing else tells it from the text of 2018."""
    if data[:2] != MARK or draft.measure(data, 0, terminal.FRAME_BYTES_MAX) != len(data):
        return False
    return ends_in_crc32_mpeg2(data)


def read_draft(data: bytes, keys: Keys) -> Reading | None:
    """The frame by the draft; None where it is none of it."""
    try:
        frame = draft.decode(data)
    except RemoteProtocolError:
        return None
    signature, notes = Signed.NONE, UNSIGNED
    if frame.signature is not None:
        business = _HEAD_BYTES + draft.CODE_BYTES * len(frame.targets)
        ranges = (("", 0), ("body", business), ("data", business + _BUSINESS_BYTES))
        signature, notes = keys.judge(frame.signed, frame.signature, ranges=ranges)
    opaque = isinstance(frame.message, terminal.Opaque)
    return Reading(
        "terminal",
        "extension" if opaque else message_name(type(frame.message)),
        _fields(frame, data),
        Crc.OK,
        signature,
        _again(frame) == data,
        clause=_CLAUSE,
        notes=(*notes, Note("edition_2016x")),
    )


def _again(frame: draft.OldFrame) -> bytes | None:
    try:
        return draft.encode(frame)
    except LocalProtocolError:
        return None


def _fields(frame: draft.OldFrame, data: bytes) -> Group:
    length = len(frame.signed) - _HEAD_BYTES - draft.CODE_BYTES * len(frame.targets) - _BUSINESS_BYTES
    head = (
        Field("header", "D", "header"),
        Field("mark", value_of(data[:2])),
        Field("version", data[2:4].hex()),
        Field("session_id", frame.session),
        Field("packet_type", frame.packet_type, "packet_type"),
        Field("signature_flag", data[9]),
        Field("total_length", len(data)),
        Field("source_code", str(frame.source)),
        Field("target_codes", value_of(frame.targets)),
        Field("business_type", frame.message.type, "business_type"),
        Field("business_length", length),
    )
    body = fields_of(frame.message)
    if isinstance(frame.message, terminal.Opaque):
        body = Group((Field("data", value_of(frame.message.data)),))
    elif isinstance(frame.message, terminal.Answer):
        body = Group(body.fields[1:])  # the business type is said above
    tail = (*block_fields(frame.signature), crc_field(data))
    return Group(tuple(replace(each, clause=_CLAUSE) for each in head)) + body + Group(tail)
