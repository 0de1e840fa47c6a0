"""Who may speak on a socket of the terminal listener, and what their reports become."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.link import (
    Began,
    Connected,
    DeviceState,
    Disconnected,
    Ended,
    Event,
    Fault,
    Heartbeat,
    LinkDown,
    LinkUp,
    Played,
    Rejected,
    StateTold,
)
from protocols import terminal as t
from protocols.codes import ResourceCode
from protocols.terminal import Header
from tests.devices.commands import EBM, phys_of, start, terminal_code, terminal_device
from tests.devices.fefd_terminal import CONFIG, listener, settle
from tests.devices.memory_network import MemoryNetwork
from tests.virtual_time import VirtualClock

ONE, TWO = terminal_code(1), terminal_code(2)
STRANGER = ResourceCode("63411239990010314010401")
RETURNS = replace(CONFIG, name="returns", commands=False)


def reasons(events: list[Event]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Rejected)]


@pytest.mark.clause("GD/J 089 clauses D.3.4, D.3.3.1")
async def test_the_first_heartbeat_binds_a_socket_and_is_answered(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        assert at.told(Connected, Heartbeat) == [
            Connected("ip", ONE),
            Heartbeat("ip", ONE, phys_of(1), DeviceState.IDLE, False),
        ]
        assert one.answers == [t.Answer(0x10, 0)]
        assert at.link.status().devices == 1


async def test_heartbeats_of_header_e_are_not_answered(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1, header=Header.E)
        assert one.heard == []
        assert len(at.told(Heartbeat)) == 1


async def test_state_and_first_registration_are_read(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        for state in (t.WorkState.WORKING, t.WorkState.FAULT, 9):
            one.beat(state, first=1)
        await settle()
        assert at.told(Heartbeat)[1:] == [
            Heartbeat("ip", ONE, phys_of(1), state, True)
            for state in (DeviceState.WORKING, DeviceState.FAULT, DeviceState.FAULT)
        ]


async def test_anything_but_a_heartbeat_first_is_refused(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1, beat=False)
        one.say(t.TaskSwitch(1, 1, EBM, 1))
        await settle()
        assert one.lost.is_set()
        assert one.answers == [t.Answer(0x14, t.Result.UNKNOWN_RESOURCE_CODE)]
        assert reasons(at.events) == ["first-frame"]
        assert at.told(Began) == []


async def test_a_known_code_with_a_foreign_physical_address_is_refused(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        impostor = await at.dial(77, code=ONE)
        assert impostor.answers == [t.Answer(0x10, t.Result.UNKNOWN_RESOURCE_CODE)]
        assert reasons(at.events) == ["unknown-device"]


async def test_another_source_on_a_bound_socket_gets_59(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), terminal_device(2)) as at:
        one = await at.dial(1)
        one.say(t.TaskSwitch(1, 1, EBM, 1), source=TWO)
        await settle()
        assert one.answers[-1] == t.Answer(0x14, t.Result.UNKNOWN_RESOURCE_CODE)
        assert reasons(at.events) == ["other-source"]
        assert at.told(Began) == []


@pytest.mark.requirement("R-PLT-23")
async def test_a_known_physical_address_under_another_code_is_told_its_code(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1, code=STRANGER)
        assert t.ParameterSet((t.AssignCode(phys_of(1), ONE),)) in one.requests
        (set_code,) = [frame for frame in one.heard if not frame.is_answer]
        assert set_code.signature is not None
        assert set_code.targets == (STRANGER,)
        assert at.told(Connected) == []
        assert at.told(Heartbeat) == [Heartbeat("ip", ONE, phys_of(1), DeviceState.IDLE, False)]
        one.code = ONE
        one.beat()
        await settle()
        assert at.told(Connected) == [Connected("ip", ONE)]


async def test_a_newer_connection_of_a_device_replaces_the_older(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        old, new = await at.dial(1), await at.dial(1)
        assert old.lost.is_set()
        assert not new.lost.is_set()
        assert at.told(Connected, Disconnected) == [
            Connected("ip", ONE),
            Disconnected("ip", ONE, "replaced by a newer connection"),
            Connected("ip", ONE),
        ]
        at.link.offer(start(ONE))
        await settle()
        assert len(new.requests) == 1
        assert at.link.status().devices == 1


async def test_a_terminal_that_misses_three_heartbeats_is_closed(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        await asyncio.sleep(40)
        one.beat()
        await asyncio.sleep(44)
        assert not one.lost.is_set()
        await asyncio.sleep(4)
        assert at.told(Disconnected) == [Disconnected("ip", ONE, "silent")]


async def test_a_connection_that_never_says_anything_is_closed(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        silent = await at.dial(1, beat=False)
        await asyncio.sleep(13)
        assert silent.lost.is_set()
        assert reasons(at.events) == ["silent"]


async def test_a_half_frame_is_given_up_and_what_stands_behind_it_is_heard(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        unknown = t.request(Header.D, 9, ONE, (TWO,), t.Opaque(0x30, bytes(200)), extensions=True)
        one.write(t.encode(unknown)[:60])
        one.beat(first=1)
        await settle()
        assert len(at.told(Heartbeat)) == 1
        await asyncio.sleep(8)
        assert len(at.told(Heartbeat)) == 2
        assert reasons(at.events) == ["truncated"]


async def test_frames_in_pieces_are_put_together(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        for byte in t.encode(t.request(Header.D, 9, ONE, (TWO,), t.TaskSwitch(1, 1, EBM, 77))):
            one.write(bytes([byte]))
            await asyncio.sleep(0.01)
        assert at.told(Began) == [Began("ip", ONE, EBM, 77)]
        assert reasons(at.events) == []


async def test_who_sends_too_much_rubbish_is_dropped(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, bad_frames_max=3)) as at:
        one = await at.dial(1)
        for _ in range(5):
            one.write(b"\xff" * 20)
            one.beat()
        await settle()
        assert one.lost.is_set()
        assert reasons(at.events) == ["noise"] * 3
        assert at.told(Disconnected) == [Disconnected("ip", ONE, "too many bad frames")]


async def test_more_connections_than_the_limit_are_refused(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, connections_max=1)) as at:
        await at.dial(1)
        second = await at.dial(2, beat=False)
        await settle()
        assert second.lost.is_set()
        assert reasons(at.events) == ["too-many-connections"]


REPORTS: list[tuple[t.Message, Event]] = [
    (t.TaskSwitch(1, t.Task.EMERGENCY, EBM, 77), Began("ip", ONE, EBM, 77)),
    (t.TaskSwitch(2, t.Task.EMERGENCY, EBM, 78), Ended("ip", ONE, EBM, 78)),
    (t.TaskResult(EBM, 1, "", 1, 2, 3, 4), Played("ip", ONE, EBM, True, 3, "")),
    (t.TaskResult(EBM, 0, "坏", 1, 2, 0, 4), Played("ip", ONE, EBM, False, 0, "坏")),
    (t.FaultReport(1, 3, "功放", 5), Fault("ip", ONE, 3, False, "功放")),
    (t.FaultReport(2, 3, None, 5), Fault("ip", ONE, 3, True, "")),
]


@pytest.mark.requirement("R-ARC-05", "R-IF-07", "R-TRM-13", "R-LNK-04")
@pytest.mark.parametrize("header", Header)
@pytest.mark.parametrize(("report", "event"), REPORTS)
async def test_a_report_becomes_an_event_by_either_header(
    clock: VirtualClock, rng: random.Random, report: t.Message, event: Event, header: Header
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1, header=header)
        before = len(at.events)
        one.say(report)
        await settle()
        assert at.events[before:] == [event]


async def test_a_type_that_terminals_do_not_send_is_answered_with_55(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        one.say(t.Opaque(0x40, b""))
        await settle()
        assert one.answers[-1] == t.Answer(0x40, t.Result.NOT_SUPPORTED)
        assert reasons(at.events) == ["type"]


async def test_a_returns_listener_hears_many_devices_on_one_socket(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), terminal_device(2), config=RETURNS) as at:
        gateway = await at.dial(1, header=Header.E)
        gateway.say(t.TaskSwitch(1, 1, EBM, 7), source=TWO)
        gateway.say(t.TaskSwitch(1, 1, EBM, 7), source=STRANGER)
        await settle()
        assert at.told(Began) == [Began("returns", TWO, EBM, 7)]
        assert at.told(Connected) == []
        assert reasons(at.events) == ["unknown-device"]


@pytest.mark.requirement("R-PLT-24")
async def test_records_of_a_village_adapter_tell_what_is_on_air(clock: VirtualClock, rng: random.Random) -> None:
    playing = t.ReturnRecord(1, 2, EBM, 1, 4, 1, "11A01", 1, 2, 80, (ONE,))
    async with listener(clock, rng, terminal_device(1), config=RETURNS) as at:
        gateway = await at.dial(1, header=Header.E)
        gateway.say(t.RecordReport(ONE, (playing, replace(playing, state=3))))
        gateway.say(t.RecordReport(ONE, ()))
        await settle()
        assert at.told(StateTold) == [
            StateTold("returns", ONE, DeviceState.WORKING, (EBM,)),
            StateTold("returns", ONE, DeviceState.IDLE, ()),
        ]


async def test_a_taken_address_is_told_and_tried_again(clock: VirtualClock, rng: random.Random) -> None:
    network = MemoryNetwork()
    network.refusing.add((CONFIG.host, CONFIG.port))

    async def free_it() -> None:
        await asyncio.sleep(2.5)
        network.refusing.clear()

    async with asyncio.TaskGroup() as group:
        async with listener(clock, rng, network=network) as at:
            group.create_task(free_it())
            await asyncio.sleep(6)
            kinds = [type(event) for event in at.events]
            assert kinds == [LinkDown, LinkDown, LinkUp]
            assert at.link.status().up
        assert not at.link.status().up


async def test_returns_may_come_once_a_minute(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), config=RETURNS) as at:
        gateway = await at.dial(1, header=Header.E)
        await asyncio.sleep(170)
        assert not gateway.lost.is_set()
        assert at.link.status().devices == 1
        await asyncio.sleep(15)
        assert gateway.lost.is_set()


async def test_reports_by_header_e_are_answered_only_where_the_configuration_says_so(
    clock: VirtualClock, rng: random.Random
) -> None:
    for ack_returns in (False, True):
        async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, ack_returns=ack_returns)) as at:
            one = await at.dial(1, header=Header.E)
            one.say(t.TaskSwitch(1, 1, EBM, 7))
            await settle()
            assert one.answers == ([t.Answer(0x10, 0), t.Answer(0x14, 0)] if ack_returns else [])
            assert all(frame.header is Header.E for frame in one.heard)


async def test_returns_of_an_older_system_are_named(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1, beat=False)
        one.write(b"%" + bytes(40))
        one.beat()
        await settle()
        assert reasons(at.events) == ["legacy-return"]
        assert len(at.told(Heartbeat)) == 1


async def test_our_answers_are_signed_only_where_the_configuration_says_so(
    clock: VirtualClock, rng: random.Random
) -> None:
    for sign_replies in (False, True):
        config = replace(CONFIG, sign_replies=sign_replies, ack_returns=True)
        async with listener(clock, rng, terminal_device(1), config=config) as at:
            one = await at.dial(1)
            other = await at.dial(1, header=Header.E)
            await settle()
            (answer,) = one.heard
            assert (answer.signature is not None, answer.message) == (sign_replies, t.Answer(0x10, 0))
            assert [frame.signature for frame in other.heard] == [None]
