"""Several links of one path: each device is commanded over one of them, in its own dialect."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from devices.adapter_frames import BEIJING_S, TimeBase
from devices.adapter_tcp import AdapterTcp, AdapterTcpConfig
from devices.link import Answered, Link, NoAnswer
from devices.maintenance import Configure, Configured, Firmware, Given
from devices.roster import Roster
from devices.terminal_tcp import TerminalTcp
from ebcd.neighbours import acquaint, adapter_problems
from protocols import adapter as a
from protocols import terminal as t
from protocols.signature import FefdScope
from tests.devices.annex_a_adapter import Station, StationConnection, usual
from tests.devices.commands import (
    CountingSigner,
    Events,
    adapter_code,
    adapter_device,
    ports,
    start,
    stop,
    terminal_code,
    terminal_device,
)
from tests.devices.fefd_terminal import CONFIG, Dialler, settle
from tests.devices.memory_network import MemoryNetwork
from tests.virtual_time import VirtualClock

USUAL = AdapterTcpConfig("adapters")
OTHERS = AdapterTcpConfig("beijing", adapters=(adapter_code(2),), report_port=8100, time_base=TimeBase.BEIJING)


@contextlib.asynccontextmanager
async def running(*links: Link) -> AsyncIterator[None]:
    acquaint(links)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(link.run()) for link in links]
        await asyncio.sleep(0.01)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def test_each_adapter_is_told_a_start_once_in_the_dialect_of_its_link(
    clock: VirtualClock, rng: random.Random
) -> None:
    network, events, sign = MemoryNetwork(), Events(), CountingSigner(clock)
    stations = {n: Station(adapter_code(n), usual(adapter_code(n))) for n in (1, 2)}
    for n, station in stations.items():
        network.listeners["10.0.0.1", 8000 + n] = lambda station=station: StationConnection(station)  # type: ignore[misc]
    roster = Roster.of([adapter_device(1), adapter_device(2)])
    links = [AdapterTcp(each, ports(clock, network, rng, sign), events.sink, roster) for each in (USUAL, OTHERS)]
    async with running(*links):
        command = start(adapter_code(1), adapter_code(2), end=clock.wall() + 600)
        for link in links:
            link.offer(command)
            link.offer(Configure((adapter_code(1), adapter_code(2)), Given(volume=60), 7, (terminal_code(1),)))
        await asyncio.sleep(1)
        ends = {n: [m.end for m in one.messages if isinstance(m, a.StartBroadcast)] for n, one in stations.items()}
        assert ends == {1: [command.end], 2: [command.end + BEIJING_S]}
        assert [sum(isinstance(m, a.SetVolume) for m in one.messages) for one in stations.values()] == [1, 1]
        assert {event.code: event.link for event in events if isinstance(event, Answered)} == {
            adapter_code(1): "adapters",
            adapter_code(2): "beijing",
        }
        assert len(events.of(Answered)) == len(events.of(Configured)) == 2
        assert events.of(NoAnswer) == []


async def test_a_terminal_is_commanded_where_it_is_connected_and_missed_only_where_nobody_has_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    network, events, sign = MemoryNetwork(), Events(), CountingSigner(clock)
    roster = Roster.of([terminal_device(n) for n in (1, 2, 3)])
    configs = (CONFIG, replace(CONFIG, name="vendor", port=8891, sign_scope=FefdScope.BODY_TIME))
    links = [TerminalTcp(each, ports(clock, network, rng, sign), events.sink, roster) for each in configs]
    async with running(*links):
        diallers = {}
        for n, link in ((1, links[0]), (2, links[1])):
            dialler = Dialler(terminal_code(n), f"2048{n:08d}")
            _, diallers[n] = await network.connect(lambda dialler=dialler: dialler, CONFIG.host, link.port)  # type: ignore[misc]
            diallers[n].beat()
        await settle()
        members = tuple(terminal_code(n) for n in (1, 2, 3))
        for command in (start(*members), stop(*members), Firmware(members, "", 0, "00000001", "00000000", "", "", 7)):
            for link in links:
                link.offer(command)
            await asyncio.sleep(0.1)
        for one in diallers.values():
            assert [type(m) for m in one.requests] == [t.Start, t.Stop]
        missed = {event.code for event in events if isinstance(event, NoAnswer)}
        assert missed == {terminal_code(3)}
        told = [event.code for event in events if isinstance(event, Configured)]
        assert sorted(told) == sorted([*members, terminal_code(3)])  # of whom nobody has, both say so


@pytest.mark.parametrize(
    ("configs", "whats"),
    [
        ([USUAL], []),
        ([USUAL, OTHERS], []),
        ([OTHERS], ["adapter_no_link"]),
        ([], []),
        ([USUAL, replace(USUAL, name="second")], ["adapters_unsaid"]),
        ([USUAL, OTHERS, replace(OTHERS, name="third")], ["adapter_twice", "adapter_twice"]),
        ([USUAL, replace(OTHERS, adapters=(terminal_code(1),))], ["adapter_unknown"]),
    ],
)
def test_every_adapter_has_one_link(configs: list[AdapterTcpConfig], whats: list[str]) -> None:
    roster = Roster.of([adapter_device(1), adapter_device(2)])
    found = list(adapter_problems(list(enumerate(configs)), roster, "ebcd.toml"))
    assert [problem.what for problem in found] == whats
    assert all(problem.sentence(language) for problem in found for language in ("zh", "en"))
