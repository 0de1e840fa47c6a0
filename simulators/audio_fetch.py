"""How a simulated terminal gets its sound: a real HTTP/1.1 GET each, the file's SM3 compared with the one in its name.

The media server names files by their digest (/media/{sm3 in hex}.mp3), so a terminal can prove that what it plays is
what was approved (I9). The first bytes of the body are told at once: that is when a loudspeaker begins to sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import urlsplit

from protocols.sm2 import sm3
from simulators.leisure import Aside, at_once

HEAD_BYTES_MAX = 16 * 1024
BODY_BYTES_MAX = 32 * 1024 * 1024
FETCHES_AT_ONCE_MAX = 64  # of one process: more at once are not faster, but keep its other work waiting
DETOURED_AT_ONCE_MAX = 2048  # those over a bad link mostly wait for it
CONNECT_TIMEOUT_S = 5.0
WHOLE_TIMEOUT_S = 60.0
SM3_HEX = 64

Address = tuple[str, int]

# kbit/s of layer III by the bitrate index, MPEG-1 and MPEG-2/2.5 (ISO/IEC 11172-3, 13818-3)
_KBIT_S = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}


class FetchFailed(Exception):
    """No sound: the reason in a few words."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file. `sm3_ok` None where the address names no digest; `duration_s` 0 where it is no MP3."""

    size_bytes: int
    sm3_ok: bool | None
    duration_s: float


def duration_s(data: bytes) -> float:
    """Length of a constant-rate MP3 by its first frame header; 0 where there is none."""
    at = 0
    if data[:3] == b"ID3" and len(data) > 10:
        at = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9])
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 2:
        if data[at + 1] & 0xE6 == 0xE2:  # sync and layer III
            rate = _KBIT_S[1 if data[at + 1] & 0x18 == 0x18 else 2][data[at + 2] >> 4]
            if rate:
                return (len(data) - at) * 8 / (rate * 1000)
        at += 1
    return 0.0


class _Get(asyncio.Protocol):
    """One request and its response."""

    def __init__(self, request: bytes, on_first: Callable[[], None], done: asyncio.Future[bytes]) -> None:
        self._request = request
        self._on_first = on_first
        self._done = done
        self._head: bytearray | None = bytearray()
        self._body: list[bytes] = []
        self._size = 0
        self._length: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._done.done():
            return
        if self._head is not None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                if len(self._head) > HEAD_BYTES_MAX:
                    self._fail("endless head")
                return
            head, data = bytes(self._head[:end]), bytes(self._head[end + 4 :])
            self._head = None
            if not self._read_head(head):
                return
        if data:
            self._take(data)
        if self._length is not None and self._size >= self._length:
            self._finish()

    def eof_received(self) -> None:
        if self._head is None and self._length is None:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("connection closed early")

    def _read_head(self, head: bytes) -> bool:
        status, *lines = head.decode("latin-1").split("\r\n")
        if status.split(" ")[1:2] != ["200"]:
            self._fail(f"answer {status[:40]!r}")
            return False
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "transfer-encoding" in fields or not fields.get("content-length", "0").isdigit():
            self._fail("body of unknown form")
            return False
        if "content-length" in fields:
            self._length = int(fields["content-length"])
        return True

    def _take(self, data: bytes) -> None:
        if not self._body:
            self._on_first()
        self._body.append(data)
        self._size += len(data)
        if self._size > BODY_BYTES_MAX:
            self._fail(f"file over {BODY_BYTES_MAX} bytes")

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(b"".join(self._body))
        self._transport.close()

    def _fail(self, reason: str) -> None:
        if not self._done.done():
            self._done.set_exception(FetchFailed(reason))
        self._transport.abort()


class AudioFetcher:
    """Fetches for all terminals of a process. `detours`: what a terminal on a bad link dials instead of an address."""

    def __init__(self, detours: Mapping[Address, Address], aside: Aside = at_once) -> None:
        self._detours = dict(detours)
        self._aside = aside  # for digests
        self._places = asyncio.Semaphore(FETCHES_AT_ONCE_MAX)
        self._detoured_places = asyncio.Semaphore(DETOURED_AT_ONCE_MAX)
        self._durations: dict[str, float] = {}

    async def fetch(self, url: str, *, on_first: Callable[[], None], detour: bool) -> Fetched:
        """Get a whole file of sound. `on_first` is called with the first byte of the body. Raises FetchFailed."""
        path, body = await self.get(url, on_first=on_first, detour=detour)
        return await self._aside(partial(self._judge, path, body))

    async def get(self, url: str, *, on_first: Callable[[], None], detour: bool) -> tuple[str, bytes]:
        """The path of an address and what lies there. Raises FetchFailed."""
        try:
            parts = urlsplit(url)
            address = (parts.hostname or "", parts.port or 80)
        except ValueError as error:
            raise FetchFailed(f"address {url[:60]!r}: {error}") from error
        if parts.scheme != "http" or not address[0]:
            raise FetchFailed(f"address {url[:60]!r} is not http")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        request = f"GET {path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
        if detour:
            address = self._detours.get(address, address)
        async with self._detoured_places if detour else self._places:
            return path, await self._get(address, request, on_first)

    async def _get(self, address: Address, request: bytes, on_first: Callable[[], None]) -> bytes:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bytes] = loop.create_future()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                transport, _ = await loop.create_connection(lambda: _Get(request, on_first, done), *address)
        except (OSError, TimeoutError) as error:
            raise FetchFailed(f"{address[0]}:{address[1]}: {error or 'no answer'}") from error
        try:
            async with asyncio.timeout(WHOLE_TIMEOUT_S):
                return await done
        except TimeoutError as error:
            raise FetchFailed(f"not whole after {WHOLE_TIMEOUT_S:.0f} s") from error
        finally:
            transport.abort()

    def _judge(self, path: str, body: bytes) -> Fetched:
        name = path.rpartition("/")[2].partition(".")[0].lower()
        if len(name) != SM3_HEX:
            return Fetched(len(body), None, duration_s(body))
        if sm3(body).hex() != name:
            return Fetched(len(body), False, 0.0)
        if name not in self._durations:
            self._durations = {name: duration_s(body)}  # one file is on air at a time, as a rule
        return Fetched(len(body), True, self._durations[name])
