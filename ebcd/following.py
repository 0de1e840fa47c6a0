"""What links tell, turned into receipts, new paths and repeated starts.

Events arrive one by one and are acted on in batches, at the daemon's own pace: a batch is what came in during
`BATCH_S`. Every terminal's news is one receipt; silence never is (I8).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

import structlog

from devices.link import (
    Answered,
    AskState,
    Began,
    Connected,
    DeviceState,
    Disconnected,
    Ended,
    Event,
    Fault,
    Heartbeat,
    LinkDown,
    LinkUp,
    NoAnswer,
    Path,
    Played,
    Refusal,
    Refused,
    Rejected,
    Sent,
    StateTold,
    Verb,
)
from devices.maintenance import Stranger
from ebcd.core import Core
from ebcd.decision import Decision, Offer
from ebcd.facts import Receipt, receipts
from ebcd.lifecycle import AlertState, DeliveryEvent, DeliveryState, next_delivery_state
from ebcd.orders import ASKED_STATES
from ebcd.reach import Reach
from ebcd.state import AlertRecord, Delivery
from protocols.codes import EbmId, ResourceCode

EVENTS_WAITING_MAX = 200_000
"""Events of one turn of the loop. Beyond it heartbeats are left out and counted; answers never are."""

BATCH_S = 0.005
"""How long events gather. Thousands of terminals answer within a tenth of a second; one journal row for each of them
would cost more than all the rest."""

RESULT_OK = 0

SILENT_STATES = frozenset({DeliveryState.PLAYED, DeliveryState.CANCELLED})
"""What a terminal has said it no longer plays."""

log = structlog.get_logger("ebcd.following")

Observer = Callable[[Event, Path], None]
"""Health and metrics see every event too."""


class Following:
    """Takes the events of all links; `paths` maps a link's name to its path."""

    def __init__(self, core: Core, reach: Reach, paths: Mapping[str, Path], observers: tuple[Observer, ...]) -> None:
        self._core = core
        self._reach = reach
        self._paths = paths
        self._observers = observers
        self._waiting: deque[Event] = deque()
        self._news = asyncio.Event()
        self._fresh: set[ResourceCode] = set()  # connected, state not heard since
        self._receipts: dict[EbmId, list[Receipt]] = {}
        self._idle: dict[tuple[EbmId, Path], dict[ResourceCode, None]] = {}  # to be started, if nothing else is heard
        self._turned_away: dict[tuple[EbmId, Path, str], list[ResourceCode]] = {}  # starts that a link would not send
        self._current: list[AlertRecord] | None = None  # of this batch: live, or with an open window
        self.left_out = 0
        core.unsent = self._unsent
        core.follow = self.run

    def observed_by(self, observer: Observer) -> None:
        """Add one who sees every event from now on."""
        self._observers = (*self._observers, observer)

    def take(self, event: Event) -> None:
        """The sink of every link: returns at once."""
        if len(self._waiting) >= EVENTS_WAITING_MAX and isinstance(event, Heartbeat | Stranger):
            self.left_out += 1
            return
        self._waiting.append(event)
        self._news.set()

    async def run(self) -> None:
        """Act on what comes in, batch by batch, until cancelled."""
        while True:
            await self._news.wait()
            await asyncio.sleep(BATCH_S)
            self._news.clear()
            self.process()

    def process(self) -> None:
        """Act on everything that has come in."""
        decision = Decision()
        self._current = None
        while self._waiting:
            event = self._waiting.popleft()
            path = self._paths[event.link]
            self._one(event, path, decision)
            for observe in self._observers:
                observe(event, path)
        self._turn_elsewhere(decision)
        self._flush(decision)
        self._start_idle(decision)
        self._core.act(decision)

    def _one(self, event: Event, path: Path, decision: Decision) -> None:
        match event:
            case Heartbeat(code=code, state=state):  # the most frequent by far
                self._spoke(code, path)
                if code in self._fresh:
                    self._fresh.discard(code)
                    self._state_told(code, path, state, None, decision)
            case Answered():
                self._answered(event, path, decision)
            case Began(code=code, ebm_id=ebm_id):
                self._receipt(ebm_id, code, DeliveryEvent.CONFIRM, path, "began")
            case Played(code=code, ebm_id=ebm_id, success=success, text=text):
                played = DeliveryEvent.PLAY if success else DeliveryEvent.FAIL
                self._receipt(ebm_id, code, played, path, text or "result")
            case Ended(code=code, ebm_id=ebm_id):
                self._receipt(ebm_id, code, DeliveryEvent.STOP_CONFIRM, path, "ended")
            case NoAnswer():
                self._no_answer(event, path, decision)
            case Refused(code=code, ebm_id=ebm_id, verb=Verb.START, why=why):
                self._turned_away.setdefault((ebm_id, path, why.value), []).append(code)
            case Sent(ebm_id=ebm_id, verb=verb) if self._carries(event.link):
                self._on_air_without_return(ebm_id, verb, path)
            case StateTold(code=code, state=state, ebm_ids=ebm_ids):
                self._spoke(code, path)
                self._state_told(code, path, state, ebm_ids, decision)
            case Connected(code=code):
                self._reach.connected(code, path)
                self._fresh.add(code)
                if path is Path.MQTT and self._owes(code):  # its next heartbeat may be a period away
                    decision.offers.append(Offer(path, AskState((code,))))
            case Disconnected(code=code):
                self._reach.disconnected(code, path)
            case LinkUp(link=link):
                if self._carries(link):
                    self._reach.link_up(link, path)
                log.info("link.up", link=link)
            case LinkDown(link=link, reason=reason):
                if self._carries(link):
                    self._reach.link_down(link, path)
                log.warning("link.down", link=link, reason=reason)
            case Refused() | Sent() | Fault() | Rejected():
                pass  # the observers' business

    def _carries(self, link: str) -> bool:
        """Whether a link brings orders to terminals; one that only tells people about an alert says nothing of them."""
        return all(announcer.name != link for announcer in self._core.announcers)

    # ---- receipts ----------------------------------------------------------------------------------------------

    def _receipt(self, ebm_id: EbmId, code: ResourceCode, event: DeliveryEvent, path: Path, detail: str) -> None:
        """Keep news about one terminal if it changes anything. An unknown message or a terminal that was not planned
        changes nothing; the observers have seen it."""
        record = self._core.state.alerts.get(ebm_id)
        delivery = record and record.deliveries.get(code)
        if not record or not delivery or next_delivery_state(delivery.state, event) is None:
            return
        used = path if path in delivery.tried or not delivery.tried else delivery.path
        item = Receipt(code, event, used, detail, self._core.clock.wall())
        self._receipts.setdefault(ebm_id, []).append(item)

    def _flush(self, decision: Decision) -> None:
        batch, self._receipts = self._receipts, {}
        for ebm_id, items in batch.items():
            record = self._core.state.alerts[ebm_id]
            confirmed = [(i.code, i.path) for i in items if i.event is DeliveryEvent.CONFIRM and i.path]
            fact = receipts(ebm_id, items, self._core.clock.wall())
            self._core.ledger.enter(fact, on_durable=partial(self._journaled, ebm_id, confirmed))
            self._core.settle(record, decision)

    def _journaled(self, ebm_id: EbmId, confirmed: list[tuple[ResourceCode, Path]]) -> None:
        if confirmed and (trace := self._core.traces.of(ebm_id)):
            trace.confirm(confirmed, self._core.clock.monotonic())

    def _answered(self, event: Answered, path: Path, decision: Decision) -> None:
        self._spoke(event.code, path)
        record = self._core.state.alerts.get(event.ebm_id)
        if record is None or event.code not in record.deliveries:  # an adapter: confirms only itself
            if event.verb is Verb.START and (trace := self._core.traces.of(event.ebm_id)):
                trace.adapter(event.code, self._core.clock.monotonic())
            if event.result != RESULT_OK and event.verb is Verb.START:
                self._adapter_failed(event.code, event.ebm_id, decision, f"adapter refused: {event.text}")
            return
        if event.verb is Verb.STOP:
            if event.result == RESULT_OK:
                self._receipt(event.ebm_id, event.code, DeliveryEvent.STOP_CONFIRM, path, "stopped")
        elif event.result == RESULT_OK:
            self._receipt(event.ebm_id, event.code, DeliveryEvent.CONFIRM, path, "answered")
        else:
            detail = f"{event.result} {event.text}".strip()
            self._receipt(event.ebm_id, event.code, DeliveryEvent.REFUSE, path, detail)

    def _no_answer(self, event: NoAnswer, path: Path, decision: Decision) -> None:
        record = self._core.state.alerts.get(event.ebm_id)
        if record is None or event.verb is not Verb.START:
            return
        if path is Path.ADAPTER and event.code not in record.deliveries:
            self._reach.adapter_silent(event.code)
            if trace := self._core.traces.of(event.ebm_id):
                trace.adapter(event.code, None)
            self._adapter_failed(event.code, event.ebm_id, decision, event.reason)
            return
        if self._is_sent(record, event.code, path):
            self._core.pursuit.fall_back(record, [event.code], decision, event.reason)

    def _turn_elsewhere(self, decision: Decision) -> None:
        """What a link would not send goes over the next path, and is refused by name where there is none."""
        turned, self._turned_away = self._turned_away, {}
        for (ebm_id, path, why), codes in turned.items():
            if (record := self._core.state.alerts.get(ebm_id)) is None:
                continue
            waiting = [code for code in codes if self._is_sent(record, code, path)]
            self._core.pursuit.fall_back(record, waiting, decision, why)
            refused = [code for code in waiting if self._is_sent(record, code, path)]
            for code in refused:
                self._receipt(ebm_id, code, DeliveryEvent.REFUSE, path, why)
            if refused:
                log.warning("delivery.refused", alert=ebm_id, path=path, why=why, terminals=len(refused))

    def _is_sent(self, record: AlertRecord, code: ResourceCode, path: Path) -> bool:
        delivery = record.deliveries.get(code)
        return delivery is not None and delivery.state is DeliveryState.SENT and delivery.path is path

    def _adapter_failed(self, adapter: ResourceCode, ebm_id: EbmId, decision: Decision, why: str) -> None:
        record = self._core.state.alerts.get(ebm_id)
        if record is not None:
            self._core.pursuit.fall_back(record, self._behind(adapter, record, {DeliveryState.SENT}), decision, why)

    def _behind(
        self, adapter: ResourceCode, record: AlertRecord, states: frozenset[DeliveryState] | set[DeliveryState]
    ) -> list[ResourceCode]:
        return [
            d.code
            for d in record.deliveries.values()
            if d.state in states and d.path is Path.ADAPTER and self._core.places.adapter_of(d.code) == adapter
        ]

    def _on_air_without_return(self, ebm_id: EbmId, verb: Verb, path: Path) -> None:
        record = self._core.state.alerts.get(ebm_id)
        answered = DeliveryState.SENT if verb is Verb.START else DeliveryState.STOPPING
        for delivery in record.deliveries.values() if record else ():
            if delivery.path is path and delivery.state is answered:
                self._receipt(ebm_id, delivery.code, DeliveryEvent.NO_RETURN, path, "sent")

    def _unsent(self, offer: Offer, reason: str) -> None:
        log.error("orders.unsent", path=offer.path, reason=reason, members=len(offer.command.members))

    # ---- who came back -----------------------------------------------------------------------------------------

    def _spoke(self, code: ResourceCode, path: Path) -> None:
        if path is Path.ADAPTER:
            self._reach.adapter_spoke(code)

    def _alerts_now(self) -> list[AlertRecord]:
        """Those that are live or whose window is open, looked up once a batch: a county that comes back asks for each
        terminal, and the daemon remembers thousands of alerts."""
        if self._current is None:
            now_s, records = self._core.clock.wall(), self._core.state.alerts.values()
            self._current = [r for r in records if r.live or r.alert.window.is_open(now_s)]
        return self._current

    def _owes(self, code: ResourceCode) -> bool:
        """Whether a live alert has something open at this terminal."""
        deliveries = (r.deliveries.get(code) for r in self._alerts_now() if r.live)
        return any(d is not None and d.state in ASKED_STATES | {DeliveryState.STOPPING} for d in deliveries)

    def _state_told(
        self,
        code: ResourceCode,
        path: Path,
        state: DeviceState,
        ebm_ids: tuple[EbmId, ...] | None,
        decision: Decision,
    ) -> None:
        """A device says what it does: after a reconnection, a restart or a pre-emption (I7, I10)."""
        now_s = self._core.clock.wall()
        for record in self._alerts_now():
            if not record.alert.window.is_open(now_s):
                continue
            if record.state is AlertState.ON_AIR:
                if ebm_ids is not None and code not in record.deliveries:
                    self._adapter_told(code, record, ebm_ids, decision)
                elif delivery := record.deliveries.get(code):
                    self._terminal_told(record, delivery, path, state, ebm_ids)
            elif record.state in (AlertState.CANCELLING, AlertState.CANCELLED):
                self._stop_if_owed(record, code, path, state, decision)

    def _terminal_told(
        self,
        record: AlertRecord,
        delivery: Delivery,
        path: Path,
        state: DeviceState,
        ebm_ids: tuple[EbmId, ...] | None,
    ) -> None:
        """`ebm_ids`: what it says is on air; a terminal that is busy with nothing of ours confirms nothing (I8)."""
        place = self._core.places.place_of(delivery.code)
        if place not in record.holds or not self._may_still_begin(delivery, path):
            return
        ours = record.alert.id in ebm_ids if ebm_ids is not None else self._alone_in(record, delivery)
        if state is DeviceState.WORKING and ours:
            self._receipt(record.alert.id, delivery.code, DeliveryEvent.CONFIRM, path, "found working")
        elif state is DeviceState.IDLE and path in delivery.paths:
            self._idle.setdefault((record.alert.id, path), {})[delivery.code] = None

    def _may_still_begin(self, delivery: Delivery, path: Path) -> bool:
        """Nothing final was heard of it; or a link would not send, and this path was not tried."""
        if delivery.state is DeliveryState.REFUSED:
            return delivery.detail in set(Refusal) and path not in delivery.tried
        return delivery.state in ASKED_STATES | {DeliveryState.UNCONFIRMED}

    def _start_idle(self, decision: Decision) -> None:
        """One frame for all that were found idle together: after a restart a whole county comes back within seconds."""
        found, self._idle = self._idle, {}
        for (ebm_id, path), codes in found.items():
            record = self._core.state.alerts[ebm_id]
            if wanted := [code for code in codes if self._may_start(record, record.deliveries[code], path)]:
                before = len(decision.offers)
                self._core.orders.send(record, path, wanted, record.holds, decision, self._core.clock.wall())
                self._core.pursuit.watch(record, decision.offers[before:])

    def _may_start(self, record: AlertRecord, delivery: Delivery, path: Path) -> bool:
        """An alert on air at a terminal that has not begun; one that has is started again only where the alert was
        interrupted (I7)."""
        place = self._core.places.place_of(delivery.code)
        if record.state is not AlertState.ON_AIR or place not in record.holds:
            return False
        if delivery.state is DeliveryState.CONFIRMED:
            return place in record.regained
        return self._may_still_begin(delivery, path)

    def _alone_in(self, record: AlertRecord, delivery: Delivery) -> bool:
        """Whether no other alert could be what the terminal is playing: a live one, or one whose stop it may have
        missed (I8)."""
        deliveries = (r.deliveries.get(delivery.code) for r in self._alerts_now() if r is not record)
        return not any(d is not None and d.tried and d.state not in SILENT_STATES for d in deliveries)

    def _adapter_told(
        self, adapter: ResourceCode, record: AlertRecord, playing: tuple[EbmId, ...], decision: Decision
    ) -> None:
        if record.alert.id in playing:
            return
        states = {DeliveryState.SENT, DeliveryState.TIMED_OUT}
        behind = self._behind(adapter, record, states)
        if codes := [code for code in behind if self._core.places.place_of(code) in record.holds]:
            self._core.orders.send(record, Path.ADAPTER, codes, record.holds, decision, self._core.clock.wall())

    def _stop_if_owed(
        self, record: AlertRecord, code: ResourceCode, path: Path, state: DeviceState, decision: Decision
    ) -> None:
        """A terminal that was cut off while its message was cancelled is stopped when it is back (I12)."""
        delivery = record.deliveries.get(code)
        owed = (DeliveryState.STOPPING, DeliveryState.TIMED_OUT, DeliveryState.UNCONFIRMED)
        if delivery and delivery.tried and delivery.state in owed and state is not DeviceState.IDLE:
            decision.offers.append(Offer(path, self._core.orders.stop_command(record, (code,))))
