"""An adapter's sockets and the terminals behind it, in virtual time on loopback."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import pytest

from protocols import adapter as annex_a
from protocols import terminal as fefd
from protocols.codes import EbmId, ResourceCode
from protocols.terminal import Frame, Header
from simulators.adapter import Adapter
from simulators.adapter_station import AdapterPlace, AdapterStation
from simulators.fleet_log import FleetLog
from simulators.terminal import Terminal
from simulators.terminal_client import Pace
from simulators.terminal_shell import FleetDoors, TerminalShell
from simulators.trust import FrameReader
from tests.ports import free_port
from tests.simulators.signing import ADAPTER_CERTIFICATE, certificate, key, signer, trust
from tests.simulators.test_terminal_client import Fetcher
from tests.virtual_time import VirtualClock

PLATFORM = ResourceCode("43499010000000101010101")
CODE = ResourceCode("63499011002010314010201")
HORNS = tuple(ResourceCode(f"634990110020103140104{n:02d}") for n in (1, 2, 3))
ALL_HORNS = ResourceCode("63499011002010314010400")
EBM = EbmId.build("23400000000000101010101", "20251009", 1)
URL = "http://127.0.0.1:8088/media/00.mp3"


class Reports(asyncio.Protocol):
    """The platform's report listener: one frame in, its reply out."""

    def __init__(self, heard: list[annex_a.Message]) -> None:
        self.heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.heard.append(annex_a.decode(data).message)
        self.transport.write(annex_a.encode(annex_a.PlatformReply(), sign=signer()))
        self.transport.close()


class Returns(asyncio.Protocol):
    """The platform's listener for annex E."""

    def __init__(self, heard: list[Frame]) -> None:
        self.heard = heard
        self.deframer = fefd.Deframer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.heard += [item for item in self.deframer.feed(data) if isinstance(item, Frame)]


class Village:
    """A station, its terminals and the platform around it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.reports: list[annex_a.Message] = []
        self.returns: list[Frame] = []
        self.lines: list[Returns] = []
        self.log = FleetLog()
        self.fetcher = Fetcher()
        self.station: AdapterStation
        self.port = 0

    def line(self) -> Returns:
        self.lines.append(Returns(self.returns))
        return self.lines[-1]

    def start(self, length_s: int = 20) -> annex_a.StartBroadcast:
        now = int(self.clock.wall())
        language = annex_a.Language("zho", "", "", (annex_a.Auxiliary.url(URL),))
        targets = annex_a.Targets((ALL_HORNS,))
        return annex_a.StartBroadcast(EBM, 4, "11111", 2, now, now + length_s, 255, targets, (language,))

    async def command(self, message: annex_a.Message) -> tuple[annex_a.Message, float]:
        """One short connection; the answer and how long it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(annex_a.encode(message, sign=signer(self.clock.wall())))
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return annex_a.decode(answer).message, round(loop.time() - began, 3)

    def returned(self, kind: type) -> list[ResourceCode]:
        """Who has returned such a message."""
        return sorted(frame.source for frame in self.returns if isinstance(frame.message, kind))


@asynccontextmanager
async def village(clock: VirtualClock, delay_s: float = 0.0) -> AsyncIterator[Village]:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        at = Village(clock)
        reports = await loop.create_server(lambda: Reports(at.reports), "127.0.0.1", 0)
        returns = await loop.create_server(at.line, "127.0.0.1", 0)
        at.port = free_port()
        doors = FleetDoors(clock.wall, at.fetcher, group.create_task)
        shells = [TerminalShell(Terminal(code, f"{n:012d}", PLATFORM, at.log), doors) for n, code in enumerate(HORNS)]
        shells[2].powered = False
        believed = trust(clock.wall)
        adapter = Adapter(CODE, key(ADAPTER_CERTIFICATE), ADAPTER_CERTIFICATE, believed, clock.wall)
        addresses = [server.sockets[0].getsockname()[:2] for server in (reports, returns)]
        place = AdapterPlace("127.0.0.1", at.port, addresses[0], addresses[1], delay_s)
        at.station = AdapterStation(
            adapter, place, shells, FrameReader(believed), doors, Pace(10.0, 1.0), random.Random(1)
        )
        running = group.create_task(at.station.run(0.0))
        await asyncio.sleep(0.05)
        try:
            yield at
        finally:
            running.cancel()
            for server in (reports, returns):
                server.close()
            for line in at.lines:
                line.transport.abort()
            await asyncio.sleep(0.01)


