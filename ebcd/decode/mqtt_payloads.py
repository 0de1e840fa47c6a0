"""JSON payloads of the 3G/4G path over MQTT: the mirror of FEFD frames, P6 and MW (terminal-ip.md section 4).

A payload says nothing of its topic, so a vendor's is judged by the profiles that come with the program, each topic of
theirs in turn. Raw frames over MQTT are frames: `terminal_frames` reads them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from devices import mqtt_profiles
from ebcd.decode import terminal_frames
from ebcd.decode.keys import Keys
from ebcd.decode.reading import Crc, Note, Reading
from ebcd.decode.recogniser import Claim, Recogniser, told
from ebcd.decode.tree import Field, Group, Items, Value, value_of
from protocols import terminal
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.mqtt import Vendor, mirror, vendor
from protocols.mqtt.json_text import Json, at_path, read_object
from protocols.mqtt.profile import BLANK, Part

PROTOCOL = "mqtt-json"
PROFILES = ("p6", "mw")
_CLAUSE = "terminal-ip.md 4"
_NOBODY = "unknown"  # stands for the id in a topic that the message does not tell


def claim(data: bytes) -> Claim:
    """A JSON object; sure where it is a mirror or a profile explains it."""
    if not data.lstrip().startswith(b"{"):
        return Claim.NONE
    try:
        message = read_object(data)
    except RemoteProtocolError:
        return Claim.WEAK
    if "sid" in message or next(_meanings(message, data), None) is not None:
        return Claim.CERTAIN
    return Claim.WEAK


def read(data: bytes, keys: Keys) -> Reading:
    """One payload."""
    try:
        message = read_object(data)
    except RemoteProtocolError as error:
        return Reading(PROTOCOL, errors=(told(error),), clause=_CLAUSE, offset=error.offset)
    if "sid" in message:
        return _read_mirror(data, message, keys)
    found = next(_meanings(message, data), None)
    errors = () if found else ("unmatched: it is no mirror of a frame, and neither profile p6 nor mw explains it",)
    notes = (Note("mqtt_profile", (("profile", found[0]),)),) if found else ()
    name = found[1] if found else ""
    return Reading(PROTOCOL, name, _tree(message), roundtrip=True, errors=errors, clause=_CLAUSE, notes=notes)


def _read_mirror(data: bytes, message: Mapping[str, Json], keys: Keys) -> Reading:
    """As the frame that it shows: the signature is the frame's."""
    try:
        frame = mirror.decode(data)
        inside = terminal_frames.read(terminal.encode(frame), keys)
    except (RemoteProtocolError, LocalProtocolError) as error:
        said = told(error) if isinstance(error, RemoteProtocolError) else f"value: {error}"
        return Reading(PROTOCOL, "", _tree(message), errors=(said,), clause=_CLAUSE)
    again = None
    with contextlib.suppress(RemoteProtocolError, LocalProtocolError):
        again = mirror.decode(mirror.encode(frame))
    fields = Group(tuple(field for field in inside.fields.fields if field.name != "crc"))
    notes = (*inside.notes, Note("mqtt_mirror"))
    return replace(inside, protocol=PROTOCOL, fields=fields, crc=Crc.NONE, roundtrip=again == frame, notes=notes)


@cache
def _vendors() -> tuple[tuple[str, Vendor], ...]:
    loaded = ((name, mqtt_profiles.load(name).vendor) for name in PROFILES)
    return tuple((name, words) for name, words in loaded if words is not None)


def _meanings(message: Mapping[str, Json], data: bytes) -> Iterator[tuple[str, str]]:
    """Profile and what the message is there, such as `answer` or `command_volume`."""
    for name, words in _vendors():
        for command, templates in words.commands.items():
            if any(_fits(template.body, message) for template in templates):
                yield name, f"command_{command}"
        for topic in dict.fromkeys(_topics(words, message)):
            with contextlib.suppress(RemoteProtocolError):
                yield name, str(vendor.decode(words, topic, data).means)


def _topics(words: Vendor, message: Mapping[str, Json]) -> Iterator[str]:
    """Where the terminal that speaks would say it."""
    for rule in words.rules:
        claimed = next((at_path(message, path) for part, path in rule.take if part is Part.ID), None)
        id_ = claimed if isinstance(claimed, str) and claimed else _NOBODY
        yield words.returns[rule.topic].replace("{id}", id_)


def _fits(template: Json, value: Json) -> bool:
    """Whether a message is this one of ours with something in its blanks."""
    if isinstance(template, Mapping):
        is_object = isinstance(value, Mapping) and set(value) == set(template)
        return is_object and all(_fits(each, value[name]) for name, each in template.items())
    return template == value or (isinstance(template, str) and BLANK.search(template) is not None)


def _tree(value: Mapping[str, Json]) -> Group:
    return Group(tuple(Field(name, _value(each)) for name, each in value.items()))


def _value(value: Json) -> Value:
    if isinstance(value, Mapping):
        return _tree(value)
    if isinstance(value, list):
        return Items(tuple(_value(each) for each in value))
    return value_of(value)


RECOGNISER = Recogniser(PROTOCOL, claim, read)
