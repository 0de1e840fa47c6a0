"""Sound streamed to 300 adapters at once by RTP, beside the same datagrams written by a loop that does nothing else."""

from __future__ import annotations

import asyncio
import random
import resource
import socket
from collections.abc import Iterator

from devices.audio.rtp_streams import RtpStreams
from ebcd.clock import SystemClock
from ebcd.world import SocketNetwork
from protocols import rtp
from tests.benchmarks.measure import Measure
from tests.mp3_frames import mp3

STREAMS = 300
MEASURED_S = 5.0
BEAT_S = 0.01
FRAMES = 400


def cpu_s() -> float:
    """Processor time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def streamed(port: int) -> tuple[float, float, float]:
    """(datagrams a second, processor microseconds for each, 99 % of a beat's lateness in ms)."""
    clock = SystemClock()
    streams, network = RtpStreams(clock, random.Random(1)), SocketNetwork()
    pieces = tuple(rtp.pieces(mp3(FRAMES), 1400))
    for _ in range(STREAMS):
        transport, _ = await network.datagrams(asyncio.DatagramProtocol, "127.0.0.1", port)
        streams.open(pieces, transport.sendto, 0.0, clock.wall() + 3600, list)
    await asyncio.sleep(0.2)
    before, before_cpu_s, begun_s = streams.packets, cpu_s(), clock.monotonic()
    late_ms = []
    while (now_s := clock.monotonic()) - begun_s < MEASURED_S:
        await asyncio.sleep(BEAT_S)
        late_ms.append((clock.monotonic() - now_s - BEAT_S) * 1e3)
    sent = streams.packets - before
    return sent / MEASURED_S, (cpu_s() - before_cpu_s) / sent * 1e6, sorted(late_ms)[int(len(late_ms) * 0.99)]


def written(port: int, count: int) -> float:
    """Processor microseconds for each of as many datagrams, without pace, heads or a loop."""
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect(("127.0.0.1", port))
    data, before_s = bytes(592), cpu_s()
    for _ in range(count):
        out.send(data)
    out.close()
    return (cpu_s() - before_s) / count * 1e6


def run() -> Iterator[Measure]:
    """One after the other."""
    import uvloop

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        port = ear.getsockname()[1]
        rate, cost_us, late_ms = uvloop.run(streamed(port))
        floor_us = written(port, 15_000)
    note = f"{STREAMS} streams of 48 kbit/s: {rate:.0f} datagrams/s, {rate * cost_us / 1e4:.1f} % of a core"
    yield Measure("processor time for each datagram", cost_us, "us", floor_us, "socket.send alone", note)
    yield Measure("lateness of a beat of 10 ms beside them, 99 %", late_ms, "ms")
