"""Element tables of the report types (GD/J 083; platform.md 3.6-3.12)."""

from __future__ import annotations

import copy
from typing import Any

from lxml import etree

from protocols.ebd import document
from protocols.ebd import reports as r
from protocols.ebd.codec_messages import (
    BASIC_INFO,
    BROADCAST_STATE,
    CONTENT,
    COVERAGE,
    PARAMS,
    RESOURCE_BROADCAST,
)
from protocols.ebd.edition import Edition
from protocols.ebd.mapping import Element, Record
from protocols.ebd.values import EBM_ID, INTEGER, LIST, NUMBER, RESOURCE_CODE, TEXT, TIME


class _VendorParameters:
    """Params of an adapter or terminal: elements that only their vendor knows, kept by name and text."""

    def read(self, node: etree._Element, _edition: Edition, _where: str) -> tuple[r.VendorParameter, ...]:
        return tuple(
            r.VendorParameter(str(item.tag).rpartition("}")[2], document.text_of(item))
            for item in node
            if isinstance(item.tag, str)
        )

    def write(self, node: etree._Element, value: tuple[r.VendorParameter, ...], _edition: Edition) -> None:
        for item in value:
            document.child(node, item.name, item.text or None)


VENDOR_PARAMETERS = _VendorParameters()

_RPT_TIME = Element("rpt_time", "RptTime", TIME, required=True)
_RPT_TYPE = Element("rpt_type", "RptType", TEXT, default="Sync", always=True)
_EBR_ID = Element("ebr_id", "EBRID", RESOURCE_CODE, required=True)
_NAME = Element("name", "EBRName", TEXT, also=("Name",), default="", always=True)
_URL = Element("url", "URL", TEXT, default="", always=True)
_PARAMS = Element("params", "Params", PARAMS)


def _text(attribute: str, tag: str) -> Element:
    return Element(attribute, tag, TEXT, default="", always=True)


def _related(attribute: str, tag: str) -> Element:
    return Element(attribute, f"{tag}/EBRID", RESOURCE_CODE)


_PLACE = (_text("longitude", "Longitude"), _text("latitude", "Latitude"))
_CONTACT = (
    _text("address", "Address"),
    _text("contact", "Contact"),
    _text("phone_number", "PhoneNumber"),
)

PLATFORM = Record(
    r.PlatformInfo,
    (_RPT_TIME, _RPT_TYPE, _related("parent", "RelatedEBRPS"), _EBR_ID, _NAME, *_CONTACT, *_PLACE, _URL),
)
STATION = Record(
    r.StationInfo,
    (_RPT_TIME, _RPT_TYPE, _related("platform", "RelatedEBRPS"), _EBR_ID, _NAME, *_CONTACT, *_PLACE),
)
ADAPTER = Record(
    r.AdapterInfo,
    (
        _RPT_TIME,
        _RPT_TYPE,
        _related("platform", "RelatedEBRPS"),
        _related("station", "RelatedEBRST"),
        _EBR_ID,
        _NAME,
        *_PLACE,
        _URL,
        Element("vendor", "Params", VENDOR_PARAMETERS, default=()),
    ),
)
RADIO = Record(
    r.RadioParams,
    (
        _text("channel_name", "ChannelName"),
        Element("frequency_hz", "Freq", INTEGER, always=True),
        Element("power_w", "Power", INTEGER, always=True),
        Element("backup", "Backup", INTEGER, always=True),
        Element("auto_switch", "AutoSwitch", INTEGER, always=True),
        Element("remote_control", "RemoteControl", INTEGER, always=True),
    ),
)
TV = Record(
    r.TvParams,
    (
        _text("channel_name", "ChannelName"),
        Element("frequency_hz", "Freq", INTEGER),
        _text("program_num", "ProgramNum"),
        _text("channel_num", "ChannelNum"),
    ),
)
SWITCH = Record(
    r.Switch,
    (
        Element("weekday", "Weekday", INTEGER, required=True),
        Element("start_time", "StartTime", TEXT, required=True),
        Element("end_time", "EndTime", TEXT, required=True),
    ),
)
BROADCAST_DEVICE = Record(
    r.BroadcastDeviceInfo,
    (
        _RPT_TIME,
        _RPT_TYPE,
        _related("platform", "RelatedEBRPS"),
        _related("station", "RelatedEBRST"),
        _related("adapter", "RelatedEBRAS"),
        _EBR_ID,
        _NAME,
        Element("url", "URL", TEXT, default=""),
        *_PLACE,
        _text("square", "Square"),
        Element("area_codes", "AreaCode", LIST, default=(), always=True),
        Element("population_10k", "Population", NUMBER, always=True),
        _text("language_code", "LanguageCode"),
        _text("equip_room", "EquipRoom"),
        Element("radio", "RadioParams", RADIO),
        Element("tv", "TVParams", TV),
        Element("schedule", "Schedule/Switch", SWITCH, many=True, default=()),
    ),
)
TERMINAL = Record(
    r.TerminalInfo,
    (
        _RPT_TIME,
        _RPT_TYPE,
        _related("platform", "RelatedEBRPS"),
        _EBR_ID,
        _NAME,
        *_PLACE,
        Element("vendor", "Params", VENDOR_PARAMETERS, default=()),
    ),
)
STATE = Record(
    r.ResourceState,
    (
        _RPT_TIME,
        _EBR_ID,
        Element("code", "StateCode", INTEGER, required=True),
        _text("desc", "StateDesc"),
    ),
)


