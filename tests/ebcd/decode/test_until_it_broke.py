"""A message that breaks is shown up to there: field by field, then the bytes that nothing explains."""

from __future__ import annotations

from typing import Any

import pytest

from ebcd.decode import Crc, Keys, Reading, Signed, decode_bytes
from protocols.crc import crc32_mpeg2_bytes
from protocols.signature import Certificate
from tests.ebcd.decode.examples import ADAPTER_STOP, CERTIFICATE, FM_PACKET, TERMINAL_START
from tests.ebcd.decode.test_where_it_broke import CODE, WRONG, adapter_frame, packet, terminal_frame

ID = "F49999010000000103010101202510090001"
START = f"{ID} 01 04 3131413031 02 68E77800 68E77A58 50"
TARGET = f"01 01 0C {CODE}"


def fields_of(reading: Reading) -> Any:
    return reading.as_json()["fields"]


def resealed(frame: bytes, at: int, value: int) -> bytes:
    """The frame with one byte changed and its CRC put right again."""
    changed = frame[:at] + bytes([value]) + frame[at + 1 : -4]
    return changed + crc32_mpeg2_bytes(changed)


def test_a_start_that_breaks_in_its_text_shows_what_stands_before_it() -> None:
    # one language: zho, GB 2312, a text of 12 bytes of which four are there
    reading = decode_bytes(adapter_frame(0x04, f"{START} {TARGET} 01 7A686F 00 000C B1A9D3EA"))
    assert (reading.message, reading.crc, reading.roundtrip) == ("start_broadcast", Crc.OK, False)
    fields = fields_of(reading)
    assert list(fields)[5:] == [
        *("ebm_id", "switch", "class", "event_type", "level", "start", "end", "volume", "targets", "languages"),
        *("unread", "signature_info_length", "crc"),
    ]
    assert (fields["switch"], fields["event_type"], fields["volume"]) == (1, "11A01", 0x50)
    assert fields["targets"] == {"addressing_type": 1, "codes": [CODE[1:]]}
    assert fields["languages"] == [{"language": "zho", "charset": 0}]
    assert fields["unread"] == "000CB1A9D3EA"


def test_of_several_languages_those_before_the_break_are_whole() -> None:
    whole = "7A686F 00 0004 B5D8D5F0 00 00"  # zho, GB 2312, 地震, no agency, nothing auxiliary
    broken = "656E67 01 0005 717561 6B65 FF 41"  # eng, GB 18030, quake, an agency of 255 bytes of which one is there
    fields = fields_of(decode_bytes(adapter_frame(0x04, f"{START} {TARGET} 02 {whole} {broken}")))
    assert fields["languages"] == [
        {"language": "zho", "charset": 0, "text": "地震", "agency": "", "aux": []},
        {"language": "eng", "charset": 1, "text": "quake"},
    ]
    assert fields["unread"] == "FF41"


CUT_TARGETS = {"addressing_type": 1, "count": 1, "code_length": 12}
ONE_TARGET = {"addressing_type": 1, "codes": [CODE[1:]]}
RETURN_TO = {"ret_type": 2, "addr": "10.20.30.40:8889"}


@pytest.mark.parametrize(
    ("kind", "body", "shown", "unread"),
    [
        (0x06, f"32 01 03 0C {CODE}", {"volume": 50, "targets": {**CUT_TARGETS, "count": 3}}, CODE),
        (
            0x05,
            f"02 02 AABB 0C {CODE} 02 CC",
            {"assignments": [{"physical_address": "AABB", "resource_code": CODE[1:]}]},
            "02CC",
        ),
        (0x04, f"{ID} 02 01 01 0C F6", {"ebm_id": ID[1:], "switch": 2, "targets": CUT_TARGETS}, "F6"),
        (0x04, f"{ID} 07", {"ebm_id": ID[1:], "switch": 7}, "07"),
        (0x16, f"{CODE} 03 00", {"front_code": CODE[1:], "fault": 3}, "00"),
        (0x0D, "02 0000003C 06 C0A8", {"ret_type": 2, "period_s": 60}, "06C0A8"),
        (0x08, f"02 06 0A141E2822B9 {TARGET} 03 0104", {**RETURN_TO, "targets": ONE_TARGET, "parameters": [1, 4]}, ""),
        (0x77, "0102", {}, "0102"),
    ],
)
def test_every_command_and_report_is_shown_up_to_the_break(
    kind: int, body: str, shown: dict[str, Any], unread: str
) -> None:
    reading = decode_bytes(adapter_frame(kind, body))
    fields = fields_of(reading)
    found = {name: value for name, value in fields.items() if name not in _AROUND}
    assert (found, fields.get("unread", "")) == (shown, unread)
    assert reading.errors
    assert not reading.is_good


