"""Who waits for whom on the way in."""

from __future__ import annotations

import asyncio

from ebcd.arrivals import Arrivals
from protocols.codes import EbmId

ONE, OTHER = EbmId("2" * 35), EbmId("3" * 35)


async def test_a_cancel_waits_for_every_package_of_its_message_that_came_before() -> None:
    arrivals = Arrivals()
    first, second = arrivals.begin(ONE), arrivals.begin(ONE)
    cancel = arrivals.begin(None)
    waiting = asyncio.ensure_future(arrivals.settled(ONE, cancel))
    arrivals.end(second)
    await asyncio.sleep(1)
    assert not waiting.done()
    arrivals.end(first)
    await asyncio.wait_for(waiting, 1)


async def test_later_packages_and_other_messages_are_not_waited_for() -> None:
    arrivals = Arrivals()
    arrivals.begin(OTHER)
    cancel = arrivals.begin(None)
    arrivals.begin(ONE)
    await asyncio.wait_for(arrivals.settled(ONE, cancel), 1)


async def test_what_was_carried_by_a_dead_task_holds_nobody_up() -> None:
    arrivals = Arrivals()
    arrivals.begin(ONE)
    cancel = arrivals.begin(None)
    waiting = asyncio.ensure_future(arrivals.settled(ONE, cancel))
    await asyncio.sleep(1)
    arrivals.forget()
    await asyncio.wait_for(waiting, 1)


async def test_an_end_told_twice_changes_nothing() -> None:
    arrivals = Arrivals()
    ticket = arrivals.begin(ONE)
    arrivals.end(ticket)
    arrivals.end(ticket)
    await asyncio.wait_for(arrivals.settled(ONE, arrivals.begin(None)), 1)
