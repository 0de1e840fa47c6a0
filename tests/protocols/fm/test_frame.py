"""Framing and version numbers (GD/J 085 clause 5.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.crc import crc16_ccitt_false
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.emergency import Emergency
from protocols.fm.fields import Action, Switch
from protocols.fm.frame import (
    FILLER_FRAME,
    FRAMES_MAX,
    Frame,
    RotationFull,
    SourceLevel,
    Versions,
    air_time_s,
    frame_count,
    to_frames,
)
from protocols.fm.packet import PACKET_BYTES_MAX, encode_packet
from tests.protocols.fm.test_packet import TEN_AREAS
from tests.protocols.fm.vectors import MESSAGE, START, START_FRAMES, VECTORS, sign


@pytest.mark.clause("GD/J 085 clause 5.4")
def test_the_worked_start_makes_its_24_printed_frames() -> None:
    assert to_frames(START, SourceLevel.COUNTY, 1) == START_FRAMES
    assert f"{crc16_ccitt_false(START):04X}" == VECTORS["start"]["crc"]


def test_a_split_crc_lies_in_the_last_two_frames() -> None:
    content = Emergency(Action.START, Switch.TO_FREQUENCY, 2, "11A01", MESSAGE, 98_500)
    packet = encode_packet(TEN_AREAS, content, sign)
    frames = to_frames(packet, SourceLevel.COUNTY, VECTORS["ten_areas"]["version"])
    assert len(frames) == 46
    assert [frame.hex().upper() for frame in frames[-2:]] == VECTORS["ten_areas"]["last_frames"]
    assert f"{crc16_ccitt_false(packet):04X}" == VECTORS["ten_areas"]["crc"]


def test_the_worked_alive_packet_makes_its_frames() -> None:
    alive = VECTORS["alive"]
    frames = to_frames(bytes.fromhex(alive["packet"]), SourceLevel.COUNTY, alive["version"])
    assert len(frames) == alive["frames"]
    assert frames[0].hex().upper() == alive["first"]
    assert frames[-1].hex().upper() == alive["last"]


@given(packet=st.binary(min_size=2, max_size=PACKET_BYTES_MAX))
def test_frames_hold_the_packet_its_crc_and_a_fill_of_ones(packet: bytes) -> None:
    frames = [Frame.decode(data) for data in to_frames(packet, SourceLevel.VILLAGE, 31)]
    joined = b"".join(frame.payload for frame in frames)
    assert joined[: len(packet)] == packet
    assert int.from_bytes(joined[len(packet) : len(packet) + 2], "big") == crc16_ccitt_false(packet)
    fill = joined[len(packet) + 2 :]
    assert fill == b"\xff" * len(fill)
    assert len(fill) < 5
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert {(frame.level, frame.version, frame.count) for frame in frames} == {(6, 31, frame_count(len(packet)))}


@given(data=st.binary(min_size=8, max_size=8))
def test_every_eight_bytes_are_a_frame_and_come_back(data: bytes) -> None:
    assert Frame.decode(data).encode() == data


@pytest.mark.parametrize("length", [0, 7, 9])
def test_another_number_of_bytes_is_no_frame(length: int) -> None:
    with pytest.raises(RemoteProtocolError, match="8 bytes"):
        Frame.decode(bytes(length))


def test_fields_that_do_not_fit_are_our_own_error() -> None:
    with pytest.raises(LocalProtocolError):
        Frame(8, 0, 1, 0, bytes(5)).encode()
    with pytest.raises(LocalProtocolError):
        to_frames(START, SourceLevel.COUNTY, 32)
    with pytest.raises(LocalProtocolError):
        to_frames(bytes(PACKET_BYTES_MAX + 1), SourceLevel.COUNTY, 0)


def test_the_longest_packet_fills_255_frames() -> None:
    assert frame_count(PACKET_BYTES_MAX) == FRAMES_MAX
    assert frame_count(PACKET_BYTES_MAX + 1) > FRAMES_MAX


def test_the_filler_belongs_to_no_source_level() -> None:
    assert Frame.decode(FILLER_FRAME).level == 0


@pytest.mark.requirement("R-X-19")
def test_a_start_for_one_area_takes_two_point_one_seconds_of_air() -> None:
    assert air_time_s(frame_count(len(START))) == pytest.approx(24 * 104 / 1187.5)


def test_versions_rise_by_one_and_begin_again_after_31() -> None:
    versions = Versions(30)
    assert [versions.take(()) for _ in range(4)] == [30, 31, 0, 1]
    assert versions.next == 2


@given(first=st.integers(0, 31), rotating=st.sets(st.integers(0, 31), max_size=31), count=st.integers(1, 40))
def test_a_version_on_air_is_never_given_to_another_packet(first: int, rotating: set[int], count: int) -> None:
    versions = Versions(first)
    assert all(versions.take(rotating) not in rotating for _ in range(count))


@pytest.mark.clause("GD/J 085 clause 5.4")
def test_a_33rd_packet_in_rotation_is_refused() -> None:
    with pytest.raises(RotationFull, match="32 packets"):
        Versions(0).take(range(32))


def test_a_first_version_beyond_five_bits_is_our_own_error() -> None:
    with pytest.raises(LocalProtocolError):
        Versions(32)