async def test_it_reports_itself_and_its_terminals_that_have_power(clock: VirtualClock) -> None:
    async with village(clock) as at:
        assert [type(message) for message in at.reports] == [annex_a.AdapterHeartbeat]
        assert at.returned(fefd.Heartbeat) == list(HORNS[:2])
        assert at.station.returning
        await asyncio.sleep(25)
        assert len(at.reports) == 3
        assert {frame.header for frame in at.returns} == {Header.E}
        assert len(at.returned(fefd.Heartbeat)) >= 6


async def test_a_start_sounds_on_every_terminal_and_all_of_it_is_reported(clock: VirtualClock) -> None:
    async with village(clock) as at:
        answer, took_s = await at.command(at.start())
        assert (answer, took_s) == (annex_a.StartAnswer(CODE, EBM), 0.0)
        await asyncio.sleep(1)
        assert at.returned(fefd.TaskSwitch) == list(HORNS[:2])
        assert sorted((s.code, s.path) for s in at.log.starts) == [(code, "adapter") for code in HORNS[:2]]
        await asyncio.sleep(25)
        assert at.returned(fefd.TaskResult) == list(HORNS[:2])
        tasks = [message for message in at.reports if isinstance(message, annex_a.TaskBegan | annex_a.TaskEnded)]
        assert [type(message) for message in tasks] == [annex_a.TaskBegan, annex_a.TaskEnded]


async def test_a_slow_adapter_answers_and_acts_late_and_repeats_change_nothing(clock: VirtualClock) -> None:
    async with village(clock, delay_s=5.0) as at:
        (first, first_s), (second, second_s) = await asyncio.gather(at.command(at.start()), at.command(at.start()))
        assert first == second == annex_a.StartAnswer(CODE, EBM)
        assert (first_s, second_s) == (5.0, 5.0)
        await asyncio.sleep(1)
        assert len(at.log.starts) == 2


@pytest.mark.clause("GD/J 089 clauses A.4.2.1.5, E.1.3.1")
async def test_a_query_brings_the_terminals_answers_by_annex_e(clock: VirtualClock) -> None:
    async with village(clock) as at:
        to = annex_a.IpReturn(*at.station.place.returns)
        query = annex_a.QueryTerminals(to, annex_a.Targets((ALL_HORNS,)), (6,))
        assert (await at.command(query))[0] == annex_a.GeneralAnswer()
        await asyncio.sleep(0.1)
        assert at.returned(fefd.StatusAnswer) == list(HORNS[:2])
        assert len(at.lines) == 1


async def test_answers_go_to_the_address_in_the_query_and_nowhere_else(clock: VirtualClock) -> None:
    async with village(clock) as at:
        elsewhere = await asyncio.get_running_loop().create_server(at.line, "127.0.0.1", 0)
        at.station.place = replace(at.station.place, returns=("127.0.0.1", 1))
        to = annex_a.IpReturn(*elsewhere.sockets[0].getsockname()[:2])
        await at.command(annex_a.QueryTerminals(to, annex_a.Targets((ALL_HORNS,)), (6,)))
        await asyncio.sleep(0.1)
        elsewhere.close()
        assert at.returned(fefd.StatusAnswer) == list(HORNS[:2])
        assert len(at.lines) == 3


async def test_what_terminals_say_to_certificates_comes_on_their_own_return_line(clock: VirtualClock) -> None:
    async with village(clock) as at:
        update = annex_a.UpdateTerminalCertificates((), (certificate(ADAPTER_CERTIFICATE).encode(),))
        assert (await at.command(update))[0] == annex_a.GeneralAnswer()
        await asyncio.sleep(0.1)
        answers = [frame for frame in at.returns if isinstance(frame.message, fefd.Answer)]
        assert [frame.header for frame in answers] == [Header.E, Header.E]
        assert len(at.lines) == 1


async def test_an_adapter_reports_where_it_was_told_to_from_then_on(clock: VirtualClock) -> None:
    async with village(clock) as at:
        heard: list[annex_a.Message] = []
        elsewhere = await asyncio.get_running_loop().create_server(lambda: Reports(heard), "127.0.0.1", 0)
        to = annex_a.IpReturn(*elsewhere.sockets[0].getsockname()[:2])
        assert (await at.command(annex_a.SetAdapterReturn(to, 60)))[0] == annex_a.GeneralAnswer()
        await asyncio.sleep(1)
        elsewhere.close()
        assert [type(message) for message in heard] == [annex_a.AdapterHeartbeat]


async def test_a_lost_return_line_comes_back(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.lines[0].transport.abort()
        await asyncio.sleep(0.1)
        assert not at.station.returning
        await asyncio.sleep(6)
        assert at.station.returning
        assert len(at.lines) == 2


async def test_noise_on_the_command_port_is_dropped_after_a_while(clock: VirtualClock) -> None:
    async with village(clock) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await asyncio.gather(reader.read(), return_exceptions=True)
        writer.close()
        assert at.station.open == set()
