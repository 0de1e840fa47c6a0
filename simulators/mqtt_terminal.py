"""A terminal's way over the broker: one MQTT 5 connection, its own and its areas' command topics, a last will.

Answers go to rsp, everything it reports to report, and "online" stands retained on status until the will replaces it by
"offline" (terminal-ip.md section 4, `protocols.mqtt`). The session survives a lost connection for a while, so that the
broker keeps what was sent meanwhile; commands expire by themselves.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from protocols import mqtt
from protocols.errors import RemoteProtocolError
from protocols.mqtt import packets
from protocols.terminal import Header
from simulators.terminal_client import CONNECT_TIMEOUT_S, RECONNECT_S, Pace
from simulators.terminal_shell import TerminalShell
from simulators.trust import FrameReader

PATH = "mqtt"
KEEPALIVE_S = 60
SESSION_KEPT_S = 120
REGISTER_TIMEOUT_S = 20.0
OUTGOING_MAX = 64  # messages that wait for room; the oldest goes
UNACKNOWLEDGED_MAX = 16  # below every broker's Receive Maximum
SETTLE_S = 0.2  # its answer goes out before it comes back under another code
_SUBSCRIPTION_ID = 1
_FIRST_PUBLISH_ID = 2

Message = tuple[str, bytes]  # topic and payload


class _Wire(asyncio.Protocol):
    """One socket to the broker, from CONNECT to its loss."""

    __slots__ = ("_client", "_next_id", "_reader", "_unacknowledged", "_waiting", "gone", "registered", "transport")

    def __init__(self, client: MqttTerminal) -> None:
        self._client = client
        self._reader = packets.PacketReader()
        self._next_id = _FIRST_PUBLISH_ID
        self._unacknowledged: dict[int, Message] = {}
        self._waiting: deque[Message] = deque(maxlen=OUTGOING_MAX)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.registered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._client.hello)

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._reader.feed(data):
                self._take(packet)
        except RemoteProtocolError:
            self.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if not self.gone.done():
            self.gone.set_result(None)
        if not self.registered.done():
            self.registered.set_result(False)

    def publish(self, message: Message) -> None:
        """Send, or wait for room."""
        if len(self._unacknowledged) >= UNACKNOWLEDGED_MAX:
            self._waiting.append(message)
            return
        self._unacknowledged[self._next_id] = message
        topic, payload = message
        retain = topic == self._client.topics[mqtt.Channel.STATUS]
        content_type = "" if retain else mqtt.CONTENT_TYPE
        self._write(packets.publish(self._next_id, topic, payload, retain=retain, content_type=content_type))
        self._next_id = self._next_id % 0xFFFF + 1

    def ping(self) -> None:
        """Keep the session."""
        self._write(packets.PINGREQ)

    def cut(self) -> None:
        """Drop the socket at once; the broker then publishes the will."""
        if self.transport is not None:
            self.transport.abort()

    def unsent(self) -> list[Message]:
        """What the broker has not acknowledged."""
        return [*self._unacknowledged.values(), *self._waiting]

    def _take(self, packet: packets.Packet) -> None:
        match packet:
            case packets.Connack(reason=0):
                self._write(packets.subscribe(_SUBSCRIPTION_ID, self._client.subscriptions))
            case packets.Suback(reasons=reasons) if max(reasons, default=0) < 0x80:
                if not self.registered.done():
                    self.registered.set_result(True)
            case packets.Publish(topic=topic, payload=payload, id=packet_id):
                if packet_id is not None:
                    self._write(packets.puback(packet_id))
                self._client.hear(topic, payload)
            case packets.Puback(id=packet_id):
                self._unacknowledged.pop(packet_id, None)
                if self._waiting:
                    self.publish(self._waiting.popleft())
            case packets.Pingresp():
                pass
            case packets.Connack() | packets.Suback() | packets.Disconnect():
                self.cut()

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)


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
        self._take_code()
        self._to = to
        self._reader = reader
        self._pace = pace
        self._chance = chance
        self._wire: _Wire | None = None
        self._left: list[Message] = []  # of the connection before: not acknowledged when it broke

    def _take_code(self) -> None:
        """Its topics are those of its code; the client's name is its physical address, whatever its code is."""
        self.code = code = self.shell.terminal.code
        self.topics = {channel: str(mqtt.DeviceTopic(code, channel)) for channel in mqtt.Channel}
        self.subscriptions = mqtt.terminal_subscriptions(code)
        self.hello = packets.connect(
            self.shell.terminal.phys,
            keepalive_s=KEEPALIVE_S,
            session_s=SESSION_KEPT_S,
            will_topic=self.topics[mqtt.Channel.STATUS],
            will_payload=mqtt.Status.OFFLINE.encode(),
        )

    async def run(self, first_wait_s: float) -> None:
        """Connect, beat and come back until cancelled."""
        await asyncio.sleep(first_wait_s)
        failures = 0
        while True:
            failures = 0 if await self._serve() else failures + 1
            wait_s = RECONNECT_S[min(failures, len(RECONNECT_S) - 1)] * self._pace.reconnect_scale
            await asyncio.sleep(wait_s * self._chance.uniform(0.9, 1.1))

    def hear(self, topic: str, payload: bytes) -> None:
        """A command; what is none is dropped."""
        with suppress(RemoteProtocolError):
            heard = self._reader.read(payload)
            self.shell.receive(heard, PATH, self._answer, shared=topic != self.topics[mqtt.Channel.COMMAND])
            if self.shell.terminal.code != self.code and self._wire is not None:  # it was given another one
                asyncio.get_running_loop().call_later(SETTLE_S, self._wire.cut)

    async def _serve(self) -> bool:
        """One connection; whether it came up at all."""
        loop = asyncio.get_running_loop()
        if self.shell.terminal.code != self.code:
            self._take_code()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, wire = await loop.create_connection(lambda: _Wire(self), *self._to())
        except (OSError, TimeoutError):
            return False
        self._wire = wire
        timers: dict[str, asyncio.TimerHandle] = {}

        def beat(wait_s: float) -> None:
            self._report(self.shell.heartbeat(Header.E))
            timers["beat"] = loop.call_later(wait_s, beat, self._pace.heartbeat_s)

        def ping() -> None:
            wire.ping()
            timers["ping"] = loop.call_later(KEEPALIVE_S / 2, ping)

        try:
            async with asyncio.timeout(REGISTER_TIMEOUT_S):
                if not await wire.registered:
                    return False
            self.connected = True
            wire.publish((self.topics[mqtt.Channel.STATUS], mqtt.Status.ONLINE.encode()))
            left, self._left = self._left, []
            for message in left:
                wire.publish(message)
            beat(self._chance.uniform(0.05, 1.0) * self._pace.heartbeat_s)
            ping()
            self.shell.opened(PATH, self._report, wire.cut)
            await wire.gone
            return True
        except TimeoutError:
            return False
        finally:
            self.connected = False
            self.shell.closed(PATH)
            self._left = [message for message in wire.unsent() if message[0] != self.topics[mqtt.Channel.STATUS]]
            for timer in timers.values():
                timer.cancel()
            wire.cut()
            self._wire = None

    def _answer(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.publish((self.topics[mqtt.Channel.ANSWER], data))

    def _report(self, data: bytes) -> None:
        if self._wire is not None:
            self._wire.publish((self.topics[mqtt.Channel.REPORT], data))
