"""Information bodies."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ebd.edition import Edition
from protocols.ebd.information import BODY, decode_information, encode_information, information_name
from protocols.errors import RemoteProtocolError
from tests.protocols.ebd import samples

# Hand-written with the misspellings of the standard's own schema and table (platform.md 3.16).
MISSPELT = """<EBI><PublishStrategy><PublishRegion>341123000000,341123100000</PublishRegion>
<BoradcastDateTime>2026-11-22 14:00:00</BoradcastDateTime><BoradcastStyles><BoradcastStyle>
<PublishMeans>0314</PublishMeans><Presentation>0502</Presentation><PublishFrequence>1t/3min</PublishFrequence>
</BoradcastStyle></BoradcastStyles></PublishStrategy>
<EBMainInfo><InfoID>123</InfoID><ReferenceId>9</ReferenceId><IsTTS>2</IsTTS></EBMainInfo></EBI>"""


@given(seed=st.integers(0, 2**32))
def test_a_body_reads_back(seed: int) -> None:
    body = samples.of_record(BODY, Edition.Y2018, random.Random(seed))
    assert decode_information(encode_information(body)) == body


@pytest.mark.clause("GD/J 082 EBI, InfoStatus, Presentation")
def test_the_standards_own_misspellings_are_read() -> None:
    body = decode_information(MISSPELT.encode())
    assert body.strategy is not None
    assert body.strategy.regions == ("341123000000", "341123100000")
    assert body.strategy.begin == samples.START
    assert body.strategy.styles[0].publish_frequency == "1t/3min"
    assert (body.main.info_id, body.main.reference_id, body.main.is_tts) == ("123", "9", 2)


def test_the_version_stands_first() -> None:
    body = decode_information(MISSPELT.encode())
    assert b"<EBI><EBMainInfo><EBIVersion>1</EBIVersion><InfoID>123</InfoID>" in encode_information(body)
    assert information_name("123") == "EBDI_123.xml"


@pytest.mark.parametrize("xml", [b"<EBD/>", b"<EBI/>", b"<EBI><EBMainInfo/></EBI>", b"<EBI", b""])
def test_what_is_no_information_body_is_refused(xml: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_information(xml)


@pytest.mark.clause("GD/J 082 InfoID")
def test_an_id_of_more_than_forty_characters_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="InfoID"):
        decode_information(MISSPELT.replace("123", "1" * 41, 1).replace("<InfoID>123", f"<InfoID>{'1' * 41}").encode())
