"""MQTT 5 packets as far as a terminal needs them: QoS 1, one will, no aliases (OASIS MQTT Version 5.0).

A terminal's client is a hundred lines of its own because two thousand aiomqtt clients in one process spend ten times as
much (measured: 23 s to connect 2,202 of them, 9 s until all had answered one start) and would hide what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct as Packed
from struct import error as StructError

from protocols.errors import LocalProtocolError, RemoteProtocolError

PACKET_BYTES_MAX = 256 * 1024
_ID = Packed(">H")
_QOS_1, _RETAIN, _SUBSCRIBE_FLAGS = 0x02, 0x01, 0x02
_CLEAN_START, _WILL = 0x02, 0x04 | 0x08 | 0x20  # will: present, QoS 1, retained
_SESSION_EXPIRY, _CONTENT_TYPE = 0x11, 0x03
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


class PacketReader:
    """Bytes of a broker in, packets out."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Every packet that is whole now. Raises RemoteProtocolError: the connection is of no use any more."""
        self._rest += data
        while (cut := self._cut()) is not None:
            kind, flags, body = cut
            yield _read(kind, flags, body)

    def _cut(self) -> tuple[int, int, bytes] | None:
        """Take the first packet off the rest; None while it is not whole."""
        rest = self._rest
        found = _varint_at(rest, 1)
        if found is None:
            return None
        size, at = found
        if size > PACKET_BYTES_MAX:
            raise RemoteProtocolError("length", f"packet of {size} bytes, {PACKET_BYTES_MAX} are taken")
        if len(rest) < at + size:
            return None
        self._rest = rest[at + size :]
        return rest[0] >> 4, rest[0] & 15, rest[at : at + size]


def _read(kind: int, flags: int, body: bytes) -> Packet:
    try:
        match kind:
            case Kind.CONNACK:
                return Connack(body[1])
            case Kind.PUBLISH:
                return _read_publish(flags, body)
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


def _read_publish(flags: int, body: bytes) -> Publish:
    end = 2 + _ID.unpack_from(body)[0]
    topic = body[2:end].decode("utf-8")
    packet_id = None
    if flags & 0x06:
        packet_id = _ID.unpack_from(body, end)[0]
        end += 2
    return Publish(topic, body[_after_properties(body, end) :], packet_id)


def _after_properties(body: bytes, at: int) -> int:
    found = _varint_at(body, at)
    if found is None:
        raise RemoteProtocolError("body", "properties without a length", offset=at)
    size, at = found
    if at + size > len(body):
        raise RemoteProtocolError("body", "properties longer than their packet", offset=at)
    return at + size


def _packet(kind: Kind, flags: int, body: bytes) -> bytes:
    return bytes((kind << 4 | flags,)) + _varint(len(body)) + body


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


def _varint_at(data: bytes, at: int) -> tuple[int, int] | None:
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
