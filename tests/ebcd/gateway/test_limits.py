"""What slow, many and greedy clients may cost, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ebcd.gateway import GatewayLimits, GatewayServer
from protocols.ebd import ResultCode
from protocols.ebd.messages import ConnectionCheck
from tests.ebcd.gateway.exchange import Exchange
from tests.ebcd.gateway.wire import body_of, read, request
from tests.memory_network import MemoryNetwork, MemoryTransport
from tests.protocols.ebd import samples
from tests.virtual_time import VirtualClock

LIMITS = GatewayLimits()
HALF = request(b"x" * 70_000)[:-50]


@pytest.fixture
def exchange(tmp_path: Path, clock: VirtualClock) -> Exchange:
    return Exchange(tmp_path, clock)


class Client(asyncio.Protocol):
    """Collects what comes until the server closes."""

    def __init__(self) -> None:
        self.response = b""
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.response += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)


@contextlib.asynccontextmanager
async def serving(exchange: Exchange, limits: GatewayLimits = LIMITS) -> AsyncIterator[MemoryNetwork]:
    network = MemoryNetwork()
    server = GatewayServer(exchange.judge, exchange.county, exchange.clock, limits)
    async with server.serving(network, "gateway", 1):
        yield network


async def begin(network: MemoryNetwork, data: bytes) -> Client:
    transport, client = await network.connect(Client, "gateway", 1)
    transport.write(data)
    await asyncio.sleep(0.001)
    return client


def heartbeat(exchange: Exchange) -> bytes:
    return request(body_of(exchange.archive(ConnectionCheck(samples.START), signed=False)))


@pytest.mark.requirement("R-PERF-03")
async def test_t0_is_the_moment_of_the_last_byte(exchange: Exchange, clock: VirtualClock) -> None:
    whole = request(body_of(exchange.archive(samples.message())))
    async with serving(exchange) as network:
        client = await begin(network, whole[:-1])
        await asyncio.sleep(7)
        last_s = clock.monotonic()
        client.transport.write(whole[-1:])
        await client.closed
    assert read(client.response).code is ResultCode.SUCCESS
    (received,) = exchange.book.received
    assert received.arrived_s == pytest.approx(last_s, abs=1e-3)
    assert received.arrived_at == pytest.approx(clock.wall(), abs=1e-3)


async def test_a_body_that_stops_coming_is_answered_and_given_up(exchange: Exchange, clock: VirtualClock) -> None:
    async with serving(exchange) as network:
        begun_s = clock.monotonic()
        client = await begin(network, HALF)
        await client.closed
    assert clock.monotonic() - begun_s < LIMITS.body_idle_s + LIMITS.linger_s + 1
    assert read(client.response).code is ResultCode.OTHER
    assert [rejection.reason for rejection in exchange.book.rejected] == ["body-slow"]


async def test_a_body_that_trickles_is_given_up_in_the_end(exchange: Exchange, clock: VirtualClock) -> None:
    async with serving(exchange) as network:
        begun_s = clock.monotonic()
        client = await begin(network, HALF)
        while not client.closed.done():
            client.transport.write(b"x")
            await asyncio.sleep(LIMITS.body_idle_s - 1)
            assert clock.monotonic() - begun_s < LIMITS.body_total_s + 60
    assert [rejection.reason for rejection in exchange.book.rejected] == ["body-slow"]


@pytest.mark.parametrize("start", [b"", b"POST / HTTP/1.1\r\nX: "])
async def test_a_head_that_does_not_end_is_given_up(exchange: Exchange, clock: VirtualClock, start: bytes) -> None:
    async with serving(exchange) as network:
        begun_s = clock.monotonic()
        client = await begin(network, start)
        await client.closed
    assert clock.monotonic() - begun_s == pytest.approx(LIMITS.head_timeout_s, abs=0.1)
    assert client.response == b""


async def test_one_address_cannot_take_every_place(exchange: Exchange) -> None:
    """I6: a peer that opens many slow requests is refused; it is served again when they have ended."""
    async with serving(exchange) as network:
        slow = [await begin(network, HALF) for _ in range(LIMITS.requests_per_address_max)]
        refused = await begin(network, heartbeat(exchange))
        await refused.closed
        assert read(refused.response).code is ResultCode.OTHER
        for client in slow:
            await client.closed
        served = await begin(network, heartbeat(exchange))
        await served.closed
        assert read(served.response).code is ResultCode.SUCCESS
    reasons = [rejection.reason for rejection in exchange.book.rejected]
    assert reasons == ["busy", *["body-slow"] * len(slow)]


async def test_connections_past_the_limit_are_refused_at_once(exchange: Exchange) -> None:
    async with serving(exchange, GatewayLimits(connections_max=3)) as network:
        clients = [await begin(network, HALF) for _ in range(3)]
        late = await begin(network, heartbeat(exchange))
        await asyncio.sleep(1)
        assert late.response.startswith(b"HTTP/1.1 503")
        late.transport.close()
        for client in clients:
            await client.closed


async def test_i6_sockets_that_only_stand_open_keep_no_message_out(exchange: Exchange) -> None:
    limits = GatewayLimits(connections_max=4, requests_per_address_max=100)
    async with serving(exchange, limits) as network:
        standing = [
            await begin(network, start) for start in (b"", b"POST / HT", HALF, b"POST / HTTP/1.1\r\n", b"", b"P")
        ]
        client = await begin(network, request(body_of(exchange.archive(samples.message()))))
        await client.closed
        assert read(client.response).code is ResultCode.SUCCESS
        assert [each.closed.done() for each in standing] == [
            True,
            True,
            False,
            True,
            False,
            False,
        ]  # the oldest gave way


async def test_i6_who_takes_the_place_of_a_standing_socket_need_not_wait_until_it_is_gone(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvloop tells the end of an aborted connection after the first bytes of the next one."""

    def aborts_late(transport: MemoryTransport) -> None:
        transport._closing = True
        asyncio.get_running_loop().call_later(1.0, transport._lose, None)

    monkeypatch.setattr(MemoryTransport, "abort", aborts_late)
    async with serving(exchange, GatewayLimits(connections_max=2)) as network:
        for _ in range(2):
            await begin(network, b"")
        client = await begin(network, request(body_of(exchange.archive(samples.message()))))
        await client.closed
        assert read(client.response).code is ResultCode.SUCCESS


async def test_bodies_of_all_requests_together_are_bounded(exchange: Exchange) -> None:
    async with serving(exchange, GatewayLimits(held_bytes_max=100_000)) as network:
        first = await begin(network, HALF)
        second = await begin(network, HALF)
        await asyncio.sleep(1)
        assert read(second.response).code is ResultCode.OTHER
        await first.closed
        await second.closed
        third = await begin(network, heartbeat(exchange))
        await third.closed
        assert read(third.response).code is ResultCode.SUCCESS
    assert [rejection.reason for rejection in exchange.book.rejected] == ["busy", "body-slow"]


async def test_a_connection_that_is_cut_in_the_middle_costs_nothing(exchange: Exchange) -> None:
    async with serving(exchange) as network:
        await begin(network, HALF)
        network.cut()
        served = await begin(network, heartbeat(exchange))
        await served.closed
        assert read(served.response).code is ResultCode.SUCCESS
    assert not exchange.book.rejected
