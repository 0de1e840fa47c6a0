"""The specification's worked examples are recognised, read to the end and judged."""

from __future__ import annotations

from typing import Any

import pytest

from ebcd.decode import Crc, Keys, Note, Reading, Signed, UnknownProtocol, decode_bytes, protocols
from protocols import adapter
from protocols.adapter import AdapterHeartbeat, TypeTable
from protocols.codes import ResourceCode
from protocols.ebd import pack
from protocols.fm.bits import frame_to_air
from protocols.fm.frame import SourceLevel, to_frames
from protocols.signature import Certificate
from tests.ebcd.decode.examples import (
    ADAPTER_STOP,
    AUTHORISATION_LIST,
    CERTIFICATE,
    EBD,
    EXAMPLES,
    FM_FRAME,
    FM_PACKET,
    RDS_GROUP,
    RDS_ON_AIR,
    SIGNATURE,
    TERMINAL_HEARTBEAT,
    TERMINAL_START,
    UECP,
)

KEYS = Keys([Certificate.decode(CERTIFICATE)])


def fields(reading: Reading) -> dict[str, Any]:
    """The fields of `--json`."""
    told = reading.as_json()["fields"]
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize("protocol", EXAMPLES)
def test_each_protocol_is_recognised_and_encodes_again(protocol: str) -> None:
    reading = decode_bytes(EXAMPLES[protocol], KEYS)
    assert (reading.protocol, reading.errors, reading.roundtrip, reading.is_good) == (protocol, (), True, True)


@pytest.mark.parametrize("protocol", EXAMPLES)
def test_naming_the_protocol_changes_nothing(protocol: str) -> None:
    assert decode_bytes(EXAMPLES[protocol], KEYS, protocol) == decode_bytes(EXAMPLES[protocol], KEYS)


def test_a_protocol_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(UnknownProtocol):
        decode_bytes(b"", protocol="telepathy")


def test_a_json_object_has_exactly_the_promised_keys() -> None:
    wanted = {"protocol", "message", "fields", "crc", "signature", "roundtrip", "also", "errors"}
    assert set(decode_bytes(ADAPTER_STOP).as_json()) == wanted
    assert set(decode_bytes(b"").as_json()) == wanted


def test_a_stop_says_its_switch_its_targets_and_its_verdicts() -> None:
    reading = decode_bytes(ADAPTER_STOP, KEYS)
    told = fields(reading)
    assert (reading.message, reading.crc, reading.signature) == ("stop_broadcast", Crc.OK, Signed.OK)
    assert (told["switch"], told["ebm_id"]) == (2, "49999010000000103010101202510090001")
    assert told["targets"] == {"addressing_type": 1, "codes": ["09999010000000314010400"]}


def test_a_packet_as_long_as_a_list_of_its_eighth_byte_is_a_packet() -> None:
    # Factory reset of town 341523 020: 3 + 12 + 1 + 74 = 90 bytes, and byte 7 of the code is 02: 78 + 6 * 2 = 90
    packet = bytes.fromhex("6858 01 F63415230200000314010400 7F 68E77800 000000000201".replace(" ", "")) + bytes(
        range(64)
    )
    reading = decode_bytes(packet)
    assert (reading.protocol, reading.message, reading.also) == ("fm-packet", "factory_reset", ("authorisation-list",))


def test_without_the_signers_certificate_a_signature_is_unchecked_and_no_error() -> None:
    reading = decode_bytes(ADAPTER_STOP)
    assert (reading.signature, reading.is_good) == (Signed.UNCHECKED, True)


def test_a_changed_byte_shows_as_crc_and_signature_with_its_fields_still_told() -> None:
    data = bytearray(ADAPTER_STOP)
    data[12] ^= 0x01
    reading = decode_bytes(bytes(data), KEYS)
    assert (reading.crc, reading.signature, reading.roundtrip) == (Crc.BAD, Signed.BAD, False)
    assert reading.errors[0].startswith("crc at byte 119")
    assert "ebm_id" in fields(reading)


