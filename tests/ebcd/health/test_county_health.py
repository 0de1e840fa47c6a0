"""Devices behind head-ends and links, faults whose end was lost, power cuts, devices that come and go."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.link import Began, Connected, DeviceState, Event, Fault, Heartbeat, LinkDown, LinkUp, Path, StateTold
from devices.roster import DeviceKind
from ebcd.health import (
    HEALTH,
    Cause,
    Change,
    Condition,
    FlapRule,
    HealthBook,
    Outage,
    Sign,
    Way,
    Ways,
    next_condition,
)
from protocols.codes import EbmId, ResourceCode
from tests.ebcd.county import VILLAGE_A1, terminal

HEAD_END = ResourceCode.build(6, VILLAGE_A1, "0314", 1, 2, 1)
BEHIND = tuple(terminal(VILLAGE_A1, n) for n in (1, 2, 3))
OWN_LINE, BOTH_WAYS = terminal(VILLAGE_A1, 4), terminal(VILLAGE_A1, 5)
WALL_S = 1_760_000_000.0
EBM = EbmId("4" + "0" * 30 + "0001")
WAYS = Ways(
    {
        HEAD_END: Way(60.0, frozenset({Path.ADAPTER}), kind=DeviceKind.ADAPTER),
        **{code: Way(60.0, frozenset({Path.ADAPTER}), HEAD_END) for code in BEHIND},
        OWN_LINE: Way(15.0, frozenset({Path.IP})),
        BOTH_WAYS: Way(60.0, frozenset({Path.MQTT, Path.IP})),
    },
    {"adapters": Path.ADAPTER, "returns": Path.ADAPTER, "ip": Path.IP, "mqtt": Path.MQTT},
)
PATH_OF = {code: min(way.paths) for code, way in WAYS.devices.items()}


class County:
    """A book, its clock and what it told."""

    def __init__(self) -> None:
        self.book = HealthBook(WAYS, flap_rule=FlapRule(falls_max=3, window_s=1000.0, settle_s=300.0))
        self.changes: list[Change] = []
        self.book.on_change(self.changes.append)
        self.now_s = 0.0
        self.book.start_counting(0.0)

    def hear(self, event: Event, path: Path) -> None:
        self.book.observe(event, path, self.now_s, WALL_S + self.now_s)

    def beat(self, *codes: ResourceCode, rebooted: bool = False, state: DeviceState = DeviceState.IDLE) -> None:
        for code in codes:
            self.hear(Heartbeat("link", code, "", state, rebooted), PATH_OF[code])

    def wait(self, seconds: float, *speaking: ResourceCode, step_s: float = 5.0) -> None:
        """Let time pass; `speaking` go on with their heartbeats."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + step_s)
            self.beat(*speaking)
            self.book.tick(self.now_s, WALL_S + self.now_s)

    def conditions(self, *codes: ResourceCode) -> set[Condition]:
        return {self.book.of(code).condition for code in codes}


def test_devices_behind_a_dead_head_end_are_unreachable_not_offline() -> None:
    county = County()
    county.wait(120, *WAYS.devices)
    county.wait(400, OWN_LINE, BOTH_WAYS)
    assert county.conditions(HEAD_END) == {Condition.OFFLINE}
    assert county.conditions(*BEHIND) == {Condition.UNREACHABLE}
    assert county.conditions(OWN_LINE, BOTH_WAYS) == {Condition.ONLINE}


def test_a_horn_that_died_before_its_head_end_stays_offline() -> None:
    county = County()
    county.wait(120, *WAYS.devices)
    county.wait(600, HEAD_END, *BEHIND[1:])
    county.wait(400)
    assert county.conditions(BEHIND[0]) == {Condition.OFFLINE}
    assert county.conditions(*BEHIND[1:]) == {Condition.UNREACHABLE}


