"""`devices.ports.Network` without sockets, for virtual time: two transports back to back, with faults as data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from devices.ports import DatagramT, ProtocolT

Address = tuple[str, int]


class MemoryTransport(asyncio.Transport):
    """One end. What is written arrives at the other end in the next turn of the loop, or stays here while it stalls."""

    def __init__(self, protocol: asyncio.BaseProtocol, peername: Address) -> None:
        super().__init__({"peername": peername})
        self.protocol = cast(asyncio.Protocol, protocol)
        self.peer: MemoryTransport | None = None
        self.stalled = False
        self._unsent: list[bytes] = []
        self._high = 65536
        self._paused = False
        self._closing = False

    def write(self, data: Any) -> None:
        if self._closing:
            return
        self._unsent.append(bytes(data))
        if self.peer is not None and not self.peer.stalled:
            asyncio.get_running_loop().call_soon(self._flush)
        if self.get_write_buffer_size() > self._high and not self._paused:
            self._paused = True
            self.protocol.pause_writing()

    def _flush(self) -> None:
        sent, self._unsent = self._unsent, []
        if self.peer is not None and not self.peer._closing:
            for data in sent:
                self.peer.protocol.data_received(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 65536 if high is None else high

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self._unsent)) if self.peer is not None and self.peer.stalled else 0

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if self._unsent:
            self._flush()
        self.abort()

    def abort(self) -> None:
        for end in (self, self.peer):
            if end is not None and not end._closing:
                end._closing = True
                asyncio.get_running_loop().call_soon(end.protocol.connection_lost, None)


class MemoryDatagrams(asyncio.DatagramTransport):
    """Datagrams to one address: each is heard there in the same turn of the loop, or refused in the next one."""

    def __init__(self, network: MemoryNetwork, protocol: asyncio.DatagramProtocol, peername: Address) -> None:
        super().__init__({"peername": peername})
        self._network = network
        self._protocol = protocol
        self._peername = peername
        self.stuck_bytes = 0
        self._closing = False

    def sendto(self, data: Any, addr: Any = None) -> None:
        assert not self._closing, "a datagram after the end"
        hear = self._network.ears.get(self._peername)
        if hear is None:
            refused = ConnectionRefusedError(111, "refused")
            asyncio.get_running_loop().call_soon(self._protocol.error_received, refused)
        else:
            hear(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.stuck_bytes

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        self._closing = True


class MemoryServer:
    """What `listen` gives back."""

    def __init__(self, close: Callable[[], None]) -> None:
        self.close = close


class MemoryNetwork:
    """Listeners by address. `refusing`: connections fail at once; `black_holes`: they hang for ever.

    `ears`: who hears datagrams; `unreachable`: addresses that no way leads to; `names`: addresses of hosts.
    """

    def __init__(self) -> None:
        self.listeners: dict[Address, Callable[[], asyncio.BaseProtocol]] = {}
        self.refusing: set[Address] = set()
        self.black_holes: set[Address] = set()
        self.dialled: list[Address] = []
        self.ears: dict[Address, Callable[[bytes], None]] = {}
        self.unreachable: set[Address] = set()
        self.names: dict[str, str] = {}
        self.outlets: list[MemoryDatagrams] = []

    async def connect(
        self, factory: Callable[[], ProtocolT], host: str, port: int
    ) -> tuple[asyncio.Transport, ProtocolT]:
        address = (host, port)
        self.dialled.append(address)
        if address in self.black_holes:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(0)
        if address in self.refusing or address not in self.listeners:
            raise ConnectionRefusedError(111, "refused")
        protocol = factory()
        near = MemoryTransport(protocol, address)
        far = MemoryTransport(self.listeners[address](), ("192.0.2.1", len(self.dialled)))
        near.peer, far.peer = far, near
        far.protocol.connection_made(far)
        protocol.connection_made(near)
        return near, protocol

    async def listen(self, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> asyncio.Server:
        address = (host, port)
        if address in self.refusing:
            raise OSError(98, "address in use")
        self.listeners[address] = factory
        return cast(asyncio.Server, MemoryServer(lambda: self.listeners.pop(address, None) and None))

    async def datagrams(
        self, factory: Callable[[], DatagramT], host: str, port: int
    ) -> tuple[asyncio.DatagramTransport, DatagramT]:
        address = (self.names.get(host, host), port)
        if address in self.black_holes:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(0)
        if address in self.unreachable:
            raise OSError(101, "Network is unreachable")
        protocol = factory()
        self.outlets.append(MemoryDatagrams(self, protocol, address))
        return self.outlets[-1], protocol
