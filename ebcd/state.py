"""The live state of the county: what the journal's facts add up to. The only place that changes it is `apply`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from devices.link import Path
from ebcd import facts
from ebcd.alarms.book import AlarmBook
from ebcd.alert import Alert, AlertClass
from ebcd.archive.history import DeviceBook
from ebcd.evaluation.evidence import EvidenceBook
from ebcd.evaluation.sounded import SoundBook
from ebcd.facts import Fact
from ebcd.lifecycle import (
    ALERT_FINAL,
    CONFIRMED_STATES,
    PENDING_STATES,
    AlertEvent,
    AlertState,
    DeliveryEvent,
    DeliveryState,
    next_alert_state,
    next_delivery_state,
)
from ebcd.shift.book import ShiftBook
from ebcd.workorders.book import WorkBook
from protocols.codes import AreaCode, EbdId, EbmId, ResourceCode

DECISIONS = {AlertEvent.REJECTED: "rejected", AlertEvent.CANCEL: "cancelled"}
"""Steps of the table that a person or a platform took."""
CANCELLED_WARNINGS_MAX = 1000
"""Remembered that were cancelled before they came."""


@dataclass(slots=True)
class Delivery:
    """One alert's way to one terminal."""

    code: ResourceCode
    paths: tuple[Path, ...]
    state: DeliveryState = DeliveryState.QUEUED
    path: Path | None = None  # the one in use, or the one that decided
    tried: tuple[Path, ...] = ()
    sent_at: float = 0.0
    decided_at: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Remains:
    """What documents for the platforms need of an alert's deliveries: per head-end those confirmed through it, pending
    there and all that were tried through it; and how many were tried over FM."""

    by_adapter: tuple[tuple[ResourceCode, int, int, int], ...] = ()
    over_fm: int = 0


@dataclass(slots=True)
class AlertRecord:
    """Everything known about one alert. `tally` always equals a count over `deliveries` (I13), until it is settled."""

    alert: Alert
    state: AlertState
    why: str = ""
    approvals: list[str] = field(default_factory=list)
    decisions: list[tuple[str, str, float, str]] = field(default_factory=list)  # who, what, when (UTC seconds), why
    deliveries: dict[ResourceCode, Delivery] = field(default_factory=dict)
    tally: Counter[DeliveryState] = field(default_factory=Counter)
    uncovered: tuple[AreaCode, ...] = ()
    holds: set[AreaCode] = field(default_factory=set)
    started: set[AreaCode] = field(default_factory=set)  # places that were ever given to it
    regained: set[AreaCode] = field(default_factory=set)  # lost to a higher one and given back
    told: list[int] = field(default_factory=list)
    moved_at: float = 0.0
    started_at: float = 0.0
    remains: Remains | None = None
    """Over for so long that its single deliveries are in the journal only; this and `tally` stay."""
    written: bytes | None = field(default=None, repr=False, compare=False)
    """As a checkpoint holds it, until the next fact about it."""

    def settle(self, remains: Remains) -> None:
        """Let go of the single deliveries."""
        self.deliveries, self.remains, self.written = {}, remains, None

    @property
    def live(self) -> bool:
        """Whether anything can still happen to it."""
        return self.state not in ALERT_FINAL

    def counts(self) -> dict[str, int]:
        """The outcome words of the design: each terminal once; `played` is a part of `confirmed` (I13)."""
        return count_outcomes(self.tally)

    def set_state(self, delivery: Delivery, state: DeliveryState) -> None:
        """Move one delivery and keep the tally true."""
        self.tally[delivery.state] -= 1
        delivery.state = state
        self.tally[state] += 1


def count_outcomes(tally: Counter[DeliveryState]) -> dict[str, int]:
    """Delivery states as the seven outcome words plus `played`."""
    return {
        "targeted": tally.total(),
        "confirmed": sum(tally[s] for s in CONFIRMED_STATES),
        "played": tally[DeliveryState.PLAYED],
        "refused": tally[DeliveryState.REFUSED],
        "timed_out": tally[DeliveryState.TIMED_OUT],
        "unconfirmed": tally[DeliveryState.UNCONFIRMED],
        "cancelled": tally[DeliveryState.CANCELLED],
        "pending": sum(tally[s] for s in PENDING_STATES),
    }


