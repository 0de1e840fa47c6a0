"""What it costs the daemon to hear that a county lives: 10,000 terminals on TCP and 10,000 over MQTT, one heartbeat
each in 15 s, conditions kept and written down."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvloop

from tests.benchmarks.county_run import County, county, cpu_s
from tests.benchmarks.measure import Measure

TERMINALS = 10_000
PERIOD_S = 15.0
LOOK_S = 60.0
SHARE_AIM = 20.0  # per cent of one core, both together


async def share(path: str) -> tuple[County, float, int]:
    """Per cent of one core that the daemon used while it did nothing but listen, and how many it holds online."""
    with tempfile.TemporaryDirectory(prefix=".bench-beats-", dir=".") as name:
        async with county(Path(name), TERMINALS, path) as room:
            await asyncio.sleep(PERIOD_S)  # the storm of the first registrations is over
            before_s = cpu_s(room.daemon.pid)
            await asyncio.sleep(LOOK_S)
            used_s = cpu_s(room.daemon.pid) - before_s
            online = (await room.get("/v1/status"))["terminals"].get("online", 0)
            return room, 100 * used_s / LOOK_S, int(online)


def run() -> Iterator[Measure]:
    """Both paths, one after the other; the aim is for their sum."""
    total = 0.0
    for path in ("ip", "mqtt"):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            room, percent, online = runner.run(share(path))
        total += percent
        each_us = percent / 100 / (TERMINALS / PERIOD_S) * 1e6
        yield Measure(f"{TERMINALS:,} {path}: one core", percent, "%", note=f"{online} online")
        yield Measure(f"{TERMINALS:,} {path}: per heartbeat", each_us, "us")
        yield Measure(f"{TERMINALS:,} {path}: memory per terminal", room.rss_per_terminal / 1024, "KiB")
    yield Measure("both: one core", total, "%", note=f"aim < {SHARE_AIM:g}")
