"""The adapter link on real sockets: commands to many listening adapters, a slow and a dead one among them, reports."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from devices.adapter_tcp import AdapterTcp
from devices.link import Answered, Began, Heartbeat, NoAnswer
from devices.roster import Roster
from ebcd.clock import SystemClock
from ebcd.world import SocketNetwork
from protocols import adapter as a
from tests.devices.annex_a_adapter import CONFIG, Reporter, Station, StationConnection, usual
from tests.devices.commands import EBM, CountingSigner, Events, adapter_code, adapter_device, ports, start

pytestmark = pytest.mark.real

ADAPTERS = 50


async def until(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    """Wait for something that sockets bring about."""
    async with asyncio.timeout(limit_s):
        for _ in iter(condition, True):
            await asyncio.sleep(0.005)


async def listen(factory: Callable[[], asyncio.Protocol]) -> tuple[asyncio.Server, int]:
    """A server on a free port."""
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


def connection_of(station: Station) -> Callable[[], StationConnection]:
    return lambda: StationConnection(station)


async def test_adapters_answer_report_and_are_replied_to_while_one_is_slow_and_one_is_dead(rng: random.Random) -> None:
    clock, events, network = SystemClock(), Events(), SocketNetwork()
    stations = [Station(adapter_code(n), usual(adapter_code(n))) for n in range(1, ADAPTERS + 1)]
    stations[0].delay_s = 0.3
    servers = [await listen(connection_of(station)) for station in stations]
    reports, report_port = await listen(asyncio.Protocol)
    for gone in (reports, servers[1][0]):
        gone.close()
        await gone.wait_closed()
    devices = [
        replace(adapter_device(number), host="127.0.0.1", port=port) for number, (_, port) in enumerate(servers, 1)
    ]
    config = replace(CONFIG, report_port=report_port, repeats=1)
    sign = CountingSigner(clock)
    link = AdapterTcp(config, ports(clock, network, rng, sign), events.sink, Roster.of(devices))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        link.offer(start(*(device.code for device in devices)))
        await until(lambda: len(events.of(Answered, NoAnswer)) == ADAPTERS)
        found = events.of(Answered, NoAnswer)
        assert {event.code for event in found if isinstance(event, NoAnswer)} == {adapter_code(2)}
        slow = [isinstance(event, Answered) and event.code == adapter_code(1) for event in found].index(True)
        assert slow >= ADAPTERS - 2
        assert sign.count == 1
        began = a.TaskBegan(adapter_code(3), EBM, 1, 4, 1, "11A01", 0, (), 80, ())
        data = a.encode(a.AdapterHeartbeat(adapter_code(3), 2, 0)) + a.encode(began)
        transport, reporter = await network.connect(Reporter, "127.0.0.1", report_port)
        transport.write(data[:33])
        await asyncio.sleep(0.01)
        transport.write(data[33:])
        transport.write_eof()
        await until(lambda: len(reporter.replies) == 2)
        await reporter.lost.wait()
        assert [type(event) for event in events.of(Heartbeat, Began)] == [Heartbeat, Began]
        running.cancel()
    for server, _ in servers:
        server.close()
