"""What must always hold, checked on every fact as it enters. The same checker serves the daemon and the tests.

A violation ends nothing by itself: it is counted (`ebcd_invariant_violations_total`), logged as an error and shown:
a control room must go on. The tests and the demo fail on the first one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ebcd import facts
from ebcd.alert import TONE_VOLUME_MAX, AlertClass, DrillDepth, Origin
from ebcd.facts import Fact
from ebcd.gate import stands_back
from ebcd.lifecycle import CONFIRMED_STATES, AlertEvent, AlertState, DeliveryEvent, DeliveryState
from ebcd.orders import Places
from ebcd.rules import Rules
from ebcd.state import AlertRecord, CountyState
from protocols.codes import AreaCode, EbmId, ResourceCode, covers


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise. `invariant` is its id in the design."""

    invariant: str
    alert: str
    detail: str


class Checker:
    """A watcher of the ledger. O(what the fact touches)."""

    def __init__(self, places: Places, rules: Rules, broken: Callable[[Violation], None]) -> None:
        self._places = places
        self._rules = rules
        self._broken = broken
        self._needed: dict[EbmId, int] = {}
        """Approvals that the rules asked for when an alert had them all, until it starts: the rules may change."""

        self.found = 0

    def use(self, rules: Rules) -> None:
        """Judge by other rules from now on."""
        self._rules = rules

    def __call__(self, fact: Fact, state: CountyState) -> None:
        """Look at one fact after it was applied."""
        record = state.alerts.get(fact.alert) if fact.alert else None
        if record is None:
            return
        match fact.kind:
            case facts.ALERT_ACCEPTED if record.state is AlertState.WAITING and record.alert.origin in WRITTEN_HERE:
                self._needed[record.alert.id] = self._rules.approvals.needed(record.alert)
            case facts.ALERT_MOVED:
                self._moved(fact, record)
                if record.alert.origin is Origin.TONE and fact.payload["event"] == AlertEvent.START:
                    self._tone(fact, record, state)
            case facts.PLACES_CHANGED:
                self._places_changed(fact, record, state)
            case facts.ORDERS_SENT if fact.payload["verb"] == DeliveryEvent.SEND:
                self._sent(fact, record)
        if fact.kind in (facts.PLAN_MADE, facts.ORDERS_SENT, facts.RECEIPTS):
            self._counts(record)

    def _fail(self, invariant: str, record: AlertRecord, detail: str) -> None:
        self.found += 1
        self._broken(Violation(invariant, record.alert.id, detail))

    def _moved(self, fact: Fact, record: AlertRecord) -> None:
        event, alert = AlertEvent(fact.payload["event"]), record.alert
        if event is AlertEvent.APPROVED:
            self._approved(record)
            return
        needed = self._needed.pop(alert.id, None)
        if event is AlertEvent.START:
            self._may_sound(record, self._rules.approvals.needed(alert) if needed is None else needed)
            if not alert.window.is_open(fact.at):
                self._fail("I3", record, f"started at {fact.at}, outside {alert.window}")
            if alert.depth is not DrillDepth.TERMINAL:
                self._fail("I5", record, f"a drill of depth {alert.depth} went on air")
            if self._rules.quiet.hold(alert, fact.at):
                self._fail("I14", record, "daily content from above began in quiet hours")
        if event is AlertEvent.SUCCEEDED and alert.depth is DrillDepth.TERMINAL:
            states = Counter(d.state for d in record.deliveries.values())
            confirmed = sum(states[s] for s in CONFIRMED_STATES)
            if not states.total() or confirmed / states.total() < self._rules.success_ratio:
                self._fail("I8", record, f"called a success with {confirmed} of {states.total()} confirmed")

    def _tone(self, fact: Fact, record: AlertRecord, state: CountyState) -> None:
        """The weekly tone is a drill, low, by day, and behind everything else."""
        alert = record.alert
        if alert.class_ is not AlertClass.REAL_DRILL or alert.volume is None or alert.volume > TONE_VOLUME_MAX:
            self._fail("I5", record, f"a tone of class {int(alert.class_)} at volume {alert.volume}")
        if self._rules.quiet.are_on(fact.at):
            self._fail("I14", record, "a tone began in quiet hours")
        if stands_back(alert, state.live_alerts()):
            self._fail("I4", record, "a tone began beside another alert")

    def _may_sound(self, record: AlertRecord, needed: int) -> None:
        alert = record.alert
        if alert.origin is Origin.UPSTREAM:
            if alert.ebd_id is None or alert.peer is None:
                self._fail("I1", record, "an alert from above without the package that carried its signature")
            return
        others = set(record.approvals) - {alert.author}
        if len(others) < needed:
            self._fail("I1", record, f"started with the approvals of {sorted(others)}")

    def _approved(self, record: AlertRecord) -> None:
        others, needed = set(record.approvals) - {record.alert.author}, self._rules.approvals.needed(record.alert)
        if len(others) < needed:
            self._fail("I1", record, f"called approved with the approvals of {sorted(others)}")
        self._needed[record.alert.id] = needed

    def _places_changed(self, fact: Fact, record: AlertRecord, state: CountyState) -> None:
        gained = {AreaCode(a) for a in fact.payload["gained"]}
        for place in gained:
            if not any(covers(area, place) for area in record.alert.areas):
                self._fail("I2", record, f"{place} lies in no area of the alert")
        for other in state.live_alerts():
            if other is record or not (shared := gained & other.holds):
                continue
            if other.alert.window.is_open(fact.at):
                self._fail("I4", record, f"{other.alert.id} still holds {len(shared)} of the places it was given")

    def _sent(self, fact: Fact, record: AlertRecord) -> None:
        alert = record.alert
        if fact.at >= alert.window.end:
            self._fail("I3", record, f"sent at {fact.at}, after its end {alert.window.end}")
        if record.state is not AlertState.ON_AIR:
            self._fail("I12", record, f"sent while {record.state}")
        inside: dict[AreaCode, bool] = {}  # there are twenty terminals at a place
        for code in fact.payload["codes"]:
            place = self._places.place_of(ResourceCode(code))
            if place is not None and place not in inside:
                inside[place] = any(covers(area, place) for area in alert.areas)
            if place is None or not inside[place] or not alert.means(ResourceCode(code)):
                self._fail("I2", record, f"{code} lies in no area of the alert")
            elif place not in record.holds:
                self._fail("I4", record, f"{code} was sent to while {place} belongs to another alert")
            elif self._begins_twice(record, ResourceCode(code), place):
                self._fail("I7", record, f"{code} had begun and was started again")

    def _begins_twice(self, record: AlertRecord, code: ResourceCode, place: AreaCode) -> bool:
        return record.deliveries[code].state in CONFIRMED_STATES and place not in record.regained

    def _counts(self, record: AlertRecord) -> None:
        counts = record.counts()
        parts = sum(counts[name] for name in OUTCOMES)
        if parts != counts["targeted"] or counts["targeted"] != len(record.deliveries) or _any_negative(record):
            self._fail("I13", record, f"counts do not add up: {counts} for {len(record.deliveries)} terminals")


WRITTEN_HERE = (Origin.OPERATOR, Origin.TONE)
OUTCOMES = ("confirmed", "refused", "timed_out", "unconfirmed", "cancelled", "pending")


def _any_negative(record: AlertRecord) -> bool:
    return any(record.tally[state] < 0 for state in DeliveryState)


def recount(records: Iterable[AlertRecord]) -> list[Violation]:
    """Compare every tally with a count over its deliveries; for the tests and for `ebcd doctor`. Settled ones have
    nothing left to count."""
    wrong = []
    for record in (each for each in records if each.remains is None):
        counted = Counter(d.state for d in record.deliveries.values())
        if +counted != +record.tally:
            wrong.append(Violation("I13", record.alert.id, f"tally {dict(record.tally)} is not {dict(counted)}"))
    return wrong
