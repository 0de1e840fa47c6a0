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
from protocols.adapter.codec import Message, TypeTable, encode_body, read_body, wire_type
from protocols.adapter.layouts import COMMANDS
from protocols.crc import crc32_mpeg2, crc32_mpeg2_bytes, ends_in_crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.frozen import draft_of
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
_VERSION = VERSION.to_bytes(2, "big")
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
    trailing: bytes = b""  # what a peer wrote in the body behind the last field that the text has

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
    body = encode_body(frame.message) + frame.trailing
    head = _HEAD.pack(frame.head, VERSION, wire_type(frame.message, table), frame.origin, len(body))
    return _close(head + body, block)


_BROADCAST = (down.StartBroadcast, down.StopBroadcast)


def _close(signed: bytes, block: bytes) -> bytes:
    data = signed + len(block).to_bytes(2, "big") + block
    if len(data) + 4 > FRAME_BYTES_MAX:
        raise LocalProtocolError(f"frame of {len(data) + 4} bytes; {FRAME_BYTES_MAX} are possible: split the targets")
    return data + crc32_mpeg2_bytes(data)


def decode(data: bytes, table: TypeTable = TypeTable.A4) -> AdapterFrame:
    """Read exactly one frame. Raises RemoteProtocolError: head, version, length, crc, signature, type, or the
    body's."""
    if len(data) < _HEAD.size or data[0] not in (COMMAND_HEAD, REPORT_HEAD):
        raise RemoteProtocolError("head", f"{data[:9].hex()} does not begin a frame", offset=0)
    if data[1:3] != _VERSION:
        raise RemoteProtocolError("version", f"version {data[1:3].hex()}, 0001 is known", offset=1)
    length = int.from_bytes(data[5:9], "big")
    at = _HEAD.size + length
    block_length = int.from_bytes(data[at : at + 2], "big")
    if at + 2 + block_length + 4 != len(data):
        raise RemoteProtocolError("length", f"body of {length} bytes does not fit a frame of {len(data)}", offset=5)
    if not ends_in_crc32_mpeg2(data):
        found, computed = data[-4:].hex().upper(), crc32_mpeg2(data[:-4])
        raise RemoteProtocolError("crc", f"CRC {found}, {computed:08X} computed", offset=len(data) - 4)
    return decode_checked(data, table)


def decode_checked(data: bytes, table: TypeTable = TypeTable.A4) -> AdapterFrame:
    """The same for a frame whose lengths and CRC a deframer has checked."""
    at = _HEAD.size + int.from_bytes(data[5:9], "big")
    behind = len(data) - at
    signature, has_zeros = None, False
    if behind == _CLOSED.size:
        has_zeros = data[at + 2 : -4] == _NO_BLOCK
        if not has_zeros:
            _, time, certificate, value, _ = _CLOSED.unpack_from(data, at)
            signature = _SignatureDraft(time, certificate, value)
            signature.__class__ = SignatureBlock
    elif behind != _OPEN_BYTES:
        raise RemoteProtocolError("signature", f"signature block of {behind - _OPEN_BYTES} bytes; 74 or 0", offset=at)
    type_ = data[3]
    try:
        message, trailing = read_body(type_, data[_HEAD.size : at], table)
    except RemoteProtocolError as error:
        raise error.moved(0 if error.offset == _TYPE_AT and error.reason in _OF_TYPE else _HEAD.size) from error
    frame = _AdapterFrameDraft(message, type_, data[4], signature, data[:at], has_zeros, trailing)
    frame.__class__ = AdapterFrame
    return frame


_TYPE_AT = 3
_OF_TYPE = frozenset({"type", "type-table"})  # told by the place of the type in the frame
_CLOSED = Packed(">HI6s64sI")
"""Length of the block, block, CRC."""
_OPEN_BYTES = 6
"""The same without a block."""
_SignatureDraft = draft_of(SignatureBlock, of_checked_values=True)  # 32 bits, 6 and 64 bytes, cut by struct
_AdapterFrameDraft = draft_of(AdapterFrame)
_MARK = re.compile(rb"[\x49\x50](?:\x00(?:\x01|\Z)|\Z)")


def _measure(data: bytes | bytearray, at: int, frame_bytes_max: int) -> int:
    """Length of the frame that begins here, by its two length fields."""
    left = len(data) - at
    if left < _HEAD.size:
        return MORE if data[at + 1 : at + 3] in (b"", b"\x00", b"\x00\x01") else NOT_HERE
    _, version, _, _, length = _HEAD.unpack_from(data, at)
    end: int = _HEAD.size + length
    if version != VERSION or end + 6 > frame_bytes_max:
        return NOT_HERE
    if left < end + 2:
        return MORE
    block_length = data[at + end] << 8 | data[at + end + 1]
    if block_length not in (0, SIGNATURE_BYTES) or end + 6 + block_length > frame_bytes_max:
        return NOT_HERE
    return end + 6 + block_length


class Deframer(Cutter[AdapterFrame]):
    """Cuts a TCP stream into frames; see `protocols.stream`."""

    __slots__ = ()

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX, table: TypeTable = TypeTable.A4) -> None:
        super().__init__(frame_bytes_max, _MARK, _measure, partial(decode_checked, table=table))
