"""The link to a village's old encoder: everybody on, everybody off, and for whom."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devices.link import LinkUp, NoAnswer, OutboxFull, Sent
from devices.roster import Roster
from devices.village_encoder import VillageEncoder, VillageEncoderConfig
from protocols.codes import EbmId, InvalidCode, ResourceCode
from protocols.errors import LocalProtocolError
from protocols.fm import village
from protocols.stream import BadFrame
from tests.devices.commands import OTHER_EBM, CountingSigner, Events, ports, start, stop, terminal_code
from tests.devices.memory_network import MemoryNetwork
from tests.virtual_time import VirtualClock

ADDRESS = ("10.0.0.7", 4001)
AREA = "341123001001"
ON, OFF = village.encode_payload(village.EVERYBODY_ON), village.encode_payload(village.EVERYBODY_OFF)


class Chip(asyncio.Protocol):
    """The encoder chip: what is written into its registers, and when."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.deframer = village.Deframer()
        self.writes: list[tuple[float, village.Write]] = []
        self.lines: list[asyncio.BaseTransport] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.lines.append(transport)

    def data_received(self, data: bytes) -> None:
        for event in self.deframer.feed(data):
            assert not isinstance(event, BadFrame)
            self.writes.append((self.clock.monotonic(), event))

    def said(self) -> list[tuple[float, bytes]]:
        """Payloads that were sent, with their times."""
        out, held = [], b""
        for at, write in self.writes:
            if write.address == village.GROUPS:
                held = write.data
            elif write == village.Write(village.SEND, village.SEND_TWO_GROUPS):
                out.append((at, held))
        return out


class Desk:
    def __init__(self, link: VillageEncoder, chip: Chip, events: Events) -> None:
        self.link = link
        self.chip = chip
        self.events = events


@asynccontextmanager
async def desk(clock: VirtualClock, rng: random.Random, **keys: object) -> AsyncIterator[Desk]:
    """A running link and its chip, ten seconds after the line was opened."""
    network, chip, events = MemoryNetwork(), Chip(clock), Events()
    await network.listen(lambda: chip, *ADDRESS)
    config = VillageEncoderConfig("village", **({"host": ADDRESS[0], "area": AREA} | keys))  # type: ignore[arg-type]
    link = VillageEncoder(config, ports(clock, network, rng, CountingSigner(clock)), events.sink, Roster.of([]))
    running = asyncio.create_task(link.run())
    try:
        await asyncio.sleep(60)
        yield Desk(link, chip, events)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def for_area(area: str) -> tuple[ResourceCode, ...]:
    return (ResourceCode(f"6{area}0314010400"),)


async def test_the_chip_is_reset_given_its_time_set_up_and_told_off(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as at:
        reset, first, *_ = at.chip.writes
        assert reset[1] == village.Write(0x71, b"\x52")
        assert first[0] - reset[0] == pytest.approx(1.5)
        assert [write.address for _, write in at.chip.writes[1:6]] == [0x6E, 0x00, 0x72, 0x74, 0x73]
        assert [payload for _, payload in at.chip.said()] == [OFF] * 5
        assert isinstance(at.events[0], LinkUp)


async def test_on_is_repeated_while_something_sounds_and_off_follows(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as at:
        at.chip.writes.clear()
        begun = clock.monotonic()
        at.link.offer(start(terminal_code(1)))
        await asyncio.sleep(30)
        said = at.chip.said()
        assert [payload for _, payload in said] == [ON] * 6
        assert [round(when - begun, 1) for when, _ in said] == [0.0, 5.5, 11.0, 16.5, 22.0, 27.5]
        assert [e for e in at.events if isinstance(e, Sent)]
        at.link.offer(stop(terminal_code(1)))
        await asyncio.sleep(60)
        assert [payload for _, payload in at.chip.said()[6:]] == [OFF] * 5


async def test_nothing_sounds_after_its_end(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as at:
        at.link.offer(start(end=clock.wall() + 20))
        await asyncio.sleep(100)
        assert at.chip.said()[-1][1] == OFF
        assert sum(payload == ON for _, payload in at.chip.said()) == 4


async def test_a_second_message_keeps_it_on_when_the_first_one_ends(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as at:
        at.link.offer(start())
        at.link.offer(start(ebm_id=OTHER_EBM))
        await asyncio.sleep(10)
        at.link.offer(stop())
        await asyncio.sleep(20)
        assert at.chip.said()[-1][1] == ON
        at.link.offer(stop(ebm_id=EbmId.EVERYTHING))
        await asyncio.sleep(1)
        assert at.chip.said()[-1][1] == OFF


@pytest.mark.parametrize(
    ("area", "class_", "why"),
    [("341123001002", 4, "whole area"), ("341123001001", 2, "emergencies"), ("341123001001", 1, "emergencies")],
)
async def test_who_must_not_hear_it_does_not(
    clock: VirtualClock, rng: random.Random, area: str, class_: int, why: str
) -> None:
    """I2: an alert for a neighbour widens to nobody. I5: a drill that stays above stays above."""
    async with desk(clock, rng) as at:
        at.link.offer(start(terminal_code(1), targets=for_area(area), class_=class_))
        await asyncio.sleep(10)
        assert ON not in [payload for _, payload in at.chip.said()]
        (unsent,) = [event for event in at.events if isinstance(event, NoAnswer)]
        assert why in unsent.reason


async def test_a_link_without_an_area_is_told_nothing(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng, area="") as at:
        at.link.offer(start())
        await asyncio.sleep(10)
        assert ON not in [payload for _, payload in at.chip.said()]


async def test_a_line_that_was_cut_is_set_up_again_and_told_again(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as at:
        at.link.offer(start())
        await asyncio.sleep(1)
        at.chip.writes.clear()
        for line in at.chip.lines:
            line.close()
        await asyncio.sleep(5)
        assert at.chip.writes[0][1].address == village.RESET
        assert at.chip.said()[-1][1] == ON


async def test_too_many_alerts_are_refused(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng, alerts_max=1) as at:
        at.link.offer(start())
        with pytest.raises(OutboxFull):
            at.link.offer(start(ebm_id=OTHER_EBM))


def test_what_cannot_be_configured_is_named() -> None:
    with pytest.raises(LocalProtocolError, match="'XYZ'"):
        VillageEncoderConfig("v", pi="XYZ")
    with pytest.raises(LocalProtocolError, match="16 bits"):
        VillageEncoderConfig("v", pi="12345")
    with pytest.raises(LocalProtocolError, match="off_repeats"):
        VillageEncoderConfig("v", off_repeats=0)
    with pytest.raises(InvalidCode):
        VillageEncoderConfig("v", area="34")
    assert not VillageEncoderConfig("v").commands
