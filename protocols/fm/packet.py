"""The signed data packet 应急广播RDS数据包 (GD/J 085 clause 5.1, table 1).

    type 5 · length 11 · code count 8 · codes 96 each · content · time 32 · certificate 48 · signature 512

`length` counts what follows it, signature included. Time, certificate and signature are the 74-byte block of GD/J 081
clause 6.2.1. The texts differ on the signed bytes: GD/J 081 clause 5.4 signs up to the time, GD/J 085 table 1 row 9 all
fields before the signature; the signer chooses, a verifier tries both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from construct import BitsInteger, Bitwise, GreedyBytes, Int8ub, Struct

from protocols.codes import ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm import configuration, daily, emergency
from protocols.partial import Partial, read_as_far
from protocols.signature import BLOCK_BYTES as SIGNATURE_BYTES
from protocols.signature import Scope, SignatureBlock, signed_bytes
from protocols.sm2 import PublicKey
from protocols.wire import build, counted, parse, resource_code

HEAD_BYTES: Final = 3
CODE_BYTES: Final = 12
CODES_MAX: Final = 255
PACKET_BYTES_MAX: Final = 1273  # 255 frames of 5 bytes hold the packet and its CRC-16
CONTENT_BYTES_MAX: Final = PACKET_BYTES_MAX - HEAD_BYTES - SIGNATURE_BYTES

SET_CODE: Final = 1
EMERGENCY: Final = 11
DRILL: Final = 14
DAILY: Final = 22

Content = (
    configuration.ScanList
    | configuration.SetCode
    | configuration.Maintenance
    | configuration.Clock
    | configuration.ReturnAddress
    | configuration.ReturnPeriod
    | configuration.Authorisation
    | configuration.Certificates
    | configuration.Query
    | emergency.Emergency
    | emergency.Reset
    | emergency.FactoryReset
    | emergency.Drill
    | emergency.Text
    | daily.Alive
    | daily.Daily
    | daily.DailyVolume
    | daily.Amplifier
)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A reserved packet type; a receiver ignores it."""

    type: int
    data: bytes


_LAYOUTS: Final = configuration.LAYOUTS | emergency.LAYOUTS | daily.LAYOUTS
_TYPES: Final = {content: number for number, (content, _layout) in _LAYOUTS.items()}

_BITWISE: Final = frozenset({*emergency.LAYOUTS, 21, 22, 23})
"""Read as bits from all of their bytes at once: which of them is wrong, its detail alone says."""
_HEAD: Final = Bitwise(Struct("type" / BitsInteger(5), "length" / BitsInteger(11)))
_COMMAND: Final = Struct("head" / _HEAD, "codes" / counted(Int8ub, resource_code), "content" / GreedyBytes)


@dataclass(frozen=True, slots=True)
class Packet:
    """One received packet. `command` is what came before the signature time, exactly as received."""

    codes: tuple[ResourceCode, ...]
    content: Content | Unknown
    signature: SignatureBlock
    command: bytes

    @property
    def type(self) -> int:
        """Packet type, 0-31 (GD/J 085 table 2)."""
        return self.command[0] >> 3

    def encode(self) -> bytes:
        """The bytes as received."""
        return self.command + self.signature.encode()


def content_type(content: Content | Unknown) -> int:
    """The packet type that carries a content."""
    return content.type if isinstance(content, Unknown) else _TYPES[type(content)]


def encode_content(content: Content | Unknown) -> bytes:
    """Field 5 alone. Raises LocalProtocolError when a value does not fit its field."""
    if isinstance(content, Unknown):
        return content.data
    return build(_LAYOUTS[_TYPES[type(content)]][1], content)


def decode_content(packet_type: int, data: bytes) -> Content | Unknown:
    """Field 5 alone; reserved types become Unknown. Raises RemoteProtocolError."""
    known = _LAYOUTS.get(packet_type)
    if known is None:
        return Unknown(packet_type, data)
    try:
        content: Content = parse(known[1], data)
    except RemoteProtocolError as error:
        if packet_type in _BITWISE and error.reason in ("value", "code"):
            raise RemoteProtocolError(error.reason, error.detail, offset=0) from error
        raise
    return content


