"""Everything `/metrics` tells. Never a label per terminal or per alert: a scrape must stay small in a province.

Counters are told by those who count (`receipt`, `rejected` ...); what somebody else already knows, such as the states
of alerts and links, is asked for when Prometheus asks.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from devices.link import LinkStatus, Path
from ebcd.clock import booted
from protocols import sm2

if TYPE_CHECKING:
    from ebcd.gateway import PeerStatus

LABELS_MAX = 500  # children of one metric; whatever comes later counts as "other"
OTHER = "other"
STAGE_BUCKETS_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 20.0, 30.0, 60.0)
LATE_BUCKETS_S = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

LinkStatuses = Callable[[], Iterable[tuple[str, Path, LinkStatus]]]
"""Name, path and status of every configured link."""

Tally = Callable[[], Mapping[str, int]]
"""How many things are in which state now."""

MetricT = TypeVar("MetricT", Counter, Histogram)


@dataclass(frozen=True, slots=True)
class BackupFigures:
    """The backups that are there."""

    newest_at: float = 0.0  # UTC seconds, 0 where there is none
    newest_bytes: int = 0
    kept: int = 0
    interval_s: float = 0.0  # as configured; 0: the daemon makes none


class _Children(Generic[MetricT]):
    """The children of one metric by their labels: looking one up here costs a third of `labels()`, and the number of
    them has a limit, so that a peer that invents reasons cannot fill the memory."""

    def __init__(self, metric: MetricT) -> None:
        self._metric: MetricT = metric
        self._children: dict[tuple[str, ...], MetricT] = {}

    def of(self, *labels: str) -> MetricT:
        child = self._children.get(labels)
        if child is None:
            if len(self._children) >= LABELS_MAX:
                labels = (OTHER,) * len(labels)
            child = self._children[labels] = self._metric.labels(*labels)
        return child


class OwnProcess(ProcessCollector):
    """Processor, memory and files of this process. The library tells nothing at all where it cannot read the boot's
    time in /proc/stat, and the unit hides that file (ProcSubset=pid)."""

    def _boot_time(self) -> float:
        return booted()


class Metrics:
    """All metrics of one daemon, in its own registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._deliveries = _Children(
            Counter("ebcd_deliveries", "Deliveries that ended, by path", ["path", "outcome"], registry=registry)
        )
        self._receipts = _Children(
            Counter("ebcd_receipts", "Answers and reports of devices", ["path", "kind"], registry=registry)
        )
        self._stages = _Children(
            Histogram(
                "ebcd_stage_seconds",
                "From the last byte of a package, or the last approval, to the end of a stage",
                ["stage"],
                buckets=STAGE_BUCKETS_S,
                registry=registry,
            )
        )
        self._rejected = _Children(
            Counter("ebcd_rejected", "Input from outside that was refused", ["source", "reason"], registry=registry)
        )
        self._violations = _Children(
            Counter("ebcd_invariant_violations", "Broken invariants of the design", ["invariant"], registry=registry)
        )
        self._restarts = _Children(
            Counter("ebcd_part_restarts", "Parts that failed and were started again", ["part"], registry=registry)
        )
        self._bounds = _Children(
            Counter("ebcd_bound_acted", "Times a bounded queue or cache had to let go", ["bound"], registry=registry)
        )
        self._watched = _Children(
            Counter("ebcd_watch", "What the watch over devices did: asked, clock_set ...", ["act"], registry=registry)
        )
        self._late = Histogram(
            "ebcd_loop_late_seconds",
            "How late the event loop's half-second beat comes: what holds it up holds everything up",
            buckets=LATE_BUCKETS_S,
            registry=registry,
        )
        self._backups = _Children(
            Counter("ebcd_backup_runs", "Backups of the daemon, made or not", ["outcome"], registry=registry)
        )
        self._reports = _Children(
            Counter("ebcd_reports", "Packages of operation data, by receipt", ["type", "receipt"], registry=registry)
        )
        registry.register(_Asked(_build_info))
        OwnProcess(registry=registry)

    def delivery(self, path: str, outcome: str, count: int = 1) -> None:
        """`count` deliveries over `path` ended as `outcome` (confirmed, played, refused, timed_out ...)."""
        self._deliveries.of(path, outcome).inc(count)

    def receipt(self, path: str, kind: str, count: int = 1) -> None:
        """`count` answers or reports of a kind (answered, began, ended, played, no_answer) came over `path`."""
        self._receipts.of(path, kind).inc(count)

    def stage(self, name: str, seconds: float) -> None:
        """A stage of an alert was done `seconds` after T0 (design, section 6)."""
        self._stages.of(name).observe(seconds)

    def rejected(self, source: str, reason: str) -> None:
        """Bytes or requests from `source`, a link or listener, were refused for `reason`, a slug."""
        self._rejected.of(source, reason).inc()

    def violation(self, invariant: str) -> None:
        """The checker found a broken invariant (I1 ... I15)."""
        self._violations.of(invariant).inc()

    def restarted(self, part: str) -> None:
        """A supervised part failed and is started again."""
        self._restarts.of(part).inc()

    def watched(self, act: str, count: int = 1) -> None:
        """The watch over devices did something `count` times: asked, clock_set, clock_suspect, outbox_full."""
        self._watched.of(act).inc(count)

    def bound_acted(self, bound: str, count: int = 1) -> None:
        """A limit that has a name had to act."""
        self._bounds.of(bound).inc(count)

    def loop_late(self, seconds: float) -> None:
        """A beat of the event loop came so long after its time."""
        self._late.observe(seconds)

    def backup(self, outcome: str) -> None:
        """A backup ended: "made", or why not."""
        self._backups.of(outcome).inc()

    def watch_backups(self, figures: Callable[[], BackupFigures]) -> None:
        """Ask for the backups that are there."""
        self.watch(lambda: _backup_metrics(figures()))

    def report(self, type_: str, receipt: str) -> None:
        """A package of operation data got this receipt (success, none, other ...)."""
        self._reports.of(type_, receipt).inc()

    def watch_reports(self, waiting: Callable[[], Iterable[tuple[str, int, int]]]) -> None:
        """Ask, per platform above, for records that it lacks and requests that wait for their answer."""
        self.watch(lambda: _report_metrics(waiting()))

    def watch_alerts(self, tally: Tally) -> None:
        """Ask `tally` for the number of alerts in each state."""
        self.watch(lambda: [_by_state("ebcd_alerts", "Alerts in the store's memory", tally())])

    def watch_devices(self, tallies: Callable[[], Mapping[str, Mapping[str, int]]]) -> None:
        """Ask `tallies` for the number of devices of each kind (terminal, adapter, transmitter) in each condition."""
        self.watch(
            lambda: [
                _by_state(f"ebcd_{kind}s", f"{kind.capitalize()}s of the inventory", tally)
                for kind, tally in tallies().items()
            ]
        )

    def watch_flapping(self, count: Callable[[], int]) -> None:
        """Ask `count` for the number of devices that come and go."""
        self.watch(lambda: [GaugeMetricFamily("ebcd_devices_flapping", "Devices that come and go", count())])

    def watch_enrolment(self, stages: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Ask `stages` for the devices of each town that are planned, entered, opened, heard, mute."""

        def collect() -> list[Metric]:
            family = GaugeMetricFamily("ebcd_enrolment", "Devices by how far they have got", labels=["town", "stage"])
            for (town, stage), count in stages().items():
                family.add_metric([town, stage], count)
            return [family]

        self.watch(collect)

    def watch_pending(self, count: Callable[[], int]) -> None:
        """Ask `count` for the number of devices that wait to be commissioned."""
        self.watch(lambda: [GaugeMetricFamily("ebcd_devices_pending", "Devices that nobody entered", count())])

    def watch_links(self, statuses: LinkStatuses) -> None:
        """Ask the links for their status."""
        self.watch(lambda: _link_metrics(statuses()))

    def watch_upstream(self, statuses: Callable[[], Iterable[PeerStatus]]) -> None:
        """Ask the gateway for the platforms above."""
        self.watch(lambda: _upstream_metrics(statuses()))

    def watch(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Ask `collect` at each scrape."""
        self._registry.register(_Asked(collect))


class _Asked(Collector):
    """Metrics that are read when Prometheus asks."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the daemon may not be complete when a watch is set."""
        return ()


def _by_state(name: str, text: str, tally: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["state"])
    for state, count in sorted(tally.items()):
        family.add_metric([state], count)
    return family


def _link_metrics(statuses: Iterable[tuple[str, Path, LinkStatus]]) -> Iterator[Metric]:
    labels = ["link", "path"]
    up = GaugeMetricFamily("ebcd_link_up", "1 while a link is usable", labels=labels)
    devices = GaugeMetricFamily("ebcd_link_devices", "Devices that a link reaches now", labels=labels)
    depth = GaugeMetricFamily("ebcd_outbox_depth", "Commands waiting in a link's outbox", labels=labels)
    limit = GaugeMetricFamily("ebcd_outbox_limit", "Commands that its outbox can hold", labels=labels)
    dropped = CounterMetricFamily("ebcd_outbox_dropped", "Commands that its outbox pushed out", labels=labels)
    streams = GaugeMetricFamily("ebcd_link_streams", "Streams of sound that a link sends now", labels=labels)
    packets = CounterMetricFamily("ebcd_link_stream_packets", "Datagrams of sound that a link has sent", labels=labels)
    failures = CounterMetricFamily(
        "ebcd_link_stream_failures", "Datagrams of sound that were refused there or found no way", labels=labels
    )
    for name, path, status in statuses:
        values = [name, str(path)]
        if status.streaming is not None:
            streams.add_metric(values, status.streaming.open)
            packets.add_metric(values, status.streaming.packets)
            failures.add_metric(values, status.streaming.failures)
        up.add_metric(values, float(status.up))
        devices.add_metric(values, status.devices)
        depth.add_metric(values, status.outbox_depth)
        limit.add_metric(values, status.outbox_limit)
        dropped.add_metric(values, status.dropped)
    yield from (up, devices, depth, limit, dropped, streams, packets, failures)


def _backup_metrics(figures: BackupFigures) -> Iterator[Metric]:
    for name, text, value in (
        (
            "ebcd_backup_newest_timestamp_seconds",
            "When the newest backup was made; 0: there is none",
            figures.newest_at,
        ),
        ("ebcd_backup_newest_bytes", "Its size", figures.newest_bytes),
        ("ebcd_backups_kept", "Backups in their folder", figures.kept),
        ("ebcd_backup_interval_seconds", "How often one is due; 0: the daemon makes none", figures.interval_s),
    ):
        yield GaugeMetricFamily(name, text, value=value)


def _upstream_metrics(statuses: Iterable[PeerStatus]) -> Iterator[Metric]:
    standby = GaugeMetricFamily("ebcd_upstream_standby", "1 while its standby line is in use", labels=["peer"])
    switches = CounterMetricFamily("ebcd_upstream_switches", "Changes between its lines", labels=["peer"])
    spare = GaugeMetricFamily("ebcd_upstream_spare_up", "1 while its line that is not in use answers", labels=["peer"])
    for status in statuses:
        standby.add_metric([status.code], float(status.standby))
        switches.add_metric([status.code], status.switches)
        if status.spare:
            spare.add_metric([status.code], float(not status.spare_failure))
    yield from (standby, switches, spare)


def _report_metrics(waiting: Iterable[tuple[str, int, int]]) -> Iterator[Metric]:
    lacking = GaugeMetricFamily("ebcd_reports_lacking", "Records that a platform above lacks", labels=["peer"])
    requests = GaugeMetricFamily("ebcd_reports_requested", "Its requests that wait for their answer", labels=["peer"])
    for peer, records, asked in waiting:
        lacking.add_metric([peer], records)
        requests.add_metric([peer], asked)
    yield from (lacking, requests)


def _build_info() -> Iterable[Metric]:
    try:
        own = version("ebcd")
    except PackageNotFoundError:
        own = "unknown"
    family = GaugeMetricFamily("ebcd_build_info", "What is running; always 1", labels=["version", "python", "sm2"])
    family.add_metric([own, platform.python_version(), sm2.implementation()], 1)
    return [family]
