"""Messages that carry others are shown with what they carry, in the order of the wire."""

from __future__ import annotations

from typing import Any

import pytest

from ebcd.decode import decode_bytes
from protocols import adapter
from protocols.adapter import RdsSpecial, UpdateAdapterCertificates
from protocols.codes import ResourceCode
from protocols.ebd import pack
from tests.ebcd.decode.examples import AUTHORISATION_LIST, CERTIFICATE, EBD

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
