"""The running county as the scenario uses it: its processes, the operator API, the command line."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
import socket
import ssl
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ebcd.demo.processes import Child, Event, ProcessGone, run_to_end

PORTS_NEEDED = 140
BASE_PORTS = range(20_000, 30_000, 200)  # below the kernel's ephemeral ports
START_S_MAX = 30.0
POLL_S = 0.1
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here is TLS, and httpx would read every authority of the web anew for each question."""

ADAPTER_SUFFIX = "适配器"

Detail = dict[str, Any]


def claim_ports() -> tuple[int, socket.socket]:
    """The first of a run of free ports on loopback, and what claims them until it is closed: a socket bound behind
    their end, for another demo may be looking at this moment."""
    for base in BASE_PORTS:
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", base + PORTS_NEEDED))
        except OSError:
            claim.close()
            continue
        if all(_is_free(port) for port in range(base, base + PORTS_NEEDED)):
            return base, claim
        claim.close()
    raise ProcessGone("no 140 free ports in a row between 20000 and 30000 on 127.0.0.1; stop what uses them")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Town:
    """A town with terminals."""

    code: str
    name: str


@dataclass
class CountyRoom:
    """Directory, processes and doors of one demo."""

    folder: Path
    terminals: int
    seed: int
    group: asyncio.TaskGroup

    def __post_init__(self) -> None:
        self.broker: Child
        self.daemon: Child
        self.fleet: Child
        self.province: Child
        self.children: list[Child] = []
        self._claim: socket.socket | None = None

    # ---- starting ----------------------------------------------------------------------------------------------

    async def generate(self, quiet: tuple[str, str], edition: str = "2018") -> None:
        """Write the county's directory; `edition` is what its province speaks."""
        self._clear()
        (self.folder / "log").mkdir(parents=True)
        base_port, self._claim = claim_ports()
        options = {
            "--out": str(self.folder),
            "--terminals": str(self.terminals),
            "--seed": str(self.seed),
            "--base-port": str(base_port),
            "--edition": edition,
        }
        words = [word for option in options.items() for word in option]
        await run_to_end(["-m", "simulators", "county", *words, "--quiet", *quiet], self.folder / "log" / "county.log")
        self.settings = tomllib.loads((self.folder / "ebcd.toml").read_text(encoding="utf-8"))
        self.faults = json.loads((self.folder / "sim" / "faults.json").read_text(encoding="utf-8"))
        with (self.folder / "inventory.csv").open(encoding="utf-8", newline="") as rows:
            self.inventory = list(csv.DictReader(rows))

    def _clear(self) -> None:
        """An earlier demo's county makes room: its keys are made anew, so its journal would fit nothing. Anything else
        is left alone. Raises ProcessGone."""
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return
        if not (self.folder / "sim" / "fleet.json").exists():
            raise ProcessGone(f"{self.folder} is not empty and no county of a demo; name another folder")
        for name in ("state", "run", "log", "trust", "keys", "sim", "operators"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    async def start(self) -> None:
        """Start everything; returns when each has said that it is ready."""
        mqtt = next(link for link in self.settings["links"] if link["type"] == "cellular_mqtt")
        self.broker = await self._child("broker", "-m", "simulators", "broker", "--port", str(mqtt["port"]))
        await self.broker.wait_for(lambda e: e.get("event") == "ready", START_S_MAX, "that it is ready")
        await self.start_daemon()
        self.fleet = await self._child("fleet", "-m", "simulators", "fleet", "--dir", str(self.folder))
        self.province = await self._child("province", "-m", "simulators", "province", "--dir", str(self.folder))
        for child in (self.fleet, self.province):
            await child.wait_for(lambda e: e.get("event") == "ready", START_S_MAX, "that it is ready")

    async def start_daemon(self) -> float:
        """Start, or start again, the daemon; returns the seconds until its API answered."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        self.daemon = await self._child("daemon", "-m", "ebcd", "run", "-c", str(self.folder / "ebcd.toml"))
        while True:
            if not self.daemon.alive:
                raise ProcessGone(f"the daemon ended at its start; see {self.folder / 'log' / 'daemon.log'}")
            if loop.time() - began_s > START_S_MAX:
                raise ProcessGone(f"the daemon was not ready after {START_S_MAX:g} s")
            try:
                await self.get("/v1/status")
            except httpx.TransportError:
                await asyncio.sleep(0.02)
            else:
                return loop.time() - began_s

    async def stop(self) -> None:
        """End everything, the last started first."""
        for child in reversed(self.children):
            await child.stop()
        if self._claim is not None:
            self._claim.close()

    async def _child(self, name: str, *arguments: str) -> Child:
        child = await Child.start(name, arguments, self.folder / "log" / f"{name}.log", self.group)
        self.children.append(child)
        return child

    # ---- the daemon --------------------------------------------------------------------------------------------

    async def get(self, path: str, patience_s: float = 10) -> Any:
        """A page of the operator API; some ask devices before they answer. Raises httpx errors."""
        socket_path = str(self.folder / self.settings["api"]["socket"])
        transport = httpx.AsyncHTTPTransport(uds=socket_path, verify=NO_AUTHORITIES)
        async with httpx.AsyncClient(transport=transport, base_url="http://ebcd", timeout=patience_s) as client:
            response = await client.get(path)
            response.raise_for_status()
            return response.json()

    async def alert(self, ebm_id: str) -> Detail:
        """One alert in full."""
        found: Detail = await self.get(f"/v1/alerts/{ebm_id}")
        return found

    async def alert_when(self, ebm_id: str, wanted: Callable[[Detail], bool], timeout_s: float) -> Detail | None:
        """The alert as soon as `wanted` holds; as it is when time is up, None where it does not exist."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + timeout_s
        found: Detail | None = None
        while True:
            try:
                found = await self.alert(ebm_id)
                if wanted(found):
                    return found
            except httpx.HTTPError:
                pass  # not there yet, or the daemon is being started again
            if loop.time() >= end_s:
                return found
            await asyncio.sleep(POLL_S)

    async def metric(self, name: str) -> float:
        """The sum over all labels of one metric."""
        address = self.settings["metrics"]
        async with httpx.AsyncClient(timeout=10, verify=NO_AUTHORITIES) as client:
            page = (await client.get(f"http://{address['host']}:{address['port']}/metrics")).text
        values = [line.rsplit(" ", 1)[1] for line in page.splitlines() if line.split("{")[0].split(" ")[0] == name]
        return sum(float(value) for value in values)

    async def cli(self, operator: str, *arguments: str) -> tuple[int, Any]:
        """The command line as `operator`: exit status and the JSON it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "ebcd", *arguments, "--json", "-c", str(self.folder / "ebcd.toml")),
            *("--token-file", str(self.folder / "operators" / f"{operator}.token")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        text = out or err
        try:
            return process.returncode or 0, json.loads(text)
        except ValueError:
            return process.returncode or 0, text.decode("utf-8", "replace")

    # ---- the province ------------------------------------------------------------------------------------------

    async def order(self, tag: str, **fields: Any) -> Event:
        """Have the province post a message; its receipt."""
        self.province.send(cmd=fields.pop("cmd", "ebm"), tag=tag, **fields)
        return await self.province.wait_for(
            lambda e: e.get("event") in ("receipt", "error") and e.get("tag") == tag, 30.0, f"the receipt of {tag}"
        )

    def told(self, ebm_id: str) -> list[int]:
        """BrdStateCodes that the province has got about a message, in order, repetitions left out."""
        codes = [e["code"] for e in self.province.events if e.get("event") == "state" and e.get("ebmid") == ebm_id]
        return [code for at, code in enumerate(codes) if at == 0 or codes[at - 1] != code]

    async def state_told(self, ebm_id: str, codes: tuple[int, ...], timeout_s: float) -> Event | None:
        """The first feedback with one of `codes`; None when it does not come."""
        try:
            return await self.province.wait_for(
                lambda e: e.get("event") == "state" and e.get("ebmid") == ebm_id and e["code"] in codes,
                timeout_s,
                f"state {codes} of {ebm_id}",
            )
        except ProcessGone:
            return None

    # ---- the county --------------------------------------------------------------------------------------------

    def towns(self) -> list[Town]:
        """Towns by code, those without an injected dead link first."""
        dead = str(self.faults.get("dead_ip_town") or "")[:9]
        names: dict[str, str] = {}
        for row in self.inventory:
            if row["kind"] == "adapter" and row["code"][0] == "5":
                names[row["code"][1:13]] = row["name"].removesuffix(ADAPTER_SUFFIX)
        towns = [Town(code, name) for code, name in sorted(names.items())]
        return sorted(towns, key=lambda town: town.code.startswith(dead) if dead else False)
