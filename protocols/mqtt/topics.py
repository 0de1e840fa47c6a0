"""Topic grammar and payload envelope of our own MQTT profiles (terminal-ip.md section 4).

    eb/v1/area/{12 digits}/cmd   commands for everybody under an area; a terminal takes its own region and the parents
                                 up to its county
    eb/v1/{code}/cmd             commands for one terminal
    eb/v1/{code}/rsp             its answers: FEFD frames of annex D, packet type 2
    eb/v1/{code}/report          its heartbeats, task switches and results: FEFD frames of annex E
    eb/v1/{code}/status          retained "online", and "offline" as its last will

The payload of the first four is one FEFD frame, raw or as its JSON mirror; both keep the signature. MQTT 5, QoS 1;
starts are not retained. A profile may put another `root` in front.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from protocols.codes import AreaCode, InvalidCode, ResourceCode, covers
from protocols.errors import RemoteProtocolError

ROOT = "eb/v1"
CONTENT_TYPE = "application/eb-frame"
QOS = 1
COMMAND_EXPIRY_S_MAX = 60  # a command older than this is worth nothing to a terminal that comes back (G)
PAYLOAD_BYTES_MAX = 65535  # total length of an FEFD frame is 16 bits (GD/J 089 tables D.2, E.2)
TOPIC_CHARACTERS_MAX = 128
ROOT_CHARACTERS_MAX = 64
COUNTY_LEVEL = 4


class Channel(StrEnum):
    """Last level of a topic."""

    COMMAND = "cmd"
    ANSWER = "rsp"
    REPORT = "report"
    STATUS = "status"


class Status(StrEnum):
    """Payload of the status topic."""

    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """A topic of one terminal."""

    code: ResourceCode
    channel: Channel
    root: str = ROOT

    def __str__(self) -> str:
        return f"{self.root}/{self.code}/{self.channel}"


@dataclass(frozen=True, slots=True)
class AreaTopic:
    """The command topic of an area and everything inside it."""

    area: AreaCode
    root: str = ROOT

    def __str__(self) -> str:
        return f"{self.root}/area/{self.area}/{Channel.COMMAND}"


def parse_topic(topic: str, root: str = ROOT) -> DeviceTopic | AreaTopic:
    """Read a topic. Raises RemoteProtocolError("topic") for anything outside the grammar."""
    inside = len(topic) <= TOPIC_CHARACTERS_MAX and topic.startswith(f"{root}/")
    levels = topic[len(root) + 1 :].split("/") if inside else []
    try:
        match levels:
            case ["area", area, Channel.COMMAND.value]:
                return AreaTopic(AreaCode(area), root)
            case [code, channel]:
                return DeviceTopic(ResourceCode(code), Channel(channel), root)
    except InvalidCode as error:
        raise RemoteProtocolError("topic", str(error)) from error
    except ValueError as error:
        raise RemoteProtocolError("topic", f"{topic!r} ends in an unknown channel") from error
    raise RemoteProtocolError("topic", f"{topic[:TOPIC_CHARACTERS_MAX]!r} is no topic of {root}")


def terminal_subscriptions(code: ResourceCode) -> tuple[str, ...]:
    """What a terminal listens to: its own topic, its region and every area around it up to its county.

    Nothing wider: a platform's own area is a county, and brokers pay for every subscription.
    """
    areas = (str(AreaTopic(area)) for area in code.area.enclosing if area.level >= COUNTY_LEVEL)
    return (str(DeviceTopic(code, Channel.COMMAND)), *areas)


def platform_subscriptions(root: str = ROOT) -> tuple[str, ...]:
    """What the platform listens to: answers, reports and states of all terminals."""
    return tuple(f"{root}/+/{channel}" for channel in (Channel.ANSWER, Channel.REPORT, Channel.STATUS))


def command_topics(targets: tuple[ResourceCode, ...], root: str = ROOT) -> tuple[DeviceTopic | AreaTopic, ...]:
    """Where one frame with these address codes must go so that everybody meant hears it, nobody twice.

    A code that names a single terminal goes to its own topic, one that ends in 00 to its area's; what an area already
    covers is left out. The order of `targets` is kept.
    """
    areas = dict.fromkeys(code.area for code in targets if _is_group(code))
    widest = [area for area in areas if not any(other != area and covers(other, area) for other in areas)]
    singles = dict.fromkeys(code for code in targets if not _is_group(code))
    alone = [code for code in singles if not any(covers(area, code.area) for area in widest)]
    areas_meant = (AreaTopic(area, root) for area in widest)
    return (*areas_meant, *(DeviceTopic(code, Channel.COMMAND, root) for code in alone))


def _is_group(code: ResourceCode) -> bool:
    """Whether an address can mean more than one terminal (GD/J 080 table B.1; serial 00 of the type is ours)."""
    return code.subtype_serial == "00" or code.type_serial == "00" or code.level == 0 or code.area.level < code.level


def command_expiry_s(now: float, end: float | None) -> int:
    """Message expiry of a command in whole seconds, at least 1, never past its own `end` (UTC, None for a stop)."""
    left = COMMAND_EXPIRY_S_MAX if end is None else int(end - now)
    return max(1, min(COMMAND_EXPIRY_S_MAX, left))


def parse_status(payload: bytes) -> Status:
    """Read a status payload. Raises RemoteProtocolError("status")."""
    try:
        return Status(payload.decode("ascii"))
    except ValueError as error:
        raise RemoteProtocolError("status", f"status payload {payload[:16]!r} is neither online nor offline") from error


def check_envelope(payload: bytes, content_type: str | None, expected: str = CONTENT_TYPE) -> bytes:
    """What is inside a message. Raises RemoteProtocolError("content_type" or "length").

    A missing content type is accepted: MQTT 3.1.1 clients have none.
    """
    if content_type not in (None, "", expected):
        raise RemoteProtocolError("content_type", f"content type {str(content_type)[:40]!r} is not {expected}")
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise RemoteProtocolError("length", f"payload of {len(payload)} bytes is more than one frame can have")
    return payload
