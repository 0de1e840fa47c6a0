"""Warnings of other authorities: CAP 1.2, and the Chinese profile of it (GB/T 35965.1-2018)."""

from __future__ import annotations

import contextlib
from typing import Any

from ebcd.decode.ebd_files import place_of, root_of
from ebcd.decode.ebd_leftovers import as_it_stands
from ebcd.decode.ebd_names import snake
from ebcd.decode.keys import Keys
from ebcd.decode.reading import Note, Reading
from ebcd.decode.recogniser import Claim, Recogniser, told
from ebcd.decode.tree import Field, Group, Items, Value, value_of
from protocols import cap
from protocols.cap.codec import EDITION, RECORDS
from protocols.cap.values import Dialect, Geocode, PublicWarning, Severity
from protocols.ebd.mapping import Element, Record
from protocols.ebd.values import Scalar
from protocols.errors import LocalProtocolError, RemoteProtocolError

CLAUSES = {Dialect.CAP: "CAP 1.2 3.2", Dialect.GB: "GB/T 35965.1"}
_KINDS = {"event_type": "event_type", "severity": "severity"}


def claim(data: bytes) -> Claim:
    """An <alert>."""
    return Claim.CERTAIN if root_of(data) == "alert" else Claim.NONE


def read(data: bytes, _keys: Keys) -> Reading:
    """One warning in either dialect, and whether anything can be broadcast of it."""
    try:
        warning = cap.decode(data)
    except RemoteProtocolError as error:
        errors = (told(error),)
        return Reading("cap", "", as_it_stands(data), errors=errors, clause="CAP 1.2", offset=place_of(error, data))
    return Reading(
        "cap",
        warning.kind.value,
        _fields(RECORDS[warning.dialect], warning),
        roundtrip=_again(warning) == warning,
        clause=CLAUSES[warning.dialect],
        notes=_notes(warning),
    )


def _again(warning: PublicWarning) -> PublicWarning | None:
    with contextlib.suppress(LocalProtocolError, RemoteProtocolError):
        return cap.decode(cap.encode(warning))
    return None


def _notes(warning: PublicWarning) -> tuple[Note, ...]:
    try:
        orders = cap.orders_of(warning)
    except RemoteProtocolError as error:
        return (Note("not_broadcast", (("reason", error.reason),)),)
    areas = sorted({area for order in orders for area in order.areas})
    if warning.kind is not cap.Kind.CANCEL and not areas:
        return (Note("no_area_codes"),)
    return ()


def _fields(record: Record[Any], value: Any) -> Group:
    """The elements that are there, under the dialect's names, as it writes them."""
    found = []
    for element in record.elements:
        content = getattr(value, element.attribute)
        if content is None or (content == element.default and not element.always):
            continue
        name = snake(element.tag)
        shown = Items(tuple(_one(element, each) for each in content)) if element.many else _one(element, content)
        found.append(Field(name, shown, _KINDS.get(name, "")))
    return Group(tuple(found))


def _one(element: Element, content: Any) -> Value:
    if isinstance(element.kind, Record):
        return _fields(element.kind, content)
    if isinstance(content, Geocode):
        name = (Field("value_name", content.name),) if content.name else ()
        return Group((*name, Field("value", content.value)))
    if isinstance(content, Severity):
        return int(content)  # of an EBM: both dialects' words are read, whichever is written
    assert isinstance(element.kind, Scalar)
    return value_of(element.kind.write(content, EDITION))


RECOGNISER = Recogniser("cap", claim, read)
