"""Captures that are not one clean message: what is whole in them is found, and nothing else is claimed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebcd.decode import Crc, Keys, Reading, Signed, decode_bytes
from ebcd.decode.carve import carve
from protocols.signature import Certificate
from tests.ebcd.decode.examples import ADAPTER_STOP, CERTIFICATE, EBD, TERMINAL_HEARTBEAT, TERMINAL_START, UECP

KEYS = Keys([Certificate.decode(CERTIFICATE)])
WHOLE = {"adapter": ADAPTER_STOP, "terminal": TERMINAL_START, "uecp": UECP, "ebd-xml": EBD}


def places(reading: Reading) -> list[tuple[str | None, int, int]]:
    return [(each.reading.protocol, each.start, each.end) for each in reading.inside]


def test_two_frames_of_one_read_are_both_told() -> None:
    reading = decode_bytes(ADAPTER_STOP + TERMINAL_HEARTBEAT, KEYS)
    first, second = len(ADAPTER_STOP), len(ADAPTER_STOP + TERMINAL_HEARTBEAT)
    assert places(reading) == [("adapter", 0, first), ("terminal", first, second)]
    assert (reading.message, reading.crc, reading.signature) == ("stop_broadcast", Crc.OK, Signed.OK)
    assert (reading.roundtrip, reading.is_good) == (False, False)
    assert reading.errors[0].startswith("several at byte 0: 2 whole, 0 of ")


@pytest.mark.parametrize("protocol", WHOLE)
def test_a_message_with_noise_around_it_is_found(protocol: str) -> None:
    noise = random.Random(7).randbytes(200)  # as a capture of a network card wraps it
    reading = decode_bytes(noise + WHOLE[protocol] + noise, KEYS)
    assert places(reading) == [(protocol, 200, 200 + len(WHOLE[protocol]))]
    assert not reading.is_good


def test_the_parts_are_objects_of_the_same_shape_with_their_places() -> None:
    told: Any = decode_bytes(b"\0\0" + ADAPTER_STOP + b"\0", KEYS).as_json()
    (part,) = told["inside"]
    assert (part["offset"], part["size"], part["protocol"]) == (2, len(ADAPTER_STOP), "adapter")
    assert set(part) == {*told, "offset", "size"} - {"inside"}


def test_a_frame_alone_has_no_parts_whatever_is_wrong_with_it() -> None:
    for data in (ADAPTER_STOP, ADAPTER_STOP[:-1], ADAPTER_STOP[:-1] + b"\0"):
        assert decode_bytes(data, KEYS).inside == ()


def test_naming_a_protocol_finds_no_other_ones() -> None:
    data = b"\0" + ADAPTER_STOP + TERMINAL_HEARTBEAT
    assert [each[0] for each in places(decode_bytes(data, KEYS, "terminal"))] == ["terminal"]


@given(pieces=st.lists(st.one_of(st.sampled_from(sorted(WHOLE)), st.binary(max_size=30)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_every_whole_message_is_found_in_its_place(pieces: list[str | bytes]) -> None:
    data, wanted = b"", []
    for piece in pieces:
        if isinstance(piece, str):
            wanted.append((piece, len(data), len(data) + len(WHOLE[piece])))
        data += WHOLE[piece] if isinstance(piece, str) else piece.translate(None, b"\x49\x50\xfe\xff<")
    assert [(each.protocol, each.start, each.end) for each in carve(data)] == wanted


BEGINNINGS = (b"\x49\x00\x01\x04\x01\x00\x00\x00\x40", b"\xfe\xfd\x01\x00", b"\xfe", b"<EBD>", b"I")


@pytest.mark.parametrize("mark", BEGINNINGS)
def test_a_megabyte_of_one_beginning_is_read_once(mark: bytes) -> None:
    assert carve(mark * (1_000_000 // len(mark))) == ()


def test_a_real_frame_with_one_bit_changed_is_never_good() -> None:
    for bit in range(0, 8 * len(ADAPTER_STOP), 3):
        data = bytearray(ADAPTER_STOP)
        data[bit // 8] ^= 0x80 >> bit % 8
        reading = decode_bytes(bytes(data), KEYS)
        assert not reading.is_good, bit
        assert reading.crc is not Crc.OK, bit


@pytest.mark.parametrize("whole", [ADAPTER_STOP, TERMINAL_START, TERMINAL_HEARTBEAT, UECP])
def test_a_frame_cut_anywhere_is_never_good(whole: bytes) -> None:
    for size in range(len(whole)):
        assert not decode_bytes(whole[:size], KEYS).is_good, size
