"""A broker without sockets for tests of the MQTT link, with terminals that answer as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from devices.cellular_mqtt import CellularMqtt, CellularMqttConfig
from devices.link import Event, Path
from devices.mqtt_broker import BrokerGone, BrokerSession, BrokerSettings
from devices.mqtt_sieve import Deliver
from devices.ports import Clock
from devices.roster import Roster
from protocols import mqtt, terminal
from protocols.codes import ResourceCode
from protocols.terminal import Header
from tests.devices.commands import COUNTY_ADAPTER, CountingSigner, Events, adapter_device, ports, terminal_device
from tests.devices.fefd_terminal import settle
from tests.devices.memory_network import MemoryNetwork

CONFIG = CellularMqttConfig("mqtt", source=COUNTY_ADAPTER)


@dataclass(frozen=True, slots=True)
class Published:
    """What the link has published and the broker has taken."""

    topic: str
    frame: terminal.Frame
    payload: bytes
    expiry_s: int


class FakeBroker:
    """`refuses`: how many connections fail first; `deaf`: publications are taken but not acknowledged."""

    def __init__(self) -> None:
        self.refuses = 0
        self.deaf = False
        self.connections = 0
        self.subscribed: list[str] = []
        self.published: list[Published] = []
        self.incoming: asyncio.Queue[tuple[str, bytes, str | None, bool] | BrokerGone] = asyncio.Queue()
        self.gone = asyncio.Event()

    @contextlib.asynccontextmanager
    async def connect(self, settings: BrokerSettings) -> AsyncIterator[BrokerSession]:
        """Stands in for `devices.mqtt_broker.connect`."""
        if self.refuses:
            self.refuses -= 1
            raise BrokerGone("connection refused")
        self.connections += 1
        self.gone.clear()
        yield self

    async def subscribe(self, topics: Sequence[str]) -> None:
        self.subscribed += topics

    async def publish(self, topic: str, payload: bytes, expiry_s: int, content_type: str) -> None:
        if self.gone.is_set():
            raise BrokerGone("gone")
        if self.deaf:
            await self.gone.wait()
            raise BrokerGone("gone")
        self.published.append(Published(topic, terminal.decode(payload), payload, expiry_s))

    async def receive(self, deliver: Deliver) -> NoReturn:
        while True:
            item = await self.incoming.get()
            if isinstance(item, BrokerGone):
                raise item
            deliver(*item)

    def cut(self) -> None:
        """The broker dies."""
        self.gone.set()
        self.incoming.put_nowait(BrokerGone("broker died"))

    def says(
        self, topic: str, payload: bytes, content_type: str | None = mqtt.CONTENT_TYPE, *, retained: bool = False
    ) -> None:
        """A message for the link."""
        self.incoming.put_nowait((topic, payload, content_type, retained))

    def status(self, code: ResourceCode, status: str) -> None:
        """A terminal's retained state or last will."""
        self.says(str(mqtt.DeviceTopic(code, mqtt.Channel.STATUS)), status.encode(), None, retained=True)

    def answers(
        self, code: ResourceCode, to: terminal.Frame, message: terminal.Message | None = None, *, retained: bool = False
    ) -> None:
        """A terminal's answer, 0 unless told otherwise."""
        reply = terminal.answer(to, code, message or terminal.Answer(to.message.type, 0))
        self.says(str(mqtt.DeviceTopic(code, mqtt.Channel.ANSWER)), terminal.encode(reply), retained=retained)

    def reports(
        self,
        code: ResourceCode,
        message: terminal.Message,
        source: ResourceCode | None = None,
        *,
        retained: bool = False,
    ) -> None:
        """A terminal's report."""
        frame = terminal.request(Header.E, 1, source or code, (COUNTY_ADAPTER,), message)
        self.says(str(mqtt.DeviceTopic(code, mqtt.Channel.REPORT)), terminal.encode(frame), retained=retained)


@dataclass
class RunningLink:
    """A link at work and what is around it."""

    link: CellularMqtt
    broker: FakeBroker
    events: Events
    sign: CountingSigner
    roster: Roster
    seen: int = field(default=0)

    def new(self) -> list[Published]:
        """What was published since the last call."""
        fresh = self.broker.published[self.seen :]
        self.seen += len(fresh)
        return fresh

    def told(self, *kinds: type) -> list[Event]:
        """Events of these kinds."""
        return self.events.of(*kinds)


@contextlib.asynccontextmanager
async def mqtt_link(
    clock: Clock, rng: random.Random, numbers: Sequence[int] = (1, 2, 3), config: CellularMqttConfig = CONFIG
) -> AsyncIterator[RunningLink]:
    """A link for the terminals `numbers`, connected unless the broker refuses."""
    broker, events, sign = FakeBroker(), Events(), CountingSigner(clock)
    roster = Roster.of(
        [*(terminal_device(n, Path.MQTT) for n in numbers), replace(adapter_device(1), code=COUNTY_ADAPTER)]
    )
    link = CellularMqtt(config, ports(clock, MemoryNetwork(), rng, sign), events.sink, roster, connect=broker.connect)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        await settle()
        try:
            yield RunningLink(link, broker, events, sign, roster)
        finally:
            running.cancel()
            await settle()
