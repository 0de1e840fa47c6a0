"""Link to head-end adapters: short connections out for commands, a listener for their reports (GD/J 089 annex A).

Each adapter has its own outbox and its own tasks; those that failed last time share fewer places, so that dead ones
never keep live ones waiting (I6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from devices.adapter_desk import AdapterDesk
from devices.adapter_exchange import Address, Patience
from devices.adapter_frames import TARGETS_MAX, Dialect, Parcel, TimeBase, asked
from devices.adapter_line import AdapterLine, Lanes
from devices.adapter_push import Pusher
from devices.adapter_reports import ReportConnection
from devices.adapter_settings import refusal
from devices.link import (
    NOT_STARTED,
    Command,
    Elsewhere,
    EventSink,
    LinkCapabilities,
    LinkDown,
    LinkStatus,
    LinkUp,
    NoAnswer,
    OutboxFull,
    Path,
    Start,
    Stop,
    nowhere_else,
)
from devices.maintenance import PORT_MAX, AskValues, Configure, Configured, Firmware, HostPort
from devices.outbox import narrowed
from devices.ports import Ports, Verify
from devices.push_address import PushRule
from devices.roster import DeviceKind, Roster
from protocols import adapter, rtp
from protocols.codes import ResourceCode

SWEEP_S = 1.0
NO_SUCH_SETTING = 3
"""What an adapter would answer: a conflict (GD/J 089 table A.26)."""
DATAGRAM_BYTES_MIN = 548
"""What every host takes (RFC 1122: 576 with its heads); shorter ones would not keep up with 320 kbit/s."""
RELISTEN_FIRST_S = 1.0
RELISTEN_LAST_S = 60.0


@dataclass(frozen=True, slots=True)
class AdapterTcpConfig:
    """One [[links]] table of type `adapter_tcp`."""

    name: str
    adapters: tuple[str, ...] = ()
    """Resource codes of the adapters that this link speaks to; none: all that no other link names."""
    report_host: str = "127.0.0.1"
    report_port: int = 8099
    connect_timeout_s: float = 3.0
    answer_timeout_s: float = 5.0
    repeats: int = 2
    late_answer_s: float = 60.0
    heartbeat_s: float = 60.0
    heartbeats_missed_max: int = 3
    report_idle_s: float = 10.0
    resign_after_s: float = 240.0
    """A frame older than this is signed again; the receivers' window is 300 s."""
    records_back_s: float = 86_400.0
    outbox_max: int = 64
    """Commands that wait for one adapter."""
    exchanges_max: int = 2048
    slow_exchanges_max: int = 256
    """Of these, how many may go to adapters whose last exchange failed."""
    report_connections_max: int = 4096
    frame_bytes_max: int = 262_144
    require_signature: bool = False
    """False: zeros in place of an adapter's signature are accepted, as boxes send them. Others are verified always."""
    time_base: TimeBase = TimeBase.UTC
    type_table: adapter.TypeTable = adapter.TypeTable.A4
    outputs: tuple[int, ...] = ()
    """Output channels named in a start; none: the adapter's own choice."""
    reply_path: Literal["same", "dial"] = "same"
    """Where a heartbeat's reply goes: back on its connection, or to where the adapter listens, as one maker wants."""
    returns_to: str = ""
    """host:port under which adapters and the terminals behind them reach our listener for returns; it is written into
    0x08. Empty: terminals behind adapters are not asked for what they are set to."""
    whitelist_name_encoding: Literal["utf-8", "gb18030", "gbk", "gb2312"] = "utf-8"
    """Of names in 0x0C: the text says UTF-8; boxes are known that read GB 18030 and its forerunners."""
    sound: Literal["pull", "push"] = "pull"
    """How adapters get the sound: they fetch it, or it is streamed to the address that they answer with."""
    aux_push_type: int = adapter.AUX_PUSH
    """Type of auxiliary data that asks for that address; table A.32 has 0x62."""
    push_allowed: tuple[str, ...] = ()
    """Networks (CIDR) streamed to although they are this machine itself, groups or reserved."""
    push_port_min: int = 1024
    push_port_max: int = PORT_MAX
    push_streams_max: int = 1024
    push_datagram_bytes_max: int = 1400

    def __post_init__(self) -> None:
        if self.returns_to:
            HostPort.parse(self.returns_to)
        for code in self.adapters:
            ResourceCode(code)
        PushRule.of(self.push_port_min, self.push_port_max, self.push_allowed)
        for key, value, least, most in (
            ("aux_push_type", self.aux_push_type, 1, 255),
            ("push_port_min", self.push_port_min, 1, self.push_port_max),
            ("push_port_max", self.push_port_max, 1, PORT_MAX),
            ("push_datagram_bytes_max", self.push_datagram_bytes_max, DATAGRAM_BYTES_MIN, rtp.DATAGRAM_BYTES_MAX),
        ):
            if not least <= value <= most:
                raise ValueError(f"{key} is {value}; {least} to {most} are possible")


