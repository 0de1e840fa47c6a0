"""What time does to alerts that do not sound, and to the tone that gives way to everything. Pure.

A weekly tone (`ebcd.tone`) is the only message that also waits for others: it begins in no quiet hours and while no
other alert is on air or about to be, and it ends as soon as there is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from ebcd.alert import Alert, Origin
from ebcd.lifecycle import AlertEvent, AlertState
from ebcd.rules import Rules
from ebcd.state import AlertRecord

QUIET, QUIET_OVER, FIRST, FREE = "quiet_hours", "quiet_hours_over", "alert_first", "alerts_over"


def due(record: AlertRecord, live: Iterable[AlertRecord], rules: Rules, now_s: float) -> tuple[AlertEvent, str] | None:
    """The step that an alert takes now, and the slug of why; None where it takes none."""
    alert, state = record.alert, record.state
    if state in (AlertState.PENDING, AlertState.HELD) and now_s >= alert.window.end:
        return AlertEvent.EXPIRED, "expired"
    if state is AlertState.HELD and not why_held(alert, live, rules, now_s):
        return AlertEvent.RELEASE, FREE if record.why == FIRST else QUIET_OVER
    held = state is AlertState.WAITING and alert.window.is_open(now_s)
    if held and (why := why_held(alert, live, rules, now_s)):
        return AlertEvent.HOLD, why
    gives_way = state is AlertState.ON_AIR and alert.origin is Origin.TONE
    if gives_way and (why := why_held(alert, live, rules, now_s)):
        return AlertEvent.CANCEL, why
    return None


def why_held(alert: Alert, live: Iterable[AlertRecord], rules: Rules, now_s: float) -> str:
    """Why it must not begin now, a slug; "" where it may (I14)."""
    if alert.origin is not Origin.TONE:
        return QUIET if rules.quiet.hold(alert, now_s) else ""
    if rules.quiet.are_on(now_s):
        return QUIET
    return FIRST if stands_back(alert, live) else ""


def stands_back(tone: Alert, live: Iterable[AlertRecord]) -> bool:
    """Whether another alert sounds, waits or is to be approved for a time before the tone's end."""
    others = (record.alert for record in live if record.alert.id != tone.id)
    return any(each.origin is not Origin.TONE and each.window.start < tone.window.end for each in others)
