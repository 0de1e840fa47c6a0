"""A whole county for a benchmark: real processes, every terminal on one path, nothing broken; timed from outside."""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ebcd.demo.processes import Child
from ebcd.demo.room import START_S_MAX, CountyRoom, Detail

NEVER = ("00:00", "00:00")
NOWHERE = "0" * 12
SETTLE_S_MAX = 90.0
CONNECTS_PER_S = 2_500
LOOK_S = 0.5
REST_S = 1.0  # until what was just started has nothing left to do
WINDOW_S = 9
CONFIRM_S_MAX = 8.0
OVER_S_MAX = 30.0
SOUND_S = 3.0


def put_on_paths(folder: Path, *paths: str) -> None:
    """Rewrite a generated county: every terminal has one of `paths` alone, in turn, has power, and no link is dead or
    slow."""
    turn = itertools.cycle(paths)
    table = folder / "inventory.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        on = {row["code"]: next(turn) for row in rows if row["kind"] == "terminal"}
        writer.writerows(row | ({"paths": on[row["code"]]} if row["code"] in on else {}) for row in rows)
    facts_file, faults_file = folder / "sim" / "fleet.json", folder / "sim" / "faults.json"
    facts = json.loads(facts_file.read_text(encoding="utf-8"))
    for terminal in facts["terminals"]:
        terminal["paths"] = [on[terminal["code"]]]
    facts_file.write_text(json.dumps(facts), encoding="utf-8")
    faults = json.loads(faults_file.read_text(encoding="utf-8"))
    faults |= {"dead_ip_town": NOWHERE, "off": []}
    faults["slow_adapter"]["delay_s"] = 0.0
    faults_file.write_text(json.dumps(faults), encoding="utf-8")


def rss_bytes(pid: int) -> int:
    """Memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def cpu_s(pid: int) -> float:
    """Processor time that a process has used, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / 100  # USER_HZ, the same on every Linux


@dataclass
class County(CountyRoom):
    """A county of `terminals`, each on one of `paths`. A path has a fleet process of its own, since a process may have
    20,000 files; the adapters and the receivers belong to the first."""

    paths: tuple[str, ...] = ("ip",)
    reconnect_scale: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ready_s = 0.0
        self.rss_alone = 0
        self.rss_connected = 0
        self.fleets: list[Child] = []

    async def start(self) -> None:
        """The daemon alone, weighed; then everybody connected, weighed again; then the province."""
        await self.start_broker()
        self.ready_s = await self.start_daemon()
        await asyncio.sleep(REST_S)
        self.rss_alone = rss_bytes(self.daemon.pid)
        spread_s = str(max(1.0, self.terminals / CONNECTS_PER_S))
        scale = str(self.reconnect_scale)
        options = ("--spread-s", spread_s, "--reconnect-scale", scale, "--clean-links")
        for path in self.paths:
            only = ("--only-path", path) if len(self.paths) > 1 else ()
            arguments = ("-m", "simulators", "fleet", "--dir", str(self.folder), *options, *only)
            self.fleets.append(await self._child(f"fleet-{path}", *arguments))
        for fleet in self.fleets:
            await fleet.wait_for(lambda e: e.get("event") == "settled", SETTLE_S_MAX, "that everybody is connected")
        self.fleet = self.fleets[0]
        await asyncio.sleep(REST_S)
        self.rss_connected = rss_bytes(self.daemon.pid)
        self.province = await self._child("province", "-m", "simulators", "province", "--dir", str(self.folder))
        await self.province.wait_for(lambda e: e.get("event") == "ready", START_S_MAX, "that it is ready")

    async def start_broker(self) -> None:
        """mosquitto where it is installed (`simulators.broker`)."""
        mqtt = next(link for link in self.settings["links"] if link["type"] == "cellular_mqtt")
        self.broker = await self._child("broker", "-m", "simulators", "broker", "--port", str(mqtt["port"]))
        await self.broker.wait_for(lambda e: e.get("event") == "ready", START_S_MAX, "that it is ready")

    @property
    def rss_per_terminal(self) -> float:
        """Bytes of the daemon for one connected terminal."""
        return (self.rss_connected - self.rss_alone) / self.terminals

    async def cut_towns(self) -> None:
        """No terminal reaches the daemon."""
        for town in self.towns():
            await self.fleet.ask("ip_town", cmd="ip_town", area=town.code, up=False)

    async def join_towns(self) -> None:
        """All terminals dial again; returns when the daemon has them."""
        for town in self.towns():
            await self.fleet.ask("ip_town", cmd="ip_town", area=town.code, up=True)
        await self.seen_by_daemon()

    async def seen_by_daemon(self) -> None:
        """Wait until the daemon's link has every terminal."""
        async with asyncio.timeout(SETTLE_S_MAX):
            while await self.linked() < self.terminals:  # noqa: ASYNC110 - another process, asked twice a second
                await asyncio.sleep(LOOK_S)
        await asyncio.sleep(REST_S)

    async def linked(self) -> int:
        """Terminals that the daemon's links of these paths hold."""
        rows = await self.get("/v1/links")
        return sum(max(int(row["devices"]) for row in rows if row["path"] == path) for path in self.paths)

    async def online(self) -> int:
        """Terminals that the daemon knows to be online."""
        return int((await self.get("/v1/status"))["terminals"].get("online", 0))

    async def shot(self, number: int) -> dict[str, Any]:
        """One alert of the highest level for the whole county; the daemon's times of it, when its window is over."""
        daemon, fleet = self.daemon.pid, self.fleet.pid
        used_s = cpu_s(daemon), cpu_s(fleet)
        receipt = await self.order(f"shot{number}", title="county", severity=1, duration_s=WINDOW_S, with_audio=SOUND_S)
        if receipt.get("code") != 1:
            raise RuntimeError(f"the province was answered {receipt}")
        ebm_id = receipt["ebmid"]
        await asyncio.sleep(min(CONFIRM_S_MAX, 1.0 + self.terminals / 2000))  # questions would cost what is measured
        detail = await self.alert_when(ebm_id, _all_confirmed, CONFIRM_S_MAX)
        used_s = cpu_s(daemon) - used_s[0], cpu_s(fleet) - used_s[1]
        over = await self.alert_when(ebm_id, lambda found: found["row"]["state"] in ("done", "failed"), OVER_S_MAX)
        truth = await self.fleet.ask("truth", 60.0, cmd="truth", ebm_id=ebm_id)
        begins = sorted(at - float(receipt["posted_at"]) for _, _, at, *_ in truth["starts"])
        return {
            **(detail or {})["times"],
            "confirmed": (detail or {})["row"]["counts"]["confirmed"],
            "over": (over or {})["row"]["state"],
            "begins": len(begins),
            "begin_s": {"median": begins[len(begins) // 2], "last": begins[-1]} if begins else {},
            "daemon_cpu_s": round(used_s[0], 3),
            "fleet_cpu_s": round(used_s[1], 3),
        }


def _all_confirmed(found: Detail) -> bool:
    counts = found["row"]["counts"]
    return bool(counts["targeted"]) and counts["confirmed"] == counts["targeted"]


@asynccontextmanager
async def county(folder: Path, terminals: int, *paths: str, reconnect_scale: float = 0.1) -> AsyncIterator[County]:
    """A running county that ends with the block. `reconnect_scale` 1.0: terminals come back as slowly as real ones."""
    async with asyncio.TaskGroup() as group:
        room = County(folder, terminals, 1, group, paths, reconnect_scale)
        await room.generate(NEVER)
        put_on_paths(folder, *paths)
        try:
            await room.start()
            yield room
        finally:
            await room.stop()
