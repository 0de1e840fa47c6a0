"""The FM carousel: what is on air when (fm-rds.md sections 5 and 9)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.fm_announcement import Repeats, clock_announcement, start_announcement
from devices.fm_carousel import Carousel, NeverOnAir, PassDone, Step
from devices.link import OutboxFull, Start, Stop, Verb
from protocols.codes import AreaCode, EbmId, ResourceCode
from protocols.fm.configuration import Clock
from protocols.fm.daily import Daily
from protocols.fm.emergency import Drill, DrillKind, DrillOperation, Emergency
from protocols.fm.fields import Action
from protocols.fm.frame import BIT_RATE, FILLER_FRAME, FRAME_BITS, SourceLevel
from protocols.fm.packet import Packet
from tests.devices.fm_county import COUNTY, TOWN_A, TOWN_B, UTC_S, Monitor, ebm_id, sign_at, start, stop

FRAME_S = FRAME_BITS / BIT_RATE
ONE_AREA_FRAMES = 24
START_REPEATS = Repeats(burst=3, period_s=10.0)
STOP_REPEATS = Repeats(burst=5, period_s=5.0, linger_s=60.0)


@dataclass(frozen=True)
class OnAir:
    """A frame and the second of the test at which it went out."""

    at_s: float
    frame: bytes

    @property
    def version(self) -> int | None:
        """None for a filler."""
        return None if self.frame == FILLER_FRAME else self.frame[0] & 0x1F


class Transmission:
    """A carousel whose frames go out one after the other."""

    def __init__(self, *, first_version: int = 0, packets_max: int = 32) -> None:
        self.now_s = 0.0
        self.carousel = Carousel(
            lambda command: sign_at(self.wall_s, command),
            source_level=SourceLevel.COUNTY,
            first_version=first_version,
            resign_s=240.0,
            stop_repeats=STOP_REPEATS,
            packets_max=packets_max,
        )
        self.log: list[OnAir] = []
        self.events: list[PassDone | NeverOnAir] = []
        self.monitor = Monitor()

    @property
    def wall_s(self) -> float:
        return UTC_S + self.now_s

    def offer(self, command: Start | Stop, frequency_khz: int = 98_500) -> None:
        if isinstance(command, Stop):
            self.carousel.stop(command, self.now_s)
        else:
            said = start_announcement(command, START_REPEATS, frequency_khz=frequency_khz)
            self.carousel.start(said, self.now_s)

    def frame(self) -> Step:
        step = self.carousel.next_frame(self.wall_s, self.now_s)
        self.log.append(OnAir(self.now_s, step.frame))
        self.events += step.events
        self.now_s += FRAME_S
        if step.frame != FILLER_FRAME:
            self.monitor.hear(step.frame, self.now_s)
        return step

    def play(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.frame()

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.frame()

    @property
    def packets(self) -> list[Packet]:
        return [packet for _version, packet in self.monitor.packets]

    def passes_at(self, version: int) -> list[float]:
        """When each pass of a packet began."""
        return [each.at_s for each in self.log if each.version == version and each.frame[2] == 0]


def emergency(packet: Packet) -> tuple[Action, EbmId]:
    assert isinstance(packet.content, Emergency)
    return packet.content.action, packet.content.ebm_id


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


def test_the_stop_at_the_end_and_the_core_s_own_stop_are_one_packet() -> None:
    air = Transmission()
    air.offer(start(1, TOWN_A, end=UTC_S + 20))
    air.frames(5)
    air.offer(start(1, TOWN_B, end=UTC_S + 20))
    air.play(20.0)
    air.offer(stop(1, TOWN_A, TOWN_B))
    air.play(80.0)
    stops = [packet for packet in air.packets if emergency(packet)[0] is Action.STOP]
    assert [set(packet.codes) for packet in stops] == [{TOWN_A, TOWN_B}]


def test_passes_and_bits_are_told_after_each_whole_pass() -> None:
    air = Transmission()
    air.offer(start())
    air.play(10.0)
    bits = ONE_AREA_FRAMES * FRAME_BITS
    assert air.events == [PassDone(ebm_id(1), Verb.START, number, number * bits) for number in (1, 2, 3)]


def test_more_than_97_areas_are_told_in_several_packets_and_a_pass_is_all_of_them() -> None:
    targets = tuple(ResourceCode(f"6341123101{number:03d}0314010400") for number in range(100))
    air = Transmission()
    air.offer(start(1, *targets))
    air.frames(254 + 28)
    assert air.events == []
    air.frames(1)
    assert [len(packet.codes) for packet in air.packets] == [97, 3]
    assert [version for version, _packet in air.monitor.packets] == [0, 1]
    assert air.events == [PassDone(ebm_id(1), Verb.START, 1, (254 + 29) * FRAME_BITS)]


def test_a_start_told_to_more_places_names_only_the_new_ones_in_a_packet_of_its_own() -> None:
    air = Transmission()
    air.offer(start(1, TOWN_A))
    air.frames(3)
    air.offer(start(1, TOWN_A, TOWN_B))
    air.play(10.0)
    assert [packet.codes for packet in air.packets] == [(TOWN_A,), (TOWN_B,)]


def test_places_that_are_told_before_the_first_frame_share_one_packet() -> None:
    air = Transmission()
    air.offer(start(1, TOWN_A))
    air.offer(start(1, TOWN_B))
    air.play(10.0)
    assert [packet.codes for packet in air.packets] == [(TOWN_A, TOWN_B)]


def test_a_message_told_to_ever_more_places_keeps_few_packets() -> None:
    air = Transmission()
    for number in range(1, 20):
        air.offer(start(1, ResourceCode(f"63411231{number:02d}0000314010400")))
        air.frames(3)
    assert len(air.carousel) <= 5
    air.play(30.0)
    told = {code for packet in air.packets for code in packet.codes}
    assert len(told) == 19


def test_a_start_told_again_to_the_same_places_is_the_same_packet_in_a_new_burst() -> None:
    air = Transmission()
    air.offer(start())
    air.play(8.0)
    air.offer(start())
    air.play(3 * ONE_AREA_FRAMES * FRAME_S)
    assert len(air.packets) == 1
    assert [event.passes for event in air.events if isinstance(event, PassDone)] == [1, 2, 3, 4, 5, 6]


def test_a_stop_for_one_town_leaves_the_start_to_the_other() -> None:
    air = Transmission()
    air.offer(start(1, TOWN_A, TOWN_B))
    air.play(10.0)
    air.offer(stop(1, TOWN_A))
    air.play(30.0)
    assert [(emergency(packet)[0], packet.codes) for packet in air.packets] == [
        (Action.START, (TOWN_A, TOWN_B)),
        (Action.STOP, (TOWN_A,)),
        (Action.START, (TOWN_B,)),
    ]


def test_the_id_of_zeros_takes_every_start_inside_its_area_away() -> None:
    air = Transmission()
    air.offer(start(1, TOWN_A))
    air.offer(start(2, TOWN_B))
    air.play(10.0)
    air.offer(Stop(EbmId.EVERYTHING, 4, 1, "11A01", (COUNTY,), (COUNTY,)))
    began = len(air.log)
    air.play(60.0)
    assert {each.version for each in air.log[began:]} - {None} == {2}


def test_alerts_push_daily_programmes_out_and_nothing_pushes_an_alert_out() -> None:
    air = Transmission(packets_max=7)  # four of them are kept for stops
    air.offer(start(1, class_=5))
    air.offer(start(2, TOWN_A))
    air.offer(start(3, TOWN_A))
    air.offer(start(4, TOWN_A))
    assert air.carousel.dropped == 1
    with pytest.raises(OutboxFull, match="worth less"):
        air.offer(start(5, TOWN_A))
    with pytest.raises(OutboxFull):
        air.offer(start(6, class_=5))


def test_a_cancel_finds_room_when_starts_fill_the_air() -> None:
    air = Transmission(packets_max=7)
    for serial in range(1, 4):
        air.offer(start(serial, TOWN_A))
    air.play(20.0)
    air.offer(stop(99))
    air.frames(ONE_AREA_FRAMES)
    assert emergency(air.packets[-1]) == (Action.STOP, ebm_id(99))


def test_bursts_begin_anew_when_the_transmitter_was_gone() -> None:
    air = Transmission()
    air.offer(start())
    air.play(8.0)
    air.frames(5)
    air.carousel.lost(air.now_s)
    began_s = air.now_s
    air.play(7.0)
    assert air.passes_at(0)[3:] == pytest.approx([began_s + number * 24 * FRAME_S for number in range(3)])


def test_a_clock_tells_the_time_at_which_it_will_have_arrived() -> None:
    air = Transmission()
    air.carousel.say(clock_announcement(AreaCode("341123000000"), air.wall_s, valid_s=5.0), air.now_s)
    air.play(5.0)
    ((_version, packet),) = air.monitor.packets
    assert isinstance(packet.content, Clock)
    assert packet.content.utc() == pytest.approx(UTC_S + 22 * FRAME_S, abs=0.6)
    assert [code[0] for code in packet.codes] == ["6", "5"]


def test_a_clock_that_an_alert_holds_up_is_not_said_late() -> None:
    air = Transmission()
    air.carousel.say(clock_announcement(AreaCode("341123000000"), air.wall_s, valid_s=5.0), air.now_s)
    air.offer(start())
    air.play(20.0)
    assert [type(packet.content) for packet in air.packets] == [Emergency]


def test_many_messages_share_the_air_and_none_starves() -> None:
    air = Transmission()
    for serial in range(1, 9):
        air.offer(start(serial, TOWN_A))
    air.play(300.0)
    counts = [len(air.passes_at(version)) for version in range(8)]
    assert min(counts) >= max(counts) - 2


@given(seed=st.integers(0, 100_000))
def test_whatever_is_offered_the_rules_of_the_air_hold(seed: int) -> None:
    rng = random.Random(seed)
    air = Transmission(first_version=rng.randrange(32))
    stopped: dict[EbmId, int] = {}
    towns = (COUNTY, TOWN_A, TOWN_B)
    choices: list[Callable[[], Start | Stop]] = [
        lambda: start(
            rng.randrange(6), rng.choice(towns), level=rng.randint(1, 4), end=air.wall_s + rng.randint(1, 90)
        ),
        lambda: start(10 + rng.randrange(3), class_=rng.choice((1, 3, 5)), end=air.wall_s + 60),
        lambda: stop(rng.randrange(6), COUNTY),
    ]
    for _ in range(12):
        command = rng.choice(choices)()
        try:
            air.offer(command)
        except OutboxFull:
            continue
        if isinstance(command, Stop):
            stopped.setdefault(command.ebm_id, len(air.log))
        air.frames(rng.randrange(120))
    distinct = {(version, packet.encode()) for version, packet in air.monitor.packets}
    assert len(distinct) == len({version for version, _packet in distinct})  # twelve commands never go round all 32
    assert "replaced" not in air.monitor.discarded
    for ebm, at in stopped.items():
        # A receiver that joins at the stop hears no start of that message any more.
        late = Monitor()
        for each in air.log[at:]:
            if each.frame != FILLER_FRAME:
                late.hear(each.frame, each.at_s)
        heard = [p.content for _v, p in late.packets if isinstance(p.content, Emergency) and p.content.ebm_id == ebm]
        assert all(content.action is Action.STOP for content in heard)
