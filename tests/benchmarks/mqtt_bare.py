"""The floor over a broker: a Protocol that publishes one frame to the county's topic and counts answers.

MQTT 5 by hand, only as much of it as that takes."""

from __future__ import annotations

import asyncio
import struct
from typing import cast

from ebcd.demo.floor import CLOCK, CONNECT_TIMEOUT_S, REPLY_TIMEOUT_S, Floor

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9


def _string(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def _packet(first: int, body: bytes) -> bytes:
    head, length = bytearray([first]), len(body)
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (128 if length else 0))
        if not length:
            return bytes(head) + body


class BareClient(asyncio.Protocol):
    """One connection; every PUBLISH that comes in counts as a reply."""

    def __init__(self) -> None:
        self.change = asyncio.Event()
        self.ready = False
        self.replies = 0
        self.first_s = self.last_s = 0.0
        self._data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        flags, keepalive_s = 2, 60  # clean start
        head = _string("MQTT") + bytes([5, flags]) + struct.pack(">H", keepalive_s)
        self._transport.write(_packet(0x10, head + b"\0" + _string("ebcd-floor")))

    def data_received(self, data: bytes) -> None:
        self._data += data
        at = 0
        while (end := self._end(at)) is not None:
            self._take(self._data[at] >> 4, at, end)
            at = end
        del self._data[:at]

    def _end(self, at: int) -> int | None:
        """Where the packet at `at` ends; its body begins behind the length."""
        length = shift = 0
        for place in range(at + 1, min(at + 5, len(self._data))):
            length |= (self._data[place] & 127) << shift
            shift += 7
            if self._data[place] < 128:
                end = place + 1 + length
                self._body = place + 1
                return end if end <= len(self._data) else None
        return None

    def _take(self, kind: int, at: int, end: int) -> None:
        if kind == CONNACK:
            self._transport.write(_packet(0x82, struct.pack(">HB", 1, 0) + _string("eb/v1/+/rsp") + b"\1"))
        elif kind == SUBACK:
            self.ready = True
            self.change.set()
        elif kind == PUBLISH:
            topic_end = self._body + 2 + int.from_bytes(self._data[self._body : self._body + 2])
            if self._data[at] & 6:
                self._transport.write(_packet(0x40, bytes(self._data[topic_end : topic_end + 2])))
            self.last_s = CLOCK.monotonic()
            self.first_s = self.first_s or self.last_s
            self.replies += 1
            self.change.set()

    async def shoot(self, topic: str, payload: bytes, wanted: int) -> Floor:
        """Publish once; wait for `wanted` replies."""
        self.replies, self.first_s = 0, 0.0
        begin_s = CLOCK.monotonic()
        self._transport.write(_packet(0x32, _string(topic) + struct.pack(">HB", 7, 0) + payload))
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            while self.replies < wanted:
                self.change.clear()
                await self.change.wait()
        return Floor(wanted, self.first_s - begin_s, self.last_s - begin_s)

    def close(self) -> None:
        """Let go."""
        self._transport.close()


async def connected(host: str, port: int) -> BareClient:
    """A client that has subscribed to all answers."""
    _, client = await asyncio.get_running_loop().create_connection(BareClient, host, port)
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        while not client.ready:
            client.change.clear()
            await client.change.wait()
    return client
