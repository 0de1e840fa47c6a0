"""All alarms of a county: what the journal's `alarm.` facts add up to, and the only place that changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ebcd.alarms.values import Alarm, AlarmKind, Key, Sighting
from ebcd.facts import DAEMON, Fact

ALARM_RAISED = "alarm.raised"
ALARM_ACKNOWLEDGED = "alarm.acknowledged"
ALARM_CLEARED = "alarm.cleared"
ALARM_NOTED = "alarm.noted"
ESCALATED = "escalated"
PAST_ALARMS_MAX = 1000
"""Alarms that are over and stay in memory and in checkpoints; older ones are found in the journal only."""
TOLD_MAX = 50


def alarm_raised(number: str, seen: Sighting, at: float) -> Fact:
    """An alarm stands from now on."""
    payload = {
        "id": number,
        "kind": seen.kind,
        "subject": seen.subject,
        "name": seen.name,
        "detail": seen.detail,
        "stage": seen.stage,
    }
    return Fact(ALARM_RAISED, None, at, DAEMON, payload)


def alarm_acknowledged(number: str, at: float, actor: str) -> Fact:
    """A person has seen it and sees to it."""
    return Fact(ALARM_ACKNOWLEDGED, None, at, actor, {"id": number})


def alarm_cleared(number: str, at: float) -> Fact:
    """What it was about is over."""
    return Fact(ALARM_CLEARED, None, at, DAEMON, {"id": number})


def alarm_noted(number: str, what: str, at: float) -> Fact:
    """Somebody was told of it, could not be told, or it went on to others ("escalated")."""
    return Fact(ALARM_NOTED, None, at, DAEMON, {"id": number, "what": what})


@dataclass(slots=True)
class AlarmBook:
    """Alarms by id, oldest first. `standing` finds the one that answers a sighting."""

    alarms: dict[str, Alarm] = field(default_factory=dict)
    standing: dict[Key, str] = field(default_factory=dict)

    def open(self) -> list[Alarm]:
        """Those that stand, oldest first."""
        return [self.alarms[number] for number in self.standing.values()]

    def apply(self, fact: Fact) -> None:
        """Fold one fact in."""
        p = fact.payload
        if fact.kind == ALARM_RAISED:
            kind = AlarmKind(p["kind"])
            alarm = Alarm(p["id"], kind, p["subject"], p["name"], p["detail"], p["stage"], fact.at)
            self.alarms[alarm.id] = alarm
            self.standing[alarm.key] = alarm.id
            return
        found = self.alarms.get(p["id"])
        if found is None:
            return  # over long ago and forgotten
        match fact.kind:
            case "alarm.acknowledged":
                found.acknowledged_by, found.acknowledged_at = fact.actor, fact.at
            case "alarm.cleared":
                found.cleared_at = fact.at
                self.standing.pop(found.key, None)
            case "alarm.noted":
                if p["what"] == ESCALATED:
                    found.escalated_at = fact.at
                found.told.append(p["what"])
                del found.told[:-TOLD_MAX]

    def forget_old(self) -> int:
        """Let go of the oldest alarms that are over, beyond `PAST_ALARMS_MAX`; how many those were."""
        past = [number for number, alarm in self.alarms.items() if alarm.cleared_at]
        forgotten = past[:-PAST_ALARMS_MAX]
        for number in forgotten:
            del self.alarms[number]
        return len(forgotten)

    def dump(self) -> list[dict[str, Any]]:
        """For checkpoints: plain JSON values."""
        return [asdict(alarm) for alarm in self.alarms.values()]

    @classmethod
    def load(cls, rows: Any) -> AlarmBook:
        """The inverse of `dump`."""
        book = cls()
        for row in rows:
            values: Mapping[str, Any] = {**row, "kind": AlarmKind(row["kind"]), "told": list(row["told"])}
            alarm = Alarm(**values)
            book.alarms[alarm.id] = alarm
            if not alarm.cleared_at:
                book.standing[alarm.key] = alarm.id
        return book
