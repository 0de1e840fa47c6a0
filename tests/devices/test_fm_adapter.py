"""FM by way of an adapter: 0x02 to a simulated one, whose packets FM receivers hear; in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from devices.fm_adapter import FmAdapter, FmAdapterConfig
from devices.link import AskState, Event, LinkDown, LinkUp, NoAnswer, OutboxFull, Path, Sent, SetClock, Verb
from devices.maintenance import Air, Authorise, Configure, Given, PassedOn
from devices.ports import Ports
from devices.registry import link_type
from devices.roster import Device, DeviceKind, Roster
from protocols import adapter as a
from protocols.codes import EbmId, ResourceCode
from protocols.fm.bits import frame_to_air
from protocols.fm.configuration import Certificates, Clock, ScanEntry, ScanList
from protocols.fm.emergency import Emergency
from protocols.fm.fields import Action
from protocols.fm.frame import FRAME_BITS, SourceLevel, to_frames
from protocols.fm.packet import Packet, decode_packet
from simulators.adapter import Adapter, Airing
from simulators.fm_receiver import FmReceiver
from simulators.trust import Trust
from tests.devices.annex_a_adapter import Station, StationConnection
from tests.devices.fm_county import CERTIFICATE, COUNTY, TOWN_A, TOWN_B, TRUSTED, Sink, ebm_id, sign_at, start, stop
from tests.devices.fm_county import roster as with_transmitter
from tests.devices.memory_network import MemoryNetwork
from tests.simulators.signing import ADAPTER_CERTIFICATE, certificate, key
from tests.virtual_time import VirtualClock

HEAD_END = ResourceCode("43411230000000314010201")
HORN = ResourceCode("63411231010010314010401")  # in town A
ADAPTERS_OWN = {ADAPTER_CERTIFICATE: certificate(ADAPTER_CERTIFICATE)}


@dataclass
class Mast:
    """The adapter with its transmitter, and one horn that hears it."""

    link: FmAdapter
    sink: Sink
    station: Station
    network: MemoryNetwork
    clock: VirtualClock
    aired: list[Airing] = field(default_factory=list)
    log: list[tuple[str, EbmId]] = field(default_factory=list)

    @property
    def commands(self) -> list[a.RdsSpecial]:
        """What the adapter was told."""
        return [message for message in self.station.messages if isinstance(message, a.RdsSpecial)]

    @property
    def packets(self) -> list[Packet]:
        """What it put on air."""
        return [decode_packet(each.packet) for each in self.aired]

    def told(self, *kinds: type[Event]) -> list[Event]:
        """Events of these kinds."""
        return [event for event in self.sink.events if isinstance(event, kinds)]


@contextlib.asynccontextmanager
async def mast(clock: VirtualClock, rng: random.Random, *, dead: bool = False, **keys: object) -> AsyncIterator[Mast]:
    """Everything at work; `dead`: the adapter takes no connection."""
    network, sink, station = MemoryNetwork(), Sink(), Station(HEAD_END, lambda _frame: None)
    device = Device(DeviceKind.ADAPTER, HEAD_END, "", "county", host="10.0.0.1", port=8001)
    config = FmAdapterConfig("fm-adapter", adapter=HEAD_END, **keys)  # type: ignore[arg-type]
    ports = Ports(clock, rng, network, lambda command: sign_at(clock.wall(), command))
    devices = Roster.of([device, *with_transmitter(9000).transmitters])
    at = Mast(FmAdapter(config, ports, sink, devices), sink, station, network, clock)
    simulated = Adapter(HEAD_END, key(ADAPTER_CERTIFICATE), ADAPTER_CERTIFICATE, Trust(TRUSTED, clock.wall), clock.wall)
    horn = FmReceiver(
        HORN,
        ADAPTERS_OWN,
        lambda _code, ebm: at.log.append(("begin", ebm)),
        lambda _code, ebm: at.log.append(("end", ebm)),
        wall=clock.wall,
    )

    def reply(frame: a.AdapterFrame) -> a.Message:
        outcome = simulated.receive(frame, clock.wall())
        for airing in outcome.packets:
            at.aired.append(airing)
            for word in to_frames(airing.packet, SourceLevel.COUNTY, len(at.aired) % 32):
                bits = int.from_bytes(frame_to_air(word), "big")
                horn.hear_bits(bits, FRAME_BITS, len(at.aired) * 100_000, clock.monotonic())
        return outcome.answer

    station.reply = reply
    network.listeners["10.0.0.1", 8001] = partial(StationConnection, station)
    if dead:
        network.refusing.add(("10.0.0.1", 8001))
    running = asyncio.ensure_future(at.link.run())
    await asyncio.sleep(0.1)
    try:
        yield at
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.clause("GD/J 089 table A.24")
async def test_a_start_goes_out_as_0x02_and_what_the_adapter_makes_of_it_is_heard(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mast(clock, rng) as at:
        assert at.told(LinkUp) == [LinkUp("fm-adapter")]
        at.link.offer(start(end=clock.wall() + 3600))
        await asyncio.sleep(1)
        (command,) = at.commands
        assert (command.command, command.packet_type, command.targets) == (1, 11, (COUNTY,))
        assert (command.send_times, command.interval_ms) == (3, 100)
        # action 01, switch 01, level 1 · 11A01 · F + message id · 98.50 MHz (GD/J 085 clause 5.2.11)
        assert command.data.hex().upper() == f"513131413031F{ebm_id(1)}009850"
        assert [frame.signature is not None for frame in at.station.heard or []] == [True]
        assert at.log == [("begin", ebm_id(1))]
        assert at.told(Sent) == [Sent("fm-adapter", ebm_id(1), Verb.START, 1, 3 * 24 * 104)]


async def test_it_is_said_again_while_it_runs_and_not_for_ever(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng) as at:
        at.link.offer(start(end=clock.wall() + 25))
        await asyncio.sleep(24)
        assert len(at.commands) == 3
        await asyncio.sleep(10)
        last = at.packets[-1].content
        assert isinstance(last, Emergency)
        assert (last.action, at.log) == (Action.STOP, [("begin", ebm_id(1)), ("end", ebm_id(1))])
        assert {command.send_times for command in at.commands} == {3}
        await asyncio.sleep(90)
        count = len(at.commands)
        await asyncio.sleep(60)
        assert len(at.commands) == count


async def test_i12_a_stop_goes_out_at_once_and_nothing_of_the_start_behind_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mast(clock, rng) as at:
        at.link.offer(start())
        await asyncio.sleep(1)
        at.link.offer(stop())
        await asyncio.sleep(0.1)
        assert at.log == [("begin", ebm_id(1)), ("end", ebm_id(1))]
        at.link.offer(start())
        await asyncio.sleep(30)
        contents = [packet.content for packet in at.packets]
        assert [c.action for c in contents if isinstance(c, Emergency)].count(Action.START) == 1
        assert at.told(Sent)[-1] == Sent("fm-adapter", ebm_id(1), Verb.STOP, 6, 6 * 3 * 24 * 104)


async def test_i12_a_stop_does_not_wait_for_a_start_that_the_adapter_leaves_unanswered(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mast(clock, rng) as at:
        replies, at.station.reply = at.station.reply, lambda _frame: None
        at.link.offer(start())
        await asyncio.sleep(0.5)
        at.station.reply = replies
        at.link.offer(stop())
        await asyncio.sleep(0.5)
        (packet,) = at.packets
        assert isinstance(packet.content, Emergency)
        assert packet.content.action is Action.STOP


async def test_i4_a_stop_for_one_town_leaves_the_others_their_start(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng) as at:
        at.link.offer(start(1, TOWN_A, TOWN_B))
        await asyncio.sleep(1)
        at.link.offer(stop(1, TOWN_A))
        await asyncio.sleep(15)
        starts = [p.codes for p in at.packets if isinstance(p.content, Emergency) and p.content.action is Action.START]
        assert starts == [(TOWN_A, TOWN_B), (TOWN_B,)]


async def test_i3_what_has_ended_before_the_adapter_came_back_never_starts(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mast(clock, rng, dead=True) as at:
        at.link.offer(start(end=clock.wall() + 20))
        await asyncio.sleep(30)
        (told,) = at.told(NoAnswer)
        assert isinstance(told, NoAnswer)
        assert (told.code, told.verb) == (COUNTY, Verb.START)
        at.network.refusing.clear()
        await asyncio.sleep(60)
        assert at.packets == []
        assert not at.link.status().outbox_depth


async def test_i8_an_adapter_that_is_gone_is_tried_until_it_is_back(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng, dead=True) as at:
        assert isinstance(at.told(LinkDown)[0], LinkDown)
        at.link.offer(start())
        await asyncio.sleep(40)
        assert (at.told(Sent), len(at.told(NoAnswer))) == ([], 1)
        at.network.refusing.clear()
        await asyncio.sleep(20)
        assert at.told(Sent)[0] == Sent("fm-adapter", ebm_id(1), Verb.START, 1, 3 * 24 * 104)
        assert at.link.status().up


async def test_a_refusal_of_the_adapter_is_told_with_its_words(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng) as at:
        at.station.reply = lambda _frame: a.GeneralAnswer(a.ResultCode.SIGNATURE, "no such certificate")
        at.link.offer(start())
        await asyncio.sleep(1)
        (told,) = at.told(NoAnswer)
        assert isinstance(told, NoAnswer)
        assert told.reason == "the adapter answers 4 no such certificate"
        assert at.link.status().up


async def test_the_clock_and_certificates_go_the_same_way(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng) as at:
        at.link.offer(SetClock((HORN,)))
        await asyncio.sleep(1)
        at.link.offer(Authorise((HORN,), (), (CERTIFICATE.encode(),), 7))
        await asyncio.sleep(1)
        assert [(c.command, c.packet_type) for c in at.commands] == [(0, 3), (0, 7)]
        assert [type(packet.content) for packet in at.packets] == [Clock, Certificates]
        assert at.told(PassedOn) == [PassedOn("fm-adapter", 7)]
        at.link.offer(AskState((HORN,)))
        await asyncio.sleep(1)
        assert len(at.commands) == 2


@pytest.mark.clause("GD/J 085 clause 5.2.2", "GD/J 089 table A.24")
async def test_a_scan_list_goes_through_the_adapter_once_and_nobody_is_asked_over_fm(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mast(clock, rng) as at:
        entries = (ScanEntry(1, 1, 98_500), ScanEntry(2, 2, 88_800))
        at.link.offer(Air((HORN,), ScanList(entries), 0))
        at.link.offer(Configure((HORN,), Given(volume=20), 0))
        await asyncio.sleep(60)
        assert [(c.command, c.packet_type, c.targets) for c in at.commands] == [(0, 0, (HORN,))]
        assert [packet.content for packet in at.packets] == [ScanList(entries)]
        assert not at.link.capabilities.asks


async def test_so_many_starts_may_run_and_a_stop_still_finds_room(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng, announcements_max=2) as at:
        at.link.offer(start(1))
        at.link.offer(start(2))
        with pytest.raises(OutboxFull):
            at.link.offer(start(3))
        at.link.offer(stop(1))


async def test_without_an_adapter_the_link_carries_nothing(clock: VirtualClock, rng: random.Random) -> None:
    config = FmAdapterConfig("fm-adapter")
    ports = Ports(clock, rng, MemoryNetwork(), lambda command: sign_at(clock.wall(), command))
    sink = Sink()
    link = FmAdapter(config, ports, sink, Roster.of([]))
    link.offer(start())
    assert (config.commands, sink.events) == (False, [])
    assert link_type("fm_adapter").path is Path.FM


@pytest.mark.parametrize(
    ("key", "value"), [("send_times", 0), ("send_times", 255), ("interval_ms", 256), ("clock_zone", "mars")]
)
def test_values_that_the_command_cannot_carry_or_that_never_end_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        FmAdapterConfig("fm-adapter", **{key: value})  # type: ignore[arg-type]
