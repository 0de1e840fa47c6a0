"""The link to an ordinary station's RDS encoder: UECP over a serial line or TCP, around alerts (rds-uecp.md B).

It tells car radios what the loudspeakers sound: PTY 31, TA and RadioText while an alert runs, the station's own signs
before and after. It is for transmitters whose subcarrier does not carry the emergency frames of GD/J 085. It reaches no
terminal: a command without members is announced and nothing is told about it; one with members is told as `Sent` once
the encoder knows everything, or as `NoAnswer`.

The link keeps what the encoder must know and what it is known to know; the difference is sent. So a line that was cut,
a lost frame or an encoder that was switched off are the same thing: the difference is there again.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from devices.link import (
    Command,
    EventSink,
    LinkCapabilities,
    LinkDown,
    LinkStatus,
    LinkUp,
    NoAnswer,
    OutboxFull,
    Path,
    Rejected,
    Sent,
    SetClock,
    Start,
    Stop,
    Verb,
)
from devices.ports import Ports
from devices.rds_dialogue import Dialogue, Turn
from devices.rds_station import ANNOUNCED, Station, first_of
from devices.roster import Device, Roster
from devices.serial_line import open_serial
from protocols.codes import AreaCode, EbmId, ResourceCode, covers
from protocols.uecp.control import Mode
from protocols.uecp.profile import PROFILES
from protocols.uecp.session import Session, Timing

MODES: Final = {"one_way": Mode.ONE_WAY, "requested": Mode.REQUESTED, "spontaneous": Mode.SPONTANEOUS}
TARGETS_MAX: Final = 65_535  # RDS names nobody; no frame of it has room to run out of
ARRIVED_BYTES_MAX: Final = 4096
TICK_S: Final = 1e-3  # a timer may fire a rounding error early; without a rest the loop would spin until it is due

OpenSerial = Callable[[Callable[[], "_Line"], str, int], Coroutine[Any, Any, "tuple[asyncio.Transport, _Line]"]]


@dataclass(frozen=True, slots=True)
class RdsEncoderConfig:
    """One [[links]] table of type `rds_encoder`."""

    name: str
    serial: str = ""
    """Device of the serial line, such as /dev/ttyS0; empty: TCP."""
    baud: int = 9600
    host: str = ""
    """Address of an encoder on TCP; empty: that of the transmitter in the inventory."""
    port: int = 5570
    transmitter: str = ""
    """Resource code of the station's transmitter. Only alerts that cover its whole area are announced then, because RDS
    reaches everybody who hears the carrier; empty: all alerts are. Never one that an `fm_transmitter` link drives."""
    profile: Literal["weak", "full"] = "weak"
    """weak: never answers, one element a frame, at most three groups ahead of the air (FMUSER and Pira family)."""
    mode: Literal["one_way", "requested", "spontaneous"] = "one_way"
    """Who speaks. One way: what was written counts as sent; otherwise only what the encoder acknowledged does."""
    site: int = 0
    encoder: int = 0
    ps: str = ""
    """The station's name; empty: it is never touched."""
    pty: int = 0
    tp: bool = False
    radio_text: str = ""
    """The station's own; empty: none."""
    alert_ps: str = ""
    alert_text: str = "EMERGENCY BROADCAST"
    """RadioText of an alert whose own text has characters that RDS lacks."""
    repeat_period_s: float = 60.0
    """Everything is told again this often, for an encoder that was switched off and on. 0: never."""
    ack_timeout_s: float = 2.0
    attempts: int = 3
    connect_timeout_s: float = 5.0
    reconnect_first_s: float = 0.5
    reconnect_last_s: float = 15.0
    unsent_bytes_max: int = 4096
    alerts_max: int = 64

    def __post_init__(self) -> None:
        """Raises LocalProtocolError for texts RDS cannot carry and a mode the encoder does not have; InvalidCode."""
        station_of(self)
        if self.transmitter:
            ResourceCode(self.transmitter)
        Session(PROFILES[self.profile], MODES[self.mode])

    @property
    def commands(self) -> bool:
        """False: it is no path to any terminal, so the planner does not count on it."""
        return False


def station_of(config: RdsEncoderConfig) -> Station:
    """The station's signs."""
    return Station(config.ps, config.pty, config.tp, config.radio_text, config.alert_ps, config.alert_text)


@dataclass(frozen=True, slots=True)
class _Promise:
    """A command that is told as sent once the encoder knows everything."""

    ebm_id: EbmId
    verb: Verb
    members: tuple[ResourceCode, ...]


