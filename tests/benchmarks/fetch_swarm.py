"""Many HTTP clients that ask at the same moment: `python -m tests.benchmarks.fetch_swarm PORT PATH COUNT`.

One JSON line: seconds until the median and the last client had its whole file.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import uvloop


class Client(asyncio.Protocol):
    """One GET."""

    def __init__(self, path: str, finished: list[float], all_done: asyncio.Event, count: int) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        self._finished, self._all_done, self._count = finished, all_done, count
        self._received, self._needed = 0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._needed:
            head, _, _ = data.partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._needed = len(head) + 4 + int(length)
        self._received += len(data)
        if self._received == self._needed:
            self._transport.close()
            self._finished.append(time.perf_counter())
            if len(self._finished) == self._count:
                self._all_done.set()


async def fetch(port: int, path: str, count: int) -> dict[str, float]:
    """Open all connections at once and wait for every file."""
    loop = asyncio.get_running_loop()
    finished: list[float] = []
    all_done = asyncio.Event()
    began_s = time.perf_counter()
    dial = [
        loop.create_connection(lambda: Client(path, finished, all_done, count), "127.0.0.1", port) for _ in range(count)
    ]
    await asyncio.gather(*dial)
    await all_done.wait()
    finished.sort()
    return {"median_s": finished[count // 2] - began_s, "last_s": finished[-1] - began_s}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(fetch(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
