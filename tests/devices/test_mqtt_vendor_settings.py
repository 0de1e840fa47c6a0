"""Volumes of vendors' terminals: set where the profile has the words, asked back where it has a question."""

from __future__ import annotations

import random
from dataclasses import replace

from devices.maintenance import AskValues, Authorise, Configure, Configured, Given, HostPort, Told, ValuesTold
from devices.mqtt_vendor_settings import NO_EXCEPTION, NO_SETTINGS
from protocols.terminal import Result
from tests.devices.commands import terminal_code
from tests.devices.fefd_terminal import settle
from tests.devices.vendor_link import CONFIG, VILLAGE, vendor_link
from tests.virtual_time import VirtualClock

ONE, TWO = (terminal_code(number) for number in (1, 2))
P6 = replace(CONFIG, profile="p6")
OTHER = replace(CONFIG, profile=VILLAGE)
UP_1 = "/v1/user/pub_response"


async def test_a_volume_is_set_by_number_and_asked_back_in_the_vendor_s_steps(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with vendor_link(clock, rng, OTHER, excused=[ONE]) as at:
        at.link.offer(Configure((ONE, TWO), Given(volume=60), 7))
        await settle()
        (said,) = at.new()
        assert (said.topic, said.message["cmd"], said.message["gain"]) == ("device/v1/cmd", "gain", 9)
        assert at.told(Configured) == [Configured("mqtt", TWO, 7, Result.NOT_SUPPORTED, NO_EXCEPTION)]
        await at.hears("device/v1/ack", what="ack", cmd="gain", track=said.message["track"] + 1, code="ok")
        await at.hears("device/v1/ack", what="ack", cmd="gain", track=said.message["track"], code="busy")
        await at.hears("device/v1/ack", what="ack", cmd="gain", track=said.message["track"], code="ok")
        assert at.told(Configured)[1:] == [Configured("mqtt", ONE, 7, 73, "")]
        at.link.offer(AskValues((ONE, TWO), (1,)))
        await settle()
        assert [(each.topic, each.message) for each in at.new()] == [("device/v1/cmd", {"cmd": "props"})]
        await at.hears("device/v1/event", what="props", gain=9, fw="2.1")
        nothing, told = at.told(ValuesTold)
        assert nothing == ValuesTold("mqtt", TWO)
        assert told == ValuesTold("mqtt", ONE, Told(volume=60, volume_steps=15, software="2.1"))


async def test_what_a_vendor_has_no_words_for_is_refused_by_name(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(Configure((ONE,), Given(volume=60, return_to=HostPort("10.1.1.9", 1)), 7))
        await settle()
        assert at.told(Configured) == [Configured("mqtt", ONE, 7, Result.NOT_SUPPORTED, NO_SETTINGS)]
        at.link.offer(Authorise((ONE,), (bytes(84),), (), 8))
        await settle()
        assert at.told(Configured)[1:] == [Configured("mqtt", ONE, 8, Result.NOT_SUPPORTED, NO_SETTINGS)]
        assert at.new() == []
        assert at.link.capabilities.asks
    async with vendor_link(clock, rng, P6, excused=[ONE]) as at:
        assert not at.link.capabilities.asks


async def test_mw_tells_its_volume_when_asked(clock: VirtualClock, rng: random.Random) -> None:
    async with vendor_link(clock, rng, excused=[ONE]) as at:
        at.link.offer(AskValues((ONE,), (1,)))
        await settle()
        assert [each.message["type"] for each in at.new()] == ["volume_get"]
        await at.hears(UP_1, SrcDeviceName="v1", type="volume_get", other={"volume": 61})
        assert at.told(ValuesTold) == [ValuesTold("mqtt", ONE, Told(volume=61))]
