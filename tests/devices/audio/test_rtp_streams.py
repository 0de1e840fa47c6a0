"""The pace of streams, in virtual time: no drift, no bursts, nothing after the end."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from devices.audio.rtp_streams import BEHIND_S_MAX, BURST_MAX, RtpStream, RtpStreams
from protocols import rtp
from tests.mp3_frames import FRAME_TICKS, mp3
from tests.virtual_time import VirtualClock

PIECE_TICKS = 4 * FRAME_TICKS
PIECE_S = PIECE_TICKS / 90_000


@dataclass
class Ear:
    """What came, and when."""

    clock: VirtualClock
    packets: list[rtp.RtpPacket] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def __call__(self, data: bytes) -> None:
        self.packets.append(rtp.decode(data))
        self.times.append(self.clock.monotonic())

    @property
    def sound(self) -> bytes:
        return b"".join(map(rtp.sound_of, self.packets))


@dataclass
class Bench:
    """Streams and one ear."""

    streams: RtpStreams
    clock: VirtualClock
    ear: Ear
    ended: list[float] = field(default_factory=list)

    def open(self, frames: int, seconds: float = 1e9, wait_s: float = 0.0) -> RtpStream:
        now_s = self.clock.wall()
        cut = tuple(rtp.pieces(mp3(frames), 1400))
        return self.streams.open(cut, self.ear, now_s + wait_s, now_s + wait_s + seconds, self._over)

    def _over(self) -> None:
        self.ended.append(self.clock.monotonic())


@pytest.fixture
def bench(clock: VirtualClock, rng: random.Random) -> Bench:
    return Bench(RtpStreams(clock, rng), clock, Ear(clock))


async def test_the_sound_goes_round_at_its_own_pace_without_drift(bench: Bench) -> None:
    stream = bench.open(18)  # pieces of 4, 4, 4, 4 and 2 frames: 432 ms
    await asyncio.sleep(599.9)
    bench.streams.close(stream)
    rounds, rest = divmod(len(bench.ear.packets), 5)
    assert rounds == 1388
    assert bench.ear.sound[: rounds * len(mp3(18))] == mp3(18) * rounds
    assert bench.ear.times[rounds * 5] == pytest.approx(rounds * 0.432, abs=0.001)
    assert rest == 3
    first = bench.ear.packets[0]
    stamps = [(packet.timestamp - first.timestamp) % 2**32 for packet in bench.ear.packets]
    assert stamps[:6] == [0, PIECE_TICKS, 2 * PIECE_TICKS, 3 * PIECE_TICKS, 4 * PIECE_TICKS, 18 * FRAME_TICKS]
    assert stamps[rounds * 5] == rounds * 18 * FRAME_TICKS
    assert [(packet.sequence - first.sequence) % 2**16 for packet in bench.ear.packets] == list(
        range(len(bench.ear.packets))
    )
    assert {packet.ssrc for packet in bench.ear.packets} == {first.ssrc}
    assert [packet.marker for packet in bench.ear.packets[:3]] == [True, False, False]


async def test_two_streams_have_beginnings_of_their_own(bench: Bench) -> None:
    one, two = bench.open(400), bench.open(400)
    await asyncio.sleep(0.05)
    bench.streams.close(one)
    bench.streams.close(two)
    first, second = bench.ear.packets
    assert len({first.ssrc, second.ssrc}) == len({first.sequence, second.sequence}) == 2
    assert first.timestamp != second.timestamp


async def test_i3_nothing_is_sent_from_the_end_on(bench: Bench) -> None:
    bench.open(400, seconds=1.0)
    await asyncio.sleep(5)
    assert len(bench.ear.packets) == 11  # at 0, 0.096 ... 0.96 s
    assert bench.ended == [pytest.approx(1.056)]


async def test_i3_a_clock_that_is_put_forward_ends_it(bench: Bench) -> None:
    bench.open(400, seconds=60.0)
    await asyncio.sleep(0.05)
    bench.clock.step(61)
    await asyncio.sleep(5)
    assert len(bench.ear.packets) == 1


async def test_i12_a_closed_stream_sends_nothing_more(bench: Bench) -> None:
    stream = bench.open(400)
    await asyncio.sleep(0.2)
    bench.streams.close(stream)
    count = len(bench.ear.packets)
    await asyncio.sleep(5)
    assert len(bench.ear.packets) == count == 3
    assert bench.ended == []


async def test_a_stream_waits_for_its_begin(bench: Bench) -> None:
    stream = bench.open(400, wait_s=2.0)
    await asyncio.sleep(2.01)
    bench.streams.close(stream)
    assert bench.ear.times == [pytest.approx(2.0)]


def late(frames: int, now_s: float) -> tuple[RtpStream, list[rtp.RtpPacket]]:
    """A stream that began at 0."""
    heard: list[rtp.RtpPacket] = []
    cut = tuple(rtp.pieces(mp3(frames), 1400))
    stream = RtpStream(cut, lambda data: heard.append(rtp.decode(data)), 0.0, 1e12, random.Random(1))
    stream.turn(0.0)
    return stream, heard


def test_a_late_loop_catches_up_in_small_bursts() -> None:
    stream, heard = late(400, 0.0)
    again_s = stream.turn(0.45)  # due at 0.096, 0.192, 0.288, 0.384
    assert len(heard) == 1 + BURST_MAX
    assert again_s == pytest.approx(0.47)
    assert stream.turn(again_s) == pytest.approx(5 * PIECE_S)
    assert len(heard) == 5
    assert not any(packet.marker for packet in heard[1:])


def test_a_loop_that_stood_still_leaves_time_out_and_no_sound() -> None:
    stream, heard = late(400, 0.0)
    stood_s = PIECE_S + BEHIND_S_MAX + 0.1
    assert stream.turn(stood_s) == pytest.approx(stood_s + PIECE_S)
    assert len(heard) == 2
    assert heard[1].marker
    assert (heard[1].timestamp - heard[0].timestamp) % 2**32 == PIECE_TICKS
    assert heard[1].sequence == (heard[0].sequence + 1) % 2**16


async def test_a_thousand_streams_share_one_timer_and_none_is_left_behind(bench: Bench) -> None:
    now_s, cut = bench.clock.wall(), tuple(rtp.pieces(mp3(400), 1400))
    streams = [bench.streams.open(cut, len, now_s, now_s + 60, list) for _ in range(1000)]
    await asyncio.sleep(10 * PIECE_S + 0.01)
    for stream in streams:
        bench.streams.close(stream)
    assert [stream.sent for stream in streams] == [11] * 1000
    assert bench.streams.packets == 11_000
