"""Where a message broke is a byte of the whole message, whichever part of it was wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ebcd.decode import Crc, decode_bytes
from protocols.crc import crc16_uecp, crc32_mpeg2_bytes

CODE = "F69999011002010314010401"
WRONG = "F699AA011002010314010401"  # digit 4 is no digit: byte 2 of the code


def adapter_frame(kind: int, body: str) -> bytes:
    """Nine bytes, the body, no signature block, CRC."""
    data = bytes.fromhex(body.replace(" ", ""))
    frame = bytes((0x49, 0, 1, kind, 1)) + len(data).to_bytes(4, "big") + data + b"\0\0"
    return frame + crc32_mpeg2_bytes(frame)


def terminal_frame(source: str, target: str, kind: int, body: str) -> bytes:
    """Header E, one target: the source at 11, the target at 25, the type at 37, the data at 40."""
    data = bytes.fromhex(body.replace(" ", ""))
    total = 40 + len(data) + 4
    head = bytes.fromhex("FEFD01000000000101") + total.to_bytes(2, "big") + bytes.fromhex(source + "0001" + target)
    frame = head + bytes((kind,)) + len(data).to_bytes(2, "big") + data
    return frame + crc32_mpeg2_bytes(frame)


def packet(kind: int, content: str) -> bytes:
    """Head 3, one code 12, the content at 15, a block of 74."""
    data = bytes.fromhex(content.replace(" ", ""))
    total = 3 + 12 + len(data) + 74
    return (kind << 11 | total - 2).to_bytes(2, "big") + b"\1" + bytes.fromhex(CODE) + data + bytes(range(74))


def test_in_a_stuffed_frame_it_is_a_byte_of_the_stuffed_one() -> None:
    # FE, address FD00 stuffed at 1-3, counter at 4, length 6 at 5, PTY 31 at 6-9, and at 10 a PTY cut short
    body = bytes.fromhex("FD00 01 06 0700001F 0700".replace(" ", ""))
    stuffed = bytes.fromhex("FD0000 01 06 0700001F 0700".replace(" ", ""))
    reading = decode_bytes(b"\xfe" + stuffed + crc16_uecp(body).to_bytes(2, "big") + b"\xff")
    assert (reading.protocol, reading.crc, reading.offset) == ("uecp", Crc.OK, 10)
    assert reading.errors[0].startswith("element-length at byte 10: ")
    told: Any = reading.as_json()["fields"]
    assert told["elements"][1] == {"mec": "07", "element": "programme_type", "dsn": 0}


@pytest.mark.parametrize(
    ("data", "reason", "offset"),
    [
        # volume 1 at 9, addressing type at 10, count at 11, code length at 12, codes from 13
        (adapter_frame(0x06, f"32 05 01 0C {CODE}"), "targets", 10),
        (adapter_frame(0x06, f"32 01 01 0B {CODE[:22]}"), "targets", 12),
        (adapter_frame(0x06, f"32 01 02 0C {CODE} {WRONG}"), "code", 13 + 12 + 2),
        (adapter_frame(0x06, f"32 01 03 0C {CODE}"), "body", 9 + 16),  # the body ends there
        (adapter_frame(0x10, f"{CODE} 1{'2' * 35} 00 00000000 00000000"), "code", 9 + 12),
        (adapter_frame(0x0A, f"{'0A000001' * 3} 03 0C {CODE}"), "targets", 9 + 12),
        (adapter_frame(0x77, "00"), "type", 3),
        (adapter_frame(0x04, f"F{'1' * 35} 07"), "switch", 9 + 18),
        (terminal_frame(WRONG, CODE, 0x10, "01 01 00"), "code", 11 + 2),
        (terminal_frame(CODE, WRONG, 0x10, "01 01 00"), "code", 25 + 2),
        (terminal_frame(CODE, CODE, 0x14, f"01 01 1{'2' * 35} 00000005"), "code", 40 + 2),
        (terminal_frame(CODE, CODE, 0x14, "01 01 12"), "body", 40 + 3),
        (packet(11, "02 3131413031 F49999010000000103010101202510090001 009850"), "value", 15),
        (packet(15, "15 F49999010000000103010101202510090001 02 6162"), "value", 15),  # character set 5
        (packet(15, "10 F4999901000000010301010120251009000A 02 6162"), "code", 15),
        (packet(15, "10 F49999010000000103010101202510090001 03 6162"), "body", 15 + 22),  # the content ends there
        (packet(2, "02 003C"), "value", 15 + 1),  # right behind the switch
        (packet(1, f"01 AA {WRONG}"), "code", 15 + 2 + 2),
    ],
)
def test_the_byte_is_counted_from_the_beginning(data: bytes, reason: str, offset: int) -> None:
    reading = decode_bytes(data)
    assert reading.offset == offset, reading.errors
    assert reading.errors[0].startswith(f"{reason} at byte {offset}: ")
