"""Ports of loopback for tests that must know one before anybody listens on it.

They lie below the kernel's own choice for outgoing connections, which would take one between our look and the
listener's; and in a stretch that this process claims, for other tests may be looking at this moment.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

STRETCH = 250
FIRST_PORTS = range(10_000, 20_000, STRETCH)  # the demo's begin at 20,000


def free_port() -> int:
    """A port that nobody listens on now; another one each time, until the stretch begins anew."""
    return free_run(1)


def free_run(count: int) -> int:
    """The first of `count` free ports in a row, at most half a stretch."""
    _claim, offsets = _stretch()
    for _ in range(STRETCH):
        ports = [next(offsets) for _ in range(count)]
        if ports == list(range(ports[0], ports[0] + count)) and _are_free(ports):
            return ports[0]
    raise AssertionError(f"no {count} free ports in a row between {FIRST_PORTS[0]} and {FIRST_PORTS[-1] + STRETCH}")


def _are_free(ports: list[int]) -> bool:
    with ExitStack() as probes, suppress(OSError):
        for port in ports:
            probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
        return True
    return False


@functools.cache
def _stretch() -> tuple[socket.socket, Iterator[int]]:
    """What claims this process's stretch until it ends (a socket bound to its first port), and the ports behind it."""
    for first in FIRST_PORTS:
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", first))
        except OSError:
            claim.close()
            continue
        atexit.register(claim.close)
        return claim, itertools.cycle(range(first + 1, first + STRETCH))
    raise AssertionError(f"every stretch of ports from {FIRST_PORTS[0]} on is claimed; stop what uses them")
