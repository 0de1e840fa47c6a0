"""The MQTT link, a real broker and a simulated terminal together; and what a broker's death costs."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import pytest

from devices.cellular_mqtt import CellularMqtt, CellularMqttConfig
from devices.link import Answered, Audio, Began, Connected, Disconnected, Event, LinkDown, Path, Played, Start
from devices.ports import Ports
from devices.roster import Device, DeviceKind, Roster
from ebcd.clock import SystemClock
from ebcd.world import SocketNetwork
from protocols.codes import EbmId, ResourceCode
from simulators.audio_fetch import AudioFetcher
from simulators.broker import broker
from simulators.fleet_log import FleetLog
from simulators.mqtt_terminal import MqttTerminal
from simulators.terminal import Terminal
from simulators.terminal_client import Pace
from simulators.terminal_shell import FleetDoors, TerminalShell
from simulators.trust import FrameReader
from tests.ports import free_port
from tests.simulators.signing import signer, trust

pytestmark = pytest.mark.real

PLATFORM = ResourceCode("43499010000000101010101")
CODES = tuple(ResourceCode(f"634990110020103140104{n:02d}") for n in (1, 2, 3))
COUNTY = ResourceCode("63499010000000314010400")
EBM = EbmId.build("23400000000000101010101", "20251009", 1)


class Bench:
    """A link and its terminals on one broker; events wake whoever waits for them."""

    def __init__(self, port: int) -> None:
        self.events: list[Event] = []
        self.news = asyncio.Event()
        self.log = FleetLog()
        wall = time.time
        devices = [
            Device(DeviceKind.TERMINAL, code, f"{n:012d}", f"t{n}", paths=(Path.MQTT,)) for n, code in enumerate(CODES)
        ]
        config = CellularMqttConfig("mqtt", port=port, source=PLATFORM, reconnect_first_s=0.2)
        ports = Ports(SystemClock(), random.Random(1), SocketNetwork(), lambda message: signer(wall())(message))
        self.link = CellularMqtt(config, ports, self.sink, Roster.of(devices))
        reader = FrameReader(trust(wall))
        self.shells: list[TerminalShell] = []
        self.clients: list[MqttTerminal] = []
        self._reader, self._wall, self._port = reader, wall, port

    def sink(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    async def run(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        doors = FleetDoors(self._wall, AudioFetcher({}), group.create_task)
        running = [group.create_task(self.link.run())]
        for number, code in enumerate(CODES):
            shell = TerminalShell(Terminal(code, f"{number:012d}", PLATFORM, self.log), doors)
            client = MqttTerminal(
                shell, lambda: ("127.0.0.1", self._port), self._reader, Pace(5.0, 0.1), random.Random(number)
            )
            running.append(group.create_task(client.run(0.0)))
        return running

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not enough():
                await self.news.wait()
                self.news.clear()

    def codes(self, kind: type[Event]) -> set[ResourceCode]:
        return {event.code for event in self.events if isinstance(event, kind) and hasattr(event, "code")}


def start(now: float, length_s: float) -> Start:
    return Start(EBM, 4, 1, "11111", int(now), int(now + length_s), 80, (COUNTY,), CODES, Audio(""))


async def test_a_start_reaches_real_subscribers_and_everything_comes_back() -> None:
    port = free_port()
    with broker(port):
        bench = Bench(port)
        async with asyncio.TaskGroup() as group:
            running = await bench.run(group)
            await bench.until(lambda: bench.codes(Connected) == set(CODES))
            bench.link.offer(start(time.time(), 3.0))
            await bench.until(lambda: bench.codes(Played) == set(CODES))
            for task in running:
                task.cancel()
    assert bench.codes(Answered) == bench.codes(Began) == set(CODES)
    assert [s.ebm_id for s in bench.log.starts] == [EBM] * 3
    assert bench.log.refusals == {}


async def test_after_the_death_of_the_broker_everybody_comes_back_and_nobody_starts_twice() -> None:
    port = free_port()
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        first.enter_context(broker(port))
        bench = Bench(port)
        async with asyncio.TaskGroup() as group:
            running = await bench.run(group)
            await bench.until(lambda: bench.codes(Connected) == set(CODES))
            order = start(time.time(), 60.0)
            bench.link.offer(order)
            await bench.until(lambda: bench.codes(Answered) == set(CODES))
            await asyncio.to_thread(first.close)
            await bench.until(lambda: bench.codes(Disconnected) == set(CODES))
            await bench.until(lambda: any(isinstance(event, LinkDown) for event in bench.events))
            bench.events.clear()
            await asyncio.to_thread(stack.enter_context, broker(port))
            await bench.until(lambda: bench.codes(Connected) == set(CODES))
            bench.link.offer(replace(order, members=CODES[:1]))
            await bench.until(lambda: bench.codes(Answered) == set(CODES[:1]))
            for task in running:
                task.cancel()
    assert sorted(s.code for s in bench.log.starts) == sorted(CODES)


async def test_a_link_whose_broker_was_killed_ends_when_it_is_told_to() -> None:
    port = free_port()
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        first.enter_context(broker(port))
        bench = Bench(port)
        async with asyncio.TaskGroup() as group:
            running = await bench.run(group)
            await bench.until(lambda: bench.codes(Connected) == set(CODES))
            bench.link.offer(start(time.time(), 60.0))
            await asyncio.to_thread(first.close)
            for task in running:
                task.cancel()
    assert all(task.cancelled() for task in running)
