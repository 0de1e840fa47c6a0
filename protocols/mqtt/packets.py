"""MQTT 5 packets as far as a terminal, or a link that only listens, needs them: QoS 1, one will, no aliases (OASIS MQTT
Version 5.0).

A simulated terminal's client stands on these and not on aiomqtt because two thousand aiomqtt clients in one process
spend ten times as much (measured: 23 s to connect 2,202 of them, 9 s until all had answered one start) and would hide
what is measured. The daemon's link takes its stream of publications apart with them (`devices.mqtt_sieve`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct as Packed
from struct import error as StructError

from protocols.errors import LocalProtocolError, RemoteProtocolError

PACKET_BYTES_MAX = 256 * 1024
QOS_BITS = 0x06
"""Of the flags of a PUBLISH."""
_ID = Packed(">H")
_QOS_1, _RETAIN, _SUBSCRIBE_FLAGS = 0x02, 0x01, 0x02
_CLEAN_START, _WILL = 0x02, 0x04 | 0x08 | 0x20  # will: present, QoS 1, retained
_SESSION_EXPIRY, _CONTENT_TYPE = 0x11, 0x03
_FIXED_BYTES = {0x01: 1, 0x02: 4, 0x23: 2}
"""Payload format, message expiry, topic alias (table 2-4)."""
_SIZED_PARTS = {0x08: 1, 0x09: 1, 0x26: 2}
"""Response topic, correlation data, user property: so many texts with a length before each."""
_SUBSCRIPTION_NUMBER = 0x0B
_VARINT_BYTES_MAX = 4


class Kind(IntEnum):
    """Packet types (section 2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


@dataclass(frozen=True, slots=True)
class Connack:
    """3.2: `reason` 0 is success."""

    reason: int


@dataclass(frozen=True, slots=True)
class Suback:
    """3.9: the granted QoS of each topic, or 0x80 and more where refused."""

    reasons: bytes


@dataclass(frozen=True, slots=True)
class Publish:
    """3.3: `id` None at QoS 0."""

    topic: str
    payload: bytes
    id: int | None


@dataclass(frozen=True, slots=True)
class Puback:
    """3.4."""

    id: int


@dataclass(frozen=True, slots=True)
class Pingresp:
    """3.13."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """3.14: the broker's reason, 0 where it gives none."""

    reason: int


Packet = Connack | Suback | Publish | Puback | Pingresp | Disconnect

PINGREQ = bytes((Kind.PINGREQ << 4, 0))


def connect(client_id: str, *, keepalive_s: int, session_s: int, will_topic: str, will_payload: bytes) -> bytes:
    """3.1: a session that survives for `session_s`, and a retained will at QoS 1."""
    properties = bytes((_SESSION_EXPIRY,)) + session_s.to_bytes(4, "big")
    body = _text("MQTT") + bytes((5, _WILL)) + _ID.pack(keepalive_s) + _varint(len(properties)) + properties
    return _packet(Kind.CONNECT, 0, body + _text(client_id) + b"\0" + _text(will_topic) + _sized(will_payload))


def subscribe(packet_id: int, topics: Sequence[str]) -> bytes:
    """3.8: all topics at QoS 1."""
    return _packet(
        Kind.SUBSCRIBE, _SUBSCRIBE_FLAGS, _ID.pack(packet_id) + b"\0" + b"".join(_text(t) + b"\1" for t in topics)
    )


def publish(packet_id: int, topic: str, payload: bytes, *, retain: bool, content_type: str) -> bytes:
    """3.3: QoS 1; `content_type` "" leaves it out."""
    properties = bytes((_CONTENT_TYPE,)) + _text(content_type) if content_type else b""
    body = _text(topic) + _ID.pack(packet_id) + _varint(len(properties)) + properties + payload
    return _packet(Kind.PUBLISH, _QOS_1 | (_RETAIN if retain else 0), body)


def puback(packet_id: int) -> bytes:
    """3.4: taken."""
    return bytes((Kind.PUBACK << 4, 2)) + _ID.pack(packet_id)


class PacketCutter:
    """Bytes of a broker in, whole packets out as first byte and body; holds one packet at most."""

    __slots__ = ("_cuts_long", "_held", "_to_drop")

    def __init__(self, *, cuts_long: bool = False) -> None:
        """`cuts_long`: of a publication longer than `PACKET_BYTES_MAX` so many bytes of its body are given, so that it
        can be refused by name, and the rest is dropped; else it is an error."""
        self._cuts_long = cuts_long
        self._held = bytearray()
        self._to_drop = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Every packet that is whole now. Raises RemoteProtocolError: the connection is of no use any more."""
        if self._to_drop:
            dropped = min(self._to_drop, len(data))
            self._to_drop -= dropped
            data = data[dropped:]
        stream: bytes | bytearray = data
        if self._held:
            self._held += data
            stream = self._held
        at = 0
        try:
            while (found := _varint_at(stream, at + 1)) is not None:
                first, (size, begin) = stream[at], found
                kept = min(size, PACKET_BYTES_MAX)
                if kept < size and not (self._cuts_long and first >> 4 == Kind.PUBLISH):
                    raise RemoteProtocolError("length", f"packet of {size} bytes, {PACKET_BYTES_MAX} are taken")
                if begin + kept > len(stream):
                    break
                at = min(begin + size, len(stream))
                self._to_drop = begin + size - at
                yield first, bytes(stream[begin : begin + kept])
        finally:
            if stream is self._held:
                del self._held[:at]
            else:
                self._held += stream[at:]


class PacketReader:
    """Bytes of a broker in, packets out."""

    __slots__ = ("_cutter",)

    def __init__(self) -> None:
        self._cutter = PacketCutter()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Every packet that is whole now. Raises RemoteProtocolError: the connection is of no use any more."""
        for first, body in self._cutter.feed(data):
            yield _read(first >> 4, first & 15, body)


def _read(kind: int, flags: int, body: bytes) -> Packet:
    try:
        match kind:
            case Kind.CONNACK:
                return Connack(body[1])
            case Kind.PUBLISH:
                topic, payload, packet_id, _ = publication(flags, body)
                return Publish(topic.decode("utf-8"), payload, packet_id)
            case Kind.PUBACK:
                return Puback(_ID.unpack_from(body)[0])
            case Kind.SUBACK:
                return Suback(body[_after_properties(body, 2) :])
            case Kind.PINGRESP:
                return Pingresp()
            case Kind.DISCONNECT:
                return Disconnect(body[0] if body else 0)
    except (IndexError, StructError, UnicodeDecodeError) as error:
        raise RemoteProtocolError("body", f"packet of type {kind}: {error}") from error
    raise RemoteProtocolError("type", f"packet of type {kind} is not for a client")


def publication(flags: int, body: bytes) -> tuple[bytes, bytes, int | None, bytes]:
    """3.3: topic, payload, packet id (None at QoS 0) and property block. Raises RemoteProtocolError."""
    try:
        end = 2 + _ID.unpack_from(body)[0]
        topic = body[2:end]
        packet_id = None
        if flags & QOS_BITS:
            packet_id = _ID.unpack_from(body, end)[0]
            end += 2
    except StructError as error:
        raise RemoteProtocolError("body", f"publication: {error}") from error
    at = _after_properties(body, end)
    return topic, body[at:], packet_id, body[end:at]


def content_type(properties: bytes) -> str | None:
    """3.3.2.3.9: the content type in a PUBLISH's property block, None where there is none. Raises
    RemoteProtocolError."""
    found = _varint_at(properties, 0)
    at = found[1] if found else 0
    try:
        while at < len(properties):
            kind, at = properties[at], at + 1
            if kind == _CONTENT_TYPE:
                end = at + 2 + _ID.unpack_from(properties, at)[0]
                if end > len(properties):
                    raise RemoteProtocolError("body", "content type longer than the properties", offset=at)
                return properties[at + 2 : end].decode("utf-8")
            at = _after_property(kind, properties, at)
    except (StructError, UnicodeDecodeError) as error:
        raise RemoteProtocolError("body", f"properties of a publication: {error}") from error
    if at > len(properties):
        raise RemoteProtocolError("body", "a property longer than the properties", offset=len(properties))
    return None


def _after_property(kind: int, properties: bytes, at: int) -> int:
    """2.2.2.2: where a property of a PUBLISH that begins at `at` ends."""
    if kind in _FIXED_BYTES:
        return at + _FIXED_BYTES[kind]
    if kind == _SUBSCRIPTION_NUMBER:
        found = _varint_at(properties, at)
        if found is None:
            raise RemoteProtocolError("body", "subscription identifier without an end", offset=at)
        return found[1]
    if kind not in _SIZED_PARTS:
        raise RemoteProtocolError("body", f"property {kind:#04x} is none of a publication", offset=at - 1)
    for _ in range(_SIZED_PARTS[kind]):
        at += 2 + _ID.unpack_from(properties, at)[0]
    return at


def _after_properties(body: bytes, at: int) -> int:
    if at < len(body) and body[at] < 0x80 and at + 1 + body[at] <= len(body):  # what nearly every packet has
        return at + 1 + body[at]
    found = _varint_at(body, at)
    if found is None:
        raise RemoteProtocolError("body", "properties without a length", offset=at)
    size, at = found
    if at + size > len(body):
        raise RemoteProtocolError("body", "properties longer than their packet", offset=at)
    return at + size


def whole(first: int, body: bytes) -> bytes:
    """2.1: a packet of its first byte and its body."""
    return bytes((first,)) + _varint(len(body)) + body


def _packet(kind: Kind, flags: int, body: bytes) -> bytes:
    return whole(kind << 4 | flags, body)


def _text(text: str) -> bytes:
    return _sized(text.encode("utf-8"))


def _sized(data: bytes) -> bytes:
    if len(data) > 0xFFFF:
        raise LocalProtocolError(f"{len(data)} bytes in a field that holds 65535")
    return _ID.pack(len(data)) + data


def _varint(value: int) -> bytes:
    """1.5.5: seven bits a byte, lowest first."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _varint_at(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """The number at `at` and where it ends; None while it is not whole. Raises RemoteProtocolError."""
    value = 0
    for index in range(_VARINT_BYTES_MAX):
        if at + index >= len(data):
            return None
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, at + index + 1
    raise RemoteProtocolError("length", "a length of more than four bytes", offset=at)
