"""An alert that is over tells who lives and did not confirm; the running part makes orders of it."""

from __future__ import annotations

import structlog

from devices.link import Path
from ebcd import facts
from ebcd.facts import Fact, Receipt
from ebcd.health import Condition, DeviceHealth
from ebcd.lifecycle import AlertEvent, AlertState, DeliveryEvent
from ebcd.planner import Leg, Plan
from ebcd.state import CountyState
from ebcd.workorders import Trouble
from ebcd.workorders.book import order_moved
from ebcd.workorders.missed import missed_receipts
from ebcd.workorders.part import Confirmations, WorkPart
from ebcd.workorders.table import OrderEvent
from protocols.codes import ResourceCode
from tests.ebcd.county import PROVINCE
from tests.ebcd.test_scheduler import alert
from tests.ebcd.workorders.yard import TOWNS, WALL_S, Yard, head_end, horn, village
from tests.virtual_time import VirtualClock

BEHIND = tuple(horn(village(TOWNS[0], 1), n) for n in range(1, 5))
ALONE = horn(village(TOWNS[0], 5), 1)
ADAPTER = head_end(village(TOWNS[0], 1))
ALERT = alert(1)


def adapter_of(code: ResourceCode) -> ResourceCode | None:
    """Village 1 has one."""
    return ADAPTER if code in BEHIND else None


def after(state: CountyState, *timed_out: ResourceCode, at: float = WALL_S) -> list[Fact]:
    """An alert that everybody confirmed but these, and that is over."""
    everybody = (*BEHIND, ALONE)
    path = {code: Path.ADAPTER if code in BEHIND else Path.IP for code in everybody}
    legs = tuple(Leg(code, (path[code],)) for code in everybody)
    told = [
        facts.alert_accepted(ALERT, AlertState.WAITING, at, PROVINCE),
        facts.alert_moved(ALERT.id, AlertEvent.START, at),
        facts.plan_made(ALERT.id, Plan(legs, ()), at),
    ]
    for code in everybody:
        event = DeliveryEvent.TIME_OUT if code in timed_out else DeliveryEvent.CONFIRM
        told.append(facts.orders_sent(ALERT.id, DeliveryEvent.SEND, path[code], [code], at))
        told.append(facts.receipts(ALERT.id, [Receipt(code, event, path[code], "", at)], at))
    told.append(facts.alert_moved(ALERT.id, AlertEvent.SUCCEEDED, at))
    for fact in told:
        state.apply(fact)
    return told


def online(_code: ResourceCode) -> DeviceHealth:
    """Everybody lives."""
    return DeviceHealth(Condition.ONLINE)


def test_a_lone_terminal_that_lives_and_timed_out_is_a_finding() -> None:
    state = CountyState()
    after(state, ALONE, BEHIND[0])
    found = missed_receipts(state.alerts[ALERT.id], online, adapter_of)
    assert [(f.trouble, f.root) for f in found] == [(Trouble.RECEIPT, BEHIND[0]), (Trouble.RECEIPT, ALONE)]


def test_a_whole_flock_that_stayed_silent_is_its_adapters_finding() -> None:
    state = CountyState()
    after(state, *BEHIND)
    (found,) = missed_receipts(state.alerts[ALERT.id], online, adapter_of)
    assert (found.root, found.devices) == (ADAPTER, tuple(sorted(BEHIND)))


def test_who_is_known_to_be_offline_has_not_missed_anything_new() -> None:
    state = CountyState()
    after(state, *BEHIND, ALONE)
    assert missed_receipts(state.alerts[ALERT.id], lambda _c: DeviceHealth(Condition.OFFLINE), adapter_of) == []


def test_the_part_opens_an_order_when_an_alert_is_over_and_closes_it_with_the_next_confirmation() -> None:
    yard = Yard()
    confirmations = Confirmations()

    class Clock:
        """The yard's."""

        def wall(self) -> float:
            return yard.wall_s

        def monotonic(self) -> float:
            return yard.now_s

    part = WorkPart(yard.desk, yard.health, yard.sites, yard.state, adapter_of, Clock())
    for fact in after(yard.state, ALONE, at=yard.wall_s):
        part.watch(fact, yard.state)
        confirmations.watch(fact, yard.state)
    part.look()
    (order,) = yard.orders()
    assert (order.trouble, order.root) == (Trouble.RECEIPT, ALONE)
    later = facts.receipts(
        ALERT.id, [Receipt(ALONE, DeliveryEvent.CONFIRM, Path.IP, "", yard.wall_s + 60)], yard.wall_s + 60
    )
    confirmations.watch(later, yard.state)
    yard.confirmed[ALONE] = confirmations.of(ALONE)
    part.look()
    assert yard.orders() == []


async def test_every_step_of_an_order_can_be_logged_and_ends_nothing() -> None:
    yard = Yard()
    part = WorkPart(yard.desk, yard.health, yard.sites, yard.state, adapter_of, VirtualClock())
    with structlog.testing.capture_logs() as lines:
        part.watch(order_moved("W1", OrderEvent.DISPATCH, 1.0, "daemon", "crew"), yard.state)
    assert [(line["event"], line["order"], line["step"]) for line in lines] == [("order.moved", "W1", "dispatch")]
