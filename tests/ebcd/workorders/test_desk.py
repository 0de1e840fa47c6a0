"""An order's life: sent, accepted, mended, proved; escalated where it stands; the same after a restart."""

from __future__ import annotations

import pytest

from devices.link import Fault, Path
from ebcd import snapshot
from ebcd.errors import ForbiddenTransition
from ebcd.state import CountyState
from ebcd.workorders import (
    ORDER,
    ORDER_FINAL,
    Desk,
    Finding,
    OrderEvent,
    OrderRule,
    OrderState,
    Trouble,
    UnknownOrder,
)
from tests.ebcd.workorders.yard import COUNTY, TOWNS, Yard, horn, village

HORN = horn(village(TOWNS[0], 5), 7)


@pytest.fixture
def yard() -> Yard:
    return Yard()


def test_an_order_is_sent_after_its_hold_and_closed_only_when_the_device_proves_itself(yard: Yard) -> None:
    yard.kill(HORN)
    yard.run(70.0)
    (order,) = yard.orders()
    states = [order.state]
    yard.run(120.0)
    states.append(order.state)
    assert states == [OrderState.OPEN, OrderState.DISPATCHED]
    for event in (OrderEvent.ACCEPT, OrderEvent.ARRIVE, OrderEvent.MEND):
        yard.desk.step(order.id, event, yard.wall_s, "li")
    yard.revive(HORN)
    yard.run(200.0)
    states = [order.state]
    yard.run(120.0)
    assert [*states, order.state] == [OrderState.MENDED, OrderState.CLOSED]
    assert [step.what for step in order.history] == ["opened", "dispatch", "accept", "arrive", "mend", "prove"]
    assert order.history[-1].actor == "daemon"


def test_what_was_called_mended_and_is_not_goes_back_to_the_crew(yard: Yard) -> None:
    yard.kill(HORN)
    yard.run(200.0)
    (order,) = yard.orders()
    yard.desk.step(order.id, OrderEvent.MEND, yard.wall_s, "li")
    yard.run(310.0)
    assert (order.state, order.relapses) == (OrderState.DISPATCHED, 1)


def test_an_outage_that_heals_before_anybody_is_sent_closes_by_itself(yard: Yard) -> None:
    yard.kill(HORN)
    yard.run(70.0)
    yard.revive(HORN)
    yard.run(100.0)
    (order,) = yard.orders()
    yard.run(400.0)
    assert order.state is OrderState.CLOSED


def test_an_overdue_order_escalates_again_and_again_and_then_no_more(yard: Yard) -> None:
    yard.kill(HORN)
    yard.run(200.0)
    (order,) = yard.orders()
    yard.run(1800.0 * 6)
    assert order.escalated == yard.desk.rule.escalations_max
    assert [s.what for s in order.history if s.what == "escalated"] == ["escalated"] * order.escalated


def test_nobody_is_sent_to_what_has_come_back_and_rests_before_it_is_proved(yard: Yard) -> None:
    yard.kill(HORN)
    yard.run(70.0)
    (order,) = yard.orders()
    yard.revive(HORN)
    yard.run(400.0)
    assert order.state is OrderState.CLOSED
    assert order.dispatched_at == 0.0, "an outage of a minute sends nobody"


def test_after_a_restart_nobody_is_sent_before_devices_had_time_to_speak(yard: Yard) -> None:
    yard.kill(HORN)
    yard.run(70.0)
    (order,) = yard.orders()
    away_s = 7200.0
    desk = Desk(
        yard.state.work,
        yard.enter,
        yard.health.of,
        COUNTY,
        yard.desk.crews,
        OrderRule(),
        lambda _: 0.0,
        listening_since=yard.wall_s + away_s,
    )
    states = []
    for listened_s in (230.0, 241.0):  # three periods of a head-end, and a look
        desk.look(yard.wall_s + away_s + listened_s)
        states.append(order.state)
    assert states == [OrderState.OPEN, OrderState.DISPATCHED]


def test_a_device_that_an_order_covers_gets_no_second_one(yard: Yard) -> None:
    yard.kill(*yard.ten(1, 8))
    yard.run(300.0)
    (order,) = yard.orders()
    yard.hear(Fault("cellular", yard.ten(1, 8)[0], 3, False, "amplifier"), Path.CELLULAR)
    yard.run(60.0)
    assert yard.orders() == [order]


