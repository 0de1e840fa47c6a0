"""An ordinary station whose encoder is driven by lines of text."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from devices.link import LinkUp, Sent, Verb
from devices.rds_encoder import RdsEncoder, RdsEncoderConfig
from devices.roster import Roster
from protocols.errors import LocalProtocolError
from protocols.rds.ascii_commands import decode_command
from tests.devices.commands import EBM, CountingSigner, Events, ports, start, stop, terminal_code
from tests.devices.memory_network import MemoryNetwork
from tests.virtual_time import VirtualClock

ADDRESS = ("10.0.0.8", 23)
ORDINARY = {"PTY": "10", "TP": "0", "TA": "0", "RT1": "The best of music", "PS": "MUSIC FM"}
MEMBER = terminal_code(1)


class Encoder(asyncio.Protocol):
    """Keeps the last value of each command, and when lines came."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.values: dict[str, str] = {}
        self.times: list[float] = []
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\r")
        self.times.append(self.clock.monotonic())
        self.values.update(decode_command(line + b"\r") for line in lines)


@asynccontextmanager
async def desk(clock: VirtualClock, rng: random.Random) -> AsyncIterator[tuple[RdsEncoder, Encoder, Events]]:
    """A running link and its encoder after the first two seconds."""
    network, encoder, events = MemoryNetwork(), Encoder(clock), Events()
    await network.listen(lambda: encoder, *ADDRESS)
    config = RdsEncoderConfig(
        "rds",
        host=ADDRESS[0],
        port=ADDRESS[1],
        profile="ascii",
        ps="MUSIC FM",
        pty=10,
        radio_text="The best of music",
    )
    link = RdsEncoder(config, ports(clock, network, rng, CountingSigner(clock)), events.sink, Roster.of([]))
    running = asyncio.create_task(link.run())
    try:
        await asyncio.sleep(2)
        yield link, encoder, events
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_an_alert_sets_alarm_and_text_and_its_stop_restores_the_station(
    clock: VirtualClock, rng: random.Random
) -> None:
    async with desk(clock, rng) as (link, encoder, events):
        assert encoder.values == ORDINARY
        link.offer(start(MEMBER, text="Flood: leave the valley"))
        await asyncio.sleep(2)
        assert encoder.values == ORDINARY | {"PTY": "31", "TP": "1", "TA": "1", "RT1": "Flood: leave the valley"}
        link.offer(stop(MEMBER))
        await asyncio.sleep(2)
        assert encoder.values == ORDINARY
        assert events == [LinkUp("rds"), Sent("rds", EBM, Verb.START, 1, 0), Sent("rds", EBM, Verb.STOP, 1, 0)]


async def test_a_text_that_ascii_lacks_is_told_in_other_words(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as (link, encoder, _events):
        link.offer(start(text="Überschwemmung"))
        await asyncio.sleep(2)
        assert encoder.values["RT1"] == "EMERGENCY BROADCAST"


async def test_lines_keep_apart_and_are_told_again_each_minute(clock: VirtualClock, rng: random.Random) -> None:
    async with desk(clock, rng) as (_link, encoder, _events):
        first = list(encoder.times)
        assert len(first) == 4
        assert all(later - earlier >= 0.099 for earlier, later in pairwise(first))
        encoder.values.clear()
        await asyncio.sleep(61)
        assert encoder.values == ORDINARY


def test_what_such_an_encoder_cannot_do_is_refused_at_once() -> None:
    with pytest.raises(LocalProtocolError, match="one_way"):
        RdsEncoderConfig("rds", profile="ascii", mode="requested")
    with pytest.raises(LocalProtocolError, match="ASCII"):
        RdsEncoderConfig("rds", profile="ascii", ps="Müsli FM")
