"""What all connections of the adapter link share: who has been heard, whose signature is believed, who reports what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from devices.adapter_frames import BEIJING_S, Dialect, TimeBase
from devices.adapter_reports import Replies, ReportConnection, read_report
from devices.link import Connected, Disconnected, EventSink, Rejected
from devices.maintenance import Stranger
from devices.ports import Belief, Judged, Ports, Verify
from devices.roster import Device, DeviceKind, Roster
from devices.timer_wheel import TimerWheel
from protocols import adapter
from protocols.adapter import AdapterFrame, BadFrame
from protocols.codes import ResourceCode

if TYPE_CHECKING:
    from devices.adapter_tcp import AdapterTcpConfig

TIME_BASE_SLACK_S = 600
"""How near to eight hours a clock's error must be to mean the other time base."""


class AdapterDesk:
    """Takes the reports of adapters and keeps who is live."""

    def __init__(
        self,
        config: AdapterTcpConfig,
        dialect: Dialect,
        ports: Ports,
        sink: EventSink,
        roster: Roster,
        verify: Verify | None,
        spawn: Callable[[Callable[[], Coroutine[Any, Any, None]], str], object],
    ) -> None:
        """`spawn` starts a task of the link's."""
        self.link = config.name
        self._dialect = dialect
        self.table = adapter.TypeTable(config.type_table)
        self.frame_bytes_max = config.frame_bytes_max
        self.verify = verify
        self.tell = sink
        self._config = config
        self._ports = ports
        self._replies = Replies(ports, self.table)
        self._roster = roster
        self._seconds = dialect.seconds
        self._other_base: set[ResourceCode] = set()
        self._live: TimerWheel[ResourceCode] = TimerWheel(1.0, ports.clock.monotonic())
        self._connected: set[ResourceCode] = set()
        self._spawn = spawn
        self._dialled: set[ResourceCode] = set()
        self._open: set[ReportConnection] = set()
        self._idle: TimerWheel[ReportConnection] = TimerWheel(1.0, ports.clock.monotonic())

    @property
    def live(self) -> int:
        """Adapters heard within the last periods."""
        return len(self._connected)

    # ---- who lives -------------------------------------------------------------------------------------------------

    def heard(self, code: ResourceCode) -> None:
        """An adapter spoke."""
        period_s = self._config.heartbeat_s * self._config.heartbeats_missed_max
        self._live.set(code, self._ports.clock.monotonic() + period_s)
        if code not in self._connected:
            self._connected.add(code)
            self.tell(Connected(self.link, code))

    def unreachable(self, code: ResourceCode, reason: str) -> None:
        """No connection could be made to an adapter, however often tried."""
        self._live.drop(code)
        self._gone(code, reason)

    def sweep(self) -> None:
        """Once a second: who has missed its heartbeats, and which connections are forgotten."""
        now_s = self._ports.clock.monotonic()
        for code in self._live.due(now_s):
            self._gone(code, f"{self._config.heartbeats_missed_max} heartbeats missed")
        for connection in self._idle.due(now_s):
            connection.drop()

    def close_all(self) -> None:
        """The link stops."""
        for connection in list(self._open):
            connection.drop()

    def _gone(self, code: ResourceCode, reason: str) -> None:
        if code in self._connected:
            self._connected.discard(code)
            self.tell(Disconnected(self.link, code, reason))

    # ---- reports ---------------------------------------------------------------------------------------------------

    def opened(self, connection: ReportConnection) -> bool:
        """Take a connection, unless there are too many."""
        if len(self._open) >= self._config.report_connections_max:
            self.reject("too-many-connections", "?", f"{self._config.report_connections_max} report connections")
            return False
        self._open.add(connection)
        self._idle.set(connection, self._ports.clock.monotonic() + self._config.report_idle_s)
        return True

    def closed(self, connection: ReportConnection) -> None:
        """A connection is gone."""
        self._open.discard(connection)
        self._idle.drop(connection)

    def received(self, frame: AdapterFrame, peer: str) -> bytes | None:
        """A report of an adapter: tell it, and return the signed reply."""
        read = read_report(self.link, frame.message, self._ports.clock.wall(), self._replies, self._dialect)
        if read is None:
            self.reject("type", peer, f"type {frame.type:#04x} is no report of an adapter")
            return None
        front, event, reply = read
        device = self._roster.known(front)
        if device is None or device.kind is not DeviceKind.ADAPTER:
            self.tell(Stranger(self.link, front, "", peer))
            self.reject("unknown-device", peer, f"{front} is no adapter of the inventory")
            return None
        judged = self.judge(frame, peer)
        if judged.belief is Belief.NONE:
            return self._replies.sign(adapter.PlatformReply(code=adapter.ResultCode.SIGNATURE))
        if judged.belief is Belief.NEW:  # what came before is answered once more, and has no second effect (I11)
            self.heard(front)
            if isinstance(frame.message, adapter.AdapterHeartbeat):
                self._look_at_clock(front, frame.message.time, peer)
            self.tell(event)
        if self._config.reply_path == "dial" and isinstance(frame.message, adapter.AdapterHeartbeat):
            self._dial(device, reply())
            return None
        return reply()

    def _dial(self, device: Device, data: bytes) -> None:
        """A reply on a connection of our own; one to an adapter that is still being dialled is left out."""
        if device.code not in self._dialled:
            self._dialled.add(device.code)
            self._spawn(lambda: self._deliver(device, data), f"reply {device.code}")

    async def _deliver(self, device: Device, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                transport, _ = await self._ports.network.connect(asyncio.Protocol, device.host, device.port)
            transport.write(data)
            transport.close()
        except (OSError, TimeoutError) as error:
            self.reject("reply-path", f"{device.host}:{device.port}", f"{device.code} takes no reply: {error}")
        finally:
            self._dialled.discard(device.code)

    def _look_at_clock(self, front: ResourceCode, time: int, peer: str) -> None:
        """Eight hours off is no wrong clock but the other reading of annex A's "Beijing time"; told once."""
        off_s = time - self._seconds(self._ports.clock.wall())
        if abs(abs(off_s) - BEIJING_S) > TIME_BASE_SLACK_S:
            self._other_base.discard(front)
        elif front not in self._other_base:
            self._other_base.add(front)
            other = TimeBase.UTC if self._config.time_base == TimeBase.BEIJING else TimeBase.BEIJING
            self.reject("time-base", peer, f'the clock of {front} is {off_s:+d} s off; time_base = "{other}" suits it')

    def refused(self, bad: BadFrame, peer: str) -> None:
        """Bytes that are no frame."""
        self.reject(bad.reason, peer, bad.detail)

    def judge(self, frame: AdapterFrame, peer: str) -> Judged:
        """Unsigned frames where the configuration allows them; signed ones as far as they verify."""
        if frame.signature is None:
            if self._config.require_signature:
                self.reject("unsigned", peer, f"type {frame.type:#04x} without a signature")
            return Judged(Belief.NONE if self._config.require_signature else Belief.NEW)
        if self.verify is None:
            return Judged(Belief.NEW)
        judged = self.verify(frame.signed, frame.signature)
        if judged.belief in (Belief.NONE, Belief.COPY):
            reason = "signature" if judged.belief is Belief.NONE else "replay"
            self.reject(reason, peer, f"type {frame.type:#04x}: {judged.why}")
        return judged

    def reject(self, reason: str, peer: str, detail: str) -> None:
        """Something from outside was refused."""
        self.tell(Rejected(self.link, reason, peer, detail))
