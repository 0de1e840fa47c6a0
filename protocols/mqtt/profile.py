"""An MQTT profile as a value: what a kind of terminal is told and tells, on which topics, in which words.

Three envelopes (terminal-ip.md section 4): `frame` is our own profile, raw FEFD frames; `mirror` the same frames as
JSON; `json` is a vendor's, whose messages stand in the profile as data. `protocols.mqtt.profile_reading` makes one of a
TOML table, `protocols.mqtt.vendor` writes and reads messages by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from protocols.mqtt import mirror
from protocols.mqtt.json_text import Json
from protocols.mqtt.topics import CONTENT_TYPE, ROOT

Path = tuple[str, ...]
"""Names inside a JSON message, from the outside in."""


class Envelope(StrEnum):
    """How a payload holds a message."""

    FRAME = "frame"
    MIRROR = "mirror"
    JSON = "json"


class Identity(StrEnum):
    """What stands for {id} in topics and messages of a terminal, where its inventory row names nothing else."""

    PHYS = "phys"  # its physical address
    CODE = "code"  # its resource code


class Command(StrEnum):
    """What a profile may say to a terminal."""

    START = "start"
    STOP = "stop"
    QUERY = "query"
    VOLUME = "volume"
    VALUES = "values"  # asks what it is set to
    REBOOT = "reboot"


class Means(StrEnum):
    """What a terminal's message may mean."""

    ONLINE = "online"
    OFFLINE = "offline"
    IDLE = "idle"
    BUSY = "busy"  # it does something; nobody says that it is ours
    FAULT = "fault"
    CLEARED = "cleared"
    ANSWER = "answer"  # to one of our commands
    BEGAN = "began"
    ENDED = "ended"
    PLAYED = "played"
    FAILED = "failed"
    PROPERTIES = "properties"  # a sign of life, and what it is set to where a part says that


class Part(StrEnum):
    """What a rule may take out of a message, each by a path."""

    ID = "id"
    REQUEST = "request"  # the {seq} of the command that it belongs to
    RESULT = "result"
    EBM = "ebm"
    NOTE = "note"
    CAUSE = "cause"
    TIMES = "times"
    AT = "at"  # UTC seconds
    VOLUME = "volume"  # in the vendor's own steps
    VERSION = "version"  # of its software


VALUES = frozenset({Part.VOLUME, Part.VERSION})
"""What a terminal is set to, or is."""
NUMBERS = frozenset({"volume", "class", "level", "start", "end", "seconds", "seq", "now_s", "now_ms"})
"""Placeholders that are whole numbers; `seconds` is how long is left, `volume` is scaled by `volume_max`."""
TEXTS = frozenset({"id", "code", "url", "ebm", "event", "text", "seq_text"})
BLANKS = NUMBERS | TEXTS
NEEDS_END = frozenset({"end", "seconds"})
_OF_ALL = frozenset({"id", "code", "seq", "seq_text", "now_s", "now_ms"})
_OF_A_MESSAGE = _OF_ALL | {"ebm", "class", "level", "event"}
SAYABLE: Mapping[Command, frozenset[str]] = MappingProxyType(
    {
        Command.START: BLANKS,
        Command.STOP: _OF_A_MESSAGE,
        Command.QUERY: _OF_ALL,
        Command.VOLUME: _OF_ALL | {"volume"},
        Command.VALUES: _OF_ALL,
        Command.REBOOT: _OF_ALL,
    }
)
"""What is known when a command goes out."""
ABOUT_A_MESSAGE = frozenset({Means.BEGAN, Means.ENDED, Means.PLAYED, Means.FAILED})
"""These count for one EBM id, so their rules must say which: by it, or by the {seq} of its start."""
CONFIRMING = frozenset({Means.BEGAN, Means.PLAYED})


BLANK = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One message: a JSON object with {blanks} in its texts. A text that is one blank becomes its value.

    `only_volume`: left out where the alert leaves the device's own volume.
    """

    body: Mapping[str, Json]
    only_volume: bool = False


def used(templates: Iterable[Template]) -> frozenset[str]:
    """Every blank of some messages."""
    found: set[str] = set()
    walk: list[Json] = [template.body for template in templates]
    while walk:
        value = walk.pop()
        if isinstance(value, str):
            found.update(BLANK.findall(value))
        elif isinstance(value, Mapping):
            walk.extend(value.values())
        elif isinstance(value, list):
            walk.extend(value)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Rule:
    """A message on the topic `topic` in which everything of `when` stands, or whose payload is `text`."""

    topic: str
    means: Means
    when: tuple[tuple[Path, Json], ...] = ()
    text: str | None = None
    command: Command | None = None  # of an answer
    take: tuple[tuple[Part, Path], ...] = ()
    result_missing: int | None = None  # an answer without a result counts as this one


@dataclass(frozen=True, slots=True)
class Vendor:
    """The words of an envelope `json`."""

    command_topic: str
    returns: Mapping[str, str]  # name -> topic with {id}, or one that all terminals share
    identity: Identity
    commands: Mapping[Command, tuple[Template, ...]]
    rules: tuple[Rule, ...]
    results: Mapping[str, int]  # the vendor's result -> code of GD/J 089 table D.12
    volume_max: int = 100
    volume_own: int | None = None  # what stands for the device's own volume where a message cannot do without one
    repeatable: bool = False  # a start that comes twice with one {seq} plays once
    ends_itself: bool = False  # the start says when to end
    nested: tuple[Path, ...] = ()  # values that some firmware writes as JSON inside a text

    @property
    def stops_by_id(self) -> bool:
        """Whether its stop names the message; one that does not ends whatever sounds."""
        return "ebm" in used(self.commands.get(Command.STOP, ()))

    def answers(self, command: Command) -> bool:
        """Whether a terminal can answer this command."""
        return any(rule.means is Means.ANSWER and rule.command is command for rule in self.rules)

    @property
    def tells_values(self) -> bool:
        """Whether a terminal can be asked what it is set to, and say so."""
        parts = {part for rule in self.rules if rule.means is Means.PROPERTIES for part, _ in rule.take}
        return Command.VALUES in self.commands and bool(parts & VALUES)

    def tells(self, *means: Means) -> bool:
        """Whether a terminal can say any of these."""
        return any(rule.means in means for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. `vendor` is there for the envelope `json` only."""

    name: str
    envelope: Envelope
    root: str = ROOT
    content_type: str = ""
    vendor: Vendor | None = None

    @property
    def signed(self) -> bool:
        """Whether a terminal can verify SM2 by what this profile carries."""
        return self.envelope is not Envelope.JSON

    @property
    def asks(self) -> bool:
        """Whether a terminal can be asked what it is set to."""
        return self.vendor is None or self.vendor.tells_values

    @property
    def ends_itself(self) -> bool:
        """Whether what was started ends without a stop."""
        return self.vendor is None or self.vendor.ends_itself


OURS = Profile("ebcd", Envelope.FRAME, content_type=CONTENT_TYPE)
"""Equal to what `profiles/ebcd.toml` says."""
MIRROR = Profile("ebcd-json", Envelope.MIRROR, content_type=mirror.CONTENT_TYPE)
