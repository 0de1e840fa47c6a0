"""The FM carousel: one message told to several places, and many messages at once."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.fm_carousel import NeverOnAir, PassDone
from devices.link import OutboxFull, Start, Stop, Verb
from protocols.codes import EbmId, ResourceCode
from protocols.fm.emergency import Emergency
from protocols.fm.fields import Action
from protocols.fm.frame import FILLER_FRAME, FRAME_BITS
from tests.devices.fm_county import COUNTY, TOWN_A, TOWN_B, UTC_S, Monitor, ebm_id, start, stop
from tests.devices.fm_transmission import FRAME_S, ONE_AREA_FRAMES, Transmission, emergency


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


def test_a_start_that_is_never_on_air_names_the_devices_of_every_command_it_was_made_of() -> None:
    air = Transmission()
    air.offer(start(1, TOWN_A, end=air.wall_s))
    air.offer(start(1, TOWN_B, end=air.wall_s))
    air.frames(1)
    (never,) = air.events
    assert isinstance(never, NeverOnAir)
    assert never.announcement.members == (TOWN_A, TOWN_B)


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
