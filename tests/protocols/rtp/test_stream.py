"""An MP3 cut into payloads of packets: everything comes out again, nothing is longer than it may be."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import rtp
from protocols.errors import LocalProtocolError
from protocols.rtp.mpeg_audio import _HEAD
from protocols.rtp.packet import _HEAD as _PACKET_HEAD
from tests.mp3_frames import FRAME_TICKS, frame, mp3

LONG = ("FFFBE800", 1440)
"""MPEG-1 layer III, 320 kbit/s (index 14) at 32 kHz (index 2): 144 x 320000 / 32000 bytes, 36 ms = 3240 ticks."""


def sound(piece: rtp.Piece) -> bytes:
    return rtp.sound_of(rtp.RtpPacket(rtp.MPA, 0, 0, 0, piece.payload))


def test_whole_frames_go_together_for_a_tenth_of_a_second() -> None:
    cut = list(rtp.pieces(mp3(9), 1400))
    assert [sound(piece) for piece in cut] == [mp3(9)[:576], mp3(9)[576:1152], mp3(9)[1152:]]
    assert [(piece.at, piece.until) for piece in cut] == [
        (0, 4 * FRAME_TICKS),
        (4 * FRAME_TICKS, 8 * FRAME_TICKS),
        (8 * FRAME_TICKS, 9 * FRAME_TICKS),
    ]


def test_a_frame_longer_than_a_datagram_goes_in_parts_that_say_where_they_belong() -> None:
    whole = frame(0, *LONG)
    cut = list(rtp.pieces(whole + whole, 1400))
    assert [(piece.at, piece.until) for piece in cut] == [(0, 0), (0, 3240), (3240, 3240), (3240, 6480)]
    assert [piece.payload[:4].hex() for piece in cut] == ["00000000", "00000568", "00000000", "00000568"]  # 1384
    assert b"".join(map(sound, cut)) == whole + whole


def test_pictures_in_a_tag_are_no_sound() -> None:
    picture = frame(7) + frame(8) + b"\xff\xd9"
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, len(picture) >> 7, len(picture) & 0x7F]) + picture
    assert b"".join(map(sound, rtp.pieces(tag + mp3(5), 1400))) == mp3(5)


def test_what_only_looks_like_a_frame_between_others_is_passed_over() -> None:
    lone = frame(1) + b"nothing follows"
    assert [each.data for each in rtp.mpeg_frames(b"?" + lone + mp3(3))] == [mp3(3)[n : n + 144] for n in (0, 144, 288)]


def test_a_tag_that_is_longer_than_its_file_hides_nothing() -> None:
    assert list(rtp.mpeg_frames(b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f" + mp3(2)))


def test_a_datagram_without_room_is_an_error_of_ours() -> None:
    with pytest.raises(LocalProtocolError):
        list(rtp.pieces(mp3(1), 16))


@given(st.lists(st.sampled_from([("FFF36400", 144), ("FFFB9000", 417), LONG]), max_size=30), st.integers(548, 1500))
def test_every_byte_of_every_frame_comes_out_in_order(kinds: list[tuple[str, int]], room: int) -> None:
    file = b"".join(frame(number, *kind) for number, kind in enumerate(kinds))
    cut = list(rtp.pieces(file, room))
    assert b"".join(map(sound, cut)) == file
    assert all(len(piece.payload) + 12 <= room for piece in cut)
    assert all(before.until in (after.at, before.at) for before, after in itertools.pairwise(cut))
    assert all(piece.until - piece.at <= 9000 for piece in cut)


@given(st.binary(max_size=400))
def test_any_bytes_can_be_cut(data: bytes) -> None:
    assert sum(len(sound(piece)) for piece in rtp.pieces(data, 548)) <= len(data)


@given(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.booleans())
def test_the_hot_heads_are_those_that_are_declared(sequence: int, stamp: int, ssrc: int, marker: bool) -> None:
    packet = rtp.encode(rtp.RtpPacket(rtp.MPA, sequence, stamp, ssrc, b"", marker))
    kind = rtp.MPA | (0x80 if marker else 0)
    fields = {"flags": 0x80, "kind": kind, "sequence": sequence, "timestamp": stamp, "ssrc": ssrc}
    assert packet == _PACKET_HEAD.build(fields)
    assert rtp.payload_of(b"", sequence) == _HEAD.build({"zero": 0, "offset": sequence})
