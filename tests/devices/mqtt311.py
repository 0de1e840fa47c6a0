"""An MQTT 3.1.1 client by the OASIS text alone, for fake terminals: QoS 1, a last will, a session that may be kept.

Written for the tests and shares nothing with the program: neither paho nor the simulators' MQTT 5 packets.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

PACKET_CONNECT, PACKET_PUBLISH_QOS1, PACKET_SUBSCRIBE = 0x10, 0x32, 0x82


def text(value: str | bytes) -> bytes:
    """Section 1.5.3: a length of two bytes and UTF-8; also the form of a will's payload."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def packet(first: int, body: bytes) -> bytes:
    """Section 2.2: type and flags, remaining length in groups of seven bits."""
    length, out = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        out += bytes([digit | (0x80 if length else 0)])
        if not length:
            return bytes([first]) + out + body


class Client311:
    """One connection at a time. `hears` is called with topic and payload."""

    def __init__(
        self,
        port: int,
        name: str,
        *,
        hears: Callable[[str, bytes], None] = lambda topic, payload: None,
        will: tuple[str, bytes, bool] | None = None,
        clean: bool = True,
    ) -> None:
        self._port, self._name, self._hears, self._will, self._clean = port, name, hears, will, clean
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._acknowledged: dict[int, asyncio.Event] = {}
        self._next_id = 0

    async def connect(self, *topics: str) -> None:
        """Sections 3.1, 3.8: connect, subscribe, return when both are acknowledged."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        flags = 0x02 if self._clean else 0
        payload = text(self._name)
        if self._will is not None:
            topic, message, retain = self._will
            flags |= 0x04 | 0x08 | (0x20 if retain else 0)
            payload += text(topic) + text(message)
        self._writer.write(packet(PACKET_CONNECT, text("MQTT") + bytes([4, flags]) + struct.pack(">H", 60) + payload))
        connected = asyncio.Event()
        self._reading = asyncio.get_running_loop().create_task(self._read(reader, connected))
        async with asyncio.timeout(10):
            await connected.wait()
        if topics:
            number = self._number()
            body = struct.pack(">H", number) + b"".join(text(topic) + b"\x01" for topic in topics)
            await self._send(number, packet(PACKET_SUBSCRIBE, body))

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Section 3.3 at QoS 1; returns when the broker has it."""
        number = self._number()
        body = text(topic) + struct.pack(">H", number) + payload
        await self._send(number, packet(PACKET_PUBLISH_QOS1 | retain, body))

    async def cut(self) -> None:
        """Gone without a word: the broker publishes the will."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _number(self) -> int:
        self._next_id += 1
        return self._next_id

    async def _send(self, number: int, data: bytes) -> None:
        assert self._writer is not None
        self._acknowledged[number] = asyncio.Event()
        self._writer.write(data)
        async with asyncio.timeout(10):
            await self._acknowledged[number].wait()

    async def _read(self, reader: asyncio.StreamReader, connected: asyncio.Event) -> None:
        while True:
            try:
                (first,) = await reader.readexactly(1)
                length, shift = 0, 0
                while True:
                    (digit,) = await reader.readexactly(1)
                    length |= (digit & 0x7F) << shift
                    shift += 7
                    if not digit & 0x80:
                        break
                body = await reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self._take(first, body, connected)

    def _take(self, first: int, body: bytes, connected: asyncio.Event) -> None:
        assert self._writer is not None
        match first >> 4:
            case 2:
                assert body[1] == 0, f"refused with {body[1]}"
                connected.set()
            case 4 | 9:
                self._acknowledged[int.from_bytes(body[:2], "big")].set()
            case 3:
                size = int.from_bytes(body[:2], "big")
                topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
                if first & 0x06:
                    self._writer.write(packet(0x40, rest[:2]))
                    rest = rest[2:]
                self._hears(topic, rest)