def content_so_far(packet_type: int, data: bytes) -> tuple[Content | Unknown | Partial, int]:
    """Field 5, or where it breaks a `Partial` of it, and how many bytes of it were understood."""
    try:
        return decode_content(packet_type, data), len(data)
    except RemoteProtocolError:
        return read_as_far(_LAYOUTS[packet_type][1], data)


def codes_max(content: Content | Unknown) -> int:
    """How many resource codes fit one packet beside `content`; 97 for type 11."""
    return min(CODES_MAX, (CONTENT_BYTES_MAX - len(encode_content(content))) // CODE_BYTES)


def split_codes(codes: Sequence[ResourceCode], content: Content | Unknown) -> tuple[tuple[ResourceCode, ...], ...]:
    """The codes of each packet that a command needs: more than fit one packet make several, in order."""
    most = codes_max(content)
    if most < 1:
        raise LocalProtocolError(f"a content of {len(encode_content(content))} bytes leaves no room for an address")
    return tuple(tuple(codes[at : at + most]) for at in range(0, len(codes), most))


def encode_command(codes: Sequence[ResourceCode], content: Content | Unknown) -> bytes:
    """Fields 1-5, the bytes before the signature time; the length field already counts the signature.

    Raises LocalProtocolError when the packet would not fit 255 frames, or addresses nobody (only type 1 may).
    """
    packet_type = content_type(content)
    if not codes and packet_type != SET_CODE:
        raise LocalProtocolError(f"a packet of type {packet_type} needs an address; only type 1 goes without")
    if any(code[0] == "0" for code in codes):
        raise LocalProtocolError("level digit 0 is not in GD/J 080; address levels 1-6")
    return _command(packet_type, codes, content)


def _command(packet_type: int, codes: Sequence[ResourceCode], content: Content | Unknown) -> bytes:
    data = encode_content(content)
    total = HEAD_BYTES + CODE_BYTES * len(codes) + len(data) + SIGNATURE_BYTES
    if len(codes) > CODES_MAX or total > PACKET_BYTES_MAX:
        raise LocalProtocolError(f"{len(codes)} codes make a packet of {total} bytes; {PACKET_BYTES_MAX} fit")
    head = {"type": packet_type, "length": total - 2}
    return bytes(_COMMAND.build({"head": head, "codes": codes, "content": data}))


def encode_packet(
    codes: Sequence[ResourceCode], content: Content | Unknown, sign: Callable[[bytes], SignatureBlock]
) -> bytes:
    """A whole packet. `sign` gets fields 1-5, adds its own time and decides the signed range."""
    command = encode_command(codes, content)
    return command + sign(command).encode()


def encode_again(packet: Packet) -> bytes:
    """A received packet once more from its values, with the signature it came with. Codes of level 0, which are never
    sent, come back as they were. Raises LocalProtocolError."""
    return _command(packet.type, packet.codes, packet.content) + packet.signature.encode()


def decode_packet(data: bytes) -> Packet:
    """Read a packet of exactly `data`. Raises RemoteProtocolError("length" | "address" | "body" | "value" | "code")."""
    if len(data) < HEAD_BYTES + SIGNATURE_BYTES:
        raise RemoteProtocolError("length", f"a packet has at least 77 bytes, here are {len(data)}", offset=len(data))
    length = packet_bytes(data)
    if length != len(data):
        raise RemoteProtocolError("length", f"the length field says {length} bytes, here are {len(data)}", offset=0)
    command = data[:-SIGNATURE_BYTES]
    body: Any = parse(_COMMAND, command)
    if not body.codes and body.head.type != SET_CODE:
        raise RemoteProtocolError("address", f"a packet of type {body.head.type} names no resource code", offset=2)
    at = len(command) - len(body.content)
    try:
        content = decode_content(body.head.type, body.content)
    except RemoteProtocolError as error:
        raise error.moved(at) from error
    return Packet(body.codes, content, SignatureBlock.decode(data[-SIGNATURE_BYTES:]), command)


def packet_bytes(data: bytes) -> int:
    """The whole length of the packet that starts with `data` (at least two bytes), by its own length field."""
    return (int.from_bytes(data[:2], "big") & 0x7FF) + 2


def verify(packet: Packet, key: PublicKey, scopes: Sequence[Scope]) -> Scope | None:
    """The first of `scopes` under which the signature is right, or None."""
    for scope in scopes:
        if key.verify(signed_bytes(packet.command, packet.signature, scope), packet.signature.value):
            return scope
    return None
