"""Days on which much breaks at once and on top of each other: what a control room must be able to rely on, counted."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from devices.link import Fault, Path
from devices.roster import DeviceKind
from ebcd.workorders import OrderState, Trouble, WorkOrder
from protocols.codes import ResourceCode
from tests.ebcd.workorders.yard import GATHER_S, TOWNS, WALL_S, Yard, head_end, horn, village

DAY_S = 3 * 3600.0
QUIET_S = 5000.0
"""At the end, for everything to prove itself."""


@dataclass(slots=True)
class Injected:
    """One root cause."""

    trouble: Trouble
    root: str
    codes: tuple[ResourceCode, ...]
    begin_s: float
    end_s: float


@dataclass
class Day:
    """One county, and what is to happen to it. Who is silenced twice speaks when both are over."""

    yard: Yard
    chance: random.Random
    jobs: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)
    used: set[ResourceCode] = field(default_factory=set)
    silencers: Counter[ResourceCode] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    storm_s: float = 0.0

    def at(self, when_s: float, job: Callable[[], None]) -> None:
        self.jobs.append((when_s, len(self.jobs), job))

    def silence(self, codes: Sequence[ResourceCode], begin_s: float, end_s: float, *, power: bool = False) -> None:
        def begin() -> None:
            self.silencers.update(codes)
            self.yard.kill(*codes)

        def end() -> None:
            self.silencers.subtract(codes)
            back = [code for code in codes if not self.silencers[code]]
            self.yard.revive(*back)
            kinds = self.yard.ways.devices
            self.yard.restarted |= {c for c in back if power and kinds[c].kind is DeviceKind.TERMINAL}

        self.at(begin_s, begin)
        self.at(end_s, end)

    def inject(self, trouble: Trouble, root: str, codes: Sequence[ResourceCode], *, power: bool = False) -> None:
        """At a moment of chance, unless something else has these devices already."""
        begin_s = self._moment()
        end_s = begin_s + self.chance.uniform(900, 3000)
        around = {code.area for code in codes}
        if any(code.area in around for code in self.used):
            return
        self.used.update(codes)
        self.silence(codes, begin_s, end_s, power=power)
        self.injected.append(Injected(trouble, root, tuple(codes), begin_s, end_s))

    def _moment(self) -> float:
        """Not in the storm's first minutes, when nobody could tell the one from the other."""
        while True:
            at_s = self.yard.now_s + self.chance.uniform(0, DAY_S - QUIET_S)
            if abs(at_s - self.storm_s) > 300:
                return at_s

    def break_amplifier(self, code: ResourceCode) -> None:
        begin_s = self._moment()
        path = next(iter(self.yard.ways.devices[code].paths))

        def set_to(broken: bool) -> None:
            (self.yard.faulty.add if broken else self.yard.faulty.discard)(code)
            if self.yard.speaks(code):
                self.yard.hear(Fault("x", code, 3, not broken, "amplifier"), path)

        self.at(begin_s, lambda: set_to(True))
        self.at(begin_s + 2000.0, lambda: set_to(False))
        self.used.add(code)
        self.injected.append(Injected(Trouble.FAULT, code, (code,), begin_s, begin_s + 2000.0))

    def run(self, seconds: float) -> None:
        """Play it, and look at each step of an order when it is taken."""
        self.jobs.sort(key=lambda job: job[:2])
        end_s = self.yard.now_s + seconds
        while self.yard.now_s < end_s:
            while self.jobs and self.jobs[0][0] <= self.yard.now_s:
                self.jobs.pop(0)[2]()
            self.yard.run(GATHER_S)
            for order in self.yard.state.work.orders.values():
                self._judge(order)

    def _judge(self, order: WorkOrder) -> None:
        if order.history[-1].at != self.yard.wall_s:
            return
        unwell = [c for c in map(ResourceCode, order.devices) if not self.yard.speaks(c) or c in self.yard.faulty]
        step = order.history[-1].what
        if step == "dispatch" and not unwell and not self.yard.down:
            self.wrong.append(f"sent for nothing: {order.id} {order.trouble} {order.root}")
        if step == "prove" and any(self._known_dead(code) for code in unwell):
            self.wrong.append(f"closed while {len(unwell)} are not well: {order.id} {order.trouble}")

    def _known_dead(self, code: ResourceCode) -> bool:
        """Whether it has been silent for long enough that anybody could know."""
        patience_s = 3 * (self.yard.ways.devices[code].period_s or 0.0)
        return self.yard.now_s - self.yard.health.of(code).seen_s > patience_s

    def orders_about(self, fault: Injected) -> list[WorkOrder]:
        """Those that name this cause."""
        return [o for o in self.yard.state.work.orders.values() if o.key == (fault.trouble, fault.root)]


