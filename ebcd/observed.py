"""What the metrics see of the parts: what happens is counted as it does, what others keep is asked for at a scrape."""

from __future__ import annotations

from collections import Counter

import structlog

from devices.fm_transmitter import FmTransmitter
from devices.link import (
    Answered,
    Began,
    Ended,
    Event,
    Fault,
    Link,
    NoAnswer,
    Path,
    Played,
    Refused,
    Rejected,
    Sent,
    StateTold,
)
from devices.ports import Clock
from ebcd import facts, gauges
from ebcd.alert import Origin
from ebcd.disks import Disks
from ebcd.facts import Fact
from ebcd.foundation import Foundation
from ebcd.health import HealthBook
from ebcd.invariants import Violation
from ebcd.lifecycle import AlertState, DeliveryEvent
from ebcd.mailroom import Mailroom
from ebcd.metrics import Metrics
from ebcd.settings import Settings
from ebcd.state import CountyState
from protocols.codes import AreaCode
from protocols.signature import CertificateNumber, number_from_text

log = structlog.get_logger("ebcd.daemon")

OUTCOMES = {
    DeliveryEvent.CONFIRM: "confirmed",
    DeliveryEvent.PLAY: "played",
    DeliveryEvent.FAIL: "refused",
    DeliveryEvent.REFUSE: "refused",
    DeliveryEvent.TIME_OUT: "timed_out",
    DeliveryEvent.NO_RETURN: "unconfirmed",
    DeliveryEvent.STOP: "cancelled",
    DeliveryEvent.STOP_CONFIRM: "cancelled",
    DeliveryEvent.STOP_TIME_OUT: "timed_out",
}
"""What a receipt makes of a delivery, in the words of `ebcd show`."""

RECEIPTS = {
    Answered: "answered",
    Began: "began",
    Ended: "ended",
    Played: "played",
    NoAnswer: "no_answer",
    Refused: "refused",
    StateTold: "state_told",
    Sent: "sent",
    Fault: "fault",
}


def count_outcomes(fact: Fact, metrics: Metrics) -> None:
    """Deliveries by path and outcome, for the metrics."""
    if fact.kind == facts.RECEIPTS:
        tally = Counter((path or "none", OUTCOMES[event]) for _code, event, path, _detail, _at in fact.payload["items"])
        for (path, outcome), count in tally.items():
            metrics.delivery(path, outcome, count)


def broken(violation: Violation, metrics: Metrics) -> None:
    """An invariant does not hold (I1-I15): counted and told, for it is a bug."""
    metrics.violation(violation.invariant)
    log.error("invariant.violated", alert=violation.alert, invariant=violation.invariant, detail=violation.detail)


def observe(event: Event, path: Path, health: HealthBook, metrics: Metrics, clock: Clock) -> None:
    """What a link tells, for the health of devices and for the counters."""
    health.observe(event, path, clock.monotonic(), clock.wall())
    if isinstance(event, Rejected):
        metrics.rejected(event.link, event.reason)
        return
    if (kind := RECEIPTS.get(type(event))) is not None:
        metrics.receipt(path.value, kind)


def watch_parts(
    metrics: Metrics, state: CountyState, health: HealthBook, links: tuple[tuple[str, Link], ...], clock: Clock
) -> None:
    """Alerts, devices, work orders and links by state."""

    def alerts() -> dict[str, int]:
        tally: dict[str, int] = {}
        for record in state.alerts.values():
            name = record.state.value
            if record.alert.origin is Origin.TONE and record.state is AlertState.PENDING:
                name = "pending_tone"  # nobody is woken for its approval
            tally[name] = tally.get(name, 0) + 1
        return tally

    metrics.watch_alerts(alerts)
    metrics.watch_devices(
        lambda: {kind.value: {c.value: n for c, n in tally.items()} for kind, tally in health.tally.items()}
    )
    metrics.watch_flapping(lambda: health.flapping)
    metrics.watch(lambda: gauges.order_metrics(state.work.orders.values(), clock.wall()))
    metrics.watch_links(lambda: [(link.name, link.path, link.status()) for _, link in links])


def certificate_roles(s: Settings) -> dict[str, list[CertificateNumber]]:
    """Whose certificates are which; all others are devices'."""
    return {
        "own": [number_from_text(s.platform.certificate)],
        "root": [number_from_text(number) for number in s.trust.roots],
        "peer": [number_from_text(number) for peer in s.upstream.peers for number in peer.certificates],
    }


def watch_figures(
    base: Foundation, health: HealthBook, links: tuple[tuple[str, Link], ...], mailroom: Mailroom, disks: Disks
) -> None:
    """What others keep for themselves (`ebcd.gauges`)."""
    s, store, watch, name_of = base.settings, base.store, base.metrics.watch, base.inventory.name_of
    roles = certificate_roles(s)
    airs = [(link.name, link.air) for _, link in links if isinstance(link, FmTransmitter)]
    watch(lambda: gauges.journal_metrics(store.stats(), alive=store.alive))
    watch(lambda: gauges.certificate_metrics(base.verifier.trust, roles))
    watch(lambda: gauges.town_metrics(health.by_town, lambda stem: name_of(AreaCode(stem.ljust(12, "0")))))
    watch(lambda: gauges.air_metrics(airs))
    watch(lambda: gauges.peer_metrics(mailroom.rows()))
    watch(disks.metrics)
