"""Figures of others as Prometheus gets them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric

from devices.fm_transmitter import AirTime
from devices.link import DeviceState, Heartbeat
from devices.link import Path as LinkPath
from ebcd import gauges
from ebcd.disks import Disks
from ebcd.health import Condition, HealthBook, Way, Ways
from ebcd.operator import LinkRow
from ebcd.settings import load
from ebcd.signing import TrustStore
from ebcd.store import StoreStats
from ebcd.workorders import Finding, OrderEvent, Trouble
from ebcd.workorders.book import WorkBook, order_moved, order_noted, order_opened
from protocols.signature import number_from_text
from simulators.county import main as county
from tests.ebcd.county import VILLAGE_A1, VILLAGE_B1, terminal


def told(metrics: Iterable[Metric]) -> dict[tuple[str, ...], float]:
    """Name and label values of every sample."""
    return {(s.name, *s.labels.values()): s.value for family in metrics for s in family.samples}


def test_the_journal_tells_what_waits_what_failed_and_whether_anybody_writes() -> None:
    stats = StoreStats(commits=3, events=40, failures={"full": 2}, waiting=7, commit_s_sum=0.5, refused=1, lost=2)
    found = told(gauges.journal_metrics(stats, alive=False))
    assert found["ebcd_journal_writer_up",] == 0
    assert found["ebcd_journal_waiting_rows",] == 7
    assert found["ebcd_journal_failures_total", "full"] == 2
    assert found["ebcd_journal_lost_total",] == 3
    assert (found["ebcd_journal_rows_total",], found["ebcd_journal_commits_total",]) == (40, 3)


def test_towns_are_counted_as_their_terminals_change() -> None:
    here, there = terminal(VILLAGE_A1, 1), terminal(VILLAGE_B1, 1)
    book = HealthBook(Ways({code: Way(15.0) for code in (here, terminal(VILLAGE_A1, 2), there)}))
    book.start_counting(0.0)
    book.observe(Heartbeat("ip", here, "", DeviceState.IDLE, False), LinkPath.IP, 1.0, 1.0)
    book.tick(45.5, 45.5)
    found = told(gauges.town_metrics(book.by_town, lambda stem: {"349901101": "甲镇"}.get(stem, "")))
    assert found["ebcd_town_terminals", "甲镇 349901101", "online"] == 1
    assert found["ebcd_town_terminals", "甲镇 349901101", "offline"] == 1
    assert found["ebcd_town_terminals", "349901102", "offline"] == 1
    assert sum(value for key, value in found.items() if key[2] == "unknown") == 0


def test_more_towns_than_a_scrape_can_bear_become_one() -> None:
    many = {f"{number:09d}": {Condition.ONLINE: 2} for number in range(gauges.TOWNS_MAX + 3)}
    found = told(gauges.town_metrics(many, lambda _stem: ""))
    assert found["ebcd_town_terminals", "other", "online"] == 6
    assert len({town for _, town, _ in found}) == gauges.TOWNS_MAX + 1


def test_work_orders_are_counted_by_cause_and_state_and_timed_by_step() -> None:
    book = WorkBook()
    for number in range(3):
        finding = Finding(Trouble.DEVICE, f"root{number}", (f"d{number}",), since=1_000.0)
        book.apply(order_opened(f"W{number}", finding, "349901000000", "", 1_060.0, "daemon"))
    book.apply(order_moved("W0", OrderEvent.DISPATCH, 1_180.0, "daemon"))
    book.apply(order_noted("W0", "escalated", "dispatched", 9_000.0, "daemon"))
    found = told(gauges.order_metrics(book.orders.values(), 9_000.0))
    assert (found["ebcd_orders", "device", "open"], found["ebcd_orders", "device", "dispatched"]) == (2, 1)
    assert (found["ebcd_orders_overdue",], found["ebcd_orders_month",]) == (1, 3)
    assert (found["ebcd_orders_month_seconds", "notice"], found["ebcd_orders_month_seconds", "dispatch"]) == (60, 120)
    assert ("ebcd_orders_month_seconds", "arrive") not in found


def test_fm_frames_are_counted_by_what_they_carry() -> None:
    air = AirTime()
    for carries in (True, False, False):
        air.count(carries=carries)
    found = told(gauges.air_metrics([("fm", air)]))
    assert found["ebcd_fm_frames_total", "fm", "carrying"] == 1
    assert found["ebcd_fm_frames_total", "fm", "idle"] == 2


def test_platforms_above_are_told_apart() -> None:
    rows = [LinkRow(f"peer{n}", "upstream", "upstream", n == 1, "", n, 5 * n, 512, 0) for n in (0, 1)]
    rows.append(LinkRow("peer1/standby", "upstream", "upstream", False, "connect", 0, 0, 512, 0))
    found = told(gauges.peer_metrics(rows))
    assert (found["ebcd_peer_up", "peer0"], found["ebcd_peer_up", "peer1"]) == (0, 1)
    assert found["ebcd_peer_letters_waiting", "peer1"] == 5
    assert ("ebcd_peer_up", "peer1/standby") not in found  # nobody is called out of bed for a spare line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A county's folder."""
    made = tmp_path_factory.mktemp("county") / "c"
    assert county(["--out", str(made), "--terminals", "20", "--seed", "1"]) == 0
    return made


def test_of_each_role_the_certificate_that_ends_first_counts(folder: Path) -> None:
    root, own = number_from_text("000000000001"), number_from_text("000000000201")
    trust = TrustStore.load(folder / "trust", [root])
    found = told(gauges.certificate_metrics(trust, {"root": [root], "own": [own], "peer": []}))
    ends = {each.number: each.certificate.valid_until for each in trust}
    assert found["ebcd_certificate_expires_timestamp_seconds", "own"] == ends[own]
    others = [end for number, end in ends.items() if number not in (root, own)]
    assert found["ebcd_certificate_expires_timestamp_seconds", "device"] == min(others)
    assert found["ebcd_certificates", "device"] == len(others)
    assert not [key for key in found if "peer" in key]


@pytest.mark.real
async def test_disks_are_told_by_folder_also_of_folders_that_are_not_there_yet(folder: Path) -> None:
    (folder / "state").mkdir(exist_ok=True)
    (folder / "state" / "ebcd.db").write_bytes(bytes(1000))
    (folder / "state" / "ebcd.db-wal").write_bytes(bytes(24))
    disks = Disks(load(folder / "ebcd.toml", environ={}))
    looked = asyncio.Event()
    looking = asyncio.ensure_future(disks.run(looked.set))
    await looked.wait()
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    found = told(disks.metrics())
    assert found["ebcd_journal_bytes",] == 1024
    assert {key[1] for key in found if key[0] == "ebcd_disk_free_bytes"} == {"journal", "packages", "media", "backups"}
    assert found["ebcd_disk_size_bytes", "backups"] == shutil.disk_usage(folder).total
