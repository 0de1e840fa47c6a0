"""What an FM link says besides alerts: heard by terminals that obey it, told when dropped, never before an alert."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from devices.fm_announcement import Type6, disturbs
from devices.fm_besides import Besides, Habits
from devices.fm_carousel import PassDone
from devices.fm_transmitter import FmTransmitterConfig
from devices.link import Start, Stop, Verb
from devices.maintenance import Air, PassedOn, Unsaid
from protocols.codes import EbmId, ResourceCode
from protocols.fm.configuration import Maintenance, Query, ReturnAddress, ReturnPeriod, SetCode
from protocols.fm.daily import Alive, Amplifier, AmplifierState, DailyVolume
from protocols.fm.emergency import Emergency, FactoryReset, Reset
from protocols.fm.fields import Switch
from protocols.fm.packet import Content
from tests.devices.fm_county import COUNTY, TOWN_A, TOWN_B, UTC_S, ebm_id, start, stop
from tests.devices.fm_transmission import Transmission
from tests.devices.fm_village import HORN_A, HORN_B, PHYS_A, village
from tests.virtual_time import VirtualClock

END = UTC_S + 100_000
NEW_CODE = ResourceCode("63411231020020314010409")

# Contents as the digest's table of section 4 has them, and as GD/J 085 clause 5.2 lays them out field by field.
BY_HAND: list[tuple[int, Content, str]] = [
    (2, Maintenance(True, 60), "01 003C"),  # on, 60 s
    (4, ReturnAddress.ip("10.20.30.40", 8889), "02 06 0A141E28 22B9"),  # IP, six bytes, four of them the address
    (4, ReturnAddress.sms("13800138000"), "01 0B 3133383030313338303030"),  # SMS, eleven ASCII digits
    (4, ReturnAddress.domain("eb.cn", 9000), "03 0A 65622E636E3A39303030"),  # "eb.cn:9000"
    (5, ReturnPeriod(600), "00000258"),
    (8, Query((1, 6, 0x11)), "03 01 06 11"),
    (12, Reset(Switch.TO_FREQUENCY, 98_500), "5F 009850"),  # 01 01 1111, then 0098.50
    (12, Reset(Switch.STAY, 0), "6F 000000"),  # 01 10 1111
    (13, FactoryReset(), "7F"),  # 01 111111
    (23, DailyVolume(50), "32 FF"),
    (24, Amplifier(AmplifierState.ON), "02"),
    (24, Amplifier(AmplifierState.OFF), "01"),
]


@pytest.mark.clause(
    "GD/J 085 clause 5.2.4",
    "GD/J 085 clause 5.2.6",
    "GD/J 085 clause 5.2.7",
    "GD/J 085 clause 5.2.10",
    "GD/J 085 clause 5.2.12",
    "GD/J 085 clause 5.2.13",
    "GD/J 085 clause 5.2.18",
    "GD/J 085 clause 5.2.19",
)
@pytest.mark.parametrize(("type_", "content", "by_hand"), BY_HAND)
async def test_what_is_told_goes_on_air_bit_by_bit_as_the_standard_has_it(
    clock: VirtualClock, type_: int, content: Content, by_hand: str
) -> None:
    async with village(clock) as at:
        at.link.offer(Air((TOWN_A, TOWN_B), content, 7))
        await asyncio.sleep(8)
        (packet,) = [data for _, data in at.heard]
        data = bytes.fromhex(by_hand)
        head = (type_ << 11 | len(packet) - 2).to_bytes(2, "big") + b"\x02"  # type 5 bits, length 11, two codes
        codes = bytes.fromhex("F63411231010000314000400" + "F63411231020000314000400")
        assert packet[:-74] == head + codes + data
        assert at.told(PassedOn, Unsaid) == [PassedOn("fm", 7)]


@pytest.mark.clause("GD/J 085 clause 5.2.3")
async def test_a_code_goes_by_physical_address_and_names_no_resource(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(Air((), SetCode(PHYS_A, NEW_CODE), 7))
        await asyncio.sleep(8)
        ((_, packet),) = at.heard
        # type 1 · 94 bytes behind the length field · no code · 06 and the address · 1111 and 23 digits
        assert packet[:-74].hex().upper() == "085E" + "00" + "060123456789AB" + "F63411231020020314010409"
        assert at.told(PassedOn) == [PassedOn("fm", 7)]
        assert (at.horns["a"].code, at.horns["b"].code) == (NEW_CODE, HORN_B)
        at.link.offer(Air((NEW_CODE,), DailyVolume(10), 8))
        at.link.offer(Air((HORN_A,), DailyVolume(90), 9))
        await asyncio.sleep(12)
        assert at.horns["a"].settings.daily_volume == 10


@pytest.mark.clause("GD/J 085 clause 5.2.3")
async def test_a_code_for_another_physical_address_changes_nothing(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(Air((), SetCode(bytes.fromhex("FFFFFFFFFFFF"), NEW_CODE), 7))
        await asyncio.sleep(8)
        assert (at.horns["a"].code, at.horns["b"].code) == (HORN_A, HORN_B)


async def test_the_terminals_named_do_what_they_are_told_and_the_others_do_not(clock: VirtualClock) -> None:
    async with village(clock) as at:
        for number, (_, content, _hex) in enumerate(BY_HAND):
            if not disturbs(content):
                at.link.offer(Air((TOWN_A,), content, number))
        await asyncio.sleep(60)
        told, untold = at.horns["a"].settings, at.horns["b"].settings
        assert (told.daily_volume, told.period_s, told.return_to) == (50, 600, "eb.cn:9000")
        assert (told.maintenance_s, told.asked) == (60, (1, 6, 0x11))
        assert (untold.daily_volume, untold.period_s, untold.return_to, untold.asked) == (60, 60, "", ())


async def test_resets_restart_a_terminal_and_take_away_what_it_was_set_to(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(Air((), SetCode(PHYS_A, NEW_CODE), 1))
        await asyncio.sleep(8)
        at.link.offer(Air((NEW_CODE,), DailyVolume(5), 2))
        at.link.offer(Air((NEW_CODE,), Reset(Switch.TO_FREQUENCY, 101_300), 3))
        await asyncio.sleep(14)
        horn = at.horns["a"].settings
        assert (horn.restarts, horn.default_khz, horn.daily_volume, horn.code) == (1, 101_300, 5, NEW_CODE)
        at.link.offer(Air((NEW_CODE,), FactoryReset(), 4))
        await asyncio.sleep(8)
        assert (horn.restarts, horn.default_khz, horn.daily_volume, horn.code) == (2, 0, 60, HORN_A)


async def test_an_amplifier_that_is_off_is_woken_by_a_start(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(Air((TOWN_A,), Amplifier(AmplifierState.OFF), 1))
        await asyncio.sleep(8)
        assert not at.horns["a"].settings.amplifier_on
        at.link.offer(start(1, TOWN_A, end=END))
        await asyncio.sleep(4)
        assert at.horns["a"].audible


async def test_a_burst_is_three_passes_and_no_more(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(Air((TOWN_A,), DailyVolume(20), 7))
        await asyncio.sleep(5.0)
        assert at.told(PassedOn) == []
        await asyncio.sleep(600)
        assert at.told(PassedOn) == [PassedOn("fm", 7)]
        assert at.link.air.carrying == 3 * 19  # 91 bytes and the CRC of 2 make 19 frames


# ---- beside alerts -------------------------------------------------------------------------------------------------


async def test_i8_what_alerts_hold_up_too_long_is_dropped_and_told(clock: VirtualClock) -> None:
    async with village(clock) as at:
        for serial in range(1, 26):
            at.link.offer(start(serial, TOWN_B, level=1, end=END))
        at.link.offer(Air((TOWN_A,), DailyVolume(20), 7))
        await asyncio.sleep(180)  # 25 bursts of 6.3 s, then 25 repeats that are always late
        assert at.told(PassedOn, Unsaid) == [Unsaid("fm", 7, "over before it was on air")]
        assert at.horns["a"].settings.daily_volume == 60


@pytest.mark.parametrize("content", [Reset(Switch.STAY, 0), FactoryReset(), Amplifier(AmplifierState.OFF)])
async def test_nothing_that_would_silence_an_alert_is_said_while_one_is_on_air_there(
    clock: VirtualClock, content: Content
) -> None:
    async with village(clock) as at:
        at.link.offer(start(1, TOWN_A, end=END))
        at.link.offer(Air((HORN_A,), content, 1))
        at.link.offer(Air((), SetCode(PHYS_A, NEW_CODE), 2))
        at.link.offer(Air((HORN_B,), content, 3))
        await asyncio.sleep(60)
        told = at.told(PassedOn, Unsaid)
        refused = f"{ebm_id(1)} is on air there"
        assert told == [Unsaid("fm", 1, refused), Unsaid("fm", 2, refused), PassedOn("fm", 3)]
        assert at.horns["a"].sounding == ebm_id(1)


async def test_what_would_silence_an_alert_is_withdrawn_when_one_comes(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(Air((COUNTY,), FactoryReset(), 1))
        at.link.offer(Air((COUNTY,), DailyVolume(20), 2))
        await asyncio.sleep(1.0)
        at.link.offer(start(1, TOWN_A, end=END))
        await asyncio.sleep(60)
        assert at.told(Unsaid, PassedOn) == [Unsaid("fm", 1, "an alert came first"), PassedOn("fm", 2)]
        assert at.horns["b"].settings.restarts == 0
        assert at.horns["a"].sounding == ebm_id(1)


async def test_i8_what_fits_no_packet_is_told_at_once(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(Air((), DailyVolume(20), 1))
        at.link.offer(Air((ResourceCode("0" + COUNTY[1:]),), DailyVolume(20), 2))
        first, second = at.told(Unsaid)
        assert isinstance(first, Unsaid)
        assert isinstance(second, Unsaid)
        assert "needs an address" in first.reason
        assert "level digit 0" in second.reason


async def test_i12_orders_that_wait_make_room_for_starts_and_stops(clock: VirtualClock) -> None:
    async with village(clock) as at:
        for number in range(28):
            at.link.offer(Air((TOWN_B,), ReturnPeriod(60 + number), number))
        for serial in range(1, 21):
            at.link.offer(start(serial, TOWN_A, end=END))
        at.link.offer(stop(1, TOWN_A))
        await asyncio.sleep(1)
        lost = [event for event in at.told(Unsaid) if isinstance(event, Unsaid)]
        assert {event.reason for event in lost} == {"pushed out by something better"}
        assert len(lost) == 20


class Fixed:
    """A clock that a test moves."""

    def __init__(self, air: Transmission) -> None:
        self._air = air

    def wall(self) -> float:
        return self._air.wall_s

    def monotonic(self) -> float:
        return self._air.now_s


def _first_passes(air: Transmission, besides: Besides | None) -> dict[tuple[EbmId, Verb], float]:
    """An alert or its stop every two seconds; when the first pass of each was over."""
    orders = _starts_and_stops()
    next_s = 0.0
    found: dict[tuple[EbmId, Verb], float] = {}
    while air.now_s < 240.0:
        if air.now_s >= next_s and (order := next(orders, None)) is not None:
            next_s += 2.0
            air.offer(order)
        if besides is not None:
            besides.look(air.now_s)
            if len(air.log) % 200 == 0:
                besides.offer(Air((TOWN_B,), DailyVolume(len(air.log) % 100), len(air.log)), air.now_s)
        for event in air.frame().events:
            if isinstance(event, PassDone):
                found.setdefault((event.ebm_id, event.verb), air.now_s)
    return found


def _starts_and_stops() -> Iterator[Start | Stop]:
    for serial in range(1, 3):
        yield start(serial, TOWN_A, level=serial, end=END)
    for serial in range(3, 26):
        yield start(serial, TOWN_B, level=4, end=END)
        yield stop(serial, TOWN_B, level=4)


def test_an_alert_every_two_seconds_is_not_delayed_by_a_frame() -> None:
    alone = _first_passes(Transmission(), None)
    air = Transmission()
    habits = Habits("fm", 3, "beijing", Type6.LIST, clock_period_s=60.0, maintenance_s=30, texts=True)
    besides = Besides(habits, Fixed(air), lambda: COUNTY.area, air.carousel.say, lambda _event: None)
    besides.restart(0.0)
    assert _first_passes(air, besides) == alone
    assert len([verb for _, verb in alone if verb is Verb.STOP]) == 23
    assert any(isinstance(packet.content, Alive) for packet in air.packets)


# ---- maintenance ---------------------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 085 clause 5.2.4", "GD/J 085 clause 5.2.16")
async def test_maintenance_is_said_after_the_connect_and_type_21_three_times_a_period(clock: VirtualClock) -> None:
    async with village(clock, maintenance_s=60, clock_period_s=600.0) as at:
        await asyncio.sleep(1210)
        assert [p.content for p in at.packets if isinstance(p.content, Maintenance)] == [Maintenance(True, 60)] * 3
        alive = [p for p in at.packets if isinstance(p.content, Alive)]
        assert [p.content for p in alive[:3]] == [Alive(0), Alive(1), Alive(2)]
        assert {p.codes for p in alive} == {tuple(ResourceCode(f"{n}3411230000000314000400") for n in (6, 5))}
        assert [p.command[-2:] for p in alive[:3]] == [b"\x00\xff", b"\x01\xff", b"\x02\xff"]
        gaps = [after - before for before, after in pairwise(at.whole_at(21))]
        assert gaps == pytest.approx([20.0] * len(gaps), abs=6.0)
        assert len(at.whole_at(3)) == 3


async def test_where_maintenance_is_off_nothing_is_said_of_it(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.link.offer(start(1, TOWN_A, end=END))
        await asyncio.sleep(700)
        assert {type(packet.content) for packet in at.packets} == {Emergency}
        assert at.horns["a"].sounding == ebm_id(1)


@pytest.mark.clause("GD/J 085 clause 5.2.4")
async def test_a_started_terminal_falls_silent_by_itself_a_period_after_the_head_end_did(clock: VirtualClock) -> None:
    async with village(clock, maintenance_s=30) as at:
        at.link.offer(start(1, TOWN_A, end=END))
        await asyncio.sleep(300)
        assert at.log == [("begin", HORN_A, ebm_id(1))]
        at.cut()
        await asyncio.sleep(15)
        assert at.log == [("begin", HORN_A, ebm_id(1))]
        await asyncio.sleep(17)
        assert at.log == [("begin", HORN_A, ebm_id(1)), ("end", HORN_A, ebm_id(1))]


async def test_what_fell_silent_while_the_head_end_was_gone_sounds_again_when_it_is_back(clock: VirtualClock) -> None:
    async with village(clock, maintenance_s=30) as at:
        at.link.offer(start(1, TOWN_A, end=END))
        await asyncio.sleep(20)
        at.cut()
        await asyncio.sleep(60)
        assert at.horns["a"].sounding is None
        at.running[0] = asyncio.ensure_future(at.link.run())
        await asyncio.sleep(20)
        assert at.horns["a"].sounding == ebm_id(1)
        await asyncio.sleep(300)
        assert [what for what, *_ in at.log] == ["begin", "end", "begin"]


async def test_repeats_of_other_alerts_never_let_a_started_terminal_fall_silent(clock: VirtualClock) -> None:
    async with village(clock, maintenance_s=30) as at:
        await asyncio.sleep(10)
        at.link.offer(start(1, TOWN_A, end=END))
        await asyncio.sleep(3)
        for serial in range(2, 27):
            at.link.offer(start(serial, TOWN_B, level=1, end=END))
            await asyncio.sleep(8)
            at.link.offer(stop(serial, TOWN_B))
            await asyncio.sleep(6)
        assert at.link.air.idle < 0.1 * at.link.air.carrying  # the air was full of bursts
        gaps = [after - before for before, after in pairwise(at.whole_at(21))]
        assert max(gaps) < 30
        assert [entry for entry in at.log if entry[1] == HORN_A] == [("begin", HORN_A, ebm_id(1))]


@pytest.mark.parametrize("seconds", [1, 29, -30, 65_536])
def test_a_period_that_keeps_nothing_alive_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match=f"maintenance_s {seconds}"):
        FmTransmitterConfig("fm", maintenance_s=seconds)
