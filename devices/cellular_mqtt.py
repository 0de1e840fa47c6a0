"""The 3G/4G path over an MQTT 5 broker: FEFD frames in topics (terminal-ip.md section 4, `protocols.mqtt`).

A start is published once per area, not once per terminal; who stays silent is told again on its own topic. The broker
keeps nothing that this link relies on: what it had not acknowledged is published again after it came back, and so is
what nobody has answered. Commands are not retained and expire with their window, after a minute at the latest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

from devices.link import (
    Command,
    Connected,
    Disconnected,
    Event,
    EventSink,
    LinkCapabilities,
    LinkDown,
    LinkStatus,
    LinkUp,
    NoAnswer,
    Path,
    Rejected,
    Start,
    Stop,
)
from devices.maintenance import Configured, Firmware
from devices.mqtt_broker import BrokerGone, BrokerSession, Incoming, connect
from devices.mqtt_dialogue import Dialogue, Publication
from devices.outbox import Outbox
from devices.ports import Ports
from devices.roster import Roster
from devices.terminal_frames import verb_of
from devices.terminal_registry import own_code
from protocols import mqtt, terminal
from protocols.codes import ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError

PUBLISH_AT_ONCE_MAX = 100  # more unacknowledged publications are slower, not faster (measured)
IDLE_S = 3600.0
NO_EXTENSIONS = "extensions are not configured for this link"


@dataclass(frozen=True, slots=True)
class CellularMqttConfig:
    """One [[links]] table of type `cellular_mqtt`."""

    name: str
    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password: str = ""
    client_id: str = ""
    """Empty: made from `name`; two daemons on one broker need two."""
    source: str = ""
    """Our own resource code in commands; empty: the county adapter's."""
    keepalive_s: int = 60
    connect_timeout_s: float = 10.0
    answer_timeout_s: float = 5.0
    retries: int = 2
    reconnect_first_s: float = 1.0
    reconnect_last_s: float = 30.0
    outbox_max: int = 512
    unacknowledged_max: int = 20_000
    extensions: bool = False
    """True: firmware is ordered by 0xA1, which the standard does not have."""


Connect = Callable[[CellularMqttConfig], AbstractAsyncContextManager[BrokerSession]]


