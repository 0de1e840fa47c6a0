"""A platform document says all that stands in it: what nobody knows, what stands astray, what stands before a break."""

from __future__ import annotations

from typing import Any

import pytest

from ebcd.decode import Group, decode_bytes
from ebcd.decode.ebd_leftovers import as_it_stands
from tests.ebcd.decode.examples import EBD, SIGNATURE

LEGACY = b"""<Signature><Version>1.0</Version>
<RelatedEBD><EBDID>102340000000000001010101010000000007</EBDID></RelatedEBD>
<SignatureCert><CertType>01</CertType><IssuerID>000000000001</IssuerID><CertSN>000000000201</CertSN></SignatureCert>
<SignatureTime>68e77800</SignatureTime>
<DigestAlgorithm>SM3</DigestAlgorithm><SignatureAlgorithm>SM2</SignatureAlgorithm>
<SignatureValue>
aOd4AAAAAAACARmyDZB0Sk3Im8Mx0PouvLI4ZW+tSEoaEDMjIiNPG8GkL8f7phvMMbuOEarVWUDywymRsRtjswlVHkw4T9ZLRa4=
</SignatureValue></Signature>"""


def fields_of(data: bytes) -> Any:
    return decode_bytes(data).as_json()["fields"]


def test_an_element_that_no_table_has_is_named_and_no_error() -> None:
    reading = decode_bytes(EBD.replace(b"<SRC>", b"<SysTask>7</SysTask><SRC><URM>x</URM>"))
    fields: Any = reading.as_json()["fields"]
    assert fields["unknown_elements"] == ["EBD/SysTask", "EBD/SRC/URM"]
    assert reading.is_good
    assert "unknown_elements" not in fields_of(EBD)


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        (EBD.replace(b"<SRC>", b"<SRC>x"), ("stray-text: 'x' stands between the elements of SRC",)),
        (EBD.replace(b"</SRC>", b"</SRC>y"), ("stray-text: 'y' stands between the elements of EBD",)),
        (
            SIGNATURE.replace(b"<CertSN>", b"h<CertSN>"),
            ("stray-text: 'h' stands between the elements of Signature",),
        ),
        (EBD.replace(b"<SRC>", b"<!-- a remark --><SRC>"), ()),
    ],
)
def test_text_where_none_belongs_is_an_error(data: bytes, errors: tuple[str, ...]) -> None:
    reading = decode_bytes(data)
    assert reading.errors == errors
    assert reading.is_good is not bool(errors)


def test_markup_inside_a_text_is_text() -> None:
    document = EBD.replace(b"ConnectionCheck</EBDType>", b"EBDNotify</EBDType>")
    head, _, _ = document.partition(b"<ConnectionCheck>")
    notify = b"<EBDNotify><ResultCode>2</ResultCode><ResultDesc>bad <b>tar</b> here</ResultDesc></EBDNotify></EBD>"
    reading = decode_bytes(head + notify)
    fields: Any = reading.as_json()["fields"]
    assert reading.errors == ()
    assert fields["ebd_notify"]["result_desc"] == "bad tar here"
    assert "unknown_elements" not in fields


def test_a_document_that_lacks_something_shows_what_it_has() -> None:
    reading = decode_bytes(EBD.replace(b"<RptTime>2025-10-09 16:53:20</RptTime>", b""))
    fields: Any = reading.as_json()["fields"]
    assert reading.errors[0].startswith("missing")
    assert fields["ebd_id"] == "10234000000000001010101010000000000000007"
    assert fields["src"] == {"ebr_id": "23400000000000101010101"}


def test_a_document_that_was_cut_shows_its_elements_up_to_there() -> None:
    at = EBD.index(b"<ConnectionCheck>")
    fields = fields_of(EBD[:at])
    assert fields["ebd_type"] == "ConnectionCheck"
    assert fields["ebd_time"] == "2025-10-09 16:53:20"


def test_of_a_doctype_nothing_is_read() -> None:
    assert as_it_stands(b'<!DOCTYPE x [<!ENTITY a "b">]>' + EBD[EBD.index(b"<EBD>") :]) == Group()
    assert as_it_stands(b"\0\1\2") == Group()


def test_a_signature_file_of_2016_shows_every_element() -> None:
    fields = fields_of(LEGACY)
    assert fields["signature_cert"] == {"cert_type": "01", "issuer_id": "000000000001", "cert_sn": "000000000201"}
    texts = ("version", "signature_time", "digest_algorithm", "signature_algorithm")
    assert [fields[name] for name in texts] == ["1.0", "68e77800", "SM3", "SM2"]
