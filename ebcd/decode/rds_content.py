"""What a group or a message element says, in fields: texts as text, words as hexadecimal, variants taken apart."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

from construct import Container

from ebcd.decode.tree import Field, Group, Items, attributes_of, named
from protocols.partial import Partial
from protocols.rds import groups as rds
from protocols.rds.charset import decode_text
from protocols.uecp import control, data, message, programme, services

Fields = tuple[Field, ...]

_WORDS = frozenset({"pi", "pi_on", "message", "aid", "block3", "block4"})  # as people write them
_LABELS = {1: "tmc_id", 6: "broadcaster", 7: "ews_channel"}  # variants of 1A whose twelve bits are one value
_EON_NAME, _EON_FREQUENCIES, _EON_AM, _EON_LINKAGE = range(4), range(4, 9), 9, 12  # variants of 14A
_EON_PROGRAMME, _EON_ITEM = 13, 14
_AM_FOLLOWS = 250
"""Behind this code of a list, and second in variant 9 of 14A, stands a frequency below 2 MHz in a numbering of its own,
which is not explained."""
_TYPE_A, _TYPE_B, _MESSAGE_BITS = 5, 3, 2  # bytes of element 46 behind its settings


def content_fields(content: object) -> Fields:
    """The own fields of a group or of a message element, under their names in the specification."""
    found: list[Field] = []
    without_text = isinstance(content, programme.RadioText) and content.text is None
    for attribute in ("text", "dsn", "psn") if without_text else attributes_of(content):
        value = getattr(content, attribute)
        if not (attribute.startswith("spare") and not value):
            found += _fields_of(content, attribute, value)
    return tuple(found)


def fields_so_far(content: Partial) -> Fields:
    """The same of what is there of a message element; bits inside one byte count as the element's own members."""
    found: list[Field] = []
    for attribute, value in content.members:
        members: tuple[tuple[str, Any], ...] = ((attribute, value),)
        if isinstance(value, Partial):
            members = value.members
        elif isinstance(value, Container):
            members = tuple((name, each) for name, each in value.items() if not name.startswith("_"))
        for name, each in members:
            if not (name.startswith("spare") and not each):
                shown = f"{each:04X}" if name in _WORDS and isinstance(each, int) else each
                found.append(named(content.owner, name, shown))
    return tuple(found)


def _fields_of(content: object, attribute: str, value: object) -> Fields:
    match content, attribute, value:
        case (rds.SlowLabelling() | programme.SlowLabelling()) as label, "data", int():
            return _label(label.variant, value)
        case rds.OtherNetwork(variant=variant), "information", int():
            return _other_network(variant, value)
        case services.Linkage(), "linkage", int():
            return _linkage(value)
        case data.OpenData(), "data", bytes():
            return _open_data(value)
        case ((message.Opaque() | data.OpenDataAccess()), ("body" | "data"), bytes()):
            return (Field("data", value.hex().upper(), "unopened"),)
        case ((rds.LongServiceName() | services.LongServiceName()), "name", bytes()):
            shown: object = value.decode("utf-8", "replace")
        case control.ManufacturerCommand(), "maker", bytes():
            shown = value.decode("ascii") if value.isalnum() else value
        case (control.Request(), "wanted", int()) | (control.AccessRight(), "target", int()):
            shown = f"{value:02X}"
        case _, "codes", tuple():
            return (replace(named(type(content).__name__, attribute, value), kind=_kind_of(value)),)
        case rds.BasicTuning(af=af), "af_next", int():
            return (Field("af_next", value, _kind_of((af, value))),)
        case _, ("name" | "text"), bytes():
            shown = decode_text(value.rstrip(b"\r"))
        case _, _, int() if attribute in _WORDS:
            shown = f"{value:04X}"
        case _, _, tuple() if value and dataclasses.is_dataclass(value[0]):
            shown = Items(tuple(Group(content_fields(each)) for each in value))
        case _:
            shown = value
    return (named(type(content).__name__, attribute, shown),)


def _label(variant: int, value: int) -> Fields:
    """Block 3 of 1A (EN 50067 clause 3.1.5.2)."""
    if variant == 0:
        country = Field("ecc", f"{value & 0xFF:02X}", "country")
        return Field("paging_code", value >> 8), country
    if variant == 3:
        return (Field("language_code", f"{value:03X}", "rds_language"),)
    return (Field(_LABELS.get(variant, "data"), f"{value:03X}"),)


def _other_network(variant: int, value: int) -> Fields:
    """Block 3 of 14A (EN 50067 figure 37)."""
    high, low = divmod(value, 256)
    if variant in _EON_NAME:
        return (Field("ps_on", decode_text(bytes([high, low]))),)
    if variant in _EON_FREQUENCIES or variant == _EON_AM:
        return (Field("af_codes", Items((high, low)), "" if variant == _EON_AM else _kind_of((high, low))),)
    if variant == _EON_PROGRAMME:
        spare = value >> 1 & 0x3FF
        told = Field("pty_on", value >> 11, "pty"), Field("ta_on", bool(value & 1))
        return (*told, Field("spare", spare)) if spare else told
    if variant == _EON_ITEM:
        day = Field("day", value >> 11, "item_day")
        return day, Field("hour", value >> 6 & 31), Field("minute", value & 63)
    return _linkage(value) if variant == _EON_LINKAGE else (Field("information", f"{value:04X}"),)


def _linkage(value: int) -> Fields:
    """Linkage information, of 14A and of element 2E (EN 50067 clause 3.2.1.8): actuator, extended generic, a spare bit,
    international; then a linkage set, or a country and its linkage identifier."""
    fields = [Field("linkage", f"{value:04X}"), Field("linkage_actuator", bool(value >> 15))]
    fields.append(Field("extended_generic", bool(value >> 14 & 1)))
    if value >> 13 & 1:
        fields.append(Field("spare", 1))
    fields.append(Field("international", bool(value >> 12 & 1)))
    if value >> 12 & 1:
        return (
            *fields,
            Field("country_identifier", f"{value >> 8 & 15:X}"),
            Field("linkage_identifier", f"{value & 255:02X}"),
        )
    return (*fields, Field("linkage_set", f"{value & 0xFFF:03X}"))


def _kind_of(codes: tuple[int, ...]) -> str:
    """What explains alternative frequencies."""
    return "" if _AM_FOLLOWS in codes else "af"


def _open_data(value: bytes) -> Fields:
    """What stands behind the settings of element 46, told by its length."""
    if len(value) == _MESSAGE_BITS:
        return (Field("message", value.hex().upper()),)
    if len(value) not in (_TYPE_A, _TYPE_B):
        return (Field("data", value.hex().upper()),)
    spare, bits = divmod(value[0], 32)
    found = [Field("spare", spare)] if spare else []
    found.append(Field("bits", bits))
    if len(value) == _TYPE_A:
        found.append(Field("block3", value[1:3].hex().upper()))
    return (*found, Field("block4", value[-2:].hex().upper()))
