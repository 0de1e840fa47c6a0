"""Signature files of both editions."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ebd import Edition, ResultCode, SignatureFile, decode_signature, encode_signature, result_code
from protocols.errors import LocalProtocolError, RemoteProtocolError
from tests.protocols.ebd import samples

# Worked example of signature.md 9 d, profile "file only": time 68E77800, certificate 000000000201.
VALUE = "aOd4AAAAAAACARmyDZB0Sk3Im8Mx0PouvLI4ZW+tSEoaEDMjIiNPG8GkL8f7phvMMbuOEarVWUDywymRsRtjswlVHkw4T9ZLRa4="
SIGNATURE = SignatureFile(base64.b64decode(VALUE), related_ebd_id=samples.EBD_ID, certificate_text="0000000000000201")


@pytest.mark.clause("GD/J 081 clause 6.4")
def test_the_flat_form_is_written_as_the_standard_has_it() -> None:
    assert encode_signature(SIGNATURE).decode() == (
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n'
        f"<Signature><Version>1</Version><RelatedEBD><EBDID>{samples.EBD_ID}</EBDID></RelatedEBD>"
        "<CertSN>0000000000000201</CertSN><SignatureAlgorithm>SM2-SM3</SignatureAlgorithm>"
        f"<SignatureValue>{VALUE}</SignatureValue></Signature>"
    )


def test_who_and_when_come_from_the_block() -> None:
    liar = encode_signature(SIGNATURE).replace(b"0000000000000201", b"0000000000009999")
    read = decode_signature(liar)
    assert (read.time_or_counter, read.certificate.hex()) == (0x68E77800, "000000000201")
    assert read.certificate_text == "0000000000009999"


@pytest.mark.clause("GD/J 081 clause 6.3")
@given(
    block=st.binary(min_size=74, max_size=74),
    form=st.sampled_from(Edition),
    ids=st.lists(st.text("0123456789", min_size=1, max_size=40), min_size=1, max_size=3),
)
def test_both_forms_read_back(block: bytes, form: Edition, ids: list[str]) -> None:
    for written in (
        SignatureFile(block, related_ebd_id=ids[0], form=form),
        SignatureFile(block, related_info_ids=tuple(ids), issuer_text="000000000075", form=form),
    ):
        read = decode_signature(encode_signature(written))
        expected = replace(written, certificate_text=read.certificate_text)
        if form is Edition.Y2018:
            expected = replace(expected, issuer_text="")
        assert read == expected


LEGACY = f"""<?xml version="1.0"?><x:Signature xmlns:x="urn:y"><x:SignatureValue>
  {VALUE[:50]}
  {VALUE[50:]}</x:SignatureValue><x:SignatureCert><x:IssuerID> </x:IssuerID><x:CertSN/></x:SignatureCert>
<x:SignatureTime>F9-91-97-AC-79-46-E5-40</x:SignatureTime></x:Signature>"""


def test_orders_blanks_and_namespaces_are_forgiven() -> None:
    assert decode_signature(LEGACY.encode()) == SignatureFile(SIGNATURE.block, form=Edition.Y2016)


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<EBD/>",
        b"<Signature/>",
        encode_signature(SIGNATURE).replace(VALUE.encode(), b"!!!!"),
        encode_signature(SIGNATURE).replace(VALUE.encode(), VALUE[:-4].encode()),
        encode_signature(SIGNATURE).replace(
            b"<CertSN>", f"<SignatureValue>{VALUE[::-1]}</SignatureValue><CertSN>".encode()
        ),
        b"<!DOCTYPE x><Signature/>",
        b"<Signature>" + b" " * 70_000 + b"</Signature>",
    ],
)
def test_a_file_without_one_value_of_74_bytes_is_a_signature_failure(xml: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        decode_signature(xml)
    assert result_code(refusal.value) is ResultCode.SIGNATURE_FAILED


@pytest.mark.parametrize(
    "signature",
    [
        SignatureFile(b"", related_ebd_id="1"),
        SignatureFile(bytes(74)),
        SignatureFile(bytes(74), related_ebd_id="1", related_info_ids=("2",)),
    ],
)
def test_a_signature_of_nothing_or_of_two_things_is_never_written(signature: SignatureFile) -> None:
    with pytest.raises(LocalProtocolError):
        encode_signature(signature)