class RdsEncoder:
    """The driver. See `devices.link.Link`."""

    def __init__(
        self,
        config: RdsEncoderConfig,
        ports: Ports,
        sink: EventSink,
        roster: Roster,
        open_line: OpenSerial = open_serial,
    ) -> None:
        self.name = config.name
        self.path = Path.FM
        self.capabilities = LinkCapabilities(returns=False, singles_out=False, targets_max=TARGETS_MAX)
        self._config = config
        self._ports = ports
        self._sink = sink
        self._open_line = open_line
        self._roster = roster
        self._station = station_of(config)
        self._dialogue = Dialogue(
            Session(
                PROFILES[config.profile],
                MODES[config.mode],
                site=config.site,
                encoder=config.encoder,
                timing=Timing(config.ack_timeout_s, config.attempts),
            ),
            config.repeat_period_s,
        )
        self._alerts: dict[EbmId, Start] = {}
        self._promises: deque[_Promise] = deque()
        self._changed = asyncio.Event()
        self._up = False
        self._down_reason = "not started"

    def status(self) -> LinkStatus:
        """What the link is doing now."""
        return LinkStatus(
            up=self._up,
            reason=self._down_reason,
            devices=int(self._up),
            outbox_depth=len(self._alerts),
            outbox_limit=self._config.alerts_max,
            dropped=0,
        )

    # ---- commands ----------------------------------------------------------------------------------------------

    def offer(self, command: Command) -> None:
        """Take a command and return at once. What is not announced here is told as `NoAnswer`. Raises OutboxFull."""
        self._expire()
        match command:
            case Start():
                self._start(command)
            case Stop():
                gone = list(self._alerts) if command.ebm_id == EbmId.EVERYTHING else [command.ebm_id]
                for ebm_id in gone:
                    self._alerts.pop(ebm_id, None)
                self._promise(_Promise(command.ebm_id, Verb.STOP, command.members))
            case SetClock():
                self._dialogue.clock_wanted = True
            case _:
                pass  # an encoder knows nothing of terminals
        self._changed.set()

    def _start(self, command: Start) -> None:
        promise = _Promise(command.ebm_id, Verb.START, command.members)
        if command.class_ not in ANNOUNCED:
            self._tell_unsent(promise, "a message of this class is not announced over ordinary RDS")
        elif command.end <= self._ports.clock.wall():
            self._tell_unsent(promise, "over before it was on air")
        elif not self._is_for_everybody(command):
            self._tell_unsent(promise, "it does not cover the whole area of the transmitter")
        elif len(self._alerts) >= self._config.alerts_max and command.ebm_id not in self._alerts:
            raise OutboxFull(f"{self.name}: {self._config.alerts_max} alerts run already")
        else:
            self._alerts[command.ebm_id] = command
            self._promise(promise)

    def _is_for_everybody(self, command: Start) -> bool:
        """RDS cannot be addressed, so an alert for a part of the transmitter's area would reach too many (I2)."""
        if not self._config.transmitter:
            return True
        area = ResourceCode(self._config.transmitter).area
        return any(covers(AreaCode(target.area), area) for target in command.targets)

    def _promise(self, promise: _Promise) -> None:
        while len(self._promises) >= 2 * self._config.alerts_max:
            self._tell_unsent(self._promises.popleft(), "the encoder is too slow")
        self._promises.append(promise)

    def _expire(self) -> None:
        """Nothing is announced from its end on (I3)."""
        now_s = self._ports.clock.wall()
        for ebm_id in [ebm_id for ebm_id, alert in self._alerts.items() if alert.end <= now_s]:
            del self._alerts[ebm_id]
            for promise in [p for p in self._promises if (p.ebm_id, p.verb) == (ebm_id, Verb.START)]:
                self._promises.remove(promise)
                self._tell_unsent(promise, "over before it was on air")

    # ---- the line ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the encoder told until cancelled; open the line again with back-off when it is gone."""
        wait_s = self._config.reconnect_first_s
        while True:
            line = await self._connect()
            if line is not None:
                wait_s = self._config.reconnect_first_s
                await self._serve(line)
            self._expire()
            await asyncio.sleep(wait_s * self._ports.random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, self._config.reconnect_last_s)

    async def _connect(self) -> _Line | None:
        config = self._config
        device: Device | None = self._roster.by_code(config.transmitter) if config.transmitter else None
        host, port = (config.host, config.port) if config.host or device is None else (device.host, device.port)
        where = config.serial or f"{host}:{port}"
        if not (config.serial or host):
            self._is_down("neither serial nor host is configured, and no transmitter of the inventory has an address")
            return None
        try:
            async with asyncio.timeout(config.connect_timeout_s):
                if config.serial:
                    _transport, line = await self._open_line(self._new_line, config.serial, config.baud)
                else:
                    _transport, line = await self._ports.network.connect(self._new_line, host, port)
        except TimeoutError:
            self._is_down(f"{where} did not answer")
        except OSError as error:
            self._is_down(f"{where}: {error}")
        else:
            return line
        return None

    def _new_line(self) -> _Line:
        return _Line(self._changed)

    async def _serve(self, line: _Line) -> None:
        self._dialogue.begin(self._ports.clock.monotonic())
        if not self._dialogue.answers:
            self._is_up()
        reason = "stopped"
        try:
            reason = await self._keep_told(line)
        finally:
            line.close()
            self._is_down(reason)

    async def _keep_told(self, line: _Line) -> str:
        """Until the line is of no use; why."""
        clock = self._ports.clock
        while line.lost is None:
            self._changed.clear()
            self._expire()
            wanted = self._station.look(first_of(self._alerts.values()))
            turn = self._dialogue.turn(wanted, line.take(), clock.monotonic(), clock.wall())
            line.write(turn.data)
            self._judge(turn)
            if line.unsent_bytes > self._config.unsent_bytes_max:
                return f"the encoder leaves {line.unsent_bytes} bytes unread"
            await self._pause(min(turn.wake_s - clock.monotonic(), self._next_end_s()))
        return line.lost

    def _judge(self, turn: Turn) -> None:
        """Tell what a turn of the dialogue says about the line and about the commands."""
        if turn.heard:
            self._is_up()
        for bad in turn.bad:
            self._sink(Rejected(self.name, bad.reason, self._config.serial or self._config.host, bad.detail))
        for why in turn.failures:
            while self._promises:
                self._tell_unsent(self._promises.popleft(), why)
        if turn.silent:
            self._is_down(turn.failures[-1])
        if turn.settled:
            while self._promises:
                promise = self._promises.popleft()
                if promise.members:  # nobody is waiting for word of a command that has none
                    self._sink(Sent(self.name, promise.ebm_id, promise.verb, 1, 0))

    async def _pause(self, seconds: float) -> None:
        """Until something changes, at most so long."""
        try:
            async with asyncio.timeout(None if seconds == math.inf else max(seconds, TICK_S)):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _next_end_s(self) -> float:
        """Seconds until the next alert ends."""
        ends = [alert.end for alert in self._alerts.values()]
        return min(ends) - self._ports.clock.wall() if ends else math.inf

    # ---- telling -----------------------------------------------------------------------------------------------

    def _tell_unsent(self, promise: _Promise, reason: str) -> None:
        for code in promise.members:
            self._sink(NoAnswer(self.name, code, promise.ebm_id, promise.verb, reason))

    def _is_up(self) -> None:
        if not self._up:
            self._up, self._down_reason = True, ""
            self._sink(LinkUp(self.name))

    def _is_down(self, reason: str) -> None:
        changed = self._up or self._down_reason != reason
        self._up, self._down_reason = False, reason
        if changed:
            self._sink(LinkDown(self.name, reason))


class _Line(asyncio.Protocol):
    """The serial line or TCP connection. What arrives waits here for the link, which takes all of it at once."""

    def __init__(self, changed: asyncio.Event) -> None:
        self.lost: str | None = None
        self._changed = changed
        self._arrived = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, by whomever."""
        self.lost = str(exc) if exc else "the encoder closed the line"
        self._changed.set()

    def data_received(self, data: bytes) -> None:
        """Keep it, up to a limit: so much between two turns is noise."""
        self._arrived += data[: ARRIVED_BYTES_MAX - len(self._arrived)]
        self._changed.set()

    @property
    def unsent_bytes(self) -> int:
        """What the line has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def take(self) -> bytes:
        """What arrived since the last time."""
        arrived = bytes(self._arrived)
        self._arrived.clear()
        return arrived

    def write(self, data: bytes) -> None:
        """Hand bytes over at once."""
        if self._transport is not None and data:
            self._transport.write(data)

    def close(self) -> None:
        """Hang up without waiting."""
        if self._transport is not None:
            self._transport.abort()
