"""JSON as it comes from devices: read strictly, written without a choice (RFC 8259).

Whatever two readers could understand differently is refused by name: a key that stands twice, NaN and numbers without
an end, half a surrogate pair, nesting without an end. Sizes are bounded before anything is parsed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from protocols.errors import LocalProtocolError, RemoteProtocolError

DEPTH_MAX = 16
NUMBER_CHARACTERS_MAX = 40
PAYLOAD_BYTES_MAX = 65_535
"""The same as a frame may have (GD/J 089 tables D.2, E.2); no message of a terminal comes near."""

Json = Any
"""None, bool, int, float, str, a list of these or an object of these by name."""

_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""Texts, closed or not, and brackets. Possessive, so that a text without an end costs one pass, not one per quote."""


def read_object(payload: bytes) -> dict[str, Json]:
    """One object. Raises RemoteProtocolError: length, charset, depth, duplicate, number or json."""
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise RemoteProtocolError("length", f"payload of {len(payload)} bytes, {PAYLOAD_BYTES_MAX} are read")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("charset", "payload is not UTF-8", offset=error.start) from error
    return read_text(text)


def read_text(text: str) -> dict[str, Json]:
    """The same for text that is at hand already."""
    _measure(text)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_int
        )
    except json.JSONDecodeError as error:
        raise RemoteProtocolError("json", error.msg, offset=error.pos) from error
    if not isinstance(value, dict):
        raise RemoteProtocolError("json", f"payload is no object but {type(value).__name__}")
    _whole_characters(value)
    return value


def write_object(value: Mapping[str, Json]) -> bytes:
    """Without spaces, in UTF-8, keys as they come. Raises LocalProtocolError: no JSON, or too long."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        payload = text.encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:  # half a surrogate pair is a ValueError, too
        raise LocalProtocolError(f"cannot be written as JSON: {error}") from error
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise LocalProtocolError(f"JSON of {len(payload)} bytes, {PAYLOAD_BYTES_MAX} are possible")
    return payload


def at_path(value: Json, path: tuple[str, ...]) -> Json:
    """What stands under these names, one inside the other; None where nothing does."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _measure(text: str) -> None:
    """One pass in linear time: the parser behind it calls itself once a level."""
    depth = 0
    for found in _STRUCTURE.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise RemoteProtocolError("depth", f"nested deeper than {DEPTH_MAX}", offset=found.start())
        elif mark in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value: dict[str, Json] = {}
    for name, each in pairs:
        if name in value:
            raise RemoteProtocolError("duplicate", f"{name[:40]!r} stands twice in one object")
        value[name] = each
    return value


def _no_constant(word: str) -> NoReturn:
    raise RemoteProtocolError("number", f"{word} is no number of JSON")


def _float(text: str) -> float:
    if len(text) > NUMBER_CHARACTERS_MAX or not math.isfinite(value := float(text)):
        raise RemoteProtocolError("number", f"{text[:NUMBER_CHARACTERS_MAX]} is no finite number of usual length")
    return value


def _int(text: str) -> int:
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise RemoteProtocolError("number", f"a number of {len(text)} digits")
    return int(text)


def _whole_characters(value: Json) -> None:
    """Half a surrogate pair is no character: whoever writes it on would fail there."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise RemoteProtocolError("charset", "half a surrogate pair stands for a character") from error
    elif isinstance(value, list):
        for each in value:
            _whole_characters(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            _whole_characters(name)
            _whole_characters(each)
