"""A link to a vendor's terminals at work on a broker without sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from devices.cellular_mqtt import CellularMqtt, CellularMqttConfig
from devices.link import Event, Path
from devices.mqtt_broker import BrokerGone
from devices.ports import Clock
from devices.roster import Device, Roster
from protocols.codes import ResourceCode
from tests.devices.commands import CountingSigner, Events, ports, terminal_device
from tests.devices.fake_broker import FakeBroker
from tests.devices.fefd_terminal import settle
from tests.devices.memory_network import MemoryNetwork

VILLAGE = str(FilePath(__file__).parents[1] / "protocols/mqtt/village.toml")
CONFIG = CellularMqttConfig("mqtt", profile="mw")


@dataclass(frozen=True, slots=True)
class Said:
    """What the link has published."""

    topic: str
    message: dict[str, Any]
    expiry_s: int


class JsonBroker(FakeBroker):
    """Keeps JSON instead of frames."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Said] = []
        self.deaf_after: int | None = None

    async def publish(self, topic: str, payload: bytes, expiry_s: int, content_type: str) -> None:
        if self.gone.is_set():
            raise BrokerGone("gone")
        self.said.append(Said(topic, json.loads(payload), expiry_s))
        if self.deaf:
            await self.gone.wait()
            raise BrokerGone("gone")


@dataclass
class VendorRoom:
    """The link and what is around it. `excused`: whom an administrator has excepted."""

    link: CellularMqtt
    broker: JsonBroker
    events: Events
    sign: CountingSigner
    excused: set[ResourceCode]
    roster: Roster
    seen: int = field(default=0)

    def new(self) -> list[Said]:
        """What was said since the last call."""
        fresh = self.broker.said[self.seen :]
        self.seen += len(fresh)
        return fresh

    def told(self, *kinds: type) -> list[Event]:
        """Events of these kinds."""
        return self.events.of(*kinds)

    async def hears(self, topic: str, **message: Any) -> None:
        """A terminal says something."""
        self.broker.says(topic, json.dumps(message).encode(), None)
        await settle()


def devices(numbers: Sequence[int], **fields: Any) -> list[Device]:
    """Terminals on MQTT whose vendor calls them v1, v2 ..."""
    return [replace(terminal_device(n, Path.MQTT), mqtt_id=f"v{n}", **fields) for n in numbers]


@contextlib.asynccontextmanager
async def vendor_link(
    clock: Clock,
    rng: random.Random,
    config: CellularMqttConfig = CONFIG,
    *,
    excused: Sequence[ResourceCode] = (),
    inventory: Sequence[Device] | None = None,
) -> AsyncIterator[VendorRoom]:
    """A link for three terminals, connected."""
    broker, events, sign, allowed = JsonBroker(), Events(), CountingSigner(clock), set(excused)
    doors = replace(ports(clock, MemoryNetwork(), rng, sign), excused=lambda code, _utc_s: code in allowed)
    roster = Roster.of(devices((1, 2, 3)) if inventory is None else inventory)
    link = CellularMqtt(config, doors, events.sink, roster, connect=broker.connect)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        await settle()
        try:
            yield VendorRoom(link, broker, events, sign, allowed, roster)
        finally:
            running.cancel()
            await settle()
