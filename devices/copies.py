"""Ports on which adapters stream copies of what they play, one task on each (GD/J 089 table A.38: ip and port in 0x22).

Which adapter a stream comes from is known by the port it was named alone: behind a NAT all have one address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from protocols import rtp
from protocols.errors import RemoteProtocolError

COPY_BYTES_MAX = 2_000_000
"""Of one task: 30 s at the 320 kbit/s that no speech needs, and some more."""


@dataclass(slots=True, eq=False)
class Copy:
    """What has come of one task. `lost`: packets that are missing by their numbers; `refused`: datagrams that are no
    MPEG audio."""

    sound: bytearray = field(default_factory=bytearray)
    packets: int = 0
    lost: int = 0
    refused: int = 0
    last: int | None = None
    began: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, datagram: bytes) -> None:
        """One datagram: RTP; a late or repeated one says nothing new."""
        try:
            packet = rtp.decode(datagram)
            sound = rtp.sound_of(packet)
        except RemoteProtocolError:
            self.refused += 1
            return
        ahead = 1 if self.last is None else (packet.sequence - self.last) % 2**16
        if not 0 < ahead < 2**15 or len(self.sound) + len(sound) > COPY_BYTES_MAX:
            return
        self.lost += ahead - 1
        self.last = packet.sequence
        self.packets += 1
        self.sound += sound
        self.began.set()


class CopyPorts:
    """A few UDP ports, each free or given to one task."""

    def __init__(self, host: str, first_port: int, count: int) -> None:
        """`first_port` 0: whichever are free."""
        self._host = host
        self._first_port = first_port
        self._count = count
        self._ports: dict[int, _Socket] = {}

    async def open(self) -> None:
        """Open them all. Raises OSError."""
        loop = asyncio.get_running_loop()
        for number in range(self._count):
            wanted = self._first_port + number if self._first_port else 0
            transport, socket = await loop.create_datagram_endpoint(_Socket, local_addr=(self._host, wanted))
            self._ports[transport.get_extra_info("sockname")[1]] = socket

    def close(self) -> None:
        """Close them all."""
        for socket in self._ports.values():
            socket.close()
        self._ports.clear()

    def take(self) -> tuple[int, Copy] | None:
        """A free port and what will come there; None where all are given away."""
        for port, socket in self._ports.items():
            if socket.copy is None:
                socket.copy = Copy()
                return port, socket.copy
        return None

    def free(self, port: int) -> None:
        """Nobody listens to it any more."""
        if port in self._ports:
            self._ports[port].copy = None

    def __iter__(self) -> Iterator[int]:
        return iter(self._ports)


class _Socket(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.copy: Copy | None = None
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """asyncio: what comes to a port that nobody was told of is dropped."""
        if self.copy is not None:
            self.copy.take(data)

    def close(self) -> None:
        """No more."""
        if self._transport is not None:
            self._transport.close()
