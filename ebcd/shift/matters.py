"""What is open in a county now, for whoever takes over. Pure: what others know goes in, matters come out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from devices.roster import Device
from ebcd.alarms import Expiry
from ebcd.alarms.sightings import UPSTREAM
from ebcd.health import Condition, HealthBook
from ebcd.lifecycle import AlertState
from ebcd.operator import LinkRow
from ebcd.shift.values import Matter, MatterKind
from ebcd.state import AlertRecord, CountyState
from ebcd.workorders import WorkOrder

DEAD = frozenset({Condition.OFFLINE, Condition.UNREACHABLE})
ALERTS = {
    AlertState.ON_AIR: MatterKind.ALERT_ON_AIR,
    AlertState.CANCELLING: MatterKind.ALERT_ON_AIR,
    AlertState.PENDING: MatterKind.ALERT_PENDING,
    AlertState.HELD: MatterKind.ALERT_HELD,
    AlertState.WAITING: MatterKind.ALERT_WAITING,
}
_ORDER = {kind: place for place, kind in enumerate(MatterKind)}


def open_matters(
    state: CountyState,
    health: HealthBook,
    links: Iterable[LinkRow],
    ending: Iterable[Expiry],
    overdue: Collection[str],
    head_ends: Iterable[Device],
) -> tuple[Matter, ...]:
    """Everything that is open, what cannot wait first. `overdue`: numbers of orders that wait for too long. What has an
    alarm is named by it alone."""
    told = {(alarm.kind.value, alarm.subject) for alarm in state.alarms.open()}
    found = chain(
        _alerts(state.live_alerts()),
        _alarms(state),
        _links(links, told),
        _head_ends(head_ends, health),
        (Matter(MatterKind.SWITCHED_OFF, code, "", "", int(at)) for code, at in state.devices.switched_off.items()),
        _orders(state.work.live(), overdue),
        _certificates(ending, told),
    )
    return tuple(sorted(found, key=lambda matter: (_ORDER[matter.kind], matter.since, matter.subject)))


def _alarms(state: CountyState) -> Iterator[Matter]:
    for alarm in state.alarms.open():
        about = (alarm.kind.value, alarm.subject, alarm.stage)
        yield Matter(MatterKind.ALARM, alarm.id, alarm.name, alarm.detail, int(alarm.raised_at), *about)


def _told(name: str, detail: str) -> str:
    return f"{name} {detail}".strip()


def _alerts(records: Iterable[AlertRecord]) -> Iterator[Matter]:
    for record in records:
        alert = record.alert
        yield Matter(ALERTS[record.state], alert.id, alert.title, record.why, int(record.moved_at))
        if record.state is AlertState.ON_AIR and (lost := record.started - record.holds):
            yield Matter(MatterKind.PREEMPTED, alert.id, alert.title, ", ".join(sorted(lost)[:10]))


def _links(rows: Iterable[LinkRow], told: Collection[tuple[str, str]]) -> Iterator[Matter]:
    for row in rows:
        kind = MatterKind.PEER if row.type == UPSTREAM else MatterKind.LINK
        if not row.up and (kind.value, row.name) not in told:
            yield Matter(kind, row.name, row.path, row.reason)


def _certificates(ending: Iterable[Expiry], told: Collection[tuple[str, str]]) -> Iterator[Matter]:
    for each in ending:
        if (MatterKind.CERTIFICATE.value, each.subject) not in told:
            yield Matter(MatterKind.CERTIFICATE, each.subject, each.role, f"{each.days} {each.count}")


def _head_ends(adapters: Iterable[Device], health: HealthBook) -> Iterator[Matter]:
    for adapter in adapters:
        known = health.of(adapter.code)
        if known.told in DEAD:
            yield Matter(MatterKind.HEAD_END, adapter.code, adapter.name, known.told, int(known.since))


def _orders(orders: Iterable[WorkOrder], overdue: Collection[str]) -> Iterator[Matter]:
    for order in orders:
        kind = MatterKind.ORDER_OVERDUE if order.escalated or order.id in overdue else MatterKind.ORDER
        yield Matter(kind, order.id, order.trouble, _told(order.root, order.crew), int(order.opened_at))
