"""What the journal says happened. Each kind has one constructor here and one branch in `state.CountyState.apply`,
unless it changes nothing that is alive (`settings.changed`).

A fact is written once, hash-chained and never changed; the live state is what the facts add up to, so a restart reads
them again and stands where it stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.link import Path
from ebcd.alert import Alert
from ebcd.lifecycle import AlertEvent, AlertState, DeliveryEvent
from ebcd.planner import Plan
from protocols.codes import AreaCode, EbdId, EbmId, ResourceCode

PACKAGE_RECEIVED = "package.received"
PACKAGE_HANDLED = "package.handled"
ALERT_ACCEPTED = "alert.accepted"
ALERT_MOVED = "alert.moved"
APPROVAL_GIVEN = "approval.given"
PLAN_MADE = "plan.made"
PLACES_CHANGED = "places.changed"
ORDERS_SENT = "orders.sent"
RECEIPTS = "receipts"
UPSTREAM_TOLD = "upstream.told"
JOURNAL_RESTORED = "journal.restored"
SETTINGS_CHANGED = "settings.changed"
WARNING_CANCELLED = "warning.cancelled"

DAEMON = "daemon"
"""The actor of what nobody ordered by hand."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `at`: UTC seconds. `payload` holds plain JSON values only."""

    kind: str
    alert: EbmId | None
    at: float
    actor: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One terminal's news. `detail`: the result code, the device's own words, or how it was learned."""

    code: ResourceCode
    event: DeliveryEvent
    path: Path | None
    detail: str
    at: float


def package_received(ebd_id: EbdId, ebm_id: EbmId | None, file: str, at: float, actor: str) -> Fact:
    """A package is on disk and answered with code 1; what it asks for is still to be done."""
    return Fact(PACKAGE_RECEIVED, ebm_id, at, actor, {"ebd_id": ebd_id, "file": file})


def package_handled(ebd_id: EbdId, ebm_id: EbmId | None, at: float, why: str = "") -> Fact:
    """What the package asked for has been taken over; a restart need not look at it again."""
    return Fact(PACKAGE_HANDLED, ebm_id, at, DAEMON, {"ebd_id": ebd_id, "why": why})


def alert_accepted(alert: Alert, state: AlertState, at: float, actor: str, why: str = "") -> Fact:
    """An alert exists from now on, in `state`; `why` where that is not plain."""
    return Fact(ALERT_ACCEPTED, alert.id, at, actor, {"alert": alert.to_json(), "state": state, "why": why})


def alert_moved(alert: EbmId, event: AlertEvent, at: float, actor: str = DAEMON, why: str = "") -> Fact:
    """The alert took one step of its table."""
    return Fact(ALERT_MOVED, alert, at, actor, {"event": event, "why": why})


def approval_given(alert: EbmId, at: float, actor: str) -> Fact:
    """One person other than the author approved the alert as it is (I1, I9)."""
    return Fact(APPROVAL_GIVEN, alert, at, actor)


def plan_made(alert: EbmId, plan: Plan, at: float) -> Fact:
    """Paths of terminals that have not been sent anything yet; replaces what an earlier plan said about them."""
    legs = [[leg.code, list(leg.paths)] for leg in plan.legs]
    return Fact(PLAN_MADE, alert, at, DAEMON, {"legs": legs, "uncovered": list(plan.uncovered)})


def places_changed(alert: EbmId, gained: Iterable[AreaCode], lost: Iterable[AreaCode], at: float) -> Fact:
    """Where the alert may sound from now on, and where a higher one took over."""
    return Fact(PLACES_CHANGED, alert, at, DAEMON, {"gained": sorted(gained), "lost": sorted(lost)})


def orders_sent(alert: EbmId, verb: DeliveryEvent, path: Path, codes: Sequence[ResourceCode], at: float) -> Fact:
    """Written before the first byte leaves: these terminals are about to be started or stopped over `path` (I10)."""
    return Fact(ORDERS_SENT, alert, at, DAEMON, {"verb": verb, "path": path, "codes": list(codes)})


def receipts(alert: EbmId, items: Sequence[Receipt], at: float) -> Fact:
    """A batch of news about terminals."""
    rows = [[r.code, r.event, r.path, r.detail, round(r.at, 3)] for r in items]
    return Fact(RECEIPTS, alert, at, DAEMON, {"items": rows})


def upstream_told(alert: EbmId, code: int, ebd_id: EbdId, at: float) -> Fact:
    """A state feedback (EBMStateResponse) with this BrdStateCode is in the outbox."""
    return Fact(UPSTREAM_TOLD, alert, at, DAEMON, {"code": code, "ebd_id": ebd_id})


def journal_restored(backup: str, made_at: float, day: str, serial: int, at: float, actor: str) -> Fact:
    """The journal was brought back from a backup: what happened between `made_at` and `at` is not in it. Own EBM ids of
    `day` (YYYYMMDD, Beijing) up to `serial` may have been given out in between."""
    return Fact(JOURNAL_RESTORED, None, at, actor, {"backup": backup, "made_at": made_at, "day": day, "serial": serial})


def settings_changed(keys: Sequence[str], sm3: str, at: float, actor: str) -> Fact:
    """The configuration was read again while the daemon worked; `sm3` is that of its file."""
    return Fact(SETTINGS_CHANGED, None, at, actor, {"keys": list(keys), "sm3": sm3})


def warning_cancelled(by: str, names: Sequence[str], at: float, actor: str) -> Fact:
    """A warning of another authority was cancelled that had not come here: it must not sound if it comes later."""
    return Fact(WARNING_CANCELLED, None, at, actor, {"by": by, "names": list(names)})
