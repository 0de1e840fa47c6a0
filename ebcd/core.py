"""The heart of the daemon: takes alerts in, gives places to them, starts, follows, ends and cancels them.

Everything here happens in the event loop, in the order it was asked for: facts are entered, then what rests on them is
carried out when they are durable. The pure parts decide (`scheduler`, `planner`, `lifecycle`); this one does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog

from devices.link import Link, OutboxFull, Path, Start, Stop
from devices.ports import Clock
from ebcd.alert import Alert, DrillDepth, Origin, may_replace
from ebcd.claimed import ClaimedPlaces
from ebcd.decision import Decision, Offer
from ebcd.facts import DAEMON, Fact, alert_accepted, alert_moved, approval_given, places_changed
from ebcd.gate import due
from ebcd.ledger import Ledger
from ebcd.lifecycle import CONFIRMED_STATES, AlertEvent, AlertState, DeliveryEvent, DeliveryState
from ebcd.orders import Orders, Places
from ebcd.pursuit import Pursuit
from ebcd.reporting import report_for
from ebcd.rules import Rules
from ebcd.scheduler import Claim, decide, next_moment
from ebcd.state import AlertRecord, CountyState
from ebcd.trace import Traces
from protocols.codes import AreaCode, EbmId

BEAT_S = 0.1
"""How often deadlines are looked at."""

LOOK_AGAIN_S = 1.0
"""How often the scheduler is asked although no window begins or ends."""

STOP_AGAIN_S = 5.0
STOP_OFFERS_MAX = 60
"""A stop that found a link full is offered again so often: five minutes in all."""

log = structlog.get_logger("ebcd.core")

Tell = Callable[[AlertRecord, int, str], None]
"""Reports a BrdStateCode about an alert upward, with a reason for people."""

Unsent = Callable[[Offer, str], None]
"""Told of a command that a link could not take."""


class Core:
    """One county's alerts."""

    def __init__(
        self,
        ledger: Ledger,
        orders: Orders,
        places: Places,
        links: Mapping[Path, Sequence[Link]],
        clock: Clock,
        rules: Rules,
        tell: Tell,
        traces: Traces | None = None,
    ) -> None:
        self.ledger = ledger
        self.orders = orders
        self.places = places
        self.links = links
        self.clock = clock
        self.rules = rules  # a reload puts others here; the scheduler is asked again within LOOK_AGAIN_S
        self.traces = traces or Traces()
        self.pursuit = Pursuit(ledger, orders, places, clock, rules.patience)
        self.announcers: list[Link] = []  # links that carry no orders: an ordinary station's RDS encoder
        self.unsent: Unsent = lambda offer, reason: None
        self.follow: Callable[[], Coroutine[Any, Any, None]] | None = None  # acts on what the links tell
        self._tell = tell
        self._closing: dict[EbmId, float] = {}  # window over; monotonic deadline for late results
        self.claimed = ClaimedPlaces(orders)
        self._next_moment_s = 0.0
        self._look_again_s = 0.0  # quiet hours end without an alert's doing
        self._group: asyncio.TaskGroup | None = None

    @property
    def state(self) -> CountyState:
        """The live state; changed through the ledger only."""
        return self.ledger.state

    # ---- running -----------------------------------------------------------------------------------------------

    async def run(self, begun: Callable[[], None] = lambda: None) -> None:
        """Carry out decisions, follow the links and watch the clock until cancelled. `begun` is called first."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                begun()
                if self.follow is not None:
                    group.create_task(self.follow(), name="follow")
                while True:
                    self.beat()
                    await asyncio.sleep(BEAT_S)
        finally:
            self._group = None

    def act(self, decision: Decision) -> None:
        """Carry out a decision once everything entered so far is durable; its stops at once (I12)."""
        if decision:
            if self._group is None:
                raise RuntimeError("the core is not running; facts may be entered, nothing can be sent")
            self._group.create_task(self._carry_out(decision, self.ledger.mark()))

    async def _carry_out(self, decision: Decision, durable: asyncio.Future[int]) -> None:
        for offer in decision.offers:
            if isinstance(offer.command, Stop):  # silence waits for no disk: after a crash it is asked for once more
                self._offer(offer)
        await asyncio.shield(durable)
        for offer in decision.offers:
            if not isinstance(offer.command, Stop):
                self._offer(offer)
        for announcement in decision.announcements:
            self.announce(announcement)
        for report in decision.reports:
            self._tell(self.state.alerts[report.alert], report.code, report.why)

    def announce(self, command: Start | Stop) -> None:
        """Car radios and the like: nobody is counted on them, and nothing waits for them. What the journal already says
        is on air may be announced without waiting for it; all else goes with a decision."""
        for link in self.announcers:
            try:
                link.offer(command)
            except OutboxFull as error:
                log.warning("announcement.unsent", link=link.name, alert=command.ebm_id, reason=str(error))

    def _offer(self, offer: Offer) -> None:
        if not offer.command.members:
            return
        if isinstance(offer.command, Start) and self.clock.wall() >= offer.command.end:
            self.unsent(offer, "its window ended while the journal was slow")  # I3
            return
        if isinstance(offer.command, Start) and not self._sounds(offer.command.ebm_id):
            self.unsent(offer, "it was cancelled while the journal was slow")  # I12
            return
        links = self.links.get(offer.path, ())
        if not links:
            self.unsent(offer, "no link is configured for this path")
        for link in links:
            try:
                link.offer(offer.command)
            except OutboxFull as error:
                self.unsent(offer, str(error))
                if isinstance(offer.command, Stop) and self._group is not None:
                    self._group.create_task(self._insist(link, offer.command))
        if isinstance(offer.command, Start) and (trace := self.traces.of(offer.command.ebm_id)):
            trace.stage(f"sent_{offer.path}", self.clock.monotonic())
        if isinstance(offer.command, Start | Stop):
            event = "orders.start" if isinstance(offer.command, Start) else "orders.stop"
            log.info(event, alert=offer.command.ebm_id, path=offer.path, members=len(offer.command.members))

    async def _insist(self, link: Link, stop: Stop) -> None:
        """A stop that a full link refused is offered again: loudspeakers on FM know no end of their own (I12)."""
        for _ in range(STOP_OFFERS_MAX):
            await asyncio.sleep(STOP_AGAIN_S)
            with contextlib.suppress(OutboxFull):
                link.offer(stop)
                return
        log.error("orders.stop_given_up", alert=stop.ebm_id, path=link.path, members=len(stop.members))

    def _sounds(self, alert_id: EbmId) -> bool:
        record = self.state.alerts.get(alert_id)
        return record is not None and record.state is AlertState.ON_AIR

    # ---- taking in ---------------------------------------------------------------------------------------------

    def take_in(self, alert: Alert, t0_s: float, extra: tuple[Fact, ...] = ()) -> AlertRecord:
        """Accept a checked alert. `t0_s`: monotonic time of its last byte or of its last approval.

        An id that is known already changes nothing (I7): its record is returned and its state told again.
        """
        now_s = self.clock.wall()
        if (known := self.state.alerts.get(alert.id)) is not None:
            self.ledger.enter(*extra)
            self.act(Decision(reports=[report_for(known)]))
            return known
        state, why = self.rules.first_state(alert, now_s)
        self.ledger.enter(alert_accepted(alert, state, now_s, alert.author, why), *extra)
        self.traces.begin(alert.id, t0_s).stage("accepted", self.clock.monotonic())
        record = self.state.alerts[alert.id]
        log.info("alert.accepted", alert=alert.id, state=state, severity=alert.level, areas=alert.areas, why=why)
        decision = Decision()
        if state is not AlertState.WAITING or alert.window.start > now_s:
            decision.reports.append(report_for(record))
        if state not in (AlertState.DROPPED, AlertState.PENDING):
            self._replace(alert, decision)
        self.reschedule(decision)
        self.act(decision)
        return record

    def approve(self, record: AlertRecord, actor: str) -> None:
        """One more approval; the last one needed sets the alert going. The caller has checked who `actor` is (I1)."""
        now_s = self.clock.wall()
        self.ledger.enter(approval_given(record.alert.id, now_s, actor))
        if len(set(record.approvals)) >= self.rules.approvals.needed(record.alert):
            self.ledger.enter(alert_moved(record.alert.id, AlertEvent.APPROVED, now_s, actor))
            self.traces.begin(record.alert.id, self.clock.monotonic())
            decision = Decision()
            self._replace(record.alert, decision)
            self.reschedule(decision)
            self.act(decision)

    def _replace(self, alert: Alert, decision: Decision) -> None:
        """Stop what an update takes the place of; one that waits for approval leaves it on air until then."""
        for old in self.state.replaced_by(alert):
            if may_replace(alert, old.alert):
                self._cancel(old, alert.author, f"replaced by {alert.id}", decision)
            else:
                log.error("alert.not_replaced", alert=alert.id, old=old.alert.id, class_=int(alert.class_))

    def reject(self, record: AlertRecord, actor: str, why: str) -> None:
        """An approver says no."""
        self.ledger.enter(alert_moved(record.alert.id, AlertEvent.REJECTED, self.clock.wall(), actor, why))

    def cancel(self, record: AlertRecord, actor: str, why: str = "") -> None:
        """Stop an alert wherever it is (I12). Raises ForbiddenTransition when it is over."""
        self._cancel(record, actor, why, decision := Decision())
        self.reschedule(decision)
        self.act(decision)

    def _cancel(self, record: AlertRecord, actor: str, why: str, decision: Decision) -> None:
        now_s, alert_id = self.clock.wall(), record.alert.id
        self.ledger.enter(alert_moved(alert_id, AlertEvent.CANCEL, now_s, actor, why))
        log.info("alert.cancel", alert=alert_id, actor=actor, why=why, state=record.state)
        self.pursuit.drop_queued(record, why)
        if record.state is not AlertState.CANCELLING:
            decision.reports.append(report_for(record))
            return
        self.orders.stop(record, decision, now_s)
        decision.announcements.append(self.orders.stop_command(record, ()))
        self.pursuit.watch_stops(record)
        self._end_cancel(record, decision)

    # ---- places ------------------------------------------------------------------------------------------------

    def reschedule(self, decision: Decision) -> None:
        """Ask the scheduler who may sound where, and do what it says."""
        now_s = self.clock.wall()
        self._release_and_expire(now_s, decision)
        records = {r.alert.id: r for r in self.state.live_alerts() if r.alert.id not in self._closing}
        claims = [
            Claim(r.alert, self.claimed.of(r), frozenset(r.holds))
            for r in records.values()
            if r.state in (AlertState.WAITING, AlertState.ON_AIR, AlertState.CANCELLING)
        ]
        changes = decide(claims, self.rules.rank, now_s)
        for alert_id in changes.ended:
            self._close(records[alert_id], decision)
        for alert_id, lost in changes.lost.items():
            self.ledger.enter(places_changed(alert_id, (), lost, now_s))
            log.info("alert.preempted", alert=alert_id, places=len(lost))
        for alert_id, gained in changes.gained.items():
            if records[alert_id].state is not AlertState.CANCELLING:
                self._begin(records[alert_id], gained, decision)
        for claim in claims:
            if claim.alert.window.is_open(now_s) and claim.alert.id not in changes.gained:
                self.traces.waits(claim.alert.id)
        moment = next_moment((r.alert for r in records.values()), now_s)
        self._next_moment_s = float("inf") if moment is None else moment

    def _release_and_expire(self, now_s: float, decision: Decision) -> None:
        live = self.state.live_alerts()
        for record in live:
            if (step := due(record, live, self.rules, now_s)) is None:
                if record.state is AlertState.WAITING and self._waits_for_nothing(record, now_s):
                    self._finish(record, decision)
                continue
            event, why = step
            if event is AlertEvent.CANCEL:
                self._cancel(record, DAEMON, why, decision)
                continue
            self.ledger.enter(alert_moved(record.alert.id, event, now_s, DAEMON, why))
            if event is not AlertEvent.RELEASE:
                decision.reports.append(report_for(record))

    def _waits_for_nothing(self, record: AlertRecord, now_s: float) -> bool:
        """A drill that stays inside the platform or at the head-ends sends nothing to any terminal (I5)."""
        return record.alert.depth is not DrillDepth.TERMINAL and record.alert.window.is_open(now_s)

    def _begin(self, record: AlertRecord, gained: frozenset[AreaCode], decision: Decision) -> None:
        now_s, alert_id = self.clock.wall(), record.alert.id
        again, first = gained & record.started, gained - record.started
        if record.state is AlertState.WAITING:
            if trace := self.traces.of(alert_id):
                trace.its_turn(self.clock.monotonic(), now_s - record.alert.window.start)
            self.ledger.enter(alert_moved(alert_id, AlertEvent.START, now_s))
            decision.reports.append(report_for(record))
        self.ledger.enter(places_changed(alert_id, gained, (), now_s))
        self.orders.plan(record, now_s)
        before = len(decision.offers)
        self.orders.start(record, gained, decision, now_s)
        self.pursuit.watch(record, decision.offers[before:])
        if record.alert.origin is not Origin.TONE:  # car radios and old village encoders know no low volume
            decision.announcements.append(self.orders.announcement(record))
        log.info("alert.on_air", alert=alert_id, places=len(first), resumed=len(again), counts=record.counts())
        if trace := self.traces.of(alert_id):
            trace.stage("planned", self.clock.monotonic())
        if again:
            self.orders.ask_again(record, again, decision)

    # ---- time --------------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Look at every deadline."""
        now_s = self.clock.monotonic()
        decision = Decision()
        wall_s = self.clock.wall()
        if wall_s >= self._next_moment_s or wall_s >= self._look_again_s:
            self._look_again_s = wall_s + LOOK_AGAIN_S
            self.reschedule(decision)
        for record in self.pursuit.due(decision):
            self.settle(record, decision)
        for alert_id, deadline_s in list(self._closing.items()):
            record = self.state.alerts[alert_id]
            if not record.live:
                del self._closing[alert_id]
            elif now_s >= deadline_s or not self._expects_results(record):
                self._finish(record, decision)
        self.act(decision)

    # ---- the end -----------------------------------------------------------------------------------------------

    def _close(self, record: AlertRecord, decision: Decision) -> None:
        """The window is over: silence what does not know the end by itself, wait a little for results."""
        self._closing[record.alert.id] = self.clock.monotonic() + self.rules.patience.result_s
        if record.state is AlertState.ON_AIR:
            self.orders.silence(record, decision)
            decision.announcements.append(self.orders.stop_command(record, ()))

    def _expects_results(self, record: AlertRecord) -> bool:
        awaited = (DeliveryState.SENT, DeliveryState.CONFIRMED, DeliveryState.STOPPING)
        return any(record.tally[state] for state in awaited)

    def _finish(self, record: AlertRecord, decision: Decision) -> None:
        now_s, alert_id = self.clock.wall(), record.alert.id
        if record.state is AlertState.CANCELLING:
            self.pursuit.give_up(record, DeliveryState.STOPPING, DeliveryEvent.STOP_TIME_OUT)
            self.settle(record, decision)
            return
        for state in (DeliveryState.SENT, DeliveryState.QUEUED):
            self.pursuit.give_up(record, state, DeliveryEvent.TIME_OUT)
        stays_here = record.alert.depth is not DrillDepth.TERMINAL
        targeted = record.tally.total()
        ratio = sum(record.tally[s] for s in CONFIRMED_STATES) / targeted if targeted else 0.0
        enough = stays_here or ratio >= self.rules.success_ratio
        event = AlertEvent.SUCCEEDED if enough else AlertEvent.FELL_SHORT
        why = f"confirmed {ratio:.4f} of targeted" if targeted else "nobody was ordered"
        self.ledger.enter(alert_moved(alert_id, event, now_s, DAEMON, why))
        log.info("alert.over", alert=alert_id, state=record.state, counts=record.counts())
        self._forget(alert_id)
        decision.reports.append(report_for(record))

    def settle(self, record: AlertRecord, decision: Decision) -> None:
        """Finish a cancel whose stops are all answered or given up; give away places where they are."""
        if record.state is not AlertState.CANCELLING or self._end_cancel(record, decision):
            return
        if (wanted := self._places_waited_for()) and (free := wanted & self._stopped_places(record)):
            self.ledger.enter(places_changed(record.alert.id, (), free, self.clock.wall()))
            self.reschedule(decision)

    def _end_cancel(self, record: AlertRecord, decision: Decision) -> bool:
        if record.tally[DeliveryState.STOPPING]:
            return False
        self.ledger.enter(alert_moved(record.alert.id, AlertEvent.STOPPED, self.clock.wall()))
        log.info("alert.cancelled", alert=record.alert.id, counts=record.counts())
        self._forget(record.alert.id)
        decision.reports.append(report_for(record))
        self.reschedule(decision)
        return True

    def _stopped_places(self, record: AlertRecord) -> frozenset[AreaCode]:
        """Where every stop is answered: a deaf terminal holds back its own place and no other (I6)."""
        stopping = (d.code for d in record.deliveries.values() if d.state is DeliveryState.STOPPING)
        return frozenset(record.holds - {self.places.place_of(code) for code in stopping})

    def _places_waited_for(self) -> frozenset[AreaCode]:
        """What open alerts would like to have and have not."""
        now_s, states = self.clock.wall(), (AlertState.WAITING, AlertState.ON_AIR)
        waiting = (r for r in self.state.live_alerts() if r.state in states and r.alert.window.is_open(now_s))
        return frozenset().union(*(self.claimed.of(r) - r.holds for r in waiting))

    def _forget(self, alert_id: EbmId) -> None:
        self._closing.pop(alert_id, None)
        self.claimed.forget(alert_id)
        self.pursuit.waves.forget(alert_id)
