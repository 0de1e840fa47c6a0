"""Frames to and from ordinary RDS encoders (UECP, SPB 490)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ebcd.decode.cuts import cut
from ebcd.decode.keys import Keys
from ebcd.decode.rds_content import content_fields, fields_so_far
from ebcd.decode.reading import Crc, Reading
from ebcd.decode.recogniser import Claim, Recogniser, message_name, told
from ebcd.decode.signature_fields import unread_fields
from ebcd.decode.tree import Field, Group, Items
from protocols.crc import crc16_uecp
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.partial import Partial
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
    if len(data) < _BYTES_MIN:
        return Claim.NONE
    body, has_stop = _body(data)
    if data[0] != uecp.START:
        fits = has_stop and body[uecp.HEAD_BYTES - 1] == len(body) - uecp.HEAD_BYTES - uecp.CRC_BYTES
        right = fits and _crc_of(body[: -uecp.CRC_BYTES], body[-uecp.CRC_BYTES :]) is Crc.OK
        return Claim.LIKELY if right else Claim.NONE  # all but the start
    if not has_stop:
        is_cut = len(body) < uecp.HEAD_BYTES + body[uecp.HEAD_BYTES - 1] + uecp.CRC_BYTES + 1
        return Claim.LIKELY if is_cut and not _INSIDE.search(data, 1) else Claim.WEAK
    right = _crc_of(body[: -uecp.CRC_BYTES], body[-uecp.CRC_BYTES :]) is Crc.OK
    return Claim.CERTAIN if right else Claim.LIKELY


def read(data: bytes, _keys: Keys) -> Reading:
    """One frame and its message elements; of one that breaks, what is there of both."""
    errors: list[RemoteProtocolError] = []
    try:
        uecp.decode(data)
    except RemoteProtocolError as error:
        errors.append(error)
    body, has_stop = _body(data)
    if len(body) < uecp.HEAD_BYTES:
        broken = _reading("", Group(), Crc.NONE, errors)
        return broken if has_stop else cut(broken, len(data), _BYTES_MIN, at_least=True)
    end = uecp.HEAD_BYTES + body[uecp.HEAD_BYTES - 1]
    inside = body[uecp.HEAD_BYTES : max(len(body) - uecp.CRC_BYTES, uecp.HEAD_BYTES) if has_stop else end]
    elements, broke = message.read_elements(inside)
    items = [_element(each) for each in elements]
    name = _name(elements[0]) if elements else ""
    if broke is not None:
        at = broke.offset or 0
        offset = _place_of(data, uecp.HEAD_BYTES + at) if has_stop else None
        errors += (RemoteProtocolError(broke.reason, broke.detail, offset=offset),) if has_stop else ()
        items.append(_element_so_far(inside[at:]))
        name = name or _name_of(inside[at])
    crc = body[-uecp.CRC_BYTES :] if has_stop else body[end : end + uecp.CRC_BYTES]
    fields = _fields(body, items, crc if len(crc) == uecp.CRC_BYTES else b"")
    found = _reading(name, fields, _crc_of(body[: -uecp.CRC_BYTES] if has_stop else body[:end], crc), errors)
    if not has_stop:
        lacking = end + uecp.CRC_BYTES - len(body) + 1
        return replace(cut(found, len(data), len(data) + lacking), crc=found.crc) if lacking > 0 else found
    return found if errors else replace(found, roundtrip=_again(body, elements) == data)


def _reading(name: str, fields: Group, crc: Crc, errors: Sequence[RemoteProtocolError]) -> Reading:
    offset = errors[-1].offset if errors else None
    return Reading("uecp", name, fields, crc, errors=tuple(map(told, errors)), clause=_CLAUSE, offset=offset)


def _crc_of(covered: bytes, carried: bytes) -> Crc:
    if len(carried) < uecp.CRC_BYTES:
        return Crc.NONE
    return Crc.OK if crc16_uecp(covered) == int.from_bytes(carried, "big") else Crc.BAD


def _body(data: bytes) -> tuple[bytes, bool]:
    """What stands behind the start without stuffing, and whether a stop ended it."""
    has_stop = len(data) > 1 and data[-1] == uecp.STOP
    return _unstuffed(data[1:-1] if has_stop else data[1:]), has_stop


def _unstuffed(inner: bytes) -> bytes:
    return _STUFFED.sub(lambda found: bytes([uecp.STUFFING + found[1][0]]), inner)


def _place_of(data: bytes, at: int) -> int:
    """Where byte `at` of what stands between the two ends is in the frame, stuffing included."""
    place = 1
    for _ in range(at):
        place += 2 if data[place] == uecp.STUFFING else 1
    return place


def _name(element: message.Element) -> str:
    return _name_of(element.mec) if isinstance(element, message.Opaque) else message_name(type(element))


def _name_of(mec: int) -> str:
    """The name of a code; "unknown" for one that no table has."""
    cls, shape = message.CLASS_OF.get(mec), message.SHAPES.get(mec)
    if cls is not None:
        return message_name(cls)
    return shape.name.replace(" ", "_").replace("/", "_").replace("-", "_").lower() if shape else "unknown"


def _fields(body: bytes, items: Sequence[Group], crc: bytes) -> Group:
    address = int.from_bytes(body[:2], "big")
    return Group(
        (
            Field("site_address", address >> 6),
            Field("encoder_address", address & 0x3F),
            Field("sqc", body[2]),
            Field("mfl", body[uecp.HEAD_BYTES - 1]),
            Field("elements", Items(tuple(items)), "", _ELEMENT_CLAUSE),
            *((Field("crc", crc.hex().upper()),) if crc else ()),
        )
    )


def _element(element: message.Element) -> Group:
    own = content_fields(element)
    address = tuple(field for field in own if field.name in _ADDRESS)
    rest = tuple(field for field in own if field.name not in ("mec", *_ADDRESS))
    return Group((*_code(message.mec_of(element)), *address, *rest))


def _element_so_far(data: bytes) -> Group:
    """An element that breaks: its own length where it has one, what is there of its fields, and the rest."""
    mec, shape = data[0], message.SHAPES.get(data[0])
    value, used = message.element_so_far(data)
    own = content_fields(value) if not isinstance(value, Partial) else fields_so_far(value)
    address = tuple(field for field in own if field.name in _ADDRESS)
    length: tuple[Field, ...] = ()
    if shape is not None and shape.size is None and len(data) > 1 + shape.prefix:
        length = (Field("mel", data[1 + shape.prefix]),)
    rest = tuple(field for field in own if field.name not in _ADDRESS)
    return Group((*_code(mec), *address, *length, *rest, *unread_fields(data[used:])))


def _code(mec: int) -> tuple[Field, Field]:
    code = Field("mec", f"{mec:02X}", "mec", f"SPB 490 element {mec:02X}")
    return code, Field("element", _name_of(mec))


def _again(body: bytes, elements: tuple[message.Element, ...]) -> bytes | None:
    address = int.from_bytes(body[:2], "big")
    try:
        whole = message.encode_message(*elements)
        return uecp.encode(uecp.Frame(address >> 6, address & 0x3F, body[2], whole))
    except LocalProtocolError:
        return None


RECOGNISER = Recogniser("uecp", claim, read)
