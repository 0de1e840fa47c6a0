"""Links under a running daemon whose inventory becomes another one: who came is served, who left can be stopped."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace

from devices.fm_transmitter import FmTransmitter, FmTransmitterConfig
from devices.link import Answered, Connected, Disconnected, LinkDown, NoAnswer, Path, Refusal, Refused, Verb
from devices.mqtt_conversation import Served
from devices.roster import Roster
from protocols import terminal as t
from tests.devices.annex_a_adapter import county
from tests.devices.commands import EBM, adapter_code, phys_of, start, stop, terminal_code, terminal_device
from tests.devices.fake_broker import mqtt_link
from tests.devices.fefd_terminal import listener, settle
from tests.devices.fm_county import Sink, ports, roster
from tests.devices.vendor_link import devices, vendor_link
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


async def test_a_vendor_s_terminal_that_came_is_told_by_its_name_and_one_that_left_is_stopped_by_the_old_one(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE, TWO, TWENTY], inventory=devices((1, 2))) as at:
        at.link.offer(start(ONE))
        await settle()
        at.new()
        at.roster.become(Roster.of(devices((2, 20))))
        at.link.offer(start(TWENTY))
        at.link.offer(stop(ONE))
        await settle()
        said = {(each.message["type"], each.message["DstDeviceName"]) for each in at.new()}
        assert {("play", "v20"), ("stop", "v1")} <= said
        at.roster.release(frozenset())
        at.link.offer(stop(ONE))
        await settle()
        assert at.new() == []


async def test_a_name_that_another_terminal_has_now_is_no_longer_that_of_the_one_that_left(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, excused=[ONE, TWENTY], inventory=devices((1,))) as at:
        at.link.offer(start(ONE))
        await settle()
        at.new()
        at.roster.become(Roster.of([replace(device, mqtt_id="v1") for device in devices((20,))]))
        at.link.offer(stop(ONE))
        at.link.offer(start(TWENTY))
        await settle()
        assert "stop" not in [each.message["type"] for each in at.new()]
        assert ("mqtt", ONE, EBM, Verb.STOP, Refusal.NO_ADDRESS) in [
            (e.link, e.code, e.ebm_id, e.verb, e.why) for e in at.told(Refused) if isinstance(e, Refused)
        ]


def test_who_is_served_by_which_link_follows_the_inventory() -> None:
    mine, other = devices((1,), mqtt_link="a")[0], devices((2,), mqtt_link="b")[0]
    roster = Roster.of([mine, other])
    served = Served("a", roster)
    assert (served.knows(ONE), served.is_others(ONE)) == (True, False)
    assert (served.knows(TWO), served.is_others(TWO)) == (False, True)
    roster.become(Roster.of([replace(other, mqtt_link="a")]))
    assert [device.code for device in served.terminals] == [TWO]
    assert [device.code for device in served.departed] == [ONE]
    assert served.knows(ONE)
    assert not served.is_others(TWO)
