"""What an alert is: domain values that cannot be built wrong, and the rules that turn a message into one.

Classes, levels and areas follow GD/J 082, 083 and 089; the rules marked G in the standards' digest are named here once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from ebcd.errors import InvalidAlert
from protocols.codes import AreaCode, EbdId, EbmId, InvalidCode, ResourceCode, covers

TONE_VOLUME_MAX = 30
"""Percent: the weekly tone is low, whatever the configuration wants (R-X-14 asks for 10)."""


class AlertClass(IntEnum):
    """Broadcast class on the wire to devices (GD/J 089 table A.12)."""

    SYSTEM_DRILL = 1
    SIMULATED_DRILL = 2
    REAL_DRILL = 3
    EMERGENCY = 4
    DAILY = 5


class Origin(StrEnum):
    """Who ordered it."""

    UPSTREAM = "upstream"
    OPERATOR = "operator"
    TONE = "tone"  # the weekly low tone: a drill that the daemon writes and people approve
    WARNING = "warning"  # a warning of another authority that an operator handed in: no signature of a platform above


class DrillDepth(StrEnum):
    """How deep a message may go (GD/J 083 MsgType 3-5; I5)."""

    PLATFORM = "platform"  # nothing is sent on
    HEADEND = "headend"  # adapters hear of it, nothing is transmitted
    TERMINAL = "terminal"  # everything


@dataclass(frozen=True, slots=True)
class Window:
    """When an alert may be on air. UTC seconds; `end` is excluded (I3)."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise InvalidAlert(f"the window ends at {self.end}, not after its start at {self.start}; give a later end")

    def is_open(self, now_s: float) -> bool:
        """Whether `now_s` (UTC seconds) lies inside."""
        return self.start <= now_s < self.end


@dataclass(frozen=True, slots=True)
class Media:
    """A sound file in the media folder; `sm3` ties what plays to what was approved (I9)."""

    sm3: str
    name: str
    size_bytes: int
    spoken: bool  # made from the text by the speech engine

    def __post_init__(self) -> None:
        if len(self.sm3) != 64:
            raise InvalidAlert(f"a media digest has 64 hexadecimal digits, not {len(self.sm3)}")


@dataclass(frozen=True, slots=True)
class Alert:
    """One message under one EBM id. Its content never changes; an update is another alert that names this one."""

    id: EbmId
    origin: Origin
    class_: AlertClass
    level: int  # 1 most severe ... 4
    depth: DrillDepth
    event_type: str
    window: Window
    areas: tuple[AreaCode, ...]  # resolved: all inside the county
    dropped_areas: tuple[str, ...]  # as written, unknown here or outside
    title: str
    text: str
    agency: str
    language: str
    media: Media | None
    stream_url: str  # instead of a file
    received_at: float  # UTC seconds: last byte in, or the moment it was written
    author: str  # the peer's code, or the operator
    peer: ResourceCode | None = None  # who is told about it
    ebd_id: EbdId | None = None  # the package that brought it
    replaces: EbmId | None = None
    only: tuple[ResourceCode, ...] = ()  # these terminals inside the areas and no others
    volume: int | None = None  # percent, instead of what the configuration says
    warning: str = ""  # identifier of the warning that it was made of; updates and cancels name it
    supersedes: tuple[str, ...] = ()  # identifiers of the warnings that it takes the place of
    sender_code: str = ""  # SenderCode of the body that issued it, opaque; empty where nobody named one
    sent_at: int | None = None  # SendTime as it was written, UTC seconds

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 4:
            raise InvalidAlert(f"level {self.level} is not one of 1 2 3 4")
        if len(self.event_type) != 5:
            raise InvalidAlert(f"event type {self.event_type!r} has not five characters (GD/J 082 table C.1)")
        if "" in self.supersedes:
            raise InvalidAlert("an update names a warning without an identifier")

    @property
    def origin_level(self) -> int:
        """Administrative level of the issuing platform: 1 nation ... 6 village."""
        return int(self.id[0]) or 9

    def means(self, code: ResourceCode) -> bool:
        """Whether a terminal inside the areas is to hear it."""
        return not self.only or code in self.only

    def to_json(self) -> dict[str, Any]:
        """As the journal keeps it; `from_json` gives the same value back."""
        value = {name: getattr(self, name) for name in PLAIN_FIELDS}
        value["window"] = [self.window.start, self.window.end]
        value["areas"] = list(self.areas)
        value["dropped_areas"] = list(self.dropped_areas)
        value["supersedes"] = list(self.supersedes)
        value["media"] = self.media and [self.media.sm3, self.media.name, self.media.size_bytes, self.media.spoken]
        if self.only:
            value["only"] = list(self.only)
        if self.volume is not None:
            value["volume"] = self.volume
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Alert:
        """The inverse of `to_json`."""
        older: dict[str, Any] = {
            "warning": "",
            "supersedes": [],
            "sender_code": "",
            "sent_at": None,
        }  # journals of before there were these
        value = older | value
        fields = {name: value[name] for name in PLAIN_FIELDS}
        return cls(
            **fields
            | {
                "id": EbmId(value["id"]),
                "origin": Origin(value["origin"]),
                "class_": AlertClass(value["class_"]),
                "depth": DrillDepth(value["depth"]),
                "window": Window(*value["window"]),
                "areas": tuple(AreaCode(a) for a in value["areas"]),
                "dropped_areas": tuple(value["dropped_areas"]),
                "media": value["media"] and Media(*value["media"]),
                "peer": value["peer"] and ResourceCode(value["peer"]),
                "ebd_id": value["ebd_id"] and EbdId(value["ebd_id"]),
                "replaces": value["replaces"] and EbmId(value["replaces"]),
                "only": tuple(ResourceCode(code) for code in value.get("only", ())),
                "volume": value.get("volume"),
                "supersedes": tuple(value["supersedes"]),
            }
        )


