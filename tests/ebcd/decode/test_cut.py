"""A message whose end is missing says how much of it; its checksum is not there, so it is neither right nor wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ebcd.decode import Crc, Keys, Signed, decode_bytes
from protocols.crc import crc16_uecp, crc32_mpeg2_bytes
from protocols.ebd import tar
from protocols.signature import Certificate
from tests.ebcd.decode.examples import (
    ADAPTER_STOP,
    CERTIFICATE,
    EBD,
    EXAMPLES,
    FM_PACKET,
    SIGNATURE,
    TERMINAL_HEARTBEAT,
    TERMINAL_START,
    UECP,
)
from tests.ebcd.decode.test_where_it_broke import packet

KEYS = Keys([Certificate.decode(CERTIFICATE)])
# FE, site 1 encoder 1, SQC 5, 16 bytes: RT "TEST ALARM" (rds-uecp.md B.6)
RADIO_TEXT = bytes.fromhex("FE 0041 05 10 0A00000C015445535420414C41524D0D 18C4 FF")


@pytest.mark.parametrize(
    ("whole", "size", "told"),
    [
        (ADAPTER_STOP, 122, "122 of 123 bytes are here; missing at the end: 1"),
        (ADAPTER_STOP, 45, "45 of 123 bytes are here; missing at the end: 78"),  # up to the length of the block
        (ADAPTER_STOP, 44, "44 of at least 49 bytes are here; missing at the end: at least 5"),
        (ADAPTER_STOP, 8, "8 of at least 15 bytes are here; missing at the end: at least 7"),
        (TERMINAL_START, 179, "179 of 180 bytes are here; missing at the end: 1"),
        (TERMINAL_START, 13, "13 of 180 bytes are here; missing at the end: 167"),
        (TERMINAL_START, 12, "12 of at least 32 bytes are here; missing at the end: at least 20"),
        (TERMINAL_HEARTBEAT, 30, "30 of 53 bytes are here; missing at the end: 23"),
        (RADIO_TEXT, 15, "15 of 24 bytes are here; missing at the end: 9"),
        (FM_PACKET, 115, "115 of 116 bytes are here; missing at the end: 1"),
    ],
)
def test_what_is_missing_is_counted(whole: bytes, size: int, told: str) -> None:
    reading = decode_bytes(whole[:size], KEYS)
    assert reading.errors == (f"cut at byte {size}: {told}",)
    assert (reading.crc, reading.signature, reading.offset) == (Crc.NONE, Signed.NONE, size)
    assert not reading.is_good


def test_a_stop_that_is_missing_leaves_the_checksum_to_judge() -> None:
    reading = decode_bytes(UECP[:-1])
    assert (reading.crc, reading.errors[0][:14]) == (Crc.OK, "cut at byte 11")
    assert decode_bytes(UECP[:-2] + b"\x19").crc is Crc.BAD


@pytest.mark.parametrize("frame", [ADAPTER_STOP, TERMINAL_START, TERMINAL_HEARTBEAT], ids=["adapter", "D", "E"])
def test_a_whole_frame_with_a_length_that_lies_is_not_called_cut(frame: bytes) -> None:
    at = {ADAPTER_STOP: 8, TERMINAL_START: 11, TERMINAL_HEARTBEAT: 10}[frame]
    lying = frame[:at] + bytes([frame[at] + 3]) + frame[at + 1 :]
    reading = decode_bytes(lying, KEYS)
    assert (reading.errors[0][:6], reading.crc) == ("length", Crc.BAD)
    sealed = lying[:-4] + crc32_mpeg2_bytes(lying[:-4])
    assert (decode_bytes(sealed, KEYS).errors[0][:6], decode_bytes(sealed, KEYS).crc) == ("length", Crc.OK)


@pytest.mark.parametrize(
    ("frame", "place"),
    [(ADAPTER_STOP, 0), (ADAPTER_STOP, 2), (TERMINAL_HEARTBEAT, 0), (TERMINAL_HEARTBEAT, 1), (UECP, 0)],
)
def test_a_frame_with_a_damaged_beginning_is_named_and_refused(frame: bytes, place: int) -> None:
    damaged = frame[:place] + bytes([frame[place] ^ 0x40]) + frame[place + 1 :]
    reading = decode_bytes(damaged, KEYS)
    assert reading.protocol == decode_bytes(frame).protocol
    assert reading.errors
    assert not reading.is_good


def test_another_version_of_a_frame_is_named() -> None:
    newer = ADAPTER_STOP[:2] + b"\2" + ADAPTER_STOP[3:-4]
    reading = decode_bytes(newer + crc32_mpeg2_bytes(newer), KEYS)
    assert (reading.protocol, reading.crc) == ("adapter", Crc.OK)
    assert reading.errors == ("version at byte 1: version 0002, 0001 is known",)


def test_a_text_packet_that_breaks_shows_what_stands_before_the_text() -> None:
    # kind 1, charset 0, the message, eight bytes of text of which two are there
    reading = decode_bytes(packet(15, "10 F49999010000000103010101202510090001 08 B5D8"))
    told: Any = reading.as_json()["fields"]
    assert (reading.message, told["kind"], told["charset"]) == ("text", 1, 0)
    assert told["ebm_id"] == "49999010000000103010101202510090001"
    assert told["unread"] == "08B5D8"


def uecp(elements: str) -> bytes:
    message = bytes.fromhex(elements)
    body = b"\0\x41\5" + bytes([len(message)]) + message
    return b"\xfe" + body + crc16_uecp(body).to_bytes(2, "big") + b"\xff"


@pytest.mark.parametrize(
    ("elements", "told"),
    [
        (
            "0A 00 00 0C 01 54455354",
            {"dsn": 0, "psn": 0, "mel": 12, "text": "TEST", "toggle": True, "transmissions": 0, "buffer": 0},
        ),
        ("02 00 01 454D45", {"dsn": 0, "psn": 1, "unread": "454D45"}),
        ("24 16 55 DEAD BE", {"agt": 22, "buffer": 2, "bits": 21, "block3": "DEAD", "unread": "BE"}),
        ("2B 0A 1234 56", {"bits": 10, "block3": "1234", "unread": "56"}),
        ("40 16 50DD 02 0000", {"agt": 22, "aid": "50DD", "buffer": 2, "message": "0000"}),
        ("13 00 00 05 FFFF 01 14", {"dsn": 0, "psn": 0, "mel": 5, "start_position": 65535, "af_codes": [1, 20]}),
        ("0A 00", {"unread": "00"}),
        ("44 01", {"unread": "01"}),
    ],
)
def test_an_element_that_breaks_shows_what_is_there_of_it(elements: str, told: dict[str, object]) -> None:
    reading = decode_bytes(uecp(f"1E 01 {elements}"))
    fields: Any = reading.as_json()["fields"]
    first, broken = fields["elements"]
    assert first == {"mec": "1E", "element": "rds_switch", "on": True}
    assert {key: value for key, value in broken.items() if key not in ("mec", "element")} == told
    assert (reading.crc, reading.offset) == (Crc.OK, 7)


def test_a_frame_of_an_encoder_that_is_cut_shows_what_is_there_of_it() -> None:
    reading = decode_bytes(RADIO_TEXT[:15])
    fields: Any = reading.as_json()["fields"]
    assert (reading.message, fields["site_address"], fields["sqc"], fields["mfl"]) == ("radio_text", 1, 5, 16)
    assert fields["elements"][0]["text"] == "TEST "
    assert "crc" not in fields


def test_an_encoders_length_that_lies_beside_a_right_checksum_is_told_from_a_wrong_one() -> None:
    body = bytes.fromhex("004104 05 0700001F")  # five bytes, says the length; four are there
    reading = decode_bytes(b"\xfe" + body + crc16_uecp(body).to_bytes(2, "big") + b"\xff")
    fields: Any = reading.as_json()["fields"]
    assert (reading.crc, reading.errors[0][:6], fields["mfl"]) == (Crc.OK, "length", 5)
    assert fields["elements"][0]["pty"] == 31


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_message_can_be_cut_anywhere(name: str) -> None:
    for size in range(1, len(EXAMPLES[name])):
        for protocol in (None, name):
            reading = decode_bytes(EXAMPLES[name][:size], KEYS, protocol)
            assert reading.errors or reading.protocol in ("fm-frame", "rds-group")  # any eight bytes are one


def package() -> bytes:
    name = "10234000000000001010101010000000000000007"
    return tar.write([tar.Entry(f"EBDB_{name}.xml", EBD), tar.Entry(f"EBDS_EBDB_{name}.xml", SIGNATURE)])


def test_a_package_that_is_cut_inside_a_file_is_still_called_one() -> None:
    whole = package()
    reading = decode_bytes(whole[: whole.index(b"<Signature>") + 20])
    assert (reading.protocol, reading.message, reading.is_good) == ("ebd-tar", "ConnectionCheck", False)
    assert [each.reading.protocol for each in reading.inside] == ["ebd-xml"]


def test_a_package_that_is_cut_inside_a_header_is_not_taken_for_an_unsigned_one() -> None:
    whole = package()
    reading = decode_bytes(whole[: whole.index(b"EBDS_") + 300])
    assert (reading.protocol, reading.is_good) == ("ebd-tar", False)
    assert reading.errors[0].endswith("the archive ends inside the header of another file")
    without_end = decode_bytes(whole[:-1024])
    assert (without_end.message, without_end.is_good) == ("ConnectionCheck", True)  # platform.md 8.6
