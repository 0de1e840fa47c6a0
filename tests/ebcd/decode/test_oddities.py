"""What peers do that the text does not foresee is shown: bytes behind the last field, forms of nobody's signature,
a flag that lies, a daily command inside a special one."""

from __future__ import annotations

from typing import Any

import pytest

from ebcd.decode import Note, Reading, Signed, decode_bytes
from protocols.crc import crc32_mpeg2_bytes

# Heartbeat on header D as printed in terminal-ip.md section 7, without flag, total length and CRC
D_HEAD = bytes.fromhex("FEFD01000000000101")
D_REST = bytes.fromhex("F699990110020103140104010001F4999901000000031401020110")
HEARTBEAT = bytes.fromhex("010106204800000002")
ZEROS = b"\x00\x4a" + bytes(74)


def header_d(flag: int, data: bytes, block: bytes) -> bytes:
    """Mark to session and packet type 9, flag 1, length 2, codes and type 27, data length 2, data, block, CRC 4."""
    total = 9 + 1 + 2 + 27 + 2 + len(data) + len(block) + 4
    frame = D_HEAD + bytes((flag,)) + total.to_bytes(2, "big") + D_REST + len(data).to_bytes(2, "big") + data + block
    return frame + crc32_mpeg2_bytes(frame)


def adapter_frame(kind: int, body: bytes) -> bytes:
    """0x49, version 1, type, origin 1, length, body, no signature block, CRC."""
    frame = bytes((0x49, 0, 1, kind, 1)) + len(body).to_bytes(4, "big") + body + b"\0\0"
    return frame + crc32_mpeg2_bytes(frame)


def fields(reading: Reading) -> Any:
    assert reading.is_good, reading.errors
    return reading.as_json()["fields"]


def test_the_frame_of_these_tests_is_the_printed_one() -> None:
    printed = (
        "FEFD01000000000101000036F699990110020103140104010001F49999010000000314010201100009010106204800000002A0177C79"
    )
    assert header_d(0, HEARTBEAT, b"").hex().upper() == printed


@pytest.mark.parametrize(
    "frame", [adapter_frame(0x09, bytes.fromhex("68E77800BEEF")), header_d(0, HEARTBEAT + b"\xbe\xef", b"")]
)
def test_bytes_behind_the_last_field_are_shown(frame: bytes) -> None:
    reading = decode_bytes(frame)
    assert fields(reading)["trailing"] == "BEEF"
    assert Note("trailing", (("count", "2"),)) in reading.notes


def test_a_frame_without_them_has_no_such_field() -> None:
    assert "trailing" not in fields(decode_bytes(header_d(0, HEARTBEAT, b"")))


def test_nobodys_signature_is_shown_in_the_form_it_has() -> None:
    nothing, length, zeros = (fields(decode_bytes(header_d(0, HEARTBEAT, form))) for form in (b"", b"\0\0", ZEROS))
    assert "signature_info_length" not in nothing
    assert length["signature_info_length"] == 0
    assert "signature" not in length
    assert zeros["signature_info_length"] == 74
    assert (zeros["signature_time"], zeros["certificate_number"], zeros["signature"]) == (0, "0" * 12, "00" * 64)


@pytest.mark.parametrize(
    ("flag", "block", "lies"),
    [(0, b"", False), (1, ZEROS, True), (1, b"", True), (0, b"\x00\x4a" + b"\x01" * 74, True)],
)
def test_a_flag_that_does_not_fit_the_block_is_told(flag: int, block: bytes, lies: bool) -> None:
    reading = decode_bytes(header_d(flag, HEARTBEAT, block))
    assert fields(reading)["signature_flag"] == flag
    assert (Note("flag_lies") in reading.notes) is lies
    assert reading.signature is (Signed.UNCHECKED if any(block[2:]) else Signed.NONE)


@pytest.mark.parametrize(
    ("kind", "body", "data"),
    [
        # 0x01 tag 2: length 17, daily tag 3 with 14 bytes: amplifier on, one code (GD/J 089 table C.1)
        (
            0x01,
            "02 00000011 03000E 02 01 F69999010000000314010400",
            {"tag": 3, "option": 2, "codes": ["69999010000000314010400"]},
        ),
        (0x01, "01 00000003 ABCDEF", "ABCDEF"),  # a reserved tag
        (0x03, "02 00000002 ABCD", "ABCD"),
    ],
)
def test_what_a_special_command_carries_is_its_data(kind: int, body: str, data: object) -> None:
    assert fields(decode_bytes(adapter_frame(kind, bytes.fromhex(body.replace(" ", "")))))["data"] == data