class AdapterTcp:
    """The driver. See `devices.link.Link`."""

    def __init__(
        self,
        config: AdapterTcpConfig,
        ports: Ports,
        sink: EventSink,
        roster: Roster,
        verify: Verify | None = None,
    ) -> None:
        self.name = config.name
        self.path = Path.ADAPTER
        self.capabilities = LinkCapabilities(
            returns=True,
            singles_out=True,
            targets_max=TARGETS_MAX,
            asks=bool(config.returns_to),
            streams=config.sound == "push",
        )
        self._config = config
        self._ports = ports
        self._sink = sink
        self._down_reason = NOT_STARTED
        self._group: asyncio.TaskGroup | None = None
        self._dialect = Dialect(
            TimeBase(config.time_base),
            adapter.TypeTable(config.type_table),
            config.outputs,
            config.records_back_s,
            max(1, round(config.heartbeat_s)),
            HostPort.parse(config.returns_to) if config.returns_to else None,
            config.whitelist_name_encoding,
            config.aux_push_type if config.sound == "push" else None,
        )
        self._desk = AdapterDesk(config, self._dialect, ports, sink, roster, verify or ports.verify, self._spawn)
        self._patience = Patience(
            config.connect_timeout_s,
            config.answer_timeout_s,
            config.late_answer_s,
            config.repeats,
            config.frame_bytes_max,
        )
        self._lanes = Lanes(config.exchanges_max, config.slow_exchanges_max)
        self._roster = roster
        self.named = frozenset(ResourceCode(code) for code in config.adapters)
        self.elsewhere: Elsewhere = nowhere_else
        self._lines: dict[ResourceCode, AdapterLine] = {}
        self._pusher = Pusher(
            config.name,
            PushRule.of(config.push_port_min, config.push_port_max, config.push_allowed),
            config.push_streams_max,
            config.push_datagram_bytes_max,
            config.connect_timeout_s,
            ports,
            sink,
            self._spawn,
        )

    @property
    def verify(self) -> Verify | None:
        """Judges the signatures of adapters; None believes them."""
        return self._desk.verify

    @verify.setter
    def verify(self, verify: Verify | None) -> None:
        self._desk.verify = verify

    async def run(self) -> None:
        """Listen and deliver until cancelled."""
        server = await self._listen()
        self._down_reason = ""
        self._sink(LinkUp(self.name))
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for line in self._lines.values():
                    line.wake()
                self._pusher.resume()
                try:
                    await self._sweep()
                finally:
                    self._group = None  # before the others end: what is told meanwhile starts nothing more
        finally:
            self._down_reason = "stopped"
            server.close()
            self._pusher.close()
            self._desk.close_all()
            for line in self._lines.values():
                line.close()

    def offer(self, command: Command) -> None:
        """Queue a command for each of its members that this link serves and return at once. A member whose outbox is
        full gets `NoAnswer` instead of a place; the others are not concerned."""
        members = tuple(code for code in command.members if self._serves(code))
        if isinstance(command, Firmware) or (isinstance(command, AskValues) and self._cannot_ask(command)):
            return  # annex A has no firmware
        if isinstance(command, Configure) and (why := self._refusal(command)):
            for code in members:
                self._sink(Configured(self.name, code, command.token, NO_SUCH_SETTING, why))
            return
        parcel = Parcel(command, self._dialect, self._ports, self._config.resign_after_s)
        for code in members:
            if isinstance(command, Stop):
                self._pusher.stop(command, code)
            line = self._line(code)
            if line is None:
                self._no_answer(command, code, "unknown adapter")
                continue
            try:
                line.offer(narrowed(command, code), parcel)
            except OutboxFull as full:
                self._no_answer(command, code, str(full))
                continue
            if isinstance(command, Start) and self._dialect.pushes(command):
                self._pusher.order(command, code)

    def _refusal(self, command: Configure) -> str:
        return refusal(command, self._dialect.heartbeat_s, self._dialect.whitelist_name_encoding)

    def _serves(self, code: ResourceCode) -> bool:
        return code in self.named if self.named else not self.elsewhere(code)

    def _cannot_ask(self, command: AskValues) -> bool:
        return bool(command.targets) and self._dialect.returns_to is None

    def status(self) -> LinkStatus:
        """What the link is doing now. `outbox_limit` is what all adapters together may queue."""
        return LinkStatus(
            up=not self._down_reason,
            reason=self._down_reason,
            devices=self._desk.live,
            outbox_depth=sum(line.depth for line in self._lines.values()),
            outbox_limit=self._config.outbox_max * len(self._roster.adapters),
            dropped=sum(line.dropped for line in self._lines.values()),
            streaming=self._pusher.figures,
        )

    def _line(self, code: ResourceCode) -> AdapterLine | None:
        """The line of an adapter, at the address that the inventory has now; None for no adapter of ours."""
        device = self._roster.known(code)
        if device is None or device.kind is not DeviceKind.ADAPTER:
            return None
        line = self._lines.get(code)
        if line is None:
            line = self._lines[code] = AdapterLine(
                Address(code, device.host, device.port),
                self._ports,
                self._patience,
                self._lanes,
                self._desk,
                self._pusher,
                self._config.outbox_max,
                self._spawn,
            )
        line.move(device.host, device.port)
        return line

    async def _listen(self) -> asyncio.Server:
        wait_s = RELISTEN_FIRST_S
        host, port = self._config.report_host, self._config.report_port
        while True:
            try:
                return await self._ports.network.listen(lambda: ReportConnection(self._desk), host, port)
            except OSError as error:
                self._down_reason = f"cannot listen on {host}:{port}: {error}"
                self._sink(LinkDown(self.name, self._down_reason))
                await asyncio.sleep(wait_s * self._ports.random.uniform(0.9, 1.1))
                wait_s = min(wait_s * 2, RELISTEN_LAST_S)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._desk.sweep()
            self._pusher.sweep()
            for code in [c for c, line in self._lines.items() if self._roster.known(c) is None and line.is_idle]:
                del self._lines[code]

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None] | None:
        """Start a line's task; None while the link is not running."""
        return None if self._group is None else self._group.create_task(work(), name=name)

    def _no_answer(self, command: Command, code: ResourceCode, reason: str) -> None:
        to = asked(command)
        if to is not None:
            self._sink(NoAnswer(self.name, code, *to, reason))
