"""Messages of a vendor's MQTT profile, written and read by the profile's own words (terminal-ip.md section 4).

What comes in is matched against the rules of its topic, first to last; what no rule explains is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from protocols.codes import EbmId, InvalidCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.mqtt.json_text import Json, at_path, read_object, read_text, write_object
from protocols.mqtt.profile import BLANK, BLANKS, NUMBERS, Command, Means, Part, Path, Rule, Vendor
from protocols.terminal.messages import Result

ID_CHARACTERS_MAX = 64
NOTE_CHARACTERS_MAX = 255
VERSION_CHARACTERS_MAX = 40
PLAIN_BYTES_MAX = 64
"""A payload that is a word and no JSON."""
TOPIC_CHARACTERS_MAX = 256
DIGITS_MAX = 20
VOLUME_OWN = 255
PERCENT = 100

Values = Mapping[str, str | int]
"""What is put in place of {blanks}; `volume` in percent, 255 for the device's own."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one message of a terminal means. `id` is the vendor's; times are UTC seconds by the device's clock."""

    id: str
    means: Means
    command: Command | None = None
    request: str = ""  # the {seq} as text; "" where the message names none
    result: int = 0  # of GD/J 089 table D.12
    ebm: EbmId | None = None
    note: str = ""
    cause: int = 0
    times: int = 0
    at: int = 0
    volume: int | None = None  # in percent of the vendor's steps
    version: str = ""


def is_id(text: str) -> bool:
    """Whether a text can be a terminal's level of a topic."""
    return 0 < len(text) <= ID_CHARACTERS_MAX and text.isprintable() and not any(each in "/+# " for each in text)


def subscriptions(vendor: Vendor) -> tuple[str, ...]:
    """What the platform listens to."""
    return tuple(dict.fromkeys(topic.replace("{id}", "+") for topic in vendor.returns.values()))


def command_topic(vendor: Vendor, id_: str) -> str:
    """Where one terminal hears. Raises LocalProtocolError for an id that no topic can hold."""
    if not is_id(id_):
        raise LocalProtocolError(f"{id_[:ID_CHARACTERS_MAX]!r} is no level of a topic")
    return vendor.command_topic.replace("{id}", id_)


def encode(vendor: Vendor, command: Command, values: Values) -> tuple[bytes, ...]:
    """The payloads of a command, in the order in which they go out.

    Raises LocalProtocolError: the profile has no such command, or a value is missing or of the wrong kind.
    """
    templates = vendor.commands.get(command)
    if not templates:
        raise LocalProtocolError(f"this profile has no {command}")
    if unknown := set(values) - BLANKS:
        raise LocalProtocolError(f"{', '.join(sorted(unknown))}: no such blank")
    keeps = values.get("volume", VOLUME_OWN) == VOLUME_OWN
    scaled = dict(values)
    scaled.pop("volume", None)
    if keeps and vendor.volume_own is not None:
        scaled["volume"] = vendor.volume_own
    elif not keeps:
        scaled["volume"] = volume_of(vendor, values["volume"])
    told = [_filled(each.body, scaled) for each in templates if not (each.only_volume and keeps)]
    return tuple(write_object(each) for each in told)


