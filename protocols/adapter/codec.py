"""Message <-> body of a platform-adapter frame."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from protocols.adapter import commands as down
from protocols.adapter import reports as up
from protocols.adapter.daily import DailyCommand, daily_from, daily_to
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
from protocols.adapter.quick import quick_body, quick_message
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.partial import read_as_far
from protocols.wire import build, either, parse, parse_front

Message = down.Command | up.Report

_CLASSES: dict[int, Any] = {cls.type: cls for cls in (*COMMANDS, *REPORTS)}  # type: ignore[attr-defined]
_LAYOUTS = {**COMMANDS, **REPORTS}


HEARTBEAT_BYTES = 18
"""Body of 0x20 with a code of twelve bytes."""
TS_DAILY = 2
"""Tag of 0x01 for daily commands."""


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
    body = quick_body(message)
    return encode_by_layout(message) if body is None else body


def encode_by_layout(message: Message) -> bytes:
    """The same by the declarations alone."""
    match message:
        case down.StartBroadcast():
            return build(START_LAYOUT, message)
        case down.StopBroadcast(rest=None):
            return build(SHORT_STOP_LAYOUT, {"ebm_id": message.ebm_id, "targets": message.targets})
        case down.StopBroadcast(rest=rest):
            return build(LONG_STOP_LAYOUT, rest)
        case down.TsSpecial() | down.IpSpecial():
            return build(_LAYOUTS[type(message)], {"tag": message.tag, "content": _special(message)})
        case _:
            return build(_LAYOUTS[type(message)], message)


def _special(message: down.TsSpecial | down.IpSpecial) -> bytes:
    match message.content:
        case bytes() as content:
            return content
        case down.LockFrequency() as lock:
            return build(LOCK_FREQUENCY, {"content": build(LOCK_FREQUENCY_CONTENT, lock)})
        case down.QueryRecords() as query:
            return build(QUERY_RECORDS, query)
        case daily:
            return daily_to(daily)


def decode_body(type_: int, body: bytes, table: TypeTable = TypeTable.A4) -> Message:
    """Read all of a body. Raises RemoteProtocolError: `type` for an unknown one, else what is wrong in it."""
    message, trailing = read_body(type_, body, table)
    if trailing:
        at = len(body) - len(trailing)
        raise RemoteProtocolError("trailing", f"{len(trailing)} bytes behind the last field", offset=at)
    return message


def read_body(type_: int, body: bytes, table: TypeTable = TypeTable.A4) -> tuple[Message, bytes]:
    """Read a body and what a peer wrote behind its last field. Raises RemoteProtocolError like `decode_body`."""
    if table is TypeTable.A1:
        type_ = _A1_TO_A4.get(type_, type_)
    found = quick_message(type_, body)
    return (found, b"") if found is not None else read_by_layout(type_, body)


def read_by_layout(type_: int, body: bytes) -> tuple[Message, bytes]:
    """The same by the declarations alone, for types of table A.4."""
    if type_ == down.StartBroadcast.type:
        return _read_broadcast(body)
    cls = _CLASSES.get(type_)
    if cls is None:
        raise RemoteProtocolError("type", f"type {type_:#04x} is in no table of annex A", offset=3)
    if type_ == up.TaskEnded.type and len(body) == HEARTBEAT_BYTES:
        raise RemoteProtocolError(
            "type-table", "0x19 with 18 bytes is a heartbeat by table A.1: type_table a1", offset=3
        )
    if type_ in TELEPHONE_TYPES:
        return _read_with_telephone(cls, body)
    value, trailing = parse_front(_LAYOUTS[cls], body)
    if cls is down.TsSpecial:
        return down.TsSpecial(value.tag, _ts_content(value.tag, value.content)), trailing
    if cls is down.IpSpecial:
        return down.IpSpecial(value.tag, _ip_content(value.tag, value.content)), trailing
    return value, trailing


def body_so_far(type_: int, body: bytes) -> tuple[Any, int]:
    """A message, or where its body breaks a `Partial` of it (None for an unknown type), and how many bytes of the body
    were understood."""
    try:
        message, trailing = read_body(type_, body)
        return message, len(body) - len(trailing)
    except RemoteProtocolError:
        pass
    if type_ == down.StartBroadcast.type:
        is_stop = body[18:19] == bytes([STOP])
        return read_as_far(SHORT_STOP_LAYOUT if is_stop else START_LAYOUT, body)
    cls = _CLASSES.get(type_)
    return (None, 0) if cls is None else read_as_far(_LAYOUTS[cls], body)


def message_class(type_: int) -> type | None:
    """The class of a type of table A.4; that of a start for 0x04, which is also a stop."""
    return down.StartBroadcast if type_ == down.StartBroadcast.type else _CLASSES.get(type_)


def _read_broadcast(body: bytes) -> tuple[Message, bytes]:
    """Start, the short stop, or a stop in the layout of a start (table A.12 ticks only three fields for a stop)."""
    switch = body[18] if len(body) > 18 else None
    if switch == START:
        start: tuple[Message, bytes] = parse_front(START_LAYOUT, body)
        return start
    if switch != STOP:
        raise RemoteProtocolError("switch", f"switch is {switch}; 1 start, 2 stop", offset=18)
    return either(lambda: _short_stop(body), lambda: _long_stop(body))


def _short_stop(body: bytes) -> tuple[Message, bytes]:
    block, trailing = parse_front(SHORT_STOP_LAYOUT, body)
    return down.StopBroadcast(block.ebm_id, block.targets), trailing


def _long_stop(body: bytes) -> tuple[Message, bytes]:
    rest, trailing = parse_front(LONG_STOP_LAYOUT, body)
    return down.StopBroadcast(rest.ebm_id, rest.targets, rest), trailing


def _read_with_telephone(cls: type, body: bytes) -> tuple[Message, bytes]:
    """Read as the table's condition says; where that misses the end, with the field always present."""
    layout = _LAYOUTS[cls]
    return either(lambda: parse_front(layout, body), lambda: parse_front(layout, body, telephone_always=True))


def _ts_content(tag: int, data: bytes) -> down.LockFrequency | DailyCommand | bytes:
    """Tag 0 with command 4 is the frequency to lock to, tag 2 a daily command; the rest stays as it came."""
    if tag == TS_DAILY:
        return daily_from(data)
    if tag != 0 or data[:1] != b"\x04":
        return data
    try:
        lock: down.LockFrequency = parse(LOCK_FREQUENCY_CONTENT, parse(LOCK_FREQUENCY, data).content)
    except RemoteProtocolError:
        return data
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
