"""An ordinary station around an alert: what its listeners see, and what is told about it."""

from __future__ import annotations

import asyncio
import random

import pytest

from devices.link import LinkDown, LinkUp, NoAnswer, OutboxFull, Rejected, Sent, Verb
from devices.rds_encoder import RdsEncoder, RdsEncoderConfig
from devices.roster import Roster
from protocols.codes import EbmId, InvalidCode, ResourceCode
from protocols.errors import LocalProtocolError
from protocols.uecp.control import Code, CommunicationMode, Mode, RealTimeClock
from protocols.uecp.programme import RadioText
from tests.devices.commands import (
    EBM,
    OTHER_EBM,
    CountingSigner,
    Events,
    ask,
    ports,
    set_clock,
    start,
    stop,
    terminal_code,
)
from tests.devices.memory_network import MemoryNetwork
from tests.devices.rds_station_line import ADDRESS, TOWN_TRANSMITTER, desk
from tests.virtual_time import VirtualClock

ORDINARY = (10, False, "The best of music", "MUSIC FM")
ALARM = (31, True, "Flood: leave the valley", "MUSIC FM")
TEXT = "Flood:  leave the\nvalley"
MEMBER = terminal_code(1)
EVERY_MODE = pytest.mark.parametrize("mode", ["one_way", "requested", "spontaneous"])


@EVERY_MODE
async def test_an_alert_sets_alarm_and_text_and_its_stop_restores_the_station(
    clock: VirtualClock, rng: random.Random, mode: str
) -> None:
    async with desk(clock, rng, mode=mode) as it:
        assert it.station.shown() == ORDINARY
        it.link.offer(start(MEMBER, text=TEXT))
        await asyncio.sleep(1)
        assert it.station.shown() == ALARM
        it.link.offer(stop(MEMBER))
        await asyncio.sleep(1)
        assert it.station.shown() == ORDINARY
        assert it.events == [
            LinkUp("rds"),
            Sent("rds", EBM, Verb.START, 1, 0),
            Sent("rds", EBM, Verb.STOP, 1, 0),
        ]
        assert it.link.status().up


async def test_a_command_without_members_is_announced_and_nothing_is_told_about_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with desk(clock, rng) as it:
        it.link.offer(start(text=TEXT))
        await asyncio.sleep(1)
        assert it.station.shown() == ALARM
        assert it.events == [LinkUp("rds")]