def _move_relations_into_items(node: etree._Element) -> None:
    """The table of EBRASInfo prints RelatedEBRPS and RelatedEBRST one level too high (platform.md 3.8)."""
    found = document.children(node)
    for name in ("relatedebrps", "relatedebrst"):
        for relation in found.get(name, [])[:1]:
            for item in found.get("ebras", []):
                if name not in document.children(item):
                    item.append(copy.copy(relation))


def _items(tag: str, record: Record[Any]) -> Element:
    return Element("items", tag, record, many=True, default=())


EBRPS_INFO = Record(r.EbrpsInfo, (_PARAMS, _items("EBRPS", PLATFORM)))
EBRST_INFO = Record(r.EbrstInfo, (_PARAMS, _items("EBRST", STATION)))
EBRAS_INFO = Record(r.EbrasInfo, (_PARAMS, _items("EBRAS", ADAPTER)), before=_move_relations_into_items)
EBRBS_INFO = Record(r.EbrbsInfo, (_PARAMS, _items("EBRBS", BROADCAST_DEVICE)))
EBRDT_INFO = Record(r.EbrdtInfo, (_PARAMS, _items("EBRDT", TERMINAL)))
EBRPS_STATE = Record(r.EbrpsState, (_items("EBRPS", STATE),))
EBRAS_STATE = Record(r.EbrasState, (_items("EBRAS", STATE),))
EBRBS_STATE = Record(r.EbrbsState, (_items("EBRBS", STATE),))
EBRDT_STATE = Record(r.EbrdtState, (_items("EBRDT", STATE),))

LOGGED_MESSAGE = Record(
    r.LoggedMessage,
    (
        Element("ebm_id", "EBMID", EBM_ID, required=True),
        Element("basic", "MsgBasicInfo", BASIC_INFO),
        Element("contents", "MsgContent", CONTENT, many=True, default=()),
    ),
)
UNIT = Record(
    r.Unit,
    (
        Element("platform", "EBRPS/EBRID", RESOURCE_CODE),
        _text("unit_id", "UnitID"),
        _text("unit_name", "UnitName"),
        _text("person_id", "PersonID"),
        _text("person_name", "PersonName"),
    ),
)
BROADCAST_RECORD = Record(
    r.BroadcastRecord,
    (
        Element("message", "EBM", LOGGED_MESSAGE, required=True),
        Element("units", "UnitInfo/Unit", UNIT, many=True, default=()),
        Element("state_code", "BrdStateCode", BROADCAST_STATE, required=True),
        Element("state_desc", "BrdStateDesc", TEXT, default="", always=True),
        Element("coverage", "Coverage", COVERAGE),
        Element("resources", "ResBrdInfo/ResBrdItem", RESOURCE_BROADCAST, many=True, default=()),
    ),
)
EBM_BROADCAST_LOG = Record(
    r.EbmBroadcastLog,
    (_PARAMS, Element("items", "EBMBrdItem", BROADCAST_RECORD, many=True, default=())),
)
