"""What lies at an address on HTTP, as devices see it: no proxy, no redirect, no more than a limit."""

from __future__ import annotations

import asyncio

import httpx

from ebcd.archive.images import FetchFailed

CONNECT_S = 5.0
READ_S = 20.0
WHOLE_S = 300.0


async def fetch(url: str, bytes_max: int) -> bytes:
    """The whole body of an answer 200. Raises FetchFailed."""
    received = bytearray()
    timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
    try:
        async with (
            asyncio.timeout(WHOLE_S),
            httpx.AsyncClient(timeout=timeout, trust_env=False) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise FetchFailed(f"{url}: HTTP {answer.status_code}")
            async for chunk in answer.aiter_raw():
                received += chunk
                if len(received) > bytes_max:
                    raise FetchFailed(f"{url}: more than {bytes_max} bytes")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        raise FetchFailed(f"{url}: {error or type(error).__name__}") from None
    return bytes(received)
