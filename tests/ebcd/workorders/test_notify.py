"""Crews hear of their orders, once, also after a restart; what fails is tried again and then noted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ebcd.facts import Fact
from ebcd.health import Condition, DeviceHealth
from ebcd.state import CountyState
from ebcd.workorders import Crew, Desk, OrderEvent, OrderRule, OrderState, WorkOrder
from ebcd.workorders.notify import TRIES_S, Notice, Notifier, Undelivered
from tests.ebcd.workorders.yard import COUNTY, TOWNS, horn, village
from tests.virtual_time import VirtualClock

HORN = horn(village(TOWNS[0], 5), 1)
CREWS = (Crew("一班", (COUNTY,), phone="13800100055"), Crew("班长", (), phone="13800100099"))


class Pager:
    """A channel that fails as often as it is told to."""

    name = "sms"

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.told: list[tuple[str, str, str]] = []

    def serves(self, crew: Crew) -> bool:
        return bool(crew.phone)

    async def deliver(self, notice: Notice) -> None:
        if self.failures:
            self.failures -= 1
            raise Undelivered("no network")
        self.told.append((notice.crew.name, notice.what, notice.words))


class Room:
    """A desk whose facts a notifier watches."""

    def __init__(self, clock: VirtualClock, pager: Pager, state: CountyState | None = None) -> None:
        self.clock = clock
        self.state = state or CountyState()
        self.opened = len(self.state.work.orders)
        self.pager = pager

        silent = DeviceHealth(Condition.OFFLINE)
        self.desk = Desk(
            self.state.work, self.enter, lambda _code: silent, COUNTY, CREWS, OrderRule(), lambda _code: 0.0
        )
        self.notifier = Notifier(
            self.state.work, self.enter, CREWS, [pager], self.name_of, clock, "zh", supervisor="班长"
        )

    def name_of(self, order: WorkOrder) -> tuple[str, str]:
        return "石桥村喇叭", "石桥村"

    def enter(self, fact: Fact) -> None:
        self.state.apply(fact)
        self.notifier.watch(fact, self.state)

    def order(self) -> WorkOrder:
        """Each about another place."""
        self.opened += 1
        order = self.desk.report(f"{self.opened}", [], "没声音", self.clock.wall(), "chen")
        self.desk.step(order.id, OrderEvent.DISPATCH, self.clock.wall(), "daemon")
        return order


@asynccontextmanager
async def telling(room: Room) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(room.notifier.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.requirement("R-PLT-04")
async def test_a_dispatched_order_is_told_with_what_to_bring_and_how_to_answer(clock: VirtualClock) -> None:
    room = Room(clock, Pager())
    async with telling(room):
        order = room.order()
        await asyncio.sleep(1)
    ((crew, what, words),) = room.pager.told
    assert (crew, what) == ("一班", "dispatch")
    assert order.id in words
    assert "石桥村喇叭" in words
    assert f"受理 {order.id}" in words
    assert order.history[-1].what == "told"


async def test_what_fails_is_tried_again_and_noted_when_it_never_works(clock: VirtualClock) -> None:
    room = Room(clock, Pager(failures=2))
    async with telling(room):
        order = room.order()
        await asyncio.sleep(sum(TRIES_S) + 1)
        assert [step.what for step in order.history] == ["opened", "dispatch", "told"]
        room.pager.failures = 100
        again = room.order()
        await asyncio.sleep(sum(TRIES_S) + 1)
    assert (again.history[-1].what, again.history[-1].note) == ("untold", "dispatch sms: no network")


async def test_a_restart_tells_what_was_not_told_and_nothing_twice(clock: VirtualClock) -> None:
    room = Room(clock, Pager())
    told = room.order()
    async with telling(room):
        await asyncio.sleep(1)
    untold = room.order()
    later = Room(clock, Pager(), room.state)
    async with telling(later):
        await asyncio.sleep(1)
    assert [words for _, _, words in later.pager.told if told.id in words] == []
    assert len([words for _, _, words in later.pager.told if untold.id in words]) == 1


async def test_the_supervisor_hears_what_is_overdue_and_the_crew_what_is_called_off(clock: VirtualClock) -> None:
    room = Room(clock, Pager())
    async with telling(room):
        order = room.order()
        await asyncio.sleep(1801)
        room.desk.rule.overdue_s[OrderState.DISPATCHED] = 1800.0
        room.desk.look(clock.wall())
        await asyncio.sleep(1)
        room.desk.step(order.id, OrderEvent.WITHDRAW, clock.wall(), "chen")
        await asyncio.sleep(1)
    assert [(crew, what) for crew, what, _ in room.pager.told] == [
        ("一班", "dispatch"),
        ("一班", "overdue"),
        ("班长", "overdue"),
        ("一班", "called_off"),
    ]


async def test_a_restart_calls_off_whom_an_earlier_life_sent_and_did_not_call_back(clock: VirtualClock) -> None:
    room = Room(clock, Pager())
    async with telling(room):
        order, gone = room.order(), room.order()
        await asyncio.sleep(1)
    room.desk.step(gone.id, OrderEvent.WITHDRAW, clock.wall(), "chen")
    later = Room(clock, Pager(), room.state)
    async with telling(later):
        await asyncio.sleep(1)
    assert [(what, gone.id in words) for _, what, words in later.pager.told] == [("called_off", True)]
    assert order.live
    third = Room(clock, Pager(), room.state)
    async with telling(third):
        await asyncio.sleep(1)
    assert third.pager.told == []
