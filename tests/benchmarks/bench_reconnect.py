"""The daemon is killed (kill -9) under 10,000 terminals on TCP and 10,000 over MQTT that come back as real ones do:
after 5 s give or take 10 %. Then links and broker break several times. How soon are all back, and is memory flat?"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import uvloop

from simulators.broker import engine
from tests.benchmarks.county_run import County, county, cpu_s, rss_bytes
from tests.benchmarks.measure import Measure

TERMINALS = 20_000  # half of them on each path
RESTARTS = 2
BREAKS = 3
REST_S = 60.0  # until the province has heard of 20,000 terminals
BEATS_S = 120.0
BACK_AIM_S = 15.0
BACK_S_MAX = 90.0
LOOK_S = 0.1
MIB = 1024 * 1024


async def until_back(room: County, began_s: float) -> tuple[float, float]:
    """Seconds since `began_s` until the links hold everybody, and until everybody's condition is known and good."""
    loop = asyncio.get_running_loop()
    linked_s = 0.0
    async with asyncio.timeout(BACK_S_MAX):
        while True:
            if not linked_s and await room.linked() == room.terminals:
                linked_s = loop.time() - began_s
            if linked_s and await room.online() == room.terminals:
                return linked_s, loop.time() - began_s
            await asyncio.sleep(LOOK_S)


def memory(room: County, what: str) -> Measure:
    """What the daemon holds now."""
    return Measure(f"memory {what}", rss_bytes(room.daemon.pid) / MIB, "MiB")


def checkpoint_bytes(room: County) -> int:
    """The newest checkpoint of the journal; 0 before the first."""
    file = room.folder / room.settings["store"]["url"].rpartition("///")[2]
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        row = store.execute("SELECT length(state) FROM checkpoint ORDER BY seq DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


async def restarted(room: County, number: int) -> AsyncIterator[Measure]:
    """One kill -9."""
    began_s = asyncio.get_running_loop().time()
    room.daemon.kill()
    await room.daemon.gone()
    ready_s = await room.start_daemon()
    linked_s, online_s = await until_back(room, began_s)
    used_s = cpu_s(room.daemon.pid)
    yield Measure(f"kill -9, {number}: from its start until it answers", ready_s, "s")
    yield Measure(f"kill -9, {number}: until all are connected", linked_s, "s", note=f"aim < {BACK_AIM_S:g}")
    yield Measure(f"kill -9, {number}: until all are known online", online_s, "s", note=f"aim < {BACK_AIM_S:g}")
    yield Measure(f"kill -9, {number}: processor time of the daemon until then", used_s, "s")


async def broken(room: County, number: int) -> AsyncIterator[Measure]:
    """Every TCP connection is cut and the broker killed and started again, at the same time."""
    began_s = asyncio.get_running_loop().time()
    await room.cut_towns()
    room.broker.kill()
    await room.broker.gone()
    await room.start_broker()
    for town in room.towns():
        await room.fleet.ask("ip_town", cmd="ip_town", area=town.code, up=True)
    while await room.linked() == room.terminals:  # noqa: ASYNC110 - another process, asked ten times a second
        await asyncio.sleep(LOOK_S)
    linked_s, _ = await until_back(room, began_s)
    yield Measure(f"links and broker broken, {number}: until all are connected", linked_s, "s")
    yield memory(room, f"after break {number}")


async def story() -> list[Measure]:
    """All of it in one county."""
    told: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix=".bench-reconnect-", dir=".") as name:
        async with county(Path(name), TERMINALS, "ip", "mqtt", reconnect_scale=1.0) as room:
            await until_back(room, 0.0)
            await asyncio.sleep(REST_S)
            told.append(Measure("terminals", room.terminals, "", note=f"half of them on TCP, half over {engine()}"))
            told.append(memory(room, "before the first restart"))
            for number in range(1, RESTARTS + 1):
                told += [each async for each in restarted(room, number)]
                told.append(memory(room, f"after restart {number}"))
            await asyncio.sleep(BEATS_S)
            told.append(memory(room, f"after {BEATS_S:g} s of heartbeats"))
            for number in range(1, BREAKS + 1):
                told += [each async for each in broken(room, number)]
            await asyncio.sleep(BEATS_S)
            told.append(memory(room, f"after {BEATS_S:g} s more"))
            told.append(Measure("checkpoint of the journal", checkpoint_bytes(room) / 1024, "KiB"))
    return told


def run() -> Iterator[Measure]:
    """Some six minutes."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield from runner.run(story())
