"""The FM carousel: what is on air when (fm-rds.md sections 5 and 9)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from devices.fm_announcement import Announcement, clock_announcement
from devices.fm_carousel import NeverOnAir, PassDone
from devices.link import Verb
from protocols.codes import AreaCode
from protocols.fm.configuration import BEIJING_OFFSET_S, Clock
from protocols.fm.daily import Daily
from protocols.fm.emergency import Drill, DrillKind, DrillOperation, Emergency
from protocols.fm.fields import Action
from protocols.fm.frame import FILLER_FRAME, FRAME_BITS
from tests.devices.fm_county import TOWN_A, TOWN_B, UTC_S, ebm_id, start, stop
from tests.devices.fm_transmission import FRAME_S, ONE_AREA_FRAMES, STOP_REPEATS, Transmission, emergency


def test_nothing_to_say_is_filler() -> None:
    air = Transmission()
    air.play(5.0)
    assert {each.frame for each in air.log} == {FILLER_FRAME}


def test_a_start_is_on_air_with_the_very_next_frame() -> None:
    air = Transmission()
    air.play(1.0)
    air.offer(start())
    air.frames(ONE_AREA_FRAMES)
    assert [each.version for each in air.log[-ONE_AREA_FRAMES:]] == [0] * ONE_AREA_FRAMES
    assert [emergency(packet) for packet in air.packets] == [(Action.START, ebm_id(1))]


@pytest.mark.requirement("R-IF-02", "R-IF-05")
def test_a_start_names_the_programme_its_level_and_its_targets() -> None:
    air = Transmission()
    air.offer(start(1, TOWN_A, TOWN_B, level=3))
    air.frames(26)
    (packet,) = air.packets
    assert packet.codes == (TOWN_A, TOWN_B)
    assert isinstance(packet.content, Emergency)
    assert (packet.content.level, packet.content.frequency_khz) == (3, 98_500)


def test_a_start_is_told_three_times_at_once_and_then_every_ten_seconds() -> None:
    air = Transmission()
    air.offer(start())
    air.play(60.0)
    began = air.passes_at(0)
    assert began[:3] == pytest.approx([0.0, 24 * FRAME_S, 48 * FRAME_S])
    gaps = [after - before for before, after in pairwise(began[2:])]
    assert len(began) >= 8
    assert gaps == pytest.approx([10.0] * len(gaps), abs=FRAME_S)


def test_a_stop_is_told_five_times_at_once_then_every_five_seconds_for_a_minute() -> None:
    air = Transmission()
    air.offer(stop())
    air.play(120.0)
    began = air.passes_at(0)
    assert began[:5] == pytest.approx([number * 24 * FRAME_S for number in range(5)])
    gaps = [after - before for before, after in pairwise(began[4:])]
    assert gaps == pytest.approx([5.0] * len(gaps), abs=FRAME_S)
    assert 55.0 <= began[-1] <= 60.0
    assert len(air.carousel) == 0


def test_i3_a_stop_is_told_more_rarely_for_a_while_longer_for_who_missed_all_of_it() -> None:
    air = Transmission(stop_repeats=replace(STOP_REPEATS, tail_period_s=30.0, tail_s=200.0))
    air.offer(stop())
    air.play(400.0)
    late = [at_s for at_s in air.passes_at(0) if at_s > 65.0]
    assert [after - before for before, after in pairwise(late)] == pytest.approx([30.0] * (len(late) - 1), abs=FRAME_S)
    assert 225.0 <= late[-1] <= 260.0
    assert len(air.carousel) == 0


def test_a_fresh_start_does_not_wait_for_the_tail_of_old_stops() -> None:
    air = Transmission(stop_repeats=replace(STOP_REPEATS, tail_period_s=30.0, tail_s=600.0))
    for serial in range(1, 9):
        air.offer(stop(serial))
    air.play(150.0)
    began_s = air.now_s
    air.offer(start(9, level=4))
    air.play(8.0)
    one_pass_s = ONE_AREA_FRAMES * FRAME_S
    assert air.passes_at(8)[:3] == pytest.approx([began_s + number * one_pass_s for number in range(3)])


def test_repeats_are_identical_to_the_byte() -> None:
    air = Transmission()
    air.offer(start())
    air.play(200.0)
    by_index: dict[int, set[bytes]] = {}
    for each in air.log:
        if each.frame != FILLER_FRAME:
            by_index.setdefault(each.frame[2], set()).add(each.frame)
    assert len(by_index) == ONE_AREA_FRAMES
    assert all(len(frames) == 1 for frames in by_index.values())


def test_a_packet_near_the_end_of_the_time_window_is_signed_anew_under_a_new_version() -> None:
    air = Transmission(first_version=31)
    air.offer(start())
    air.play(600.0)
    signed = [(version, packet.signature.time - UTC_S) for version, packet in air.monitor.packets]
    assert [version for version, _at in signed] == [31, 0, 1]
    assert signed[0][1] == 0
    assert 240 <= signed[1][1] <= 250
    for each in air.log:
        if each.version is not None:
            made_s = dict(signed)[each.version]
            assert each.at_s - made_s < 300 - 10  # every repeat leaves inside the receivers' window


def test_a_stop_goes_before_everything_that_is_on_air() -> None:
    air = Transmission()
    air.offer(start(1))
    air.offer(start(2, TOWN_A))
    air.frames(10)
    air.offer(stop(1))
    air.frames(ONE_AREA_FRAMES)
    assert [emergency(packet) for packet in air.packets] == [(Action.STOP, ebm_id(1))]


def test_i12_no_frame_of_a_start_is_sent_after_its_stop() -> None:
    air = Transmission()
    air.offer(start())
    air.frames(30)
    air.offer(stop())
    began = len(air.log)
    air.play(90.0)
    versions = {each.version for each in air.log[began:]} - {None}
    assert versions == {1}
    assert emergency(air.packets[-1]) == (Action.STOP, ebm_id(1))


def test_a_start_that_comes_behind_its_stop_is_not_said() -> None:
    air = Transmission()
    air.offer(stop(1))
    air.offer(start(1))
    air.play(200.0)
    assert [emergency(packet) for packet in air.packets] == [(Action.STOP, ebm_id(1))]


def test_a_more_severe_start_interrupts_a_packet_at_the_next_frame() -> None:
    air = Transmission()
    air.offer(start(1, level=4))
    air.frames(10)
    air.offer(start(2, level=1))
    air.frames(ONE_AREA_FRAMES)
    assert [emergency(packet) for packet in air.packets] == [(Action.START, ebm_id(2))]
    air.frames(ONE_AREA_FRAMES - 10)
    assert [emergency(packet) for packet in air.packets][1:] == [(Action.START, ebm_id(1))]


def test_a_second_start_does_not_wait_for_the_repeats_of_the_first() -> None:
    air = Transmission()
    air.offer(start(1, level=1))
    air.frames(ONE_AREA_FRAMES + 3)
    air.offer(start(2, level=4))
    air.frames(ONE_AREA_FRAMES)
    assert [emergency(packet)[1] for packet in air.packets] == [ebm_id(1), ebm_id(2)]


def test_a_start_waits_for_one_pass_of_a_stop_and_not_for_five() -> None:
    air = Transmission()
    air.offer(stop(1))
    air.offer(start(2))
    air.frames(2 * ONE_AREA_FRAMES)
    assert [emergency(packet) for packet in air.packets] == [(Action.STOP, ebm_id(1)), (Action.START, ebm_id(2))]


def test_emergencies_come_before_drills_and_drills_before_daily_programmes() -> None:
    air = Transmission()
    air.offer(start(1, class_=5))
    air.offer(start(2, class_=3))
    air.offer(start(3, class_=4))
    air.play(30.0)
    assert [type(packet.content) for packet in air.packets] == [Emergency, Drill, Daily]


@pytest.mark.parametrize(("class_", "kind"), [(1, DrillKind.SYSTEM), (2, DrillKind.SIMULATED), (3, DrillKind.REAL)])
def test_i5_a_drill_is_of_its_own_kind_and_never_a_type_11(class_: int, kind: DrillKind) -> None:
    air = Transmission()
    air.offer(start(1, class_=class_))
    air.play(5.0)
    air.offer(stop(1, class_=class_))
    air.play(5.0)
    contents = [packet.content for packet in air.packets]
    assert contents == [
        Drill(kind, DrillOperation.PLAY_FREQUENCY, ebm_id(1)),
        Drill(kind, DrillOperation.STOP, ebm_id(1)),
    ]


def test_i3_a_start_ends_with_its_window_and_a_stop_says_so() -> None:
    air = Transmission()
    air.offer(start(end=UTC_S + 25))
    air.play(120.0)
    starts = [each.at_s for each in air.log if each.version == 0]
    assert max(starts) < 25.0
    assert [emergency(packet)[0] for packet in air.packets] == [Action.START, Action.STOP]


def test_i3_a_start_that_is_over_before_its_first_frame_is_never_sent() -> None:
    air = Transmission()
    air.offer(start(end=UTC_S))
    air.play(5.0)
    assert {each.frame for each in air.log} == {FILLER_FRAME}
    assert [type(event) for event in air.events] == [NeverOnAir]
    assert air.carousel.dropped == 1


def test_passes_and_bits_are_told_after_each_whole_pass() -> None:
    air = Transmission()
    air.offer(start())
    air.play(10.0)
    bits = ONE_AREA_FRAMES * FRAME_BITS
    assert air.events == [PassDone(ebm_id(1), Verb.START, number, number * bits) for number in (1, 2, 3)]


def test_bursts_begin_anew_when_the_transmitter_was_gone() -> None:
    air = Transmission()
    air.offer(start())
    air.play(8.0)
    air.frames(5)
    air.carousel.lost(air.now_s)
    began_s = air.now_s
    air.play(7.0)
    assert air.passes_at(0)[3:] == pytest.approx([began_s + number * 24 * FRAME_S for number in range(3)])


def clock_of(air: Transmission) -> Announcement:
    return clock_announcement(AreaCode("341123000000"), air.wall_s, valid_s=5.0, zone_offset_s=BEIJING_OFFSET_S)


def test_a_clock_tells_the_time_at_which_it_will_have_arrived() -> None:
    air = Transmission()
    air.carousel.say(clock_of(air), air.now_s)
    air.play(5.0)
    ((_version, packet),) = air.monitor.packets
    assert isinstance(packet.content, Clock)
    assert packet.content.utc() == pytest.approx(UTC_S + 22 * FRAME_S, abs=0.6)
    assert [code[0] for code in packet.codes] == ["6", "5"]


def test_a_clock_that_an_alert_holds_up_is_not_said_late() -> None:
    air = Transmission()
    air.carousel.say(clock_of(air), air.now_s)
    air.offer(start())
    air.play(20.0)
    assert [type(packet.content) for packet in air.packets] == [Emergency]


def passes(air: Transmission) -> list[int]:
    """Versions in the order in which passes began."""
    return [each.version for each in air.log if each.version is not None and each.frame[2] == 0]


def test_the_burst_of_a_severe_start_comes_before_the_second_pass_of_stops() -> None:
    air = Transmission()
    air.offer(stop(1))
    air.offer(stop(2))
    air.offer(start(3, level=1))
    air.play(5 * ONE_AREA_FRAMES * FRAME_S + 0.1)
    stop_1, stop_2, begin = 0, 1, 2
    assert passes(air)[:5] == [stop_1, stop_2, begin, begin, begin]


def test_of_stops_told_at_once_the_newest_goes_first() -> None:
    air = Transmission()
    for number in (1, 2, 3):
        air.offer(stop(number))
    air.play(6 * ONE_AREA_FRAMES * FRAME_S + 0.1)
    assert passes(air)[:6] == [0, 1, 2, 0, 1, 2]
    assert [emergency(packet) for packet in air.packets] == [(Action.STOP, ebm_id(number)) for number in (3, 2, 1)]


def test_a_start_of_lower_level_shares_the_air_with_stops() -> None:
    air = Transmission()
    air.offer(stop(1))
    air.offer(start(3, level=3))
    air.play(4 * ONE_AREA_FRAMES * FRAME_S + 0.1)
    stop_1, begin = 0, 1
    assert passes(air)[:4] == [stop_1, begin, stop_1, begin]