def test_a_persons_report_stays_until_a_person_closes_it(yard: Yard) -> None:
    order = yard.desk.report(HORN, [HORN], "silent since the storm", yard.wall_s, "village officer")
    yard.run(2000.0)
    assert (order.state, order.source) == (OrderState.DISPATCHED, "village officer")
    yard.desk.step(order.id, OrderEvent.MEND, yard.wall_s, "li")
    yard.run(400.0)
    states = [order.state]
    yard.confirmed[HORN] = yard.wall_s
    yard.run(10.0)
    assert [*states, order.state] == [OrderState.MENDED, OrderState.CLOSED], "that it lived proved nothing of its horn"


def test_what_is_said_again_is_noted_and_what_was_called_mended_goes_back(yard: Yard) -> None:
    order = yard.desk.report(HORN, [HORN], "silent", yard.wall_s, "wang")
    assert yard.desk.report(HORN, [HORN], "still silent", yard.wall_s, "zhao") is order
    yard.run(200.0)
    yard.desk.step(order.id, OrderEvent.MEND, yard.wall_s, "li")
    yard.desk.report(HORN, [HORN], "no, it is not", yard.wall_s, "wang")
    assert (order.state, order.relapses) == (OrderState.DISPATCHED, 1)
    area = yard.desk.report(village(TOWNS[0], 1), [], "quiet everywhere", yard.wall_s, "wang")
    assert yard.desk.report(village(TOWNS[0], 1), [], "quiet everywhere", yard.wall_s, "wang") is area
    assert yard.orders() == [order, area]


def test_what_a_person_reported_and_then_falls_silent_is_one_order(yard: Yard) -> None:
    order = yard.desk.report(HORN, [HORN], "crackles", yard.wall_s, "wang")
    yard.kill(HORN)
    yard.run(120.0)
    assert yard.orders() == [order]
    assert (order.trouble, order.source) == (Trouble.DEVICE, "wang")


def test_one_that_lives_and_did_not_confirm_is_proved_by_its_next_confirmation(yard: Yard) -> None:
    yard.desk.missed([Finding(Trouble.RECEIPT, HORN, (HORN,), "timed out")], yard.wall_s)
    yard.desk.missed([Finding(Trouble.RECEIPT, HORN, (HORN,), "timed out again")], yard.wall_s)
    (order,) = yard.orders()
    yard.run(1000.0)
    assert order.live
    yard.confirmed[HORN] = yard.wall_s
    yard.run(10.0)
    assert order.state is OrderState.CLOSED


def test_a_step_the_table_does_not_list_is_refused(yard: Yard) -> None:
    yard.kill(HORN)
    yard.run(70.0)
    (order,) = yard.orders()
    with pytest.raises(ForbiddenTransition):
        yard.desk.step(order.id, OrderEvent.RELAPSE, yard.wall_s, "li")
    with pytest.raises(UnknownOrder):
        yard.desk.step("W202611290042", OrderEvent.ACCEPT, yard.wall_s, "li")


def test_numbers_of_a_day_are_never_given_twice(yard: Yard) -> None:
    first = yard.desk.report("x", [], "a", yard.wall_s, "li")
    second = yard.desk.report("y", [], "b", yard.wall_s, "li")
    tomorrow = yard.desk.report("z", [], "c", yard.wall_s + 86_400, "li")
    assert [order.id[-4:] for order in (first, second, tomorrow)] == ["0001", "0002", "0001"]
    assert (first.area, first.crew) == (COUNTY, "county")


def test_a_restart_finds_every_order_as_it_was(yard: Yard) -> None:
    yard.kill(HORN, *yard.ten(1, 8))
    yard.run(300.0)
    yard.desk.step(yard.orders()[0].id, OrderEvent.ACCEPT, yard.wall_s, "li")
    again = CountyState()
    for fact in yard.facts:
        again.apply(fact)
    assert again.work.orders == yard.state.work.orders
    assert snapshot.load(snapshot.dump(yard.state)).work.orders == yard.state.work.orders


def test_a_checkpoint_from_before_there_were_orders_is_read() -> None:
    assert snapshot.load(b'{"format":1,"alerts":[],"open_packages":{}}').work.orders == {}


def test_every_live_state_can_end_and_no_final_one_goes_on() -> None:
    for state in OrderState:
        ways = {after for (before, _), after in ORDER.items() if before is state}
        assert bool(ways) == (state not in ORDER_FINAL)


def test_each_state_has_escalations_of_its_own(yard: Yard) -> None:
    yard.kill(HORN)
    yard.run(200.0)
    (order,) = yard.orders()
    yard.run(2 * 1800.0 + 60.0)
    assert order.escalated == 2
    yard.desk.step(order.id, OrderEvent.ACCEPT, yard.wall_s, "crew")
    yard.run(4 * 3600.0 + 60.0)
    assert (order.escalated, order.escalated_here) == (3, 1), "four hours after it was accepted, not eight or twelve"
