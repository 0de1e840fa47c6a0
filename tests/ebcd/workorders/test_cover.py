"""Findings held against orders by index: the same answers as holding each against each."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from ebcd.state import CountyState
from ebcd.workorders import Finding, Trouble, WorkOrder
from ebcd.workorders.cover import Cover
from tests.ebcd.workorders.yard import TOWNS, Yard, horn, village

DEVICES = st.lists(st.sampled_from("abcdef"), max_size=4, unique=True).map(tuple)
CAUSES = st.tuples(st.sampled_from((Trouble.PLACE, Trouble.DEVICE)), st.sampled_from("xyz"))


def order(number: int, cause: tuple[Trouble, str], devices: tuple[str, ...]) -> WorkOrder:
    return WorkOrder(f"W{number:04d}", *cause, devices, "", "", "", 0.0, "daemon")


@given(
    orders=st.lists(st.tuples(CAUSES, DEVICES), max_size=8),
    more=st.lists(st.tuples(st.integers(0, 7), DEVICES), max_size=4),
    over=st.sets(st.integers(0, 7)),
    found=st.tuples(CAUSES, DEVICES),
)
def test_the_index_answers_as_each_against_each_does(
    orders: list[tuple[tuple[Trouble, str], tuple[str, ...]]],
    more: list[tuple[int, tuple[str, ...]]],
    over: set[int],
    found: tuple[tuple[Trouble, str], tuple[str, ...]],
) -> None:
    made = {number: order(number, *given) for number, given in enumerate(orders)}
    cover = Cover(made.values())
    for number, devices in more:
        if number in made:
            made[number].devices = tuple(dict.fromkeys((*made[number].devices, *devices)))
            cover.add(made[number])
    for number in over & made.keys():
        cover.remove(made.pop(number))
    finding = Finding(*found[0], found[1])
    live, found_on = list(made.values()), set(finding.devices)
    assert cover.holds(finding) == any(found_on <= set(each.devices) for each in live)
    within = {each.id for each in live if set(each.devices) <= found_on}
    assert {each.id for each in cover.within(finding)} == within
    assert [cover.devices_of(each) for each in live] == [frozenset(each.devices) for each in live]


def test_of_two_orders_with_one_cause_the_older_stands_for_it() -> None:
    first, second = (order(number, (Trouble.PLACE, "x"), ("a",)) for number in (1, 2))
    cover = Cover((first, second))
    assert cover.for_cause(Finding(Trouble.PLACE, "x", ())) is first
    assert cover.for_cause(Finding(Trouble.DEVICE, "x", ())) is None


def test_a_checkpoint_holds_every_field_of_an_order_and_of_its_history() -> None:
    yard = Yard()
    yard.kill(*(horn(village(TOWNS[0], 5), number) for number in (7, 8)))
    yard.run(200.0)
    rows = yard.state.work.dump()
    assert rows
    assert rows == [dataclasses.asdict(each) for each in yard.orders()]
    assert CountyState().work.load(rows).dump() == rows
