"""Which fault gives which receipt code (platform.md 5.6)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from protocols.ebd import EbdType, Edition, ResultCode, decode, encode, read_envelope, result_code
from protocols.ebd.codec import Ebd
from protocols.ebd.messages import Ebm, MsgBasicInfo, MsgContent
from protocols.errors import LocalProtocolError, RemoteProtocolError
from tests.protocols.ebd import samples

MESSAGE = encode(Ebd(samples.envelope(EbdType.EBM), samples.message())).decode()


def _without(tag: str) -> bytes:
    return re.sub(f"<{tag}>.*?</{tag}>", "", MESSAGE, count=1, flags=re.DOTALL).encode()


def _with(tag: str, text: str) -> bytes:
    return re.sub(f"<{tag}>.*?</{tag}>", f"<{tag}>{text}</{tag}>", MESSAGE, count=1).encode()


NEEDED = (
    *("EBDVersion", "EBDID", "EBDType", "SRC", "EBDTime", "EBM", "EBMID", "MsgBasicInfo", "MsgType", "SenderName"),
    *("SenderCode", "SendTime", "EventType", "Severity", "StartTime", "EndTime", "MsgContent", "LanguageCode"),
    *("MsgTitle", "AreaCode", "AuxiliaryType", "AuxiliaryDesc"),
)


@pytest.mark.requirement("R-PLT-02")
@pytest.mark.clause("GD/J 083 ResultCode")
@pytest.mark.parametrize("tag", NEEDED)
def test_a_missing_mandatory_element_is_content_missing(tag: str) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        decode(_without(tag))
    assert refusal.value.reason == "missing"
    assert result_code(refusal.value) is ResultCode.CONTENT_MISSING


@pytest.mark.parametrize("tag", ["EBDVersion", "EBDID", "EBDType", "SRC", "EBDTime"])
def test_the_envelope_alone_tells_what_it_lacks(tag: str) -> None:
    with pytest.raises(RemoteProtocolError, match=tag):
        read_envelope(_without(tag))


@pytest.mark.clause("GD/J 082 Severity, MsgType, EventType")
@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("EBDID", "1" * 40),
        ("EBDID", "１" * 41),
        ("EBDTime", "2026-13-01 00:00:00"),
        ("EBDTime", "yesterday"),
        ("EBMID", "x" * 35),
        ("MsgType", "6"),
        ("Severity", "5"),
        ("EventType", "11B"),
        ("StartTime", "2026-02-30 00:00:00"),
        ("Size", "-"),
    ],
)
def test_a_value_of_the_wrong_form_is_content_missing(tag: str, text: str) -> None:
    with pytest.raises(RemoteProtocolError, match=tag) as refusal:
        decode(_with(tag, text))
    assert refusal.value.reason == "format"
    assert result_code(refusal.value) is ResultCode.CONTENT_MISSING


@pytest.mark.parametrize("areas", ["", " ", ",", " , "])
def test_a_message_without_any_area_is_content_missing(areas: str) -> None:
    """I2: an empty area never widens to the county."""
    with pytest.raises(RemoteProtocolError, match="AreaCode") as refusal:
        decode(_with("AreaCode", areas))
    assert result_code(refusal.value) is ResultCode.CONTENT_MISSING


def test_area_codes_stay_as_they_were_written() -> None:
    detail = decode(_with("AreaCode", "341123, 341123100，999999999999")).detail
    assert isinstance(detail, Ebm)
    assert detail.contents[0].area_codes == ("341123", "341123100", "999999999999")


def test_an_element_twice_with_two_contents_is_refused() -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        decode(MESSAGE.replace("<EBMVersion>", f"<EBMID>{'9' * 35}</EBMID><EBMVersion>").encode())
    assert refusal.value.reason == "repeated"


def test_an_element_twice_with_the_same_content_is_forgiven() -> None:
    once = decode(MESSAGE.encode())
    assert decode(MESSAGE.replace("<EBMVersion>", f"<EBMID>{samples.EBM_ID}</EBMID><EBMVersion>").encode()) == once


@pytest.mark.parametrize("kind", ["EBMStreamPortRequest", "OMDInfo", "x"])
def test_a_type_we_do_not_know_is_other(kind: str) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        decode(MESSAGE.replace("EBDType>EBM<", f"EBDType>{kind}<").encode())
    assert refusal.value.reason == "type"
    assert result_code(refusal.value) is ResultCode.OTHER


BAD_XML = {
    "empty": b"",
    "text": b"hello",
    "cut": MESSAGE[:200].encode(),
    "entity": MESSAGE.replace("EBM<", "&x;<", 1).encode(),
    "doctype": b'<?xml version="1.0"?><!DOCTYPE EBD [<!ENTITY x "y">]><EBD>&x;</EBD>',
    "doctype in UTF-16": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE EBD [<!ENTITY x "y">]><EBD>&x;</EBD>'.encode(
        "utf-16"
    ),
    "doctype in UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE EBD+AD4APA-EBD/+AD4-',
    "unknown charset": b'<?xml version="1.0" encoding="klingon"?><EBD/>',
    "other root": b"<Signature/>",
    "deep": b"<EBD>" + b"<a>" * 40 + b"</a>" * 40 + b"</EBD>",
    "very deep": b"<EBD>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</EBD>",
    "not UTF-8": MESSAGE.encode("gbk"),
}


@pytest.mark.clause("GD/J 083 ResultCode")
@pytest.mark.parametrize("name", BAD_XML)
def test_xml_that_cannot_be_trusted_is_a_parse_failure(name: str) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        read_envelope(BAD_XML[name])
    assert result_code(refusal.value) is ResultCode.PARSE_FAILED


def test_an_external_entity_reads_no_file() -> None:
    xml = b'<?xml version="1.0"?><!DOCTYPE EBD [<!ENTITY x SYSTEM "file:///etc/hostname">]><EBD>&x;</EBD>'
    with pytest.raises(RemoteProtocolError) as refusal:
        decode(xml)
    assert refusal.value.reason == "doctype"


@pytest.mark.parametrize("charset", ["utf-8-sig", "gb18030"])
def test_a_byte_order_mark_or_a_declared_chinese_charset_is_read(charset: str) -> None:
    name = "utf-8" if charset == "utf-8-sig" else charset
    assert decode(MESSAGE.replace("utf-8", name, 1).encode(charset)) == decode(MESSAGE.encode())


def test_a_cancel_needs_no_content_and_no_window() -> None:
    basic = MsgBasicInfo(2, "安徽", "34", samples.START)
    cancel = samples.message(basic=basic, contents=())
    ebd = Ebd(samples.envelope(EbdType.EBM), cancel)
    assert decode(encode(ebd)) == ebd


@pytest.mark.clause("GD/J 082 MsgBasicInfo")
def test_a_message_that_is_not_compulsory_may_lack_its_head() -> None:
    daily = samples.message(ebm_id=samples.EBM_ID[:-4] + "0000", basic=None)
    ebd = Ebd(samples.envelope(EbdType.EBM), daily)
    assert decode(encode(ebd)) == ebd


@pytest.mark.parametrize("severity", [10, 15, 21, 22, 23])
def test_severities_of_older_peers_are_read(severity: int) -> None:
    detail = decode(_with("Severity", str(severity))).detail
    assert isinstance(detail, Ebm)
    assert detail.basic is not None
    assert detail.basic.severity == severity


def test_drills_do_not_exist_in_the_2016_edition_but_a_2016_peer_may_send_later_ones() -> None:
    basic = replace(samples.message().basic, msg_type=5)  # type: ignore[type-var]
    ebd = Ebd(samples.envelope(EbdType.EBM), samples.message(basic=basic))
    assert decode(encode(ebd), edition=Edition.Y2016) == ebd


@pytest.mark.parametrize("msg_type", [3, 4, 5])
def test_a_drill_is_never_sent_in_the_2016_edition(msg_type: int) -> None:
    basic = replace(samples.message().basic, msg_type=msg_type)  # type: ignore[type-var]
    short = samples.message(ebm_id="1" * 30, basic=basic)
    head = replace(samples.envelope(EbdType.EBM), ebd_id="1" * 36, source="1" * 18, destination="1" * 18)
    with pytest.raises(LocalProtocolError, match="2016"):
        encode(Ebd(head, short), edition=Edition.Y2016)


@pytest.mark.parametrize(
    "changes",
    [
        {"contents": ()},
        {"contents": (MsgContent("zho", "t", "d", ()),)},
        {"contents": (MsgContent("zho", "t", "", ("1",)),)},
        {"basic": None},
        {"ebm_id": "1"},
    ],
)
def test_an_incomplete_message_is_never_sent(changes: dict[str, object]) -> None:
    with pytest.raises(LocalProtocolError):
        encode(Ebd(samples.envelope(EbdType.EBM), samples.message(**changes)))


def test_an_envelope_of_another_type_is_never_sent() -> None:
    with pytest.raises(LocalProtocolError):
        encode(Ebd(samples.envelope(EbdType.EBM_STATE_REQUEST), samples.message()))


def test_a_reason_that_no_table_names_is_other() -> None:
    assert result_code(RemoteProtocolError("never heard", "x")) is ResultCode.OTHER
    assert result_code(LocalProtocolError("x")) is ResultCode.OTHER
