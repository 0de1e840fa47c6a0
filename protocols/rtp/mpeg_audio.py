"""MPEG audio as RTP payload type 14 (RFC 2250 section 3.5), and the frames of an MP3 (ISO/IEC 11172-3, 13818-3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from construct import Int16ub, Struct

from protocols.errors import RemoteProtocolError
from protocols.rtp.packet import RtpPacket
from protocols.wire import Layout, parse

MPA = 14
HEAD_BYTES = 4
_HEAD: Layout = Struct("zero" / Int16ub, "offset" / Int16ub)
_KBIT_S = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""By the version bits of a header: 3 MPEG-1, 2 MPEG-2, 0 MPEG-2.5."""


@dataclass(frozen=True, slots=True)
class MpegFrame:
    """One layer III frame and how long it sounds."""

    data: bytes
    duration_s: float


def sound_of(packet: RtpPacket) -> bytes:
    """The MPEG audio in a packet. A frame that was cut into several comes in order, so its parts follow one another.
    Raises RemoteProtocolError: payload, length."""
    if packet.payload_type != MPA:
        raise RemoteProtocolError("payload", f"RTP payload type {packet.payload_type}, MPEG audio is {MPA}")
    if len(packet.payload) < HEAD_BYTES:
        raise RemoteProtocolError("length", f"MPEG audio in RTP begins with {HEAD_BYTES} bytes of its own")
    parse(_HEAD, packet.payload[:HEAD_BYTES])
    return packet.payload[HEAD_BYTES:]


def payload_of(frame: bytes) -> bytes:
    """A whole frame as payload."""
    return bytes(_HEAD.build({"zero": 0, "offset": 0})) + frame


def mpeg_frames(data: bytes) -> Iterator[MpegFrame]:
    """The whole layer III frames of a file, one after the other; what lies between them is passed over."""
    at = 0
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        length, duration_s = _frame_at(data, at)
        if not length or at + length > len(data):
            at += 1
            continue
        yield MpegFrame(data[at : at + length], duration_s)
        at += length


def _frame_at(data: bytes, at: int) -> tuple[int, float]:
    """Length and duration of the frame whose header stands here; zeros where none does."""
    second, third = data[at + 1], data[at + 2]
    version, rate_index = second >> 3 & 3, third >> 2 & 3
    if second & 0xE6 != 0xE2 or version not in _RATES_HZ or rate_index == 3:
        return 0, 0.0
    is_first = version == 3
    rate_hz = _RATES_HZ[version][rate_index]
    kbit_s = _KBIT_S[1 if is_first else 2][third >> 4]
    samples = 1152 if is_first else 576
    length = samples // 8 * kbit_s * 1000 // rate_hz + (third >> 1 & 1)
    return (length, samples / rate_hz) if kbit_s else (0, 0.0)
