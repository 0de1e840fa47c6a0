"""One RTP packet (RFC 3550 section 5.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from construct import Int8ub, Int16ub, Int32ub, Struct

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.wire import Layout, parse

VERSION = 2
HEAD_BYTES = 12
DATAGRAM_BYTES_MAX = 65_507
_PADDED, _EXTENDED, _SOURCES = 0x20, 0x10, 0x0F
_HEAD: Layout = Struct("flags" / Int8ub, "kind" / Int8ub, "sequence" / Int16ub, "timestamp" / Int32ub, "ssrc" / Int32ub)
_HOT_HEAD = struct.Struct(">BBHII")
"""The same for packets without extras, of which a stream has ten a second."""
_EXTENSION: Layout = Struct("profile" / Int16ub, "words" / Int16ub)


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """What is of interest of it: contributing sources and extensions are passed over. `timestamp` in 1/90,000 s for
    MPEG audio (RFC 2250 section 2)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def decode(data: bytes) -> RtpPacket:
    """Raises RemoteProtocolError: length, version, padding."""
    if len(data) < HEAD_BYTES:
        raise RemoteProtocolError("length", f"an RTP packet has {HEAD_BYTES} bytes at least, here are {len(data)}")
    head = parse(_HEAD, data[:HEAD_BYTES])
    if head.flags >> 6 != VERSION:
        raise RemoteProtocolError("version", f"RTP version {head.flags >> 6}, {VERSION} is known")
    at = HEAD_BYTES + 4 * (head.flags & _SOURCES)
    if head.flags & _EXTENDED:
        if len(data) < at + 4:
            raise RemoteProtocolError("length", "the extension is cut off")
        at += 4 + 4 * parse(_EXTENSION, data[at : at + 4]).words
    end = len(data) - (data[-1] if head.flags & _PADDED else 0)
    if head.flags & _PADDED and not 1 <= data[-1] <= len(data) - at:
        raise RemoteProtocolError("padding", f"{data[-1]} bytes of padding do not fit")
    if at > len(data):
        raise RemoteProtocolError("length", "the header is cut off")
    kind = head.kind
    return RtpPacket(kind & 0x7F, head.sequence, head.timestamp, head.ssrc, data[at:end], bool(kind & 0x80))


def encode(packet: RtpPacket) -> bytes:
    """Raises LocalProtocolError where a field does not fit."""
    if not 0 <= packet.payload_type <= 0x7F or HEAD_BYTES + len(packet.payload) > DATAGRAM_BYTES_MAX:
        raise LocalProtocolError(
            f"payload type {packet.payload_type} with {len(packet.payload)} bytes is no RTP packet"
        )
    if not (0 <= packet.sequence < 2**16 and 0 <= packet.timestamp < 2**32 and 0 <= packet.ssrc < 2**32):
        raise LocalProtocolError("sequence, timestamp or source of an RTP packet is out of range")
    kind = packet.payload_type | (0x80 if packet.marker else 0)
    return _HOT_HEAD.pack(VERSION << 6, kind, packet.sequence, packet.timestamp, packet.ssrc) + packet.payload