def volume_of(vendor: Vendor, percent: str | int) -> int:
    """Percent in the vendor's own steps, never louder than asked for by more than half a step."""
    if not isinstance(percent, int) or not 0 <= percent <= PERCENT:
        raise LocalProtocolError(f"volume {percent!r} is no percentage")
    return (percent * vendor.volume_max + PERCENT // 2) // PERCENT


def decode(vendor: Vendor, topic: str, payload: bytes) -> Told:
    """Raises RemoteProtocolError: topic, unmatched, id, source, value, missing, or those of `read_object`."""
    names = dict(_places(vendor, topic))
    if not names:
        raise RemoteProtocolError("topic", f"{topic[:TOPIC_CHARACTERS_MAX]!r} is no topic of this profile")
    rules = [rule for rule in vendor.rules if rule.topic in names]
    if (rule := _plain(rules, payload)) is not None:
        return Told(_checked(names[rule.topic], ""), rule.means)
    message = read_object(payload)
    for path in vendor.nested:
        _unfold(message, path)
    for rule in rules:
        if rule.when and all(_same(at_path(message, path), value) for path, value in rule.when):
            return _told(vendor, rule, message, names[rule.topic])
    raise RemoteProtocolError("unmatched", "no rule of this profile explains the message")


# ---- writing -------------------------------------------------------------------------------------------------------


def _filled(value: Json, values: Values) -> Json:
    if isinstance(value, str):
        found = BLANK.fullmatch(value)
        if found is not None:
            return _value(found[1], values)
        return BLANK.sub(lambda each: str(_value(each[1], values)), value)
    if isinstance(value, Mapping):
        return {name: _filled(each, values) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    return value


def _value(name: str, values: Values) -> str | int:
    if name not in values:
        raise LocalProtocolError(f"{{{name}}} has no value here")
    value = values[name]
    if (name in NUMBERS) is not (type(value) is int):
        raise LocalProtocolError(f"{{{name}}} cannot be {value!r}")
    return value


# ---- reading -------------------------------------------------------------------------------------------------------


def _places(vendor: Vendor, topic: str) -> Iterator[tuple[str, str]]:
    """Names of the topics that this is, each with the id in it, "" where the topic names nobody."""
    if len(topic) > TOPIC_CHARACTERS_MAX:
        return
    for name, pattern in vendor.returns.items():
        before, mark, after = pattern.partition("{id}")
        if not mark:
            if topic == pattern:
                yield name, ""
            continue
        id_ = topic[len(before) : len(topic) - len(after)]
        if topic == f"{before}{id_}{after}" and is_id(id_):
            yield name, id_


def _plain(rules: list[Rule], payload: bytes) -> Rule | None:
    if len(payload) > PLAIN_BYTES_MAX:
        return None
    return next((rule for rule in rules if rule.text is not None and rule.text.encode() == payload.strip()), None)


def _unfold(message: dict[str, Json], path: Path) -> None:
    holder = at_path(message, path[:-1])
    if isinstance(holder, dict) and isinstance(text := holder.get(path[-1]), str) and text.lstrip().startswith("{"):
        holder[path[-1]] = read_text(text)


def _same(found: Json, wanted: Json) -> bool:
    """Of one type and equal: 1 is not true. Firmware that writes all its values as texts is understood, "1" for 1."""
    if type(wanted) is int and isinstance(found, str):
        return _number(found) == wanted
    return type(found) is type(wanted) and bool(found == wanted)


def _number(text: str) -> int | None:
    """A whole number of decimal digits without a sign."""
    is_number = text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
    return int(text) if is_number else None


def _told(vendor: Vendor, rule: Rule, message: dict[str, Json], topic_id: str) -> Told:
    parts = {part: at_path(message, path) for part, path in rule.take}
    return Told(
        _checked(topic_id, parts.get(Part.ID)),
        rule.means,
        rule.command,
        _word(Part.REQUEST, parts),
        _result(vendor, rule, parts),
        _ebm(parts),
        _word(Part.NOTE, parts)[:NOTE_CHARACTERS_MAX],
        _whole(Part.CAUSE, parts, 255),
        _whole(Part.TIMES, parts, 255),
        _whole(Part.AT, parts, 2**32 - 1),
        _percent(vendor, parts),
        _word(Part.VERSION, parts)[:VERSION_CHARACTERS_MAX],
    )


def _checked(topic_id: str, claimed: Json) -> str:
    """Who speaks: the topic says it, the message, or both the same."""
    if claimed is None or claimed == "":
        if not topic_id:
            raise RemoteProtocolError("id", "the message does not say from whom it is")
        return topic_id
    if not isinstance(claimed, str) or not is_id(claimed):
        raise RemoteProtocolError("id", f"{str(claimed)[:ID_CHARACTERS_MAX]!r} is no id of a terminal")
    if topic_id and topic_id != claimed:
        raise RemoteProtocolError("source", f"{claimed!r} speaks on the topic of {topic_id!r}")
    return claimed


def _word(part: Part, parts: Mapping[Part, Json]) -> str:
    """A text or a whole number, as text; "" where the rule takes none or the message has none."""
    value = parts.get(part)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RemoteProtocolError("value", f"{part}: {str(value)[:40]!r} is neither text nor whole number")
    return str(value)


def _whole(part: Part, parts: Mapping[Part, Json], limit: int) -> int:
    value = parts.get(part)
    if value is None:
        return 0
    number = _number(value) if isinstance(value, str) else value
    if type(number) is not int or not 0 <= number <= limit:
        raise RemoteProtocolError("value", f"{part}: {str(value)[:40]!r} is no whole number from 0 to {limit}")
    return number


def _percent(vendor: Vendor, parts: Mapping[Part, Json]) -> int | None:
    """The percentage that stands for the vendor's step; None where the message has none."""
    if parts.get(Part.VOLUME) is None:
        return None
    step = _whole(Part.VOLUME, parts, vendor.volume_max)
    return (step * PERCENT + vendor.volume_max // 2) // vendor.volume_max


def _result(vendor: Vendor, rule: Rule, parts: Mapping[Part, Json]) -> int:
    """A result that the profile does not know is no success."""
    if rule.means is not Means.ANSWER:
        return int(Result.OK)
    value = parts.get(Part.RESULT)
    if value is None:
        if rule.result_missing is None:
            raise RemoteProtocolError("missing", "the answer has no result")
        return rule.result_missing
    word = str(value).lower() if isinstance(value, bool) else str(value)
    return vendor.results.get(word, int(Result.SYSTEM))


def _ebm(parts: Mapping[Part, Json]) -> EbmId | None:
    value = parts.get(Part.EBM)
    if value is None:
        return None
    try:
        return EbmId(value if isinstance(value, str) else "")
    except InvalidCode as error:
        raise RemoteProtocolError("value", str(error)) from error
