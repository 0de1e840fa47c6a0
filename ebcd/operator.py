"""What the people of the control room may ask of the daemon, and what they are told.

`Operations` is the door between the operator API and the core: the daemon implements it, tests put a fake behind it.
Values are frozen; times are UTC seconds since 1970, durations seconds. Words for states, paths and outcomes are those
of the core (`devices.link.Path`, the lifecycle tables); the catalogue turns them into sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from ebcd.alert import DrillDepth
from ebcd.proofs import AlertProofs

if TYPE_CHECKING:
    from ebcd.warning_preview import WarningPreview

# ---- who asks ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind an act. Two actors are the same person when their names are equal, however they came in."""

    name: str
    via: str  # "token" or "uid": how the name was proved


# ---- refusals ------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """Why an operation was refused, as coarsely as HTTP needs it."""

    INVALID = "invalid"  # the request itself cannot be carried out as written
    UNKNOWN_ACTOR = "unknown_actor"  # nobody we know is asking
    FORBIDDEN = "forbidden"  # known, but not theirs to do (I1, I15)
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  # legal in another state
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"  # the daemon cannot do it now


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal: which thing, which value it had, what the limit or choice is, what to do next.

    `code` is a stable slug ("own_approval", "no_such_alert"); the catalogue holds its sentence under
    `problem.<code>`. `next` may be empty: the sentence `problem.<code>.next` stands for it then.
    """

    kind: Kind
    code: str
    thing: str
    value: str = ""
    limit: str = ""
    next: str = ""


class OperationRefused(Exception):
    """An operation was refused and changed nothing."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.thing} {problem.value}".rstrip())
        self.problem = problem


# ---- an alert on its way in ----------------------------------------------------------------------------------------


class Category(StrEnum):
    """What kind of message an operator writes."""

    EMERGENCY = "emergency"  # class 4
    DAILY = "daily"  # class 5
    DRILL = "drill"  # classes 1-3 by depth


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A sound file that comes with a draft. `content` is the whole file; the core proves that it is what it claims."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert as an operator writes it. The core checks the rest (areas, window, sound) and refuses by `Problem`."""

    level: int  # 1 most severe ... 4
    areas: tuple[str, ...]  # 6, 9 or 12 digit codes, or names of the inventory
    title: str
    text: str
    duration_s: int
    category: Category = Category.EMERGENCY
    drill_depth: DrillDepth = DrillDepth.TERMINAL
    start: int | None = None  # None: as soon as it is approved
    event_type: str = "60100"  # urgent announcement (GD/J 082 table C.1)
    audio: AudioFile | None = None  # None: the text is spoken
    only: tuple[str, ...] = ()  # resource codes inside the areas: these terminals and no others
    volume: int | None = None  # percent; None: as the configuration says


@dataclass(frozen=True, slots=True)
class AreaName:
    """An area by code and by the name people know."""

    code: str
    name: str
    terminals: int = 0


@dataclass(frozen=True, slots=True)
class DroppedArea:
    """An area that will not be served, and the slug of why ("unknown", "outside", "uncovered")."""

    area: str
    reason: str


@dataclass(frozen=True, slots=True)
class PathTarget:
    """How many terminals are first reached over a path (`devices.link.Path`)."""

    path: str
    terminals: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would do if it were approved now."""

    areas: tuple[AreaName, ...]
    dropped: tuple[DroppedArea, ...]
    targeted: int
    by_path: tuple[PathTarget, ...]
    uncovered: int  # terminals in the areas that no live path reaches
    volume: int  # 0-100, 255: each device's own setting
    start: int
    end: int
    sound_s: float  # one run of the audio or of the spoken text; it repeats until `end`
    approvals: int  # people other than the author who must approve
    behind: tuple[str, ...] = ()  # EBM ids on air now that outrank it somewhere: it waits there


# ---- what happened to it -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """Terminals of one alert, each counted once; `played` is a part of `confirmed` (I13)."""

    targeted: int = 0
    confirmed: int = 0
    played: int = 0
    refused: int = 0
    timed_out: int = 0
    unconfirmed: int = 0
    cancelled: int = 0
    pending: int = 0

    @property
    def adds_up(self) -> bool:
        """I13: every targeted terminal has exactly one outcome or is still pending."""
        outcomes = self.confirmed + self.refused + self.timed_out + self.unconfirmed + self.cancelled + self.pending
        return outcomes == self.targeted and self.played <= self.confirmed


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One line of `ebcd alerts`."""

    ebm_id: str
    state: str  # a state of the lifecycle table
    category: Category
    level: int
    title: str
    origin: str  # resource code of the platform above, or the author's name
    start: int
    end: int
    counts: Counts
    approvals: int = 0  # given so far
    approvals_needed: int = 0
    note: str = ""  # slug of what it waits for or why it ended, "" for nothing to say


