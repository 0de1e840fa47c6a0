"""Message <-> data of a FEFD frame. The hot four (heartbeat, task switch, result, start) and answers have a struct path
beside their declaration; a property test holds the two equal."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Packed
from struct import error as StructError
from typing import Any

from protocols.adapter.text import Auxiliary
from protocols.codes import ebm_id_of
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.frozen import draft_of
from protocols.partial import Partial, read_as_far
from protocols.terminal import messages as m
from protocols.terminal.layouts import (
    ANSWER,
    FAULT_WITHOUT_TEXT,
    OF_THE_TEXT,
    OLD_TASK_SWITCH,
    RECORD_ANSWER,
    REQUESTS,
    STATUS_ANSWERS,
)
from protocols.terminal.parameters import ParameterTable
from protocols.wire import build, either, parse, parse_front

REQUEST = 1
"""Packet type: a request (header D) or an active report (header E)."""
ANSWER_PACKET = 2
"""Packet type: an answer, or a passive return."""

_SWITCH = Packed(">BB18sI")
_RESULT_HEAD = Packed(">18sBH")
_RESULT_TAIL = Packed(">IIBI")
_START = Packed(">18sBB5sBIIB")
_AUX = Packed(">BH")
_START_AND_AUX = Packed(">18sBB5sBIIBBH")
_ANSWER = Packed(">BH")
_OLD_FAULT_BYTES = 6
_OLD_SWITCH_BYTES = 21
_RECORD_ANSWER_BYTES = 39


def encode_data(message: m.Message) -> bytes:
    """The data behind the business length. Raises LocalProtocolError."""
    write = _WRITERS.get(type(message))
    if write is None:
        return encode_by_layout(message)
    try:
        return write(message)
    except (StructError, ValueError, AttributeError, TypeError) as error:
        raise LocalProtocolError(f"{type(message).__name__}: {error}") from error


def encode_by_layout(message: m.Message) -> bytes:
    """The same by the declarations alone."""
    match message:
        case m.Opaque(data=data):
            return data
        case m.Answer():
            return build(ANSWER, {"result": message.result, "text": message.text})
        case m.StatusAnswer():
            return build(STATUS_ANSWERS[ParameterTable.OF_2018], message)
        case m.FaultReport(text=None):
            return build(FAULT_WITHOUT_TEXT, {"flag": message.flag, "fault": message.fault, "time": message.time})
        case m.OldTaskSwitch():
            return build(OLD_TASK_SWITCH, message)
        case m.RecordAnswer():
            return build(RECORD_ANSWER, message)
        case _:
            return build(REQUESTS[message.type], message)


def decode_data(type_: int, packet_type: int, data: bytes, table: ParameterTable = ParameterTable.OF_2018) -> m.Message:
    """Read all data of a business type. Raises RemoteProtocolError."""
    message, trailing = read_data(type_, packet_type, data, table)
    if trailing:
        at = len(data) - len(trailing)
        raise RemoteProtocolError("trailing", f"{len(trailing)} bytes behind the last field", offset=at)
    return message


def read_data(
    type_: int, packet_type: int, data: bytes, table: ParameterTable = ParameterTable.OF_2018
) -> tuple[m.Message, bytes]:
    """Read the data of a business type and what a peer wrote behind its last field. Raises RemoteProtocolError."""
    message = read_quickly(type_, packet_type, data, 0, len(data))
    return (message, b"") if message is not None else read_by_layout(type_, packet_type, data, table)


def read_by_layout(
    type_: int, packet_type: int, data: bytes, table: ParameterTable = ParameterTable.OF_2018
) -> tuple[m.Message, bytes]:
    """The same by the declarations alone."""
    if packet_type == REQUEST:
        return _read_request(type_, data)
    if packet_type == ANSWER_PACKET:
        return _read_answer(type_, data, table)
    raise RemoteProtocolError("packet-type", f"packet type {packet_type}; 1 request or report, 2 answer", offset=8)


def data_so_far(type_: int, packet_type: int, data: bytes) -> tuple[m.Message | Partial, int]:
    """A message, or where its data break a `Partial` of it, and how many bytes were understood."""
    try:
        message, trailing = read_data(type_, packet_type, data)
        return message, len(data) - len(trailing)
    except RemoteProtocolError:
        pass
    layout = REQUESTS.get(type_) if packet_type == REQUEST else ANSWER
    if packet_type == ANSWER_PACKET and type_ == m.StatusAnswer.type:
        layout = STATUS_ANSWERS[ParameterTable.OF_2018]
    return (Partial("", ()), 0) if layout is None else read_as_far(layout, data)


def read_quickly(type_: int, packet_type: int, data: bytes, at: int, end: int) -> m.Message | None:
    """The message in data[at:end] where it has a struct path and is of the plain form; None for everything else, and
    the declaration then names the fault, if it is one."""
    if packet_type == REQUEST and type_ in QUICK_READERS:
        try:
            return QUICK_READERS[type_](data, at, end)
        except (StructError, IndexError, ValueError, RemoteProtocolError):
            return None
    return quick_answer(type_, packet_type, data, at, end)


def quick_answer(type_: int, packet_type: int, data: bytes, at: int, end: int) -> m.Answer | None:
    """A D.10 answer without text; None for everything else."""
    if packet_type == ANSWER_PACKET and end - at == 3 and data[at + 1] == data[at + 2] == 0:
        return m.Answer(type_, data[at])
    return None


def _read_request(type_: int, data: bytes) -> tuple[m.Message, bytes]:
    layout = REQUESTS.get(type_)
    if layout is None:
        return m.Opaque(type_, data), b""
    if type_ == m.FaultReport.type and len(data) == _OLD_FAULT_BYTES:
        block = parse(FAULT_WITHOUT_TEXT, data)
        return m.FaultReport(block.flag, block.fault, None, block.time), b""
    if type_ == m.TaskSwitch.type and len(data) == _OLD_SWITCH_BYTES:
        return parse(OLD_TASK_SWITCH, data), b""
    if type_ == m.RecordReport.type:  # the same doubt about the telephone field as in 0x15 of annex A
        return either(lambda: parse_front(layout, data), lambda: parse_front(layout, data, telephone_always=True))
    if type_ not in OF_THE_TEXT:
        try:
            return parse(layout, data), b""
        except RemoteProtocolError:
            return m.Opaque(type_, data), b""
    return parse_front(layout, data)


def _read_answer(type_: int, data: bytes, table: ParameterTable) -> tuple[m.Message, bytes]:
    """An 0x11 answer carries parameters, unless the query failed and only result and text came."""
    if type_ == m.StatusAnswer.type and not _is_general(data):
        return parse_front(STATUS_ANSWERS[table], data)
    if type_ == m.RecordAnswer.type and len(data) == _RECORD_ANSWER_BYTES:
        return parse(RECORD_ANSWER, data), b""
    try:
        block, trailing = parse_front(ANSWER, data)
    except RemoteProtocolError:
        if type_ in OF_THE_TEXT:
            raise
        return m.Opaque(type_, data), b""
    return m.Answer(type_, block.result, block.text), trailing


def _is_general(data: bytes) -> bool:
    return len(data) == 1 or (len(data) >= 3 and len(data) == 3 + int.from_bytes(data[1:3], "big"))


# ---- the struct paths ----------------------------------------------------------------------------------------------

_SwitchDraft = draft_of(m.TaskSwitch)
_HeartbeatDraft = draft_of(m.Heartbeat)
_ResultDraft = draft_of(m.TaskResult)
_StartDraft = draft_of(m.Start)
_AuxiliaryDraft = draft_of(Auxiliary)


def _write_switch(message: m.TaskSwitch) -> bytes:
    return _SWITCH.pack(message.flag, message.task, message.ebm_id.to_bcd(), message.time)


def _write_heartbeat(message: m.Heartbeat) -> bytes:
    phys = bytes.fromhex(message.phys)
    return bytes((message.state, message.first, len(phys))) + phys


def _write_answer(message: m.Answer) -> bytes:
    if message.text is None:
        return bytes((message.result,))
    text = message.text.encode("utf-8", "surrogateescape")
    return _ANSWER.pack(message.result, len(text)) + text


def _write_result(message: m.TaskResult) -> bytes:
    text = message.text.encode("utf-8", "surrogateescape")
    head = _RESULT_HEAD.pack(message.ebm_id.to_bcd(), message.result, len(text))
    return head + text + _RESULT_TAIL.pack(message.start, message.end, message.times, message.time)


def _write_start(message: m.Start) -> bytes:
    event_type = message.event_type.encode("ascii", "surrogateescape")
    if len(event_type) != 5:  # struct would cut or pad silently
        raise ValueError(f"event type {message.event_type!r} has {len(event_type)} characters, 5 are needed")
    parts = [
        _START.pack(
            message.ebm_id.to_bcd(),
            message.class_,
            message.level,
            event_type,
            message.volume,
            message.start,
            message.end,
            len(message.auxiliary),
        )
    ]
    for aux in message.auxiliary:
        parts += (_AUX.pack(aux.type, len(aux.data)), aux.data)
    return b"".join(parts)


_WRITERS: dict[type, Callable[[Any], bytes]] = {
    m.TaskSwitch: _write_switch,
    m.Heartbeat: _write_heartbeat,
    m.TaskResult: _write_result,
    m.Start: _write_start,
    m.Answer: _write_answer,
}


def _switch(data: bytes, at: int, end: int) -> m.Message | None:
    if end - at != _SWITCH.size:
        return None
    flag, task, code, time = _SWITCH.unpack_from(data, at)
    message = _SwitchDraft(flag, task, ebm_id_of(code), time)
    message.__class__ = m.TaskSwitch
    return message


def _heartbeat(data: bytes, at: int, end: int) -> m.Message | None:
    if end - at < 3 or at + 3 + data[at + 2] != end:
        return None
    message = _HeartbeatDraft(data[at], data[at + 1], data[at + 3 : end].hex().upper())
    message.__class__ = m.Heartbeat
    return message


def _result(data: bytes, at: int, end: int) -> m.Message | None:
    code, result, length = _RESULT_HEAD.unpack_from(data, at)
    begin = at + _RESULT_HEAD.size
    at = begin + length
    if at + _RESULT_TAIL.size != end:
        return None
    start, stop, times, time = _RESULT_TAIL.unpack_from(data, at)
    text = data[begin:at].decode("utf-8", "surrogateescape") if length else ""
    message = _ResultDraft(ebm_id_of(code), result, text, start, stop, times, time)
    message.__class__ = m.TaskResult
    return message


def _start(data: bytes, at: int, end: int) -> m.Message | None:
    code, class_, level, event_type, volume, start, stop, count, kind, length = _START_AND_AUX.unpack_from(data, at)
    at += _START.size
    found: tuple[Auxiliary, ...]
    if count == 1:  # what the text asks for
        at += _AUX.size
        if at + length != end:
            return None
        aux = _AuxiliaryDraft(kind, data[at:end])
        aux.__class__ = Auxiliary
        found = (aux,)
    else:
        several = []
        for _ in range(count):
            kind, length = _AUX.unpack_from(data, at)
            at += _AUX.size + length
            several.append(Auxiliary(kind, data[at - length : at]))
        if at != end:
            return None
        found = tuple(several)
    message = _StartDraft(ebm_id_of(code), class_, level, event_type.decode("ascii"), volume, start, stop, found)
    message.__class__ = m.Start
    return message


QUICK_READERS: dict[int, Callable[[bytes, int, int], m.Message | None]] = {
    0x01: _start,
    0x10: _heartbeat,
    0x14: _switch,
    0x15: _result,
}
