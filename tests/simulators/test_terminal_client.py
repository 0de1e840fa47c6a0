"""A terminal's sockets, reports and timers, in virtual time on loopback."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from protocols import terminal as fefd
from protocols.codes import EbmId, ResourceCode
from protocols.terminal import Frame, Header
from simulators.audio_fetch import AudioFetcher, Fetched, FetchFailed
from simulators.fleet_log import FleetLog
from simulators.terminal import Terminal
from simulators.terminal_client import Pace, TerminalClient
from simulators.terminal_shell import FleetDoors, TerminalShell
from simulators.trust import FrameReader
from tests.simulators.signing import signer, trust
from tests.virtual_time import VirtualClock

PLATFORM = ResourceCode("43499010000000101010101")
CODE = ResourceCode("63499011002010314010407")
EBM = EbmId.build("23400000000000101010101", "20251009", 1)
URL = "http://127.0.0.1:8088/media/00.mp3"
SOUND = Fetched(50_000, True, 5.0)


class Fetcher(AudioFetcher):
    """Gives what it is told to, in order; the last one for ever."""

    def __init__(self, *results: Fetched | None) -> None:
        super().__init__({})
        self.results = list(results) or [SOUND]
        self.asked: list[tuple[str, bool]] = []

    async def fetch(self, url: str, *, on_first: Callable[[], None], detour: bool) -> Fetched:
        self.asked.append((url, detour))
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if result is None:
            raise FetchFailed("told to")
        on_first()
        return result


class Desk(asyncio.Protocol):
    """The platform's end of one connection."""

    def __init__(self, frames: list[Frame]) -> None:
        self.frames = frames
        self.deframer = fefd.Deframer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for item in self.deframer.feed(data):
            assert isinstance(item, Frame)
            self.frames.append(item)


class Scene:
    """One terminal with one TCP path to a listening desk."""

    def __init__(self, clock: VirtualClock, group: asyncio.TaskGroup, fetcher: Fetcher) -> None:
        self.clock = clock
        self.group = group
        self.fetcher = fetcher
        self.log = FleetLog()
        self.frames: list[Frame] = []
        self.desks: list[Desk] = []
        self.session = 0
        self.reader = FrameReader(trust(clock.wall))

        def spawn(work: Coroutine[Any, Any, None]) -> object:
            return group.create_task(work)

        self.shell = TerminalShell(
            Terminal(CODE, "204800000007", PLATFORM, self.log), FleetDoors(clock.wall, fetcher, spawn)
        )

    def desk(self) -> Desk:
        self.desks.append(Desk(self.frames))
        return self.desks[-1]

    def start(self, length_s: float = 30.0) -> fefd.Start:
        now = int(self.clock.wall())
        return fefd.Start(EBM, 4, 2, "11111", 255, now, now + int(length_s), (fefd.Auxiliary.url(URL),))

    def signed(self, message: fefd.Message) -> bytes:
        self.session += 1
        frame = fefd.request(Header.D, self.session, PLATFORM, (CODE,), message)
        return fefd.encode(frame, sign=signer(self.clock.wall()))

    def messages(self, *kinds: type) -> list[fefd.Message]:
        return [frame.message for frame in self.frames if isinstance(frame.message, kinds)]


@asynccontextmanager
async def scene(
    clock: VirtualClock, *results: Fetched | None, allowed: asyncio.Event | None = None
) -> AsyncIterator[Scene]:
    async with asyncio.TaskGroup() as group:
        at = Scene(clock, group, Fetcher(*results))
        server = await asyncio.get_running_loop().create_server(at.desk, "127.0.0.1", 0)
        to = server.sockets[0].getsockname()[:2]
        pace = Pace(heartbeat_s=10.0, reconnect_scale=1.0)
        client = TerminalClient(at.shell, "ip", (to[0], to[1]), at.reader, pace, random.Random(1), allowed)
        running = group.create_task(client.run(0.0))
        await asyncio.sleep(0.01)
        try:
            yield at
        finally:
            running.cancel()
            server.close()
            for desk in at.desks:
                desk.transport.abort()
            await asyncio.sleep(0.01)


async def test_the_first_frame_is_a_heartbeat_and_more_follow_in_their_period(clock: VirtualClock) -> None:
    async with scene(clock) as at:
        assert [frame.message.type for frame in at.frames] == [0x10]
        await asyncio.sleep(40)
        beats = at.messages(fefd.Heartbeat)
        assert 4 <= len(beats) <= 5
        assert all(frame.header is Header.D for frame in at.frames)


