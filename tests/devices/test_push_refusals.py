"""Streams that do not come about, and those that fail: a refusal each, or a count."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from devices.adapter_tcp import AdapterTcpConfig
from devices.link import Answered, Rejected
from protocols import adapter as a
from tests.devices.push_town import ONE, PUSH, THREE, TWO, answered, pushed, town
from tests.virtual_time import VirtualClock


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "push-address"),
        ("http://10.9.0.1/a.mp3", "push-address"),
        ("rtp://10.9.0.1:22", "push-port"),
        ("rtp://127.0.0.1:6000", "push-forbidden"),
        ("rtp://239.1.1.10:5004", "push-forbidden"),
        ("rtp://10.9.9.9:6000", "push-network"),
    ],
)
async def test_i8_an_address_that_is_not_streamed_to_is_a_refusal_with_its_reason(
    clock: VirtualClock, rng: random.Random, url: str, reason: str
) -> None:
    async with town(clock, rng) as at:
        at.at.network.unreachable.add(("10.9.9.9", 6000))
        at.offers(1, url)
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        (told,) = at.at.told(Answered)
        assert isinstance(told, Answered)
        assert told.result == 1
        (rejected,) = at.at.told(Rejected)
        assert isinstance(rejected, Rejected)
        assert (rejected.reason, rejected.peer, rejected.detail) == (reason, ONE, told.text)
        assert at.streams == 0


async def test_i8_an_answer_that_offers_nothing_by_its_kind_is_a_refusal(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with town(clock, rng) as at:
        at.at.stations[1].reply = lambda _: a.GeneralAnswer()
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        assert [event.result for event in at.at.told(Answered) if isinstance(event, Answered)] == [1]


async def test_an_adapters_own_name_may_not_lead_to_this_machine(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        at.at.network.names["10.0.0.1"] = "127.0.0.1"  # the host of adapters in the inventory
        at.offers(1, "rtp://10.0.0.1:6000")
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        assert [event.reason for event in at.at.told(Rejected) if isinstance(event, Rejected)] == ["push-forbidden"]
        assert all(outlet.is_closing() for outlet in at.at.network.outlets)


@pytest.mark.parametrize("name", ["gone.mp3", "none.mp3"])
async def test_i8_a_sound_that_is_not_to_be_had_is_a_refusal(
    clock: VirtualClock, rng: random.Random, name: str
) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE, name=name))
        await asyncio.sleep(5)
        assert [event.result for event in at.at.told(Answered) if isinstance(event, Answered)] == [1]
        assert [event.reason for event in at.at.told(Rejected) if isinstance(event, Rejected)] == ["push-sound"]


async def test_there_are_so_many_streams_and_no_more(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng, 3, config=replace(PUSH, push_streams_max=2)) as at:
        at.at.link.offer(pushed(clock, ONE, TWO, THREE))
        await asyncio.sleep(5)
        assert at.streams == 2
        assert [event.reason for event in at.at.told(Rejected) if isinstance(event, Rejected)] == ["push-full"]


async def test_a_receiver_that_refuses_is_counted_and_tried_on(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        ear = at.at.network.ears.pop(("10.9.0.1", 6000))
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(5)
        streaming = at.at.link.status().streaming
        assert streaming is not None
        assert streaming.failures >= 50
        at.at.network.ears["10.9.0.1", 6000] = ear
        await asyncio.sleep(5)
        assert at.ears[1].packets
        assert at.at.told(Answered) == [answered()]


async def test_what_a_network_does_not_take_is_left_out(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng) as at:
        at.at.link.offer(pushed(clock, ONE))
        await asyncio.sleep(1)
        at.at.network.outlets[0].stuck_bytes = 100_000
        at.ears[1].take()
        await asyncio.sleep(1)
        assert at.ears[1].packets == []
        streaming = at.at.link.status().streaming
        assert streaming is not None
        assert streaming.failures > 5


async def test_i6_a_name_that_is_never_found_delays_nobody(clock: VirtualClock, rng: random.Random) -> None:
    async with town(clock, rng, 2) as at:
        at.offers(1, "rtp://10.9.9.9:6000")
        at.at.network.black_holes.add(("10.9.9.9", 6000))
        at.at.link.offer(pushed(clock, ONE, TWO))
        await asyncio.sleep(1)
        assert at.at.told(Answered) == [answered(2)]
        await asyncio.sleep(5)
        assert [event.reason for event in at.at.told(Rejected) if isinstance(event, Rejected)] == ["push-network"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"aux_push_type": 256},
        {"push_port_min": 0},
        {"push_port_min": 7000, "push_port_max": 6000},
        {"push_allowed": ("127.0.0.1/8",)},
        {"push_datagram_bytes_max": 100},
    ],
)
def test_a_configuration_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        AdapterTcpConfig("adapters", **wrong)  # type: ignore[arg-type]
