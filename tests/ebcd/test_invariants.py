"""The checker sees each broken promise: every test writes the wrong fact and expects it to be named."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

from devices.link import Path
from ebcd import facts
from ebcd.alert import Alert, AlertClass, DrillDepth, Origin, Window
from ebcd.facts import Fact
from ebcd.invariants import Checker, Violation, recount
from ebcd.lifecycle import AlertEvent, AlertState, DeliveryEvent, DeliveryState
from ebcd.planner import Leg, Plan
from ebcd.rules import QuietHours
from ebcd.state import AlertRecord, CountyState
from protocols.codes import AreaCode, EbdId, EbmId, ResourceCode
from tests.ebcd.county import (
    COUNTY,
    PROVINCE,
    RULES,
    TOWN_A,
    VILLAGE_A1,
    VILLAGE_A2,
    VILLAGE_B1,
    all_ip,
    small_county,
    terminal,
)

NOW = 1_760_000_000
HORN = terminal(VILLAGE_A1, 1)
INVENTORY = small_county(all_ip)


class Court:
    """A state, and the violations that facts bring about."""

    def __init__(self, **rules: Any) -> None:
        self.state = CountyState()
        self.found: list[Violation] = []
        self.checker = Checker(INVENTORY, replace(RULES, **rules), self.found.append)
        self.serial = 0

    def enter(self, *entered: Fact) -> None:
        for fact in entered:
            self.state.apply(fact)
            self.checker(fact, self.state)

    def accept(self, state: AlertState = AlertState.WAITING, **changes: Any) -> AlertRecord:
        self.serial += 1
        values: dict[str, Any] = {
            "id": EbmId(f"{PROVINCE}20251009{self.serial:04d}"),
            "origin": Origin.UPSTREAM,
            "class_": AlertClass.EMERGENCY,
            "level": 1,
            "depth": DrillDepth.TERMINAL,
            "event_type": "11A01",
            "window": Window(NOW, NOW + 60),
            "areas": (TOWN_A,),
            "dropped_areas": (),
            "title": "",
            "text": "",
            "agency": "",
            "language": "zho",
            "media": None,
            "stream_url": "",
            "received_at": float(NOW),
            "author": PROVINCE,
            "peer": PROVINCE,
            "ebd_id": EbdId(f"10{PROVINCE}{self.serial:016d}"),
        }
        alert = Alert(**values | changes)
        self.enter(facts.alert_accepted(alert, state, NOW, alert.author))
        return self.state.alerts[alert.id]

    def on_air(self, *codes: ResourceCode, **changes: Any) -> AlertRecord:
        """Started in village A1, with a plan for `codes`."""
        record = self.accept(**changes)
        self.move(record, AlertEvent.START)
        self.enter(facts.places_changed(record.alert.id, [VILLAGE_A1], [], NOW))
        self.enter(facts.plan_made(record.alert.id, Plan(tuple(Leg(c, (Path.IP,)) for c in codes or [HORN]), ()), NOW))
        return record

    def move(self, record: AlertRecord, event: AlertEvent, at: float = NOW) -> None:
        self.enter(facts.alert_moved(record.alert.id, event, at))

    def send(self, record: AlertRecord, *codes: ResourceCode, at: float = NOW) -> None:
        self.enter(facts.orders_sent(record.alert.id, DeliveryEvent.SEND, Path.IP, codes or (HORN,), at))

    def receipt(self, record: AlertRecord, event: DeliveryEvent, code: ResourceCode = HORN) -> None:
        self.enter(facts.receipts(record.alert.id, [facts.Receipt(code, event, Path.IP, "", NOW)], NOW))

    @property
    def broken(self) -> set[str]:
        assert self.checker.found == len(self.found)
        return {v.invariant for v in self.found}


def test_an_ordinary_broadcast_breaks_nothing() -> None:
    court = Court()
    record = court.on_air()
    court.send(record)
    court.receipt(record, DeliveryEvent.CONFIRM)
    court.receipt(record, DeliveryEvent.PLAY)
    court.move(record, AlertEvent.SUCCEEDED, NOW + 61)
    assert court.broken == set()


def test_i1_a_start_of_an_operators_alert_without_an_approval_is_seen() -> None:
    court = Court()
    record = court.accept(AlertState.PENDING, origin=Origin.OPERATOR, author="chen", peer=None, ebd_id=None)
    court.move(record, AlertEvent.APPROVED)
    court.move(record, AlertEvent.START)
    assert court.broken == {"I1"}


def test_i1_the_authors_own_approval_does_not_count() -> None:
    court = Court()
    record = court.accept(AlertState.PENDING, origin=Origin.OPERATOR, author="chen", peer=None, ebd_id=None)
    court.enter(facts.approval_given(record.alert.id, NOW, "chen"))
    court.move(record, AlertEvent.APPROVED)
    court.move(record, AlertEvent.START)
    assert court.broken == {"I1"}


def test_i1_two_people_must_be_two_people() -> None:
    court = Court(approvals=replace(RULES.approvals, by_level=dict.fromkeys((1, 2, 3, 4), 2)))
    record = court.accept(AlertState.PENDING, origin=Origin.OPERATOR, author="chen", peer=None, ebd_id=None)
    for _ in range(2):
        court.enter(facts.approval_given(record.alert.id, NOW, "liu"))
    court.move(record, AlertEvent.APPROVED)
    court.move(record, AlertEvent.START)
    assert court.broken == {"I1"}


def test_i1_the_rules_that_count_are_those_of_the_approval_not_those_of_the_start() -> None:
    stricter = replace(RULES, approvals=replace(RULES.approvals, by_level=dict.fromkeys((1, 2, 3, 4), 2)))
    court = Court()
    local = {"origin": Origin.OPERATOR, "author": "chen", "peer": None, "ebd_id": None}
    approved, pending = court.accept(AlertState.PENDING, **local), court.accept(AlertState.PENDING, **local)
    for record in (approved, pending):
        court.enter(facts.approval_given(record.alert.id, NOW, "liu"))
    court.move(approved, AlertEvent.APPROVED)
    court.checker.use(stricter)
    court.move(approved, AlertEvent.START)
    assert court.broken == set()
    court.move(pending, AlertEvent.APPROVED)
    assert court.broken == {"I1"}


def test_i1_an_alert_from_above_without_its_package_is_seen() -> None:
    court = Court()
    court.move(court.accept(ebd_id=None), AlertEvent.START)
    assert court.broken == {"I1"}


def test_i2_a_place_outside_the_areas_is_seen() -> None:
    court = Court()
    record = court.accept()
    court.enter(facts.places_changed(record.alert.id, [VILLAGE_B1], [], NOW))
    assert court.broken == {"I2"}


def test_i2_an_order_to_a_terminal_outside_the_areas_is_seen() -> None:
    court = Court()
    stranger = terminal(VILLAGE_B1, 1)
    record = court.on_air(HORN, stranger)
    court.send(record, stranger)
    assert court.broken == {"I2"}


def test_i2_an_order_to_what_is_no_terminal_of_ours_is_seen() -> None:
    court = Court()
    unknown = terminal(AreaCode("349901101209"), 1)
    record = court.on_air(unknown)
    court.send(record, unknown)
    assert court.broken == {"I2"}


def test_i3_a_start_before_and_after_the_window_is_seen() -> None:
    for at in (NOW - 1, NOW + 60):
        court = Court()
        court.move(court.accept(), AlertEvent.START, at)
        assert court.broken == {"I3"}


def test_i3_an_order_after_the_window_is_seen() -> None:
    court = Court()
    court.send(court.on_air(), at=NOW + 60)
    assert court.broken == {"I3"}


def test_i4_a_place_that_another_one_still_holds_is_seen() -> None:
    court = Court()
    court.on_air()
    second = court.accept(areas=(COUNTY,))
    court.enter(facts.places_changed(second.alert.id, [VILLAGE_A1, VILLAGE_B1], [], NOW))
    assert court.broken == {"I4"}
    assert "1 of the places" in court.found[0].detail


def test_i4_an_order_into_a_place_that_belongs_to_another_is_seen() -> None:
    court = Court()
    other = terminal(VILLAGE_A2, 1)
    record = court.on_air(HORN, other)
    court.send(record, other)
    assert court.broken == {"I4"}


def test_i5_a_drill_that_goes_on_air_although_it_ends_at_the_head_ends_is_seen() -> None:
    court = Court()
    court.move(court.accept(class_=AlertClass.SIMULATED_DRILL, depth=DrillDepth.HEADEND), AlertEvent.START)
    assert court.broken == {"I5"}


def test_i7_a_second_start_of_a_terminal_that_had_begun_is_seen() -> None:
    court = Court()
    record = court.on_air()
    court.send(record)
    court.receipt(record, DeliveryEvent.CONFIRM)
    court.send(record)
    assert court.broken == {"I7"}


def test_i7_a_terminal_that_was_interrupted_may_be_started_again() -> None:
    court = Court()
    record = court.on_air()
    court.send(record)
    court.receipt(record, DeliveryEvent.CONFIRM)
    court.enter(facts.places_changed(record.alert.id, [], [VILLAGE_A1], NOW))
    court.enter(facts.places_changed(record.alert.id, [VILLAGE_A1], [], NOW))
    court.send(record)
    assert court.broken == set()


def test_i8_a_success_without_enough_confirmations_is_seen() -> None:
    court = Court()
    record = court.on_air(*(terminal(VILLAGE_A1, n) for n in (1, 2)))
    court.send(record)
    court.receipt(record, DeliveryEvent.CONFIRM)
    court.move(record, AlertEvent.SUCCEEDED, NOW + 61)
    assert court.broken == {"I8"}


def test_i8_a_success_with_nobody_targeted_is_seen() -> None:
    court = Court()
    record = court.accept()
    court.move(record, AlertEvent.START)
    court.move(record, AlertEvent.SUCCEEDED, NOW + 61)
    assert court.broken == {"I8"}


def test_i8_what_is_unconfirmed_is_never_counted_as_success() -> None:
    court = Court()
    record = court.on_air()
    court.send(record)
    court.receipt(record, DeliveryEvent.NO_RETURN)
    court.move(record, AlertEvent.SUCCEEDED, NOW + 61)
    assert court.broken == {"I8"}


def test_i12_an_order_while_the_alert_is_being_cancelled_is_seen() -> None:
    court = Court()
    record = court.on_air()
    court.move(record, AlertEvent.CANCEL)
    court.send(record)
    assert court.broken == {"I12"}


def test_i13_a_tally_that_is_not_a_count_is_seen() -> None:
    court = Court()
    record = court.on_air()
    record.tally[DeliveryState.QUEUED] -= 1
    record.tally[DeliveryState.SENT] -= 1
    court.send(record)
    assert "I13" in court.broken
    assert [v.invariant for v in recount([record])] == ["I13"]


def test_i13_a_tally_moved_between_two_states_is_found_by_a_recount() -> None:
    court = Court()
    record = court.on_air()
    assert recount([record]) == []
    record.tally[DeliveryState.QUEUED] -= 1
    record.tally[DeliveryState.CONFIRMED] += 1
    assert [v.invariant for v in recount([record])] == ["I13"]


def test_i14_daily_content_from_above_that_begins_in_quiet_hours_is_seen() -> None:
    court = Court(quiet=QuietHours(time(0), time(23, 59)))
    court.move(court.accept(class_=AlertClass.DAILY), AlertEvent.START)
    assert court.broken == {"I14"}
