"""MPEG audio in RTP (RFC 3550, RFC 2250): copies of what adapters play (GD/J 089 table A.38), and
the sound itself for adapters that it is pushed to (table A.32)."""

from protocols.rtp.mpeg_audio import MPA, MpegFrame, mpeg_frames, payload_of, sound_of
from protocols.rtp.packet import DATAGRAM_BYTES_MAX, RtpPacket, decode, encode
from protocols.rtp.stream import CLOCK_HZ, HEADS_BYTES, Piece, pieces

__all__ = [
    "CLOCK_HZ",
    "DATAGRAM_BYTES_MAX",
    "HEADS_BYTES",
    "MPA",
    "MpegFrame",
    "Piece",
    "RtpPacket",
    "decode",
    "encode",
    "mpeg_frames",
    "payload_of",
    "pieces",
    "sound_of",
]