async def test_an_alert_ends_by_itself(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as it:
        it.link.offer(start(text=TEXT, end=clock.wall() + 30))
        await asyncio.sleep(29)
        assert it.station.shown() == ALARM
        await asyncio.sleep(2)
        assert it.station.shown() == ORDINARY


async def test_the_more_severe_alert_is_shown_and_the_other_one_after_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with desk(clock, rng) as it:
        it.link.offer(start(text="rain", level=3))
        it.link.offer(start(text="flood", level=1, ebm_id=OTHER_EBM))
        it.link.offer(start(text="drill", class_=3, level=1, ebm_id=EbmId(EBM[:-1] + "7")))
        await asyncio.sleep(1)
        assert it.station.shown()[2] == "flood"
        it.link.offer(stop(ebm_id=OTHER_EBM))
        await asyncio.sleep(1)
        assert it.station.shown()[:3] == (31, True, "rain")
        it.link.offer(stop(ebm_id=EbmId.EVERYTHING))
        await asyncio.sleep(1)
        assert it.station.shown() == ORDINARY


async def test_i5_a_drill_is_an_alarm_test_and_never_a_traffic_announcement(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with desk(clock, rng) as it:
        it.link.offer(start(text="drill", class_=3))
        await asyncio.sleep(1)
        assert it.station.shown()[:3] == (30, False, "drill")


@pytest.mark.parametrize("class_", [1, 2, 5])
async def test_i5_classes_that_are_no_public_alarm_change_nothing(
    clock: VirtualClock, rng: random.Random, class_: int
) -> None:
    async with desk(clock, rng) as it:
        it.link.offer(start(MEMBER, class_=class_))
        await asyncio.sleep(1)
        assert it.station.shown() == ORDINARY
        (told,) = it.events.of(NoAnswer)
        assert isinstance(told, NoAnswer)
        assert "class" in told.reason


async def test_i3_what_is_over_is_not_announced(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as it:
        it.link.offer(start(MEMBER, end=clock.wall()))
        await asyncio.sleep(1)
        assert it.station.shown() == ORDINARY
        assert [type(event) for event in it.events] == [LinkUp, NoAnswer]


@pytest.mark.parametrize(
    ("target", "announced"),
    [
        ("63411230000000314010400", True),  # the county
        ("63411230010000314010400", True),  # the transmitter's town
        ("63411230010010314010400", False),  # one village of it
        ("63411230020000314010400", False),  # another town
    ],
)
async def test_i2_a_part_of_the_transmitters_area_is_not_widened_to_all_of_it(
    clock: VirtualClock, rng: random.Random, target: str, announced: bool
) -> None:
    async with desk(clock, rng, transmitter=str(TOWN_TRANSMITTER)) as it:
        it.link.offer(start(MEMBER, text=TEXT, targets=(ResourceCode(target),)))
        await asyncio.sleep(1)
        assert it.station.shown() == (ALARM if announced else ORDINARY)
        assert bool(it.events.of(Sent)) is announced
        assert bool(it.events.of(NoAnswer)) is not announced


async def test_a_text_that_rds_has_no_characters_for_is_replaced_by_the_configured_one(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with desk(clock, rng, alert_ps="ALARM", alert_text="EMERGENCY") as it:
        it.link.offer(start(text="山洪预警"))
        await asyncio.sleep(1)
        assert it.station.shown() == (31, True, "EMERGENCY", "ALARM   ")


async def test_a_long_text_is_cut_between_words(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as it:
        it.link.offer(start(text="word " * 30))
        it.link.offer(start(text="x" * 100, ebm_id=OTHER_EBM, level=2))
        await asyncio.sleep(1)
        assert it.station.shown()[2] == " ".join(["word"] * 13)
        it.link.offer(stop())
        await asyncio.sleep(1)
        assert it.station.shown()[2] == "x" * 64


async def test_everything_is_told_again_without_clearing_the_displays(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng, repeat_period_s=60.0) as it:
        it.link.offer(start(text=TEXT))
        await asyncio.sleep(1)
        it.station.encoder.acted.clear()  # it was switched off and on
        await asyncio.sleep(60)
        assert it.station.shown() == ALARM
        assert [each.toggle for each in it.station.encoder.acted if isinstance(each, RadioText)] == [False]


async def test_an_encoder_that_comes_back_is_told_what_is_on_air_now(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng, mode="spontaneous") as it:
        line = it.station.lines[0]
        assert line.transport is not None
        line.transport.abort()
        it.link.offer(start(MEMBER, text=TEXT))
        await asyncio.sleep(5)
        assert it.station.shown() == ALARM
        assert [type(event) for event in it.events] == [LinkUp, LinkDown, LinkUp, Sent]
        assert len(it.station.lines) == 2


async def test_i8_an_encoder_that_acknowledges_nothing_is_down_and_its_alert_unanswered(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with desk(clock, rng, mode="spontaneous") as it:
        it.station.encoder.mute = True
        it.link.offer(start(MEMBER, text=TEXT))
        await asyncio.sleep(20)
        told = it.events.of(NoAnswer, Sent)
        assert told == [NoAnswer("rds", MEMBER, EBM, Verb.START, "element 07: no acknowledgement")]
        assert not it.link.status().up
        assert it.link.status().reason.endswith("no acknowledgement")
        assert len(it.events.of(LinkDown)) == 1  # not once for each element
        it.station.encoder.mute = False
        await asyncio.sleep(20)
        assert it.link.status().up
        assert it.station.shown() == ALARM


async def test_an_element_that_is_refused_is_told_and_tried_again_later(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with desk(clock, rng, mode="spontaneous") as it:
        it.station.encoder.answer = [Code.NOT_ACCEPTABLE]
        it.link.offer(start(MEMBER, text=TEXT))
        await asyncio.sleep(2)
        (told,) = it.events.of(NoAnswer, Sent)
        assert isinstance(told, NoAnswer)
        assert (it.link.status().up, it.link.status().reason) == (False, "element 07: the encoder answered 9")
        it.link.offer(start(MEMBER, text=TEXT))
        await asyncio.sleep(1)
        assert not it.events.of(Sent)
        await asyncio.sleep(10)
        assert it.station.shown() == ALARM
        assert len(it.events.of(Sent)) == 1
        assert it.link.status().up


@pytest.mark.parametrize("code", [Code.UNKNOWN_MESSAGE, Code.NOT_INTERPRETED])
async def test_i8_an_encoder_that_knows_nothing_for_a_while_is_down_and_shows_the_next_alarm(
    clock: VirtualClock, rng: random.Random, code: Code
) -> None:
    async with desk(clock, rng, mode="spontaneous") as it:
        it.station.encoder.answer = [code] * 3  # PTY, TA and RadioText; the name stays
        it.link.offer(start(text=TEXT, level=2))
        await asyncio.sleep(2)
        assert it.station.shown() == ORDINARY
        assert (it.link.status().up, it.link.status().reason) == (
            False,
            "the encoder says that it does not know element 07",
        )
        it.link.offer(start(text="rain", ebm_id=OTHER_EBM, level=1))
        await asyncio.sleep(2)
        assert it.station.shown()[2] == "rain"
        await asyncio.sleep(60)
        assert it.station.shown() == (31, True, "rain", "MUSIC FM")
        assert it.link.status().up


async def test_an_encoder_without_modes_is_served_all_the_same(clock: VirtualClock, rng: random.Random) -> None:
    network = MemoryNetwork()
    async with desk(clock, rng, mode="spontaneous", network=network) as it:
        it.station.encoder.unknown = frozenset({0x2C})
        it.station.encoder.mode = Mode.SPONTANEOUS
        line = it.station.lines[0]
        assert line.transport is not None
        line.transport.abort()
        await asyncio.sleep(3)
        it.link.offer(start(text=TEXT))
        await asyncio.sleep(1)
        assert it.station.shown() == ALARM


async def test_the_mode_is_set_first(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng, mode="spontaneous") as it:
        assert it.station.encoder.acted[0] == CommunicationMode(2)


async def test_the_clock_is_set_when_asked(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as it:
        it.link.offer(set_clock())
        it.link.offer(ask())
        now_s = clock.wall()
        await asyncio.sleep(1)
        assert it.station.encoder.acted[-1] == RealTimeClock.at(now_s)


async def test_noise_on_the_line_is_told_and_does_no_harm(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng, mode="spontaneous") as it:
        line = it.station.lines[0]
        assert line.transport is not None
        line.transport.write(b"\x00noise\xff")
        it.link.offer(start(text=TEXT))
        await asyncio.sleep(1)
        assert it.station.shown() == ALARM
        (told,) = it.events.of(Rejected)
        assert isinstance(told, Rejected)
        assert told.reason == "noise"


async def test_too_many_alerts_are_refused_but_never_a_stop(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng, alerts_max=2) as it:
        ids = [EbmId(EBM[:-1] + str(digit)) for digit in range(3)]
        for ebm_id in ids[:2]:
            it.link.offer(start(ebm_id=ebm_id))
        it.link.offer(start(ebm_id=ids[0]))
        with pytest.raises(OutboxFull, match="2 alerts run already"):
            it.link.offer(start(ebm_id=ids[2]))
        for _ in range(9):
            it.link.offer(stop(ebm_id=ids[0]))
        assert it.link.status().outbox_depth == 1


async def test_a_station_that_cannot_be_reached_is_told_with_the_reason(
    clock: VirtualClock, rng: random.Random
) -> None:
    for network, word in ((MemoryNetwork(), "refused"), (MemoryNetwork(), "did not answer")):
        events = Events()
        if word != "refused":
            network.black_holes.add(ADDRESS)
        config = RdsEncoderConfig("rds", host=ADDRESS[0])
        link = RdsEncoder(config, ports(clock, network, rng, CountingSigner(clock)), events.sink, Roster.of([]))
        link.offer(start(MEMBER, end=clock.wall() + 20))
        running = asyncio.create_task(link.run())
        await asyncio.sleep(60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        down, told = events[0], events[-1]
        assert isinstance(down, LinkDown)
        assert word in down.reason
        assert told == NoAnswer("rds", MEMBER, EBM, Verb.START, "over before it was on air")


async def test_a_link_without_an_address_says_so(clock: VirtualClock, rng: random.Random) -> None:
    events = Events()
    network = MemoryNetwork()
    link = RdsEncoder(
        RdsEncoderConfig("rds"), ports(clock, network, rng, CountingSigner(clock)), events.sink, Roster.of([])
    )
    running = asyncio.create_task(link.run())
    await asyncio.sleep(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "neither serial nor host" in link.status().reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"ps": "NINE CHAR"},
        {"ps": "应急"},
        {"radio_text": "x" * 65},
        {"alert_text": "应急"},
        {"pty": 31},
        {"alert_ps": "ALARM"},
        {"mode": "spontaneous"},  # of a weak encoder
    ],
)
def test_what_the_station_cannot_be_is_refused_with_the_configuration(wrong: dict[str, object]) -> None:
    with pytest.raises(LocalProtocolError):
        RdsEncoderConfig("rds", **wrong)  # type: ignore[arg-type]


def test_a_transmitter_is_named_by_its_resource_code_and_the_link_is_no_path() -> None:
    with pytest.raises(InvalidCode):
        RdsEncoderConfig("rds", transmitter="FM 1")
    assert not RdsEncoderConfig("rds").commands
