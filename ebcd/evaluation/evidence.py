"""Evidence that an alert was heard, and when: folded from facts, compressed when the alert is over.

Grades, the weakest first: a terminal answered; it says that it began or played (GD/J 089 0x14, 0x15); its sound was
verified at a head-end's monitor (a copy that its adapter streamed); a person heard it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any

from ebcd import facts
from ebcd.facts import DAEMON, Fact
from ebcd.lifecycle import AlertEvent, DeliveryEvent
from protocols.codes import EbmId

EVIDENCE_BEGAN = "evidence.began"
EVIDENCE_HEARD = "evidence.heard"
EVIDENCE_MONITORED = "evidence.monitored"
BEGAN = "began"
SAME = "same"
HEARD_MAX = 1000
"""People's words kept for one alert; all of them are in the journal."""
ENDS = frozenset({AlertEvent.SUCCEEDED, AlertEvent.FELL_SHORT, AlertEvent.STOPPED})


def evidence_began(alert: EbmId, items: Iterable[tuple[str, float]], at: float) -> Fact:
    """These terminals reported that they sound; each with the moment its report arrived (UTC seconds). Confirmations
    say so themselves where the report came before the answer."""
    return Fact(EVIDENCE_BEGAN, alert, at, DAEMON, {"items": [[code, round(moment, 3)] for code, moment in items]})


def evidence_heard(alert: EbmId, place: str, person: int, heard: bool, note: str, at: float, actor: str) -> Fact:
    """A person at a place heard the alert, or did not. `person`: id of the store's people."""
    return Fact(EVIDENCE_HEARD, alert, at, actor, {"place": place, "person": person, "heard": heard, "note": note})


def evidence_monitored(
    alert: EbmId, head_end: str, same: bool, why: str, figures: Mapping[str, float], at: float
) -> Fact:
    """A copy of what a head-end played was compared with what was ordered; `same`: it is that sound. `figures`: seconds
    heard, level in dB of full scale, likeness from 0 to 1."""
    return Fact(EVIDENCE_MONITORED, alert, at, DAEMON, {"head_end": head_end, "same": same, "why": why, **figures})


@dataclass(frozen=True, slots=True)
class Timing:
    """How long terminals took, in seconds from T0; `within` the limit. All zero where nobody told."""

    count: int = 0
    first: float = 0.0
    median: float = 0.0
    p99: float = 0.0
    last: float = 0.0
    within: int = 0

    @classmethod
    def of(cls, seconds: Iterable[float], limit_s: float) -> Timing:
        """The figures of some durations."""
        ordered = sorted(seconds)
        if not ordered:
            return cls()
        high = quantiles(ordered, n=100, method="inclusive")[98] if len(ordered) > 1 else ordered[0]
        first, middle, high, last = (round(each, 3) for each in (ordered[0], median(ordered), high, ordered[-1]))
        return cls(len(ordered), first, middle, high, last, sum(each <= limit_s for each in ordered))


@dataclass(frozen=True, slots=True)
class Heard:
    """One person's word."""

    place: str
    person: int
    heard: bool
    at: float
    note: str = ""


@dataclass(slots=True)
class Evidence:
    """About one alert. While it is live every terminal's moment is kept (UTC seconds), afterwards their figures."""

    answered_at: dict[str, float] = field(default_factory=dict)
    began_at: dict[str, float] = field(default_factory=dict)
    answered: Timing | None = None
    began: Timing | None = None
    heard: list[Heard] = field(default_factory=list)
    monitored: dict[str, str] = field(default_factory=dict)
    """By head-end: what its monitor carried, "same" once that was proved."""

    def timings(self, t0: float, limit_s: float) -> tuple[Timing, Timing]:
        """Answers and begins of sound."""
        answered = self.answered or Timing.of((at - t0 for at in self.answered_at.values()), limit_s)
        return answered, self.began or Timing.of((at - t0 for at in self.began_at.values()), limit_s)


@dataclass(slots=True)
class EvidenceBook:
    """Evidence by alert."""

    alerts: dict[EbmId, Evidence] = field(default_factory=dict)

    def follow(self, fact: Fact, t0: float, limit_s: float) -> None:
        """Fold one fact of an alert in. `t0`: from when its terminals are counted (UTC seconds)."""
        assert fact.alert is not None
        match fact.kind:
            case facts.RECEIPTS:
                self._receipts(self._of(fact.alert), fact.payload["items"])
            case "evidence.began":
                known = self._of(fact.alert)
                for code, moment in fact.payload["items"] if known.began is None else ():
                    known.began_at.setdefault(code, moment)
            case "evidence.heard":
                p = fact.payload
                heard = self._of(fact.alert).heard
                heard.append(Heard(p["place"], p["person"], p["heard"], fact.at, p["note"]))
                del heard[:-HEARD_MAX]
            case "evidence.monitored":
                monitored, head_end = self._of(fact.alert).monitored, fact.payload["head_end"]
                if monitored.get(head_end) != SAME:
                    monitored[head_end] = fact.payload["why"]
            case facts.ALERT_MOVED if AlertEvent(fact.payload["event"]) in ENDS and fact.alert in self.alerts:
                _close(self.alerts[fact.alert], t0, limit_s)

    def forget(self, kept: Mapping[EbmId, Any]) -> None:
        """Let go of alerts that are in memory no more."""
        for alert in [alert for alert in self.alerts if alert not in kept]:
            del self.alerts[alert]

    def dump(self) -> dict[str, Any]:
        """For checkpoints: plain JSON values."""
        return {alert: asdict(evidence) for alert, evidence in self.alerts.items()}

    @classmethod
    def load(cls, rows: Mapping[str, Mapping[str, Any]]) -> EvidenceBook:
        """The inverse of `dump`."""
        book = cls()
        for alert, row in rows.items():
            book.alerts[EbmId(alert)] = Evidence(
                dict(row["answered_at"]),
                dict(row["began_at"]),
                row["answered"] and Timing(**row["answered"]),
                row["began"] and Timing(**row["began"]),
                [Heard(**heard) for heard in row["heard"]],
                dict(row.get("monitored", {})),
            )
        return book

    def _of(self, alert: EbmId) -> Evidence:
        return self.alerts.setdefault(alert, Evidence())

    def _receipts(self, known: Evidence, items: Iterable[Iterable[Any]]) -> None:
        for code, event, _path, detail, at in items if known.answered is None else ():
            if event in (DeliveryEvent.CONFIRM, DeliveryEvent.PLAY):
                known.answered_at.setdefault(code, at)
            if event == DeliveryEvent.CONFIRM and detail == BEGAN:
                known.began_at.setdefault(code, at)


def _close(known: Evidence, t0: float, limit_s: float) -> None:
    """The alert is over: figures instead of moments, which the journal keeps."""
    known.answered, known.began = known.timings(t0, limit_s)
    known.answered_at, known.began_at = {}, {}
