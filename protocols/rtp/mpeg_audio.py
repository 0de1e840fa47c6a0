"""MPEG audio as RTP payload type 14 (RFC 2250 section 3.5), and the frames of an MP3 (ISO/IEC 11172-3, 13818-3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from construct import Int16ub, Struct

from protocols.errors import RemoteProtocolError
from protocols.rtp.packet import RtpPacket
from protocols.wire import Layout, parse

MPA = 14
HEAD_BYTES = 4
TAG_HEAD_BYTES = 10
_HEAD: Layout = Struct("zero" / Int16ub, "offset" / Int16ub)
_HOT_HEAD = struct.Struct(">HH")
"""The same for what is sent: an hour of sound has forty thousand."""
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


def payload_of(sound: bytes, offset: int = 0) -> bytes:
    """Whole frames as payload; or a part of one frame, which begins `offset` bytes behind the frame's beginning."""
    return _HOT_HEAD.pack(0, offset) + sound


def mpeg_frames(data: bytes) -> Iterator[MpegFrame]:
    """The whole layer III frames of a file, one after the other; what lies between them is passed over: tags, and bytes
    that look like one frame with no other on either side."""
    at = joined = _behind_tag(data)
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        length, duration_s = _frame_at(data, at)
        end = at + length
        if not length or end > len(data) or (at != joined and end + 4 <= len(data) and not _frame_at(data, end)[0]):
            at += 1
            continue
        yield MpegFrame(data[at:end], duration_s)
        at = joined = end


def _behind_tag(data: bytes) -> int:
    """Where the sound begins: behind an ID3v2 tag, whose pictures may hold anything. One that says to be longer than
    the file is none."""
    if data[:3] != b"ID3" or len(data) < TAG_HEAD_BYTES or not 2 <= data[3] <= 4 or max(data[6:10]) > 0x7F:
        return 0
    length = 0
    for byte in data[6:10]:  # seven bits each
        length = length << 7 | byte
    end = TAG_HEAD_BYTES + length
    return end if end < len(data) else 0


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
