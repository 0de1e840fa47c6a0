"""Message <-> data of a FEFD frame. The hot four (heartbeat, task switch, result, start) and answers have a struct path
beside their declaration; a property test holds the two equal."""

from __future__ import annotations

from struct import Struct as Packed
from struct import error as StructError
from struct import unpack_from

from protocols.adapter.text import Auxiliary
from protocols.codes import EbmId
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.terminal import messages as m
from protocols.terminal.layouts import ANSWER, FAULT_WITHOUT_TEXT, REQUESTS, STATUS_ANSWER
from protocols.wire import build, parse

REQUEST = 1
"""Packet type: a request (header D) or an active report (header E)."""
ANSWER_PACKET = 2
"""Packet type: an answer, or a passive return."""

_SWITCH = Packed(">BB18sI")
_RESULT_HEAD = Packed(">18sBH")
_RESULT_TAIL = Packed(">IIBI")
_START = Packed(">18sBB5sBIIB")
_AUX = Packed(">BH")
_ANSWER = Packed(">BH")
_OLD_FAULT_BYTES = 6


def encode_data(message: m.Message) -> bytes:
    """The data behind the business length. Raises LocalProtocolError."""
    try:
        match message:
            case m.TaskSwitch():
                return _SWITCH.pack(message.flag, message.task, message.ebm_id.to_bcd(), message.time)
            case m.Heartbeat():
                phys = bytes.fromhex(message.phys)
                return bytes((message.state, message.first, len(phys))) + phys
            case m.TaskResult():
                return _pack_result(message)
            case m.Start():
                return _pack_start(message)
            case m.Answer():
                text = message.text.encode("utf-8", "surrogateescape")
                return _ANSWER.pack(message.result, len(text)) + text
    except (StructError, ValueError) as error:
        raise LocalProtocolError(f"{type(message).__name__}: {error}") from error
    return encode_by_layout(message)


def encode_by_layout(message: m.Message) -> bytes:
    """The same by the declarations alone."""
    match message:
        case m.Opaque(data=data):
            return data
        case m.Answer():
            return build(ANSWER, {"result": message.result, "text": message.text})
        case m.StatusAnswer():
            return build(STATUS_ANSWER, message)
        case m.FaultReport(text=None):
            return build(FAULT_WITHOUT_TEXT, {"flag": message.flag, "fault": message.fault, "time": message.time})
        case _:
            return build(REQUESTS[message.type], message)


def decode_data(type_: int, packet_type: int, data: bytes) -> m.Message:
    """Read the data of a business type. Raises RemoteProtocolError."""
    if packet_type == REQUEST:
        fast = _FAST.get(type_)
        if fast is None:
            return _decode_request(type_, data)
        try:
            return fast(data)
        except (StructError, IndexError, ValueError):
            return _decode_request(type_, data)  # the declaration names the fault
    if packet_type == ANSWER_PACKET:
        if len(data) == 3 and data[1] == 0 and data[2] == 0:
            return m.Answer(type_, data[0])
        return _decode_answer(type_, data)
    raise RemoteProtocolError("packet-type", f"packet type {packet_type}; 1 request or report, 2 answer", offset=8)


def decode_by_layout(type_: int, packet_type: int, data: bytes) -> m.Message:
    """The same by the declarations alone."""
    return _decode_request(type_, data) if packet_type == REQUEST else _decode_answer(type_, data)


def _decode_request(type_: int, data: bytes) -> m.Message:
    layout = REQUESTS.get(type_)
    if layout is None:
        return m.Opaque(type_, data)
    if type_ == m.FaultReport.type and len(data) == _OLD_FAULT_BYTES:
        block = parse(FAULT_WITHOUT_TEXT, data)
        return m.FaultReport(block.flag, block.fault, None, block.time)
    if type_ == m.RecordReport.type:
        return _decode_records(data)
    message: m.Message = parse(layout, data)
    return message


def _decode_records(data: bytes) -> m.Message:
    """0x16 has the same doubt about the telephone field as 0x15 of annex A."""
    message: m.Message
    try:
        message = parse(REQUESTS[m.RecordReport.type], data)
    except RemoteProtocolError as error:
        try:
            message = parse(REQUESTS[m.RecordReport.type], data, telephone_always=True)
        except RemoteProtocolError:
            raise error from None
    return message


def _decode_answer(type_: int, data: bytes) -> m.Message:
    """An 0x11 answer carries parameters, unless the query failed and only result and text came."""
    if type_ == m.StatusAnswer.type and (len(data) < 3 or len(data) != 3 + int.from_bytes(data[1:3], "big")):
        message: m.Message = parse(STATUS_ANSWER, data)
        return message
    block = parse(ANSWER, data)
    return m.Answer(type_, block.result, block.text)


def _pack_result(message: m.TaskResult) -> bytes:
    text = message.text.encode("utf-8", "surrogateescape")
    head = _RESULT_HEAD.pack(message.ebm_id.to_bcd(), message.result, len(text))
    return head + text + _RESULT_TAIL.pack(message.start, message.end, message.times, message.time)


def _pack_start(message: m.Start) -> bytes:
    parts = [
        _START.pack(
            message.ebm_id.to_bcd(),
            message.class_,
            message.level,
            _five_characters(message.event_type),
            message.volume,
            message.start,
            message.end,
            len(message.auxiliary),
        )
    ]
    for aux in message.auxiliary:
        parts += (_AUX.pack(aux.type, len(aux.data)), aux.data)
    return b"".join(parts)


def _five_characters(text: str) -> bytes:
    """struct would cut or pad silently."""
    data = text.encode("ascii")
    if len(data) != 5:
        raise ValueError(f"event type {text!r} has {len(data)} characters, 5 are needed")
    return data


def _switch(data: bytes) -> m.Message:
    flag, task, code, time = _SWITCH.unpack(data)
    return m.TaskSwitch(flag, task, EbmId.from_bcd(code), time)


def _heartbeat(data: bytes) -> m.Message:
    if data[2] != len(data) - 3:
        raise ValueError("length")
    return m.Heartbeat(data[0], data[1], data[3:].hex().upper())


def _result(data: bytes) -> m.Message:
    code, result, length = _RESULT_HEAD.unpack_from(data)
    at = _RESULT_HEAD.size + length
    start, end, times, time = _RESULT_TAIL.unpack(data[at:])
    text = data[_RESULT_HEAD.size : at].decode("utf-8", "surrogateescape")
    return m.TaskResult(EbmId.from_bcd(code), result, text, start, end, times, time)


def _start(data: bytes) -> m.Message:
    code, class_, level, event_type, volume, start, end, count = _START.unpack_from(data)
    at = _START.size
    found = []
    for _ in range(count):
        kind, length = unpack_from(">BH", data, at)
        at += _AUX.size + length
        if at > len(data):
            raise ValueError("length")
        found.append(Auxiliary(kind, data[at - length : at]))
    if at != len(data):
        raise ValueError("trailing")
    return m.Start(EbmId.from_bcd(code), class_, level, event_type.decode("ascii"), volume, start, end, tuple(found))


_FAST = {0x01: _start, 0x10: _heartbeat, 0x14: _switch, 0x15: _result}
