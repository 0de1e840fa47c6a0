"""Frames between platform and adapter (GD/J 089 tables A.1-A.3).

    0  head        0x49 platform to adapter, 0x50 adapter to platform
    1  version     1
    3  type        table A.4
    4  origin      1 platform software, 2 device
    5  length L    of the body
    9  body
  9+L  length      of the signature block: 74, or 0
       block       time 4, certificate 6, signature 64
       CRC-32      over everything before it

Failures to expect on a stream: noise before the head, a cut frame, two frames at once, a length or a CRC that lies.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from struct import Struct as Packed

from construct import Int8ub, Int16ub, Int32ub, Struct

from protocols.adapter import commands as down
from protocols.adapter.codec import Message, TypeTable, decode_body, encode_body, wire_type
from protocols.adapter.layouts import COMMANDS
from protocols.crc import crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import SignatureBlock
from protocols.stream import MORE, NOT_HERE, Cutter
from protocols.wire import Layout, sized

COMMAND_HEAD = 0x49
REPORT_HEAD = 0x50
VERSION = 1
PLATFORM = 1
DEVICE = 2
SIGNATURE_BYTES = 74
FRAME_BYTES_MAX = 262_144
"""Default limit of one frame. 0x15 with some thousand records is the largest honest one."""

FRAME: Layout = Struct(
    "head" / Int8ub,
    "version" / Int16ub,
    "type" / Int8ub,
    "origin" / Int8ub,
    "body" / sized(Int32ub),
    "signature" / sized(Int16ub),
    "crc" / Int32ub,
)
_HEAD = Packed(">BHBBI")
_NO_BLOCK = bytes(SIGNATURE_BYTES)

Sign = Callable[[bytes], SignatureBlock]


@dataclass(frozen=True, slots=True)
class AdapterFrame:
    """One whole frame with a right CRC (tables A.1, A.3). Its signature is not judged here: `signed` is what
    the signer covers before the time of the block (GD/J 081 clause 5.4)."""

    message: Message
    type: int
    origin: int
    signature: SignatureBlock | None
    signed: bytes
    zero_block: bool = False  # unsigned, but with 74 zero bytes in place of a signature, as boxes do

    @property
    def head(self) -> int:
        """0x49 or 0x50."""
        return self.signed[0]


def encode(
    message: Message,
    *,
    origin: int | None = None,
    sign: Sign | None = None,
    zero_block: bool = True,
    table: TypeTable = TypeTable.A4,
) -> bytes:
    """One frame. Commands get head 0x49 and origin 1, reports 0x50 and 2, unless `origin` says otherwise.

    Without `sign` the signature block is zeros (what boxes send), or absent with `zero_block=False`.
    Raises LocalProtocolError where the message does not fit the wire.
    """
    head = COMMAND_HEAD if type(message) in COMMANDS or isinstance(message, _BROADCAST) else REPORT_HEAD
    if origin is None:
        origin = PLATFORM if head == COMMAND_HEAD else DEVICE
    body = encode_body(message)
    signed = _HEAD.pack(head, VERSION, wire_type(message, table), origin, len(body)) + body
    block = sign(signed).encode() if sign is not None else _NO_BLOCK if zero_block else b""
    return _close(signed, block)


def encode_again(frame: AdapterFrame, table: TypeTable = TypeTable.A4) -> bytes:
    """The frame once more from its value, with the signature it came with."""
    block = frame.signature.encode() if frame.signature else _NO_BLOCK if frame.zero_block else b""
    body = encode_body(frame.message)
    head = _HEAD.pack(frame.head, VERSION, wire_type(frame.message, table), frame.origin, len(body))
    return _close(head + body, block)


_BROADCAST = (down.StartBroadcast, down.StopBroadcast)


def _close(signed: bytes, block: bytes) -> bytes:
    data = signed + len(block).to_bytes(2, "big") + block
    if len(data) + 4 > FRAME_BYTES_MAX:
        raise LocalProtocolError(f"frame of {len(data) + 4} bytes; {FRAME_BYTES_MAX} are possible: split the targets")
    return data + crc32_mpeg2(data).to_bytes(4, "big")


def decode(data: bytes, table: TypeTable = TypeTable.A4) -> AdapterFrame:
    """Read exactly one frame. Raises RemoteProtocolError: head, version, length, crc, signature, type, or the
    body's."""
    if len(data) < _HEAD.size or data[0] not in (COMMAND_HEAD, REPORT_HEAD):
        raise RemoteProtocolError("head", f"{data[:9].hex()} does not begin a frame", offset=0)
    _, version, type_, origin, length = _HEAD.unpack_from(data)
    if version != VERSION:
        raise RemoteProtocolError("version", f"version {version}, 1 is known", offset=1)
    at = _HEAD.size + length
    block_length = int.from_bytes(data[at : at + 2], "big")
    if at + 2 + block_length + 4 != len(data):
        raise RemoteProtocolError("length", f"body of {length} bytes does not fit a frame of {len(data)}", offset=5)
    crc = int.from_bytes(data[-4:], "big")
    if crc != (computed := crc32_mpeg2(data[:-4])):
        raise RemoteProtocolError("crc", f"CRC {crc:08X}, {computed:08X} computed", offset=len(data) - 4)
    if block_length not in (0, SIGNATURE_BYTES):
        raise RemoteProtocolError("signature", f"signature block of {block_length} bytes; 74 or 0", offset=at)
    block = data[at + 2 : at + 2 + block_length]
    signature = SignatureBlock.decode(block) if any(block) else None
    message = decode_body(type_, data[_HEAD.size : at], table)
    return AdapterFrame(message, type_, origin, signature, data[:at], bool(block) and signature is None)


_MARK = re.compile(rb"[\x49\x50]")


def _measure(data: bytes, at: int, frame_bytes_max: int) -> int:
    """Length of the frame that begins here, by its two length fields."""
    left = len(data) - at
    if left < _HEAD.size:
        plausible = data[at + 1 : at + 3] in (b"", b"\x00", b"\x00\x01") and data[at + 4 : at + 5] in _ORIGINS
        return MORE if plausible else NOT_HERE
    _, version, _, origin, length = _HEAD.unpack_from(data, at)
    end = _HEAD.size + length
    if version != VERSION or origin not in (PLATFORM, DEVICE) or end + 6 > frame_bytes_max:
        return NOT_HERE
    if left < end + 2:
        return MORE
    block_length = int.from_bytes(data[at + end : at + end + 2], "big")
    if block_length not in (0, SIGNATURE_BYTES) or end + 6 + block_length > frame_bytes_max:
        return NOT_HERE
    return int(end) + 6 + block_length


_ORIGINS = (b"", b"\x01", b"\x02")


class Deframer(Cutter[AdapterFrame]):
    """Cuts a TCP stream into frames; see `protocols.stream`."""

    __slots__ = ()

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX, table: TypeTable = TypeTable.A4) -> None:
        super().__init__(frame_bytes_max, _MARK, _measure, partial(decode, table=table))
