"""The network of virtual time behaves as asyncio's does."""

from __future__ import annotations

import asyncio

import pytest

from tests.memory_network import HIGH_WATER_BYTES, MemoryNetwork


class _End(asyncio.Protocol):
    """Writes down what happens to it."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)

    def eof_received(self) -> None:
        self.seen.append("eof")

    def connection_lost(self, error: Exception | None) -> None:
        self.seen.append(type(error).__name__ if error else "lost")

    def pause_writing(self) -> None:
        self.seen.append("pause")

    def resume_writing(self) -> None:
        self.seen.append("resume")


async def _pair(network: MemoryNetwork) -> tuple[_End, _End]:
    accepted: list[_End] = []

    def accept() -> _End:
        accepted.append(_End())
        return accepted[-1]

    await network.listen(accept, "127.0.0.1", 8890)
    _, near = await network.connect(_End, "127.0.0.1", 8890)
    return near, accepted[0]


async def test_bytes_arrive_after_the_latency_and_in_order() -> None:
    network = MemoryNetwork(latency_s=0.15)
    near, far = await _pair(network)
    near.transport.write(b"one")
    near.transport.write(b"two")
    await asyncio.sleep(0.1)
    assert far.seen == []
    await asyncio.sleep(0.1)
    assert far.seen == [b"one", b"two"]
    assert near.transport.get_extra_info("peername") == ("127.0.0.1", 8890)


async def test_writes_come_in_pieces_where_asked() -> None:
    near, far = await _pair(MemoryNetwork(piece_bytes_max=2))
    near.transport.write(b"abcde")
    await asyncio.sleep(0.01)
    assert far.seen == [b"ab", b"cd", b"e"]


async def test_closing_delivers_what_was_written_and_then_the_end() -> None:
    near, far = await _pair(MemoryNetwork(latency_s=0.1))
    near.transport.write(b"bye")
    near.transport.close()
    near.transport.write(b"too late")
    await asyncio.sleep(1)
    assert near.seen == ["lost"]
    assert far.seen == [b"bye", "eof", "lost"]


async def test_an_aborted_connection_is_a_reset_for_the_peer() -> None:
    near, far = await _pair(MemoryNetwork())
    near.transport.abort()
    await asyncio.sleep(0.01)
    assert (near.seen, far.seen) == (["lost"], ["ConnectionResetError"])


async def test_a_peer_that_does_not_read_stops_the_writer() -> None:
    near, far = await _pair(MemoryNetwork())
    far.transport.pause_reading()
    near.transport.write(bytes(HIGH_WATER_BYTES + 1))
    await asyncio.sleep(1)
    assert near.seen == ["pause"]
    assert near.transport.get_write_buffer_size() == HIGH_WATER_BYTES + 1
    far.transport.resume_reading()
    await asyncio.sleep(1)
    assert near.seen == ["pause", "resume"]
    assert near.transport.get_write_buffer_size() == 0


async def test_nobody_listening_is_a_refusal_and_a_mute_address_a_timeout() -> None:
    network = MemoryNetwork()
    with pytest.raises(ConnectionRefusedError):
        await network.connect(_End, "127.0.0.1", 1)
    network.mute.add(("127.0.0.1", 2))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await network.connect(_End, "127.0.0.1", 2)


async def test_an_address_is_taken_once_and_free_again_after_closing() -> None:
    network = MemoryNetwork()
    server = await network.listen(_End, "127.0.0.1", 7)
    with pytest.raises(OSError, match="already in use"):
        await network.listen(_End, "127.0.0.1", 7)
    server.close()
    await server.wait_closed()
    assert not server.is_serving()
    await network.listen(_End, "127.0.0.1", 7)


async def test_a_crash_cuts_everything_at_once() -> None:
    network = MemoryNetwork()
    near, far = await _pair(network)
    assert network.connections == 1
    near.transport.write(b"never arrives")
    network.cut()
    await asyncio.sleep(1)
    assert (near.seen, far.seen) == (["ConnectionResetError"], ["ConnectionResetError"])
    assert network.connections == 0
