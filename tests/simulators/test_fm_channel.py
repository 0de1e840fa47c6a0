"""The exciter between the link driver and the receivers, over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from devices.fm_transmitter import FmTransmitter, FmTransmitterConfig
from devices.link import Sent
from protocols.codes import EbmId, ResourceCode
from protocols.fm.bits import AIR_BYTES, frame_to_air
from protocols.fm.frame import FILLER_FRAME
from simulators.fm_channel import BUFFER_BYTES_MAX, FRAME_S, Exciter, FmFaults, FmReceiver
from simulators.fm_packets import PacketVerifier
from tests.devices.fm_county import TRUSTED, Sink, ebm_id, ports, roster, start, stop
from tests.virtual_time import VirtualClock, VirtualLoop

FILLER = frame_to_air(FILLER_FRAME)
CONFIG = FmTransmitterConfig("fm", clock_period_s=0.0)
LEAD_S = (CONFIG.lead_frames_max + 1) * FRAME_S + 0.01  # and the frame that has just begun


class RealClock:
    """This machine's clocks."""

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class Site:
    """A transmitter site with receivers around it."""

    def __init__(self, clock: VirtualClock | RealClock, count: int, faults: FmFaults) -> None:
        self.began: list[tuple[float, EbmId]] = []
        self.ended: list[tuple[float, EbmId]] = []
        verifier = PacketVerifier()
        self.receivers = [
            FmReceiver(
                ResourceCode.build(6, f"341123101{number % 999 + 1:03d}", "0314", "01", "04", "01"),
                TRUSTED,
                lambda code, ebm: self.began.append((clock.monotonic(), ebm)),
                lambda code, ebm: self.ended.append((clock.monotonic(), ebm)),
                wall=clock.wall,
                verifier=verifier,
            )
            for number in range(count)
        ]
        self.exciter = Exciter("127.0.0.1", 0, self.receivers, faults, 7, monotonic=clock.monotonic)


@contextlib.asynccontextmanager
async def on_air(
    clock: VirtualClock | RealClock, count: int = 4, faults: FmFaults | None = None
) -> AsyncIterator[Site]:
    site = Site(clock, count, faults or FmFaults(block_error_rate=0.0))
    task = asyncio.get_running_loop().create_task(site.exciter.run())
    await site.exciter.listening.wait()
    try:
        yield site
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def driving(clock: VirtualClock | RealClock, site: Site) -> AsyncIterator[tuple[FmTransmitter, Sink]]:
    sink = Sink()
    driver = FmTransmitter(CONFIG, ports(clock, random.Random(1)), sink, roster(site.exciter.port))
    task = asyncio.get_running_loop().create_task(driver.run())
    try:
        yield driver, sink
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def dial(site: Site) -> asyncio.StreamWriter:
    _reader, writer = await asyncio.open_connection("127.0.0.1", site.exciter.port)
    return writer


async def test_driver_exciter_and_receivers_keep_step_for_ten_minutes(clock: VirtualClock) -> None:
    async with on_air(clock) as site, driving(clock, site) as (driver, _sink):
        await asyncio.sleep(5.0)
        driver.offer(start(end=clock.wall() + 3600))
        await asyncio.sleep(600.0)
        stats = site.exciter.stats()
        assert stats.underrun_bits == 0
        assert stats.bytes_refused == 0
        assert CONFIG.lead_frames_max - 1 <= stats.buffered_bytes / AIR_BYTES <= CONFIG.lead_frames_max + 1
        assert stats.arrival_bit_s == pytest.approx(1187.5, rel=0.001)
        assert stats.bits_played == pytest.approx(605 * 1187.5, rel=0.01)


async def test_after_a_stall_the_lead_is_restored_and_no_lost_time_is_made_up_for(clock: VirtualClock) -> None:
    async with on_air(clock) as site, driving(clock, site):
        await asyncio.sleep(10.0)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop._jumping.now_s += 2.0  # nobody on this machine got the processor
        await asyncio.sleep(1.0)
        missing = site.exciter.stats().underrun_bits
        assert missing == pytest.approx((2.0 - CONFIG.lead_frames_max * FRAME_S) * 1187.5, abs=2 * 104)
        await asyncio.sleep(100.0)
        stats = site.exciter.stats()
        assert stats.underrun_bits == missing
        assert stats.bytes_refused == 0
        lead = stats.buffered_bytes / AIR_BYTES
        assert CONFIG.lead_frames_max - 1 <= lead <= CONFIG.lead_frames_max + 1


async def test_a_start_reaches_a_receiver_within_its_air_time_and_the_driver_s_lead(clock: VirtualClock) -> None:
    async with on_air(clock) as site, driving(clock, site) as (driver, _sink):
        await asyncio.sleep(5.0)
        offered_s = clock.monotonic()
        driver.offer(start(end=clock.wall() + 60))
        await asyncio.sleep(10.0)
        assert len(site.began) == 4
        assert all(24 * FRAME_S <= at - offered_s <= 24 * FRAME_S + LEAD_S for at, _ebm in site.began)
        cost = site.exciter.air_time(ebm_id(1))
        assert cost is not None
        assert cost.bits_on_air == cost.bits_limit == 24 * 104


