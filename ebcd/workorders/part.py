"""The running part: looks at health and at finished alerts, keeps the orders true, tells crews what concerns them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection

import structlog

from devices.ports import Clock
from ebcd.alert import AlertClass, Origin
from ebcd.facts import ALERT_MOVED, RECEIPTS, Fact
from ebcd.health import Change, HealthBook
from ebcd.lifecycle import AlertEvent, DeliveryEvent
from ebcd.state import CountyState
from ebcd.workorders.book import ORDER_MOVED, ORDER_NOTED, ORDER_OPENED, ORDER_RECAST
from ebcd.workorders.cause import findings
from ebcd.workorders.desk import ESCALATED, Desk
from ebcd.workorders.missed import missed_receipts
from ebcd.workorders.sites import Sites
from ebcd.workorders.unheard import belies, complaint_of, proved_by
from protocols.codes import EbmId, ResourceCode

LOOK_S = 5.0
"""Changes gather so long, so that what fell silent together is seen together."""
RECONCILE_S = 60.0
"""So often causes are looked for though no device has changed: cards expire, and a storm ends in silence."""
HEARD = frozenset({AlertClass.EMERGENCY, AlertClass.DAILY})
"""Drills are for people and prove nothing; the weekly tone is one for the devices."""
HEARD_MAX = 10_000
"""Places and head-ends whose last proof of sound is kept."""
ENDS = frozenset({AlertEvent.SUCCEEDED, AlertEvent.FELL_SHORT})
CONFIRMS = frozenset({DeliveryEvent.CONFIRM, DeliveryEvent.PLAY})

log = structlog.get_logger("ebcd.orders")


class Confirmations:
    """When each device last confirmed an alert, UTC seconds: the proof of one that lives and had missed a message."""

    def __init__(self, devices: Callable[[], Collection[str]]) -> None:
        """`devices`: codes of those that are in the inventory now; others are forgotten."""
        self._devices = devices
        self._at: dict[str, float] = {}
        self._heard: OrderedDict[str, float] = OrderedDict()  # places and head-ends whose sound was proved

    def __len__(self) -> int:
        return len(self._at)

    def of(self, code: str) -> float:
        """0.0 for one that has not confirmed since the start; of a place or head-end, when its sound was heard."""
        return max(self._at.get(code, 0.0), self._heard.get(code, 0.0))

    def watch(self, fact: Fact, _state: CountyState) -> None:
        """A watcher of the ledger."""
        if fact.kind == RECEIPTS:
            items = fact.payload["items"]
            self._at.update({code: at for code, event, _path, _detail, at in items if event in CONFIRMS})
            if len(self._at) > len(devices := self._devices()):
                self._at = {code: at for code, at in self._at.items() if code in devices}
        elif (where := proved_by(fact)) is not None:
            self._heard[where] = fact.at
            self._heard.move_to_end(where)
            if len(self._heard) > HEARD_MAX:
                self._heard.popitem(last=False)


class WorkPart:
    """Drives one desk."""

    def __init__(
        self,
        desk: Desk,
        health: HealthBook,
        sites: Sites,
        state: CountyState,
        adapter_of: Callable[[ResourceCode], ResourceCode | None],
        clock: Clock,
    ) -> None:
        self.desk = desk
        self._health = health
        self._sites = sites
        self._state = state
        self._adapter_of = adapter_of
        self._clock = clock
        self._changed = True
        self._reconciled_s = 0.0
        self._ended: list[EbmId] = []
        self._unheard: list[Fact] = []
        health.on_change(self._note)

    def resite(self, sites: Sites) -> None:
        """The inventory has changed."""
        self._sites = sites
        self._changed = True

    def _note(self, _change: Change) -> None:
        self._changed = True

    def watch(self, fact: Fact, _state: CountyState) -> None:
        """A watcher of the ledger: alerts that are over may have been missed by devices that live."""
        if fact.kind == ALERT_MOVED and fact.alert is not None and fact.payload["event"] in ENDS:
            self._ended.append(fact.alert)
        elif belies(fact):
            self._unheard.append(fact)
        elif fact.kind == ORDER_OPENED:
            log.warning("order.opened", **_said(fact))
        elif fact.kind == ORDER_MOVED:
            log.info("order.moved", actor=fact.actor, **_said(fact))
        elif fact.kind == ORDER_RECAST:
            log.info("order.recast", **_said(fact))
        elif fact.kind == ORDER_NOTED and fact.payload["what"] == ESCALATED:
            log.error("order.overdue", **_said(fact))

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Once."""
        now, now_s = self._clock.wall(), self._clock.monotonic()
        if self._changed or now_s - self._reconciled_s >= RECONCILE_S:
            self._changed, self._reconciled_s = False, now_s
            self.desk.reconcile(findings(self._health, self._sites, now), now)
        self.desk.look(now)  # first: a common cause that has just been disproved covers nobody any more
        ended, self._ended = self._ended, []
        for alert in ended:
            record = self._state.alerts.get(alert)
            if record is not None and (record.alert.class_ in HEARD or record.alert.origin is Origin.TONE):
                self.desk.missed(missed_receipts(record, self._health.of, self._adapter_of), now)
        unheard, self._unheard = self._unheard, []
        for fact in unheard:
            record = self._state.alerts.get(fact.alert) if fact.alert else None
            if (found := complaint_of(fact, record)) is not None:
                self.desk.complain(found, now, fact.actor)


def _said(fact: Fact) -> dict[str, object]:
    """What a line of the log tells of an order's fact."""
    names = ("trouble", "root", "area", "crew", "why", "note")
    told: dict[str, object] = {name: fact.payload[name] for name in names if fact.payload.get(name)}
    if step := fact.payload.get("event"):
        told["step"] = step  # `event` is the log's own
    return {"order": fact.payload["id"], **told}
