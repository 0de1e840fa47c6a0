"""The media server: against a transport made by hand, and over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from ebcd.media import MediaStore, Stored
from ebcd.media_server import MediaLimits, MediaServer, serving
from ebcd.world import SocketNetwork

SOUND = bytes(range(256)) * 40
LONG = bytes(range(251)) * 200


class Wire(asyncio.Transport):
    """What the server does to its transport; `room` bytes fit before it has to wait."""

    def __init__(self, protocol: asyncio.Protocol, room: int = 10**9) -> None:
        super().__init__()
        self.protocol = protocol
        self.room = room
        self.sent = bytearray()
        self.buffered = bytearray()
        self.closing = self.lost = self.reading_paused = self.waiting = False
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closing
        self.buffered += data
        self._move()
        if self.buffered and not self.waiting:
            self.waiting = True
            self.protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def read(self, count: int) -> None:
        """The peer takes `count` bytes more."""
        self.room += count
        self._move()
        if not self.buffered and self.waiting:
            self.waiting = False
            self.protocol.resume_writing()

    def _move(self) -> None:
        part = self.buffered[: self.room]
        del self.buffered[: len(part)]
        self.room -= len(part)
        self.sent += part

    def get_write_buffer_size(self) -> int:
        return len(self.buffered)

    def pause_reading(self) -> None:
        self.reading_paused = True

    def resume_reading(self) -> None:
        self.reading_paused = False

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True
        if not self.lost:
            self.lost = True
            self.protocol.connection_lost(None)


class Bench:
    """A folder with one short and one long file, and a server for it."""

    def __init__(self, folder: Path) -> None:
        self.store = MediaStore(folder)
        self.short: Stored = self.store.put(SOUND, "mp3")
        self.long: Stored = self.store.put(LONG, "wav")
        self.registry = CollectorRegistry()
        limits = MediaLimits(connections_max=3, cached_file_bytes_max=20_000, cache_bytes_max=25_000, piece_bytes=4_096)
        self.server = MediaServer(self.store, self.registry, limits)

    def wire(self, room: int = 10**9) -> Wire:
        return Wire(self.server.protocol(), room)

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"ebcd_media_{name}", labels) or 0.0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "media")


def get(name: str, *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} /media/{name} HTTP/1.1", "Host: a", *fields, "", "")).encode()


def answers(wire: Wire, *, heads_only: bool = False) -> list[tuple[int, bytes]]:
    found, rest = [], bytes(wire.sent)
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        size = 0 if heads_only else int(fields.get("Content-Length", "0"))
        found.append((int(head.split()[1]), rest[:size]))
        rest = rest[size:]
    return found


async def test_a_file_comes_whole_and_is_counted(bench: Bench) -> None:
    wire = bench.wire()
    wire.protocol.data_received(get(bench.short.name))
    assert answers(wire) == [(200, SOUND)]
    assert not wire.closing
    assert bench.metric("requests_total", status="200") == 1
    assert bench.metric("bytes_total") == len(SOUND)
    assert bench.metric("connections") == 1
    wire.abort()
    assert bench.metric("connections") == 0


async def test_a_head_that_comes_byte_by_byte_is_understood(bench: Bench) -> None:
    wire = bench.wire()
    for byte in get(bench.short.name):
        wire.protocol.data_received(bytes((byte,)))
    assert answers(wire) == [(200, SOUND)]
    wire.abort()


async def test_several_requests_in_one_read_are_answered_in_order(bench: Bench) -> None:
    wire = bench.wire()
    missing = "0" * 64 + ".mp3"
    wire.protocol.data_received(get(bench.short.name, "Range: bytes=0-9") + get(missing) + get(bench.long.name))
    assert answers(wire) == [(206, SOUND[:10]), (404, b""), (200, LONG)]
    wire.abort()


async def test_a_head_request_brings_no_body(bench: Bench) -> None:
    wire = bench.wire()
    wire.protocol.data_received(get(bench.short.name, method="HEAD") + get(bench.long.name, method="HEAD"))
    assert answers(wire, heads_only=True) == [(200, b""), (200, b"")]
    assert f"Content-Length: {len(LONG)}" in wire.sent.decode()
    wire.abort()


async def test_the_connection_closes_when_asked(bench: Bench) -> None:
    wire = bench.wire()
    wire.protocol.data_received(get(bench.short.name, "Connection: close"))
    assert wire.closing
    wire.abort()


@pytest.mark.parametrize(
    ("fields", "status"),
    [(("If-None-Match: *",), 304), (("Range: bytes=99999-",), 416), (("Range: bytes=5-9",), 206)],
)
@pytest.mark.parametrize("long", [False, True])
async def test_conditions_and_ranges(bench: Bench, fields: tuple[str, ...], status: int, long: bool) -> None:
    wire = bench.wire()
    stored, data = (bench.long, LONG) if long else (bench.short, SOUND)
    wire.protocol.data_received(get(stored.name, *fields))
    assert answers(wire) == [(status, data[5:10] if status == 206 else b"")]
    wire.abort()


async def test_a_head_without_end_is_refused_and_cut(bench: Bench) -> None:
    wire = bench.wire()
    wire.protocol.data_received(b"GET /media/x HTTP/1.1\r\n" + b"X: y\r\n" * 2000)
    assert answers(wire) == [(431, b"")]
    assert wire.closing
    wire.abort()


async def test_another_method_is_told_what_is_allowed(bench: Bench) -> None:
    wire = bench.wire()
    wire.protocol.data_received(get(bench.short.name, method="DELETE"))
    assert b"Allow: GET, HEAD" in wire.sent
    wire.abort()


async def test_one_connection_too_many_is_cut(bench: Bench) -> None:
    wires = [bench.wire() for _ in range(4)]
    assert [wire.lost for wire in wires] == [False, False, False, True]
    assert bench.metric("refused_connections_total") == 1
    bench.server.close()
    assert all(wire.lost for wire in wires)


@pytest.mark.parametrize("long", [False, True])
async def test_a_slow_reader_gets_everything_and_holds_little(bench: Bench, long: bool) -> None:
    stored, data = (bench.long, LONG) if long else (bench.short, SOUND)
    wire = bench.wire(room=100)
    wire.protocol.data_received(get(stored.name) + get(stored.name, "Connection: close"))
    assert wire.reading_paused
    while not wire.closing or wire.buffered:
        assert len(wire.buffered) < 10_000 if long else len(wire.buffered) < 11_000
        wire.read(1_000)
    assert answers(wire) == [(200, data), (200, data)]
    wire.abort()


async def test_a_peer_that_stands_still_is_cut_and_one_that_reads_is_not(bench: Bench) -> None:
    still, reading, silent = bench.wire(room=100), bench.wire(room=100), bench.wire()
    for wire in (still, reading):
        wire.protocol.data_received(get(bench.long.name))
    for _ in range(12):
        await asyncio.sleep(10)
        reading.read(100)
    assert (still.lost, reading.lost, silent.lost) == (True, False, True)
    reading.abort()


async def test_a_half_closed_peer_still_gets_its_file(bench: Bench) -> None:
    wire = bench.wire(room=100)
    wire.protocol.data_received(get(bench.long.name))
    assert wire.protocol.eof_received()
    wire.read(10**9)
    while wire.buffered:
        wire.read(10**9)
    assert answers(wire) == [(200, LONG)]
    assert wire.closing
    assert not bench.wire().protocol.eof_received()
    wire.abort()
    bench.server.close()


async def test_i9_a_file_that_is_not_what_its_name_says_is_not_served(bench: Bench) -> None:
    bench.short.path.write_bytes(SOUND[::-1])
    wire = bench.wire()
    wire.protocol.data_received(get(bench.short.name))
    assert answers(wire) == [(404, b"")]
    assert bench.metric("damaged_total") == 1
    wire.abort()


async def test_a_long_file_that_is_cut_while_it_is_read_ends_the_connection(bench: Bench) -> None:
    wire = bench.wire(room=100)
    wire.protocol.data_received(get(bench.long.name))
    bench.long.path.write_bytes(b"")
    wire.read(10**9)
    assert wire.lost


async def test_memory_is_bounded(bench: Bench) -> None:
    wire = bench.wire()
    names = [bench.store.put(SOUND + bytes((number,)), "mp3").name for number in range(5)]
    for name in (*names, *names):
        wire.protocol.data_received(get(name))
    assert [status for status, _ in answers(wire)] == [200] * 10
    assert sum(map(len, bench.server._cache.values())) <= 25_000
    wire.abort()


@given(st.lists(st.binary(max_size=80) | st.sampled_from([b"\r\n\r\n", get("x"), get("0" * 64 + ".mp3")]), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_bytes_get_answers_or_nothing(bench: Bench, parts: list[bytes]) -> None:
    wire = bench.wire()
    for part in parts:
        if not wire.closing:
            wire.protocol.data_received(part)
    assert {status for status, _ in answers(wire)} <= {400, 404, 405, 431}
    wire.abort()


@pytest.mark.real
async def test_many_clients_fetch_over_real_sockets(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "media")
    server = MediaServer(bench.store, CollectorRegistry())
    async with serving(server, SocketNetwork(), "127.0.0.1", 0) as listener:
        port = cast(int, listener.sockets[0].getsockname()[1])
        limits = httpx.Limits(max_connections=40)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, trust_env=False) as client:
            names = [bench.short.name, bench.long.name] * 60
            found = await asyncio.gather(*(client.get(f"/media/{name}") for name in names))
            partial = await client.get(f"/media/{bench.long.name}", headers={"Range": "bytes=-5"})
    assert [each.content for each in found] == [SOUND, LONG] * 60
    assert partial.content == LONG[-5:]
    assert not server.connections


@pytest.mark.real
async def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    server = MediaServer(MediaStore(tmp_path), CollectorRegistry())
    async with serving(server, SocketNetwork(), "127.0.0.1", 0) as listener:
        port = cast(int, listener.sockets[0].getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            async with serving(server, SocketNetwork(), "127.0.0.1", port):
                pass
