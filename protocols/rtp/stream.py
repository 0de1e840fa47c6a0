"""An MP3 cut into what single packets carry (RFC 2250 sections 2 and 3.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from protocols.errors import LocalProtocolError
from protocols.rtp.mpeg_audio import HEAD_BYTES, MpegFrame, mpeg_frames, payload_of
from protocols.rtp.packet import HEAD_BYTES as PACKET_HEAD_BYTES

CLOCK_HZ = 90_000
"""Of timestamps, whatever the sound's own rate (RFC 2250 section 2)."""
HEADS_BYTES = PACKET_HEAD_BYTES + HEAD_BYTES
"""Before the sound in each datagram."""
PIECE_S_MAX = 0.1
"""So much sound in one packet: few packets a second, and little of a word is gone with a lost one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The payload of one packet. `at` and `until`: when its sound begins and ends, in 1/90,000 s from the file's
    beginning; parts of one frame that needs several packets share their beginning, and all but the last are over where
    they begin."""

    payload: bytes
    at: int
    until: int


def pieces(mp3: bytes, datagram_bytes_max: int) -> Iterator[Piece]:
    """Whole frames together, as many as fit into a datagram and `PIECE_S_MAX`; a frame longer than a datagram in parts,
    alone. Raises LocalProtocolError where not even a byte fits."""
    room = datagram_bytes_max - HEADS_BYTES
    if room < 1:
        raise LocalProtocolError(f"a datagram of {datagram_bytes_max} bytes holds no sound; {HEADS_BYTES} are heads")
    held: list[bytes] = []
    size, begun_s, ended_s = 0, 0.0, 0.0
    for frame in mpeg_frames(mp3):
        over = size + len(frame.data) > room or ended_s + frame.duration_s - begun_s > PIECE_S_MAX
        if held and over:
            yield Piece(payload_of(b"".join(held)), _ticks(begun_s), _ticks(ended_s))
            held, size, begun_s = [], 0, ended_s
        if len(frame.data) > room:
            yield from _parts(frame, room, begun_s)
            begun_s = ended_s = begun_s + frame.duration_s
            continue
        held.append(frame.data)
        size += len(frame.data)
        ended_s += frame.duration_s
    if held:
        yield Piece(payload_of(b"".join(held)), _ticks(begun_s), _ticks(ended_s))


def _parts(frame: MpegFrame, room: int, begun_s: float) -> Iterator[Piece]:
    at, end = _ticks(begun_s), _ticks(begun_s + frame.duration_s)
    for offset in range(0, len(frame.data), room):
        until = end if offset + room >= len(frame.data) else at
        yield Piece(payload_of(frame.data[offset : offset + room], offset), at, until)


def _ticks(seconds: float) -> int:
    return round(seconds * CLOCK_HZ)
