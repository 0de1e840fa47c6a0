"""The daemon's own timer: due, put off, tried again, told."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from ebcd.backup import clerk as clerks
from ebcd.backup.clerk import Clerk
from ebcd.backup.errors import BackupError
from ebcd.backup.keeping import Kept, archives
from ebcd.backup.make import make
from ebcd.metrics import Metrics
from ebcd.settings import Settings
from ebcd.world import World
from tests.ebcd.backup.county import AREA, Place

pytestmark = pytest.mark.real
"""Archives are made in a thread, which virtual time cannot wait for."""


class Desk:
    """A clerk who looks around all the time, and what was heard of it."""

    def __init__(self, place: Place, monkeypatch: pytest.MonkeyPatch, **backup: Any) -> None:
        for name in ("FIRST_LOOK_S", "LOOK_S"):
            monkeypatch.setattr(clerks, name, 0.0)
        self.place, self.clock, self.on_air = place, place.clock, False
        section = place.settings.backup.model_copy(update=backup)
        self.settings: Settings = dataclasses.replace(place.settings, backup=section)
        self.registry = CollectorRegistry()
        world = dataclasses.replace(
            World.real(), clock=self.clock, registry=self.registry, entropy=random.Random(1).randbytes
        )
        self.clerk = Clerk(self.settings, world, Metrics(self.registry), lambda: self.on_air)
        self.looked = asyncio.Event()
        look = self.clerk._look

        async def told() -> Kept | None:
            found = await look()
            self.looked.set()
            return found

        monkeypatch.setattr(self.clerk, "_look", told)

    @property
    def made(self) -> int:
        """Archives in the folder."""
        return len(archives(self.settings.backup.folder, AREA))

    def metric(self, name: str, **labels: str) -> float:
        """One value of the metrics page."""
        return self.registry.get_sample_value(name, labels) or 0.0

    async def until(self, wanted: Callable[[], object]) -> None:
        """Wait, look after look of the clerk, until something is so."""
        while not wanted():
            self.looked.clear()
            await self.looked.wait()

    async def looks(self, times: int = 3) -> None:
        """Let it look around so often."""
        for _ in range(times):
            self.looked.clear()
            await self.looked.wait()


@contextmanager
def heard() -> Iterator[list[Any]]:
    """What the log is told."""
    with structlog.testing.capture_logs() as lines:
        yield lines


async def at_work(desk: Desk, *steps: Any) -> list[Any]:
    """Run the clerk beside some steps; what it told."""
    with heard() as lines:
        async with asyncio.TaskGroup() as group:
            working = group.create_task(desk.clerk.run())
            for step in steps:
                await step()
            working.cancel()
    return [line for line in lines if line["event"].startswith("backup.")]


async def test_the_first_is_made_at_once_and_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(place, monkeypatch)
    lines = await at_work(desk, lambda: desk.until(lambda: desk.metric("ebcd_backups_kept")))
    (line,) = lines
    assert (line["event"], line["log_level"], line["encrypted"], line["rows"]) == (
        "backup.made",
        "info",
        False,
        {AREA: 5},
    )
    assert desk.made == 1
    assert desk.metric("ebcd_backup_runs_total", outcome="made") == 1
    assert desk.metric("ebcd_backup_newest_timestamp_seconds") == int(desk.clock.now_s)
    assert desk.metric("ebcd_backup_newest_bytes") > 1000
    assert desk.metric("ebcd_backup_interval_seconds") == 86_400


async def test_the_first_is_made_by_a_clock_that_goes_on_between_two_readings(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real one does; with two readings the first backup of a new server was due in the next microsecond for ever."""
    wall = place.clock.wall

    def goes_on() -> float:
        place.clock.now_s += 1e-6
        return wall()

    monkeypatch.setattr(place.clock, "wall", goes_on)
    desk = Desk(place, monkeypatch)
    await at_work(desk, lambda: desk.looks(5))
    assert desk.made == 1


@pytest.mark.requirement("R-PERF-07")
async def test_the_next_is_made_when_its_time_has_come_and_not_before(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.backup()
    desk = Desk(place, monkeypatch)

    async def not_yet() -> None:
        desk.clock.now_s += 23.9 * 3600
        await desk.looks()
        assert desk.made == 1
        desk.clock.now_s += 3600

    await at_work(desk, not_yet, lambda: desk.until(lambda: desk.made == 2))


async def test_an_alert_on_air_puts_it_off_but_not_for_ever(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.backup()
    desk = Desk(place, monkeypatch)
    desk.on_air = True
    desk.clock.now_s += 25 * 3600

    async def later() -> None:
        await desk.looks()
        assert desk.made == 1
        desk.clock.now_s += clerks.PATIENCE_S

    await at_work(desk, later, lambda: desk.until(lambda: desk.made == 2))


async def test_a_failure_is_told_once_and_tried_again_after_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(place, monkeypatch)

    def full(*_arguments: object) -> None:
        raise BackupError("no_room", folder="f", free_mb=1, needed_mb=2)

    monkeypatch.setattr(clerks, "make", full)

    async def mended() -> None:
        await desk.until(lambda: desk.metric("ebcd_backup_runs_total", outcome="no_room"))
        await desk.looks()
        assert desk.metric("ebcd_backup_runs_total", outcome="no_room") == 1
        monkeypatch.setattr(clerks, "make", make)
        desk.clock.now_s += clerks.RETRY_S + 1

    lines = await at_work(desk, mended, lambda: desk.until(lambda: desk.metric("ebcd_backups_kept")))
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("backup.failed", "error"),
        ("backup.made", "info"),
    ]
    assert lines[0]["reason"] == "no_room"


async def test_turned_off_it_only_counts_what_is_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.backup()
    desk = Desk(place, monkeypatch, every_h=0.0)
    desk.clock.now_s += 400 * 86_400
    await at_work(desk, desk.looks)
    assert desk.made == 1
    assert desk.metric("ebcd_backups_kept") == 1
    assert desk.metric("ebcd_backup_interval_seconds") == 0


@pytest.mark.requirement("R-PERF-08")
async def test_what_is_older_than_asked_is_removed_after_a_new_one_was_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = place.backup().file
    place.clock.now_s += 200 * 86_400
    desk = Desk(place, monkeypatch)
    lines = await at_work(desk, lambda: desk.until(lambda: not old.exists()), desk.looks)
    assert desk.made == 1
    assert lines[-1]["event"] == "backup.removed"
    assert lines[-1]["files"] == [old.name]


async def test_the_end_of_the_daemon_lets_go_of_an_archive_in_the_middle(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(place, monkeypatch)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    given_up = asyncio.Event()

    def slow(settings: Any, folder: Any, passphrase: Any, doors: Any) -> Any:
        loop.call_soon_threadsafe(begun.set)
        while not doors.stopped():
            pass
        try:
            return make(settings, folder, passphrase, doors)
        except BackupError as error:
            if error.what == "stopped":
                loop.call_soon_threadsafe(given_up.set)
            raise

    monkeypatch.setattr(clerks, "make", slow)
    await at_work(desk, begun.wait)
    await given_up.wait()
    assert desk.made == 0
