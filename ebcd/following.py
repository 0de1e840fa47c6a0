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
    Began,
    Connected,
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
from ebcd.lifecycle import DeliveryEvent, DeliveryState, next_delivery_state
from ebcd.reach import Reach
from ebcd.returning import Returning, behind
from ebcd.state import AlertRecord
from protocols.codes import EbmId, ResourceCode

EVENTS_WAITING_MAX = 200_000
"""Events of one turn of the loop. Beyond it heartbeats are left out and counted; answers never are."""

BATCH_S = 0.005
"""How long events gather. Thousands of terminals answer within a tenth of a second; one journal row for each of them
would cost more than all the rest."""

RESULT_OK = 0

COMPLAINTS = frozenset({DeliveryEvent.REFUSE, DeliveryEvent.FAIL})

log = structlog.get_logger("ebcd.following")
REFUSAL_CHARACTERS_MAX = 200
"""Of an adapter's own words, what is kept with each terminal behind it."""

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
        self._receipts: dict[EbmId, list[Receipt]] = {}
        self._returning = Returning(core, self._receipt)
        self._unheard: dict[tuple[EbmId, Path, str], list[ResourceCode]] = {}  # starts without an answer
        self._turned_away: dict[tuple[EbmId, Path, str], list[ResourceCode]] = {}  # starts that a link would not send
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
        self._returning.begin()
        while self._waiting:
            event = self._waiting.popleft()
            path = self._paths[event.link]
            self._one(event, path, decision)
            for observe in self._observers:
                observe(event, path)
        self._turn_elsewhere(decision)
        self._flush(decision)
        self._returning.start(decision)
        self._core.act(decision)

    def _one(self, event: Event, path: Path, decision: Decision) -> None:
        match event:
            case Heartbeat(code=code, state=state):  # the most frequent by far
                self._spoke(code, path)
                self._returning.beat(code, path, state, decision)
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
                self._returning.told(code, path, state, ebm_ids, decision)
            case Connected(code=code):
                self._reach.connected(code, path)
                self._returning.connected(code, path, decision)
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
        if (
            event in COMPLAINTS
            and delivery.state is DeliveryState.SENT
            and path in delivery.tried
            and path is not delivery.path
        ):
            return  # said again of an earlier path; it has been told over another one since
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
            self._try_elsewhere(record, [i.code for i in items if i.event is DeliveryEvent.FAIL], decision)
            self._core.settle(record, decision)

    def _try_elsewhere(self, record: AlertRecord, failed: list[ResourceCode], decision: Decision) -> None:
        """Who took the order and could not play it, with no way to the sound perhaps, is told over its next path
        while there is time. One that refused the order itself would refuse it there as well."""
        silent = [code for code in failed if record.deliveries[code].state is DeliveryState.REFUSED]
        self._core.pursuit.fall_back(record, silent, decision, "it could not play")

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
                why = f"adapter {event.result} {event.text[:REFUSAL_CHARACTERS_MAX]}".strip()
                log.warning(
                    "adapter.refused", alert=event.ebm_id, adapter=event.code, code=event.result, text=event.text
                )
                self._core.pursuit.adapter_refused(event.ebm_id, event.code, why)
                self._adapter_failed(event.code, event.ebm_id, decision, why)
            return
        if event.verb is Verb.STOP:
            if event.result == RESULT_OK:
                self._receipt(event.ebm_id, event.code, DeliveryEvent.STOP_CONFIRM, path, "stopped")
        elif event.result == RESULT_OK:
            self._receipt(event.ebm_id, event.code, DeliveryEvent.CONFIRM, path, "answered")
        else:
            self._returning.refused(event.code, event.result)
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
        self._unheard.setdefault((event.ebm_id, path, event.reason), []).append(event.code)

    def _turn_elsewhere(self, decision: Decision) -> None:
        """What brought no answer goes over the next path; what a link would not send does so too, and is refused by
        name where there is none. Together: links tell it terminal by terminal."""
        unheard, self._unheard = self._unheard, {}
        for (ebm_id, path, why), codes in unheard.items():
            known = self._core.state.alerts[ebm_id]
            silent = [code for code in codes if self._is_sent(known, code, path)]
            self._core.pursuit.fall_back(known, silent, decision, why)
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
            self._core.pursuit.fall_back(
                record, behind(self._core, adapter, record, {DeliveryState.SENT}), decision, why
            )

    def _on_air_without_return(self, ebm_id: EbmId, verb: Verb, path: Path) -> None:
        record = self._core.state.alerts.get(ebm_id)
        answered = DeliveryState.SENT if verb is Verb.START else DeliveryState.STOPPING
        for delivery in record.deliveries.values() if record else ():
            if delivery.path is path and delivery.state is answered:
                self._receipt(ebm_id, delivery.code, DeliveryEvent.NO_RETURN, path, "sent")

    def _unsent(self, offer: Offer, reason: str) -> None:
        log.error("orders.unsent", path=offer.path, reason=reason, members=len(offer.command.members))

    def _spoke(self, code: ResourceCode, path: Path) -> None:
        if path is Path.ADAPTER:
            self._reach.adapter_spoke(code)
