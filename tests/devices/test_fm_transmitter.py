"""The FM link driver against an exciter's socket: pace, fillers, events, reconnection."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from devices.fm_transmitter import FRAME_S, FmTransmitter, FmTransmitterConfig
from devices.link import AskState, LinkDown, LinkUp, NoAnswer, OutboxFull, Path, Sent, SetClock, Verb
from devices.maintenance import Air, Configure, Given
from devices.ports import ProtocolT
from devices.registry import link_type
from devices.roster import Roster
from ebcd.world import SocketNetwork
from protocols.fm.bits import AIR_BYTES, BitReceiver, HeardFrame
from protocols.fm.configuration import Clock, ScanEntry, ScanList
from protocols.fm.emergency import Emergency
from protocols.fm.fields import Action
from protocols.fm.packet import Packet, decode_packet
from protocols.fm.reassembly import Complete, Reassembler
from tests.devices.fm_county import COUNTY, TOWN_A, TOWN_B, UTC_S, Sink, ebm_id, ports, roster, start, stop
from tests.virtual_time import VirtualClock

END = UTC_S + 100_000


class Exciter(asyncio.Protocol):
    """Takes bytes and notes when they came; `deaf` stops reading."""

    def __init__(self, arrived: list[tuple[float, int]], stream: bytearray) -> None:
        self._arrived = arrived
        self._stream = stream
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._arrived.append((asyncio.get_running_loop().time(), len(data)))
        self._stream += data


class Network(SocketNetwork):
    """Real sockets; keeps the connection that the driver made last."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None

    async def connect(
        self, factory: Callable[[], ProtocolT], host: str, port: int
    ) -> tuple[asyncio.Transport, ProtocolT]:
        transport, protocol = await super().connect(factory, host, port)
        self.transport = transport
        return transport, protocol


class Bench:
    """A driver and the exciter it talks to."""

    def __init__(self, clock: VirtualClock, config: FmTransmitterConfig) -> None:
        self.clock = clock
        self.config = config
        self.sink = Sink()
        self.arrived: list[tuple[float, int]] = []
        self.stream = bytearray()
        self.exciters: list[Exciter] = []
        self.server: asyncio.Server | None = None
        self.network = Network()
        self.port = 0
        self.driver: FmTransmitter

    async def listen(self) -> None:
        def accept() -> Exciter:
            self.exciters.append(Exciter(self.arrived, self.stream))
            return self.exciters[-1]

        self.server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", self.port)
        self.server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # a deaf exciter fills up soon
        self.port = self.server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """The exciter is switched off."""
        if self.server is not None:
            self.server.close()
            self.server = None
        for exciter in self.exciters:
            if exciter.transport is not None:
                exciter.transport.abort()

    def shrink(self) -> None:
        """Let the operating system keep little of what the driver writes."""
        assert self.network.transport is not None
        own = self.network.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    @property
    def bytes_arrived(self) -> int:
        return sum(count for _at, count in self.arrived)

    def packets(self) -> list[Packet]:
        """Everything that was whole in the stream so far."""
        reassembler = Reassembler(slots_max=32, timeout_s=1e9)
        found: list[Packet] = []
        for event in BitReceiver().feed_bytes(bytes(self.stream)):
            if isinstance(event, HeardFrame):
                complete = [each for each in reassembler.feed(event, 0.0) if isinstance(each, Complete)]
                found += [decode_packet(each.packet) for each in complete]
        return found

    def emergencies(self) -> list[tuple[Action, str]]:
        contents = [packet.content for packet in self.packets()]
        return [(content.action, content.ebm_id) for content in contents if isinstance(content, Emergency)]


@contextlib.asynccontextmanager
async def bench(
    clock: VirtualClock, *, listening: bool = True, config: FmTransmitterConfig | None = None
) -> AsyncIterator[Bench]:
    """A driver at work; everything is closed afterwards."""
    made = Bench(clock, config or FmTransmitterConfig("fm", clock_period_s=0.0))
    await made.listen()
    if not listening:
        made.shut()
    made.driver = FmTransmitter(
        made.config, replace(ports(clock, random.Random(7)), network=made.network), made.sink, roster(made.port)
    )
    task = asyncio.get_running_loop().create_task(made.driver.run())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        made.shut()
        await asyncio.sleep(0.01)


