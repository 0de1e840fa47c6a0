"""An alert that is over tells who lives and did not confirm; the running part makes orders of it."""

from __future__ import annotations

from structlog.testing import capture_logs

from devices.link import Path
from ebcd import facts
from ebcd.facts import Fact, Receipt
from ebcd.health import Condition, DeviceHealth
from ebcd.lifecycle import AlertEvent, AlertState, DeliveryEvent, DeliveryState
from ebcd.planner import Leg, Plan
from ebcd.state import AlertRecord, CountyState
from ebcd.workorders import Finding, OrderEvent, Trouble
from ebcd.workorders.book import order_moved, order_noted, order_opened
from ebcd.workorders.missed import missed_receipts
from ebcd.workorders.part import Confirmations, WorkPart
from protocols.codes import ResourceCode
from tests.ebcd.county import PROVINCE
from tests.ebcd.test_scheduler import alert
from tests.ebcd.workorders.yard import TOWNS, WALL_S, Yard, head_end, horn, village

BEHIND = tuple(horn(village(TOWNS[0], 1), n) for n in range(1, 5))
ALONE = horn(village(TOWNS[0], 5), 1)
ADAPTER = head_end(village(TOWNS[0], 1))
ALERT = alert(1, start=int(WALL_S), end=int(WALL_S) + 900)


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


def crowd(*complaints: tuple[DeliveryState, str]) -> AlertRecord:
    """An alert for three villages of twelve horns over IP; each horn's end is the next of `complaints`, in turn."""
    state = CountyState()
    horns = [horn(village(TOWNS[0], place), number) for number in range(1, 13) for place in (1, 2, 3)]
    state.apply(facts.alert_accepted(ALERT, AlertState.WAITING, WALL_S, PROVINCE))
    state.apply(facts.alert_moved(ALERT.id, AlertEvent.START, WALL_S))
    state.apply(facts.plan_made(ALERT.id, Plan(tuple(Leg(code, (Path.IP,)) for code in horns), ()), WALL_S))
    state.apply(facts.orders_sent(ALERT.id, DeliveryEvent.SEND, Path.IP, horns, WALL_S))
    events = {
        DeliveryState.REFUSED: DeliveryEvent.REFUSE,
        DeliveryState.TIMED_OUT: DeliveryEvent.TIME_OUT,
        DeliveryState.CONFIRMED: DeliveryEvent.CONFIRM,
    }
    for number, code in enumerate(horns):
        ended, words = complaints[number % len(complaints)]
        state.apply(facts.receipts(ALERT.id, [Receipt(code, events[ended], Path.IP, words, WALL_S)], WALL_S))
    return state.alerts[ALERT.id]


FINE = (DeliveryState.CONFIRMED, "")
NO_SOUND = (DeliveryState.REFUSED, "no audio")


def test_one_complaint_of_much_of_a_town_is_one_cause_and_it_is_not_the_terminals() -> None:
    (found,) = missed_receipts(crowd(NO_SOUND, FINE), online, lambda _: None)
    assert (found.trouble, len(found.devices)) == (Trouble.MESSAGE, 18)
    assert found.why == f"{ALERT.id} refused no audio"


def test_whose_turn_never_came_has_missed_nothing() -> None:
    record = crowd(NO_SOUND, FINE)
    for delivery in record.deliveries.values():
        delivery.tried = ()
    assert missed_receipts(record, online, lambda _: None) == []


def test_who_was_told_in_the_last_seconds_or_interrupted_by_something_better_has_missed_nothing() -> None:
    record = crowd(NO_SOUND)
    for delivery in record.deliveries.values():
        delivery.sent_at = record.alert.window.end - 5.0
    assert missed_receipts(record, online, lambda _: None) == []
    record = crowd(NO_SOUND)
    record.started = {village(TOWNS[0], place) for place in (1, 2, 3)}
    record.holds = {village(TOWNS[0], 3)}  # villages 1 and 2 went to another message
    record.regained = {village(TOWNS[0], 3)}  # and village 3 for a while
    assert missed_receipts(record, online, lambda _: None) == []


def test_nearly_all_of_one_village_is_one_cause() -> None:
    (found,) = missed_receipts(crowd(NO_SOUND, FINE, FINE), online, lambda _: None)
    assert (found.trouble, found.root, len(found.devices)) == (Trouble.RECEIPT, village(TOWNS[0], 1), 12)


def test_a_few_of_many_that_complain_alike_are_as_many_causes() -> None:
    few = [NO_SOUND] + [FINE] * 8
    found = missed_receipts(crowd(*few), online, lambda _: None)
    assert [(f.trouble, len(f.devices)) for f in found] == [(Trouble.RECEIPT, 1)] * 4


def test_who_still_misses_when_the_common_cause_is_gone_gets_an_order_of_its_own() -> None:
    yard = Yard()
    record = crowd(NO_SOUND)
    yard.desk.missed(missed_receipts(record, online, lambda _: None), yard.wall_s)
    (order,) = yard.orders()
    assert order.trouble is Trouble.MESSAGE
    still, *others = record.deliveries
    yard.confirmed.update(dict.fromkeys(others, yard.wall_s + 60))
    yard.desk.look(yard.wall_s + 61)
    assert yard.orders() == []
    yard.desk.missed([Finding(Trouble.RECEIPT, still, (still,))], yard.wall_s + 61)
    assert [each.root for each in yard.orders()] == [still]


def test_who_is_known_to_be_offline_has_not_missed_anything_new() -> None:
    state = CountyState()
    after(state, *BEHIND, ALONE)
    assert missed_receipts(state.alerts[ALERT.id], lambda _c: DeviceHealth(Condition.OFFLINE), adapter_of) == []


def test_the_part_opens_an_order_when_an_alert_is_over_and_closes_it_with_the_next_confirmation() -> None:
    yard = Yard()
    confirmations = Confirmations(lambda: [ALONE])

    part = WorkPart(yard.desk, yard.health, yard.sites, yard.state, adapter_of, yard.clock)
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


def test_confirmations_of_devices_that_have_left_are_forgotten() -> None:
    present = {ALONE}
    confirmations = Confirmations(lambda: present)
    items = [Receipt(code, DeliveryEvent.CONFIRM, Path.IP, "", 1.0) for code in (*BEHIND, ALONE)]
    confirmations.watch(facts.receipts(ALERT.id, items, 1.0), CountyState())
    assert (len(confirmations), confirmations.of(ALONE)) == (1, 1.0)


def test_every_fact_of_an_order_has_its_line_in_the_log() -> None:
    yard = Yard()
    part = WorkPart(yard.desk, yard.health, yard.sites, yard.state, adapter_of, yard.clock)
    order = yard.desk.report(ALONE, (ALONE,), "no sound", yard.wall_s, "li")
    with capture_logs() as lines:
        for fact in (
            order_opened("W1", Finding(Trouble.DEVICE, ALONE, (ALONE,)), TOWNS[0], "north", yard.wall_s, "daemon"),
            order_moved(order.id, OrderEvent.DISPATCH, yard.wall_s, "daemon", "north"),
            order_noted(order.id, "escalated", "open", yard.wall_s, "daemon"),
        ):
            part.watch(fact, yard.state)
    assert [line["event"] for line in lines] == ["order.opened", "order.moved", "order.overdue"]
    assert (lines[1]["order"], lines[1]["step"], lines[1]["note"]) == (order.id, OrderEvent.DISPATCH, "north")
