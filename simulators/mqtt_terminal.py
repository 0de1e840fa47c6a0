"""A terminal's way over the broker: one MQTT 5 connection, its own and its areas' command topics, a last will.

Answers go to rsp, everything it reports to report, and "online" stands retained on status until the will replaces it by
"offline" (terminal-ip.md section 4, `protocols.mqtt`). The session survives a lost connection for a while, so that the
broker keeps what was sent meanwhile; commands expire by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from protocols import mqtt
from protocols.errors import RemoteProtocolError
from protocols.terminal import Header
from simulators.terminal_client import RECONNECT_S, Pace
from simulators.terminal_shell import TerminalShell
from simulators.trust import FrameReader

PATH = "mqtt"
KEEPALIVE_S = 60
SESSION_KEPT_S = 120
CALL_TIMEOUT_S = 20.0
OUTGOING_MAX = 64
PUBLISH_AT_ONCE_MAX = 8
_SILENT = logging.getLogger("simulators.mqtt")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False

Published = tuple[mqtt.Channel, bytes]


class MqttTerminal:
    """One path of one terminal over a broker, usually through an impaired link."""

    def __init__(
        self,
        shell: TerminalShell,
        to: Callable[[], tuple[str, int]],
        reader: FrameReader,
        pace: Pace,
        chance: random.Random,
    ) -> None:
        self.shell = shell
        self.connected = False
        self._to = to
        self._reader = reader
        self._pace = pace
        self._chance = chance
        self._outgoing: asyncio.Queue[Published] = asyncio.Queue(OUTGOING_MAX)
        code = shell.terminal.code
        self._topics = {channel: str(mqtt.DeviceTopic(code, channel)) for channel in mqtt.Channel}

    async def run(self, first_wait_s: float) -> None:
        """Connect, beat and come back until cancelled."""
        await asyncio.sleep(first_wait_s)
        failures = 0
        while True:
            failures = 0 if await self._serve() else failures + 1
            wait_s = RECONNECT_S[min(failures, len(RECONNECT_S) - 1)] * self._pace.reconnect_scale
            await asyncio.sleep(wait_s * self._chance.uniform(0.9, 1.1))

    async def _serve(self) -> bool:
        """One connection; whether it came up at all."""
        came_up = False
        client = self._client()
        try:
            async with client:
                await client.subscribe([(t, mqtt.QOS) for t in mqtt.terminal_subscriptions(self.shell.terminal.code)])
                await self._publish(client, mqtt.Channel.STATUS, mqtt.Status.ONLINE.encode())
                came_up = self.connected = True
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._beat())
                    group.create_task(self._write(client))
                    group.create_task(self._read(client))
        except* (aiomqtt.MqttError, OSError):
            pass
        finally:
            self.connected = False
            self.shell.closed(PATH)
        return came_up

    def _client(self) -> aiomqtt.Client:
        host, port = self._to()
        kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        kept.SessionExpiryInterval = SESSION_KEPT_S
        client = aiomqtt.Client(
            host,
            port,
            identifier=self.shell.terminal.phys,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=kept,
            keepalive=KEEPALIVE_S,
            timeout=CALL_TIMEOUT_S,
            will=aiomqtt.Will(self._topics[mqtt.Channel.STATUS], mqtt.Status.OFFLINE.value, mqtt.QOS, retain=True),
            logger=_SILENT,
        )
        client.pending_calls_threshold = OUTGOING_MAX
        return client

    async def _beat(self) -> None:
        self._report(self.shell.heartbeat(Header.E))
        self.shell.opened(PATH, self._report)
        await asyncio.sleep(self._chance.uniform(0.05, 1.0) * self._pace.heartbeat_s)
        while True:
            self._report(self.shell.heartbeat(Header.E))
            await asyncio.sleep(self._pace.heartbeat_s)

    async def _read(self, client: aiomqtt.Client) -> None:
        own = self._topics[mqtt.Channel.COMMAND]
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            with suppress(RemoteProtocolError):
                heard = self._reader.read(payload)
                self.shell.receive(heard, PATH, self._answer, shared=message.topic.value != own)

    async def _write(self, client: aiomqtt.Client) -> None:
        """In order, without waiting for each acknowledgement of a long round trip."""
        places = asyncio.Semaphore(PUBLISH_AT_ONCE_MAX)

        async def publish(channel: mqtt.Channel, data: bytes) -> None:
            try:
                await self._publish(client, channel, data)
            finally:
                places.release()

        async with asyncio.TaskGroup() as group:
            while True:
                channel, data = await self._outgoing.get()
                await places.acquire()
                group.create_task(publish(channel, data))

    async def _publish(self, client: aiomqtt.Client, channel: mqtt.Channel, data: bytes) -> None:
        retain = channel is mqtt.Channel.STATUS
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if not retain:
            properties.ContentType = mqtt.CONTENT_TYPE
        await client.publish(self._topics[channel], data, qos=mqtt.QOS, retain=retain, properties=properties)

    def _answer(self, data: bytes) -> None:
        self._queue((mqtt.Channel.ANSWER, data))

    def _report(self, data: bytes) -> None:
        self._queue((mqtt.Channel.REPORT, data))

    def _queue(self, item: Published) -> None:
        if self._outgoing.full():
            self._outgoing.get_nowait()
        self._outgoing.put_nowait(item)
