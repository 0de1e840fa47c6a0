"""XML records as named values: the element tables of `protocols.ebd` give names and order."""

from __future__ import annotations

import re
from typing import Any

from ebcd.decode.tree import Field, Group, Items, Value, value_of
from protocols.ebd.document import children, parse, text_of
from protocols.ebd.mapping import Element, Record
from protocols.ebd.reports import VendorParameter
from protocols.ebd.values import EBM_ID, RESOURCE_CODE, TIME, format_time

_WORDS = re.compile(r"EB[DMIR](?=ID)|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_LOCAL = re.compile(r"^.*}")
_KINDS = {
    "EBDID": "ebd_id",
    "InfoID": "info_id",
    "EBIID": "info_id",
    "BrdStateCode": "broadcast_state",
    "StateCode": "resource_state",
    "ResultCode": "ebd_result",
    "EventType": "event_type",
    "MsgType": "msg_type",
    "Severity": "severity",
    "AuxiliaryType": "aux_type",
}


def snake(name: str) -> str:
    """`EBDTime` -> ebd_time, `EBRPS` -> ebrps, `EBRID` -> ebr_id, `BrdStateCode` -> brd_state_code."""
    return "_".join(word.lower() for word in _WORDS.findall(name))


def fields_of_record(record: Record[Any], value: Any) -> Group:
    """The elements of a record that are there, in the standard's order and under its names."""
    fields: list[Field] = []
    inside: dict[str, int] = {}
    for element in record.elements:
        content = getattr(value, element.attribute)
        if content is None or (content == element.default and not element.always):
            continue
        field = Field(snake(element.tag), _element(element, content), _kind(element))
        if not element.outer:
            fields.append(field)
        elif element.outer in inside:
            at = inside[element.outer]
            before = fields[at].value
            assert isinstance(before, Group)
            fields[at] = Field(fields[at].name, before + Group((field,)))
        else:
            inside[element.outer] = len(fields)
            fields.append(Field(snake(element.outer), Group((field,))))
    return Group(tuple(fields))


def as_written(xml: bytes, *path: str) -> Group:
    """An element that our values do not keep, such as a version, if it is there; `path` in lower case."""
    nodes = [parse(xml)]
    for name in path:
        nodes = [child for node in nodes for child in children(node).get(name, [])]
    return Group(tuple(Field(snake(_LOCAL.sub("", str(node.tag))), value_of(text_of(node))) for node in nodes[:1]))


def _element(element: Element, content: Any) -> Value:
    if isinstance(element.kind, Record):
        if element.many:
            return Items(tuple(fields_of_record(element.kind, item) for item in content))
        return fields_of_record(element.kind, content)
    if element.kind is TIME:
        return format_time(content)
    if isinstance(content, tuple) and content and all(isinstance(item, VendorParameter) for item in content):
        return Group(tuple(Field(item.name, value_of(item.text)) for item in content))
    return value_of(content)


def _kind(element: Element) -> str:
    if element.kind is RESOURCE_CODE:
        return "code"
    if element.kind is EBM_ID:
        return "ebm_id"
    return _KINDS.get(element.tag, "")
