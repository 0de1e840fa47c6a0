"""HTTP both ways: a listener that takes the county's packages, a client that posts ours and reads the receipt."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from protocols.ebd import Edition, ResultCode, build_request_body, decode, unpack
from protocols.ebd.messages import EbdResponse
from protocols.errors import RemoteProtocolError
from simulators.clock import Clock
from simulators.province_packages import Parcel

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
BODY_BYTES_MAX = 64 * 1024 * 1024
CHUNK_BYTES = 65_536
CONNECTIONS_MAX = 64
DRAIN_S = 1.0


class NoReceipt(Exception):
    """The county gave no receipt that can be read: the reason in a few words."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One package delivered. `posted_at` is wall time when its last byte had been handed over to the socket."""

    code: ResultCode
    desc: str
    receipt_id: str
    related_id: str | None
    posted_at: float
    took_s: float


class Poster:
    """Posts packages the way a strict province does: one connection each, Content-Length, file name last."""

    def __init__(
        self, url: str, clock: Clock, entropy: Callable[[int], bytes], edition: Edition = Edition.Y2018
    ) -> None:
        self._edition = edition
        self._url = url
        self._clock = clock
        self._entropy = entropy

    async def post(self, parcel: Parcel) -> Posted:
        """Deliver and wait for the receipt. Raises NoReceipt."""
        wrapped = build_request_body(parcel.archive, parcel.file_name, self._entropy(16).hex())
        finished: list[float] = []
        headers = {
            "Content-Type": wrapped.content_type,
            "Content-Length": str(len(wrapped.body)),
            "Accept": "text/plain, */*",
            "Connection": "close",
        }
        began = self._clock.monotonic()
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            async with httpx.AsyncClient(timeout=timeout, trust_env=False) as http:
                content = self._chunks(wrapped.body, finished)
                response = await http.post(self._url, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise NoReceipt(repr(error)) from None
        took_s = self._clock.monotonic() - began
        if response.status_code != httpx.codes.OK:
            raise NoReceipt(f"HTTP status {response.status_code}")
        try:
            document = decode(unpack(response.content).xml, edition=self._edition)
        except RemoteProtocolError as error:
            raise NoReceipt(f"{error.reason}: {error.detail}") from None
        if not isinstance(document.detail, EbdResponse):
            raise NoReceipt(f"answered with {document.envelope.ebd_type}")
        if document.envelope.edition is not self._edition:
            raise NoReceipt(f"answered with codes of the {document.envelope.edition} edition")
        told, envelope = document.detail, document.envelope
        return Posted(told.code, told.desc, envelope.ebd_id, envelope.related_ebd_id, finished[-1], took_s)

    async def _chunks(self, body: bytes, finished: list[float]) -> AsyncIterator[bytes]:
        for at in range(0, len(body), CHUNK_BYTES):
            yield body[at : at + CHUNK_BYTES]
        finished.append(self._clock.wall())  # asked for more: the last chunk is written


@dataclass(frozen=True, slots=True)
class Reply:
    """What the listener answers: an archive, or nothing but a status."""

    archive: bytes
    file_name: str
    status: int = 200


Take = Callable[[str, bytes], Reply]
"""Content-Type and body of a POST in, the answer out."""


@contextlib.asynccontextmanager
async def listening(take: Take, host: str, port: int) -> AsyncIterator[int]:
    """Accept packages on any path while the block runs; gives the port. Raises OSError when it is taken."""

    async def receive(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return Response(status_code=413, headers={"Connection": "close"})
        reply = take(request.headers.get("content-type", ""), bytes(body))
        if reply.status != 200:
            return Response(status_code=reply.status)
        disposition = {"Content-Disposition": f'attachment; filename="{reply.file_name}"'}
        return Response(reply.archive, media_type="application/x-tar", headers=disposition)

    app = Starlette(routes=[Route("/{path:path}", receive, methods=["POST"])])
    config = Config(
        app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, limit_concurrency=CONNECTIONS_MAX
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: H11Protocol(config, state, {}), host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if state.tasks:
            await asyncio.wait(list(state.tasks), timeout=DRAIN_S)
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
