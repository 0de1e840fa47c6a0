"""Devices that nobody entered: kept on their sockets, told their settings, asked what they took."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from devices.given import Network
from devices.link import Began, Connected, Event, Heartbeat, Path, Rejected
from devices.maintenance import (
    AskValues,
    Configure,
    Configured,
    Firmware,
    Given,
    HostPort,
    Stranger,
    Told,
    ValuesTold,
)
from devices.roster import Roster
from protocols import adapter as a
from protocols import mqtt
from protocols import terminal as t
from protocols.adapter import IpReturn
from protocols.codes import ResourceCode
from tests.devices.annex_a_adapter import CONFIG as ADAPTERS
from tests.devices.annex_a_adapter import county
from tests.devices.annex_a_adapter import settle as wait
from tests.devices.commands import EBM, adapter_code, phys_of, start, terminal_code, terminal_device
from tests.devices.fake_broker import mqtt_link
from tests.devices.fefd_terminal import CONFIG, listener, settle
from tests.virtual_time import VirtualClock

ONE, TWO = terminal_code(1), terminal_code(2)
STRANGER = ResourceCode("63411239990010314010401")


def reasons(events: list[Event]) -> list[str]:
    return [event.reason for event in events if isinstance(event, Rejected)]


async def test_an_unknown_device_is_told_so_counted_once_and_kept_for_commissioning(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        stranger = await at.dial(77, code=STRANGER)
        stranger.beat()
        await settle()
        assert not stranger.lost.is_set()
        assert stranger.answers == [t.Answer(0x10, t.Result.UNKNOWN_RESOURCE_CODE)] * 2
        assert reasons(at.events) == ["unknown-device"]
        assert at.told(Connected, Heartbeat) == []
        (first, _) = at.told(Stranger)
        assert isinstance(first, Stranger)
        assert (first.link, first.code, first.phys) == ("ip", STRANGER, phys_of(77))
        assert at.link.status().devices == 0


async def test_i12_a_stranger_takes_no_alert(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        stranger = await at.dial(77, code=ONE)
        at.link.offer(start(ONE))
        await settle()
        assert stranger.requests == []


async def test_what_a_stranger_reports_means_nothing(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        stranger = await at.dial(77, code=ONE)
        stranger.say(t.TaskSwitch(1, 1, EBM, 1))
        await settle()
        assert stranger.answers[-1] == t.Answer(0x14, t.Result.UNKNOWN_RESOURCE_CODE)
        assert at.told(Began) == []


async def test_only_so_many_strangers_wait_and_the_oldest_goes(clock: VirtualClock, rng: random.Random) -> None:
    async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, strangers_max=2)) as at:
        first, second, third = [await at.dial(n, code=STRANGER) for n in (77, 78, 79)]
        await settle()
        assert first.lost.is_set()
        assert not second.lost.is_set()
        assert not third.lost.is_set()
        assert reasons(at.events).count("too-many-strangers") == 1


async def test_a_socket_that_names_one_address_after_another_waits_once(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, strangers_max=2)) as at:
        honest = await at.dial(77, code=STRANGER)
        liar = await at.dial(78, code=STRANGER)
        for number in range(100, 120):
            liar.say(t.Heartbeat(1, 2, phys_of(number)))
        await settle()
        assert not honest.lost.is_set()
        assert "too-many-strangers" not in reasons(at.events)


async def test_a_stranger_takes_its_code_and_settings_and_is_asked_what_it_took(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        stranger = await at.dial(77, code=STRANGER)
        given = Given(40, HostPort("10.20.30.40", 8889), 60, TWO, phys_of(77))
        at.link.offer(Configure((STRANGER,), given, 7, phys=phys_of(77)))
        await settle()
        assert stranger.requests == [
            t.ParameterSet(
                (
                    t.Number(t.SET_VOLUME, 40),
                    t.ReturnTo(IpReturn("10.20.30.40", 8889)),
                    t.Number(t.SET_RETURN_PERIOD, 60),
                    t.AssignCode(phys_of(77), TWO),
                )
            )
        ]
        assert at.told(Configured) == [Configured("ip", STRANGER, 7, 0, "")]
        stranger.code, stranger.results = TWO, []
        at.link.offer(AskValues((TWO,), (1, 4), phys_of(77)))
        await settle()
        query = stranger.heard[-1]
        told = t.StatusAnswer(0, "", (t.Number(t.VOLUME, 40), t.OwnCode(TWO)))
        stranger.write(t.encode(t.answer(query, TWO, told)))
        await settle()
        assert at.told(ValuesTold) == [ValuesTold("ip", TWO, Told(volume=40, code=TWO))]


async def test_a_stranger_that_was_entered_is_bound_at_its_next_heartbeat(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with listener(clock, rng, terminal_device(1)) as at:
        stranger = await at.dial(77, code=STRANGER)
        at.roster.become(Roster.of([replace(terminal_device(2), phys=phys_of(77))]))
        stranger.code = TWO
        stranger.beat()
        await settle()
        assert at.told(Connected) == [Connected("ip", TWO)]
        assert at.link.status().devices == 1


async def test_firmware_is_ordered_only_where_extensions_are_configured(
    clock: VirtualClock, rng: random.Random
) -> None:
    order = Firmware((ONE,), phys_of(1), 0, "00010002", "00010001", "0" * 32, "http://127.0.0.1/fw.bin", 9)
    async with listener(clock, rng, terminal_device(1)) as at:
        one = await at.dial(1)
        at.link.offer(order)
        await settle()
        assert one.requests == []
        assert [e.result for e in at.told(Configured) if isinstance(e, Configured)] == [t.Result.NOT_SUPPORTED]
    async with listener(clock, rng, terminal_device(1), config=replace(CONFIG, extensions=True)) as at:
        one = await at.dial(1)
        at.link.offer(order)
        await settle()
        (upgrade,) = one.requests
        assert isinstance(upgrade, t.Upgrade)
        assert (upgrade.phys, upgrade.new_version.hex(), upgrade.url) == (phys_of(1), "00010002", order.url)
        assert at.told(Configured) == [Configured("ip", ONE, 9, 0, "")]


async def test_a_stranger_on_mqtt_is_told_its_settings_on_the_topic_it_uses(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with mqtt_link(clock, rng) as at:
        at.broker.reports(STRANGER, t.Heartbeat(1, 1, phys_of(77)))
        await settle()
        (told,) = at.told(Stranger)
        assert isinstance(told, Stranger)
        assert (told.code, told.phys) == (STRANGER, phys_of(77))
        assert at.told(Connected, Heartbeat) == []
        at.link.offer(Configure((STRANGER,), Given(code=TWO, phys=phys_of(77)), 7, phys=phys_of(77)))
        await settle()
        (sent,) = at.new()
        assert sent.topic == str(mqtt.DeviceTopic(STRANGER, mqtt.Channel.COMMAND))
        at.broker.answers(STRANGER, sent.frame)
        await settle()
        assert at.told(Configured) == [Configured("mqtt", STRANGER, 7, 0, "")]


@pytest.mark.parametrize(("source", "told"), [(TWO, [Configured("mqtt", STRANGER, 7, 0, "")]), (ONE, [])])
async def test_a_stranger_on_mqtt_may_answer_by_the_code_it_was_given_and_by_no_other(
    clock: VirtualClock, rng: random.Random, source: ResourceCode, told: list[Event]
) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(Configure((STRANGER,), Given(code=TWO, phys=phys_of(77)), 7, phys=phys_of(77)))
        await settle()
        (sent,) = at.new()
        reply = t.answer(sent.frame, source, t.Answer(sent.frame.message.type, 0))
        at.broker.says(str(mqtt.DeviceTopic(STRANGER, mqtt.Channel.ANSWER)), t.encode(reply))
        await settle()
        assert at.told(Configured) == told


async def test_values_of_a_terminal_on_mqtt_are_told(clock: VirtualClock, rng: random.Random) -> None:
    async with mqtt_link(clock, rng) as at:
        at.link.offer(AskValues((ONE,), (t.VOLUME,)))
        await settle()
        (sent,) = at.new()
        at.broker.answers(ONE, sent.frame, t.StatusAnswer(0, "", (t.Number(t.VOLUME, 33),)))
        await settle()
        assert at.told(ValuesTold) == [ValuesTold("mqtt", ONE, Told(volume=33))]


async def test_an_adapter_passes_settings_on_and_answers_for_all_of_them(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 1) as at:
        given = Given(40, HostPort("10.20.30.40", 8889), 60, TWO, phys_of(2))
        at.link.offer(Configure((adapter_code(1),), given, 7, targets=(TWO,)))
        await wait()
        to = a.Targets((TWO,))
        assert at.stations[1].messages == [
            a.SetResourceCodes((a.CodeAssignment(phys_of(2), TWO),)),
            a.SetVolume(40, to),
            a.SetReturnAddress(IpReturn("10.20.30.40", 8889), to),
            a.SetReturnPeriod(60, to),
        ]
        assert at.told(Configured) == [Configured("adapters", adapter_code(1), 7, 0, "")]


async def test_an_adapter_is_given_its_own_code_and_where_to_report(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, 1) as at:
        given = Given(return_to=HostPort("control.example", 8099), code=adapter_code(1), phys="AA")
        at.link.offer(Configure((adapter_code(1),), given, 8))
        await wait()
        assert at.stations[1].messages == [
            a.SetResourceCodes((a.CodeAssignment("AA", adapter_code(1)),)),
            a.SetAdapterReturn(a.DomainReturn("control.example", 8099), 60),
        ]


async def test_an_adapter_is_told_the_period_that_its_heartbeats_are_expected_in(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with county(clock, rng, 1, config=replace(ADAPTERS, heartbeat_s=30.0)) as at:
        given = Given(return_to=HostPort("control.example", 8099))
        at.link.offer(Configure((adapter_code(1),), given, 8))
        await wait()
        assert at.stations[1].messages == [a.SetAdapterReturn(a.DomainReturn("control.example", 8099), 30)]


async def test_what_no_adapter_can_be_told_is_refused_at_once(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, 1) as at:
        at.link.offer(Configure((adapter_code(1),), Given(network=Network("10.1.1.9", "255.255.255.0", "10.1.1.1")), 9))
        await wait()
        (told,) = at.told(Configured)
        assert isinstance(told, Configured)
        assert (told.token, told.result) == (9, 3)
        assert not at.stations[1].heard


async def test_an_adapter_that_nobody_entered_is_told_of(clock: VirtualClock, rng: random.Random) -> None:
    async with county(clock, rng, 1) as at:
        await at.report(a.encode(a.AdapterHeartbeat(adapter_code(9), 1, int(clock.wall()))))
        (told,) = at.told(Stranger)
        assert isinstance(told, Stranger)
        assert (told.code, told.phys) == (adapter_code(9), "")


async def test_strangers_on_a_listener_for_returns_are_told_of(clock: VirtualClock, rng: random.Random) -> None:
    returns = replace(CONFIG, name="returns", commands=False)
    async with listener(clock, rng, terminal_device(1, Path.ADAPTER), config=returns) as at:
        await at.dial(77, code=STRANGER)
        assert [type(each).__name__ for each in at.told(Stranger)] == ["Stranger"]
