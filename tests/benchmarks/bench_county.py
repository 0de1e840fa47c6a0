"""Section 6 of the design with real processes: a province's package in, every terminal's confirmation in the journal;
all terminals on direct IP, or all on MQTT, beside bare loops against the same fleet."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from ebcd.demo.floor import Floor
from ebcd.demo.measure import floor_frame, floor_of
from protocols import mqtt
from protocols.codes import AreaCode
from tests.benchmarks import mqtt_bare
from tests.benchmarks.county_run import County, county
from tests.benchmarks.measure import Measure

REFERENCE, LARGE = 2224, 10_000
FILES_MAX = 18_000  # of 20,000 a process: above it a fleet cannot hold its terminals and the floor's at once
SHOTS = 3
BARE_TCP = "a bare Protocol that writes the same bytes to as many sockets of the same fleet and counts replies"
BARE_MQTT = "a bare client that publishes the same bytes over the same broker to the same fleet and counts answers"
READY_AIM_S = 1.5
RSS_AIM_KIB = 10.0

Shot = tuple[Floor, dict[str, Any]]


async def tcp_floor(room: County) -> Floor:
    """As many bare connections as there are terminals; the daemon's own are cut while there is no room for both."""
    crowded = 2 * room.terminals > FILES_MAX
    if crowded:
        await room.cut_towns()
    floor = await floor_of(room)
    if crowded:
        await room.join_towns()
    return floor


async def mqtt_floor(room: County) -> Floor:
    """The daemon rests meanwhile: it would hear all answers too."""
    link = next(link for link in room.settings["links"] if link["type"] == "cellular_mqtt")
    topic = str(mqtt.AreaTopic(AreaCode(room.settings["platform"]["area"])))
    client = await mqtt_bare.connected(link["host"], link["port"])
    try:
        over = -120  # terminals answer and do nothing else
        shots = [
            await client.shoot(topic, floor_frame(room, number, begin_in_s=over), room.terminals)
            for number in (1, 2, 3)
        ]
    finally:
        client.close()
    return sorted(shots, key=lambda shot: shot.last_s)[1]


async def shoot(terminals: int, path: str) -> tuple[County, list[Shot]]:
    """One county, several alerts, each with a floor of its own where that costs the daemon nothing."""
    with tempfile.TemporaryDirectory(prefix=".bench-county-", dir=".") as name:
        async with county(Path(name), terminals, path) as room:
            shots: list[Shot] = []
            if path == "mqtt":
                await room.daemon.stop()
                floor = await mqtt_floor(room)
                await room.start_daemon()
                await room.seen_by_daemon()
            for number in range(SHOTS):
                if path != "mqtt" and (number == 0 or 2 * terminals <= FILES_MAX):
                    floor = await tcp_floor(room)
                shots.append((floor, await room.shot(number)))
            return room, shots


def ratio(shot: Shot) -> float:
    """Last confirmation journaled over the floor's last reply."""
    return float(shot[1]["latency_s"]["last"]) / shot[0].last_s


def measures(label: str, bare: str, room: County, shots: list[Shot]) -> Iterator[Measure]:
    """What one county showed; latencies are those of the median shot."""
    floor, shown = sorted(shots, key=ratio)[len(shots) // 2]
    ratios = ", ".join(f"{ratio(shot):.2f}" for shot in shots)
    path = next(iter(shown["latency_by_path_s"]))
    for name, value in shown["stages_s"].items():
        yield Measure(f"{label}: {name}", value * 1e3, "ms")
    for name in ("first", "median", "p99", "last"):
        note = f"of {SHOTS} shots: {ratios} x floor" if name == "last" else ""
        beside = {"first": floor.first_s, "last": floor.last_s}.get(name)
        value = shown["latency_by_path_s"][path][name]
        yield Measure(f"{label}: confirmed, {name}", value * 1e3, "ms", beside and beside * 1e3, bare, note)
    each_us = (shown["latency_s"]["last"] - shown["stages_s"][f"sent_{path}"]) / room.terminals * 1e6
    yield Measure(f"{label}: from sent to last, per terminal", each_us, "us", floor.last_s / room.terminals * 1e6, bare)
    for name, value in shown["begin_s"].items():
        yield Measure(f"{label}: sound begins, {name}", value * 1e3, "ms", note=f"{shown['begins']} began")
    confirmed = f"{shown['confirmed']} of {room.terminals} confirmed"
    yield Measure(f"{label}: processor time of the daemon", shown["daemon_cpu_s"], "s", note=confirmed)
    yield Measure(f"{label}: processor time of the fleet", shown["fleet_cpu_s"], "s")
    memory_kib = room.rss_per_terminal / 1024
    yield Measure(f"{label}: daemon's memory per terminal", memory_kib, "KiB", note=f"aim < {RSS_AIM_KIB:g}")
    yield Measure(f"{label}: daemon ready after", room.ready_s, "s", note=f"aim {READY_AIM_S:g}")


def run() -> Iterator[Measure]:
    """The reference county and a large one on IP, the reference county on MQTT."""
    for terminals, path, bare in ((REFERENCE, "ip", BARE_TCP), (LARGE, "ip", BARE_TCP), (REFERENCE, "mqtt", BARE_MQTT)):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            room, shots = runner.run(shoot(terminals, path))
        yield from measures(f"{terminals:,} {path}", bare, room, shots)