def test_a_length_that_lies_is_named_with_its_place() -> None:
    longer = ADAPTER_STOP[:8] + bytes([ADAPTER_STOP[8] + 1]) + ADAPTER_STOP[9:]
    reading = decode_bytes(longer, KEYS)
    assert (reading.protocol, reading.offset, reading.crc, reading.is_good) == ("adapter", 5, Crc.BAD, False)
    assert reading.errors[0].startswith("length at byte 5")


def test_a_start_of_annex_d_tells_its_address_as_text() -> None:
    reading = decode_bytes(TERMINAL_START, KEYS)
    told = fields(reading)
    assert (told["header"], told["class"], told["level"], told["event_type"]) == ("D", 4, 2, "11A01")
    assert told["aux"] == [{"type": 61, "data": "rtp://239.1.1.10:5004"}]


def test_a_return_of_annex_e_is_told_apart_and_has_no_signature() -> None:
    reading = decode_bytes(TERMINAL_HEARTBEAT, KEYS)
    assert (fields(reading)["header"], reading.message, reading.signature) == ("E", "heartbeat", Signed.NONE)


def test_a_packet_may_still_have_the_crc_and_fill_of_its_frames() -> None:
    payload = b"".join(frame[3:] for frame in to_frames(FM_PACKET, SourceLevel.COUNTY, 1))
    reading = decode_bytes(payload, KEYS)
    assert (reading.protocol, reading.crc, reading.signature, reading.roundtrip) == (
        "fm-packet",
        Crc.OK,
        Signed.OK,
        True,
    )


def test_a_frame_on_air_has_its_checkwords_judged() -> None:
    air = frame_to_air(FM_FRAME)
    assert (decode_bytes(air).protocol, decode_bytes(air).crc) == ("fm-frame", Crc.OK)
    damaged = bytes((air[0] ^ 0x40, *air[1:]))
    reading = decode_bytes(damaged, protocol="fm-frame")
    assert (reading.crc, reading.is_good) == (Crc.BAD, False)


def test_a_group_of_ordinary_rds_tells_its_text_and_what_else_it_could_be() -> None:
    reading = decode_bytes(RDS_GROUP)
    told = fields(reading)
    assert (reading.message, told["pi"], told["name"], reading.also) == ("0A", "8123", "EM", ("fm-frame",))


def test_a_group_on_air_has_its_checkwords_judged() -> None:
    reading = decode_bytes(RDS_ON_AIR, protocol="rds-group")
    assert (reading.crc, reading.roundtrip) == (Crc.OK, True)
    assert decode_bytes(RDS_ON_AIR[:-1] + b"\x00", protocol="rds-group").crc is Crc.BAD


def test_every_frame_of_a_packet_is_taken_for_a_frame() -> None:
    frames = to_frames(FM_PACKET, SourceLevel.COUNTY, 1)
    assert {decode_bytes(frame).protocol for frame in frames} == {"fm-frame"}


def test_an_encoders_frame_tells_its_elements() -> None:
    reading = decode_bytes(UECP)
    told = fields(reading)
    assert (reading.message, reading.crc) == ("programme_type", Crc.OK)
    assert (told["site_address"], told["encoder_address"], told["elements"][0]["pty"]) == (1, 1, 31)


def test_an_encoders_frame_with_a_wrong_crc_still_tells_its_elements() -> None:
    reading = decode_bytes(UECP[:-3] + b"\x00\x00\xff")
    assert (reading.protocol, reading.crc, reading.is_good) == ("uecp", Crc.BAD, False)
    assert reading.message == "programme_type"


def test_a_certificate_is_judged_by_its_issuers() -> None:
    issuer = Certificate.decode(bytes.fromhex("000000000000010000000000011E0C") + CERTIFICATE[15:])
    assert decode_bytes(CERTIFICATE, Keys([issuer])).signature is Signed.OK
    assert decode_bytes(AUTHORISATION_LIST, Keys([issuer])).signature is Signed.OK
    assert decode_bytes(CERTIFICATE).signature is Signed.UNCHECKED


def test_a_package_holds_its_document_and_is_judged_by_its_signature_file() -> None:
    package = pack(EBD, SIGNATURE, {"EBDR_siren.mp3": b"\xff\xfb"})
    reading = decode_bytes(package, KEYS)
    told = fields(reading)
    assert (reading.protocol, reading.message, reading.roundtrip) == ("ebd-tar", "ConnectionCheck", True)
    assert told["ebdb"]["document"]["src"] == {"ebr_id": "23400000000000101010101"}
    assert told["ebdr"] == [{"name": "EBDR_siren.mp3", "size": 2}]
    assert reading.signature is Signed.BAD  # it signs another file


