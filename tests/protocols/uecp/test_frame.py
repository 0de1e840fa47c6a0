"""UECP frames: worked ones, damaged ones, streams cut anywhere."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.crc import crc16_uecp
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.stream import BadFrame
from protocols.uecp.frame import NOISE_BYTES_MAX, STUFFED_BYTES_MAX, Deframer, Frame, decode, encode
from tests.protocols.streams import corrupted, cut
from tests.protocols.uecp.strategies import frames
from tests.protocols.uecp.vectors import FRAMES, MEANINGS

GOOD = encode(Frame(1, 2, 3, b"\x1e\x01"))
OTHER = encode(Frame(0, 0, 4, b"\xfd\xfe\xff"))
DECODED = [Frame(1, 2, 3, b"\x1e\x01"), Frame(0, 0, 4, b"\xfd\xfe\xff")]


def read(*pieces: bytes) -> list[Frame | BadFrame]:
    deframer = Deframer()
    found = [event for piece in pieces for event in deframer.feed(piece)]
    return found + deframer.end()


def reasons(events: list[Frame | BadFrame]) -> list[str]:
    return [event.reason if isinstance(event, BadFrame) else "frame" for event in events]


@pytest.mark.parametrize("name", FRAMES)
def test_a_worked_frame_is_read_whole_byte_by_byte_behind_noise_and_before_more(name: str) -> None:
    wire = bytes.fromhex(FRAMES[name])
    site, encoder, sqc, _elements = MEANINGS[name]
    (frame,) = read(wire)
    assert isinstance(frame, Frame)
    assert (frame.site, frame.encoder, frame.sqc) == (site, encoder, sqc)
    assert encode(frame) == wire
    assert decode(wire) == frame
    assert read(*(bytes([byte]) for byte in wire)) == [frame]
    assert reasons(read(b"\x00\xff\x55" + wire)) == ["noise", "frame"]
    assert reasons(read(wire + b"\x55")) == ["frame", "noise"]


@given(frames)
def test_a_frame_comes_back_as_it_was(frame: Frame) -> None:
    assert decode(encode(frame)) == frame
    assert not {0xFE, 0xFF} & set(encode(frame)[1:-1])


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (GOOD[:5], ["restart"]),  # cut off by the next start
        (GOOD[:-1], ["restart"]),  # its end was lost
        (b"\xfe" + GOOD, ["restart", "frame"]),
        (b"\xff\xff", ["noise"]),
        (GOOD[:4] + b"\xfd\x03" + GOOD[4:], ["stuffing"]),
        (GOOD[:-1] + b"\xfd\xff", ["stuffing"]),
        (GOOD[:-2] + b"\x00\xff", ["crc"]),
        (b"\xfe\xff", ["length"]),
        (encode(Frame(0, 0, 0, b"abc")).replace(b"\x00\x03", b"\x00\x04"), ["crc"]),
        (b"\xfe" + bytes(STUFFED_BYTES_MAX + 1), ["overlong", "noise"]),
    ],
)
def test_damage_is_told_and_costs_no_good_frame(damage: bytes, expected: list[str]) -> None:
    events = read(GOOD, damage + OTHER)
    assert reasons(events) == ["frame", *expected, "frame"]
    assert [events[0], events[-1]] == DECODED


def test_a_length_that_lies_under_a_right_crc_is_refused() -> None:
    body = bytes.fromhex("00 00 05 03 1E 01")
    wire = b"\xfe" + body + crc16_uecp(body).to_bytes(2, "big") + b"\xff"
    assert reasons(read(wire)) == ["length"]


def test_a_frame_without_an_end_is_told_when_the_line_goes() -> None:
    assert reasons(read(GOOD[:-3])) == ["truncated"]


def test_much_noise_is_told_in_pieces() -> None:
    assert [event.size for event in read(bytes(NOISE_BYTES_MAX + 7)) if isinstance(event, BadFrame)] == [1024, 7]


@given(st.lists(frames, min_size=1, max_size=3), st.data())
def test_splitting_reads_does_not_change_the_events(sent: list[Frame], data: st.DataObject) -> None:
    stream = corrupted(data, b"".join(map(encode, sent)))
    assert read(*cut(data, stream)) == read(stream)


@given(st.binary(max_size=700), st.lists(frames, min_size=1, max_size=2))
def test_after_any_noise_good_frames_are_read(noise: bytes, sent: list[Frame]) -> None:
    events = read(noise, *map(encode, sent))
    assert events[-len(sent) :] == sent


@given(st.binary(max_size=80))
def test_decoding_any_bytes_gives_a_frame_or_a_refusal(data: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert encode(decode(data)) == data


@pytest.mark.parametrize("wire", [b"", GOOD[1:], GOOD[:-1], b"\xfe", GOOD + GOOD, b"\xfe\x01\x02\xff"])
def test_what_is_not_one_whole_frame_is_refused(wire: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode(wire)


@pytest.mark.parametrize(
    "frame", [Frame(1024, 0, 0, b""), Frame(0, 64, 0, b""), Frame(0, 0, 256, b""), Frame(0, 0, 0, bytes(256))]
)
def test_what_no_frame_can_carry_is_refused(frame: Frame) -> None:
    with pytest.raises(LocalProtocolError):
        encode(frame)


def test_a_deframer_says_how_much_it_holds() -> None:
    deframer = Deframer()
    deframer.feed(GOOD[:4])
    assert deframer.pending == 4
    deframer.feed(GOOD[4:])
    assert deframer.pending == 0
