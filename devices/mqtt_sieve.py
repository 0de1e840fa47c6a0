"""A socket to a broker that hands publications over itself and leaves all other packets to paho.

paho makes some ten objects of a PUBLISH, reads it in four calls and acknowledges it by a writer of its own: three times
what everything we do with a heartbeat costs (measured with 10,000 terminals). paho takes whatever has these methods for
its socket, as it does for web sockets; so what the broker sends is read here in large pieces, publications go to whom
they are meant for, acknowledgements go back in one write per piece, and paho sees the rest: CONNACK, SUBACK, PUBACK,
PINGRESP, DISCONNECT.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from protocols.errors import RemoteProtocolError
from protocols.mqtt import packets

PIECE_BYTES = 65_536
UNSENT_BYTES_MAX = 4 * 65_535
"""Acknowledgements that a broker leaves unread: it may have 65,535 publications unacknowledged (MQTT 5, 3.1.2.11.3)."""
_QOS_2 = 0x04
_RETAIN = 0x01
_PUBLISH = packets.Kind.PUBLISH.value

Deliver = Callable[[str, bytes, str | None, bool], None]
"""Takes topic, payload and content type of one message at once, and whether the broker had kept it from before."""


class Wire(Protocol):
    """What paho asks of a socket."""

    def recv(self, buffer_size: int, /) -> bytes: ...
    def send(self, buffer: bytes | bytearray, /) -> int: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    def setblocking(self, flag: bool, /) -> None: ...


class Sieve:
    """See the head of this file. A broker that breaks the protocol raises ConnectionError, as a broken socket does."""

    def __init__(self, wire: Wire, deliver: Deliver) -> None:
        self._wire = wire
        self._deliver = deliver
        self._cutter = packets.PacketCutter(cuts_long=True)
        self._for_paho = bytearray()
        self._acks = bytearray()
        self._torn = False  # part of a packet of paho's is written: nothing may come between
        self._properties = b"\0"
        self._content_type: str | None = None

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes of the packets that are paho's. Raises BlockingIOError where none are there, OSError."""
        if not self._for_paho:
            data = self._wire.recv(PIECE_BYTES)
            if not data:
                return b""
            self._sift(data)
            if not self._for_paho:
                raise BlockingIOError
        taken = bytes(self._for_paho[:size])
        del self._for_paho[:size]
        return taken

    def pending(self) -> int:
        """Bytes that are read and not taken yet: aiomqtt asks, since no reader is woken for them."""
        return len(self._for_paho)

    def send(self, data: bytes | bytearray) -> int:
        """Write; how many bytes were taken. Raises BlockingIOError, OSError."""
        if not self._torn:
            self._acknowledge()
            if self._acks:
                raise BlockingIOError
        sent = self._wire.send(data)
        self._torn = sent < len(data)
        return sent

    def close(self) -> None:
        """As a socket does."""
        self._wire.close()

    def fileno(self) -> int:
        """As a socket does."""
        return self._wire.fileno()

    def setblocking(self, flag: bool) -> None:
        """As a socket does."""
        self._wire.setblocking(flag)

    def _sift(self, data: bytes) -> None:
        try:
            for first, body in self._cutter.feed(data):
                if first >> 4 != _PUBLISH:
                    self._for_paho += packets.whole(first, body)
                elif first & _QOS_2:
                    raise RemoteProtocolError("qos", "a publication at QoS 2, which was not granted")
                else:
                    self._take(first, body)
        except RemoteProtocolError as error:
            raise ConnectionError(f"the broker breaks the protocol: {error}") from error
        if self._acks and not self._torn:
            self._acknowledge()
        if len(self._acks) > UNSENT_BYTES_MAX:
            raise ConnectionError(f"the broker left {len(self._acks)} bytes of acknowledgements unread")

    def _take(self, first: int, body: bytes) -> None:
        topic, payload, packet_id, properties = packets.publication(first, body)
        if properties != self._properties:  # nearly all have the same
            self._content_type, self._properties = packets.content_type(properties), properties
        # A topic that is no UTF-8, which MQTT forbids, names nobody and is refused by whoever takes it.
        self._deliver(topic.decode("utf-8", "backslashreplace"), payload, self._content_type, bool(first & _RETAIN))
        if packet_id is not None:
            self._acks += packets.puback(packet_id)

    def _acknowledge(self) -> None:
        """Write what stands; what the socket does not take waits for the next turn."""
        while self._acks:
            try:
                sent = self._wire.send(self._acks)
            except BlockingIOError:
                return
            del self._acks[:sent]