_AROUND = {
    *("head", "version", "protocol_type", "origin", "body_length"),
    *("unread", "signature_info_length", "crc"),
}


def test_what_a_signer_signed_and_nobody_can_read_is_judged_all_the_same() -> None:
    # a signed stop whose code length says 11: the frame is not what was signed
    keys = Keys([Certificate.decode(CERTIFICATE)])
    reading = decode_bytes(resealed(ADAPTER_STOP, 9 + 18 + 1 + 2, 11), keys)
    assert (reading.message, reading.signature) == ("stop_broadcast", Signed.BAD)
    assert fields_of(reading)["certificate_number"] == "000000000201"
    assert decode_bytes(resealed(ADAPTER_STOP, 9 + 18 + 1 + 2, 11)).signature is Signed.UNCHECKED


@pytest.mark.parametrize("end", range(9, len(ADAPTER_STOP)))
def test_a_frame_that_was_cut_shows_more_the_more_is_there(end: int) -> None:
    fields = fields_of(decode_bytes(ADAPTER_STOP[:end]))
    assert fields["body_length"] == 34
    assert ("ebm_id" in fields) == (end >= 9 + 18)
    assert (fields.get("targets", {}).get("codes") is not None) == (end >= 9 + 34)


def test_a_terminal_frame_shows_its_head_and_its_data_up_to_the_break() -> None:
    # table D.5: the address of 21 bytes says that it has 277
    at = TERMINAL_START.index(bytes.fromhex("013D0015")) + 2
    reading = decode_bytes(resealed(TERMINAL_START, at, 1))
    fields = fields_of(reading)
    assert (reading.message, reading.signature) == ("start", Signed.UNCHECKED)
    assert (fields["header"], fields["business_type"], fields["business_length"]) == ("D", 1, 59)
    assert (fields["event_type"], fields["aux"]) == ("11A01", [{"type": 61}])
    assert fields["unread"] == "0115" + b"rtp://239.1.1.10:5004".hex().upper()
    assert fields["certificate_number"] == "000000000201"


def test_a_return_with_a_code_that_is_none_shows_the_code_as_it_came() -> None:
    fields = fields_of(decode_bytes(terminal_frame(WRONG, CODE, 0x10, "01 02 00")))
    assert (fields["source_code"], fields["target_codes"]) == (WRONG, [CODE[1:]])
    assert (fields["state"], fields["first"], fields["physical_address"]) == (1, 2, "")


def test_a_record_report_shows_the_records_before_the_break() -> None:
    record = f"0001 02 {ID} 01 04 02 3131413031 68E77800 68E77A58 50 01 0C {CODE}"
    fields = fields_of(decode_bytes(terminal_frame(CODE, CODE, 0x16, f"0C {CODE} 02 {record} 0002 01 F4")))
    assert [each["channel"] for each in fields["records"]] == [1, 2]
    assert fields["records"][0]["codes"] == [CODE[1:]]
    assert (fields["records"][1], fields["unread"]) == ({"channel": 2, "state": 1}, "F4")


@pytest.mark.parametrize("end", range(13, len(TERMINAL_START)))
def test_a_terminal_frame_that_was_cut_shows_more_the_more_is_there(end: int) -> None:
    fields = fields_of(decode_bytes(TERMINAL_START[:end]))
    assert (fields["header"], fields["session_id"]) == ("D", 1)
    assert ("target_codes" in fields) == (end >= 26)
    assert ("business_type" in fields) == (end >= 41)
    assert ("ebm_id" in fields) == (end >= 41 + 18)


def test_a_packet_on_air_shows_its_bits_up_to_the_value_that_is_none() -> None:
    # clause 5.2.11: start, switch, level 9
    content = "59 3131413031 F49999010000000103010101202510090001 009850"
    reading = decode_bytes(packet(11, content))
    fields = fields_of(reading)
    assert (fields["resource_codes"], fields["action"], fields["switch"]) == ([CODE[1:]], 1, 1)
    assert "level" not in fields
    assert fields["unread"] == content.replace(" ", "")
    assert fields["certificate_number"] == "040506070809"


def test_a_packet_that_was_cut_is_recognised_and_shown() -> None:
    reading = decode_bytes(FM_PACKET[:40])
    fields = fields_of(reading)
    assert (reading.protocol, reading.message) == ("fm-packet", "emergency_start")
    assert reading.errors == ("cut at byte 40: 40 of 116 bytes are here; missing at the end: 76",)
    assert (fields["level"], fields["event_type"]) == (2, "11A01")
    assert len(fields["resource_codes"]) == 1
