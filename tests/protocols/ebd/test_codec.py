"""EBD documents there and back, and what the reader forgives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ebd import EbdType, Edition, ResultCode, decode, encode, read_envelope, result_code
from protocols.ebd.codec import RECORDS, Ebd
from protocols.ebd.messages import ConnectionCheck, Coverage, EbmStateResponse, ResourceBroadcast
from protocols.errors import LocalProtocolError, RemoteProtocolError
from tests.protocols.ebd import samples


@pytest.mark.parametrize("kind", list(EbdType))
@given(data=st.data())
def test_every_type_reads_back_what_was_written(kind: EbdType, data: st.DataObject) -> None:
    ebd = data.draw(samples.documents(kind))
    assert decode(encode(ebd)) == ebd


@pytest.mark.parametrize("kind", list(EbdType))
@given(data=st.data())
def test_every_type_reads_back_in_the_2016_edition(kind: EbdType, data: st.DataObject) -> None:
    ebd = data.draw(samples.documents(kind, Edition.Y2016))
    assert decode(encode(ebd, edition=Edition.Y2016), edition=Edition.Y2016) == ebd


@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_by_name(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        decode(data)
    assert result_code(refusal.value) is ResultCode.PARSE_FAILED


@given(data=st.data())
def test_a_damaged_document_is_read_or_refused_by_name(data: st.DataObject) -> None:
    whole = bytearray(encode(data.draw(samples.documents(data.draw(st.sampled_from(EbdType))))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=3))
    try:
        decode(bytes(whole))
    except RemoteProtocolError as error:
        assert result_code(error) in ResultCode  # noqa: PT017


@pytest.mark.clause("GD/J 082 EBM, MsgBasicInfo, AreaCode, LanguageCode, Auxiliary", "GD/J 083 EBD")
def test_a_message_is_written_as_the_standard_has_it() -> None:
    """Worked by hand from platform.md 2 and 3.1; Beijing is eight hours ahead of START."""
    ebd = Ebd(samples.envelope(EbdType.EBM), samples.message())
    assert encode(ebd).decode() == (
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n'
        f"<EBD><EBDVersion>1</EBDVersion><EBDID>{samples.EBD_ID}</EBDID><EBDType>EBM</EBDType>"
        f"<SRC><EBRID>{samples.PROVINCE}</EBRID></SRC><DEST><EBRID>{samples.COUNTY}</EBRID></DEST>"
        "<EBDTime>2026-11-22 14:00:00</EBDTime>"
        f"<EBM><EBMVersion>1</EBMVersion><EBMID>{samples.EBM_ID}</EBMID>"
        "<MsgBasicInfo><MsgType>1</MsgType><SenderName>安徽省应急广播中心</SenderName>"
        "<SenderCode>34000000000000</SenderCode><SendTime>2026-11-22 14:00:00</SendTime><EventType>11B03</EventType>"
        "<Severity>1</Severity><StartTime>2026-11-22 14:00:00</StartTime><EndTime>2026-11-22 14:10:00</EndTime>"
        "</MsgBasicInfo>"
        "<MsgContent><LanguageCode>zho</LanguageCode><MsgTitle>暴雨红色预警</MsgTitle><MsgDesc>请立即转移。</MsgDesc>"
        "<AreaCode>341123000000</AreaCode><Auxiliary><AuxiliaryType>2</AuxiliaryType>"
        "<AuxiliaryDesc>EBDR_a.mp3</AuxiliaryDesc><Size>3</Size></Auxiliary></MsgContent></EBM></EBD>"
    )


@pytest.mark.clause("GD/J 083 EBMStateResponse")
def test_a_state_feedback_always_has_its_resource_list() -> None:
    """The minimal form that provinces accept (platform.md 3.3), with the own platform in it."""
    state = EbmStateResponse(samples.START, samples.EBM_ID, 2, "播发中")
    assert b"<ResBrdInfo/>" in encode(Ebd(samples.envelope(EbdType.EBM_STATE_RESPONSE), state))


def test_the_2016_edition_writes_sent_time() -> None:
    message = samples.message(ebm_id="2" * 26 + "0001")
    envelope = samples.envelope(EbdType.EBM, ebd_id="1" * 36)
    short = Ebd(
        type(envelope)(envelope.ebd_id, "EBM", "1" * 18, envelope.time, destination="2" * 18),
        message,
    )
    written = encode(short, edition=Edition.Y2016)
    assert b"<SentTime>" in written
    assert b"<SendTime>" not in written


def test_codes_of_2016_are_refused_by_name_unless_the_peer_is_configured_so() -> None:
    xml = _document("<ConnectionCheck><RptTime>2018-06-26 14:43:59</RptTime></ConnectionCheck>", "ConnectionCheck")
    old = xml.replace(samples.EBD_ID.encode(), b"0" * 36).replace(samples.PROVINCE.encode(), b"1" * 18)
    assert read_envelope(old).edition is Edition.Y2016
    assert decode(old, edition=Edition.Y2016).detail == ConnectionCheck(1529995439)
    with pytest.raises(RemoteProtocolError, match="2016"):
        decode(old)


def _document(detail: str, kind: str, *, more: str = "", root: str = "<EBD>") -> bytes:
    return (
        f"{root}{detail}<EBDTime> 2026-11-22 14:00:00\n</EBDTime><EBDType>{kind}</EBDType>{more}"
        f"<SRC><URL/><EBRID>{samples.PROVINCE}</EBRID></SRC><EBDID>{samples.EBD_ID}</EBDID>"
        "<EBDVersion>1.0</EBDVersion></EBD>"
    ).encode()


VARIANTS = {
    "the id without its wrapper": ("EBMStateRequest", f"<EBMID>{samples.EBM_ID}</EBMID>"),
    "the id in its wrapper": ("EBMStateRequest", f"<EBM><EBMID>{samples.EBM_ID}</EBMID></EBM>"),
    "a misspelt description": (
        "EBMStateResponse",
        f"<EBM><EBMID>{samples.EBM_ID}</EBMID></EBM><BrdStateCode>2</BrdStateCode>"
        "<RptTime>2026-11-22 14:00:00</RptTime><BrdStateDes>x</BrdStateDes>",
    ),
    "per cent coverage": (
        "EBMStateResponse",
        f"<EBM><EBMID>{samples.EBM_ID}</EBMID></EBM><BrdStateCode>3</BrdStateCode>"
        "<RptTime>2026-11-22 14:00:00</RptTime><Coverage><CoverageRate>99</CoverageRate>"
        "<ResBrdStat>5,10,10,1000</ResBrdStat></Coverage>",
    ),
    "capitals in the period": (
        "OMDRequest",
        "<OMDType>EBRDTInfo</OMDType><Params><RPTStartTime>2026-11-22 14:00:00</RPTStartTime></Params>",
    ),
    "Name for EBRName": (
        "EBRPSInfo",
        f"<EBRPS><EBRID>{samples.COUNTY}</EBRID><Name>x</Name><RptTime>2026-11-22 14:00:00</RptTime></EBRPS>",
    ),
    "relations one level too high": (
        "EBRASInfo",
        f"<RelatedEBRPS><EBRID>{samples.COUNTY}</EBRID></RelatedEBRPS><EBRAS><EBRID>{samples.COUNTY}</EBRID>"
        "<RptTime>2026-11-22 14:00:00</RptTime></EBRAS>",
    ),
    "an empty list": ("EBRDTState", ""),
}
EXPECTED = {
    "the id without its wrapper": ("ebm_id", samples.EBM_ID),
    "the id in its wrapper": ("ebm_id", samples.EBM_ID),
    "a misspelt description": ("state_desc", "x"),
    "per cent coverage": ("coverage", Coverage(0.99, (), (5, 10, 10, 1000))),
    "capitals in the period": ("params.start_time", samples.START),
    "Name for EBRName": ("items.0.name", "x"),
    "relations one level too high": ("items.0.platform", samples.COUNTY),
    "an empty list": ("items", ()),
}


@pytest.mark.clause("GD/J 083 EBD")
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("root", ["<EBD>", '<EBD xmlns="urn:x">', '<EBD xmlns:xs="http://www.w3.org/2001/XMLSchema">'])
def test_spellings_orders_and_namespaces_of_peers_are_read(variant: str, root: str) -> None:
    kind, inner = VARIANTS[variant]
    xml = _document(f"<{kind}>{inner}<Vendor>9</Vendor></{kind}>", kind, root=root, more="<RelatedEBD />")
    value: object = decode(xml).detail
    path, expected = EXPECTED[variant]
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, tuple) else getattr(value, step)
    assert value == expected


def test_an_own_platform_is_enough_of_a_resource_list() -> None:
    item = f"<ResBrdInfo><ResBrdItem><EBRPS><EBRID>{samples.COUNTY}</EBRID></EBRPS></ResBrdItem></ResBrdInfo>"
    xml = _document(
        f"<EBMStateResponse><RptTime>2026-11-22 14:00:00</RptTime><EBM><EBMID>{samples.EBM_ID}</EBMID></EBM>"
        f"<BrdStateCode>2</BrdStateCode><BrdStateDesc/>{item}</EBMStateResponse>",
        "EBMStateResponse",
    )
    detail = decode(xml).detail
    assert isinstance(detail, EbmStateResponse)
    assert detail.resources == (ResourceBroadcast(platform=samples.COUNTY),)


def test_the_table_has_all_seventeen_types() -> None:
    assert len(RECORDS) == len(EbdType) == 17


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\ud800"])
def test_text_that_xml_cannot_carry_is_our_error(text: str) -> None:
    state = EbmStateResponse(samples.START, samples.EBM_ID, 2, text)
    with pytest.raises(LocalProtocolError):
        encode(Ebd(samples.envelope(EbdType.EBM_STATE_RESPONSE), state))
