"""HTTP on connections of our own: an ASGI application as an asyncio Protocol factory.

uvicorn's own server would install signal handlers and tick ten times a second; here its protocol class is used alone,
so that one loop can carry several listeners and every socket comes through a door the composition root gave.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from devices.ports import Network

_PEER = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
PEER_UID = "peer_uid"
"""Key in the ASGI scope's `state`: the user id at the other end of a unix socket, None elsewhere."""


class SocketTaken(OSError):
    """A live process already listens on the unix socket."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one listener spends on its peers."""

    connections_max: int = 128  # one more takes the place of the oldest without a request, or is answered 503
    head_timeout_s: float = 10.0  # from connecting to the end of the request's head
    keep_alive_s: float = 15.0
    head_bytes_max: int = 16_384


class _Connection(H11Protocol):
    """One HTTP connection. Adds the peer's user id and a deadline for the first request's head."""

    def __init__(self, config: Config, server: ServerState, limits: HttpLimits) -> None:
        super().__init__(config=config, server_state=server, app_state={})
        self._limits = limits
        self._head_deadline: asyncio.TimerHandle | None = None
        self._made_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._made_s = self.loop.time()
        if len(self.connections) >= self._limits.connections_max:
            self._make_room()
        self.app_state = {PEER_UID: _peer_uid(transport.get_extra_info("socket"))}
        super().connection_made(transport)
        self._head_deadline = self.loop.call_later(self._limits.head_timeout_s, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
        self._unset_keepalive_if_required()  # uvicorn leaves the timer behind when the peer resets
        super().connection_lost(exc)

    @property
    def _asks_nothing(self) -> bool:
        """Whether no request is being read whole or answered here."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        """Sockets that only stand open keep nobody out who has something to say (I6)."""
        others = (each for each in self.connections if isinstance(each, _Connection))
        idle = [each for each in others if each._asks_nothing and not each.transport.is_closing()]
        if idle:
            oldest = min(idle, key=lambda each: each._made_s)
            oldest.transport.abort()
            self.connections.discard(oldest)  # uvloop tells it later than the first bytes of who takes its place

    def _head_is_late(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()


def _peer_uid(peer: Any) -> int | None:
    """SO_PEERCRED of a unix socket (Linux), else None."""
    if peer is None or peer.family != socket.AF_UNIX:
        return None
    _pid, uid, _gid = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)


class HttpService:
    """One application on any number of listeners; `protocol` is the factory to listen with."""

    def __init__(self, app: Any, limits: HttpLimits | None = None) -> None:
        self._limits = limits or HttpLimits()
        self._server = ServerState()
        self._config = Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            limit_concurrency=self._limits.connections_max + 1,  # uvicorn counts the connection that asks
            timeout_keep_alive=int(self._limits.keep_alive_s),
            h11_max_incomplete_event_size=self._limits.head_bytes_max,
        )
        self._config.load()

    def protocol(self) -> asyncio.Protocol:
        """A new connection's protocol."""
        return _Connection(self._config, self._server, self._limits)

    async def finish(self, *, grace_s: float) -> None:
        """Close idle connections, give running requests `grace_s`, then cut what is left."""
        for connection in list(self._server.connections):
            connection.shutdown()
        if self._server.tasks:
            _done, late = await asyncio.wait(list(self._server.tasks), timeout=grace_s)
            for task in late:
                task.cancel()
        for connection in list(self._server.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)  # lets the transports tell their protocols


@contextlib.asynccontextmanager
async def on_tcp(
    app: Any, network: Network, host: str, port: int, limits: HttpLimits | None = None, *, grace_s: float = 2.0
) -> AsyncIterator[asyncio.Server]:
    """Serve `app` on a TCP address while the block runs. Raises OSError when the address is taken."""
    service = HttpService(app, limits)
    server = await network.listen(service.protocol, host, port)
    try:
        yield server
    finally:
        server.close()
        await service.finish(grace_s=grace_s)


@contextlib.asynccontextmanager
async def on_unix_socket(
    app: Any, path: Path, limits: HttpLimits | None = None, *, mode: int = 0o660, grace_s: float = 2.0
) -> AsyncIterator[asyncio.Server]:
    """Serve `app` on a unix socket while the block runs; `mode` is who may open it.

    A socket file that a dead process left is replaced; raises `SocketTaken` when its owner lives.
    """
    service = HttpService(app, limits)
    server = await asyncio.get_running_loop().create_unix_server(service.protocol, sock=_bind(path, mode))
    try:
        yield server
    finally:
        server.close()
        await service.finish(grace_s=grace_s)
        _forget(path)


def _bind(path: Path, mode: int) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        if path.is_socket() and _is_answered(path):
            raise SocketTaken(f"{path}: another ebcd answers there; stop it or set [api] socket to another path")
        if path.is_socket():
            path.unlink()
        listener.bind(str(path))
        path.chmod(mode)  # before anybody can connect: the loop has not called listen() yet
    except OSError:
        listener.close()
        raise
    return listener


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