class CellularMqtt:
    """The driver. See `devices.link.Link`."""

    def __init__(
        self,
        config: CellularMqttConfig,
        ports: Ports,
        sink: EventSink,
        roster: Roster,
        *,
        connect: Connect = connect,
    ) -> None:
        self.name = config.name
        self.path = Path.MQTT
        self.capabilities = LinkCapabilities(returns=True, singles_out=True, targets_max=terminal.TARGETS_MAX)
        self._config = config
        self._ports = ports
        self._sink = sink
        self._connect = connect
        self._outbox: Outbox[None] = Outbox(config.name, config.outbox_max)
        self._wake = asyncio.Event()
        self._down_reason = "not started"
        self._online: set[ResourceCode] = set()
        self._roster = roster
        self._unacknowledged: deque[Publication] = deque()
        self._lost_publications = 0
        self._dialogue = Dialogue(
            config.name,
            own_code(config.source, roster),
            self._knows,
            ports.sign,
            # Seconds since 1970: ids go on increasing over a restart, and no late answer meets another question.
            first_session=int(ports.clock.wall()) & terminal.SESSION_MAX or 1,
            answer_timeout_s=config.answer_timeout_s,
            retries=config.retries,
        )

    async def run(self) -> None:
        """Stay connected and deliver until cancelled; back-off with jitter between tries."""
        wait_s = self._config.reconnect_first_s
        while True:
            try:
                async with (
                    asyncio.timeout(self._config.connect_timeout_s) as limit,
                    self._connect(self._config) as session,
                ):
                    await session.subscribe(mqtt.platform_subscriptions())
                    limit.reschedule(None)
                    wait_s = self._config.reconnect_first_s
                    await self._work(session)
            except (BrokerGone, TimeoutError) as error:
                self._gone(str(error) or "no answer from the broker")
            await asyncio.sleep(wait_s * self._ports.random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, self._config.reconnect_last_s)

    def offer(self, command: Command) -> None:
        """Queue a command and return at once. Raises OutboxFull."""
        if isinstance(command, Firmware) and not self._config.extensions:
            for code in command.members:
                self._tell(Configured(self.name, code, command.token, terminal.Result.NOT_SUPPORTED, NO_EXTENSIONS))
            return
        for start in self._outbox.offer(command, None):
            self._no_answer(start, start.members, "stopped")
        self._wake.set()

    def status(self) -> LinkStatus:
        """What the link is doing now."""
        return LinkStatus(
            up=not self._down_reason,
            reason=self._down_reason,
            devices=len(self._online),
            outbox_depth=len(self._outbox) + len(self._unacknowledged),
            outbox_limit=self._config.outbox_max,
            dropped=self._outbox.dropped + self._lost_publications,
        )

    def _knows(self, code: ResourceCode) -> bool:
        """Whether a device is one of ours on this path, now or lately."""
        return self._roster.carries(code, Path.MQTT)

    # ---- one connection --------------------------------------------------------------------------------------------

    async def _work(self, session: BrokerSession) -> None:
        """Read and write until the broker goes. Raises BrokerGone."""
        self._down_reason = ""
        self._tell(LinkUp(self.name))
        self._repeat(self._dialogue.again)
        self._wake.set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(session.receive(self._take), name=f"{self.name} read")
                group.create_task(self._write(session), name=f"{self.name} write")
        except* BrokerGone as gone:
            reasons = {str(error) for error in gone.exceptions}
            raise BrokerGone("; ".join(sorted(reasons))) from gone

    async def _write(self, session: BrokerSession) -> None:
        """Commands as they come, retries when they are due, and everything of both in publications."""
        while True:
            next_at_s = self._dialogue.next_at_s()
            wait_s = IDLE_S if next_at_s is None else max(0.0, next_at_s - self._ports.clock.monotonic())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            self._wake.clear()
            self._empty_outbox()
            self._repeat(self._dialogue.due)
            await self._publish(session)

    def _empty_outbox(self) -> None:
        while len(self._outbox):
            utc_s = self._ports.clock.wall()
            taken = self._outbox.take(utc_s)
            for start in taken.expired:
                self._no_answer(start, start.members, "window is over")
            if taken.order is None:
                continue
            command = taken.order.command
            try:
                publications, events = self._dialogue.begin(command, self._ports.clock.monotonic(), utc_s)
            except LocalProtocolError as error:
                self._no_answer(command, command.members, f"cannot be encoded: {error}")
                continue
            self._queue(publications)
            self._tell_all(events)

    def _repeat(self, source: Callable[[float, float], tuple[list[Publication], list[Event]]]) -> None:
        publications, events = source(self._ports.clock.monotonic(), self._ports.clock.wall())
        self._queue(publications)
        self._tell_all(events)

    def _queue(self, publications: list[Publication]) -> None:
        room = self._config.unacknowledged_max - len(self._unacknowledged)
        self._lost_publications += max(0, len(publications) - room)
        self._unacknowledged.extend(publications[:room])

    async def _publish(self, session: BrokerSession) -> None:
        """Everything queued, at most `PUBLISH_AT_ONCE_MAX` under way; what is not acknowledged stays queued."""
        while self._unacknowledged:
            batch = [self._unacknowledged.popleft() for _ in range(min(len(self._unacknowledged), PUBLISH_AT_ONCE_MAX))]
            done: set[int] = set()
            try:
                async with asyncio.TaskGroup() as group:
                    for index, publication in enumerate(batch):
                        group.create_task(self._publish_one(session, index, publication, done))
            except* BrokerGone as gone:
                raise BrokerGone(str(gone.exceptions[0])) from gone
            finally:
                self._unacknowledged.extendleft(p for i, p in reversed(list(enumerate(batch))) if i not in done)

    async def _publish_one(self, session: BrokerSession, index: int, publication: Publication, done: set[int]) -> None:
        utc_s = self._ports.clock.wall()
        if publication.end is None or publication.end > utc_s:
            expiry_s = mqtt.command_expiry_s(utc_s, publication.end)
            await session.publish(publication.topic, publication.payload, expiry_s)
        done.add(index)

    # ---- what comes in ---------------------------------------------------------------------------------------------

    def _take(self, message: Incoming) -> None:
        try:
            if message.topic.endswith(f"/{mqtt.Channel.STATUS}"):
                self._take_status(message)
            else:
                events = self._dialogue.take(message.topic, message.payload, message.content_type)
                if self._knows(ResourceCode(message.topic.split("/")[2])):
                    self._spoke(message.topic)
                self._tell_all(events)
        except RemoteProtocolError as error:
            self._tell(Rejected(self.name, error.reason, message.topic[: mqtt.TOPIC_CHARACTERS_MAX], error.detail))

    def _spoke(self, topic: str) -> None:
        """Who speaks is online, whatever became of its status: rumqttd keeps them, but tells a new subscriber only of
        a hundred."""
        written = topic.split("/")[2]
        if written not in self._online:
            code = ResourceCode(written)
            self._online.add(code)
            self._tell(Connected(self.name, code))

    def _take_status(self, message: Incoming) -> None:
        place = mqtt.parse_topic(message.topic)
        if not isinstance(place, mqtt.DeviceTopic) or not self._knows(place.code):
            raise RemoteProtocolError("unknown_device", f"{message.topic} is not in the inventory with this path")
        match mqtt.parse_status(message.payload):
            case mqtt.Status.ONLINE if place.code not in self._online:
                self._online.add(place.code)
                self._tell(Connected(self.name, place.code))
            case mqtt.Status.OFFLINE if place.code in self._online:
                self._online.discard(place.code)
                self._tell(Disconnected(self.name, place.code, "offline"))

    def _gone(self, reason: str) -> None:
        self._down_reason = reason
        self._tell(LinkDown(self.name, reason))
        for code in sorted(self._online):
            self._tell(Disconnected(self.name, code, "broker lost"))
        self._online.clear()

    def _no_answer(self, command: Command, codes: tuple[ResourceCode, ...], reason: str) -> None:
        verb = verb_of(command)
        if verb is None or not isinstance(command, Start | Stop):
            return
        for code in codes:
            self._tell(NoAnswer(self.name, code, command.ebm_id, verb, reason))

    def _tell_all(self, events: list[Event]) -> None:
        for event in events:
            self._sink(event)

    def _tell(self, event: Event) -> None:
        self._sink(event)
