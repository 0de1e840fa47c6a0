"""The 3G/4G path over an MQTT 5 broker, in the words of a profile (terminal-ip.md section 4, `protocols.mqtt`).

In our own profiles a start is published once per area, not once per terminal; who stays silent is told again on its own
topic (`devices.mqtt_dialogue`). A vendor's terminals are told one by one (`devices.mqtt_vendor`). The broker keeps
nothing that this link relies on: what it had not acknowledged is published again after it came back, and so is what
nobody has answered. Commands are not retained and expire with their window, after a minute at the latest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

from devices import mqtt_profiles
from devices.cancellation import obey_cancellation
from devices.link import (
    NOT_STARTED,
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
from devices.maintenance import Configured
from devices.mqtt_broker import BrokerGone, BrokerSession, connect
from devices.mqtt_conversation import Conversation, Publication, Served
from devices.mqtt_dialogue import Dialogue
from devices.mqtt_vendor import VendorDialogue
from devices.outbox import Outbox
from devices.ports import Ports
from devices.roster import Roster
from devices.terminal_frames import refusal, token_of, verb_of
from devices.terminal_registry import own_code
from protocols import mqtt, terminal
from protocols.codes import EbmId, ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.mqtt import Envelope, Profile
from protocols.signature import FefdScope

PUBLISH_AT_ONCE_MAX = 100  # more unacknowledged publications are slower, not faster (measured)
IDLE_S = 3600.0


@dataclass(frozen=True, slots=True)
class CellularMqttConfig:
    """One [[links]] table of type `cellular_mqtt`."""

    name: str
    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password: str = ""
    profile: str = "ebcd"
    """Which words: ebcd, ebcd-json, p6, mw, or the path of a file of one's own."""
    client_id: str = ""
    """Empty: made from `name`; two daemons on one broker need two."""
    source: str = ""
    """Our own resource code in commands; empty: the county adapter's."""
    sign_scope: FefdScope = FefdScope.HEAD_BODY_TIME
    """What is signed: GD/J 089 D.2 and D.4 disagree."""
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


