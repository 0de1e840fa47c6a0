"""A struct path for the reports that come by the thousand (heartbeat, answers, begin and end of a task, records),
beside their declarations in `protocols.adapter.layouts`; a property test holds the two equal.

A decoder returns None for what is not the plain form, and the declaration then says what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Packed
from struct import error as StructError
from typing import Any

from protocols.adapter import reports as up
from protocols.adapter.targets import CODE_BYTES
from protocols.codes import ResourceCode, ebm_id_of, resource_code_of
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.frozen import draft_of

_HEARTBEAT = Packed(">B12sBI")
_ENDED = Packed(">12s18s")
_ANSWER = Packed(">12s18sBI")
_BEGAN = Packed(">12s18sBBB5sBB")
_RECORDS = Packed(">12sI")
_RECORD = Packed(">18sBBBB5sIIBBB")
_TELEPHONE_SOURCES = (int(up.Source.PHONE), int(up.Source.SMS))

_HeartbeatDraft = draft_of(up.AdapterHeartbeat)
_EndedDraft = draft_of(up.TaskEnded)
_AnswerDraft = draft_of(up.StartAnswer)
_BeganDraft = draft_of(up.TaskBegan)
_OutputDraft = draft_of(up.OutputRef)
_RecordDraft = draft_of(up.Record)


def _heartbeat_from(body: bytes) -> up.AdapterHeartbeat | None:
    if len(body) != _HEARTBEAT.size:
        return None
    size, front, state, time = _HEARTBEAT.unpack(body)
    if size != CODE_BYTES:
        return None
    message = _HeartbeatDraft(resource_code_of(front), state, time)
    message.__class__ = up.AdapterHeartbeat
    return message


def _heartbeat_to(message: up.AdapterHeartbeat) -> bytes:
    return _HEARTBEAT.pack(CODE_BYTES, message.front.to_bcd(), message.state, message.time)


def _ended_from(body: bytes) -> up.TaskEnded | None:
    if len(body) != _ENDED.size:
        return None
    front, id_ = _ENDED.unpack(body)
    message = _EndedDraft(resource_code_of(front), ebm_id_of(id_))
    message.__class__ = up.TaskEnded
    return message


def _ended_to(message: up.TaskEnded) -> bytes:
    return message.front.to_bcd() + message.ebm_id.to_bcd()


def _answer_from(body: bytes) -> up.StartAnswer | None:
    if len(body) < _ANSWER.size + 2:
        return None
    front, id_, result, text_bytes = _ANSWER.unpack_from(body)
    text_end = _ANSWER.size + text_bytes
    if len(body) < text_end + 2 or len(body) != text_end + 2 + (body[text_end] << 8 | body[text_end + 1]):
        return None
    text = body[_ANSWER.size : text_end].decode("utf-8", "surrogateescape")
    url = body[text_end + 2 :].decode("utf-8", "surrogateescape")
    message = _AnswerDraft(resource_code_of(front), ebm_id_of(id_), result, text, url)
    message.__class__ = up.StartAnswer
    return message


def _answer_to(message: up.StartAnswer) -> bytes | None:
    if message.text is None or message.url is None:
        return None
    text, url = (each.encode("utf-8", "surrogateescape") for each in (message.text, message.url))
    head = _ANSWER.pack(message.front.to_bcd(), message.ebm_id.to_bcd(), message.result, len(text))
    return b"".join((head, text, len(url).to_bytes(2, "big"), url))


def _began_from(body: bytes) -> up.TaskBegan | None:
    if len(body) < _BEGAN.size + 3:
        return None
    front, id_, source, class_, level, event_type, channel, count = _BEGAN.unpack_from(body)
    at = _BEGAN.size + 2 * count
    if source in _TELEPHONE_SOURCES or len(body) < at + 3 or body[at + 2] != CODE_BYTES or not event_type.isascii():
        return None
    if len(body) != at + 3 + CODE_BYTES * body[at + 1]:
        return None
    message = _BeganDraft(
        resource_code_of(front),
        ebm_id_of(id_),
        source,
        class_,
        level,
        event_type.decode("ascii"),
        channel,
        _outputs(body, _BEGAN.size, at),
        body[at],
        _codes(body, at + 3, len(body)),
        None,
    )
    message.__class__ = up.TaskBegan
    return message


def _outputs(body: bytes, at: int, end: int) -> tuple[up.OutputRef, ...]:
    found = []
    for i in range(at, end, 2):
        output = _OutputDraft(body[i], body[i + 1])
        output.__class__ = up.OutputRef
        found.append(output)
    return tuple(found)


def _codes(body: bytes, at: int, end: int) -> tuple[ResourceCode, ...]:
    return tuple([resource_code_of(body[i : i + CODE_BYTES]) for i in range(at, end, CODE_BYTES)])


def _records_from(body: bytes) -> up.Records | None:
    """Thousands of records fill a frame, and the loop has to do other things too."""
    front, count = _RECORDS.unpack_from(body)
    at = _RECORDS.size
    records = []
    for _ in range(count):
        id_, state, source, class_, level, event_type, start, end, volume, channel, outputs = _RECORD.unpack_from(
            body, at
        )
        begin = at + _RECORD.size
        at = begin + 2 * outputs
        telephone = None
        if source in _TELEPHONE_SOURCES:
            telephone_at = at + 1
            at = telephone_at + body[at]
            telephone = body[telephone_at:at].decode("ascii")
        codes_at = at + 2
        at = codes_at + CODE_BYTES * body[at]
        if body[codes_at - 1] != CODE_BYTES or at > len(body):
            return None
        record = _RecordDraft(
            ebm_id_of(id_),
            state,
            source,
            class_,
            level,
            event_type.decode("ascii"),
            start,
            end,
            volume,
            channel,
            _outputs(body, begin, begin + 2 * outputs),
            _codes(body, codes_at, at),
            telephone,
        )
        record.__class__ = up.Record
        records.append(record)
    return up.Records(resource_code_of(front), tuple(records)) if at == len(body) else None


def _began_to(message: up.TaskBegan) -> bytes | None:
    event_type = message.event_type.encode("ascii", "surrogateescape")
    is_plain = message.telephone is None and message.source not in _TELEPHONE_SOURCES
    if not is_plain or not isinstance(message.codes, tuple) or len(event_type) != 5:
        return None
    head = _BEGAN.pack(
        message.front.to_bcd(),
        message.ebm_id.to_bcd(),
        message.source,
        message.class_,
        message.level,
        event_type,
        message.input_channel,
        len(message.outputs),
    )
    outputs = bytes([byte for output in message.outputs for byte in (output.kind, output.id)])
    tail = bytes((message.volume, len(message.codes), CODE_BYTES))
    return b"".join([head, outputs, tail, *[code.to_bcd() for code in message.codes]])


_READERS: dict[int, Callable[[bytes], Any]] = {
    up.Records.type: _records_from,
    up.StartAnswer.type: _answer_from,
    up.TaskBegan.type: _began_from,
    up.TaskEnded.type: _ended_from,
    up.AdapterHeartbeat.type: _heartbeat_from,
}
"""Type of table A.4 -> message, or None."""


def quick_message(type_: int, body: bytes) -> Any:
    """The message of a report that has a struct path, where the body is of the plain form; else None."""
    read = _READERS.get(type_)
    if read is None:
        return None
    try:
        return read(body)
    except (StructError, IndexError, ValueError, RemoteProtocolError):
        return None  # the declaration names the fault


_PLAIN: dict[type, Callable[[Any], bytes | None]] = {
    up.StartAnswer: _answer_to,
    up.TaskBegan: _began_to,
    up.TaskEnded: _ended_to,
    up.AdapterHeartbeat: _heartbeat_to,
}


def quick_body(message: Any) -> bytes | None:
    """The body of a report that has a struct path; None for others. Raises LocalProtocolError."""
    encode = _PLAIN.get(type(message))
    if encode is None:
        return None
    try:
        return encode(message)
    except (StructError, ValueError, AttributeError, TypeError) as error:
        raise LocalProtocolError(f"{type(message).__name__}: {error}") from error