async def test_the_stream_keeps_the_bit_rate_to_the_byte_for_twenty_minutes(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        await asyncio.sleep(10.0)
        begin_s, begin_bytes = b.arrived[0][0], b.bytes_arrived
        await asyncio.sleep(1200.0)
        last_s = b.arrived[-1][0]
        frames = b.bytes_arrived / AIR_BYTES
        assert frames == int(frames)
        assert frames - b.config.lead_frames_max == pytest.approx((last_s - begin_s) / FRAME_S, abs=1.01)
        assert b.bytes_arrived > begin_bytes


async def test_the_stream_is_never_faster_than_the_bit_rate_and_its_lead(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        b.driver.offer(start(end=END))
        await asyncio.sleep(60.0)
        begin_s = b.arrived[0][0]
        total = 0
        for at_s, count in b.arrived:
            total += count
            # what has been played, the frame that is playing now, and the lead
            assert total <= AIR_BYTES * ((at_s - begin_s) / FRAME_S + 1 + b.config.lead_frames_max) + 1e-6


@pytest.mark.clause("GD/J 085 clause 6.1")
async def test_an_idle_stream_is_filler_in_sync(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        await asyncio.sleep(10.0)
        frames = [event for event in BitReceiver().feed_bytes(bytes(b.stream)) if isinstance(event, HeardFrame)]
        assert {frame.words for frame in frames} == {(0, 0, 0, 0)}
        assert len(frames) >= 110
        assert b.sink.events == [LinkUp("fm")]


async def test_a_start_is_whole_on_air_after_its_frames_and_the_lead(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        await asyncio.sleep(5.0)
        offered_s = clock.monotonic()
        b.driver.offer(start(end=END))
        await b.sink.seen(Sent)
        assert clock.monotonic() - offered_s <= (24 + b.config.lead_frames_max + 3) * FRAME_S
        assert b.emergencies() == [(Action.START, ebm_id(1))]


async def test_passes_and_bits_are_told_when_they_have_been_on_air(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        b.driver.offer(start(end=END))
        await asyncio.sleep(9.0)
        sent = [event for event in b.sink.events if isinstance(event, Sent)]
        assert sent == [Sent("fm", ebm_id(1), Verb.START, n, n * 24 * 104) for n in (1, 2, 3)]
        assert b.driver.status().outbox_depth == 1


@pytest.mark.clause("GD/J 085 clause 5.2.2")
async def test_a_scan_list_is_said_three_times_to_the_terminals_named_and_to_nobody_else(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        entries = (ScanEntry(1, 1, 98_500), ScanEntry(2, 2, 88_800))
        b.driver.offer(Air((TOWN_A, TOWN_B), ScanList(entries), 0))
        await asyncio.sleep(30.0)
        said = [(packet.codes, packet.content) for packet in b.packets()]
        assert said == [((TOWN_A, TOWN_B), ScanList(entries))] * len(said)
        assert b.driver.air.carrying % 3 == 0
        assert 3 * 20 <= b.driver.air.carrying <= 3 * 30
        b.driver.offer(Configure((TOWN_A,), Given(volume=20), 0))
        assert b.driver.status().outbox_depth == 0


async def test_a_stop_overtakes_what_is_on_air(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        b.driver.offer(start(1, TOWN_A, end=END))
        await asyncio.sleep(1.0)
        b.driver.offer(stop(1, TOWN_A))
        await asyncio.sleep(3.0)
        assert b.emergencies() == [(Action.STOP, ebm_id(1))]


async def test_the_end_of_a_window_is_told_by_a_stop(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        b.driver.offer(start(end=clock.wall() + 5))
        await asyncio.sleep(12.0)
        assert b.emergencies() == [(Action.START, ebm_id(1)), (Action.STOP, ebm_id(1))]


async def test_a_transmitter_that_is_not_there_is_told_once_and_dialled_again(clock: VirtualClock) -> None:
    async with bench(clock, listening=False) as b:
        await asyncio.sleep(30.0)
        downs = [event for event in b.sink.events if isinstance(event, LinkDown)]
        assert len(downs) == 1
        assert str(b.port) in downs[0].reason
        assert not b.driver.status().up
        await b.listen()
        await asyncio.sleep(b.config.reconnect_last_s + 1.0)
        assert isinstance(b.sink.events[-1], LinkUp)
        assert b.driver.status().up
        assert b.bytes_arrived > 0


async def test_after_a_lost_connection_the_burst_begins_anew(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        b.driver.offer(start(end=END))
        await asyncio.sleep(8.0)
        b.shut()
        await asyncio.sleep(1.0)
        b.stream.clear()
        await b.listen()
        await asyncio.sleep(12.0)
        kinds = [type(event) for event in b.sink.events if isinstance(event, LinkUp | LinkDown)]
        assert kinds[0] is LinkUp
        assert LinkDown in kinds
        assert kinds[-1] is LinkUp
        assert b.emergencies() == [(Action.START, ebm_id(1))]


async def test_i3_a_start_that_ends_while_the_transmitter_is_gone_is_never_sent(clock: VirtualClock) -> None:
    async with bench(clock, listening=False) as b:
        b.driver.offer(start(end=clock.wall() + 10))
        await asyncio.sleep(40.0)
        assert [event.ebm_id for event in b.sink.events if isinstance(event, NoAnswer)] == [ebm_id(1)]
        await b.listen()
        await asyncio.sleep(30.0)
        assert b.emergencies() == []
        assert b.driver.status().dropped == 1


async def test_dialling_again_waits_longer_each_time(clock: VirtualClock) -> None:
    async with bench(clock, listening=False) as b:
        attempts: list[float] = []
        connect = b.driver._connect

        async def counted(*arguments: object) -> None:
            attempts.append(clock.monotonic())
            await connect(*arguments)  # type: ignore[arg-type]

        b.driver._connect = counted  # type: ignore[method-assign, assignment]
        await asyncio.sleep(300.0)
        gaps = [after - before for before, after in pairwise(attempts)]
        assert max(gaps) <= b.config.reconnect_last_s + 0.1
        assert gaps[-1] > 4 * gaps[0]
        assert 15 <= len(attempts) <= 60


@pytest.mark.requirement("R-X-16")
async def test_the_clock_is_told_after_connecting_and_in_every_period(clock: VirtualClock) -> None:
    async with bench(clock, config=FmTransmitterConfig("fm", clock_period_s=60.0)) as b:
        await asyncio.sleep(130.0)
        clocks = [packet for packet in b.packets() if isinstance(packet.content, Clock)]
        assert len(clocks) == 3
        for packet in clocks:
            assert isinstance(packet.content, Clock)
            assert 1.0 <= packet.content.utc() - packet.signature.time <= 3.0


async def test_set_clock_tells_the_clock_at_once_and_asking_for_states_says_nothing(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        b.driver.offer(AskState((COUNTY,)))
        b.driver.offer(SetClock((COUNTY,)))
        await asyncio.sleep(4.0)
        assert [type(packet.content) for packet in b.packets()] == [Clock]


async def test_what_no_packet_can_carry_is_told_and_does_not_stop_the_stream(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        b.driver.offer(replace(start(end=END), event_type="1"))
        await asyncio.sleep(2.0)
        (told,) = [event for event in b.sink.events if isinstance(event, NoAnswer)]
        assert (told.code, told.ebm_id, told.verb) == (COUNTY, ebm_id(1), Verb.START)
        assert b.driver.status().up


async def test_a_full_carousel_refuses(clock: VirtualClock) -> None:
    async with bench(clock) as b:
        for serial in range(28):
            b.driver.offer(start(serial, TOWN_A, end=END))
        with pytest.raises(OutboxFull):
            b.driver.offer(start(28, TOWN_A, end=END))
        assert b.driver.status().outbox_depth == 28


async def test_an_exciter_that_reads_nothing_is_dialled_again(clock: VirtualClock) -> None:
    async with bench(clock, config=FmTransmitterConfig("fm", clock_period_s=0.0, unsent_bytes_max=0)) as b:
        await asyncio.sleep(0.5)
        for exciter in b.exciters:
            assert exciter.transport is not None
            exciter.transport.pause_reading()
        b.shrink()
        await b.sink.seen(LinkDown)
        (down,) = [event for event in b.sink.events if isinstance(event, LinkDown)]
        assert "unread" in down.reason


async def test_without_a_transmitter_in_the_inventory_the_link_says_so_and_stays_down(clock: VirtualClock) -> None:
    sink = Sink()
    driver = FmTransmitter(FmTransmitterConfig("fm"), ports(clock, random.Random(7)), sink, Roster())
    task = asyncio.get_running_loop().create_task(driver.run())
    await asyncio.sleep(1.0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert sink.events == [LinkDown("fm", "the inventory has no transmitter")]


def test_the_registry_knows_the_driver() -> None:
    kind = link_type("fm_transmitter")
    assert kind.config() is FmTransmitterConfig
    assert FmTransmitterConfig("fm").source_level == 4


async def test_the_planner_is_told_that_nothing_comes_back(clock: VirtualClock) -> None:
    driver = FmTransmitter(FmTransmitterConfig("fm"), ports(clock, random.Random(1)), Sink(), roster(1))
    assert driver.path is Path.FM
    assert not driver.capabilities.returns
    assert not driver.capabilities.singles_out
    assert driver.capabilities.targets_max == 97
