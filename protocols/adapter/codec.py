"""Message <-> body of a platform-adapter frame."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from protocols.adapter import commands as down
from protocols.adapter import reports as up
from protocols.adapter.layouts import (
    COMMANDS,
    LOCK_FREQUENCY,
    LOCK_FREQUENCY_CONTENT,
    LONG_STOP_LAYOUT,
    QUERY_RECORDS,
    REPORTS,
    SHORT_STOP_LAYOUT,
    START,
    START_LAYOUT,
    STOP,
    TELEPHONE_TYPES,
)
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.wire import build, parse

Message = down.Command | up.Report

_CLASSES: dict[int, Any] = {cls.type: cls for cls in (*COMMANDS, *REPORTS)}  # type: ignore[attr-defined]
_LAYOUTS = {**COMMANDS, **REPORTS}


class TypeTable(StrEnum):
    """Two numberings of 0x17-0x22 live in one text. Table A.4, the clauses and every capture agree; A.1 does not."""

    A4 = "a4"
    A1 = "a1"


_A1_TO_A4 = {0x17: 0x18, 0x18: 0x19, 0x19: 0x20, 0x20: 0x21, 0x21: 0x22}
_A4_TO_A1 = {a4: a1 for a1, a4 in _A1_TO_A4.items()}


def wire_type(message: Message, table: TypeTable) -> int:
    """The type byte. Raises LocalProtocolError for 0x17, which table A.1 lacks (it answers a start with 0x12)."""
    if table is TypeTable.A4:
        return message.type
    if message.type == up.StartAnswer.type:
        raise LocalProtocolError("table A.1 has no answer to a start; use TypeTable.A4")
    return _A4_TO_A1.get(message.type, message.type)


def encode_body(message: Message) -> bytes:
    """The body alone. Raises LocalProtocolError."""
    match message:
        case down.StartBroadcast():
            return build(START_LAYOUT, message)
        case down.StopBroadcast(rest=None):
            return build(SHORT_STOP_LAYOUT, {"ebm_id": message.ebm_id, "targets": message.targets})
        case down.StopBroadcast(rest=rest):
            return build(LONG_STOP_LAYOUT, rest)
        case down.TsSpecial(tag=tag, content=down.LockFrequency() as lock):
            content = build(LOCK_FREQUENCY, {"content": build(LOCK_FREQUENCY_CONTENT, lock)})
            return build(COMMANDS[down.TsSpecial], {"tag": tag, "content": content})
        case down.IpSpecial(tag=tag, content=down.QueryRecords() as query):
            return build(COMMANDS[down.IpSpecial], {"tag": tag, "content": build(QUERY_RECORDS, query)})
        case down.TsSpecial() | down.IpSpecial():
            return build(_LAYOUTS[type(message)], {"tag": message.tag, "content": message.content})
        case _:
            return build(_LAYOUTS[type(message)], message)


def decode_body(type_: int, body: bytes, table: TypeTable = TypeTable.A4) -> Message:
    """Read a body. Raises RemoteProtocolError: `type` for an unknown one, else what is wrong in it."""
    if table is TypeTable.A1:
        type_ = _A1_TO_A4.get(type_, type_)
    if type_ == down.StartBroadcast.type:
        return _decode_broadcast(body)
    cls = _CLASSES.get(type_)
    if cls is None:
        raise RemoteProtocolError("type", f"type {type_:#04x} is in no table of annex A", offset=3)
    if type_ in TELEPHONE_TYPES:
        return _decode_with_telephone(cls, body)
    value = parse(_LAYOUTS[cls], body)
    if cls is down.TsSpecial:
        return down.TsSpecial(value.tag, _ts_content(value.tag, value.content))
    if cls is down.IpSpecial:
        return down.IpSpecial(value.tag, _ip_content(value.tag, value.content))
    message: Message = value
    return message


def _decode_broadcast(body: bytes) -> Message:
    """Start, the short stop, or a stop in the layout of a start (table A.12 ticks only three fields for a stop)."""
    switch = body[18] if len(body) > 18 else None
    if switch == START:
        start: down.StartBroadcast = parse(START_LAYOUT, body)
        return start
    if switch != STOP:
        raise RemoteProtocolError("switch", f"switch is {switch}; 1 start, 2 stop", offset=18)
    try:
        short = parse(SHORT_STOP_LAYOUT, body)
    except RemoteProtocolError as short_error:
        try:
            rest: down.StartBroadcast = parse(LONG_STOP_LAYOUT, body)
        except RemoteProtocolError:
            raise short_error from None
        return down.StopBroadcast(rest.ebm_id, rest.targets, rest)
    return down.StopBroadcast(short.ebm_id, short.targets)


def _decode_with_telephone(cls: type, body: bytes) -> Message:
    """Read as the table's condition says; where that misses the end, with the field always present."""
    message: Message
    try:
        message = parse(_LAYOUTS[cls], body)
    except RemoteProtocolError as error:
        try:
            message = parse(_LAYOUTS[cls], body, telephone_always=True)
        except RemoteProtocolError:
            raise error from None
    return message


def _ts_content(tag: int, data: bytes) -> down.LockFrequency | bytes:
    """Tag 0 with command 4 is the frequency to lock to; the rest stays as it came."""
    if tag != 0 or data[:1] != b"\x04":
        return data
    lock: down.LockFrequency = parse(LOCK_FREQUENCY_CONTENT, parse(LOCK_FREQUENCY, data).content)
    return lock


def _ip_content(tag: int, data: bytes) -> down.QueryRecords | bytes:
    """Tag 1 is a record query; the text gives no layout, so one that is not 0x10's stays as it came."""
    if tag != 1:
        return data
    try:
        query: down.QueryRecords = parse(QUERY_RECORDS, data)
    except RemoteProtocolError:
        return data
    return query
