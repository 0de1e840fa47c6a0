"""After a restart: what the journal says is on air is asked for, not started again (I7, I10)."""

from __future__ import annotations

import structlog

from devices.link import Path
from ebcd.core import Core
from ebcd.decision import Decision, Offer
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.orders import ASKED_STATES
from ebcd.reporting import report_for
from ebcd.state import AlertRecord
from protocols.codes import ResourceCode

FM_STOP_S = 900.0
"""An FM receiver knows no end time. The stops of an alert that ended this shortly before may have been cut short, or
may never have had their turn on a crowded air: a transmitter repeats them for so long (`stop_linger_s`, then
`stop_tail_s`)."""

FM_STOP_LATER_S = 8.0
"""A running alert's burst of starts goes first: three passes of a message for a whole county take eight seconds."""

RESUMED_STATES = ASKED_STATES | {DeliveryState.UNCONFIRMED}
"""Of terminals behind adapters that their sound is streamed to: all that may still be heard."""

log = structlog.get_logger("ebcd.reconcile")


def resume(core: Core) -> None:
    """Take up every live alert of the state that was folded from the journal. The core must be running."""
    decision = Decision()
    for record in core.state.live_alerts():
        log.info("alert.resumed", alert=record.alert.id, state=record.state, counts=record.counts())
        if record.state is AlertState.ON_AIR:
            _resume_on_air(core, record, decision)
        elif record.state is AlertState.CANCELLING:
            _resume_cancelling(core, record, decision)
    now_s = core.clock.wall()
    on_air = any(record.state is AlertState.ON_AIR for record in core.state.live_alerts())
    for record in core.state.alerts.values():
        if not record.live and now_s - record.moved_at < FM_STOP_S:
            core.pursuit.silence_later(record, FM_STOP_LATER_S if on_air else 0.0)
        report = report_for(record)
        if record.alert.peer and (not record.told or record.told[-1] != report.code) and _worth_telling(record):
            decision.reports.append(report)
    core.reschedule(decision)
    core.act(decision)


def _worth_telling(record: AlertRecord) -> bool:
    """A message that waits for a start already here has nothing to tell until it starts."""
    return record.state is not AlertState.WAITING or bool(record.told)


def _resume_on_air(core: Core, record: AlertRecord, decision: Decision) -> None:
    """Terminals dial in by themselves and say what they do (`following`); adapters are asked; FM is sent anew, since
    its receivers know the message by its id. Nobody falls over to another path before the others could return. Car
    radios are told before their encoder's line is open: an alarm that ended and came again would send them back to
    what they played before."""
    if not record.alert.window.is_open(core.clock.wall()):
        return  # it ended while nobody was here; nothing of it starts any more (I3)
    core.pursuit.watch_again(record)
    _resume_behind_adapters(core, record, decision)
    core.announce(core.orders.announcement(record))
    on_fm = tuple(d.code for d in record.deliveries.values() if Path.FM in d.tried)
    if on_fm and record.holds:
        targets = core.orders.targets(record.alert, frozenset(record.holds))
        decision.offers.append(Offer(Path.FM, core.orders.start_command(record.alert, targets, on_fm)))
    if any(d.state is DeliveryState.QUEUED for d in record.deliveries.values()) or not record.deliveries:
        before = len(decision.offers)
        core.orders.plan(record, core.clock.wall())
        core.orders.start(record, frozenset(record.holds), decision, core.clock.wall())
        core.pursuit.watch(record, decision.offers[before:])


def _resume_behind_adapters(core: Core, record: AlertRecord, decision: Decision) -> None:
    """Those that the sound is streamed to hear nothing since we went, also where their terminals are confirmed."""
    deliveries = [d for d in record.deliveries.values() if d.path is Path.ADAPTER]
    if Path.ADAPTER in core.orders.streamed:
        deliveries = [d for d in deliveries if d.state in RESUMED_STATES and _holds(core, record, d.code)]
    else:
        deliveries = [d for d in deliveries if d.state is DeliveryState.SENT]
    core.orders.ask(record, Path.ADAPTER, [d.code for d in deliveries], decision)


def _holds(core: Core, record: AlertRecord, code: ResourceCode) -> bool:
    return core.places.place_of(code) in record.holds


def _resume_cancelling(core: Core, record: AlertRecord, decision: Decision) -> None:
    """The stops may or may not have gone out: send them again, everywhere."""
    core.pursuit.drop_queued(record, record.why)
    core.orders.stop(record, decision, core.clock.wall())
    core.pursuit.watch_stops(record)
    core.settle(record, decision)
