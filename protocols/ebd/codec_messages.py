"""Element tables of the message types (GD/J 082, 083; platform.md 3.1-3.5, 3.13-3.15)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from protocols.ebd import messages as m
from protocols.ebd.document import children, text_of
from protocols.ebd.edition import RULES, Edition, accepted
from protocols.ebd.mapping import Element, Record
from protocols.ebd.result import ResultCode
from protocols.ebd.values import (
    COUNTS,
    EBM_ID,
    EVENT_TYPE,
    INTEGER,
    LIST,
    RATE,
    RESOURCE_CODE,
    TEXT,
    TIME,
    Scalar,
)
from protocols.errors import LocalProtocolError, RemoteProtocolError

CANCEL = 2
SEVERITIES = frozenset({0, 1, 2, 3, 4, 10, 15, 21, 22, 23})
BROADCAST_STATES = frozenset(range(6))


def _integer_of(allowed: frozenset[int], noun: str) -> Scalar[int]:
    def read(text: str, edition: Edition) -> int:
        value = INTEGER.read(text, edition)
        if value not in allowed:
            raise ValueError(f"{noun} {text!r} is not one of {sorted(allowed)}")
        return value

    return Scalar(read, lambda value, edition: str(read(str(int(value)), edition)))


def _read_message_type(text: str, edition: Edition) -> int:
    value = INTEGER.read(text, edition)
    if not any(value in rules.message_types for rules in accepted(edition)):
        raise ValueError(f"MsgType {text!r} does not exist in the {edition} edition")
    return value


def _read_result(text: str, edition: Edition) -> ResultCode:
    return ResultCode(INTEGER.read(text, edition))


def _write_message_type(value: int, edition: Edition) -> str:
    if value not in RULES[edition].message_types:
        raise LocalProtocolError(f"MsgType {value} does not exist in the {edition} edition")
    return str(int(value))


MESSAGE_TYPE: Scalar[int] = Scalar(_read_message_type, _write_message_type)
SEVERITY = _integer_of(SEVERITIES, "Severity")
BROADCAST_STATE = _integer_of(BROADCAST_STATES, "BrdStateCode")
RESULT: Scalar[ResultCode] = Scalar(_read_result, lambda value, _: str(int(value)))

BASIC_INFO = Record(
    m.MsgBasicInfo,
    (
        Element("msg_type", "MsgType", MESSAGE_TYPE, required=True),
        Element("sender_name", "SenderName", TEXT, required=True),
        Element("sender_code", "SenderCode", TEXT, required=True),
        Element("send_time", "SendTime", TIME, tag_2016="SentTime", required=True),
        Element("event_type", "EventType", EVENT_TYPE),
        Element("severity", "Severity", SEVERITY),
        Element("start_time", "StartTime", TIME),
        Element("end_time", "EndTime", TIME),
    ),
)

AUXILIARY = Record(
    m.Auxiliary,
    (
        Element("type", "AuxiliaryType", INTEGER, required=True),
        Element("desc", "AuxiliaryDesc", TEXT, required=True),
        Element("size_bytes", "Size", INTEGER),
        Element("digest", "Digest", TEXT, default=""),
    ),
)

CONTENT = Record(
    m.MsgContent,
    (
        Element("language_code", "LanguageCode", TEXT, default="", always=True),
        Element("title", "MsgTitle", TEXT, default="", always=True),
        Element("desc", "MsgDesc", TEXT, default="", always=True),
        Element("area_codes", "AreaCode", LIST, default=(), always=True),
        Element("program_num", "ProgramNum", INTEGER),
        Element("auxiliaries", "Auxiliary", AUXILIARY, many=True, default=()),
    ),
)

DISPATCH = Record(
    m.Dispatch,
    (
        Element("language_code", "LanguageCode", TEXT, default="", always=True),
        Element("platform", "EBRPS/EBRID", RESOURCE_CODE),
        Element("station", "EBRRTS/EBRID", RESOURCE_CODE),
        Element("adapter", "EBRAS/EBRID", RESOURCE_CODE),
        Element(
            "broadcasts",
            "EBRBS",
            Record(
                m.BroadcastOrder,
                (
                    Element("types", "BrdSysType", LIST, default=()),
                    Element("info", "BrdSysInfo", TEXT, default=""),
                ),
            ),
            many=True,
            default=(),
        ),
    ),
)


def is_forced(ebm_id: str) -> bool:
    """Whether the sequence of an EBM id, of either edition, says compulsory: not 0000 (GD/J 082)."""
    return ebm_id[-4:] != "0000"


def _check_ebm(ebm: m.Ebm, _edition: Edition) -> None:
    """What must be there depends on what the message orders. Raises RemoteProtocolError("missing")."""
    basic = ebm.basic
    if basic is None:
        if is_forced(ebm.ebm_id):
            raise RemoteProtocolError("missing", "EBM/MsgBasicInfo of a compulsory message")
    elif basic.msg_type != CANCEL:
        for name in ("event_type", "severity", "start_time", "end_time"):
            if getattr(basic, name) is None:
                raise RemoteProtocolError("missing", f"EBM/MsgBasicInfo: {name} of a message that is no cancel")
    if basic is not None and basic.msg_type == CANCEL:
        return  # content of a cancel is missing or meaningless (platform.md 6.4)
    if not ebm.contents:
        raise RemoteProtocolError("missing", "EBM/MsgContent")
    for content in ebm.contents:
        if not content.language_code or not content.title:
            raise RemoteProtocolError("missing", "EBM/MsgContent: LanguageCode or MsgTitle")
        if not content.desc and not content.auxiliaries:
            raise RemoteProtocolError("missing", "EBM/MsgContent: neither MsgDesc nor Auxiliary")
    if not any(content.area_codes for content in ebm.contents):
        raise RemoteProtocolError("missing", "EBM/MsgContent/AreaCode")


def _drop_what_a_cancel_need_not_mean(node: etree._Element) -> None:
    """Content and window of a cancel may be meaningless (platform.md 6.4): what cannot be read of them stops nobody."""
    head = children(node).get("msgbasicinfo", [])
    kinds = [kind for basic in head for kind in children(basic).get("msgtype", [])]
    if not kinds or text_of(kinds[0]).partition(".")[0].lstrip("0") != str(CANCEL):
        return
    for content in children(node).get("msgcontent", []):
        if not _is_readable(CONTENT, content):
            node.remove(content)
    for element in BASIC_INFO.elements:
        for basic in head if not element.required else ():
            for each in children(basic).get(element.tag.lower(), []):
                if not _is_readable(element.kind, each):
                    basic.remove(each)


def _is_readable(kind: Any, node: etree._Element) -> bool:
    try:
        if isinstance(kind, Record):
            kind.read(node, Edition.Y2016, "")
        elif text := text_of(node):
            kind.read(text, Edition.Y2016)
    except (RemoteProtocolError, ValueError):
        return False
    return True


EBM = Record(
    m.Ebm,
    (
        Element("ebm_id", "EBMID", EBM_ID, required=True),
        Element("related_info_id", "RelatedInfo/EBIID", TEXT),
        Element("related_ebm_id", "RelatedInfo/EBMID", EBM_ID),
        Element("basic", "MsgBasicInfo", BASIC_INFO),
        Element("contents", "MsgContent", CONTENT, many=True, default=()),
        Element("dispatches", "Dispatch", DISPATCH, many=True, default=()),
    ),
    _check_ebm,
    _drop_what_a_cancel_need_not_mean,
    constants=(("EBMVersion", "1"),),
)

STATE_REQUEST = Record(m.EbmStateRequest, (Element("ebm_id", "EBM/EBMID", EBM_ID, required=True, bare=True),))

COVERAGE = Record(
    m.Coverage,
    (
        Element("rate", "CoverageRate", RATE, also=("CoveragePercent",)),  # the name that early peers use
        Element("area_codes", "AreaCode", LIST, default=(), always=True),
        Element("used", "ResBrdStat", COUNTS, default=(), always=True),
    ),
)

DEVICE_BROADCAST = Record(
    m.DeviceBroadcast,
    (
        Element("rpt_time", "RptTime", TIME),
        Element("info", "BrdSysInfo", TEXT, default="", always=True),
        Element("start_time", "StartTime", TIME),
        Element("end_time", "EndTime", TIME, always=True),
        Element("file_url", "FileURL", TEXT, default="", always=True),
        Element("state_code", "BrdStateCode", BROADCAST_STATE),
        Element("state_desc", "BrdStateDesc", TEXT, default="", always=True),
    ),
)

RESOURCE_BROADCAST = Record(
    m.ResourceBroadcast,
    (
        Element("platform", "EBRPS/EBRID", RESOURCE_CODE),
        Element("station", "EBRST/EBRID", RESOURCE_CODE),
        Element("adapter", "EBRAS/EBRID", RESOURCE_CODE),
        Element("devices", "EBRBS", DEVICE_BROADCAST, many=True, default=()),
    ),
)

STATE_RESPONSE = Record(
    m.EbmStateResponse,
    (
        Element("rpt_time", "RptTime", TIME, required=True),
        Element("ebm_id", "EBM/EBMID", EBM_ID, required=True, bare=True),
        Element("state_code", "BrdStateCode", BROADCAST_STATE, required=True),
        Element("state_desc", "BrdStateDesc", TEXT, default="", always=True),
        Element("coverage", "Coverage", COVERAGE),
        Element("resources", "ResBrdInfo/ResBrdItem", RESOURCE_BROADCAST, many=True, default=(), always=True),
    ),
)

PARAMS = Record(
    m.ReportParams,
    (
        Element("start_time", "RptStartTime", TIME),
        Element("end_time", "RptEndTime", TIME),
        Element("type", "RptType", TEXT, default=""),
    ),
)

OMD_REQUEST = Record(
    m.OmdRequest,
    (
        Element("omd_type", "OMDType", TEXT, required=True),
        Element("params", "Params", PARAMS),
    ),
)

CONNECTION_CHECK = Record(m.ConnectionCheck, (Element("rpt_time", "RptTime", TIME, required=True),))

_RESULT = (
    Element("code", "ResultCode", RESULT, required=True),
    Element("desc", "ResultDesc", TEXT, default="", always=True),
)
NOTIFY = Record(m.EbdNotify, _RESULT)
RESPONSE = Record(m.EbdResponse, _RESULT)


def refuse_incomplete(ebm: m.Ebm, edition: Edition) -> None:
    """The same check before sending. Raises LocalProtocolError."""
    try:
        _check_ebm(ebm, edition)
    except RemoteProtocolError as error:
        raise LocalProtocolError(error.detail) from None
