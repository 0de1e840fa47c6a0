"""systemd hears of the daemon's life only while the loop turns and the journal writes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog

from devices.link import NOT_STARTED, LinkStatus
from ebcd import pulse
from ebcd.pulse import Pulse, all_tried, watchdog_s
from tests.virtual_time import VirtualClock


class Body:
    """A pulse and what it told."""

    def __init__(self, clock: VirtualClock, watchdog: float) -> None:
        self.told: list[str] = []
        self.late: list[float] = []
        self.writes = True
        self.status = ""
        self.pulse = Pulse(
            clock.monotonic,
            lambda: self.writes,
            self.late.append,
            watchdog_s=watchdog,
            status=lambda: self.status,
            tell=self.told.append,
        )

    async def live(self, seconds: float) -> None:
        """Let it beat so long."""
        task = asyncio.ensure_future(self.pulse.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_watchdog_is_fed_three_times_in_its_patience(clock: VirtualClock) -> None:
    body = Body(clock, 30.0)
    await body.live(60.2)
    assert set(body.told) == {"WATCHDOG=1"}
    assert 6 <= len(body.told) <= 7


async def test_nobody_is_fed_where_nobody_asked(clock: VirtualClock) -> None:
    body = Body(clock, 0.0)
    await body.live(60.0)
    assert body.told == []
    assert body.late


async def test_a_dead_journal_writer_starves_the_watchdog_and_is_told_once(clock: VirtualClock) -> None:
    body = Body(clock, 3.0)
    body.writes = False
    with structlog.testing.capture_logs() as lines:
        await body.live(10.0)
    assert body.told == []
    assert [line["event"] for line in lines] == ["watchdog.starved"]


async def test_who_looks_at_the_unit_sees_what_is_true_now_and_systemd_hears_only_changes(clock: VirtualClock) -> None:
    body = Body(clock, 0.0)
    body.status = "5 of 6 links up"
    task = asyncio.ensure_future(body.pulse.run())
    await asyncio.sleep(30.0)
    body.status = "6 of 6 links up"
    await asyncio.sleep(30.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert body.told == ["STATUS=5 of 6 links up", "STATUS=6 of 6 links up"]


async def test_how_late_a_beat_comes_is_measured(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    body = Body(clock, 0.0)
    sleep = asyncio.sleep

    async def held_up(seconds: float) -> None:
        await sleep(seconds + 0.25)

    monkeypatch.setattr("ebcd.pulse.asyncio.sleep", held_up)
    task = asyncio.ensure_future(body.pulse.run())
    await sleep(2.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert body.late == pytest.approx([0.25, 0.25])


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_how_long_systemd_waits_stands_in_the_environment(environ: dict[str, str], expected: float) -> None:
    assert watchdog_s(environ) == expected


class SlowLink:
    """Has tried nothing before its time."""

    def __init__(self, name: str, clock: VirtualClock, tried_s: float, result: str = "") -> None:
        self.name, self._clock, self._tried_s, self._result = name, clock, tried_s, result

    def status(self) -> LinkStatus:
        """Not started, then up or down."""
        if self._clock.monotonic() < self._tried_s:
            return LinkStatus(False, NOT_STARTED, 0, 0, 1, 0)
        return LinkStatus(not self._result, self._result, 0, 0, 1, 0)


async def test_ready_waits_for_each_links_first_try_whatever_came_of_it(clock: VirtualClock) -> None:
    links: list[Any] = [SlowLink("a", clock, 1.0), SlowLink("b", clock, 4.0, "connection refused")]
    assert await all_tried(links, clock.monotonic) == ()
    assert 4.0 <= clock.monotonic() < 4.1


async def test_ready_does_not_wait_for_ever_for_a_broker_that_says_nothing(clock: VirtualClock) -> None:
    links: list[Any] = [SlowLink("a", clock, 1.0), SlowLink("silent", clock, 1e9)]
    assert await all_tried(links, clock.monotonic) == ("silent",)
    assert clock.monotonic() == pytest.approx(pulse.TRIED_S_MAX, abs=0.1)
