"""What deployed writers do to a document that still says what it says: read, and read the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from protocols.ebd import EbdType, Edition, ResultCode, decode, encode
from protocols.ebd.codec import Ebd
from protocols.ebd.messages import EbdResponse, Ebm, EbmStateResponse
from protocols.ebd.reports import EbrasInfo, VendorParameter
from protocols.ebd.values import BroadcastParameter, parse_broadcast_parameters
from tests.protocols.ebd import samples

MESSAGE = encode(Ebd(samples.envelope(EbdType.EBM), samples.message())).decode()
BODY = MESSAGE.partition("\n")[2]
BOM = b"\xef\xbb\xbf"


def _tags(text: str, change: Callable[[str], str]) -> str:
    return re.sub(r"<(/?)(\w+)>", lambda found: f"<{found[1]}{change(found[2])}>", text)


SAME: dict[str, bytes] = {
    "no declaration": BODY.encode(),
    "a mark before the declaration": BOM + MESSAGE.encode(),
    "a mark, then a blank line": BOM + b"\r\n" + MESSAGE.encode(),
    "a blank line, then a mark": b"\r\n" + BOM + MESSAGE.encode(),
    "zeros behind it": MESSAGE.encode() + bytes(300),
    "UTF-16 with a mark": MESSAGE.replace("utf-8", "utf-16").encode("utf-16"),
    "UTF-16 without a mark": MESSAGE.replace("utf-8", "utf-16le").encode("utf-16-le"),
    "UTF-8 under a declaration of UTF-16": MESSAGE.replace("utf-8", "utf-16").encode(),
    "GBK": MESSAGE.replace("utf-8", "GBK").encode("gbk"),
    "GB2312": MESSAGE.replace("utf-8", "gb2312").encode("gb2312"),
    "GB 2312 that is UTF-8": MESSAGE.replace("utf-8", "GB2312").encode(),
    "UTF8 without its hyphen": MESSAGE.replace("utf-8", "UTF8").encode(),
    "XML 1.1": MESSAGE.replace('version="1.0"', 'version="1.1"').encode(),
    "a default namespace": BODY.replace("<EBD>", '<EBD xmlns="http://www.w3.org/2001/XMLSchema">').encode(),
    "a prefix": re.sub(r"<(/?)(\w)", r"<\1n:\2", BODY).replace("<n:EBD>", '<n:EBD xmlns:n="urn:x">').encode(),
    "small letters": _tags(BODY, str.lower).encode(),
    "capitals": _tags(BODY, str.upper).encode(),
    "a type in small letters": MESSAGE.replace("EBDType>EBM<", "EBDType>ebm<").encode(),
    "character references": MESSAGE.replace("暴雨", "&#x66B4;&#38632;").encode(),
    "CDATA": re.sub("<MsgDesc>(.*?)</MsgDesc>", r"<MsgDesc><![CDATA[\1]]></MsgDesc>", MESSAGE).encode(),
    "a comment inside a text": MESSAGE.replace("请立即", "请<!-- x -->立即").encode(),
    "markup inside a text": MESSAGE.replace("请立即转移。", "请<b>立即</b>转移。<br/>").encode(),
    "attributes": MESSAGE.replace("<MsgTitle>", '<MsgTitle lang="zh">').encode(),
    "blanks everywhere": re.sub(r">([^<])", r"> \n\t\1", BODY).replace("><", ">\n  <").encode(),
    "a version of 1.0000": MESSAGE.replace("<EBMVersion>1<", "<EBMVersion>1.0000<").encode(),
    "SentTime": MESSAGE.replace("SendTime", "SentTime").encode(),
    "EBEID": MESSAGE.replace("EBRID", "EBEID").encode(),
    "a MsgType of two digits": MESSAGE.replace("<MsgType>1<", "<MsgType>01<").encode(),
    "fractions of a second": MESSAGE.replace("14:00:00<", "14:00:00.000<").encode(),
    "a letter code in small letters": MESSAGE.replace("11B03", "11b03").encode(),
    "extras of vendors": MESSAGE.replace(
        "<MsgType>", "<SysTask>1</SysTask><BroadcastTime/><LinkTypeSel>2</LinkTypeSel><ProcessType/><MsgType>"
    ).encode(),
    "empty elements of a template": MESSAGE.replace(
        "<MsgBasicInfo>", "<RelatedInfo><EBIID/><EBMID/></RelatedInfo><MsgBasicInfo>"
    ).encode(),
}


@pytest.mark.parametrize("way", SAME)
def test_the_same_message_is_read(way: str) -> None:
    assert SAME[way] != MESSAGE.encode(), "this case changes nothing"
    assert decode(SAME[way]) == decode(MESSAGE.encode())


@pytest.mark.parametrize("separator", [",", "，", ";", "；", "、", " ", "\n", "\t", ", "])
def test_area_codes_are_told_apart_however_they_are_joined(separator: str) -> None:
    text = f"AreaCode>341123000000{separator}341124{separator}<"
    detail = decode(MESSAGE.replace("AreaCode>341123000000<", text).encode()).detail
    assert isinstance(detail, Ebm)
    assert detail.contents[0].area_codes == ("341123000000", "341124")


@pytest.mark.parametrize("written", ["(341123000000,341124)", "（341123000000，341124）", "(341123000000),(341124)"])
def test_area_codes_in_brackets_mean_the_same(written: str) -> None:
    """Early peers write (code,code); a bracket that stays in a code would make it an area that nobody knows."""
    detail = decode(MESSAGE.replace("AreaCode>341123000000<", f"AreaCode>{written}<").encode()).detail
    assert isinstance(detail, Ebm)
    assert detail.contents[0].area_codes == ("341123000000", "341124")


def test_a_receipt_of_an_early_peer_is_read() -> None:
    """EBEID for EBRID, an empty one beside it in SRC, an empty DEST."""
    xml = (
        '<?xml version="1.0" encoding="utf-8"?><EBD xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f"<EBDVersion>1.0</EBDVersion><EBDID>{'1' * 36}</EBDID><EBDType>EBDResponse</EBDType>"
        f"<SRC><EBEID>{'2' * 18}</EBEID><EBEID /></SRC><DEST /><EBDTime>2018-06-26 14:43:59</EBDTime>"
        f"<RelatedEBD><EBDID>{'3' * 36}</EBDID></RelatedEBD>"
        "<EBDResponse><ResultCode>1</ResultCode><ResultDesc>执行成功</ResultDesc></EBDResponse></EBD>"
    )
    ebd = decode(xml.encode(), edition=Edition.Y2016)
    assert ebd.detail == EbdResponse(ResultCode.SUCCESS, "执行成功")
    assert (ebd.envelope.source, ebd.envelope.destination) == ("2" * 18, None)


@pytest.mark.parametrize("tag", ["CoverageRate", "CoveragePercent", "coveragerate"])
@pytest.mark.parametrize(
    ("text", "rate"), [("0.9", 0.9), ("90", 0.9), ("90%", 0.9), ("1", 1.0), ("100", 1.0), ("0", 0.0)]
)
def test_a_share_is_read_as_a_share_or_per_cent(tag: str, text: str, rate: float) -> None:
    xml = MESSAGE.partition("<EBM>")[0].replace("EBDType>EBM<", "EBDType>EBMStateResponse<") + (
        f"<EBMStateResponse><RptTime>2026-11-22 14:00:00</RptTime><EBM><EBMID>{samples.EBM_ID}</EBMID></EBM>"
        f"<BrdStateCode>2</BrdStateCode><Coverage><{tag}>{text}</{tag}></Coverage></EBMStateResponse></EBD>"
    )
    detail = decode(xml.encode()).detail
    assert isinstance(detail, EbmStateResponse)
    assert detail.coverage is not None
    assert detail.coverage.rate == rate


CANCEL = MESSAGE.replace("<MsgType>1<", "<MsgType>2<")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Severity>1<", "<Severity>99<"),
        ("<EventType>11B03<", "<EventType>?<"),
        ("<EndTime>2026-11-22 14:10:00<", "<EndTime>0000-00-00 00:00:00<"),
        ("<StartTime>2026-11-22 14:00:00<", "<StartTime>now<"),
        ("<Size>3<", "<Size>three<"),
        ("<AuxiliaryType>2<", "<AuxiliaryType><"),
        ("<MsgType>2<", "<MsgType>02<"),
        ("AreaCode>341123000000<", "AreaCode><"),
    ],
)
def test_i12_a_cancel_counts_whatever_else_it_says(old: str, new: str) -> None:
    """platform.md 6.4: content may be missing or meaningless."""
    assert old in CANCEL
    detail = decode(CANCEL.replace(old, new).encode()).detail
    assert isinstance(detail, Ebm)
    assert detail.basic is not None
    assert (detail.ebm_id, detail.basic.msg_type) == (samples.EBM_ID, 2)
    again = Ebd(samples.envelope(EbdType.EBM), detail)
    assert decode(encode(again)) == again


def test_params_of_a_report_and_of_an_adapter_are_two_things() -> None:
    xml = MESSAGE.partition("<EBM>")[0].replace("EBDType>EBM<", "EBDType>EBRASInfo<") + (
        "<EBRASInfo><Params><RPTStartTime>2026-11-22 14:00:00</RPTStartTime></Params>"
        f"<EBRAS><RptTime>2026-11-22 14:00:00</RptTime><EBRID>{samples.COUNTY}</EBRID>"
        "<Params><Volume>80</Volume></Params></EBRAS></EBRASInfo></EBD>"
    )
    detail = decode(xml.encode()).detail
    assert isinstance(detail, EbrasInfo)
    assert detail.params is not None
    assert detail.params.start_time == samples.START
    assert detail.items[0].vendor == (VendorParameter("Volume", "80"),)


@pytest.mark.parametrize(
    "text",
    [
        "(23400000000000301010301,3,97400)",
        "23400000000000301010301,3,97400",
        "（23400000000000301010301，3，97400）",
        " ( 23400000000000301010301 , 3 , 97400 ) ",
    ],
)
def test_broadcast_parameters_are_read_with_brackets_of_any_kind_or_none(text: str) -> None:
    assert parse_broadcast_parameters(text) == (BroadcastParameter("23400000000000301010301", "3", "97400"),)
