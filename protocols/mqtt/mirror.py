"""The JSON mirror of our MQTT profile: the fields of an FEFD frame by name (terminal-ip.md section 4).

    {"sid": 7, "type": "start", "from": CODE23, "to": [CODE23, ...], "ebm": EBM35, "class": 4, ...,
     "sig": {"time": 1759999999, "cert": "000000000201", "value": HEX128}}

`header` is "D" unless it says "E"; `answer` is true for packet type 2. The signature is the frame's own: whoever can
make the frame of these fields again (GD/J 089 tables D.2-D.4) verifies it as he would the frame. What a small terminal
never says or hears over a broker (records, certificates, firmware) has no mirror.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from protocols.adapter.text import AUX_URL, Auxiliary
from protocols.codes import EbmId, InvalidCode, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.mqtt.json_text import Json, read_object, write_object
from protocols.signature import NUMBER_BYTES, VALUE_BYTES, SignatureBlock, number_text
from protocols.terminal.codec import ANSWER_PACKET, REQUEST
from protocols.terminal.frame import TARGETS_MAX, VERSION, VERSIONS, Frame, Header
from protocols.terminal.messages import (
    Answer,
    FaultReport,
    Heartbeat,
    Message,
    ParameterSet,
    Start,
    StatusAnswer,
    StatusQuery,
    Stop,
    TaskResult,
    TaskSwitch,
)
from protocols.terminal.parameters import Number

CONTENT_TYPE = "application/json"
TEXT_CHARACTERS_MAX = 4096
PARAMETERS_MAX = 64

_U8, _U16, _U32 = 0xFF, 0xFFFF, 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its name in JSON, its attribute, and the way in and out."""

    name: str
    attribute: str
    read: Callable[[Json], Any]
    write: Callable[[Any], Json] = lambda value: value


def _number(limit: int) -> Callable[[Json], int]:
    def read(value: Json) -> int:
        if type(value) is not int or not 0 <= value <= limit:
            raise ValueError(f"{_short(value)} is no whole number from 0 to {limit}")
        return value

    return read


def _text(value: Json) -> str:
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS_MAX:
        raise ValueError(f"{_short(value)} is no text of at most {TEXT_CHARACTERS_MAX} characters")
    return value


def _event_type(value: Json) -> str:
    if not isinstance(value, str) or len(value) != 5 or not value.isascii():
        raise ValueError(f"{_short(value)} is no event type of five characters")
    return value


def _hexadecimal(value: Json) -> str:
    digits = _text(value)
    if bytes.fromhex(digits).hex().upper() != digits or len(digits) > 2 * _U8:
        raise ValueError(f"{_short(value)} is no upper-case hexadecimal of whole bytes")
    return digits


def _optional_text(value: Json) -> str | None:
    return None if value is None else _text(value)


def _ebm(value: Json) -> EbmId:
    return EbmId(_text(value))


def _audio(value: Json) -> tuple[Auxiliary, ...]:
    return (Auxiliary.url(_text(value)),)


def _audio_out(auxiliary: tuple[Auxiliary, ...]) -> Json:
    if len(auxiliary) != 1 or auxiliary[0].type != AUX_URL:
        raise LocalProtocolError("the mirror of a start holds one audio address and nothing else")
    return _utf8(auxiliary[0].data)


def _ids(value: Json) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > PARAMETERS_MAX:
        raise ValueError(f"{_short(value)} is no list of at most {PARAMETERS_MAX} parameter ids")
    return tuple(_number(_U8)(each) for each in value)


def _numbers(value: Json) -> tuple[Number, ...]:
    if not isinstance(value, list) or len(value) > PARAMETERS_MAX:
        raise ValueError(f"{_short(value)} is no list of at most {PARAMETERS_MAX} parameters")
    found = []
    for each in value:
        if not isinstance(each, dict) or set(each) != {"id", "value"}:
            raise ValueError(f"{_short(each)} is no parameter with id and value")
        found.append(Number(_number(_U8)(each["id"]), _number(_U32)(each["value"])))
    return tuple(found)


def _numbers_out(parameters: tuple[Any, ...]) -> Json:
    if not all(isinstance(each, Number) for each in parameters):
        raise LocalProtocolError("the mirror holds parameters that are one number, and no others")
    return [{"id": each.id, "value": each.value} for each in parameters]


_EBM = Field("ebm", "ebm_id", _ebm, str)
_STATE = Field("state", "state", _number(_U8))
_RESULT = Field("result", "result", _number(_U8))
_REASON = Field("text", "text", _text)
_TIME = Field("time", "time", _number(_U32))
_WINDOW = (Field("start", "start", _number(_U32)), Field("end", "end", _number(_U32)))