def _conversation(config: CellularMqttConfig, profile: Profile, ports: Ports, served: Served) -> Conversation:
    """The one that speaks this profile. Numbers of commands go on increasing over a restart, since they begin with the
    seconds since 1970: no late answer meets another question."""
    first = int(ports.clock.wall()) & terminal.SESSION_MAX or 1
    if profile.envelope is Envelope.JSON:
        return VendorDialogue(
            config.name,
            profile,
            served,
            ports.excused,
            first_seq=first,
            answer_timeout_s=config.answer_timeout_s,
            retries=config.retries,
        )
    return Dialogue(
        config.name,
        profile,
        own_code(config.source, served.roster),
        served,
        ports.sign,
        first_session=first,
        answer_timeout_s=config.answer_timeout_s,
        retries=config.retries,
    )


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
        profile = mqtt_profiles.load(config.profile)
        self.capabilities = LinkCapabilities(
            returns=True,
            singles_out=True,
            targets_max=terminal.TARGETS_MAX,
            ends_itself=profile.ends_itself,
            asks=profile.asks,
        )
        self._config = config
        self._ports = ports
        self._sink = sink
        self._connect = connect
        self._outbox: Outbox[None] = Outbox(config.name, config.outbox_max)
        self._wake = asyncio.Event()
        self._down_reason = NOT_STARTED
        self._online: set[ResourceCode] = set()
        self._unacknowledged: deque[Publication] = deque()
        self._lost_publications = 0
        self._content_type = profile.content_type
        self._served = Served(config.name, roster)
        self._dialogue = _conversation(config, profile, ports, self._served)

    async def run(self) -> None:
        """Stay connected and deliver until cancelled; back-off with jitter between tries."""
        wait_s = self._config.reconnect_first_s
        while True:
            try:
                async with (
                    asyncio.timeout(self._config.connect_timeout_s) as limit,
                    self._connect(self._config) as session,
                ):
                    await session.subscribe(self._dialogue.subscriptions)
                    obey_cancellation()
                    limit.reschedule(None)
                    wait_s = self._config.reconnect_first_s
                    await self._work(session)
            except (BrokerGone, TimeoutError) as error:
                self._gone(str(error) or "no answer from the broker")
            obey_cancellation()
            await asyncio.sleep(wait_s * self._ports.random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, self._config.reconnect_last_s)

    def offer(self, command: Command) -> None:
        """Queue a command and return at once. Raises OutboxFull."""
        if why := refusal(command, extensions=self._config.extensions):
            self._refuse(command, why)
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

    # ---- one connection --------------------------------------------------------------------------------------------

    async def _work(self, session: BrokerSession) -> None:
        """Read and write until the broker goes. Raises BrokerGone."""
        self._down_reason = ""
        self._tell(LinkUp(self.name))
        self._repeat(self._dialogue.again)
        self._wake.set()
        reasons: set[str] = set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(session), name=f"{self.name} write")
                await session.receive(self._take)
        except* BrokerGone as gone:
            reasons = {str(error) for error in gone.exceptions}
        raise BrokerGone("; ".join(sorted(reasons)))  # neither of the two ends otherwise

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
                self._refuse(command, f"cannot be encoded: {error}")
                continue
            if isinstance(command, Stop):
                self._take_back(command)
            self._queue(publications)
            self._tell_all(events)

    def _take_back(self, stop: Stop) -> None:
        """Starts of single terminals that wait behind others need not go out any more (I12)."""
        gone = frozenset(stop.members)

        def is_over(publication: Publication) -> bool:
            if publication.start_of is None:
                return False
            ebm_id, code = publication.start_of
            return code in gone and stop.ebm_id in (ebm_id, EbmId.EVERYTHING)

        if any(map(is_over, self._unacknowledged)):
            self._unacknowledged = deque(each for each in self._unacknowledged if not is_over(each))

    def _repeat(self, source: Callable[[float, float], tuple[list[Publication], list[Event]]]) -> None:
        publications, events = source(self._ports.clock.monotonic(), self._ports.clock.wall())
        self._queue(publications)
        self._tell_all(events)

    def _queue(self, publications: list[Publication]) -> None:
        """A stop goes to the head and finds room always: it has at most as many publications as there are terminals."""
        urgent = [each for each in publications if each.urgent]
        others = [each for each in publications if not each.urgent]
        room = max(0, self._config.unacknowledged_max - len(self._unacknowledged))
        self._lost_publications += max(0, len(others) - room)
        self._unacknowledged.extend(others[:room])
        self._unacknowledged.extendleft(reversed(urgent))

    async def _publish(self, session: BrokerSession) -> None:
        """Everything queued, at most `PUBLISH_AT_ONCE_MAX` under way; what is not acknowledged stays queued, unless it
        may go out once only and perhaps has. A stop that comes meanwhile waits for one batch, not for all."""
        while self._unacknowledged:
            self._empty_outbox()
            batch = [self._unacknowledged.popleft() for _ in range(min(len(self._unacknowledged), PUBLISH_AT_ONCE_MAX))]
            begun: set[int] = set()
            done: set[int] = set()
            lost = ""
            try:
                async with asyncio.TaskGroup() as group:
                    for index, publication in enumerate(batch):
                        group.create_task(self._publish_one(session, index, publication, begun, done))
            except* BrokerGone as gone:
                lost = str(gone.exceptions[0]) or "gone"
            finally:
                left = [p for i, p in enumerate(batch) if i not in done and not (p.once and i in begun)]
                self._unacknowledged.extendleft(reversed(left))
            if lost:
                raise BrokerGone(lost)

    async def _publish_one(
        self, session: BrokerSession, index: int, publication: Publication, begun: set[int], done: set[int]
    ) -> None:
        begun.add(index)
        utc_s = self._ports.clock.wall()
        if publication.end is None or publication.end > utc_s:
            expiry_s = mqtt.command_expiry_s(utc_s, publication.end)
            await session.publish(publication.topic, publication.payload, expiry_s, self._content_type)
        done.add(index)

    # ---- what comes in ---------------------------------------------------------------------------------------------

    def _take(self, topic: str, payload: bytes, content_type: str | None, retained: bool) -> None:
        try:
            heard = self._dialogue.take(topic, payload, content_type, retained=retained)
        except RemoteProtocolError as error:
            self._tell(Rejected(self.name, error.reason, topic[: mqtt.TOPIC_CHARACTERS_MAX], error.detail))
            return
        if heard.online:
            self._spoke(heard.code)
        elif heard.online is not None and heard.code in self._online:
            self._online.discard(heard.code)
            self._tell(Disconnected(self.name, heard.code, "offline"))
        self._tell_all(heard.events)

    def _spoke(self, code: ResourceCode) -> None:
        """Who speaks is online, whatever became of its status: rumqttd keeps them, but tells a new subscriber only of
        a hundred."""
        if code not in self._online:
            self._online.add(code)
            self._tell(Connected(self.name, code))
            self._wake.set()  # it may be owed something

    def _gone(self, reason: str) -> None:
        if self._down_reason != reason:  # an hour without a broker is not a hundred troubles
            self._tell(LinkDown(self.name, reason))
        self._down_reason = reason
        for code in sorted(self._online):
            self._tell(Disconnected(self.name, code, "broker lost"))
        self._online.clear()

    def _refuse(self, command: Command, why: str) -> None:
        """It goes to nobody; who waits for answers gets them at once."""
        self._no_answer(command, command.members, why)
        if (token := token_of(command)) is not None:
            for code in (each for each in command.members if not self._served.is_others(each)):
                self._tell(Configured(self.name, code, token, terminal.Result.NOT_SUPPORTED, why))

    def _no_answer(self, command: Command, codes: tuple[ResourceCode, ...], reason: str) -> None:
        verb = verb_of(command)
        if verb is None or not isinstance(command, Start | Stop):
            return
        for code in codes:
            self._tell(NoAnswer(self.name, code, command.ebm_id, verb, reason))

    def _tell_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._sink(event)

    def _tell(self, event: Event) -> None:
        self._sink(event)
