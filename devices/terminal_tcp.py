"""Listener for FEFD terminals on TCP: they dial, register, are commanded and report (GD/J 089 annexes D, E).

One start is encoded and signed once and the same bytes are written to every member's socket. A terminal that does not
read is dropped; nothing here waits for a single terminal (I6).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from devices.link import (
    NOT_STARTED,
    Command,
    Elsewhere,
    Event,
    EventSink,
    LinkCapabilities,
    LinkDown,
    LinkStatus,
    LinkUp,
    NoAnswer,
    Path,
    Start,
    Stop,
    Verb,
    nowhere_else,
)
from devices.maintenance import AskValues, Configure, Configured, Firmware
from devices.outbox import Outbox
from devices.ports import Ports
from devices.roster import DeviceKind, Roster
from devices.terminal_connection import Connection
from devices.terminal_frames import in_frames, message_of, refusal, token_of, verb_of
from devices.terminal_registry import TerminalRegistry
from devices.terminal_requests import Request, Requests
from protocols import terminal
from protocols.codes import EbmId, ResourceCode, matches
from protocols.errors import LocalProtocolError
from protocols.signature import FefdScope

WRITES_PER_TURN = 500
"""Sockets written to before the loop may do something else: some milliseconds."""
SWEEP_S = 1.0
SIGNATURE_AGE_S_MAX = 240.0
"""Bytes signed longer ago are not sent again: receivers believe a time for 300 s."""
RELISTEN_FIRST_S = 1.0
RELISTEN_LAST_S = 60.0


@dataclass(frozen=True, slots=True)
class TerminalTcpConfig:
    """One [[links]] table of type `terminal_tcp`."""

    name: str
    host: str = "127.0.0.1"
    port: int = 8890
    path: Path = Path.IP
    commands: bool = True
    """False: a listener for returns only; one socket may bring reports of many devices."""
    source: str = ""
    """Our own resource code in commands; empty: the platform's, or the county adapter's where nobody says so."""
    answer_timeout_s: float = 3.0
    repeats: int = 2
    late_answer_s: float = 60.0
    heartbeat_s: float = 15.0
    heartbeats_missed_max: int = 3
    first_frame_s: float = 10.0
    partial_frame_s: float = 5.0
    sign_scope: FefdScope = FefdScope.HEAD_BODY_TIME
    """What is signed: GD/J 089 D.2 and D.4 disagree."""
    frame_bytes_max: int = 8192
    unsent_bytes_max: int = 65536
    outbox_max: int = 512
    connections_max: int = 19_000
    bad_frames_max: int = 16
    strangers_max: int = 256
    """Devices outside the inventory that may wait on their sockets to be commissioned."""
    extensions: bool = False
    """True: firmware is ordered by 0xA1, which the standard does not have."""
    ack_returns: bool = False
    """Answer reports by header E, too; the servers seen do not."""
    sign_replies: bool = False
    """Sign answers by header D, too; header E has no room for a signature."""

    def __post_init__(self) -> None:
        tries_s = self.answer_timeout_s * (self.repeats + 1)
        if tries_s > SIGNATURE_AGE_S_MAX:
            raise ValueError(
                f"answer_timeout_s x (repeats + 1) is {tries_s:g} s; at most {SIGNATURE_AGE_S_MAX:g}, "
                "or the last repeat carries a signature too old to be believed"
            )


class TerminalTcp:
    """The driver. See `devices.link.Link`."""

    def __init__(self, config: TerminalTcpConfig, ports: Ports, sink: EventSink, roster: Roster) -> None:
        self.name = config.name
        self.path = Path(config.path)
        self.capabilities = LinkCapabilities(
            returns=True, singles_out=config.commands, targets_max=255, asks=config.commands
        )
        self._config = config
        self._ports = ports
        self._sink = sink
        self._roster = roster
        self._outbox: Outbox[None] = Outbox(config.name, config.outbox_max)
        self._wake = asyncio.Event()
        self._down_reason = NOT_STARTED
        # Seconds since 1970, so that ids go on increasing over a restart: a terminal answers a known id without acting.
        self._sessions = terminal.SessionCounter(int(ports.clock.wall()) & terminal.SESSION_MAX or 1)
        self._requests = Requests(
            answer_timeout_s=config.answer_timeout_s,
            repeats=config.repeats,
            late_answer_s=config.late_answer_s,
            wall=ports.clock.wall,
            unanswered=self._unanswered,
        )
        self._registry = TerminalRegistry(config, ports, sink, roster, self._requests, self._sessions)
        self.elsewhere: Elsewhere = nowhere_else

    @property
    def port(self) -> int:
        """The configured port."""
        return self._config.port

    def holds(self, code: ResourceCode) -> bool:
        """Whether the device is connected here."""
        return code in self._registry.bound

    async def run(self) -> None:
        """Listen and deliver until cancelled."""
        wait_s = RELISTEN_FIRST_S
        while True:
            try:
                server = await self._ports.network.listen(
                    lambda: Connection(self._registry), self._config.host, self._config.port
                )
            except OSError as error:
                self._down_reason = f"cannot listen on {self._config.host}:{self._config.port}: {error}"
                self._tell(LinkDown(self.name, self._down_reason))
                await asyncio.sleep(wait_s * self._ports.random.uniform(0.9, 1.1))
                wait_s = min(wait_s * 2, RELISTEN_LAST_S)
                continue
            break
        self._down_reason = ""
        self._tell(LinkUp(self.name))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._deliver(), name=f"{self.name} deliver")
                group.create_task(self._sweep(), name=f"{self.name} sweep")
        finally:
            self._down_reason = "stopped"
            server.close()
            self._requests.close()
            self._registry.close_all("link stopped")

    def offer(self, command: Command) -> None:
        """Queue a command and return at once. Raises OutboxFull."""
        why = refusal(command, extensions=self._config.extensions)
        if why and isinstance(command, Configure | Firmware):
            for code in command.members:
                if not (self._is_adapter(code) or self.elsewhere(code)):
                    self._tell(Configured(self.name, code, command.token, terminal.Result.NOT_SUPPORTED, why))
            return
        for start in self._outbox.offer(command, None):
            self._no_answer(start, start.members, "stopped")
        self._wake.set()

    def _is_adapter(self, code: ResourceCode) -> bool:
        """Adapters share a path with the terminals behind them, and are another link's to answer for."""
        device = self._roster.known(code)
        return device is not None and device.kind is DeviceKind.ADAPTER

    def status(self) -> LinkStatus:
        """What the listener is doing now."""
        return LinkStatus(
            up=not self._down_reason,
            reason=self._down_reason,
            devices=self._registry.devices,
            outbox_depth=len(self._outbox),
            outbox_limit=self._config.outbox_max,
            dropped=self._outbox.dropped,
        )

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._registry.sweep()

    async def _deliver(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while len(self._outbox):
                taken = self._outbox.take(self._ports.clock.wall())
                for start in taken.expired:
                    self._no_answer(start, start.members, "expired")
                if taken.order is not None:
                    await self._send(taken.order.command)

    async def _send(self, command: Command) -> None:
        """Write one command to every member that is connected; tell of those that are not."""
        if isinstance(command, Stop):
            self._requests.withdraw(command.ebm_id, command.members)
        try:
            portions = self._requests_for(command)
        except LocalProtocolError as error:
            self._no_answer(command, command.members, f"cannot be encoded: {error}")
            return
        for at in range(0, len(command.members), WRITES_PER_TURN):
            for code in command.members[at : at + WRITES_PER_TURN]:
                self._write(command, portions, code)
            await asyncio.sleep(0)
        for _, request in portions:
            self._requests.written(request)

    def _requests_for(self, command: Command) -> list[tuple[tuple[ResourceCode, ...], Request]]:
        """The command as signed frames, each with the targets it holds. Raises LocalProtocolError."""
        message = message_of(command, self._ports.clock.wall())
        targets = command.targets if isinstance(command, Start | Stop) else command.members
        made = []
        for portion in in_frames(targets, self.capabilities.targets_max):
            session = self._sessions.take()
            frame = terminal.request(
                terminal.Header.D, session, self._registry.source, portion, message, extensions=self._config.extensions
            )
            data = terminal.encode(frame, sign=self._ports.sign)
            ebm_id = command.ebm_id if isinstance(command, Start | Stop) else None
            not_after = float(command.end) if isinstance(command, Start) else float("inf")
            verb, token = verb_of(command), token_of(command)
            made.append((portion, Request(session, message.type, data, ebm_id, verb, not_after, token)))
        for _, request in made:
            self._requests.open(request)
        return made

    def _write(
        self, command: Command, portions: list[tuple[tuple[ResourceCode, ...], Request]], code: ResourceCode
    ) -> None:
        connection = self._registry.bound.get(code)
        if isinstance(command, Configure | AskValues) and command.phys:
            connection = self._registry.strangers.get(command.phys)
        if connection is None:
            if not self.elsewhere(code):
                self._no_answer(command, (code,), "not connected")
            return
        request = portions[0][1]
        if len(portions) > 1:
            request = next((r for targets, r in portions if any(matches(t, code) for t in targets)), request)
        if connection.write(request.frame):
            request.waiting[connection] = code
        else:
            self._no_answer(command, (code,), connection.reason)

    def _unanswered(self, request: Request, code: ResourceCode, reason: str) -> None:
        if request.ebm_id is not None and request.verb is not None:
            self._tell(NoAnswer(self.name, code, request.ebm_id, request.verb, reason))

    def _no_answer(self, command: Command, codes: tuple[ResourceCode, ...], reason: str) -> None:
        ebm_id, verb = _asked(command)
        if ebm_id is not None and verb is not None:
            for code in codes:
                self._tell(NoAnswer(self.name, code, ebm_id, verb, reason))

    def _tell(self, event: Event) -> None:
        self._sink(event)


def _asked(command: Command) -> tuple[EbmId | None, Verb | None]:
    return (command.ebm_id if isinstance(command, Start | Stop) else None), verb_of(command)