@dataclass(slots=True)
class CountyState:
    """All alerts of one county by EBM id, packages that are answered for but not yet taken over, work orders, the
    history of devices, alarms, the shift's log, and when terminals
    last sounded."""

    alerts: dict[EbmId, AlertRecord] = field(default_factory=dict)
    open_packages: dict[EbdId, str] = field(default_factory=dict)
    work: WorkBook = field(default_factory=WorkBook)
    devices: DeviceBook = field(default_factory=DeviceBook)
    evidence: EvidenceBook = field(default_factory=EvidenceBook)
    serials_lost: dict[str, int] = field(default_factory=dict)
    """By day (YYYYMMDD): own EBM serials up to this one may have been used by a life that no backup knows."""
    alarms: AlarmBook = field(default_factory=AlarmBook)
    shift: ShiftBook = field(default_factory=ShiftBook)
    sounded: SoundBook = field(default_factory=SoundBook)
    cancelled_warnings: dict[str, str] = field(default_factory=dict)
    """Warnings of others that were cancelled before they came, and by which; the newest `CANCELLED_WARNINGS_MAX`."""

    def live_alerts(self) -> list[AlertRecord]:
        """Those that something can still happen to."""
        return [record for record in self.alerts.values() if record.live]

    def of_warning(self, identifier: str) -> list[AlertRecord]:
        """What was made of a warning; in the order of arrival."""
        return [record for record in self.alerts.values() if record.alert.warning == identifier]

    def replaced_by(self, alert: Alert) -> list[AlertRecord]:
        """The live alerts whose place it takes."""
        return [
            record
            for record in self.live_alerts()
            if (record.alert.id == alert.replaces or record.alert.warning in alert.supersedes)
            and record.state is not AlertState.CANCELLING
            and record.alert.id != alert.id
        ]

    def apply(self, fact: Fact) -> None:
        """Fold one fact in. Raises ForbiddenTransition where a state table forbids it: the fact was wrong to write."""
        match fact.kind:
            case facts.PACKAGE_RECEIVED:
                self.open_packages[EbdId(fact.payload["ebd_id"])] = fact.payload["file"]
            case facts.PACKAGE_HANDLED:
                self.open_packages.pop(EbdId(fact.payload["ebd_id"]), None)
            case facts.ALERT_ACCEPTED:
                alert = Alert.from_json(fact.payload["alert"])
                state = AlertState(fact.payload["state"])
                self.alerts[alert.id] = AlertRecord(alert, state, fact.payload["why"], moved_at=fact.at)
            case kind if kind.startswith("order."):
                self.work.apply(fact)
            case kind if kind.startswith(("inventory.", "device.", "change.", "whitelist.", "fm.")):
                self.devices.apply(fact)
            case kind if kind.startswith("alarm."):
                self.alarms.apply(fact)
            case kind if kind.startswith("shift."):
                self.shift.apply(fact)
            case facts.JOURNAL_RESTORED:
                self.serials_lost = {fact.payload["day"]: fact.payload["serial"]}
            case facts.WARNING_CANCELLED:
                known = self.cancelled_warnings | dict.fromkeys(fact.payload["names"], fact.payload["by"])
                self.cancelled_warnings = dict(list(known.items())[-CANCELLED_WARNINGS_MAX:])
            case _ if fact.alert is not None:
                record = self.alerts[fact.alert]
                self._apply_to(record, fact)
                self.evidence.follow(fact, t0_of(record), limit_of(record))
                self.sounded.follow(fact)

    def _apply_to(self, record: AlertRecord, fact: Fact) -> None:
        record.written = None
        match fact.kind:
            case facts.ALERT_MOVED:
                event = AlertEvent(fact.payload["event"])
                record.state = next_alert_state(record.state, event)
                record.why, record.moved_at = fact.payload["why"], fact.at
                if event in DECISIONS:
                    record.decisions.append((fact.actor, DECISIONS[event], fact.at, record.why))
                if event is AlertEvent.START:
                    record.started_at = fact.at
            case facts.APPROVAL_GIVEN:
                record.approvals.append(fact.actor)
                record.decisions.append((fact.actor, "approved", fact.at, ""))
            case facts.PLAN_MADE:
                _apply_plan(record, fact.payload)
            case facts.PLACES_CHANGED:
                gained = {AreaCode(a) for a in fact.payload["gained"]}
                record.holds |= gained
                record.regained |= gained & record.started
                record.started |= gained
                record.holds -= {AreaCode(a) for a in fact.payload["lost"]}
            case facts.ORDERS_SENT:
                _apply_orders(record, fact)
            case facts.RECEIPTS:
                for code, event, path, detail, at in fact.payload["items"]:
                    _apply_receipt(record, ResourceCode(code), DeliveryEvent(event), path and Path(path), detail, at)
            case facts.UPSTREAM_TOLD:
                record.told.append(fact.payload["code"])


LIMIT_LEVEL_1_S, LIMIT_S = 10.0, 30.0
"""From complete reception to the network: level I, and everything else (GD/J 088 table 1)."""


def t0_of(record: AlertRecord) -> float:
    """From when an alert's terminals are counted (UTC seconds): the last byte of its package or its last approval, or
    its ordered start where that is later."""
    approved = max((at for _, what, at, _ in record.decisions if what == "approved"), default=0.0)
    return max(record.alert.received_at, approved, float(record.alert.window.start))


def limit_of(record: AlertRecord) -> float:
    """How soon it must be answered, in seconds."""
    urgent = record.alert.class_ is AlertClass.EMERGENCY and record.alert.level == 1
    return LIMIT_LEVEL_1_S if urgent else LIMIT_S


def _apply_plan(record: AlertRecord, payload: Any) -> None:
    ways: dict[tuple[str, ...], tuple[Path, ...]] = {}  # a county has some twenty
    for code, written in payload["legs"]:
        key = tuple(written)
        if (paths := ways.get(key)) is None:
            paths = ways[key] = tuple(Path(p) for p in key)
        known = record.deliveries.get(code)
        if known is None:
            delivery = Delivery(ResourceCode(code), paths)
            record.deliveries[delivery.code] = delivery
            record.tally[DeliveryState.QUEUED] += 1
        else:
            known.paths = paths
    record.uncovered = tuple(AreaCode(a) for a in payload["uncovered"])


def _apply_orders(record: AlertRecord, fact: Fact) -> None:
    path, verb = Path(fact.payload["path"]), DeliveryEvent(fact.payload["verb"])
    for code in fact.payload["codes"]:
        delivery = record.deliveries[code]
        target = next_delivery_state(delivery.state, verb)
        if target is None:
            continue
        record.set_state(delivery, target)
        if verb is DeliveryEvent.SEND:
            delivery.path = path
            delivery.tried = (*delivery.tried, path)
        delivery.sent_at = fact.at


def _apply_receipt(
    record: AlertRecord, code: ResourceCode, event: DeliveryEvent, path: Path | None, detail: str, at: float
) -> None:
    delivery = record.deliveries[code]
    target = next_delivery_state(delivery.state, event)
    if target is None:
        return
    record.set_state(delivery, target)
    delivery.detail, delivery.decided_at = detail, at
    if path is not None:
        delivery.path = path
