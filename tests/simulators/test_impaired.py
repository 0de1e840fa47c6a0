"""The userspace 3G/4G link: late, never lost, never out of order, by seed."""

from __future__ import annotations

import asyncio

import pytest

from simulators.impaired import ImpairedLink, LinkFaults

CLEAN = LinkFaults(loss=0.0)


class Echo(asyncio.Protocol):
    """Sends back what it gets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Listener:
    """Notes what comes back and when."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.times: list[float] = []


async def through(faults: LinkFaults, seed: int, sent: list[bytes]) -> Listener:
    """Send chunks one after the other through the link to an echo and wait for all of them."""
    loop = asyncio.get_running_loop()
    heard = Listener()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    link = ImpairedLink("127.0.0.1", 0, server.sockets[0].getsockname()[:2], faults, seed)
    async with asyncio.TaskGroup() as group:
        await link.start(group)
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        for chunk in sent:
            started = loop.time()
            writer.write(chunk)
            heard.got += await reader.readexactly(len(chunk))
            heard.times.append(round(loop.time() - started, 3))
        writer.close()
        await writer.wait_closed()
        link.close()
    server.close()
    await server.wait_closed()
    return heard


async def test_an_answer_takes_the_round_trip_and_the_first_one_the_handshake_too() -> None:
    heard = await through(CLEAN, 1, [b"one", b"two"])
    assert heard.got == b"onetwo"
    assert heard.times == [pytest.approx(0.6), pytest.approx(0.3)]


async def test_losses_delay_by_doubling_time_outs_and_lose_nothing(seed: int) -> None:
    chunks = [bytes([n]) * 10 for n in range(60)]
    heard = await through(LinkFaults(loss=0.2), seed, chunks)
    assert heard.got == b"".join(chunks)
    late = {round(time - 0.3, 1) for time in heard.times[1:]}
    assert 0.0 in late
    assert late & {0.5, 1.5}, "one loss costs 0.5 s, two in a row 1.5 s"


async def test_the_same_seed_gives_the_same_delays() -> None:
    chunks = [b"x"] * 30
    first = await through(LinkFaults(loss=0.1), 5, chunks)
    assert (await through(LinkFaults(loss=0.1), 5, chunks)).times == first.times
    assert (await through(LinkFaults(loss=0.1), 6, chunks)).times != first.times


async def test_a_large_stream_arrives_whole_under_back_pressure(seed: int) -> None:
    big = bytes(range(256)) * 6000
    assert (await through(LinkFaults(loss=0.02), seed, [big])).got == big


async def test_nobody_behind_the_link_means_the_connection_is_cut() -> None:
    link = ImpairedLink("127.0.0.1", 0, ("127.0.0.1", 1), CLEAN, 1)
    async with asyncio.TaskGroup() as group:
        await link.start(group)
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        assert await reader.read() == b""
        writer.close()
        link.close()
