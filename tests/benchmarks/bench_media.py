"""A county's terminals fetch one file at the same moment, from another process, beside a Protocol that only writes."""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from prometheus_client import CollectorRegistry

from ebcd.media import MediaStore
from ebcd.media_server import MediaServer
from tests.benchmarks.measure import Measure

FETCHES = 1800
FILE_BYTES = 60_000  # ten seconds of speech
ROUNDS = 3
BARE = "a Protocol that answers every read with the same bytes"


class Bare(asyncio.Protocol):
    """No parsing, no limits, no counters."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._answer)


def cpu_s() -> float:
    """Processor time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def served(factory: Callable[[], asyncio.Protocol], path: str) -> tuple[float, float]:
    """(fetches a second, processor microseconds a fetch on our side): medians over the rounds."""
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    rates, costs_us = [], []
    for _ in range(ROUNDS):
        before_s = cpu_s()
        swarm = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.benchmarks.fetch_swarm", str(port), path, str(FETCHES),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        told, _ = await swarm.communicate()
        rates.append(FETCHES / json.loads(told)["last_s"])
        costs_us.append((cpu_s() - before_s) / FETCHES * 1e6)
    server.close()
    return statistics.median(rates), statistics.median(costs_us)


def run() -> Iterator[Measure]:
    """Both servers in turn."""
    import uvloop

    with tempfile.TemporaryDirectory() as folder:
        store = MediaStore(Path(folder))
        stored = store.put(b"\xff" * FILE_BYTES, "mp3")
        data = stored.path.read_bytes()
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
        path = f"/media/{stored.name}"
        floor_rate, floor_us = uvloop.run(served(lambda: Bare(answer), path))
        rate, cost_us = uvloop.run(served(MediaServer(store, CollectorRegistry()).protocol, path))
    note = f"{FETCHES} connections at once, {FILE_BYTES} bytes each; the swarm shares the machine"
    yield Measure("fetches", rate, "fetch/s", floor_rate, BARE, note)
    yield Measure("processor time of the server per fetch", cost_us, "us", floor_us, BARE)
