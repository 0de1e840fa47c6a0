"""A 3G/4G link in user space: a TCP proxy with a long round trip and losses, shown as TCP shows them to its users.

    device ── TCP ──> proxy ─ delay, retransmissions, order kept ─> TCP ──> daemon or broker

Bytes never vanish on TCP, they come late: a lost segment arrives one retransmission time-out later, doubled for each
further loss of the same segment; inside a burst the segments behind it trigger a fast retransmission after one round
trip. Everything behind a late segment waits for it. Chance is drawn per connection from the seed.

`python -m simulators impaired --listen HOST:PORT --to HOST:PORT` runs one by itself until stdin closes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

IN_FLIGHT_BYTES_MAX = 256 * 1024  # per direction; above it the sender is not read


@dataclass(frozen=True, slots=True)
class LinkFaults:
    """How bad the link is. The first retransmission time-out is Linux's: round trip plus its 200 ms minimum."""

    one_way_s: float = 0.150
    loss: float = 0.03
    retransmission_s: float = 0.5
    losses_max: int = 6  # of one segment in a row
    segment_bytes: int = 1400


class Direction:
    """One way through the link: bytes go in now and come out later, in order."""

    def __init__(self, faults: LinkFaults, chance: random.Random, loop: asyncio.AbstractEventLoop) -> None:
        self._faults = faults
        self._chance = chance
        self._loop = loop
        self._flying: deque[tuple[float, bytes]] = deque()
        self._in_flight_bytes = 0
        self._last_due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None

    def push(self, data: bytes) -> None:
        """Send bytes; empty bytes are the end of the stream."""
        now = self._loop.time()
        self._last_due = max(self._last_due, now + self._faults.one_way_s + self._late_s(len(data)))
        self._flying.append((self._last_due, data))
        self._in_flight_bytes += len(data)
        if self._in_flight_bytes > IN_FLIGHT_BYTES_MAX and self.source is not None and not self.source.is_closing():
            self.source.pause_reading()
        self._arm()

    def handshake_s(self) -> float:
        """How long a connection takes to open: one round trip and the losses of its first segment."""
        takes_s = 2 * self._faults.one_way_s + self._late_s(1)
        self._last_due = self._loop.time() + takes_s + self._faults.one_way_s
        return takes_s

    def cut(self) -> None:
        """Forget what is under way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._flying.clear()

    def sink_ready(self) -> None:
        """The far end can take bytes now."""
        self._arm()

    def _late_s(self, size: int) -> float:
        """Extra seconds that losses cost this burst."""
        segments = max(1, -(-size // self._faults.segment_bytes))
        late_s = 0.0
        for position in range(segments):
            losses = 0
            while losses < self._faults.losses_max and self._chance.random() < self._faults.loss:
                losses += 1
            if losses and position < segments - 1:
                late_s = max(late_s, 2 * self._faults.one_way_s * losses)
            elif losses:
                late_s = max(late_s, self._faults.retransmission_s * (2**losses - 1))
        return late_s

    def _arm(self) -> None:
        if self._timer is None and self._flying and self.sink is not None:
            self._timer = self._loop.call_at(self._flying[0][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        now = self._loop.time()
        sink = self.sink
        while self._flying and self._flying[0][0] <= now:
            _, data = self._flying.popleft()
            self._in_flight_bytes -= len(data)
            if sink is None or sink.is_closing():
                continue
            if data:
                sink.write(data)
            else:
                sink.close()
        if self.source is not None and not self.source.is_closing() and self._in_flight_bytes <= IN_FLIGHT_BYTES_MAX:
            self.source.resume_reading()
        self._arm()


class _Leg(asyncio.Protocol):
    """One of the two sockets of a proxied connection."""

    def __init__(self, out: Direction, back: Direction, gone: Callable[[Direction], None]) -> None:
        self._out = out  # what this socket receives goes in here
        self._back = back  # and this writes to it
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        both_ways = cast(asyncio.Transport, transport)
        self._out.source = both_ways
        self._back.sink = both_ways
        self._back.sink_ready()

    def data_received(self, data: bytes) -> None:
        self._out.push(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._back.cut()
        self._out.push(b"")
        self._gone(self._back)


class ImpairedLink:
    """The proxy: one listener, one address to dial. `port` 0 takes a free one; read `port` after `start`."""

    def __init__(self, host: str, port: int, to: tuple[str, int], faults: LinkFaults, seed: int) -> None:
        self.host = host
        self.port = port
        self._to = to
        self._faults = faults
        self._seed = seed
        self._connections = 0
        self._server: asyncio.Server | None = None
        self._group: asyncio.TaskGroup | None = None
        self._open: set[Direction] = set()

    async def start(self, group: asyncio.TaskGroup) -> None:
        """Listen; dialling goes on in `group`. Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        self._group = group
        self._server = await loop.create_server(self._accept, self.host, self.port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
        for direction in tuple(self._open):
            direction.cut()
            for transport in (direction.source, direction.sink):
                if transport is not None:
                    transport.abort()

    def _accept(self) -> asyncio.Protocol:
        self._connections += 1
        chance = random.Random(f"{self._seed}/{self._connections}")
        loop = asyncio.get_running_loop()
        up, down = Direction(self._faults, chance, loop), Direction(self._faults, chance, loop)
        self._open |= {up, down}
        assert self._group is not None, "listening starts with a task group"
        self._group.create_task(self._dial(up, down, up.handshake_s()))
        return _Leg(up, down, self._open.discard)

    async def _dial(self, up: Direction, down: Direction, handshake_s: float) -> None:
        await asyncio.sleep(handshake_s)
        if up.source is None or up.source.is_closing():
            return
        try:
            await asyncio.get_running_loop().create_connection(lambda: _Leg(down, up, self._open.discard), *self._to)
        except OSError:
            self._open.discard(up)
            up.source.abort()


async def _serve(listen: tuple[str, int], to: tuple[str, int], seed: int) -> None:
    link = ImpairedLink(*listen, to, LinkFaults(), seed)
    async with asyncio.TaskGroup() as group:
        await link.start(group)
        print(f'{{"event": "ready", "port": {link.port}}}', flush=True)
        await asyncio.to_thread(sys.stdin.read)
        link.close()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main(argv: Sequence[str]) -> int:
    """Run one proxy until stdin closes."""
    parser = argparse.ArgumentParser(prog="python -m simulators impaired")
    parser.add_argument("--listen", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--to", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    asyncio.run(_serve(options.listen, options.to, options.seed))
    return 0
