"""MPEG audio in RTP (RFC 3550, RFC 2250): how an adapter streams a copy of what it plays (GD/J 089 table A.38)."""

from protocols.rtp.mpeg_audio import MPA, MpegFrame, mpeg_frames, payload_of, sound_of
from protocols.rtp.packet import DATAGRAM_BYTES_MAX, RtpPacket, decode, encode

__all__ = [
    "DATAGRAM_BYTES_MAX",
    "MPA",
    "MpegFrame",
    "RtpPacket",
    "decode",
    "encode",
    "mpeg_frames",
    "payload_of",
    "sound_of",
]
