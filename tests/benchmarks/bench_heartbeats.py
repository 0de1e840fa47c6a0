"""What it costs the daemon to hear that a county lives: 10,000 terminals on TCP and 10,000 over MQTT, one heartbeat
each in 15 s, conditions kept and written down. Each path alone, then both in one county, for which the aim is set."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvloop

from tests.benchmarks.county_run import County, county, cpu_s
from tests.benchmarks.measure import Measure

TERMINALS = 10_000  # of each path
PERIOD_S = 15.0
LOOK_S = 60.0
SHARE_AIM = 20.0  # per cent of one core, both together
ROUNDS: tuple[tuple[str, ...], ...] = (("ip",), ("mqtt",), ("ip", "mqtt"))


async def share(*paths: str) -> tuple[County, float, int]:
    """Per cent of one core that the daemon used while it did nothing but listen, and how many it holds online."""
    with tempfile.TemporaryDirectory(prefix=".bench-beats-", dir=".") as name:
        async with county(Path(name), TERMINALS * len(paths), *paths) as room:
            await asyncio.sleep(PERIOD_S)  # the storm of the first registrations is over
            before_s = cpu_s(room.daemon.pid)
            await asyncio.sleep(LOOK_S)
            used_s = cpu_s(room.daemon.pid) - before_s
            return room, 100 * used_s / LOOK_S, await room.online()


def run() -> Iterator[Measure]:
    """Each round in a county of its own."""
    for paths in ROUNDS:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            room, percent, online = runner.run(share(*paths))
        label = " + ".join(f"{TERMINALS:,} {path}" for path in paths)
        each_us = percent / 100 / (room.terminals / PERIOD_S) * 1e6
        aim = f", aim < {SHARE_AIM:g}" if len(paths) > 1 else ""
        yield Measure(f"{label}: one core", percent, "%", note=f"{online} online{aim}")
        yield Measure(f"{label}: per heartbeat", each_us, "us")
        yield Measure(f"{label}: memory per terminal", room.rss_per_terminal / 1024, "KiB")