@dataclass(frozen=True, slots=True)
class PathCounts:
    """Counts of the terminals that were decided on one path."""

    path: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class TownProgress:
    """Counts of one town, and the same by path."""

    code: str
    name: str
    counts: Counts
    by_path: tuple[PathCounts, ...]


@dataclass(frozen=True, slots=True)
class FailedTerminal:
    """A terminal that did not do as ordered, by name."""

    code: str
    name: str
    town: str
    path: str
    outcome: str  # "refused", "timed_out" or "unconfirmed"
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One approval, rejection or cancel."""

    actor: str
    verdict: str  # "approved", "rejected", "cancelled"
    at: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """Everything `ebcd show` tells."""

    row: AlertRow
    text: str
    event_type: str
    volume: int
    areas: tuple[AreaName, ...]
    dropped: tuple[DroppedArea, ...]
    decisions: tuple[Decision, ...]
    by_path: tuple[PathCounts, ...]
    by_town: tuple[TownProgress, ...]
    failures: tuple[FailedTerminal, ...]  # at most the core's limit; `failures_total` tells how many there are
    failures_total: int
    reported: tuple[int, ...] = ()  # BrdStateCodes sent to the platform above, in order
    times: dict[str, Any] = field(default_factory=dict)  # seconds since T0 (`ebcd.trace.figures`); memory only
    warning: str = ""  # identifier of the warning that it was made of
    proofs: AlertProofs = field(default_factory=AlertProofs)
    durable: bool = True  # False: the disk is behind, and a crash now could take back part of what this tells


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts. `state` "" takes every state; newest first."""

    state: str = ""
    rows_max: int = 50


@dataclass(frozen=True, slots=True)
class TerminalFilter:
    """Which terminals. "" takes everything; `town` is a code or a name."""

    state: str = ""
    town: str = ""
    path: str = ""
    rows_max: int = 200


@dataclass(frozen=True, slots=True)
class TerminalRow:
    """One line of `ebcd terminals`."""

    code: str
    name: str
    town: str
    state: str  # "online", "offline" or "fault"
    paths: tuple[str, ...]
    live_paths: tuple[str, ...]
    last_heard: int | None  # None: never
    playing: str = ""  # EBM id, "" for nothing
    note: str = ""


@dataclass(frozen=True, slots=True)
class TerminalPage:
    """The first rows that match and how many match altogether."""

    rows: tuple[TerminalRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One line of `ebcd links`: a configured link, or a platform above us (type "upstream")."""

    name: str
    type: str
    path: str
    up: bool
    reason: str
    devices: int
    outbox_depth: int
    outbox_limit: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Status:
    """The daemon at a glance."""

    version: str
    platform_code: str
    platform_name: str
    now: int
    started: int
    alerts: dict[str, int]  # by lifecycle state
    terminals: dict[str, int]  # by "online", "offline", "fault"
    invariant_violations: int


# ---- the door ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload of the configuration did."""

    changed: tuple[str, ...]  # keys that took effect
    certificates: int  # usable ones on file now
    devices: int = 0  # of the inventory that are new, changed or gone


class Operations(Protocol):
    """What the daemon does for its operators. Every method may raise `OperationRefused`; none blocks the loop. What has
    returned is durable: an act that was answered survives a kill -9 (I10)."""

    async def preview(self, draft: Draft, actor: Actor) -> Preview:
        """What the draft would do; changes nothing."""

    async def send(self, draft: Draft, actor: Actor) -> AlertRow:
        """Take a draft in. It sounds only after the approvals that its category and level need (I1)."""

    async def approve(self, ebm_id: str, actor: Actor) -> AlertRow:
        """Approve an alert. The author's own approval is refused."""

    async def reject(self, ebm_id: str, actor: Actor, reason: str) -> AlertRow:
        """Turn down an alert that waits for approval."""

    async def cancel(self, ebm_id: str, actor: Actor) -> tuple[AlertRow, ...]:
        """Stop an alert wherever it is, in every live state (I12); "all" stops everything. Returns what was stopped."""

    async def preview_warning(self, xml: bytes, actor: Actor) -> WarningPreview:
        """What a warning of another authority (CAP 1.2, GB/T 35965.1) would do; changes nothing."""

    async def submit_warning(self, xml: bytes, actor: Actor) -> tuple[AlertRow, ...]:
        """Take a warning in: alerts that wait for approval (I1), or for a cancel what it stopped. A warning that came
        before is answered with what it became and starts nothing."""

    async def alerts(self, wanted: AlertFilter) -> tuple[AlertRow, ...]:
        """Alerts, newest first."""

    async def show(self, ebm_id: str) -> AlertDetail:
        """One alert in full."""

    async def terminals(self, wanted: TerminalFilter) -> TerminalPage:
        """Terminals by code."""

    async def links(self) -> tuple[LinkRow, ...]:
        """Links in the order of the configuration, platforms above last."""

    async def reload(self, actor: Actor) -> Reloaded:
        """Read the configuration again; all of what changed takes effect, or it is refused with every reason."""

    async def status(self) -> Status:
        """The daemon at a glance."""
