"""Figures that others keep, as Prometheus wants them when it asks: journal, disks, certificates, towns, air, peers.

Pure: values in, metrics out. `ebcd.metrics` says when they are asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from devices.fm_transmitter import AirTime
from ebcd.evaluation.effect import Effect
from ebcd.health import Condition
from ebcd.metrics import OTHER
from ebcd.operator import LinkRow
from ebcd.signing import TrustStore
from ebcd.store import StoreStats
from ebcd.workorders.statistics import all_of, month_of
from ebcd.workorders.values import WorkOrder
from protocols.signature import CertificateNumber

TOWNS_MAX = 500
"""The largest counties have 160; beyond it, what is left is one town called "other"."""


def journal_metrics(stats: StoreStats, *, alive: bool) -> Iterator[Metric]:
    """How the journal's writer fares."""
    yield GaugeMetricFamily("ebcd_journal_writer_up", "1 while the journal's writer lives", value=float(alive))
    yield GaugeMetricFamily("ebcd_journal_waiting_rows", "Rows that wait for the disk", value=stats.waiting)
    yield CounterMetricFamily("ebcd_journal_rows", "Rows committed", value=stats.events)
    yield CounterMetricFamily("ebcd_journal_commits", "Commits, each of many rows", value=stats.commits)
    yield CounterMetricFamily("ebcd_journal_commit_seconds", "Time spent in commits", value=stats.commit_s_sum)
    yield CounterMetricFamily("ebcd_journal_lost", "Rows that can never be written", value=stats.lost + stats.refused)
    failures = CounterMetricFamily("ebcd_journal_failures", "Commits that the disk refused", labels=["reason"])
    for reason, count in sorted(stats.failures.items()):
        failures.add_metric([reason], count)
    yield failures


def certificate_metrics(trust: TrustStore, roles: Mapping[str, Collection[CertificateNumber]]) -> Iterator[Metric]:
    """The earliest end by role; whoever is in none of `roles` is a device."""
    ends: dict[str, int] = {}
    counts: dict[str, int] = {}
    for each in trust:
        role = next((name for name, numbers in roles.items() if each.number in numbers), "device")
        ends[role] = min(ends.get(role, each.certificate.valid_until), each.certificate.valid_until)
        counts[role] = counts.get(role, 0) + 1
    earliest = GaugeMetricFamily(
        "ebcd_certificate_expires_timestamp_seconds", "When the first certificate of a role ends", labels=["role"]
    )
    usable = GaugeMetricFamily("ebcd_certificates", "Certificates on file whose chain holds", labels=["role"])
    for role in sorted(ends):
        earliest.add_metric([role], ends[role])
        usable.add_metric([role], counts[role])
    yield from (earliest, usable)


def town_metrics(by_town: Mapping[str, Mapping[Condition, int]], name_of: Callable[[str], str]) -> Iterator[Metric]:
    """Terminals of each town by condition."""
    family = GaugeMetricFamily("ebcd_town_terminals", "Terminals of a town by condition", labels=["town", "state"])
    rest: dict[Condition, int] = {}
    for number, stem in enumerate(sorted(by_town)):
        for condition in Condition:
            count = by_town[stem].get(condition, 0)
            if number < TOWNS_MAX:
                family.add_metric([f"{name_of(stem)} {stem}".strip(), condition.value], count)
            else:
                rest[condition] = rest.get(condition, 0) + count
    for condition, count in rest.items():
        family.add_metric([OTHER, condition.value], count)
    yield family


def air_metrics(airs: Iterable[tuple[str, AirTime]]) -> Iterator[Metric]:
    """Frames of each FM link, with something in them and without."""
    family = CounterMetricFamily("ebcd_fm_frames", "Frames put on air", labels=["link", "kind"])
    for link, air in airs:
        family.add_metric([link, "carrying"], air.carrying)
        family.add_metric([link, "idle"], air.idle)
    yield family


SPARE_MARK = "/"
"""In names of rows such as CODE/standby."""


