"""The HTTP side of the platform gateway: a POST on any path in, a receipt out in the same response (platform.md 1, 6).

Every verdict travels in the receipt with HTTP status 200. Bodies have limits of size, time and sum; a body over its
limit is answered without being read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from devices.ports import Clock, Network
from ebcd.gateway.http_head import TolerantHead
from ebcd.gateway.judge import Answer, Judge, Posted
from ebcd.gateway.peers import Writer
from ebcd.http_server import HttpLimits, HttpService
from ebcd.signing import FileProfile
from protocols.ebd import Edition, package_name
from protocols.ebd.messages import EbdResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DESC_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """What the gateway spends on its peers."""

    package_bytes_max: int = 100_000_000
    held_bytes_max: int = 300_000_000  # bodies of all running requests together
    requests_per_address_max: int = 128  # half of the connections: a province that asks a hundred things at once
    body_idle_s: float = 15.0  # without one byte
    body_total_s: float = 300.0
    linger_s: float = 5.0  # reading on after an early answer, so that the answer is not lost in a reset
    connections_max: int = 256
    head_timeout_s: float = 10.0
    head_bytes_max: int = 16_384


class _BodyRefused(Exception):
    """The body is not read to its end."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class _Gone(Exception):
    """The client left before its request was whole."""


class GatewayServer:
    """Listens for packages of the configured peers."""

    def __init__(self, judge: Judge, writer: Writer, clock: Clock, limits: GatewayLimits | None = None) -> None:
        self._judge = judge
        self._writer = writer
        self._clock = clock
        self._limits = limits or GatewayLimits()
        self._held_bytes = 0
        self._requests: Counter[str] = Counter()

    async def run(self, network: Network, host: str, port: int) -> None:
        """Serve until cancelled. Raises OSError when the address is taken."""
        async with self.serving(network, host, port):
            await asyncio.get_running_loop().create_future()

    @contextlib.asynccontextmanager
    async def serving(self, network: Network, host: str, port: int) -> AsyncIterator[asyncio.Server]:
        """Serve while the block runs."""
        limits = self._limits
        service = HttpService(
            self,
            HttpLimits(
                connections_max=limits.connections_max,
                head_timeout_s=limits.head_timeout_s,
                head_bytes_max=limits.head_bytes_max,
            ),
        )

        def connection() -> asyncio.Protocol:
            return TolerantHead(cast(H11Protocol, service.protocol()), head_bytes_max=limits.head_bytes_max)

        server = await network.listen(connection, host, port)
        try:
            yield server
        finally:
            server.close()
            await service.finish(grace_s=2.0)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        if scope["type"] != "http":
            return
        if scope["method"] != "POST":
            await _plain(send, 405, b"POST a package (GD/J 083)\n")
            return
        address = str((scope.get("client") or ("unknown", 0))[0])
        self._requests[address] += 1
        try:
            await self._one(_headers(scope["headers"]), address, receive, send)
        except _Gone:
            return
        finally:
            self._requests[address] -= 1
            if not self._requests[address]:
                del self._requests[address]

    async def _one(self, headers: dict[str, str], address: str, receive: Receive, send: Send) -> None:
        try:
            self._check(headers, address)
            posted = await self._posted(headers, address, receive)
        except _BodyRefused as refused:
            answer = self._judge.refuse(refused.reason, refused.detail, address)
            await self._receipt(answer, send, None if "expect" in headers else receive)
            return
        size = len(posted.body)
        self._held_bytes += size
        try:
            answer = await self._judge.judge(posted)
        finally:
            self._held_bytes -= size
        await self._receipt(answer, send, None)

    def _check(self, headers: dict[str, str], address: str) -> None:
        limits = self._limits
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > limits.package_bytes_max:
            raise _BodyRefused("body-limit", f"{length[:20]} bytes, at most {limits.package_bytes_max}")
        if self._requests[address] > limits.requests_per_address_max:
            raise _BodyRefused("busy", f"more than {limits.requests_per_address_max} requests at once")

    async def _posted(self, headers: dict[str, str], address: str, receive: Receive) -> Posted:
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_total_s):
                async for chunk in self._chunks(receive):
                    chunks.append(chunk)
                    size += len(chunk)
                    self._held_bytes += len(chunk)
                    self._check_size(size)
        except TimeoutError:
            raise _BodyRefused("body-slow", f"{size} bytes came, then nothing in time") from None
        finally:
            self._held_bytes -= size
        arrived_s, arrived_at = self._clock.monotonic(), self._clock.wall()
        return Posted(headers.get("content-type", ""), b"".join(chunks), address, arrived_s, arrived_at)

    async def _chunks(self, receive: Receive) -> AsyncIterator[bytes]:
        more = True
        while more:
            async with asyncio.timeout(self._limits.body_idle_s):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            more = bool(message.get("more_body", False))
            yield bytes(message.get("body", b""))

    def _check_size(self, size: int) -> None:
        if size > self._limits.package_bytes_max:
            raise _BodyRefused("body-limit", f"more than {self._limits.package_bytes_max} bytes")
        if self._held_bytes > self._limits.held_bytes_max:
            raise _BodyRefused("busy", "too many bytes in other requests; send again later")

    async def _receipt(self, answer: Answer, send: Send, linger: Receive | None) -> None:
        peer, envelope = answer.peer, answer.envelope
        edition = peer.edition if peer else Edition.Y2018
        if envelope is not None and envelope.edition is Edition.Y2016:
            edition = Edition.Y2016  # the numbers that are told back have its lengths
        letter = self._writer.write(
            EbdResponse(answer.code, _printable(answer.desc)),
            edition,
            destination=peer.code if peer else envelope.source if envelope else None,
            related_ebd_id=(peer.number(envelope.ebd_id) if peer else envelope.ebd_id) if envelope else None,
            signed=answer.signed,
            naming=peer.naming if peer else None,
        )
        archive = self._writer.package(letter, edition, peer.profile if peer else FileProfile.XML)
        headers = [
            (b"Content-Type", b"application/x-tar"),
            (b"Content-Disposition", f'attachment; filename="{package_name(letter.written_id)}"'.encode()),
            (b"Content-Length", str(len(archive)).encode()),
            (b"Connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": archive, "more_body": True})
        if linger is not None:
            await self._read_on(linger)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _read_on(self, receive: Receive) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.linger_s):
                while (await receive()).get("more_body", False):
                    pass


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By lower-case name; of a repeated one the first counts."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def _printable(desc: str) -> str:
    """What XML and a log line can carry; the reason may quote the peer's own bytes."""
    return "".join(character if character.isprintable() else "?" for character in desc[:DESC_CHARACTERS_MAX])


async def _plain(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"Content-Type", b"text/plain"),
        (b"Content-Length", str(len(body)).encode()),
        (b"Connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
