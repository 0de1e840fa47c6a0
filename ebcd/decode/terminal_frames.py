"""FEFD frames of IP terminals and returns (GD/J 089-2018 annexes D and E)."""

from __future__ import annotations

from dataclasses import replace
from struct import Struct

from ebcd.decode.draft_frames import is_draft, read_draft
from ebcd.decode.keys import Keys
from ebcd.decode.reading import NO_ERRORS, UNSIGNED, Crc, Note, Reading, Signed
from ebcd.decode.recogniser import Claim, Recogniser, message_name, told
from ebcd.decode.signature_fields import block_fields, certificates_of, crc_field, trailing_fields, trailing_notes
from ebcd.decode.tree import Field, Group, Items, fields_of, value_of
from protocols import terminal
from protocols.adapter.targets import DomainReturn, IpReturn, SmsReturn
from protocols.crc import crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import UNSIGNED as ZERO_BLOCK
from protocols.terminal import Frame, Header, ParameterSet, StatusAnswer, parameter_id
from protocols.terminal.frame import MARK, VERSIONS, Unsigned, measure
from protocols.terminal.messages import EXTENSIONS

_CRC_BYTES = 4
_VERSIONS = tuple(version.to_bytes(2, "big") for version in VERSIONS)
_HEAD = Struct(">2sHIB")
_HEAD_CLAUSES = {Header.D: "GD/J 089 D.2-D.4", Header.E: "GD/J 089 E.2, E.3"}
_TARGETS_AT = {Header.D: 26, Header.E: 25}
_CODE_BYTES = 12
_OF_FRAME = frozenset({"head", "length"})

CLAUSES = {
    0x01: "D.5",
    0x02: "D.6",
    0x10: "D.7",
    0x11: "D.8, E.4, E.5",
    0x12: "D.9",
    0x13: "annex E",
    0x14: "annex E",
    0x15: "annex E",
    0x16: "annex E",
    0x17: "D.11",
}
"""Business type -> table of GD/J 089-2018."""


def claim(data: bytes) -> Claim:
    """Whether these are the bytes of one frame, or the first of one."""
    if data[:2] != MARK:
        return Claim.NONE
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
        broken = Reading("terminal", "", _head_of(data), errors=(told(error),), offset=error.offset)
        if error.reason != "crc":
            return replace(broken, crc=_crc_of(data), clause="GD/J 089 D.2, E.2")
        try:
            frame = terminal.decode(data[:-_CRC_BYTES] + crc32_mpeg2(data[:-_CRC_BYTES]).to_bytes(_CRC_BYTES, "big"))
        except RemoteProtocolError as second:
            return replace(broken, crc=Crc.BAD, errors=(*broken.errors, told(second)), clause="GD/J 089 D.2, E.2")
        crc, errors, offset = Crc.BAD, broken.errors, broken.offset
    signature, notes = Signed.NONE, UNSIGNED
    if frame.signature is not None:
        business = _TARGETS_AT[frame.header] + _CODE_BYTES * len(frame.targets)
        signature, notes = keys.judge(frame.signed, frame.signature, ranges=(("", 0), ("body", business)))
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


def _crc_of(data: bytes) -> Crc:
    if len(data) < _HEAD.size + _CRC_BYTES:
        return Crc.NONE
    return Crc.BAD if crc32_mpeg2(data) else Crc.OK


def _head_of(data: bytes) -> Group:
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


def _again(frame: Frame) -> bytes | None:
    try:
        return terminal.encode(frame)
    except LocalProtocolError:
        return None


def _fields(frame: Frame, data: bytes) -> Group:
    clause = _HEAD_CLAUSES[frame.header]
    at = 10 if frame.header is Header.D else 9
    head = [Field("header", frame.header.value, "header"), *_head_of(data).fields]
    if frame.header is Header.D:
        head.append(Field("signature_flag", data[9]))
    head += [
        Field("total_length", int.from_bytes(data[at : at + 2], "big")),
        Field("source_code", str(frame.source), "code"),
        Field("target_codes", value_of(frame.targets), "code"),
        Field("business_type", frame.message.type, "business_type"),
        Field("business_length", len(frame.signed) - _TARGETS_AT[frame.header] - _CODE_BYTES * len(frame.targets) - 3),
    ]
    return Group(tuple(replace(each, clause=clause) for each in head)) + _body(frame) + _tail(frame, data)


def _body(frame: Frame) -> Group:
    match frame.message:
        case ParameterSet(settings=settings):
            return Group((Field("parameters", Items(tuple(_parameter(each, of_set=True) for each in settings))),))
        case StatusAnswer(result=result, text=text, parameters=parameters):
            items = Items(tuple(_parameter(each, of_set=False) for each in parameters))
            head = fields_of(terminal.Answer(frame.message.type, result, text)).fields[1:]
            return Group((*head, Field("parameters", items)))
        case terminal.Opaque(data=data):
            return Group((Field("data", value_of(data)),))
        case terminal.CertificateUpdate(lists=lists, certificates=certificates):
            return certificates_of(lists, certificates)
        case terminal.Answer() as answer:
            return Group(fields_of(answer).fields[1:])
        case message:
            return fields_of(message)


def _parameter(parameter: terminal.Parameter | terminal.Setting, *, of_set: bool) -> Group:
    """Id and value; the tables of queries (E.5) and of settings (D.9) differ from 05 on."""
    number = parameter_id(parameter)
    head = Field("id", number, "setting" if of_set else "parameter")
    if isinstance(parameter, terminal.ReturnTo):
        return Group((head, *_return_to(parameter.address).fields))
    own = tuple(field for field in fields_of(parameter).fields if field.name != "id")
    kind = {0x01: "volume", 0x05: "amplifier", 0x06: "time"} if of_set else {0x01: "volume", 0x06: "work_state"}
    return Group((head, *(replace(each, kind=each.kind or kind.get(number, "")) for each in own)))


def _return_to(address: SmsReturn | IpReturn | DomainReturn) -> Group:
    """Parameter 03 numbers the ways otherwise than annex A."""
    match address:
        case IpReturn(ip=ip, port=port):
            kind, shown = 1, f"{ip}:{port}"
        case DomainReturn(domain=domain, port=port):
            kind, shown = 2, f"{domain}:{port}"
        case SmsReturn(number=number):
            kind, shown = 3, number
    return Group((Field("ret_type", kind, "parameter_return"), Field("addr", value_of(shown))))


def _tail(frame: Frame, data: bytes) -> Group:
    length: tuple[Field, ...] = ()
    if block := data[len(frame.signed) : -_CRC_BYTES]:
        length = (Field("signature_info_length", int.from_bytes(block[:2], "big"), "", "GD/J 089 D.4"),)
    signature = frame.signature or (ZERO_BLOCK if frame.unsigned is Unsigned.ZEROS else None)
    return Group((*trailing_fields(frame.trailing), *length, *block_fields(signature), crc_field(data)))


RECOGNISER = Recogniser("terminal", claim, read)
