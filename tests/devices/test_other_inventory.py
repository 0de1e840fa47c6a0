"""Links under a running daemon whose inventory becomes another one: who came is served, who left can be stopped."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace

from devices.fm_transmitter import FmTransmitter, FmTransmitterConfig
from devices.link import Answered, Connected, Disconnected, LinkDown, NoAnswer, Path, Verb
from devices.roster import Roster
from protocols import terminal as t
from tests.devices.annex_a_adapter import county
from tests.devices.commands import EBM, adapter_code, phys_of, start, stop, terminal_code, terminal_device
from tests.devices.fake_broker import mqtt_link
from tests.devices.fefd_terminal import listener, settle
from tests.devices.fm_county import Sink, ports, roster
from tests.virtual_time import VirtualClock

ONE, TWO, TWENTY = terminal_code(1), terminal_code(2), terminal_code(20)


async def test_a_terminal_that_came_is_taken_and_one_that_left_is_still_stopped(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.roster.become(Roster.of([terminal_device(2)]))
        two = await at.dial(2)
        one.beat()
        at.link.offer(stop(ONE, TWO))
        await settle()
        assert t.Stop(EBM) in one.requests
        assert t.Stop(EBM) in two.requests
        assert at.told(Answered) == [Answered("ip", code, EBM, Verb.STOP, 0, "") for code in (ONE, TWO)]
        again = await at.dial(1)
        assert not again.lost.is_set()


async def test_a_terminal_that_is_released_is_a_stranger_at_its_next_heartbeat(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.roster.become(Roster.of([terminal_device(2)]))
        at.roster.release(frozenset())
        one.beat()
        await settle()
        assert at.told(Disconnected) == [Disconnected("ip", ONE, "the inventory has changed")]
        assert one.answers[-1] == t.Answer(0x10, t.Result.UNKNOWN_RESOURCE_CODE)


async def test_a_terminal_whose_code_changed_in_the_inventory_is_told_it_on_its_open_socket(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.roster.become(Roster.of([replace(terminal_device(1), code=TWO)]))
        one.beat()
        await settle()
        assert one.requests == [t.ParameterSet((t.AssignCode(phys_of(1), TWO),))]
        one.code = TWO
        one.beat()
        await settle()
        assert at.told(Connected)[-1] == Connected("ip", TWO)


async def test_a_unit_that_was_replaced_loses_its_place_to_the_new_one(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        old = await at.dial(1)
        at.roster.become(Roster.of([replace(terminal_device(1), phys=phys_of(77))]))
        new = await at.dial(77, code=ONE)
        old.beat()
        await settle()
        at.link.offer(start(ONE))
        await settle()
        assert [type(m) for m in new.requests] == [t.Start]
        assert old.requests == []


async def test_terminals_on_mqtt_follow(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.roster.become(Roster.of([terminal_device(20, Path.MQTT)]))
        at.link.offer(start(TWENTY))
        at.link.offer(stop(ONE))
        await settle()
        assert at.told(NoAnswer) == []
        at.roster.release(frozenset())
        at.link.offer(start(ONE))
        await settle()
        assert at.told(NoAnswer) == [NoAnswer("mqtt", ONE, EBM, Verb.START, "not reached by this link")]


async def test_an_adapter_that_came_is_dialled_and_one_that_moved_is_dialled_where_it_is(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 3) as at:
        one, two, three = (at.roster.by_code(adapter_code(n)) for n in (1, 2, 3))
        assert one is not None
        assert two is not None
        assert three is not None
        at.roster.become(Roster.of([one, replace(two, port=three.port)]))
        at.link.offer(start(adapter_code(1), adapter_code(2)))
        await settle()
        assert not at.stations[2].heard
        assert len(at.stations[3].heard or []) == 1
        at.roster.become(Roster.of([one, two, three]))
        at.link.offer(stop(adapter_code(3)))
        await settle()
        assert len(at.stations[3].heard or []) == 2
        assert at.link.status().outbox_limit == 3 * 64


async def test_the_line_of_an_adapter_that_is_released_goes(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, 2) as at:
        at.link.offer(start(adapter_code(2)))
        await settle()
        at.roster.become(Roster.of([at.roster.adapters[0]]))
        at.roster.release(frozenset())
        at.link.offer(start(adapter_code(2)))
        await asyncio.sleep(2)
        assert at.told(NoAnswer) == [NoAnswer("adapters", adapter_code(2), EBM, Verb.START, "unknown adapter")]


async def test_fm_finds_its_transmitter_when_the_inventory_has_one(clock: VirtualClock, rng: random.Random) -> None:
    sink, empty = Sink(), Roster()
    driver = FmTransmitter(FmTransmitterConfig("fm"), ports(clock, rng), sink, empty)
    task = asyncio.get_running_loop().create_task(driver.run())
    await asyncio.sleep(1)
    empty.become(roster(1))
    await asyncio.sleep(10)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    reasons = [event.reason for event in sink.events if isinstance(event, LinkDown)]
    assert reasons[0] == "the inventory has no transmitter"
    assert "127.0.0.1:1" in reasons[1]
