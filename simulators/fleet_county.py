"""The devices of a county put together: who dials whom, over which link, with which fault."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from protocols.codes import AreaCode, InvalidCode, covers
from protocols.fm.configuration import ScanEntry
from simulators.adapter import Adapter
from simulators.adapter_station import AdapterPlace, AdapterStation
from simulators.audio_fetch import AudioFetcher
from simulators.clock import Clock
from simulators.fleet_ears import FleetEars
from simulators.fleet_facts import AdapterFacts, FleetFacts, TerminalFacts
from simulators.fleet_log import FleetLog
from simulators.impaired import ImpairedLink, LinkFaults
from simulators.leisure import Leisure, OwnThread
from simulators.mqtt_terminal import MqttTerminal
from simulators.terminal import Terminal
from simulators.terminal_client import Pace, TerminalClient
from simulators.terminal_shell import FleetDoors, TerminalShell
from simulators.trust import FrameReader

IMPAIRED = ("cellular", "mqtt", "media")  # endpoints that 3G/4G terminals reach through a bad link
FLOOR_CONNECT_S = 30.0
NEVER_S = 1e9


class FleetCounty:
    """Everything of a county that is no platform."""

    def __init__(
        self,
        facts: FleetFacts,
        folder: Path,
        pace: Pace,
        clock: Clock,
        *,
        clean_links: bool = False,
        only_path: str | None = None,
    ) -> None:
        """`clean_links`: 3G/4G without delay and loss, for measurements of what stands behind it. `only_path`: the
        terminals on that path and nothing else; another process has the rest, since one has too few open files."""
        self._facts = facts if only_path is None else _only(facts, only_path)
        self._hears_fm = only_path is None
        self._clean_links = clean_links
        self._pace = pace
        self._clock = clock
        self._log = FleetLog()
        self._reader = FrameReader(facts.trust)
        self._links: dict[str, ImpairedLink] = {}
        self._digests, self._signatures = OwnThread("digests"), OwnThread("signatures")
        self._clients: dict[str, list[TerminalClient]] = {"ip": [], "cellular": []}
        self._mqtt: list[MqttTerminal] = []
        self._stations: list[AdapterStation] = []
        self._shells: dict[str, TerminalShell] = {}
        self._ears = FleetEars(folder, self._shells)
        self._towns: dict[AreaCode, asyncio.Event] = {}
        self._floor: list[tuple[TerminalClient, asyncio.Task[None]]] = []
        self._tasks: list[asyncio.Task[None]] = []

    # ---- life ------------------------------------------------------------------------------------------------------

    async def start(self, group: asyncio.TaskGroup, spread_s: float) -> None:
        """Listen and let everybody dial. Raises OSError when an address is taken, EarsFailed."""
        for number, name in enumerate(() if self._clean_links else IMPAIRED):
            link = ImpairedLink("127.0.0.1", 0, self._facts.endpoints[name], LinkFaults(), self._facts.seed + number)
            await link.start(group)
            self._links[name] = link
        fetcher = AudioFetcher({self._facts.endpoints["media"]: self._mobile("media")}, self._digests)
        self._doors = FleetDoors(self._clock.wall, fetcher, group.create_task, Leisure(), self._signatures)
        chance = random.Random(f"{self._facts.seed}/fleet")
        for terminal in self._facts.terminals:
            shell = TerminalShell(self._terminal(terminal), self._doors)
            shell.powered = not terminal.off
            self._shells[terminal.code] = shell
            if not terminal.off:
                self._connect(terminal, shell, chance)
        self._stations = [self._station(adapter, chance) for adapter in self._facts.adapters]
        if self._hears_fm:
            await self._ears.start()
            self._tasks.append(group.create_task(self._ears.run()))
        paths: list[TerminalClient | MqttTerminal] = [*self._clients["ip"], *self._clients["cellular"], *self._mqtt]
        runs: list[Callable[[float], Coroutine[Any, Any, None]]] = [station.run for station in self._stations]
        for run in (*runs, *(path.run for path in paths)):
            self._tasks.append(group.create_task(run(chance.uniform(0.0, spread_s))))

    def stop(self) -> None:
        """Cut everything; the links' own tasks end with their group."""
        for task in self._tasks:
            task.cancel()
        self.close_floor()
        for link in self._links.values():
            link.close()
        self._digests.close()
        self._signatures.close()

    def _connect(self, terminal: TerminalFacts, shell: TerminalShell, chance: random.Random) -> None:
        """Its own paths; the one behind an adapter is the adapter's."""
        for path in terminal.paths:
            match path:
                case "ip":
                    to = self._facts.endpoints["ip"]
                    allowed = self._town(terminal.town)
                    self._clients["ip"].append(
                        TerminalClient(shell, path, to, self._reader, self._pace, chance, allowed)
                    )
                case "cellular":
                    to = self._mobile("cellular")
                    self._clients["cellular"].append(TerminalClient(shell, path, to, self._reader, self._pace, chance))
                case "mqtt":
                    self._mqtt.append(MqttTerminal(shell, self._broker, self._reader, self._pace, chance))

    def _broker(self) -> tuple[str, int]:
        return self._mobile("mqtt")

    def _mobile(self, name: str) -> tuple[str, int]:
        """Where a 3G/4G terminal dials for an endpoint."""
        link = self._links.get(name)
        return self._facts.endpoints[name] if link is None else (link.host, link.port)

    def _town(self, town: AreaCode) -> asyncio.Event:
        """Set while the town's IP link lives."""
        if town not in self._towns:
            self._towns[town] = asyncio.Event()
            if town != self._facts.dead_ip_town:
                self._towns[town].set()
        return self._towns[town]

    def _terminal(self, terminal: TerminalFacts) -> Terminal:
        made = Terminal(terminal.code, terminal.phys, self._facts.platform, self._log, self._facts.trust)
        if "fm" in terminal.paths:
            made.take_scan_list((ScanEntry(1, 1, self._facts.carrier_khz),))
        return made

    def _station(self, facts: AdapterFacts, chance: random.Random) -> AdapterStation:
        """An adapter and the terminals of its own area that are set behind it."""
        behind = [
            self._shells[t.code]
            for t in self._facts.terminals
            if "adapter" in t.paths and t.code.area == facts.code.area
        ]
        place = AdapterPlace(
            facts.host, facts.port, self._facts.endpoints["reports"], self._facts.endpoints["returns"], facts.delay_s
        )
        adapter = Adapter(facts.code, facts.key, facts.certificate, self._facts.trust, self._clock.wall)
        return AdapterStation(adapter, place, behind, self._reader, self._doors, self._pace, chance)

    # ---- what is told ----------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, Any]:
        """How many of what there are."""
        lit = [t for t in self._facts.terminals if not t.off]
        return {
            "terminals": len(self._facts.terminals),
            "off": len(self._facts.terminals) - len(lit),
            "adapters": len(self._stations),
            "receivers": self._ears.receivers,
            "paths": dict(Counter(path for t in lit for path in t.paths)),
        }

    def connected(self) -> dict[str, int]:
        """Live connections by path; `adapter` counts return lines."""
        return {
            **{path: sum(client.connected for client in clients) for path, clients in self._clients.items()},
            "mqtt": sum(client.connected for client in self._mqtt),
            "adapter": sum(station.returning for station in self._stations),
        }

    def settled(self) -> bool:
        """Whether everybody that can be is connected."""
        return (
            all(client.connected or not client.possible for clients in self._clients.values() for client in clients)
            and all(client.connected for client in self._mqtt)
            and all(station.returning for station in self._stations if station.terminals)
        )

    def status(self) -> dict[str, Any]:
        """How it stands now."""
        working = sum(shell.terminal.working for shell in self._shells.values())
        return {"connected": self.connected(), "working": working, "verified": self._reader.verified}

    def truth(self, ebm_id: str | None) -> dict[str, Any]:
        """What really happened, of one message or of all."""
        log = self._log
        on_air = (shell.terminal.on_air for shell in self._shells.values())
        return {
            "starts": [
                [s.code, s.ebm_id, round(s.at, 6), s.path, s.sm3_ok] for s in log.starts if ebm_id in (None, s.ebm_id)
            ],
            "ends": [[e.code, e.ebm_id, round(e.at, 6), e.how] for e in log.ends if ebm_id in (None, e.ebm_id)],
            "fetched": log.fetched_count,
            "sm3_ok": log.sm3_ok_count,
            "fetch_failed": log.fetch_failed,
            "resumed": log.resumed,
            "refusals": dict(log.refusals),
            "working": dict(Counter(sounding for sounding in on_air if sounding is not None)),
        }

    async def air(self, ebm_id: str) -> dict[str, Any]:
        """What a message has cost on FM."""
        return await self._ears.air(ebm_id)

    # ---- orders ----------------------------------------------------------------------------------------------------

    def set_town(self, area: str, *, up: bool) -> int:
        """Kill or restore a town's IP link; how many terminals it concerns. Raises ValueError for what is no town."""
        try:
            town = next(t for t in self._towns if covers(AreaCode.parse(area), t) and t[:9] == area[:9])
        except (StopIteration, InvalidCode) as error:
            raise ValueError(f"{area} is no town with IP terminals") from error
        concerned = [c for c in self._clients["ip"] if c.shell.terminal.code.area[:9] == town[:9]]
        if up:
            self._towns[town].set()
        else:
            self._towns[town].clear()
            for client in concerned:
                client.cut()
        return len(concerned)

    async def open_floor(self, to: tuple[str, int], count: int, group: asyncio.TaskGroup) -> int:
        """Fresh terminals of the same class that dial `to`, register once and only answer; how many came up."""
        pace = Pace(NEVER_S, 1.0)
        chance = random.Random(f"{self._facts.seed}/floor")
        by_ip = [t for t in self._facts.terminals if "ip" in t.paths] or list(self._facts.terminals)
        for terminal in islice(cycle(by_ip), count):
            fresh = Terminal(terminal.code, terminal.phys, self._facts.platform, FleetLog(), self._facts.trust)
            shell = TerminalShell(fresh, self._doors, answers_only=True)
            client = TerminalClient(shell, "ip", to, self._reader, pace, chance)
            self._floor.append((client, group.create_task(client.run(chance.uniform(0.0, 1.0)))))
        deadline = self._clock.monotonic() + FLOOR_CONNECT_S
        while self._clock.monotonic() < deadline:
            if all(client.dialled for client, _ in self._floor):
                break
            await asyncio.sleep(0.05)
        return sum(client.dialled for client, _ in self._floor)

    def close_floor(self) -> None:
        """Let the floor's terminals go."""
        for _, task in self._floor:
            task.cancel()
        self._floor.clear()


def _only(facts: FleetFacts, path: str) -> FleetFacts:
    return replace(facts, adapters=(), terminals=tuple(each for each in facts.terminals if path in each.paths))
