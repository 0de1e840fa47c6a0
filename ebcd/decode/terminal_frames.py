"""FEFD frames of IP terminals and returns (GD/J 089-2018 annexes D and E)."""

from __future__ import annotations

from dataclasses import replace

from ebcd.decode.draft_frames import is_draft, read_draft
from ebcd.decode.keys import Keys
from ebcd.decode.reading import NO_ERRORS, UNSIGNED, Crc, Note, Reading, Signed
from ebcd.decode.recogniser import Claim, Recogniser, message_name, told
from ebcd.decode.signature_fields import block_fields, crc_field, trailing_fields, trailing_notes
from ebcd.decode.terminal_bodies import CLAUSES, body_fields
from ebcd.decode.terminal_breaks import CODE_BYTES, HEAD_CLAUSES, TARGETS_AT, head_of, so_far
from ebcd.decode.tree import Field, Group, value_of
from protocols import terminal
from protocols.crc import crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import UNSIGNED as ZERO_BLOCK
from protocols.terminal import Frame, Header
from protocols.terminal.frame import MARK, VERSIONS, Unsigned, measure
from protocols.terminal.messages import EXTENSIONS

_CRC_BYTES = 4
_BUSINESS_BYTES = 3
_FRAME_BYTES_MIN = 32  # header E without targets
_VERSIONS = tuple(version.to_bytes(2, "big") for version in VERSIONS)
_OF_FRAME = frozenset({"head", "length"})


def claim(data: bytes) -> Claim:
    """Whether these are the bytes of one frame, or the first of one."""
    if data[:2] != MARK:
        is_one = len(data) >= _FRAME_BYTES_MIN and data[2:4] in _VERSIONS
        return Claim.LIKELY if is_one and measure(data, 0, terminal.FRAME_BYTES_MAX) == len(data) else Claim.NONE
    if measure(data, 0, terminal.FRAME_BYTES_MAX) == len(data):
        return Claim.LIKELY if crc32_mpeg2(data) else Claim.CERTAIN
    if is_draft(data):
        return Claim.CERTAIN
    return Claim.LIKELY if data[2:4] in _VERSIONS else Claim.WEAK


def read(data: bytes, keys: Keys) -> Reading:
    """One frame of either header. With a wrong CRC alone the fields are shown all the same."""
    crc, errors, offset = Crc.OK, NO_ERRORS, None
    try:
        frame = terminal.decode(data)
    except RemoteProtocolError as error:
        if error.reason in _OF_FRAME and (old := read_draft(data, keys)) is not None:
            return old
        if error.reason != "crc":
            return so_far(data, keys, (error,))
        try:
            frame = terminal.decode(data[:-_CRC_BYTES] + crc32_mpeg2(data[:-_CRC_BYTES]).to_bytes(_CRC_BYTES, "big"))
        except RemoteProtocolError as second:
            return so_far(data, keys, (error, second))
        crc, errors, offset = Crc.BAD, (told(error),), error.offset
    signature, notes = Signed.NONE, UNSIGNED
    if frame.signature is not None:
        business = TARGETS_AT[frame.header] + CODE_BYTES * len(frame.targets)
        signature, notes = keys.judge(
            frame.signed, frame.signature, ranges=(("", 0), ("body", business), ("data", business + _BUSINESS_BYTES))
        )
    return Reading(
        "terminal",
        "extension" if isinstance(frame.message, terminal.Opaque) else message_name(type(frame.message)),
        _fields(frame, data),
        crc,
        signature,
        _again(frame) == data,
        errors=errors,
        clause=_clause(frame),
        notes=(*notes, *_notes(frame)),
        offset=offset,
    )


def _clause(frame: Frame) -> str:
    if isinstance(frame.message, terminal.Answer):
        return "GD/J 089 D.10, D.12"
    return f"GD/J 089 {CLAUSES[frame.message.type]}" if frame.message.type in CLAUSES else ""


def _notes(frame: Frame) -> tuple[Note, ...]:
    found = list(trailing_notes(frame.trailing))
    if isinstance(frame.message, EXTENSIONS):
        found.append(Note("extension", (("type", f"{frame.message.type:#04x}"),)))
    if frame.flag_lies:
        found.append(Note("flag_lies"))
    return tuple(found)


def _again(frame: Frame) -> bytes | None:
    try:
        return terminal.encode(frame)
    except LocalProtocolError:
        return None


def _fields(frame: Frame, data: bytes) -> Group:
    clause = HEAD_CLAUSES[frame.header]
    at = 10 if frame.header is Header.D else 9
    head = [Field("header", frame.header.value, "header"), *head_of(data).fields]
    if frame.header is Header.D:
        head.append(Field("signature_flag", data[9]))
    head += [
        Field("total_length", int.from_bytes(data[at : at + 2], "big")),
        Field("source_code", str(frame.source), "code"),
        Field("target_codes", value_of(frame.targets), "code"),
        Field("business_type", frame.message.type, "business_type"),
        Field(
            "business_length",
            len(frame.signed) - TARGETS_AT[frame.header] - CODE_BYTES * len(frame.targets) - _BUSINESS_BYTES,
        ),
    ]
    return Group(tuple(replace(each, clause=clause) for each in head)) + body_fields(frame.message) + _tail(frame, data)


def _tail(frame: Frame, data: bytes) -> Group:
    length: tuple[Field, ...] = ()
    if block := data[len(frame.signed) : -_CRC_BYTES]:
        length = (Field("signature_info_length", int.from_bytes(block[:2], "big"), "", "GD/J 089 D.4"),)
    signature = frame.signature or (ZERO_BLOCK if frame.unsigned is Unsigned.ZEROS else None)
    return Group((*trailing_fields(frame.trailing), *length, *block_fields(signature), crc_field(data)))


RECOGNISER = Recogniser("terminal", claim, read)
