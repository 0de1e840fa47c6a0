"""What Prometheus is told."""

from __future__ import annotations

import time
from pathlib import Path as FilePath

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from devices.link import LinkStatus, Path
from ebcd.metrics import LABELS_MAX, Metrics, OwnProcess


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


def test_what_is_counted_is_told_by_its_labels(registry: CollectorRegistry, metrics: Metrics) -> None:
    metrics.delivery("ip", "confirmed", 3)
    metrics.receipt("mqtt", "began")
    metrics.rejected("returns", "crc")
    metrics.violation("I7")
    metrics.restarted("link ip")
    metrics.bound_acted("events_max", 2)
    told = {
        ("ebcd_deliveries_total", ("ip", "confirmed")): 3,
        ("ebcd_receipts_total", ("mqtt", "began")): 1,
        ("ebcd_rejected_total", ("returns", "crc")): 1,
        ("ebcd_invariant_violations_total", ("I7",)): 1,
        ("ebcd_part_restarts_total", ("link ip",)): 1,
        ("ebcd_bound_acted_total", ("events_max",)): 2,
    }
    found = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels
    }
    assert told.items() <= found.items()


def test_a_stage_fills_its_histogram(registry: CollectorRegistry, metrics: Metrics) -> None:
    metrics.stage("confirmed_last", 0.5)
    assert registry.get_sample_value("ebcd_stage_seconds_bucket", {"stage": "confirmed_last", "le": "0.3"}) == 0
    assert registry.get_sample_value("ebcd_stage_seconds_bucket", {"stage": "confirmed_last", "le": "1.0"}) == 1


@pytest.mark.requirement("R-SUP-02")
def test_states_and_links_are_asked_for_at_the_scrape(registry: CollectorRegistry, metrics: Metrics) -> None:
    alerts = {"on_air": 1}
    status = LinkStatus(up=True, reason="", devices=7, outbox_depth=2, outbox_limit=512, dropped=4)
    metrics.watch_alerts(lambda: alerts)
    metrics.watch_devices(lambda: {"terminal": {"online": 5, "offline": 2}, "adapter": {"fault": 1}})
    metrics.watch_links(lambda: [("cellular", Path.CELLULAR, status)])
    alerts["on_air"] = 3
    link = {"link": "cellular", "path": "cellular"}
    assert registry.get_sample_value("ebcd_alerts", {"state": "on_air"}) == 3
    assert registry.get_sample_value("ebcd_terminals", {"state": "offline"}) == 2
    assert registry.get_sample_value("ebcd_adapters", {"state": "fault"}) == 1
    assert registry.get_sample_value("ebcd_link_up", link) == 1
    assert registry.get_sample_value("ebcd_link_devices", link) == 7
    assert registry.get_sample_value("ebcd_outbox_depth", link) == 2
    assert registry.get_sample_value("ebcd_outbox_limit", link) == 512
    assert registry.get_sample_value("ebcd_outbox_dropped_total", link) == 4


def test_labels_that_never_end_are_counted_together(registry: CollectorRegistry, metrics: Metrics) -> None:
    for number in range(LABELS_MAX + 9):
        metrics.rejected("upstream", f"reason-{number}")
    assert registry.get_sample_value("ebcd_rejected_total", {"source": "other", "reason": "other"}) == 9


def test_the_build_is_told(metrics: Metrics, registry: CollectorRegistry) -> None:
    assert b"ebcd_build_info{python=" in generate_latest(registry)


def test_two_daemons_in_one_process_count_apart() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    Metrics(first).violation("I1")
    Metrics(second)
    assert second.get_sample_value("ebcd_invariant_violations_total", {"invariant": "I1"}) is None


def test_the_process_is_told_where_the_unit_hides_everything_of_proc_but_processes(tmp_path: FilePath) -> None:
    (tmp_path / "self").symlink_to("/proc/self")  # and no stat beside it: ProcSubset=pid
    registry = CollectorRegistry()
    OwnProcess(proc=str(tmp_path), registry=registry)
    started = registry.get_sample_value("process_start_time_seconds")
    assert started is not None
    assert time.time() - 86_400 < started < time.time()
    for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds"):
        assert registry.get_sample_value(f"process_{name}")