def test_after_the_head_end_is_back_each_horn_has_its_whole_patience_again() -> None:
    county = County()
    county.wait(120, *WAYS.devices)
    county.wait(400)
    county.beat(HEAD_END)
    assert county.conditions(*BEHIND) == {Condition.UNKNOWN}
    county.wait(179, HEAD_END, BEHIND[0])
    assert county.conditions(*BEHIND[1:]) == {Condition.UNKNOWN}
    county.wait(1, HEAD_END, BEHIND[0])
    assert county.conditions(BEHIND[0]) == {Condition.ONLINE}
    assert county.conditions(*BEHIND[1:]) == {Condition.OFFLINE}


def test_a_dead_link_makes_only_those_unreachable_that_have_no_other() -> None:
    county = County()
    county.wait(120, *WAYS.devices)
    county.hear(LinkDown("ip", "address in use"), Path.IP)
    county.wait(300, HEAD_END, *BEHIND, BOTH_WAYS)
    assert county.conditions(OWN_LINE) == {Condition.UNREACHABLE}
    assert county.conditions(BOTH_WAYS) == {Condition.ONLINE}
    county.hear(LinkUp("ip"), Path.IP)
    assert county.conditions(OWN_LINE) == {Condition.UNKNOWN}
    county.wait(45, BOTH_WAYS)
    assert county.conditions(OWN_LINE) == {Condition.OFFLINE}


def test_one_of_two_links_of_a_path_is_enough() -> None:
    county = County()
    county.wait(120, *WAYS.devices)
    county.hear(LinkDown("returns", "port taken"), Path.ADAPTER)
    county.wait(300, HEAD_END)
    assert county.conditions(*BEHIND) == {Condition.OFFLINE}


def test_a_link_that_was_away_for_a_moment_costs_nobody_patience() -> None:
    county = County()
    county.wait(120, *WAYS.devices)
    county.hear(LinkDown("ip", "restart"), Path.IP)
    county.wait(40)
    county.hear(LinkUp("ip"), Path.IP)
    county.wait(44, HEAD_END)
    assert county.conditions(OWN_LINE) == {Condition.ONLINE}


@pytest.mark.parametrize(
    ("away_s", "rebooted", "outage"),
    [
        (300.0, True, Outage.POWER),
        (300.0, False, Outage.NETWORK),
        (20.0, True, Outage.RESTART),
        (20.0, False, None),
    ],
)
def test_the_first_heartbeat_tells_what_the_absence_was(away_s: float, rebooted: bool, outage: Outage | None) -> None:
    county = County()
    county.beat(OWN_LINE)
    county.wait(away_s)
    county.hear(Connected("ip", OWN_LINE), Path.IP)
    county.beat(OWN_LINE, rebooted=rebooted)
    assert county.book.of(OWN_LINE).outage is outage


def test_an_adapters_absence_is_left_untold_since_its_heartbeat_has_no_such_flag() -> None:
    county = County()
    county.beat(HEAD_END)
    county.wait(300)
    county.beat(HEAD_END)
    assert county.book.of(HEAD_END).outage is Outage.UNTOLD


def test_an_adapter_that_is_back_is_asked_for_its_records_of_the_gap() -> None:
    county = County()
    county.wait(120, *WAYS.devices)
    county.wait(400, *BEHIND)
    assert county.book.doubts == set()
    county.beat(HEAD_END)
    assert county.book.doubts == {HEAD_END}


def test_a_fault_whose_end_was_lost_is_asked_about_and_ends_with_the_answer() -> None:
    county = County()
    county.beat(OWN_LINE)
    county.hear(Fault("ip", OWN_LINE, 3, False, "amplifier"), Path.IP)
    county.wait(14, OWN_LINE)
    assert county.conditions(OWN_LINE) == {Condition.FAULT}
    assert county.book.doubts == {OWN_LINE}
    county.hear(StateTold("ip", OWN_LINE, DeviceState.IDLE, None), Path.IP)
    assert county.conditions(OWN_LINE) == {Condition.ONLINE}
    assert county.book.of(OWN_LINE).fault == ""


