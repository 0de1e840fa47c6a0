"""Terminals really fetch their sound and prove that it is the approved one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from protocols.sm2 import sm3
from simulators.audio_fetch import AudioFetcher, Fetched, FetchFailed, duration_s

MP3_FRAME = bytes.fromhex("FFFB5000") + bytes(413)  # MPEG-1 layer III, 64 kbit/s, 44.1 kHz
SOUND = MP3_FRAME * 40
NAME = sm3(SOUND).hex()

Answer = Callable[[str], bytes]


class Media(asyncio.Protocol):
    """Writes its answer in small pieces and closes."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        reply = self.answer(data.decode().split(" ")[1])
        pieces = [reply[at : at + 300] for at in range(0, len(reply), 300)]
        self.write(iter(pieces))

    def write(self, pieces: Iterator[bytes]) -> None:
        piece = next(pieces, None)
        if piece is None or self.transport.is_closing():
            self.transport.close()
            return
        self.transport.write(piece)
        asyncio.get_running_loop().call_later(0.001, self.write, pieces)


@asynccontextmanager
async def media(answer: Answer) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(lambda: Media(answer), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        await asyncio.sleep(0.01)
        await server.wait_closed()


def ok(body: bytes, length: bool = True) -> bytes:
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: %d\r\n" % len(body) if length else b"")
    return head + b"\r\n" + body


async def fetched(answer: Answer, path: str) -> tuple[Fetched, int]:
    first: list[int] = []
    async with media(answer) as base:
        result = await AudioFetcher({}).fetch(base + path, on_first=lambda: first.append(1), detour=False)
    return result, len(first)


@pytest.mark.parametrize("length", [True, False])
async def test_a_whole_file_with_the_right_digest_is_ok_and_told_from_its_first_byte(length: bool) -> None:
    got, firsts = await fetched(lambda _: ok(SOUND, length), f"/media/{NAME}.mp3")
    assert (got.size_bytes, got.sm3_ok, firsts) == (len(SOUND), True, 1)
    assert got.duration_s == pytest.approx(len(SOUND) / 8000)


async def test_i9_another_content_under_the_name_is_told() -> None:
    got, _ = await fetched(lambda _: ok(SOUND + b"x"), f"/media/{NAME}.mp3")
    assert got.sm3_ok is False


async def test_a_name_without_digest_proves_nothing() -> None:
    got, _ = await fetched(lambda _: ok(SOUND), "/live.mp3")
    assert got.sm3_ok is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"),
        (ok(SOUND)[:-5], "closed early"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "unknown form"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000, "endless head"),
    ],
)
async def test_a_bad_answer_is_a_failure_that_names_its_reason(reply: bytes, reason: str) -> None:
    with pytest.raises(FetchFailed, match=reason):
        await fetched(lambda _: reply, f"/media/{NAME}.mp3")


@pytest.mark.parametrize("url", ["rtp://239.1.1.10:5004", "http://:80/x", "http://127.0.0.1:99999/x", "", "http://["])
async def test_an_address_that_cannot_be_fetched_fails(url: str) -> None:
    with pytest.raises(FetchFailed):
        await AudioFetcher({}).fetch(url, on_first=lambda: None, detour=False)


async def test_a_terminal_on_a_bad_link_dials_the_detour() -> None:
    async with media(lambda _: ok(SOUND)) as base:
        port = int(base.rpartition(":")[2])
        fetcher = AudioFetcher({("192.0.2.1", 80): ("127.0.0.1", port)})
        got = await fetcher.fetch(f"http://192.0.2.1/media/{NAME}.mp3", on_first=lambda: None, detour=True)
    assert got.sm3_ok is True


@pytest.mark.parametrize("data", [b"", b"ID3", b"\xff\xfb", bytes(1000), b"\xff" * 50])
def test_what_is_no_mp3_has_no_duration(data: bytes) -> None:
    assert duration_s(data) == 0.0


def test_the_tag_before_an_mp3_is_not_sound() -> None:
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 1, 0]) + bytes(128)
    assert duration_s(tag + SOUND) == pytest.approx(len(SOUND) / 8000)