def peer_metrics(rows: Iterable[LinkRow]) -> Iterator[Metric]:
    """The platforms above."""
    up = GaugeMetricFamily("ebcd_peer_up", "1 while a platform above answers", labels=["peer"])
    letters = GaugeMetricFamily("ebcd_peer_letters_waiting", "Letters it has not answered yet", labels=["peer"])
    for row in rows:
        if SPARE_MARK in row.name:  # a line of a platform that is not in use: no platform is away (`ebcd.metrics`)
            continue
        up.add_metric([row.name], float(row.up))
        letters.add_metric([row.name], row.outbox_depth)
    yield from (up, letters)


def order_metrics(orders: Collection[WorkOrder], now: float) -> Iterator[Metric]:
    """Work orders that are live, and how fast those of the running month went. `now`: UTC seconds."""
    live = GaugeMetricFamily("ebcd_orders", "Live work orders by cause and state", labels=["trouble", "state"])
    tally = Counter((order.trouble, order.state) for order in orders if order.live)
    for (trouble, state), count in sorted(tally.items()):
        live.add_metric([trouble.value, state.value], count)
    overdue = sum(order.live and order.escalated > 0 for order in orders)
    yield live
    yield GaugeMetricFamily("ebcd_orders_overdue", "Live work orders that have escalated", value=overdue)
    month = all_of(orders, month_of(now))
    yield GaugeMetricFamily("ebcd_orders_month", "Work orders opened this month", value=month.orders)
    medians = GaugeMetricFamily("ebcd_orders_month_seconds", "Median time to a step, this month", labels=["step"])
    steps = ("notice", "dispatch", "arrive", "mend", "close")
    for step, seconds in zip(steps, (getattr(month, f"{step}_s") for step in steps), strict=True):
        if seconds is not None:
            medians.add_metric([step], seconds)
    yield medians


def disk_metrics(disks: Mapping[str, tuple[int, int]], journal_bytes: int) -> Iterator[Metric]:
    """Free and whole size of the disk below each folder, bytes; and what the journal takes."""
    free = GaugeMetricFamily("ebcd_disk_free_bytes", "Free on the disk that holds a folder", labels=["folder"])
    size = GaugeMetricFamily("ebcd_disk_size_bytes", "Size of the disk that holds a folder", labels=["folder"])
    for folder, (free_bytes, size_bytes) in sorted(disks.items()):
        free.add_metric([folder], free_bytes)
        size.add_metric([folder], size_bytes)
    yield from (free, size)
    yield GaugeMetricFamily("ebcd_journal_bytes", "The journal's file with its write-ahead log", value=journal_bytes)


def effect_metrics(effect: Effect | None) -> Iterator[Metric]:
    """What the newest alert that was on air achieved, as `ebcd evaluate` tells it; nothing where none was yet."""
    if effect is None:
        return
    grades = GaugeMetricFamily("ebcd_newest_alert_terminals", "Its terminals by their best evidence", labels=["grade"])
    for grade, count in (
        ("nothing", effect.grades.nothing),
        ("answered", effect.grades.answered),
        ("spoke", effect.grades.spoke),
    ):
        grades.add_metric([grade], count)
    monitors = GaugeMetricFamily("ebcd_newest_alert_monitors", "Head-ends listened to, by verdict", labels=["verdict"])
    for verdict, count in sorted(Counter(effect.monitors.values()).items()):
        monitors.add_metric([verdict], count)
    places = GaugeMetricFamily("ebcd_newest_alert_places", "Places from which people told", labels=["heard"])
    places.add_metric(["yes"], effect.grades.heard)
    places.add_metric(["no"], effect.grades.not_heard)
    first = GaugeMetricFamily("ebcd_newest_alert_first_seconds", "Until the first of all", labels=["of"])
    for of, timing in (("answer", effect.answers), ("sound", effect.sound)):
        if timing.count:
            first.add_metric([of], timing.first)
    yield from (grades, monitors, places, first)
