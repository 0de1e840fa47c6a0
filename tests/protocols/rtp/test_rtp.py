"""MPEG audio in RTP: packets worked by hand, any bytes, and files cut into frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import rtp
from protocols.errors import LocalProtocolError, RemoteProtocolError

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors/rtp/packets.json").read_text("utf-8"))
FRAMES = VECTORS["frames"]
PACKETS = st.builds(
    rtp.RtpPacket,
    st.integers(0, 127),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=200),
    st.booleans(),
)


@pytest.mark.parametrize("name", ["one_frame", "everything"])
def test_packets_worked_by_hand_are_read_as_they_say(name: str) -> None:
    vector = VECTORS[name]
    packet = rtp.decode(bytes.fromhex(vector["hex"]))
    told = {each: getattr(packet, each) for each in ("payload_type", "sequence", "timestamp", "ssrc", "marker")}
    assert told == {each: vector[each] for each in told}
    assert rtp.sound_of(packet) == bytes.fromhex(vector["sound"])


def test_a_packet_without_extras_is_written_as_it_was_read() -> None:
    data = bytes.fromhex(VECTORS["one_frame"]["hex"])
    assert rtp.encode(rtp.decode(data)) == data
    sound = bytes.fromhex(VECTORS["one_frame"]["sound"])
    assert rtp.decode(data).payload == rtp.payload_of(sound)


@given(PACKETS)
def test_what_is_written_is_read_back(packet: rtp.RtpPacket) -> None:
    assert rtp.decode(rtp.encode(packet)) == packet


@given(st.binary(max_size=64))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    try:
        packet = rtp.decode(data)
        rtp.sound_of(packet)
    except RemoteProtocolError:
        return
    assert len(packet.payload) <= len(data) - 12


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "length"),
        ("800E000100000870DEADBE", "length"),
        ("400E000100000870DEADBEEF", "version"),
        ("820E000100000870DEADBEEF0000", "length"),
        ("900E000100000870DEADBEEFBEDE", "length"),
        ("900E000100000870DEADBEEFBEDE0001", "length"),
        ("A00E000100000870DEADBEEF00", "padding"),
        ("A00E000100000870DEADBEEF09", "padding"),
    ],
)
def test_a_broken_head_is_refused_by_name(data: str, reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        rtp.decode(bytes.fromhex(data))
    assert refused.value.reason == reason


def test_other_payloads_and_cut_ones_are_no_sound_of_ours() -> None:
    for packet in (rtp.RtpPacket(0, 1, 2, 3, bytes(9)), rtp.RtpPacket(rtp.MPA, 1, 2, 3, bytes(3))):
        with pytest.raises(RemoteProtocolError):
            rtp.sound_of(packet)


@pytest.mark.parametrize("packet", [rtp.RtpPacket(128, 1, 2, 3, b""), rtp.RtpPacket(14, 2**16, 2, 3, b"")])
def test_what_no_packet_can_hold_is_an_error_of_ours(packet: rtp.RtpPacket) -> None:
    with pytest.raises(LocalProtocolError):
        rtp.encode(packet)


@pytest.mark.parametrize(("head", "length", "ms"), FRAMES["heads"])
def test_frames_are_as_long_as_their_heads_say(head: str, length: int, ms: float) -> None:
    frame = bytes.fromhex(head).ljust(length, b"\0")
    found = list(rtp.mpeg_frames(b"ID3 and other things" + frame + frame + frame[:-1]))
    assert [each.data for each in found] == [frame, frame]
    assert found[0].duration_s * 1000 == pytest.approx(ms, abs=0.001)


@pytest.mark.parametrize("head", FRAMES["no_frames"])
def test_what_is_no_head_of_a_frame_is_passed_over(head: str) -> None:
    assert list(rtp.mpeg_frames(bytes.fromhex(head) + bytes(2000))) == []


@given(st.binary(max_size=300))
def test_any_bytes_give_frames_that_lie_in_them(data: bytes) -> None:
    assert all(each.data in data and each.duration_s > 0 for each in rtp.mpeg_frames(data))
