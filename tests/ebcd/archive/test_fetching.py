"""Images are fetched as devices fetch them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ebcd.archive.fetching import fetch
from ebcd.archive.images import FetchFailed

pytestmark = pytest.mark.real


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[str]:
    """Says the same to everybody."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}/fw.bin"
    finally:
        listening.close()


async def test_the_whole_body_of_an_answer_200_is_what_counts() -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nimage") as url:
        assert await fetch(url, 5) == b"image"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nimage",
        b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nimages",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nimage",
        b"nonsense\r\n\r\n",
    ],
)
async def test_anything_else_is_a_failure_with_the_address_in_it(answer: bytes) -> None:
    async with server(answer) as url:
        with pytest.raises(FetchFailed, match=r"127\.0\.0\.1"):
            await fetch(url, 5)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://127.0.0.1:99999/x", "ftp://127.0.0.1/x", "http://["])
async def test_nobody_at_an_address_is_a_failure(url: str) -> None:
    with pytest.raises(FetchFailed):
        await fetch(url, 5)
