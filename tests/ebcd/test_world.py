"""The real World reaches the real machine, and what it hands to a driver is repeatable by its seed."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import pytest

from ebcd.clock import SystemClock, beijing_text, utc
from ebcd.world import SocketNetwork, World
from protocols.signature import UNSIGNED


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own are of no class of asyncio

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class _Reader(asyncio.Protocol):
    def __init__(self) -> None:
        self.received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.received.set_result(data)


@pytest.mark.real
async def test_what_is_written_to_a_listener_comes_back() -> None:
    network = SocketNetwork()
    server = await network.listen(_Echo, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        transport, reader = await network.connect(_Reader, host, port)
        transport.write(b"ping")
        assert await reader.received == b"ping"
        transport.close()


@pytest.mark.real
async def test_a_taken_address_is_an_oserror() -> None:
    network = SocketNetwork()
    server = await network.listen(_Echo, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        with pytest.raises(OSError, match="address already in use"):
            await network.listen(_Echo, host, port)


def test_the_same_seed_gives_drivers_the_same_chance() -> None:
    draws = [World.real(seed=7).ports(lambda _: UNSIGNED).random.random() for _ in range(2)]
    assert draws[0] == draws[1]


def test_two_links_do_not_share_their_chance() -> None:
    world = World.real(seed=7)
    assert world.ports(lambda _: UNSIGNED).random.random() != world.ports(lambda _: UNSIGNED).random.random()


def test_a_seed_never_reaches_secrets() -> None:
    assert World.real(seed=7).entropy(32) != World.real(seed=7).entropy(32)


def test_two_worlds_have_registries_of_their_own() -> None:
    assert World.real().registry is not World.real().registry


def test_the_system_clock_reads_the_machine() -> None:
    clock = SystemClock()
    assert abs(clock.wall() - time.time()) < 5
    assert clock.monotonic() <= clock.monotonic()


def test_beijing_is_eight_hours_ahead() -> None:
    assert beijing_text(1_760_000_000) == "2025-10-09 16:53:20"
    assert utc(1_760_000_000).isoformat() == "2025-10-09T08:53:20+00:00"