async def test_sent_is_told_when_the_pass_has_been_played_and_not_before(clock: VirtualClock) -> None:
    async with on_air(clock) as site, driving(clock, site) as (driver, sink):
        await asyncio.sleep(5.0)
        driver.offer(start(end=clock.wall() + 60))
        await sink.seen(Sent)
        assert len(site.began) == 4
        assert clock.monotonic() - site.began[0][0] <= 3 * FRAME_S


async def test_a_stop_ends_it_within_its_air_time_and_the_driver_s_lead(clock: VirtualClock) -> None:
    async with on_air(clock) as site, driving(clock, site) as (driver, _sink):
        driver.offer(start(end=clock.wall() + 60))
        await asyncio.sleep(10.0)
        offered_s = clock.monotonic()
        driver.offer(stop())
        await asyncio.sleep(10.0)
        assert len(site.ended) == 4
        assert all(at - offered_s <= 24 * FRAME_S + LEAD_S for at, _ebm in site.ended)


@pytest.mark.requirement("R-X-19")
async def test_the_end_of_the_window_silences_fm_terminals_within_eight_seconds(clock: VirtualClock) -> None:
    async with on_air(clock, 40, FmFaults(0.02)) as site, driving(clock, site) as (driver, _sink):
        begin_s = clock.monotonic()
        driver.offer(start(end=clock.wall() + 20))
        await asyncio.sleep(60.0)
        assert len(site.ended) == 40
        assert max(at for at, _ebm in site.ended) - begin_s - 20 <= 8.0


@pytest.mark.requirement("R-X-19")
async def test_with_two_percent_block_errors_99_of_100_begin_within_eight_seconds(clock: VirtualClock) -> None:
    async with on_air(clock, 200, FmFaults(0.02)) as site, driving(clock, site) as (driver, _sink):
        await asyncio.sleep(3.0)
        offered_s = clock.monotonic()
        driver.offer(start(end=clock.wall() + 60))
        await asyncio.sleep(30.0)
        delays = sorted(at - offered_s for at, _ebm in site.began)
        assert len(delays) == 200
        assert delays[197] <= 8.0


async def test_a_sender_that_is_too_fast_is_played_at_the_bit_rate_and_counted(clock: VirtualClock) -> None:
    async with on_air(clock) as site:
        writer = await dial(site)
        writer.write(FILLER * 200)
        await asyncio.sleep(2.0)
        stats = site.exciter.stats()
        assert stats.bytes_received == 200 * AIR_BYTES
        assert stats.bytes_refused == 200 * AIR_BYTES - BUFFER_BYTES_MAX
        assert stats.bits_played <= 2.0 * 1187.5
        writer.transport.abort()


async def test_a_sender_that_is_too_slow_leaves_zeros_that_are_counted(clock: VirtualClock) -> None:
    async with on_air(clock) as site:
        writer = await dial(site)
        writer.write(FILLER * 5)
        await asyncio.sleep(15 * FRAME_S)
        stats = site.exciter.stats()
        assert stats.underrun_bits == pytest.approx(10 * 104, abs=2 * 104)
        writer.transport.abort()


async def test_without_a_sender_nothing_is_played_and_nothing_is_missing(clock: VirtualClock) -> None:
    async with on_air(clock) as site:
        writer = await dial(site)
        writer.write(FILLER * 5)
        await asyncio.sleep(0.2)
        writer.transport.abort()
        await asyncio.sleep(60.0)
        stats = site.exciter.stats()
        assert stats.bits_played == 5 * 104
        assert stats.underrun_bits == 0
        assert stats.connections == 1


async def test_a_new_sender_takes_over_from_the_one_before(clock: VirtualClock) -> None:
    async with on_air(clock) as site:
        first = await dial(site)
        await asyncio.sleep(0.1)
        async with driving(clock, site) as (driver, _sink):
            driver.offer(start(end=clock.wall() + 60))
            await asyncio.sleep(5.0)
            assert len(site.began) == 4
        assert site.exciter.stats().connections == 2
        first.transport.abort()


@pytest.mark.real
async def test_on_the_real_clock_a_start_is_on_air_and_begins() -> None:
    clock = RealClock()
    async with on_air(clock, 20) as site, driving(clock, site) as (driver, sink):
        offered_s = clock.monotonic()
        driver.offer(start(end=clock.wall() + 60))
        async with asyncio.timeout(20.0):
            await sink.seen(Sent)
        assert len(site.began) == 20
        assert min(at for at, _ebm in site.began) - offered_s >= 24 * FRAME_S - LEAD_S
        assert all(after >= before for (before, _), (after, _) in pairwise(site.began))