def _bad_day(seed: int) -> Day:
    """Faults of every kind, a storm, a dead link of ours and two restarts."""
    chance = random.Random(seed)
    day = Day(Yard(), chance)
    yard, now_s = day.yard, day.yard.now_s
    day.storm_s = now_s + chance.uniform(1000, DAY_S - QUIET_S)
    for town in range(3):
        place, power = village(TOWNS[town], chance.randint(1, 2)), village(TOWNS[town], 3)
        day.inject(Trouble.HEAD_END, head_end(place), [head_end(place)])
        day.inject(Trouble.HEAD_END, head_end(power), [head_end(power), *yard.ten(town, 3)], power=True)
        day.inject(Trouble.FEEDER, f"{TOWNS[town]}-F1", [*yard.ten(town, 4), *yard.ten(town, 5)[:5]])
        day.inject(Trouble.PLACE, village(TOWNS[town], 8), yard.ten(town, 8), power=True)
        for number in (6, 9):
            code = horn(village(TOWNS[town], number), chance.randint(1, 9))
            day.inject(Trouble.DEVICE, code, [code])
        day.break_amplifier(horn(village(TOWNS[town], 6), 10))
    if chance.random() < 0.5:
        day.inject(Trouble.SIM_BATCH, "B1", [code for town in range(3) for code in yard.ten(town, 7)])
    for code in yard.ways.devices:
        if code not in day.used and chance.random() < 0.35:
            begin_s, end_s = day.storm_s + chance.uniform(0, 20), day.storm_s + chance.uniform(600, 660)
            day.silence([code], begin_s, end_s, power=True)
    for _ in range(2):
        day.at(now_s + chance.uniform(0, DAY_S), yard.restart)
    return day


@pytest.mark.parametrize("seed", [0, 1, 10, 16])  # in 10 and 16 the storm meets a restart and a returning head-end
def test_on_a_bad_day_each_cause_is_named_once_in_time_and_nobody_is_sent_for_nothing(seed: int) -> None:
    day = _bad_day(seed)
    yard = day.yard
    day.run(DAY_S)
    right = [fault for fault in day.injected if len([o for o in day.orders_about(fault) if o.dispatched_at]) == 1]
    assert len(right) >= 0.9 * len(day.injected), f"seed {seed}: {[f for f in day.injected if f not in right]}"
    named = {id(order) for fault in day.injected for order in day.orders_about(fault)}
    sent = [order for order in yard.state.work.orders.values() if order.dispatched_at]
    false = [order for order in sent if id(order) not in named]
    assert len(false) <= 0.01 * len(sent), f"seed {seed}: {[(o.trouble, o.root, o.opened_at - WALL_S) for o in false]}"
    assert day.wrong == [], f"seed {seed}: {day.wrong}"
    assert yard.orders() == [], "everything is well again and has proved it"


@pytest.mark.parametrize("seed", [2])
def test_a_cause_that_nothing_else_hides_is_named_within_three_periods_and_a_look(seed: int) -> None:
    day = _bad_day(seed)
    day.jobs = [job for job in day.jobs if job[2] != day.yard.restart]  # while we are down nobody names anything
    day.run(DAY_S)
    for fault in day.injected:
        period_s = max(day.yard.ways.devices[code].period_s or 0.0 for code in fault.codes)
        late_s = min(o.opened_at for o in day.orders_about(fault)) - WALL_S - fault.begin_s
        assert late_s <= 3 * period_s + 2 * GATHER_S, f"seed {seed}: {fault}"


def test_a_storm_is_one_order_nobody_is_sent_while_it_heals_and_who_stays_silent_gets_an_order() -> None:
    day = Day(Yard(), random.Random(1))
    yard, now_s = day.yard, day.yard.now_s
    hit = [code for code in yard.ways.devices if day.chance.random() < 0.3]
    left = next(code for code in hit if yard.ways.devices[code].period_s == 15.0)
    for code in hit:
        end_s = now_s + (9000 if code == left else 600)
        day.silence([code], now_s + day.chance.uniform(0, 30), end_s, power=True)
    day.run(300.0)
    (storm,) = yard.orders()
    assert (storm.trouble, storm.dispatched_at) == (Trouble.WIDESPREAD, 0.0)
    assert len(storm.devices) >= 0.95 * len(hit)
    day.run(2000.0)
    (order,) = yard.orders()
    assert (order.trouble, order.root, order.state) == (Trouble.DEVICE, left, OrderState.DISPATCHED)
    assert (storm.state, storm.dispatched_at) == (OrderState.CLOSED, 0.0)


def test_a_broker_that_is_down_hides_no_amplifier_and_blames_no_card() -> None:
    day = Day(Yard(), random.Random(2))
    yard = day.yard
    broken = horn(village(TOWNS[1], 8), 3)
    yard.faulty.add(broken)
    yard.hear(Fault("x", broken, 3, False, "amplifier"), Path.CELLULAR)
    yard.run(200.0)
    cut = [code for town in range(3) for number in (7, 8, 9) for code in yard.ten(town, number)]
    yard.link("cellular", up=False)
    yard.kill(*cut)
    yard.run(600.0)
    assert {order.key for order in yard.orders()} == {(Trouble.FAULT, broken), (Trouble.LINK, "cellular")}
    yard.link("cellular", up=True)
    yard.revive(*cut)
    yard.run(600.0)
    assert {order.key for order in yard.orders()} == {(Trouble.FAULT, broken)}
