"""aiomqtt 2 behind four verbs: connect, subscribe, publish until acknowledged, receive. The only file that knows it.

MQTT 5, QoS 1. Every failure of the connection, expected or not, is `BrokerGone`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NoReturn, Protocol

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from devices.mqtt_sieve import Deliver, Sieve
from protocols import mqtt

_SILENT = logging.getLogger("ebcd.aiomqtt")  # paho tells of every reconnect; the link does, too
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
EARLY_MAX = 50_000  # messages between the subscription and the first reader
PENDING_CALLS_MAX = 1000  # above it aiomqtt warns for every call
LOOK_S = 1.0
"""How often the socket is read unasked: a connection that was reset is an error to libuv, which then tells nobody."""


class BrokerGone(Exception):
    """No connection to the broker, or no longer."""


class BrokerSession(Protocol):
    """One connection."""

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics at QoS 1. Raises BrokerGone."""

    async def publish(self, topic: str, payload: bytes, expiry_s: int, content_type: str) -> None:
        """Return when the broker has acknowledged. Raises BrokerGone."""

    async def receive(self, deliver: Deliver) -> NoReturn:
        """Hand over every message, also those since the connection stands, until the broker goes. Raises BrokerGone."""


class BrokerSettings(Protocol):
    """What a connection needs of the link's table."""

    @property
    def name(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def username(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def keepalive_s(self) -> int: ...
    @property
    def connect_timeout_s(self) -> float: ...


class _Inbox:
    """Where the sieve puts messages: at once to the reader, and what is handled at once needs no bound."""

    def __init__(self) -> None:
        self._early: list[tuple[str, bytes, str | None, bool]] = []
        self._deliver: Deliver = self._keep

    def open(self, deliver: Deliver) -> None:
        """From now on to `deliver`, what came before first."""
        early, self._early = self._early, []
        for message in early:
            deliver(*message)
        self._deliver = deliver

    def take(self, topic: str, payload: bytes, content_type: str | None, retained: bool) -> None:
        """One message of the broker."""
        self._deliver(topic, payload, content_type, retained)

    def _keep(self, topic: str, payload: bytes, content_type: str | None, retained: bool) -> None:
        if len(self._early) < EARLY_MAX:
            self._early.append((topic, payload, content_type, retained))


@asynccontextmanager
async def connect(settings: BrokerSettings) -> AsyncIterator[BrokerSession]:
    """Connect, and say good-bye when left. Raises BrokerGone."""
    inbox = _Inbox()
    cancelled: asyncio.CancelledError | None = None
    client = aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username or None,
        password=settings.password or None,
        identifier=settings.client_id or f"ebcd-{settings.name}",
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=True,
        keepalive=settings.keepalive_s,
        timeout=settings.connect_timeout_s,
        max_inflight_messages=PENDING_CALLS_MAX,
        logger=_SILENT,
    )
    client.pending_calls_threshold = PENDING_CALLS_MAX
    _put_between(client, inbox)
    try:
        async with client:
            try:
                yield _Session(client, inbox)
            except asyncio.CancelledError as error:
                cancelled = error
                raise
            finally:
                client._client.loop_read()  # whom the broker has left need not say good-bye
                if (left := client._disconnected).done() and not left.cancelled():
                    left.exception()  # told here, or asyncio tells of it when nobody wants to know
    except aiomqtt.MqttError as error:
        if cancelled is not None:  # a good-bye that fails must not keep us from ending
            raise cancelled from error
        raise BrokerGone(str(error)) from error
    finally:
        if client._misc_task is not None:
            client._misc_task.cancel()  # where the good-bye failed it would go on for a keepalive


def _put_between(client: aiomqtt.Client, inbox: _Inbox) -> None:
    """The sieve, between paho and the socket that paho makes."""
    paho = client._client
    make = paho._create_socket
    paho._create_socket = lambda: Sieve(make(), inbox.take)  # type: ignore[method-assign]


class _Session:
    """See `BrokerSession`."""

    def __init__(self, client: aiomqtt.Client, inbox: _Inbox) -> None:
        self._client = client
        self._inbox = inbox

    async def subscribe(self, topics: Sequence[str]) -> None:
        """As the protocol says."""
        try:
            await self._client.subscribe([(topic, mqtt.QOS) for topic in topics])
        except aiomqtt.MqttError as error:
            raise BrokerGone(str(error)) from error

    async def publish(self, topic: str, payload: bytes, expiry_s: int, content_type: str) -> None:
        """As the protocol says."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if content_type:
            properties.ContentType = content_type
        properties.MessageExpiryInterval = expiry_s
        try:
            await self._client.publish(topic, payload, qos=mqtt.QOS, properties=properties)
        except aiomqtt.MqttError as error:
            raise BrokerGone(str(error)) from error

    async def receive(self, deliver: Deliver) -> NoReturn:
        """As the protocol says."""
        self._inbox.open(deliver)
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await anext(self._client.messages)  # nothing ever comes this way; it ends with the connection
                self._client._client.loop_read()
        except aiomqtt.MqttError as error:
            raise BrokerGone(str(error)) from error
