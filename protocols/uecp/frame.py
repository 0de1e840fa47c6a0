"""UECP frames on a serial line or TCP (SPB 490 clause 2.2, IEC 62106-10).

    FE · address 2 · sequence 1 · length 1 · message 0-255 · CRC 2 · FF

What lies between FE and FF is stuffed (`protocols.stuffing`); length and CRC count the bytes before that. To the
failures of stuffed lines come a length or a CRC that lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from construct import BitsInteger, Bitwise, GreedyBytes, Int8ub, Prefixed, Struct

from protocols import stuffing
from protocols.crc import crc16_uecp
from protocols.errors import RemoteProtocolError
from protocols.stuffing import NOISE_BYTES_MAX, START, STOP, STUFFING
from protocols.wire import build, parse

__all__ = ["NOISE_BYTES_MAX", "START", "STOP", "STUFFING", "Deframer", "Frame", "decode", "encode"]

CRC_BYTES: Final = 2
HEAD_BYTES: Final = 4
MESSAGE_BYTES_MAX: Final = 255
STUFFED_BYTES_MAX: Final = 2 * (HEAD_BYTES + MESSAGE_BYTES_MAX + CRC_BYTES)

EVERYBODY: Final = 0
"""The site or encoder address that every encoder listens to."""
SQC_UNUSED: Final = 0
SQC_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `site` 0-1023 and `encoder` 0-63 are 0 for all; `sqc` is 1-255 in turn, 0 where it is not used."""

    site: int
    encoder: int
    sqc: int
    message: bytes


_HEAD: Final = Struct(
    "address" / Bitwise(Struct("site" / BitsInteger(10), "encoder" / BitsInteger(6))),
    "sqc" / Int8ub,
    "message" / Prefixed(Int8ub, GreedyBytes),
)


def encode(frame: Frame) -> bytes:
    """A frame as it is sent, FE to FF. Raises LocalProtocolError for addresses or lengths that do not fit."""
    address = {"site": frame.site, "encoder": frame.encoder}
    body = build(_HEAD, {"address": address, "sqc": frame.sqc, "message": frame.message})
    body += crc16_uecp(body).to_bytes(CRC_BYTES, "big")
    return stuffing.stuffed(body)


def decode(data: bytes) -> Frame:
    """One whole frame, FE to FF. Raises RemoteProtocolError: start, stop, stuffing, crc, length."""
    return _decode_body(stuffing.body_of(data))


def _decode_body(body: bytes) -> Frame:
    """What stood between FE and FF, without stuffing."""
    if len(body) < HEAD_BYTES + CRC_BYTES:
        raise RemoteProtocolError("length", f"{len(body)} bytes, no frame has fewer than {HEAD_BYTES + CRC_BYTES}")
    found, carried = crc16_uecp(body[:-CRC_BYTES]), int.from_bytes(body[-CRC_BYTES:], "big")
    if found != carried:
        raise RemoteProtocolError("crc", f"the frame carries {carried:04X}, its bytes give {found:04X}")
    if body[HEAD_BYTES - 1] != (size := len(body) - HEAD_BYTES - CRC_BYTES):
        raise RemoteProtocolError("length", f"the length says {body[HEAD_BYTES - 1]}, the message has {size} bytes")
    head = parse(_HEAD, body[:-CRC_BYTES])
    return Frame(head.address.site, head.address.encoder, head.sqc, head.message)


class Deframer(stuffing.Deframer[Frame]):
    """Bytes in, frames and BadFrames out, in order. Holds at most STUFFED_BYTES_MAX bytes of a frame.

    Reasons of a BadFrame: those of `protocols.stuffing` and of `decode`.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_decode_body, STUFFED_BYTES_MAX)