def test_an_adapter_that_says_fault_and_not_which_is_asked_once() -> None:
    county = County()
    for _ in range(3):
        county.hear(Heartbeat("adapters", HEAD_END, "", DeviceState.FAULT, False), Path.ADAPTER)
        assert county.book.fault_doubts == {HEAD_END}
    county.book.fault_doubts.clear()
    county.hear(Heartbeat("adapters", HEAD_END, "", DeviceState.FAULT, False), Path.ADAPTER)
    assert county.book.fault_doubts == set()
    county.hear(Fault("adapters", HEAD_END, 3, False, ""), Path.ADAPTER)
    assert (county.conditions(HEAD_END), county.book.of(HEAD_END).fault) == ({Condition.FAULT}, "cause 3")
    county.hear(StateTold("adapters", HEAD_END, DeviceState.IDLE, ()), Path.ADAPTER)  # its records: no word of faults
    assert county.book.of(HEAD_END).fault == "cause 3"
    county.hear(Fault("adapters", HEAD_END, 0, True, ""), Path.ADAPTER)  # no fault, it answers, and its heartbeats?
    assert county.conditions(HEAD_END) == {Condition.FAULT}
    county.beat(HEAD_END)
    assert county.conditions(HEAD_END) == {Condition.ONLINE}


def test_an_adapter_whose_heartbeats_are_fine_again_is_asked_for_its_faults() -> None:
    county = County()
    county.hear(Fault("adapters", HEAD_END, 1, False, "supply"), Path.ADAPTER)
    for _ in range(3):
        county.beat(HEAD_END)
    assert (county.book.fault_doubts, county.book.doubts) == ({HEAD_END}, set())
    county.hear(Fault("adapters", HEAD_END, 0, True, ""), Path.ADAPTER)
    assert county.conditions(HEAD_END) == {Condition.ONLINE}


def test_a_fault_that_the_answer_confirms_stays() -> None:
    county = County()
    county.hear(Fault("ip", OWN_LINE, 3, False, "amplifier"), Path.IP)
    county.hear(StateTold("ip", OWN_LINE, DeviceState.FAULT, None), Path.IP)
    county.beat(OWN_LINE)
    assert (county.conditions(OWN_LINE), county.book.of(OWN_LINE).fault) == ({Condition.FAULT}, "amplifier")


def test_a_device_that_comes_and_goes_is_told_once_and_again_when_it_has_settled() -> None:
    county = County()
    county.beat(OWN_LINE)
    for _ in range(6):
        county.wait(50)
        county.beat(OWN_LINE)
    told = [(c.after, c.cause) for c in county.changes if c.code == OWN_LINE]
    assert told[-1] == (Condition.OFFLINE, Cause.FLAPPING)
    assert len([cause for _, cause in told if cause is Cause.FLAPPING]) == 1
    assert county.book.of(OWN_LINE).flaps.total == 6
    assert county.book.flapping == 1
    county.wait(299, OWN_LINE)
    assert county.book.of(OWN_LINE).flapping
    county.wait(10, OWN_LINE)
    last = [c for c in county.changes if c.code == OWN_LINE][-1]
    assert (last.before, last.after, last.cause) == (Condition.OFFLINE, Condition.ONLINE, Cause.SETTLED)
    assert county.book.flapping == 0


def test_falls_far_apart_are_no_flapping() -> None:
    county = County()
    county.beat(OWN_LINE)
    for _ in range(6):
        county.wait(600)
        county.beat(OWN_LINE)
    assert all(c.cause is not Cause.FLAPPING for c in county.changes)


def test_the_error_of_a_devices_clock_is_what_its_reports_say() -> None:
    county = County()
    county.hear(Began("ip", OWN_LINE, EBM, int(WALL_S) - 28_800), Path.IP)
    assert county.book.of(OWN_LINE).clock_error_s == -28_800


