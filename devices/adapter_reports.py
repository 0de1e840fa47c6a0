"""The listener on which adapters report: heartbeats, tasks begun and ended (GD/J 089 A.2, tables A.33-A.38)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from devices.adapter_frames import Dialect, state_of
from devices.link import Began, Ended, Event, Heartbeat
from devices.ports import Ports
from protocols import adapter
from protocols.adapter import AdapterFrame, BadFrame
from protocols.codes import EbmId, ResourceCode

SHARED_REPLY_S_MAX = 60.0
"""One signed reply serves all reports of its kind for that long: its content is always the same, and a hundred adapters
report the begin of a task at once."""


class ReportDesk(Protocol):
    """What a report connection needs of its link."""

    table: adapter.TypeTable
    frame_bytes_max: int

    def opened(self, connection: ReportConnection) -> bool:
        """Take the connection? False: too many."""

    def received(self, frame: AdapterFrame, peer: str) -> bytes | None:
        """Act on a report; returns the signed reply, or None where the sender gets none."""

    def refused(self, bad: BadFrame, peer: str) -> None:
        """Bytes that are no frame."""

    def closed(self, connection: ReportConnection) -> None:
        """The connection is gone."""


class ReportConnection(asyncio.Protocol):
    """One connection an adapter opened. It closes; we do so when it forgets to."""

    def __init__(self, desk: ReportDesk) -> None:
        self._desk = desk
        self._deframer = adapter.Deframer(desk.frame_bytes_max, desk.table)
        self._transport: asyncio.Transport | None = None
        self._peer = "?"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername")
        self._peer = f"{name[0]}:{name[1]}" if isinstance(name, tuple) and len(name) >= 2 else "?"
        if not self._desk.opened(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        self._hand_on(self._deframer.feed(data))

    def eof_received(self) -> bool:
        """asyncio: a sender may half-close after its frame and still read the reply."""
        self._hand_on(self._deframer.end())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._transport = None
        self._desk.closed(self)

    def drop(self) -> None:
        """It has been silent for too long; what is whole behind a frame that does not go on is still answered."""
        self._hand_on(self._deframer.end())
        if self._transport is not None:
            self._transport.abort()

    def _hand_on(self, items: list[AdapterFrame | BadFrame]) -> None:
        """Act on what is whole; a connection on which bytes went wrong is closed after that."""
        is_damaged = False
        for item in items:
            if isinstance(item, BadFrame):
                self._desk.refused(item, self._peer)
                is_damaged = True
                continue
            reply = self._desk.received(item, self._peer)
            if reply is not None and self._transport is not None and not self._transport.is_closing():
                self._transport.write(reply)
        if is_damaged and self._transport is not None:
            self._transport.close()


class Replies:
    """Signed replies of the platform."""

    def __init__(self, ports: Ports, table: adapter.TypeTable) -> None:
        self._ports = ports
        self._table = table
        self._made: dict[adapter.Message, tuple[bytes, float]] = {}

    def heartbeat_ok(self) -> bytes:
        """0x21, code 0."""
        return self._shared(adapter.PlatformReply())

    def task_ok(self, front: ResourceCode, ebm_id: EbmId) -> bytes:
        """0x22, result 0, and where a copy of the sound is wanted: most often nowhere."""
        to = self._ports.copy_to(front, ebm_id)
        return self._shared(adapter.TaskReply()) if to is None else self.sign(adapter.TaskReply(0, to.host, to.port))

    def sign(self, message: adapter.Message) -> bytes:
        """Any reply."""
        return adapter.encode(message, sign=self._ports.sign, table=self._table)

    def _shared(self, message: adapter.Message) -> bytes:
        now_s = self._ports.clock.monotonic()
        data, made_s = self._made.get(message, (b"", 0.0))
        if not data or now_s - made_s > SHARED_REPLY_S_MAX:
            data = self.sign(message)
            self._made[message] = data, now_s
        return data


CLOCK_MIN = 1_420_070_400
"""2015-01-01 UTC: a heartbeat's time below it is a device that has never been told one."""


def read_report(
    link: str, message: adapter.Message, now_utc_s: float, replies: Replies, dialect: Dialect
) -> tuple[ResourceCode, Event, Callable[[], bytes]] | None:
    """Who reports what, and the reply to it; None for a type that is no report."""
    match message:
        case adapter.AdapterHeartbeat(front=front, time=time):
            clock = dialect.utc(time) if time >= CLOCK_MIN else None
            return front, Heartbeat(link, front, "", state_of(message.state), False, clock), replies.heartbeat_ok
        case adapter.TaskBegan(front=front, ebm_id=ebm_id):
            return front, Began(link, front, ebm_id, int(now_utc_s)), lambda: replies.task_ok(front, ebm_id)
        case adapter.TaskEnded(front=front, ebm_id=ebm_id):
            return front, Ended(link, front, ebm_id, int(now_utc_s)), replies.heartbeat_ok
        case _:
            return None
