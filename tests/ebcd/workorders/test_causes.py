"""One root cause, one order; the right one, and none where nothing is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from devices.link import Fault, Path
from ebcd.clock import beijing
from ebcd.workorders import OrderEvent, OrderState, Sites, Trouble
from ebcd.workorders.statistics import month_of, statistics
from protocols.codes import ResourceCode
from tests.ebcd.workorders.yard import GATHER_S, TOWNS, Yard, head_end, horn, village


@pytest.fixture
def yard() -> Yard:
    return Yard()


def test_a_healthy_county_has_no_orders(yard: Yard) -> None:
    yard.run(3600.0)
    assert yard.state.work.orders == {}


def test_one_dead_horn_is_one_order_within_three_periods_and_a_look(yard: Yard) -> None:
    yard.kill(horn(village(TOWNS[0], 5), 7))
    yard.run(4 * 15.0 + 5.0)
    (order,) = yard.orders()
    assert (order.trouble, order.root, order.crew) == (Trouble.DEVICE, horn(village(TOWNS[0], 5), 7), "north")


def test_an_order_knows_how_long_it_took_to_notice(yard: Yard) -> None:
    died_s = yard.wall_s
    yard.kill(horn(village(TOWNS[0], 5), 2))
    yard.run(120.0)
    (order,) = yard.orders()
    assert died_s - 15.0 <= order.since <= died_s, "its last sign of life, not the moment of the finding"
    assert order.opened_at - order.since <= 3 * 15.0 + 15.0 + GATHER_S
    (all_of_them, *_) = statistics([order], month_of(order.opened_at), lambda _: "")
    assert all_of_them.notice_s == order.opened_at - order.since


def test_a_dead_head_end_is_one_order_not_eleven(yard: Yard) -> None:
    place = village(TOWNS[0], 1)
    yard.kill(head_end(place))
    yard.run(300.0)
    (order,) = yard.orders()
    assert (order.trouble, order.root, order.crew) == (Trouble.HEAD_END, head_end(place), "one")
    assert set(order.devices) == {head_end(place), *yard.ten(0, 1)}


def test_a_cut_cable_of_fifteen_units_over_two_villages_is_one_order(yard: Yard) -> None:
    cut = (*yard.ten(0, 4), *yard.ten(0, 5)[:5])
    yard.kill(*cut)
    yard.run(120.0)
    (order,) = yard.orders()
    assert (order.trouble, order.root) == (Trouble.FEEDER, f"{TOWNS[0]}-F1")
    assert set(order.devices) == set(cut)


def test_expired_cards_of_one_batch_are_one_order(yard: Yard) -> None:
    batch = [code for town in range(3) for code in yard.ten(town, 7)]
    for code in batch:
        yard.kill(code)
        yard.run(2.0)
    yard.run(100.0)
    assert [(o.trouble, o.root) for o in yard.orders()] == [(Trouble.SIM_BATCH, "B1")]


def test_a_village_without_power_is_one_order(yard: Yard) -> None:
    yard.kill(*yard.ten(1, 8))
    yard.run(100.0)
    assert [(o.trouble, o.root) for o in yard.orders()] == [(Trouble.PLACE, village(TOWNS[1], 8))]


def test_a_towns_dead_line_is_one_order(yard: Yard) -> None:
    yard.kill(*(code for number in (4, 5, 6) for code in yard.ten(2, number)))
    yard.run(100.0)
    assert [(o.trouble, o.root) for o in yard.orders()] == [(Trouble.TOWN_LINE, f"{TOWNS[2]}/ip")]


def test_a_town_whose_adapters_fell_silent_together_is_its_line_not_three_head_ends(yard: Yard) -> None:
    yard.kill(*(head_end(village(TOWNS[1], number)) for number in (1, 2, 3)))
    yard.run(300.0)
    assert [(o.trouble, o.root) for o in yard.orders()] == [(Trouble.TOWN_LINE, f"{TOWNS[1]}/adapter")]


def test_a_town_without_power_is_one_order_whatever_its_paths(yard: Yard) -> None:
    yard.kill(*(code for code in yard.ways.devices if code.area.startswith(TOWNS[1][:9])))
    yard.run(300.0)
    assert [(o.trouble, o.root) for o in yard.orders()] == [(Trouble.PLACE, TOWNS[1])]


def test_cards_that_have_expired_are_their_batch_from_the_first_on(yard: Yard) -> None:
    today = beijing(yard.wall_s).date()
    for site in yard.sites.of_batch["B1"]:
        yard.sites.by_code[site.code] = replace(site, sim_expiry=today)
    yard.sites = Sites(yard.sites.by_code.values())
    for code in yard.ten(0, 7)[:3]:
        yard.kill(code)
        yard.run(400.0)
    assert [(o.trouble, o.root, len(o.devices)) for o in yard.orders()] == [(Trouble.SIM_BATCH, "B1", 3)]


def test_a_batch_that_dies_card_by_card_is_named_when_no_other_card_does(yard: Yard) -> None:
    for site in yard.sites.by_code.values():
        if site.paths == {Path.CELLULAR} and not site.sim_batch:
            yard.sites.by_code[site.code] = replace(site, sim_batch="B2")
    yard.sites = Sites(yard.sites.by_code.values())
    for code in (*yard.ten(0, 7)[:2], *yard.ten(1, 7)[:2], *yard.ten(2, 7)[:1]):
        yard.kill(code)
        yard.run(400.0)
    assert [(o.trouble, o.root) for o in yard.orders()] == [(Trouble.SIM_BATCH, "B1")]


def test_horns_that_died_on_different_days_are_as_many_orders_after_a_restart_too(yard: Yard) -> None:
    for code in yard.ten(1, 8)[:9]:
        yard.kill(code)
        yard.run(400.0)
    yard.restart()
    yard.run(300.0)
    assert [o.trouble for o in yard.orders()] == [Trouble.DEVICE] * 9


def test_what_died_behind_a_head_end_before_it_keeps_its_own_order(yard: Yard) -> None:
    place = village(TOWNS[0], 2)
    yard.kill(horn(place, 3))
    yard.run(600.0)
    yard.kill(head_end(place))
    yard.run(600.0)
    assert {o.key for o in yard.orders()} == {(Trouble.DEVICE, horn(place, 3)), (Trouble.HEAD_END, head_end(place))}


def test_a_silent_device_that_turns_out_to_come_and_go_keeps_its_order_under_another_name(yard: Yard) -> None:
    code = horn(village(TOWNS[0], 5), 8)
    for _ in range(4):
        yard.kill(code)
        yard.run(150.0)
        yard.revive(code)
        yard.run(60.0)
    (order,) = yard.orders()
    assert (order.trouble, order.root) == (Trouble.FLAPPING, code)
    assert "recast" in [step.what for step in order.history]


def test_what_a_person_withdrew_is_left_alone_until_the_device_has_spoken_again(yard: Yard) -> None:
    code = horn(village(TOWNS[0], 5), 8)
    yard.kill(code)
    yard.run(200.0)
    (order,) = yard.orders()
    yard.desk.step(order.id, OrderEvent.WITHDRAW, yard.wall_s, "alice", "school is closed")
    yard.run(600.0)
    assert yard.orders() == []
    yard.revive(code)
    yard.run(60.0)
    yard.kill(code)
    yard.run(200.0)
    assert [o.key for o in yard.orders()] == [(Trouble.DEVICE, code)]


def test_our_own_dead_link_is_one_order_and_nobodys_fault(yard: Yard) -> None:
    yard.link("cellular", up=False)
    yard.kill(*(code for town in range(3) for number in (7, 8, 9) for code in yard.ten(town, number)))
    yard.run(100.0)
    (order,) = yard.orders()
    assert (order.trouble, order.root, len(order.devices)) == (Trouble.LINK, "cellular", 90)


def test_horns_of_one_village_that_died_on_different_days_are_as_many_orders(yard: Yard) -> None:
    for code in yard.ten(1, 8)[:9]:
        yard.kill(code)
        yard.run(400.0)
    assert [o.trouble for o in yard.orders()] == [Trouble.DEVICE] * 9


def test_a_reported_fault_is_an_order_for_its_device(yard: Yard) -> None:
    code = horn(village(TOWNS[0], 5), 2)
    yard.hear(Fault("ip", code, 3, False, "amplifier"), Path.IP)
    yard.run(10.0)
    (order,) = yard.orders()
    assert (order.trouble, order.root, order.why) == (Trouble.FAULT, code, "amplifier")


def test_what_stays_silent_after_its_head_end_is_back_gets_an_order_of_its_own(yard: Yard) -> None:
    place = village(TOWNS[0], 2)
    yard.kill(head_end(place), horn(place, 3))
    yard.run(300.0)
    (whole,) = yard.orders()
    yard.revive(head_end(place))
    yard.run(900.0)
    (left,) = yard.orders()
    assert (left.trouble, left.root) == (Trouble.DEVICE, horn(place, 3))
    assert whole.state is OrderState.CLOSED


Injection = tuple[Trouble, str, list[ResourceCode]]


def _injections(yard: Yard, chance: random.Random) -> Injection:
    """One fault of a kind that can be observed: what it is, its root, who falls silent."""
    town = chance.randrange(3)
    place = village(TOWNS[town], chance.choice((1, 2, 3)))
    kinds: list[Callable[[], Injection]] = [
        lambda: (Trouble.HEAD_END, head_end(place), [head_end(place)]),
        lambda: (Trouble.FEEDER, f"{TOWNS[town]}-F1", [*yard.ten(town, 4), *yard.ten(town, 5)[:5]]),
        lambda: (Trouble.PLACE, village(TOWNS[town], 8), list(yard.ten(town, 8))),
        lambda: _one(horn(village(TOWNS[town], chance.choice((5, 6, 9))), chance.randint(6, 10))),
    ]
    return chance.choice(kinds)()


def _one(code: ResourceCode) -> Injection:
    return Trouble.DEVICE, code, [code]


@pytest.mark.parametrize("seed", range(12))
def test_of_faults_injected_at_random_each_is_named_rightly_once_and_nothing_else_is(yard: Yard, seed: int) -> None:
    chance = random.Random(seed)
    named, expected = set(), set()
    for _ in range(4):
        trouble, root, codes = _injections(yard, chance)
        if any(code in yard.dead for code in codes):
            continue
        expected.add((trouble, root))
        yard.kill(*codes)
        yard.run(chance.uniform(250.0, 400.0))
    named = {order.key for order in yard.orders()}
    assert named == expected, f"seed {seed}"
    yard.revive(*list(yard.dead))
    yard.run(1500.0)
    assert yard.orders() == [], f"seed {seed}"