KINDS: dict[str, tuple[type, tuple[Field, ...]]] = {
    "start": (
        Start,
        (
            _EBM,
            Field("class", "class_", _number(_U8)),
            Field("level", "level", _number(_U8)),
            Field("event", "event_type", _event_type),
            Field("volume", "volume", _number(_U8)),
            *_WINDOW,
            Field("url", "auxiliary", _audio, _audio_out),
        ),
    ),
    "stop": (Stop, (_EBM,)),
    "heartbeat": (
        Heartbeat,
        (_STATE, Field("first", "first", _number(_U8)), Field("phys", "phys", _hexadecimal)),
    ),
    "query": (StatusQuery, (Field("ids", "parameters", _ids, list),)),
    "state": (StatusAnswer, (_RESULT, _REASON, Field("parameters", "parameters", _numbers, _numbers_out))),
    "set": (ParameterSet, (Field("parameters", "settings", _numbers, _numbers_out),)),
    "fault": (
        FaultReport,
        (
            Field("flag", "flag", _number(_U8)),
            Field("fault", "fault", _number(_U8)),
            Field("text", "text", _optional_text),
            _TIME,
        ),
    ),
    "task": (
        TaskSwitch,
        (Field("flag", "flag", _number(_U8)), Field("task", "task", _number(_U8)), _EBM, _TIME),
    ),
    "result": (
        TaskResult,
        (_EBM, _RESULT, _REASON, *_WINDOW, Field("times", "times", _number(_U8)), _TIME),
    ),
    "answer": (Answer, (Field("request", "to", _number(_U8)), _RESULT, _REASON)),
}
"""Word of `type` -> message and its fields in the order of the frame. Limits are those of the frame's own fields."""

_WORD_OF = {kind: word for word, (kind, _) in KINDS.items()}


def encode(frame: Frame) -> bytes:
    """The mirror of a frame, its signature included. Raises LocalProtocolError for what has none."""
    word = _WORD_OF.get(type(frame.message))
    if word is None:
        raise LocalProtocolError(f"{type(frame.message).__name__} has no JSON mirror")
    told: dict[str, Json] = {"sid": frame.session, "type": word}
    if frame.header is Header.E:
        told["header"] = "E"
    if frame.is_answer:
        told["answer"] = True
    if frame.version != VERSION:
        told["version"] = frame.version
    told |= {"from": str(frame.source), "to": [str(code) for code in frame.targets]}
    for field in KINDS[word][1]:
        told[field.name] = field.write(getattr(frame.message, field.attribute))
    if (block := frame.signature) is not None:
        told["sig"] = {
            "time": block.time,
            "cert": number_text(block.certificate),
            "value": block.value.hex().upper(),
        }
    return write_object(told)


def decode(payload: bytes) -> Frame:
    """The frame that a mirror shows; `signed` stays empty, `terminal.encode` of the value gives the bytes.

    Raises RemoteProtocolError: those of `read_object`, type, missing, value, signature.
    """
    told = read_object(payload)
    word = told.get("type")
    if not isinstance(word, str) or word not in KINDS:
        raise RemoteProtocolError("type", f"type {_short(word)} is none of {', '.join(KINDS)}")
    header = _choice(told, "header", "D", ("D", "E"))
    version = _choice(told, "version", VERSION, VERSIONS)
    is_answer = _choice(told, "answer", False, (False, True))
    block = _block(told)
    if block is not None and header == "E":
        raise RemoteProtocolError("signature", "header E has no place for a signature")
    return Frame(
        Header(header),
        _of(told, "sid", _number(_U32)),
        ANSWER_PACKET if is_answer else REQUEST,
        _of(told, "from", lambda value: ResourceCode(_text(value))),
        _of(told, "to", _codes),
        _message(told, word),
        block,
        version,
    )


def _message(told: dict[str, Json], word: str) -> Message:
    kind, fields = KINDS[word]
    message: Message = kind(**{field.attribute: _of(told, field.name, field.read) for field in fields})
    return message


def _of(told: dict[str, Json], name: str, read: Callable[[Json], Any]) -> Any:
    if name not in told:
        raise RemoteProtocolError("missing", f"{name!r} is missing")
    try:
        return read(told[name])
    except (ValueError, InvalidCode, LocalProtocolError) as error:
        raise RemoteProtocolError("value", f"{name}: {error}") from error


def _choice(told: dict[str, Json], name: str, default: Any, choices: tuple[Any, ...]) -> Any:
    value = told.get(name, default)
    if not any(type(value) is type(each) and value == each for each in choices):
        raise RemoteProtocolError("value", f"{name}: {_short(value)} is none of {choices}")
    return value


def _codes(value: Json) -> tuple[ResourceCode, ...]:
    if not isinstance(value, list) or len(value) > TARGETS_MAX:
        raise ValueError(f"{_short(value)} is no list of at most {TARGETS_MAX} codes")
    return tuple(ResourceCode(_text(each)) for each in value)


def _block(told: dict[str, Json]) -> SignatureBlock | None:
    if "sig" not in told:
        return None
    sig = told["sig"]
    if not isinstance(sig, dict) or set(sig) != {"time", "cert", "value"}:
        raise RemoteProtocolError("signature", "sig has time, cert and value")
    try:
        parts = [bytes.fromhex(_hexadecimal(sig[name])) for name in ("cert", "value")]
        time = _number(_U32)(sig["time"])
    except ValueError as error:
        raise RemoteProtocolError("signature", str(error)) from error
    if [len(part) for part in parts] != [NUMBER_BYTES, VALUE_BYTES]:
        raise RemoteProtocolError("signature", f"cert has {NUMBER_BYTES} bytes, value {VALUE_BYTES}")
    return SignatureBlock(time, *parts)


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LocalProtocolError(f"audio address is not UTF-8: {error}") from error


def _short(value: Json) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"
