"""Alarms as values: what was seen, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class AlarmKind(StrEnum):
    """What an alarm is about."""

    ONLINE_COUNTY = "online_county"  # fewer terminals online than the configured share
    ONLINE_TOWN = "online_town"  # the same of one town
    CERTIFICATE = "certificate"  # it ends within so many days, or has ended
    LINK = "link"  # one of our own links is down
    PEER = "peer"  # a platform above does not answer
    APPROVAL = "approval"  # an alert waits for somebody to approve it
    HANDOVER = "handover"  # nobody has taken the shift over
    MODEM = "modem"  # no SMS goes out or comes in
    ROSTER_GAP = "roster_gap"  # nobody is planned for duty, soon or now
    DUTY_ABSENT = "duty_absent"  # somebody is planned and has not taken the shift


Key = tuple[AlarmKind, str, int]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing that is wrong now. `subject`: a code, name or id; `stage`: days left of a certificate, else 0;
    `detail`: a figure for people, which may change while the alarm stands."""

    kind: AlarmKind
    subject: str
    name: str = ""
    detail: str = ""
    stage: int = 0

    @property
    def key(self) -> Key:
        """What makes two sightings the same alarm."""
        return self.kind, self.subject, self.stage


@dataclass(slots=True)
class Alarm:
    """One alarm. Times are UTC seconds, 0.0 where it has not come so far."""

    id: str
    kind: AlarmKind
    subject: str
    name: str
    detail: str
    stage: int
    raised_at: float
    acknowledged_by: str = ""
    acknowledged_at: float = 0.0
    escalated_at: float = 0.0
    cleared_at: float = 0.0
    told: list[str] = field(default_factory=list)  # "told sms", "untold email: ..."

    @property
    def key(self) -> Key:
        """What it answers."""
        return self.kind, self.subject, self.stage
