"""Messages that carry others are shown with what they carry, in the order of the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ebcd.decode import Keys, Reading, Signed, decode_bytes
from protocols import adapter
from protocols.adapter import RdsSpecial, UpdateAdapterCertificates
from protocols.codes import ResourceCode
from protocols.ebd import InformationFile, SignatureFile, encode_signature, pack
from protocols.signature import Certificate, SignatureBlock
from protocols.sm2 import sign_with_nonce, sm3
from tests.ebcd.decode.examples import AUTHORISATION_LIST, CERTIFICATE, EBD
from tests.protocols.worked_key import CERTIFICATE as NUMBER
from tests.protocols.worked_key import NONCE, SCALAR, TIME

VECTORS = Path(__file__).parents[2] / "vectors"
INFO_ID = "2340000000000010101010110203202611220001"
CODE = ResourceCode("69999010000000314010400")


def fields(data: bytes) -> Any:
    reading = decode_bytes(data)
    assert reading.is_good
    return reading.as_json()["fields"]


def test_an_update_shows_its_lists_and_certificates() -> None:
    told = fields(adapter.encode(UpdateAdapterCertificates((AUTHORISATION_LIST,), (CERTIFICATE, b"\x01\x02"))))
    assert told["lists"][0]["cert_sns"] == ["000000000201"]
    assert told["certificates"][0]["validity"] == "2030-12"
    assert told["certificates"][1] == "0102"  # no certificate


def test_a_command_for_rds_shows_the_packet_inside() -> None:
    told = fields(adapter.encode(RdsSpecial(0, 21, (CODE,), b"\x05\xff")))
    assert told["data"]["counter"] == 5
    assert list(told)[5:] == [
        *("cmd_type", "data_type", "send_times", "interval_ms", "targets", "data"),
        *("signature_info_length", "signature_time", "certificate_number", "signature", "crc"),
    ]
    assert fields(adapter.encode(RdsSpecial(0, 21, (CODE,), b"\x05")))["data"] == "05"  # no packet of this type


def test_the_text_of_a_daily_command_for_cable_is_shown_in_characters() -> None:
    """0x01, tag 2, daily tag 4 (terminal-ip.md 15.1): text kind 1 and charset 0 in one byte, id, one code, the text of
    the worked start; 46 bytes of content, 49 with tag and length, 54 of body; no signature; CRC by hand."""
    frame = (
        "49 0001 01 01 00000036 02 00000031 04 002E 10 F49999010000000103010101202510090001"
        " 01 F09999010000000314010400 000C B1A9D3EAB3C8C9ABD4A4BEAF 0000 1C5DE893"
    )
    shown = fields(bytes.fromhex(frame))["data"]
    assert (shown["kind"], shown["charset"]) == (1, 0)
    assert shown["text_data"] == "B1A9D3EAB3C8C9ABD4A4BEAF"
    assert shown["text"] == "暴雨橙色预警"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n",
        b"",
    ],
)
def test_a_package_is_found_in_the_http_message_that_carried_it(head: bytes) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="EBDT_1.tar"\r\n\r\n'
    told = decode_bytes(head + part + pack(EBD) + b"\r\n--b--\r\n")
    assert (told.protocol, told.message, told.errors) == ("ebd-tar", "ConnectionCheck", ())


@pytest.mark.parametrize("cut", [0, len(b"0\r\n\r\n")])
def test_a_package_is_found_in_an_http_message_of_chunks(cut: int) -> None:
    """RFC 9112 clause 7.1: size in hexadecimal, an extension perhaps, CR LF, the bytes, CR LF; size 0 ends it."""
    archive = pack(EBD)
    parts = b"1FF;x=1\r\n" + archive[:511] + b"\r\n%x\r\n" % (len(archive) - 511) + archive[511:] + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + parts + b"0\r\n\r\n"
    told = decode_bytes(whole[: len(whole) - cut])
    assert (told.protocol, told.message, told.errors) == ("ebd-tar", "ConnectionCheck", ())


def test_the_version_of_an_information_body_stands_in_its_head() -> None:
    told = decode_bytes((VECTORS / "platform/2018/EBI.xml").read_bytes()).as_json()["fields"]
    assert isinstance(told, dict)
    assert isinstance(told["eb_main_info"], dict)
    assert list(told["eb_main_info"])[:2] == ["ebi_version", "info_id"]


@pytest.mark.clause("GD/J 081 clauses 5.2, 6.3")
@pytest.mark.parametrize("profile", ["xml", "xml_time"])
def test_the_signature_file_of_an_information_body_is_shown_and_judged(profile: str) -> None:
    worked = json.loads((VECTORS / "signature/information_body.json").read_text(encoding="utf-8"))
    xml = (VECTORS / worked["document"]).read_bytes()
    assert sm3(xml).hex().upper() == worked["document_sm3"], "work the vector again: its document is another one"
    name, signature = f"EBDI_{INFO_ID}.xml", worked[profile]["file"].encode()
    keys = Keys([Certificate.decode(CERTIFICATE)])

    def judged(body: bytes, signature: bytes | None, own: bytes | None = None) -> Reading:
        return decode_bytes(pack(EBD, own, information=InformationFile(name, body, signature)), keys)

    told: Any = judged(xml, signature).as_json()["fields"]
    shown = told["ebdi"]["ebds"]
    assert shown["related_eb_info"] == {"eb_info_id": [INFO_ID]}
    assert shown["signature_value"]["signature"] == worked[profile]["signature"]
    assert judged(xml, signature).signature is Signed.NONE  # the message itself is not signed
    own = encode_signature(SignatureFile(sign_file(EBD), related_ebd_id="1"))
    assert judged(xml, signature, own).signature is Signed.OK
    assert judged(xml.replace("立即播发".encode(), "不得播发".encode()), signature, own).signature is Signed.BAD
    alone = judged(xml, None, own)
    assert (alone.signature, [note.key for note in alone.notes]) == (Signed.OK, ["scope", "body_unsigned"])
    broken = judged(xml, b"<Signature/>", own)
    assert [error for error in broken.errors if error.startswith(f"EBDS_{name}: ")]


def sign_file(xml: bytes) -> bytes:
    """The signature block of the worked key over a file alone."""
    return SignatureBlock(TIME, NUMBER, sign_with_nonce(SCALAR, xml, NONCE)).encode()
