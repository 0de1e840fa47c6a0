"""Frames of the subcarrier in a row are the packet they carry; bits are frames."""

from __future__ import annotations

import random

import pytest

from ebcd.decode import Crc, Keys, Note, Reading, Signed, decode_bytes
from ebcd.decode.inputs import from_bits, message_of, messages_in
from protocols.fm.bits import frame_to_air
from protocols.fm.frame import SourceLevel, to_frames
from protocols.rds.block import Offset
from protocols.signature import Certificate
from tests.ebcd.decode.examples import CERTIFICATE, FM_PACKET

KEYS = Keys([Certificate.decode(CERTIFICATE)])
FRAMES = to_frames(FM_PACKET, SourceLevel.COUNTY, 1)
ON_AIR = tuple(frame_to_air(frame) for frame in FRAMES)
BITS = "".join(f"{int.from_bytes(air, 'big'):0104b}" for air in ON_AIR)


def verdict(reading: Reading) -> tuple[str | None, str, Crc, Signed, bool, bool]:
    return reading.protocol, reading.message, reading.crc, reading.signature, reading.roundtrip, reading.is_good


@pytest.mark.parametrize("pieces", [FRAMES, ON_AIR], ids=["words", "on air"])
def test_the_frames_of_a_packet_are_read_as_the_packet(pieces: tuple[bytes, ...]) -> None:
    reading = decode_bytes(b"".join(pieces), KEYS)
    assert verdict(reading) == ("fm-packet", "emergency_start", Crc.OK, Signed.OK, True, True)
    assert Note("of_frames", (("level", "4"), ("version", "1"), ("count", "24"))) in reading.notes


def test_a_receiver_may_begin_anywhere() -> None:
    reading = decode_bytes(b"".join(ON_AIR[9:] + ON_AIR[:9]), KEYS)
    assert verdict(reading)[:5] == ("fm-packet", "emergency_start", Crc.OK, Signed.OK, True)


def test_frames_that_are_missing_are_named() -> None:
    reading = decode_bytes(b"".join(FRAMES[:5] + FRAMES[7:]), KEYS)
    assert (reading.protocol, reading.message, reading.is_good) == ("fm-frame", "frames", False)
    assert reading.errors == ("frames: 22 of 24 frames are here; missing are 5, 6",)


def test_a_wrong_checkword_among_them_is_told_and_the_packet_still_shown() -> None:
    damaged = bytearray(b"".join(ON_AIR))
    damaged[13 * 4 + 3] ^= 0x01  # inside block B of the fifth frame
    reading = decode_bytes(bytes(damaged), KEYS)
    assert (reading.message, reading.crc, reading.is_good) == ("emergency_start", Crc.BAD, False)
    assert reading.errors == ("crc: checkword of block B of frame 5 here is wrong",)


def test_a_text_of_bits_is_read_from_the_phase_that_fits() -> None:
    for before in ("", "1", "0110" * 20):
        assert from_bits(before + BITS) == b"".join(ON_AIR)
    assert message_of(f"{BITS[:50]} {BITS[50:104]}\n") == ON_AIR[0]


def test_bits_are_one_message_a_line_only_where_every_line_is_one() -> None:
    lines = "\n".join(BITS[at : at + 104] for at in range(0, len(BITS), 104))
    assert messages_in(lines.encode()) == ON_AIR
    wrapped = "\n".join(BITS[at : at + 72] for at in range(0, len(BITS), 72))
    assert messages_in(wrapped.encode()) == (b"".join(ON_AIR),)


def test_other_texts_of_0_and_1_are_hexadecimal() -> None:
    noise = "".join(random.Random(1).choice("01") for _ in range(104))
    assert from_bits(noise) is None
    assert message_of("0110" * 26) == bytes.fromhex("0110" * 26)


def test_frames_with_the_offset_b_that_the_standard_prints_are_the_same_packet() -> None:
    printed = [frame_to_air(frame, offset_b=Offset.B_PRINTED) for frame in FRAMES]
    for pieces in (printed, [*ON_AIR[:12], *printed[12:]]):
        reading = decode_bytes(b"".join(pieces), KEYS)
        assert verdict(reading) == ("fm-packet", "emergency_start", Crc.OK, Signed.OK, True, True)


def test_a_code_of_level_0_is_read_and_comes_back_though_we_never_send_it() -> None:
    # type 21 of fm-rds.md section 14: A859 head, 01 one code, F6... the code, 05FF, block; here with level digit 0
    packet = bytes.fromhex("A85901 F0 99990100000003140104 00 05FF 68E77800 000000000201".replace(" ", "")) + bytes(
        range(64)
    )
    reading = decode_bytes(packet)
    assert verdict(reading) == ("fm-packet", "maintenance", Crc.NONE, Signed.UNCHECKED, True, True)


def test_a_packet_of_a_reserved_type_is_recognised_by_its_length() -> None:
    # type 25: 25 << 11 | 0x057 = C857, so 0x57 + 2 = 89 bytes: head 3, one code 12, no content, block 74
    packet = bytes.fromhex("C857 01 F69999010000000314010400 68E77800 000000000201".replace(" ", "")) + bytes(range(64))
    reading = decode_bytes(packet)
    assert verdict(reading) == ("fm-packet", "unknown", Crc.NONE, Signed.UNCHECKED, True, True)