def test_a_document_names_its_elements_in_snake_case() -> None:
    told = fields(decode_bytes(EBD))
    assert list(told) == ["ebd_version", "ebd_id", "ebd_type", "src", "ebd_time", "connection_check"]
    assert told["connection_check"] == {"rpt_time": "2025-10-09 16:53:20"}


def test_a_heartbeat_numbered_by_table_a1_is_recognised() -> None:
    heartbeat = AdapterHeartbeat(ResourceCode("49999010000000314010201"), 1, 1_760_000_000)
    reading = decode_bytes(adapter.encode(heartbeat, table=TypeTable.A1))
    assert (reading.message, reading.roundtrip, reading.errors) == ("adapter_heartbeat", True, ())
    assert fields(reading)["protocol_type"] == 0x19


def test_an_older_platforms_codes_in_a_newer_envelope_are_read() -> None:
    old = EBD.replace(b"ConnectionCheck", b"EBMStateRequest").replace(
        b"<RptTime>2025-10-09 16:53:20</RptTime>", b"<EBM><EBMID>010103331124000000202510090001</EBMID></EBM>"
    )
    reading = decode_bytes(old)
    assert (reading.errors, reading.roundtrip) == ((), True)
    assert Note("edition_2016") in reading.notes


def test_what_nothing_recognises_is_an_error() -> None:
    reading = decode_bytes(b"\x01\x02\x03")
    assert (reading.protocol, reading.is_good) == (None, False)
    assert reading.errors[0].startswith("unrecognised")


def test_every_recogniser_has_a_name_of_its_own() -> None:
    assert len(set(protocols())) == len(protocols())


def test_a_certificate_that_is_none_still_tells_its_fields() -> None:
    """By table 1 of GD/J 081: version, issuer 6, number 6, year and month, key 64, signature 64."""
    of_2019 = bytes.fromhex("20") + CERTIFICATE[1:13] + bytes.fromhex("130D") + CERTIFICATE[15:]
    told = fields(reading := decode_bytes(of_2019, protocol="certificate"))
    assert (reading.is_good, reading.offset) == (False, 0)
    assert (told["version"], told["certificate_sn"], told["validity"]) == ("20", "000000000201", "2019-13")
    assert told["signature"] == CERTIFICATE[79:].hex().upper()
    cut = fields(decode_bytes(CERTIFICATE[:20], protocol="certificate"))
    assert list(cut) == ["version", "issuer_sn", "certificate_sn", "validity", "unread"]
    assert cut["unread"] == CERTIFICATE[15:20].hex().upper()


def test_a_list_that_is_none_still_tells_its_fields() -> None:
    """By table 6: receiver 6, serial, count, that many numbers of 6, who signed 6, signature 64."""
    told = fields(decode_bytes(AUTHORISATION_LIST[:22], protocol="authorisation-list"))
    assert told == {
        "receiver_sn": "000000000301",
        "certs_auth_sn": 1,
        "certs_count": 1,
        "cert_sns": ["000000000201"],
        "sig_sn": "000000000001",
        "unread": AUTHORISATION_LIST[20:22].hex().upper(),
    }
    lying = AUTHORISATION_LIST[:7] + b"\x03" + AUTHORISATION_LIST[8:]
    assert len(fields(decode_bytes(lying, protocol="authorisation-list"))["cert_sns"]) == 3
    assert list(fields(decode_bytes(b"\x01", protocol="authorisation-list"))) == ["unread"]


def test_an_expired_certificate_is_remarked_where_somebody_knows_what_time_it_is() -> None:
    """Vector: to 2030-12, so over at 2031-01-01 00:00 in Beijing, which is 1924963200 UTC."""
    notes = [
        {note.key for note in decode_bytes(CERTIFICATE, Keys((), now_s)).notes}
        for now_s in (1924963199.9, 1924963200, None)
    ]
    assert ["certificate_expired" in each for each in notes] == [False, True, False]
