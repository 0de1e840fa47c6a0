"""Devices live while they are heard."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.link import Answered, Connected, DeviceState, Disconnected, Event, Fault, Heartbeat, Path, StateTold, Verb
from devices.roster import DeviceKind
from ebcd.health import Change, Condition, HealthBook, Outage, Way, Ways
from protocols.codes import EbmId, ResourceCode
from tests.ebcd.county import VILLAGE_A1, VILLAGE_B1, terminal

HORN, OTHER, DEAF_MUTE = (terminal(VILLAGE_A1, n) for n in (1, 2, 3))
STRANGER = terminal(VILLAGE_B1, 9)
PERIOD_S = 15.0
PERIODS_S = {HORN: PERIOD_S, OTHER: 4 * PERIOD_S, DEAF_MUTE: None}  # the last one has an FM receiver only
WALL_S = 1_760_000_000.0


class Ward:
    """A book and what it told."""

    def __init__(self) -> None:
        self.book = HealthBook(Ways({code: Way(period_s) for code, period_s in PERIODS_S.items()}))
        self.changes: list[Change] = []
        self.book.on_change(self.changes.append)

    def hear(self, event: Event, at_s: float) -> None:
        self.book.observe(event, Path.IP, at_s, WALL_S + at_s)

    def beat(self, at_s: float, state: DeviceState = DeviceState.IDLE) -> None:
        self.hear(Heartbeat("ip", HORN, "", state, False), at_s)

    def tick(self, at_s: float) -> None:
        self.book.tick(at_s, WALL_S + at_s)

    def condition(self) -> Condition:
        return self.book.of(HORN).condition


@pytest.mark.requirement("R-SYS-08", "R-TST-05", "R-X-21")
def test_a_device_is_offline_after_exactly_three_missed_periods() -> None:
    ward = Ward()
    ward.beat(100.0)
    ward.tick(100.0 + 3 * PERIOD_S - 0.001)
    assert ward.condition() is Condition.ONLINE
    ward.tick(100.0 + 3 * PERIOD_S)
    assert ward.condition() is Condition.OFFLINE
    assert (ward.changes[-1].before, ward.changes[-1].at) == (Condition.ONLINE, WALL_S + 145.0)


def test_a_device_that_was_never_heard_is_offline_after_three_periods_of_counting() -> None:
    ward = Ward()
    ward.tick(1000.0)
    assert ward.condition() is Condition.UNKNOWN
    ward.book.start_counting(1000.0)
    ward.tick(1000.0 + 3 * PERIOD_S)
    assert ward.condition() is Condition.OFFLINE
    assert ward.book.of(OTHER).condition is Condition.UNKNOWN
    ward.tick(1000.0 + 12 * PERIOD_S)
    assert ward.book.of(OTHER).condition is Condition.OFFLINE


def test_a_device_that_cannot_speak_stays_unknown() -> None:
    ward = Ward()
    ward.book.start_counting(0.0)
    ward.tick(1e6)
    assert ward.book.of(DEAF_MUTE).condition is Condition.UNKNOWN
    assert +ward.book.tally[DeviceKind.TERMINAL] == Counter({Condition.OFFLINE: 2, Condition.UNKNOWN: 1})


@pytest.mark.parametrize(
    "event",
    [
        Connected("ip", HORN),
        Answered("ip", HORN, EbmId("2" * 35), Verb.START, 0, ""),
        StateTold("ip", HORN, DeviceState.IDLE, None),
    ],
)
def test_every_word_of_a_device_brings_it_back(event: Event) -> None:
    ward = Ward()
    ward.book.start_counting(0.0)
    ward.tick(100.0)
    assert ward.condition() is Condition.OFFLINE
    ward.hear(event, 101.0)
    assert ward.condition() is Condition.ONLINE


def test_a_lost_connection_alone_is_no_news_since_other_paths_may_live() -> None:
    ward = Ward()
    ward.beat(0.0)
    ward.hear(Disconnected("ip", HORN, "reset"), 1.0)
    assert ward.condition() is Condition.ONLINE


def test_a_reported_fault_stays_until_it_is_cleared_even_if_heartbeats_say_idle() -> None:
    ward = Ward()
    ward.hear(Fault("ip", HORN, 3, False, "amplifier"), 0.0)
    ward.beat(5.0)
    assert (ward.condition(), ward.book.of(HORN).fault) == (Condition.FAULT, "amplifier")
    ward.hear(Fault("ip", HORN, 3, True, ""), 6.0)
    assert (ward.condition(), ward.book.of(HORN).fault) == (Condition.ONLINE, "")


def test_of_two_faults_the_end_of_one_leaves_the_other() -> None:
    ward = Ward()
    for cause, words in ((1, "supply low"), (3, "amplifier")):
        ward.hear(Fault("ip", HORN, cause, False, words), 0.0)
    assert ward.book.of(HORN).fault == "supply low; amplifier"
    ward.hear(Fault("ip", HORN, 1, True, ""), 6.0)
    ward.beat(7.0)
    assert (ward.condition(), ward.book.of(HORN).fault) == (Condition.FAULT, "amplifier")
    ward.hear(Fault("ip", HORN, 3, True, ""), 8.0)
    assert (ward.condition(), ward.book.of(HORN).fault) == (Condition.ONLINE, "")


def test_a_first_boot_flag_that_never_goes_away_is_one_restart() -> None:
    ward = Ward()
    for at_s in range(0, 90, 15):
        ward.hear(Heartbeat("ip", HORN, "", DeviceState.IDLE, rebooted=True), float(at_s))
    health = ward.book.of(HORN)
    assert (health.restarts, health.outage, ward.book.restarted) == (1, Outage.RESTART, {HORN})
    ward.tick(200.0)
    ward.hear(Heartbeat("ip", HORN, "", DeviceState.IDLE, rebooted=True), 201.0)
    assert (health.restarts, health.outage) == (2, Outage.POWER)


def test_a_fault_that_only_heartbeats_told_ends_with_them() -> None:
    ward = Ward()
    ward.beat(0.0, DeviceState.FAULT)
    assert ward.condition() is Condition.FAULT
    ward.beat(15.0)
    assert ward.condition() is Condition.ONLINE


def test_a_heartbeat_tells_whether_it_works() -> None:
    ward = Ward()
    ward.beat(0.0, DeviceState.WORKING)
    assert ward.book.of(HORN).working
    ward.beat(1.0)
    assert not ward.book.of(HORN).working


def test_a_change_is_told_once() -> None:
    ward = Ward()
    for at_s in range(5):
        ward.beat(float(at_s))
    assert [(c.before, c.after) for c in ward.changes] == [(Condition.UNKNOWN, Condition.ONLINE)]


def test_devices_outside_the_inventory_are_not_counted() -> None:
    ward = Ward()
    ward.hear(Heartbeat("ip", STRANGER, "", DeviceState.IDLE, False), 0.0)
    assert ward.changes == []
    assert ward.book.of(STRANGER).condition is Condition.UNKNOWN
    assert ward.book.tally[DeviceKind.TERMINAL].total() == 3


@given(st.lists(st.tuples(st.sampled_from([HORN, OTHER]), st.floats(0.1, 60), st.booleans()), max_size=30))
def test_silence_decides_alone_and_the_tally_is_a_count(story: list[tuple[ResourceCode, float, bool]]) -> None:
    ward = Ward()
    ward.book.start_counting(0.0)
    heard = dict.fromkeys((HORN, OTHER), 0.0)
    now_s = 0.0
    for code, pause_s, speaks in story:
        now_s += pause_s
        ward.tick(now_s)
        for each, at_s in heard.items():
            offline = ward.book.of(each).condition is Condition.OFFLINE
            assert offline == (now_s - at_s >= 3 * (PERIODS_S[each] or 0))
        if speaks:
            ward.hear(Heartbeat("ip", code, "", DeviceState.IDLE, False), now_s)
            heard[code] = now_s
    counted = Counter(ward.book.of(code).condition for code in PERIODS_S)
    assert +ward.book.tally[DeviceKind.TERMINAL] == counted


def test_one_without_heartbeats_is_there_until_its_broker_says_that_it_is_gone() -> None:
    ward = Ward()
    ward.hear(Disconnected("mqtt", DEAF_MUTE, "broker lost"), 1.0)
    assert ward.book.of(DEAF_MUTE).condition is Condition.UNKNOWN
    ward.hear(Connected("mqtt", DEAF_MUTE), 2.0)
    ward.tick(10_000.0)
    there = ward.book.of(DEAF_MUTE).condition
    ward.hear(Disconnected("mqtt", DEAF_MUTE, "offline"), 10_001.0)
    assert (there, ward.book.of(DEAF_MUTE).condition) == (Condition.ONLINE, Condition.OFFLINE)
    assert ward.changes[-1].why == "offline"
