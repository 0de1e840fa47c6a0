"""Frames to and from ordinary RDS encoders (UECP, SPB 490)."""

from __future__ import annotations

import re

from ebcd.decode.keys import Keys
from ebcd.decode.rds_content import content_fields
from ebcd.decode.reading import Crc, Reading, Signed
from ebcd.decode.recogniser import Claim, Recogniser, message_name, told
from ebcd.decode.tree import Field, Group, Items, value_of
from protocols.crc import crc16_uecp
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.uecp import frame as uecp
from protocols.uecp import message

_ADDRESS = ("dsn", "psn")  # they follow the code
_INSIDE = re.compile(b"[\xfe\xff]")
_STUFFED = re.compile(rb"\xfd([\x00-\x02])")
_CLAUSE = "SPB 490 2.2"
_ELEMENT_CLAUSE = "SPB 490 3"
_BYTES_MIN = 2 + uecp.HEAD_BYTES + uecp.CRC_BYTES


def claim(data: bytes) -> Claim:
    """Start, stop and CRC; a frame whose end is missing has the length that says so."""
    if data[:1] != bytes([uecp.START]) or len(data) < _BYTES_MIN:
        return Claim.NONE
    if data[-1] != uecp.STOP:
        body = _unstuffed(data + b"\xff")[: uecp.HEAD_BYTES + uecp.MESSAGE_BYTES_MAX]
        is_cut = len(body) < uecp.HEAD_BYTES + body[uecp.HEAD_BYTES - 1] + uecp.CRC_BYTES
        return Claim.LIKELY if is_cut and not _INSIDE.search(data, 1) else Claim.WEAK
    body = _unstuffed(data)
    right = crc16_uecp(body[: -uecp.CRC_BYTES]) == int.from_bytes(body[-uecp.CRC_BYTES :], "big")
    return Claim.CERTAIN if right else Claim.LIKELY


def read(data: bytes, _keys: Keys) -> Reading:
    """One frame and its message elements. With a wrong CRC alone they are shown all the same."""
    errors: list[str] = []
    crc, offset = Crc.OK, None
    try:
        frame = uecp.decode(data)
    except RemoteProtocolError as error:
        errors, offset = [told(error)], error.offset
        body = _unstuffed(data)
        crc = Crc.BAD if error.reason == "crc" else Crc.NONE
        if error.reason != "crc" or body[uecp.HEAD_BYTES - 1] != len(body) - uecp.HEAD_BYTES - uecp.CRC_BYTES:
            return Reading("uecp", "", crc=crc, errors=tuple(errors), clause=_CLAUSE, offset=offset)
        address = int.from_bytes(body[:2], "big")
        frame = uecp.Frame(address >> 6, address & 0x3F, body[2], body[uecp.HEAD_BYTES : -uecp.CRC_BYTES])
    elements, broken = message.read_elements(frame.message)
    if broken is not None:
        offset = _place_of(data, uecp.HEAD_BYTES + (broken.offset or 0))
        errors.append(told(RemoteProtocolError(broken.reason, broken.detail, offset=offset)))
    name = _name(elements[0]) if elements else ""
    again = _again(frame, elements)
    fields, same = _fields(frame, elements, data, whole=broken is None), again == data
    return Reading("uecp", name, fields, crc, Signed.NONE, same, (), tuple(errors), _CLAUSE, (), offset)


def _unstuffed(data: bytes) -> bytes:
    return _STUFFED.sub(lambda found: bytes([uecp.STUFFING + found[1][0]]), data[1:-1])


def _place_of(data: bytes, at: int) -> int:
    """Where byte `at` of what stands between the two ends is in the frame, stuffing included."""
    place = 1
    for _ in range(at):
        place += 2 if data[place] == uecp.STUFFING else 1
    return place


def _name(element: message.Element) -> str:
    if isinstance(element, message.Opaque):
        shape = message.SHAPES.get(element.mec)
        return shape.name.replace(" ", "_").replace("/", "_").replace("-", "_").lower() if shape else "unknown"
    return message_name(type(element))


def _fields(frame: uecp.Frame, elements: tuple[message.Element, ...], data: bytes, *, whole: bool) -> Group:
    head = (
        Field("site_address", frame.site),
        Field("encoder_address", frame.encoder),
        Field("sqc", frame.sqc),
        Field("mfl", len(frame.message)),
    )
    items = Items(tuple(_element(each) for each in elements))
    raw = () if whole else (Field("msg", value_of(frame.message)),)
    crc = Field("crc", _unstuffed(data)[-uecp.CRC_BYTES :].hex().upper())
    return Group((*head, Field("elements", items, "", _ELEMENT_CLAUSE), *raw, crc))


def _element(element: message.Element) -> Group:
    own = content_fields(element)
    mec = f"{message.mec_of(element):02X}"
    code = Field("mec", mec, "mec", f"SPB 490 element {mec}")
    address = tuple(field for field in own if field.name in _ADDRESS)
    rest = tuple(field for field in own if field.name not in ("mec", *_ADDRESS))
    return Group((code, Field("element", _name(element)), *address, *rest))


def _again(frame: uecp.Frame, elements: tuple[message.Element, ...]) -> bytes | None:
    try:
        whole = message.encode_message(*elements)
        return uecp.encode(uecp.Frame(frame.site, frame.encoder, frame.sqc, whole))
    except LocalProtocolError:
        return None


RECOGNISER = Recogniser("uecp", claim, read)
