"""Every door to the outside, as one value that the composition root is given (design, section 3).

A real daemon gets `World.real()`; tests and simulations build one whose time, chance and network are their own. Two
daemons in one process have two Worlds and share nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from devices.ports import (
    Clock,
    CopyTo,
    DatagramT,
    Excused,
    Network,
    Numbers,
    Ports,
    ProtocolT,
    ReadSound,
    Sign,
    Verify,
    no_copy,
    no_sounds,
    nobody_excused,
)
from ebcd.clock import SystemClock

if TYPE_CHECKING:
    import aiomqtt

ACCEPT_BACKLOG_MAX = 4096  # a county's terminals dial again together after a power cut; the kernel caps it (somaxconn)

MqttClientFactory = Callable[..., "aiomqtt.Client"]
"""Builds an MQTT client from the arguments of `aiomqtt.Client`; nothing is connected yet."""


class SocketNetwork:
    """`devices.ports.Network` on the operating system's TCP and UDP."""

    async def connect(
        self, factory: Callable[[], ProtocolT], host: str, port: int
    ) -> tuple[asyncio.Transport, ProtocolT]:
        """Open one connection. Raises OSError; the caller puts `asyncio.timeout` around it."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(factory, host, port)
        return transport, protocol

    async def listen(self, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> asyncio.Server:
        """Listen; `factory` is called once per connection. Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(factory, host, port, backlog=ACCEPT_BACKLOG_MAX)

    async def datagrams(
        self, factory: Callable[[], DatagramT], host: str, port: int
    ) -> tuple[asyncio.DatagramTransport, DatagramT]:
        """A connected UDP socket: what is refused at the other end comes back as an error. Raises OSError."""
        loop = asyncio.get_running_loop()
        return await loop.create_datagram_endpoint(factory, remote_addr=(host, port))


@dataclass(frozen=True, slots=True)
class World:
    """Clock, chance, network, secrets, MQTT and metrics of one daemon."""

    clock: Clock
    random: random.Random  # jitter and order; never keys
    network: Network
    entropy: Callable[[int], bytes]  # secret bytes for keys and tokens
    mqtt_client: MqttClientFactory
    registry: CollectorRegistry
    store_in_thread: bool = True  # False: commits run inline, as virtual time needs

    @classmethod
    def real(cls, seed: int | None = None) -> World:
        """The machine's own. `seed` repeats jitter and order; secrets are always drawn from the system."""
        return cls(
            clock=SystemClock(),
            random=random.Random(seed),
            network=SocketNetwork(),
            entropy=os.urandom,
            mqtt_client=_mqtt_client,
            registry=CollectorRegistry(),
        )

    def ports(
        self,
        sign: Sign,
        verify: Verify | None = None,
        excused: Excused = nobody_excused,
        numbers: Numbers | None = None,
        copy_to: CopyTo = no_copy,
        read_sound: ReadSound = no_sounds,
    ) -> Ports:
        """What one link driver may use; it gets chance of its own, so that links do not disturb each other's."""
        chance = random.Random(self.random.getrandbits(64))
        return Ports(self.clock, chance, self.network, sign, verify, excused, numbers, copy_to, read_sound)


def _mqtt_client(*args: Any, **options: Any) -> aiomqtt.Client:
    """Imported when the first client is built: a daemon without MQTT never loads paho."""
    import aiomqtt

    return aiomqtt.Client(*args, **options)
