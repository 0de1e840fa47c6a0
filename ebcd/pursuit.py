"""After the orders are out: deadlines, the next path, silence. Decides nothing about an alert as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from devices.link import Path
from devices.ports import Clock
from ebcd.decision import Decision, Offer
from ebcd.facts import Receipt, receipts
from ebcd.ledger import Ledger
from ebcd.lifecycle import AlertState, DeliveryEvent, DeliveryState
from ebcd.orders import Orders, Places
from ebcd.rules import Patience
from ebcd.state import AlertRecord
from ebcd.waves import Due, Wave, Waves
from protocols.codes import EbmId, ResourceCode

NO_ANSWER = "no_answer"
REMOVED = "removed"
"""Why a terminal's turn never came: it left the inventory."""

REFUSALS_MAX = 8192
"""Adapters' refusals remembered; the oldest goes."""

log = structlog.get_logger("ebcd.pursuit")


class Pursuit:
    """Follows up what was sent to terminals."""

    def __init__(self, ledger: Ledger, orders: Orders, places: Places, clock: Clock, patience: Patience) -> None:
        self.waves = Waves()
        self._ledger = ledger
        self._orders = orders
        self._places = places
        self._clock = clock
        self._patience = patience
        self._refusals: dict[tuple[EbmId, ResourceCode], str] = {}

    def adapter_refused(self, ebm_id: EbmId, adapter: ResourceCode, why: str) -> None:
        """An adapter would not take a start: that is why terminals behind it will be silent."""
        self._refusals[ebm_id, adapter] = why
        while len(self._refusals) > REFUSALS_MAX:
            del self._refusals[next(iter(self._refusals))]

    def watch(self, record: AlertRecord, offers: Sequence[Offer]) -> None:
        """Set the deadlines of starts about to be sent."""
        now_s = self._clock.monotonic()
        sent: dict[Path, list[ResourceCode]] = {offer.path: [] for offer in offers}
        for delivery in record.deliveries.values():
            if delivery.state is DeliveryState.SENT and delivery.path in sent:
                sent[delivery.path].append(delivery.code)
        for offer in offers:
            codes = tuple(sent[offer.path])
            if (patience_s := self._patience.fallback.get(offer.path)) is not None:
                self.waves.push(now_s + patience_s, Wave(record.alert.id, Due.FALL_BACK, offer.path, codes))
            self.waves.push(now_s + self._patience.confirm_s, Wave(record.alert.id, Due.GIVE_UP, None, codes))

    def watch_stops(self, record: AlertRecord) -> None:
        """Set the deadline of stops about to be sent."""
        stopping = tuple(d.code for d in record.deliveries.values() if d.state is DeliveryState.STOPPING)
        deadline_s = self._clock.monotonic() + self._patience.stop_s
        self.waves.push(deadline_s, Wave(record.alert.id, Due.STOP_GIVE_UP, None, stopping))

    def watch_again(self, record: AlertRecord) -> None:
        """After a restart: nobody falls over to another path before the others could come back."""
        sent = [d for d in record.deliveries.values() if d.state is DeliveryState.SENT]
        codes, now_s = tuple(d.code for d in sent), self._clock.monotonic()
        for path in {d.path for d in sent if d.path is not None}:
            self.waves.push(now_s + self._patience.settle_s, Wave(record.alert.id, Due.FALL_BACK, path, codes))
        self.waves.push(now_s + self._patience.confirm_s, Wave(record.alert.id, Due.GIVE_UP, None, codes))

    def silence_later(self, record: AlertRecord, delay_s: float) -> None:
        """Repeat on FM that an alert is over, but not before `delay_s`: what is on air now needs the air first."""
        wave = Wave(record.alert.id, Due.SILENCE, Path.FM, ())
        self.waves.push(self._clock.monotonic() + delay_s, wave)

    def due(self, decision: Decision) -> list[AlertRecord]:
        """Act on the deadlines that have come; the alerts whose terminals were given up on."""
        given_up = []
        for wave in self.waves.pop_due(self._clock.monotonic()):
            record = self._ledger.state.alerts.get(wave.alert)
            if record is not None and wave.due is Due.SILENCE:
                self._orders.silence(record, decision)
            elif record is not None and record.live and self._one(wave, record, decision):
                given_up.append(record)
        return given_up

    def _one(self, wave: Wave, record: AlertRecord, decision: Decision) -> bool:
        wanted = DeliveryState.STOPPING if wave.due is Due.STOP_GIVE_UP else DeliveryState.SENT
        late = [
            d.code
            for d in map(record.deliveries.__getitem__, wave.codes)
            if d.state is wanted and (wave.path is None or d.path is wave.path)
        ]
        if wave.due is Due.FALL_BACK:
            self.fall_back(record, late, decision, f"no confirmation over {wave.path} in time")
            return False
        if wave.due is Due.STOP_GIVE_UP:
            self.note(record, late, DeliveryEvent.STOP_TIME_OUT, NO_ANSWER)
            return True
        reasons: dict[str, list[ResourceCode]] = {}
        for code in late:
            reasons.setdefault(self._why_silent(record, code), []).append(code)
        for why, codes in reasons.items():
            self.note(record, codes, DeliveryEvent.TIME_OUT, why)
        return True

    def _why_silent(self, record: AlertRecord, code: ResourceCode) -> str:
        adapter = self._places.adapter_of(code)
        if record.deliveries[code].path is not Path.ADAPTER or adapter is None:
            return NO_ANSWER
        return self._refusals.get((record.alert.id, adapter), NO_ANSWER)

    def fall_back(self, record: AlertRecord, codes: Sequence[ResourceCode], decision: Decision, why: str) -> None:
        """Send `codes` over the next path each of them has left; those without one go on waiting."""
        if record.state is not AlertState.ON_AIR or not record.alert.window.is_open(self._clock.wall()):
            return
        groups: dict[Path, list[ResourceCode]] = {}
        for code in codes:
            delivery = record.deliveries[code]
            if self._places.place_of(code) not in record.holds:
                continue  # a higher one sounds there now
            left = [p for p in delivery.paths if p not in delivery.tried and self._orders.is_live(code, p)]
            if left:
                groups.setdefault(left[0], []).append(code)
        before = len(decision.offers)
        for path, group in groups.items():
            log.info("delivery.fallback", alert=record.alert.id, path=path, terminals=len(group), why=why)
            self._orders.send(record, path, group, record.holds, decision, self._clock.wall())
        self.watch(record, decision.offers[before:])

    def drop_queued(self, record: AlertRecord, why: str) -> None:
        """Of a cancelled alert: terminals that were never sent anything need no stop."""
        queued = [d.code for d in record.deliveries.values() if d.state is DeliveryState.QUEUED]
        self.note(record, queued, DeliveryEvent.STOP, why)

    def drop_departed(self, record: AlertRecord) -> None:
        """Terminals that left the inventory before they were sent anything will not be sent anything."""
        gone = [
            d.code
            for d in record.deliveries.values()
            if d.state is DeliveryState.QUEUED and self._places.place_of(d.code) is None
        ]
        self.note(record, gone, DeliveryEvent.TIME_OUT, REMOVED)

    def give_up(self, record: AlertRecord, state: DeliveryState, event: DeliveryEvent) -> None:
        """The window is over: whoever is still in `state` will not answer any more."""
        late = [d.code for d in record.deliveries.values() if d.state is state]
        self.note(record, late, event, "window_over")

    def note(self, record: AlertRecord, codes: Sequence[ResourceCode], event: DeliveryEvent, why: str) -> None:
        """The same news about several terminals."""
        now_s = self._clock.wall()
        if codes:
            items = [Receipt(code, event, None, why, now_s) for code in codes]
            self._ledger.enter(receipts(record.alert.id, items, now_s))