def test_an_adapters_clock_is_what_its_heartbeat_says_and_its_begins_say_nothing_of_it() -> None:
    county = County()
    event = Heartbeat("adapters", HEAD_END, "", DeviceState.IDLE, False, int(WALL_S) + 90)
    county.hear(event, Path.ADAPTER)
    county.hear(Began("adapters", HEAD_END, EBM, int(WALL_S)), Path.ADAPTER)
    assert county.book.of(HEAD_END).clock_error_s == 90


def test_what_an_earlier_life_knew_is_no_news_and_who_was_online_must_speak_again() -> None:
    county = County()
    county.book.remember(OWN_LINE, Condition.OFFLINE, 5.0, 4.0, "")
    county.book.remember(BOTH_WAYS, Condition.ONLINE, 5.0, 6.0, "")
    county.book.remember(BEHIND[0], Condition.FAULT, 5.0, 6.0, "amplifier")
    county.book.remember(terminal(VILLAGE_A1, 9), Condition.OFFLINE, 5.0, 4.0, "")  # left the inventory
    assert county.changes == []
    assert county.conditions(OWN_LINE, BOTH_WAYS) == {Condition.OFFLINE, Condition.UNKNOWN}
    county.wait(100, HEAD_END, BOTH_WAYS)
    assert [c.code for c in county.changes] == [HEAD_END, BOTH_WAYS]
    county.beat(BEHIND[0])
    assert county.conditions(BEHIND[0]) == {Condition.FAULT}
    county.beat(OWN_LINE, rebooted=True)
    assert county.book.of(OWN_LINE).outage is Outage.POWER


def test_from_every_condition_a_word_of_the_device_leads_back() -> None:
    assert {next_condition(condition, Sign.WELL) for condition in Condition} == {Condition.ONLINE}
    assert {next_condition(condition, Sign.FAULTY) for condition in Condition} == {Condition.FAULT}


def test_the_table_has_no_row_that_changes_nothing() -> None:
    assert all(before is not after for (before, _), after in HEALTH.items())


EVENTS = st.one_of(
    st.tuples(st.just("beat"), st.sampled_from(sorted(WAYS.devices)), st.sampled_from(DeviceState), st.booleans()),
    st.tuples(st.just("fault"), st.sampled_from(sorted(WAYS.devices)), st.booleans()),
    st.tuples(st.just("link"), st.sampled_from(sorted(WAYS.links)), st.booleans()),
    st.tuples(st.just("wait"), st.floats(0.5, 200.0)),
)


@given(st.lists(EVENTS, max_size=60))
def test_no_story_leaves_a_device_stuck_and_the_tally_is_a_count(story: list[tuple[object, ...]]) -> None:
    county = County()
    for step in story:
        match step:
            case ("beat", ResourceCode() as code, DeviceState() as state, bool() as rebooted):
                county.beat(code, state=state, rebooted=rebooted)
            case ("fault", ResourceCode() as code, bool() as cleared):
                county.hear(Fault("link", code, 3, cleared, "amplifier"), PATH_OF[code])
            case ("link", str() as link, bool() as up):
                county.hear(LinkUp(link) if up else LinkDown(link, "down"), WAYS.links[link])
            case ("wait", float() as seconds):
                county.wait(seconds, step_s=seconds)
        for kind in (DeviceKind.TERMINAL, DeviceKind.ADAPTER):
            counted = Counter(h.condition for c, h in county.book.all() if WAYS.devices[c].kind is kind)
            assert +county.book.tally[kind] == counted
    for link in WAYS.links:
        county.hear(LinkUp(link), WAYS.links[link])
    for code in WAYS.devices:
        county.hear(Fault("link", code, 3, True, ""), PATH_OF[code])
    county.wait(400, *WAYS.devices)
    assert county.conditions(*WAYS.devices) == {Condition.ONLINE}
    county.wait(10_000, step_s=50.0)
    assert county.conditions(HEAD_END, OWN_LINE) == {Condition.OFFLINE}
    assert county.conditions(*BEHIND) <= {Condition.OFFLINE, Condition.UNREACHABLE}
