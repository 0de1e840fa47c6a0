"""What an adapter that drives the transmitter is told besides alerts, by 0x02 (GD/J 089 table A.24)."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.link import NoAnswer, Verb
from devices.maintenance import Air, PassedOn, Unsaid
from protocols import adapter as a
from protocols.fm.configuration import Maintenance, Query, ReturnPeriod, SetCode
from protocols.fm.daily import Alive, Amplifier, AmplifierState, DailyVolume
from protocols.fm.emergency import FactoryReset, Reset, Text
from protocols.fm.fields import Switch
from protocols.fm.packet import Content
from tests.devices.fm_county import TOWN_A, UTC_S, start, stop
from tests.devices.test_fm_adapter import HORN, mast
from tests.virtual_time import VirtualClock

END = UTC_S + 100_000

# cmd_type and data_type of table A.24, and the data: the content of the packet by GD/J 085 clause 5.2.
BY_HAND: list[tuple[int, int, Content, str]] = [
    (0, 2, Maintenance(True, 60), "01003C"),
    (0, 8, Query((1, 6)), "020106"),
    (1, 12, Reset(Switch.TO_FREQUENCY, 98_500), "5F009850"),
    (1, 13, FactoryReset(), "7F"),
    (2, 23, DailyVolume(50), "32FF"),
    (2, 24, Amplifier(AmplifierState.ON), "02"),
]


@pytest.mark.clause("GD/J 089 table A.24")
@pytest.mark.parametrize(("command", "type_", "content", "by_hand"), BY_HAND)
async def test_an_order_goes_to_the_adapter_once_with_its_content(
    clock: VirtualClock, rng: random.Random, command: int, type_: int, content: Content, by_hand: str
) -> None:
    async with mast(clock, rng) as at:
        at.link.offer(Air((HORN,), content, 7))
        await asyncio.sleep(60)
        (told,) = at.commands
        assert (told.command, told.packet_type, told.data.hex().upper()) == (command, type_, by_hand)
        assert (told.targets, told.send_times) == ((HORN,), 3)
        assert at.told(PassedOn, Unsaid) == [PassedOn("fm-adapter", 7)]


async def test_a_code_by_physical_address_names_no_terminal(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng) as at:
        at.link.offer(Air((), SetCode(b"\x01\x23", HORN), 7))
        await asyncio.sleep(1)
        (told,) = at.commands
        assert (told.targets, told.data.hex().upper()) == ((), "020123F63411231010010314010401")
        assert [packet.codes for packet in at.packets] == [()]


async def test_i8_what_the_adapter_refuses_until_its_time_is_over_is_told_with_its_words(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mast(clock, rng) as at:
        at.station.reply = lambda _frame: a.GeneralAnswer(a.ResultCode.SIGNATURE, "no such certificate")
        at.link.offer(Air((HORN,), DailyVolume(5), 7))
        await asyncio.sleep(150)
        assert at.told(PassedOn, Unsaid) == [Unsaid("fm-adapter", 7, "the adapter answers 4 no such certificate")]
        assert at.told(NoAnswer) == []


@pytest.mark.parametrize("verb", [Verb.START, Verb.STOP])
async def test_i12_an_alert_does_not_wait_for_the_answer_to_an_order(
    clock: VirtualClock, rng: random.Random, verb: Verb
) -> None:
    async with mast(clock, rng) as at:
        at.station.delay_s = 4.0
        at.link.offer(Air((HORN,), DailyVolume(5), 7))
        await asyncio.sleep(0.5)
        at.link.offer(start(1, TOWN_A, end=END) if verb is Verb.START else stop(1, TOWN_A))
        await asyncio.sleep(0.5)
        assert [c.packet_type for c in at.commands] == [23, 11]
        await asyncio.sleep(10)
        assert [c.packet_type for c in at.commands][:3] == [23, 11, 23]
        assert at.told(PassedOn) == [PassedOn("fm-adapter", 7)]
        assert at.link.status().up


async def test_orders_that_wait_make_room_for_an_alert(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng, dead=True, announcements_max=2) as at:
        at.link.offer(Air((HORN,), ReturnPeriod(60), 1))
        at.link.offer(Air((HORN,), ReturnPeriod(70), 2))
        at.link.offer(Air((HORN,), ReturnPeriod(80), 3))
        at.link.offer(start(1, TOWN_A, end=END))
        await asyncio.sleep(5)
        full, pushed = at.told(Unsaid)
        assert full == Unsaid("fm-adapter", 3, "2 announcements wait for the adapter, 2 may")
        assert pushed == Unsaid("fm-adapter", 2, "pushed out by something better")


async def test_what_would_silence_an_alert_is_refused_beside_it_and_withdrawn_before_it(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mast(clock, rng, dead=True) as at:
        at.link.offer(Air((HORN,), FactoryReset(), 1))
        at.link.offer(start(1, TOWN_A, end=END))
        at.link.offer(Air((HORN,), Reset(Switch.STAY, 0), 2))
        await asyncio.sleep(5)
        reasons = {event.token: event.reason for event in at.sink.events if isinstance(event, Unsaid)}
        assert reasons[1] == "an alert came first"
        assert "is on air there" in reasons[2]


@pytest.mark.clause("GD/J 085 clause 5.2.16", "GD/J 089 table A.24")
async def test_the_adapter_is_told_maintenance_when_it_is_there_and_type_21_each_third_of_the_period(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mast(clock, rng, maintenance_s=60) as at:
        await asyncio.sleep(630)
        assert [p.content for p in at.packets if isinstance(p.content, Maintenance)] == [Maintenance(True, 60)] * 2
        alive = [c for c in at.commands if c.packet_type == 21]
        assert len(alive) == pytest.approx(32, abs=2)
        assert [c.data.hex() for c in alive[:3]] == ["00ff", "01ff", "02ff"]
        assert {(c.command, c.send_times) for c in alive} == {(2, 1)}
        assert [p.content for p in at.packets if isinstance(p.content, Alive)][:2] == [Alive(0), Alive(1)]


@pytest.mark.clause("GD/J 085 clause 5.2.15")
async def test_a_text_follows_its_start_and_is_not_told_after_the_stop(clock: VirtualClock, rng: random.Random) -> None:
    async with mast(clock, rng, texts=True) as at:
        at.link.offer(replace(start(1, TOWN_A, end=END), text="地震预警"))
        await asyncio.sleep(1)
        assert [(c.command, c.packet_type, c.send_times) for c in at.commands] == [(1, 11, 3), (1, 15, 1)]
        await asyncio.sleep(64)
        at.link.offer(stop(1, TOWN_A))
        await asyncio.sleep(200)
        assert len([c for c in at.commands if c.packet_type == 15]) == 2
        (text, _again) = [p.content for p in at.packets if isinstance(p.content, Text)]
        assert isinstance(text, Text)
        assert text.text == "地震预警"