PLAIN_FIELDS = (
    "id",
    "origin",
    "class_",
    "level",
    "depth",
    "event_type",
    "title",
    "text",
    "agency",
    "language",
    "stream_url",
    "received_at",
    "author",
    "peer",
    "ebd_id",
    "replaces",
    "warning",
    "sender_code",
    "sent_at",
)


# ---- areas (I2) ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResolvedAreas:
    """Area codes of a message against the own county."""

    inside: tuple[AreaCode, ...]
    dropped: tuple[str, ...] = field(default=())


def resolve_areas(written: Sequence[str], county: AreaCode, known: Callable[[AreaCode], bool]) -> ResolvedAreas:
    """What a message's area codes mean here (I2; GD/J 082 AreaCode, platform digest 5.11).

    A code that encloses the county means the county; a code outside, unknown or of a wrong length is dropped and named;
    six or nine digits are padded. Codes that another one covers are folded into it. Nothing else widens.
    Raises InvalidAlert when nothing was written at all.
    """
    if not any(code.strip() for code in written):
        raise InvalidAlert("the message names no area; nothing is broadcast without one")
    inside: list[AreaCode] = []
    dropped: list[str] = []
    for code in (code.strip() for code in written):
        try:
            area = AreaCode.parse(code)
        except InvalidCode:
            dropped.append(code)
            continue
        if covers(area, county):
            inside.append(county)
        elif covers(county, area) and known(area):
            inside.append(area)
        else:
            dropped.append(code)
    unique = dict.fromkeys(inside)
    kept = tuple(a for a in unique if not any(b != a and b in unique for b in a.enclosing))
    return ResolvedAreas(kept, tuple(dropped))


# ---- class, level, depth -------------------------------------------------------------------------------------------

SEVERITY_DAILY = 10
SEVERITY_PLATFORM_DRILL = 15
SEVERITY_DRILL_OFFSET = 18  # 21-23 say what MsgType 3-5 say
LEVEL_LEAST = 4
ALARM_LEVEL_LEAST = 2
DRILLS = {
    3: (AlertClass.SYSTEM_DRILL, DrillDepth.PLATFORM),
    4: (AlertClass.SIMULATED_DRILL, DrillDepth.HEADEND),
    5: (AlertClass.REAL_DRILL, DrillDepth.TERMINAL),
}


def classify(ebm_id: EbmId, msg_type: int, severity: int) -> tuple[AlertClass, int, DrillDepth]:
    """Class, level and depth of a message (GD/J 082 MsgType, Severity; legacy severities 10, 15, 21-23).

    Daily is EBMID serial 0000 or severity 10. Severity 0 and anything unknown becomes the least level. Where MsgType
    and severity name two drills, the shallower counts (I5).
    """
    level = severity if 1 <= severity <= LEVEL_LEAST else LEVEL_LEAST
    by_severity = 3 if severity == SEVERITY_PLATFORM_DRILL else severity - SEVERITY_DRILL_OFFSET
    if drills := [mark for mark in (msg_type, by_severity) if mark in DRILLS]:
        class_, depth = DRILLS[min(drills)]
        return class_, level, depth
    if severity == SEVERITY_DAILY or not ebm_id.forced:
        return AlertClass.DAILY, level, DrillDepth.TERMINAL
    return AlertClass.EMERGENCY, level, DrillDepth.TERMINAL


def sounds_alarm(class_: AlertClass, level: int) -> bool:
    """Whether spoken text begins with the siren: emergencies of levels 1 and 2 only, never a drill (I5)."""
    return class_ is AlertClass.EMERGENCY and level <= ALARM_LEVEL_LEAST


def may_replace(new: Alert, old: Alert) -> bool:
    """Whether an update stops the message it names: an emergency gives way to an emergency only, never to a drill or a
    daily programme that came under its name (I4, I5)."""
    return old.class_ is not AlertClass.EMERGENCY or new.class_ is AlertClass.EMERGENCY


# ---- rank (I4) -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """Smaller goes first. The order of classes and of the two middle keys is configuration (GD/J 079 clause 5.10).

    Level before start time: GD/J 086 annex C."""

    class_place: int
    first: int
    second: int
    start: int


@dataclass(frozen=True, slots=True)
class RankRule:
    """`priority` of the configuration: classes from the highest down; whether event or origin level decides first."""

    classes: tuple[AlertClass, ...]
    origin_first: bool = False

    def rank(self, alert: Alert) -> Rank:
        """Where an alert stands among others."""
        levels = (alert.level, alert.origin_level)
        first, second = reversed(levels) if self.origin_first else levels
        last = alert.origin is Origin.TONE  # everything else goes first, whatever the order of classes
        return Rank(len(self.classes) if last else self.classes.index(alert.class_), first, second, alert.window.start)

    def outranks(self, challenger: Alert, running: Alert) -> bool:
        """Whether `challenger` may interrupt `running`: only by class, event level or origin level, never by its start
        time (GD/J 084 clause 6.4 b: equal or lower waits)."""
        mine, theirs = self.rank(challenger), self.rank(running)
        return (mine.class_place, mine.first, mine.second) < (theirs.class_place, theirs.first, theirs.second)
