"""What the FM link makes of the points that the standards leave open, and of its numbers after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from devices.fm_transmitter import FmTransmitter, FmTransmitterConfig
from devices.ports import Clock
from protocols.fm.bits import AIR_BYTES
from protocols.fm.configuration import Clock as ClockContent
from protocols.fm.packet import decode_packet
from tests.devices.commands import CountingSigner
from tests.devices.commands import ports as memory_ports
from tests.devices.fm_air import PORT, Exciter
from tests.devices.fm_air import complete as heard
from tests.devices.fm_county import Sink, roster, start
from tests.devices.memory_network import MemoryNetwork
from tests.protocols.fm.reference import OFFSETS, OFFSETS_PRINTED, bits_of
from tests.virtual_time import VirtualClock


class Kept:
    """`devices.ports.Numbers` in memory."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def recall(self, name: str) -> int | None:
        return self.values.get(name)

    def keep(self, name: str, value: int) -> None:
        self.values[name] = value


@contextlib.asynccontextmanager
async def on_air(
    clock: Clock, numbers: Kept | None = None, *, seed: int = 1, quiet: bool = False, **keys: object
) -> AsyncIterator[bytes]:
    """A link at work for twenty seconds, with one start unless it is `quiet`; what it put on air."""
    network, stream = MemoryNetwork(), bytearray()
    await network.listen(lambda: Exciter(stream), "127.0.0.1", PORT)
    config = FmTransmitterConfig("fm", **({"clock_period_s": 0.0} | keys))  # type: ignore[arg-type]
    given = replace(memory_ports(clock, network, random.Random(seed), CountingSigner(clock)), numbers=numbers)
    link = FmTransmitter(config, given, Sink(), roster(PORT))
    task = asyncio.get_running_loop().create_task(link.run())
    if not quiet:
        link.offer(start(end=clock.wall() + 3600))
    try:
        await asyncio.sleep(20)
        yield bytes(stream)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(("offset_b", "offsets"), [("198", OFFSETS), ("19C", OFFSETS_PRINTED)])
async def test_block_b_carries_the_offset_that_is_configured(
    clock: VirtualClock, offset_b: str, offsets: tuple[int, ...]
) -> None:
    async with on_air(clock, offset_b=offset_b) as stream:
        for at in range(0, 50 * AIR_BYTES, AIR_BYTES):
            bits = f"{int.from_bytes(stream[at : at + AIR_BYTES], 'big'):0104b}"
            words = b"".join(int(bits[place : place + 16], 2).to_bytes(2, "big") for place in range(0, 104, 26))
            assert bits == bits_of([words], offsets)


@pytest.mark.parametrize(("zone", "ahead_s"), [("beijing", 28_800), ("utc", 0)])
async def test_the_clock_is_told_in_the_zone_that_is_configured(clock: VirtualClock, zone: str, ahead_s: int) -> None:
    async with on_air(clock, quiet=True, clock_zone=zone, clock_period_s=600.0) as stream:
        told = [decode_packet(each.packet).content for each in heard(stream)]
        (said,) = [each for each in told if isinstance(each, ClockContent)]
        assert said.utc(zone_offset_s=0) == pytest.approx(clock.wall() - 20 + ahead_s, abs=10)


async def test_the_first_version_is_the_one_that_is_configured(clock: VirtualClock) -> None:
    async with on_air(clock, first_version=9) as stream:
        assert heard(stream)[0].version == 9


async def test_without_a_memory_the_first_version_is_drawn(clock: VirtualClock) -> None:
    drawn = set()
    for seed in range(12):
        async with on_air(clock, seed=seed) as stream:
            drawn.add(heard(stream)[0].version)
    assert len(drawn) > 5


async def test_after_a_restart_no_number_of_before_comes_again_at_once(clock: VirtualClock) -> None:
    kept = Kept()
    async with on_air(clock, kept, first_version=30) as stream:
        assert heard(stream)[0].version == 30
    assert kept.values == {"fm": 31}
    async with on_air(clock, kept) as stream:
        assert heard(stream)[0].version == (31 + 8) % 32
    assert kept.values == {"fm": 8}
