"""Devices that live and did not confirm: found when an alert is over, since health alone cannot see them.

Larger causes first. Where much of the county or of a town that could be heard missed the message, what broke is the
message, its sound or our own service, and no crew mends it at the poles. A head-end whose whole flock stayed silent is
one cause as well: its command went in and nothing came out; and so is a village of which nearly all missed it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from devices.link import Path
from ebcd.health import Condition, DeviceHealth
from ebcd.lifecycle import CONFIRMED_STATES, DeliveryState
from ebcd.state import AlertRecord, Delivery
from ebcd.views import town_of
from ebcd.workorders.cause import GROUP_SHARE, GUESSED_GROUP_MIN, TOWN_GROUP_MIN
from ebcd.workorders.crews import area_of
from ebcd.workorders.values import Finding, Trouble
from protocols.codes import AreaCode, ResourceCode

MISSED = frozenset({DeliveryState.TIMED_OUT, DeliveryState.REFUSED})

COMMON_SHARE = 0.25
"""Of those that could be heard, so many with one complaint have one cause: terminals that break by themselves miss an
alert a few in a hundred."""

FAIR_S = 10.0
"""Who got the order so shortly before the end of the window, or later, has not missed it."""

Flock = Callable[[ResourceCode], ResourceCode | None]
"""The adapter in front of a terminal."""


def missed_receipts(
    record: AlertRecord, health_of: Callable[[ResourceCode], DeviceHealth], adapter_of: Flock
) -> list[Finding]:
    """Findings for terminals that were online, could have played this alert, and timed out or refused."""
    missed = {
        d.code: f"{d.state} {d.detail}".strip()
        for d in record.deliveries.values()
        if d.state in MISSED and _had_its_turn(record, d) and health_of(d.code).condition is Condition.ONLINE
    }
    found = []
    for search in (_common(record, missed), _flocks(record, health_of, adapter_of), _villages(record, missed)):
        for finding in search:
            found.append(finding)
            for code in finding.devices:
                missed.pop(ResourceCode(code), None)
    return found + [
        Finding(Trouble.RECEIPT, code, (code,), f"{record.alert.id} {why}", record.alert.window.start)
        for code, why in missed.items()
    ]


def _had_its_turn(record: AlertRecord, delivery: Delivery) -> bool:
    """Whether it was told, had time to answer, and nothing better sounded there meanwhile."""
    disturbed = record.started - record.holds | record.regained
    in_time = record.alert.window.end - delivery.sent_at >= FAIR_S
    return bool(delivery.tried) and in_time and delivery.code.area not in disturbed


def _common(record: AlertRecord, missed: Mapping[ResourceCode, str]) -> Iterator[Finding]:
    """One complaint from several places at once, looked for in the county and then in each town. `missed` shrinks
    while this is read."""
    heard = [d.code for d in record.deliveries.values() if d.state in CONFIRMED_STATES or d.code in missed]
    towns: dict[AreaCode, list[ResourceCode]] = {}
    for code in heard:
        towns.setdefault(town_of(code.area), []).append(code)
    for group in (heard, *towns.values()):
        complaints = Counter(missed[code] for code in group if code in missed)
        for why, count in complaints.items():
            codes = tuple(sorted(code for code in group if missed.get(code) == why))
            if count >= max(TOWN_GROUP_MIN, COMMON_SHARE * len(group)) and len({code.area for code in codes}) > 1:
                root = f"{area_of(codes, codes[0].area)}/{record.alert.id}"
                yield Finding(Trouble.MESSAGE, root, codes, f"{record.alert.id} {why}", record.alert.window.start)


def _villages(record: AlertRecord, missed: Mapping[ResourceCode, str]) -> Iterator[Finding]:
    """Nearly all of one village, with one complaint."""
    places: dict[AreaCode, list[ResourceCode]] = {}
    for code in record.deliveries:
        places.setdefault(code.area, []).append(code)
    for place, codes in places.items():
        for why, count in Counter(missed[code] for code in codes if code in missed).items():
            if count >= max(GUESSED_GROUP_MIN, GROUP_SHARE * len(codes)):
                same = tuple(sorted(code for code in codes if missed.get(code) == why))
                yield Finding(Trouble.RECEIPT, place, same, f"{record.alert.id} {why}", record.alert.window.start)


def _flocks(
    record: AlertRecord, health_of: Callable[[ResourceCode], DeviceHealth], adapter_of: Flock
) -> Iterator[Finding]:
    """Adapters that live and behind which nobody answered."""
    flocks: dict[ResourceCode, list[ResourceCode]] = {}
    for delivery in record.deliveries.values():
        if delivery.path is Path.ADAPTER and (adapter := adapter_of(delivery.code)) is not None:
            flocks.setdefault(adapter, []).append(delivery.code)
    for adapter, codes in flocks.items():
        silent = all(record.deliveries[code].state in MISSED for code in codes)
        if silent and len(codes) >= GUESSED_GROUP_MIN and health_of(adapter).condition is Condition.ONLINE:
            yield Finding(Trouble.RECEIPT, adapter, tuple(sorted(codes)), record.alert.id, record.alert.window.start)
