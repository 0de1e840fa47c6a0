"""Devices that live and did not confirm: found when an alert is over, since health alone cannot see them.

A head-end whose whole flock stayed silent is one cause: its command went in and nothing came out.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.link import Path
from ebcd.health import Condition, DeviceHealth
from ebcd.lifecycle import DeliveryState
from ebcd.state import AlertRecord
from ebcd.workorders.cause import GUESSED_GROUP_MIN
from ebcd.workorders.values import Finding, Trouble
from protocols.codes import ResourceCode

MISSED = frozenset({DeliveryState.TIMED_OUT, DeliveryState.REFUSED})


def missed_receipts(
    record: AlertRecord,
    health_of: Callable[[ResourceCode], DeviceHealth],
    adapter_of: Callable[[ResourceCode], ResourceCode | None],
) -> list[Finding]:
    """Findings for terminals that were online and timed out or refused in this alert."""
    flocks: dict[ResourceCode, list[ResourceCode]] = {}
    single: list[Finding] = []
    for delivery in record.deliveries.values():
        adapter = adapter_of(delivery.code) if delivery.path is Path.ADAPTER else None
        missed = delivery.state in MISSED and health_of(delivery.code).condition is Condition.ONLINE
        if adapter is not None:
            flocks.setdefault(adapter, []).append(delivery.code)
        elif missed:
            single.append(_one(record, delivery.code))
    found: list[Finding] = []
    for adapter, codes in flocks.items():
        silent = [c for c in codes if record.deliveries[c].state in MISSED]
        if len(silent) == len(codes) >= GUESSED_GROUP_MIN and health_of(adapter).condition is Condition.ONLINE:
            found.append(Finding(Trouble.RECEIPT, adapter, tuple(sorted(silent)), record.alert.id))
        else:
            found += [_one(record, c) for c in silent if health_of(c).condition is Condition.ONLINE]
    return found + single


def _one(record: AlertRecord, code: ResourceCode) -> Finding:
    delivery = record.deliveries[code]
    return Finding(Trouble.RECEIPT, code, (code,), f"{record.alert.id} {delivery.state} {delivery.detail}".strip())
