"""The parts of the configuration that the core decides by, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

from devices.link import Path
from ebcd.alert import Alert, AlertClass, Origin, RankRule
from ebcd.lifecycle import AlertState

BEIJING = timezone(timedelta(hours=8), "UTC+8")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When daily content from above is held (I14), Beijing time. Equal ends: never."""

    start: time
    end: time

    def are_on(self, now_s: float) -> bool:
        """Whether `now_s` (UTC seconds) lies inside; the end is excluded."""
        now = datetime.fromtimestamp(now_s, BEIJING).time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def hold(self, alert: Alert, now_s: float) -> bool:
        """Whether `alert` must wait: daily content that came from above."""
        return alert.class_ is AlertClass.DAILY and alert.origin is Origin.UPSTREAM and self.are_on(now_s)


@dataclass(frozen=True, slots=True)
class Approvals:
    """How many people other than the author must approve what an operator wrote (I1)."""

    by_level: Mapping[int, int]
    daily: int
    drill: int
    tone: int = 1

    def needed(self, alert: Alert) -> int:
        """0 for what carries a valid signature from above."""
        if alert.origin is Origin.UPSTREAM:
            return 0
        if alert.origin is Origin.TONE:
            return self.tone
        if alert.class_ is AlertClass.DAILY:
            return self.daily
        return self.by_level[alert.level] if alert.class_ is AlertClass.EMERGENCY else self.drill


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the core waits for devices; all in seconds."""

    fallback: Mapping[Path, float]  # unconfirmed after this: the next path
    confirm_s: float = 30.0  # unconfirmed after this, counted from the first order: TIMED_OUT
    stop_s: float = 10.0  # a stop without an answer after this: TIMED_OUT
    result_s: float = 5.0  # after the window's end: results may still come
    settle_s: float = 10.0  # after a restart: terminals come back before anything falls over to another path


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything together."""

    rank: RankRule
    quiet: QuietHours
    approvals: Approvals
    patience: Patience
    success_ratio: float = 0.7  # confirmed / targeted from which an alert counts as played (BrdStateCode 3)

    def first_state(self, alert: Alert, now_s: float) -> tuple[AlertState, str]:
        """Where an alert begins, and the slug of why; what is over is dropped (GD/J 086 clause 9.1)."""
        if not alert.areas:
            return AlertState.DROPPED, "no_area_of_ours"
        if now_s >= alert.window.end:
            return AlertState.DROPPED, "expired"
        if self.approvals.needed(alert):
            return AlertState.PENDING, "needs_approval"
        if self.quiet.hold(alert, now_s):
            return AlertState.HELD, "quiet_hours"
        return AlertState.WAITING, ""
