"""What links to encoders of ordinary transmitters share: which alert is announced, and the line on which it is told.

Such an encoder cannot single anybody out and confirms nothing that was heard, so it is no path to a terminal: a command
without members is announced and nothing is told about it; one with members is told as `Sent` once the encoder knows
everything, or as `NoAnswer`.

The link keeps what the encoder must know and what it is known to know; the difference is sent. So a line that was cut,
a lost frame or an encoder that was switched off are the same thing: the difference is there again.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from devices.encoder_line import EncoderLine
from devices.link import (
    NOT_STARTED,
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
from protocols.codes import AreaCode, EbmId, ResourceCode, covers
from protocols.stream import BadFrame

TARGETS_MAX: Final = 65_535  # nobody is named; no frame has room to run out of
TICK_S: Final = 1e-3  # a timer may fire a rounding error early; without a rest the loop would spin until it is due

LookT = TypeVar("LookT")
WantedT = TypeVar("WantedT", contravariant=True)
OpenSerial = Callable[[Callable[[], EncoderLine], str, int], Coroutine[Any, Any, tuple[asyncio.Transport, EncoderLine]]]


@dataclass(slots=True)
class Turn:
    """What to write, and what was learnt. `settled`: the encoder knows all that is wanted; `heard`: it answered;
    `silent`: it did not, where it should have; `refused`: why it does not take something that is wanted. `wake_s`: when
    to take the next turn at the latest."""

    data: bytes = b""
    wake_s: float = math.inf
    settled: bool = False
    heard: bool = False
    silent: bool = False
    refused: str = ""
    failures: list[str] = field(default_factory=list)
    bad: list[BadFrame] = field(default_factory=list)


class Dialogue(Protocol[WantedT]):
    """Brings one encoder from what it knows to what it must know, one turn at a time."""

    clock_wanted: bool

    @property
    def answers(self) -> bool:
        """Whether the encoder is to answer."""

    def begin(self, now_s: float) -> None:
        """A line is open: nothing is known of what stands at its other end."""

    def turn(self, wanted: WantedT, arrived: bytes, now_s: float, utc_s: float) -> Turn:
        """Hear what arrived, then say what is next."""


class EncoderConfig(Protocol):
    """The keys that every table of such a link has."""

    @property
    def name(self) -> str: ...
    @property
    def serial(self) -> str: ...
    @property
    def baud(self) -> int: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def connect_timeout_s(self) -> float: ...
    @property
    def reconnect_first_s(self) -> float: ...
    @property
    def reconnect_last_s(self) -> float: ...
    @property
    def unsent_bytes_max(self) -> int: ...
    @property
    def alerts_max(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Announces(Generic[LookT]):
    """What is announced: alerts of these `classes`, as `look` makes of all that run what the encoder must know.

    `area`: only what covers all of it, because everybody who hears the carrier is reached (I2); None: every alert.
    `otherwise` says why other classes are not announced.
    """

    classes: Collection[int]
    look: Callable[[Collection[Start]], LookT]
    area: AreaCode | None
    otherwise: str


@dataclass(frozen=True, slots=True)
class _Promise:
    """A command that is told as sent once the encoder knows everything."""

    ebm_id: EbmId
    verb: Verb
    members: tuple[ResourceCode, ...]


class EncoderLink(Generic[LookT]):
    """The driver's common part. See `devices.link.Link`."""

    def __init__(
        self,
        config: EncoderConfig,
        ports: Ports,
        sink: EventSink,
        dialogue: Dialogue[LookT],
        announces: Announces[LookT],
        open_line: OpenSerial,
        address: Callable[[], tuple[str, int] | None] = lambda: None,
    ) -> None:
        """`address`: where the encoder listens now if the table names no host."""
        self.name = config.name
        self.path = Path.FM
        self.capabilities = LinkCapabilities(returns=False, singles_out=False, targets_max=TARGETS_MAX, asks=False)
        self._config = config
        self._ports = ports
        self._sink = sink
        self._open_line = open_line
        self._address = address
        self._announces = announces
        self._dialogue = dialogue
        self._alerts: dict[EbmId, Start] = {}
        self._promises: deque[_Promise] = deque()
        self._changed = asyncio.Event()
        self._up = False
        self._down_reason = NOT_STARTED

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
        if command.class_ not in self._announces.classes:
            self._tell_unsent(promise, self._announces.otherwise)
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
        """Nobody can be addressed, so an alert for a part of the area would reach too many (I2)."""
        area = self._announces.area
        return area is None or any(covers(AreaCode(target.area), area) for target in command.targets)

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

    async def _connect(self) -> EncoderLine | None:
        config = self._config
        host, port = (config.host, config.port) if config.host else self._address() or ("", config.port)
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

    def _new_line(self) -> EncoderLine:
        return EncoderLine(self._changed)

    async def _serve(self, line: EncoderLine) -> None:
        self._dialogue.begin(self._ports.clock.monotonic())
        if not self._dialogue.answers:
            self._is_up()
        reason = "stopped"
        try:
            reason = await self._keep_told(line)
        finally:
            line.close()
            self._is_down(reason)

    async def _keep_told(self, line: EncoderLine) -> str:
        """Until the line is of no use; why."""
        clock = self._ports.clock
        while line.lost is None:
            self._changed.clear()
            self._expire()
            wanted = self._announces.look(self._alerts.values())
            turn = self._dialogue.turn(wanted, line.take(), clock.monotonic(), clock.wall())
            line.write(turn.data)
            self._judge(turn)
            if line.unsent_bytes > self._config.unsent_bytes_max:
                return f"the encoder leaves {line.unsent_bytes} bytes unread"
            await self._pause(min(turn.wake_s - clock.monotonic(), self._next_end_s()))
        return line.lost

    def _judge(self, turn: Turn) -> None:
        """Tell what a turn of the dialogue says about the line and about the commands. A line whose encoder does not
        take what is wanted is down: announcements name no device that could be told as unanswered."""
        if turn.refused:
            self._is_down(turn.refused)
        elif turn.silent:
            self._is_down(turn.failures[-1])
        elif turn.heard or not self._dialogue.answers:
            self._is_up()
        for bad in turn.bad:
            self._sink(Rejected(self.name, bad.reason, self._config.serial or self._config.host, bad.detail))
        for why in turn.failures:
            while self._promises:
                self._tell_unsent(self._promises.popleft(), why)
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