@pytest.mark.clause("GD/J 089 clause E.1.3.2")
async def test_a_start_is_answered_and_every_step_is_reported_on_the_same_socket(clock: VirtualClock) -> None:
    async with scene(clock) as at:
        at.desks[0].transport.write(at.signed(at.start(31.0)))
        await asyncio.sleep(36)
        assert at.messages(fefd.Answer) == [fefd.Answer(1, 0)]
        assert [m.flag for m in at.messages(fefd.TaskSwitch) if isinstance(m, fefd.TaskSwitch)] == [1, 2]
        assert [m.times for m in at.messages(fefd.TaskResult) if isinstance(m, fefd.TaskResult)] == [6]
        assert (at.log.fetched_count, at.log.sm3_ok_count, at.fetcher.asked) == (1, 1, [(URL, False)])


async def test_frames_that_come_together_or_in_pieces_are_each_answered_once(clock: VirtualClock) -> None:
    async with scene(clock) as at:
        both = at.signed(fefd.StatusQuery((6,))) + at.signed(fefd.StatusQuery((4,)))
        for piece in (both[:70], both[70:200], both[200:]):
            at.desks[0].transport.write(piece)
            await asyncio.sleep(0.01)
        at.desks[0].transport.write(b"noise" + at.signed(fefd.StatusQuery((1,))))
        await asyncio.sleep(0.01)
        at.desks[0].transport.write(at.signed(fefd.StatusQuery((5,))))
        await asyncio.sleep(0.01)
        assert len(at.messages(fefd.StatusAnswer)) == 4


async def test_after_a_loss_it_comes_back_and_reports_what_happened_meanwhile(clock: VirtualClock) -> None:
    async with scene(clock) as at:
        at.desks[0].transport.write(at.signed(at.start(3.0)))
        await asyncio.sleep(0.1)
        at.desks[0].transport.write(at.signed(fefd.StatusQuery((6,))))
        await asyncio.sleep(0.1)
        at.desks[0].transport.abort()
        await asyncio.sleep(11)
        assert len(at.desks) == 2
        assert len(at.messages(fefd.TaskResult)) == 1
        beats = [m.first for m in at.messages(fefd.Heartbeat) if isinstance(m, fefd.Heartbeat)]
        assert beats[0] == 1
        assert set(beats[1:]) == {2}


async def test_a_dead_link_is_not_dialled_until_it_returns(clock: VirtualClock) -> None:
    allowed = asyncio.Event()
    async with scene(clock, allowed=allowed) as at:
        await asyncio.sleep(100)
        assert at.desks == []
        allowed.set()
        await asyncio.sleep(0.1)
        assert len(at.desks) == 1


async def test_a_report_takes_another_path_when_its_own_is_dead_and_waits_when_none_lives(clock: VirtualClock) -> None:
    async with scene(clock) as at:
        at.desks[0].transport.write(at.signed(at.start(3.0)))
        await asyncio.sleep(0.1)
        at.shell.closed("ip")
        other: list[bytes] = []
        at.shell.opened("mqtt", other.append)
        await asyncio.sleep(3)
        assert [fefd.decode(data).message.type for data in other] == [0x14, 0x15]
        at.shell.closed("mqtt")
        again = replace(at.start(2.0), ebm_id=EbmId.build(EBM.platform, EBM.date, 2))
        at.shell.receive(at.reader.read(at.signed(again)), "ip", lambda _: None)
        await asyncio.sleep(3)
        at.shell.opened("cellular", other.append)
        assert [fefd.decode(data).message.type for data in other[2:]] == [0x14, 0x14, 0x15]


async def test_a_fetch_is_tried_again_with_patience_and_its_failure_reported(clock: VirtualClock) -> None:
    async with scene(clock, None, None, SOUND) as at:
        at.desks[0].transport.write(at.signed(at.start()))
        await asyncio.sleep(3.5)
        assert len(at.fetcher.asked) == 3
        assert len(at.log.starts) == 1
    async with scene(clock, None) as at:
        at.desks[0].transport.write(at.signed(at.start()))
        await asyncio.sleep(10)
        assert len(at.fetcher.asked) == 4
        assert [m.result for m in at.messages(fefd.TaskResult) if isinstance(m, fefd.TaskResult)] == [0]


async def test_a_stop_ends_the_patience(clock: VirtualClock) -> None:
    async with scene(clock, None) as at:
        at.desks[0].transport.write(at.signed(at.start()))
        await asyncio.sleep(0.5)
        at.desks[0].transport.write(at.signed(fefd.Stop(EBM)))
        await asyncio.sleep(10)
        assert len(at.fetcher.asked) == 1
