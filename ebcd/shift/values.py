"""A shift as values: entries, open matters, handovers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MatterKind(StrEnum):
    """What the next person on duty has to know of; in this order."""

    ALERT_ON_AIR = "alert_on_air"
    ALERT_PENDING = "alert_pending"  # waits for approval
    ALERT_HELD = "alert_held"  # waits for the end of quiet hours
    ALERT_WAITING = "alert_waiting"  # waits for its window, or behind a higher one
    PREEMPTED = "preempted"  # on air, with places lost to a higher one
    ALARM = "alarm"
    LINK = "link"
    PEER = "peer"
    HEAD_END = "head_end"
    SWITCHED_OFF = "switched_off"  # an amplifier: no alert sounds there
    ORDER_OVERDUE = "order_overdue"
    ORDER = "order"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Matter:
    """One open matter. `subject`: an id, code or name; `detail`: a state, a figure, a reason; `since`: UTC seconds, 0
    where nobody knows. Of an alarm also its `kind_of`, what it is `about`, and its stage."""

    kind: MatterKind
    subject: str
    name: str = ""
    detail: str = ""
    since: int = 0
    kind_of: str = ""
    about: str = ""
    stage: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person wrote down. `person`: somebody it is about, as id of the store's people, 0 for nobody."""

    at: float
    actor: str
    words: str
    person: int = 0


@dataclass(slots=True)
class Handover:
    """From one person to the next. Times are UTC seconds, 0.0 where it has not come so far; `left_out`: open matters
    beyond those listed. `replaced`: the one on duty handed over anew, to this or another person."""

    number: int
    by: str
    to: str
    at: float
    words: str
    matters: tuple[Matter, ...]
    left_out: int = 0
    taken_at: float = 0.0
    overdue_at: float = 0.0
    replaced: bool = False

    @property
    def waits(self) -> bool:
        """Whether it waits for the one who takes over."""
        return not self.taken_at and not self.replaced
