"""FEFD frames: header D drives IP terminals, header E brings returns (GD/J 089 tables D.2-D.4, E.2, E.3).

    E    D
    0    0   mark FEFD
    2    2   version 0x0100 (0x0101 accepted)
    4    4   session id, repeated by the answer
    8    8   packet type: 1 request or report, 2 answer
    -    9   signature flag: 0 none, 1 signed
    9   10   total length, CRC included
   11   12   source code
   23   24   number of targets, then 12 bytes each
             business type 1, business length 2, data
             D, flag 1: signature length 2 = 74, time 4, certificate 6, signature 64
             CRC-32 over everything before it

The two are told apart by where the nibble F stands that begins the source code: byte 11 or byte 12. The first digits of
a code are never F, so one byte decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from struct import Struct as Packed

from construct import Bytes, Const, Int8ub, Int16ub, Int32ub, Struct

from protocols.codes import ResourceCode
from protocols.crc import crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import SignatureBlock
from protocols.stream import MORE, NOT_HERE, Cutter
from protocols.terminal.codec import ANSWER_PACKET, REQUEST, decode_data, encode_data
from protocols.terminal.messages import Message
from protocols.wire import Layout, counted, resource_code, sized

MARK = b"\xfe\xfd"
VERSION = 0x0100
VERSIONS = (0x0100, 0x0101)
FRAME_BYTES_MAX = 65_535
"""What the length field can say; a listener sets less."""
TARGETS_MAX = 255
"""Ours: keeps one frame within what small terminals hold; the field itself has two bytes."""
SIGNATURE_BYTES = 74
_CRC_BYTES = 4

Sign = Callable[[bytes], SignatureBlock]


class Header(Enum):
    """Which of the two headers (tables D.2, E.2); only D has a signature (table D.4)."""

    D = "D"
    E = "E"


_E = Packed(">2sHIBH12sH")
_D = Packed(">2sHIBBH12sH")
_BUSINESS = Packed(">BH")
_CODE_BYTES = 12

_DATA_AND_CRC: tuple[Layout, ...] = ("type" / Int8ub, "data" / sized(Int16ub))
LAYOUT_E: Layout = Struct(
    Const(MARK),
    "version" / Int16ub,
    "session" / Int32ub,
    "packet_type" / Int8ub,
    "total" / Int16ub,
    "source" / resource_code,
    "targets" / counted(Int16ub, resource_code),
    *_DATA_AND_CRC,
    "crc" / Int32ub,
)
"""Header E as the table has it; the struct path below is held equal to it."""
LAYOUT_D: Layout = Struct(
    Const(MARK),
    "version" / Int16ub,
    "session" / Int32ub,
    "packet_type" / Int8ub,
    "flag" / Int8ub,
    "total" / Int16ub,
    "source" / resource_code,
    "targets" / counted(Int16ub, resource_code),
    *_DATA_AND_CRC,
    "block" / Bytes(lambda context: 2 + SIGNATURE_BYTES if context.flag else 0),
    "crc" / Int32ub,
)
"""Header D, without the two forms of an absent block."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame with a right CRC. Its signature is not judged here: `signed` is what the signer covers before
    the time of the block, flag and total length in place."""

    header: Header
    session: int
    packet_type: int
    source: ResourceCode
    targets: tuple[ResourceCode, ...]
    message: Message
    signature: SignatureBlock | None = None
    version: int = VERSION
    empty_block: bool = False  # header D, unsigned, with a signature length of 0
    signed: bytes = field(default=b"", compare=False, repr=False)

    @property
    def is_answer(self) -> bool:
        """Packet type 2."""
        return self.packet_type == ANSWER_PACKET


def request(
    header: Header, session: int, source: ResourceCode, targets: tuple[ResourceCode, ...], message: Message
) -> Frame:
    """A request (D) or an active report (E)."""
    return Frame(header, session, REQUEST, source, targets, message)


def answer(frame: Frame, source: ResourceCode, message: Message) -> Frame:
    """The answer to `frame`: its header, session and sender."""
    return Frame(frame.header, frame.session, ANSWER_PACKET, source, (frame.source,), message)


def encode(frame: Frame, *, sign: Sign | None = None) -> bytes:
    """The frame's bytes. `sign` makes a signed frame of header D; without it a signature in the value is kept.

    Raises LocalProtocolError: header E signed, too many targets, data too long.
    """
    data = encode_data(frame.message)
    if len(frame.targets) > TARGETS_MAX:
        raise LocalProtocolError(f"{len(frame.targets)} targets, one frame takes {TARGETS_MAX}: split them")
    tail = b"".join(code.to_bcd() for code in frame.targets)
    is_signed = sign is not None or frame.signature is not None
    if frame.header is Header.E:
        if is_signed:
            raise LocalProtocolError("header E has no place for a signature")
        block_bytes, head_bytes = 0, _E.size
    else:
        block_bytes = 2 + SIGNATURE_BYTES if is_signed else 2 if frame.empty_block else 0
        head_bytes = _D.size
    total = head_bytes + len(tail) + _BUSINESS.size + len(data) + block_bytes + _CRC_BYTES
    if total > FRAME_BYTES_MAX:
        raise LocalProtocolError(f"frame of {total} bytes, {FRAME_BYTES_MAX} are possible")
    common = (MARK, frame.version, frame.session, frame.packet_type)
    source = frame.source.to_bcd()
    if frame.header is Header.E:
        head = _E.pack(*common, total, source, len(frame.targets))
    else:
        head = _D.pack(*common, is_signed, total, source, len(frame.targets))
    signed = head + tail + _BUSINESS.pack(frame.message.type, len(data)) + data
    if is_signed:
        block = sign(signed) if sign is not None else frame.signature
        assert block is not None
        signed += SIGNATURE_BYTES.to_bytes(2, "big") + block.encode()
    elif block_bytes:
        signed += b"\0\0"
    return signed + crc32_mpeg2(signed).to_bytes(_CRC_BYTES, "big")


def decode(data: bytes) -> Frame:
    """Read exactly one frame. Raises RemoteProtocolError: head, length, crc, targets, signature, packet-type, or the
    data's."""
    size = measure(data, 0, FRAME_BYTES_MAX)
    if size == NOT_HERE or data[:2] != MARK:
        raise RemoteProtocolError("head", f"{data[:16].hex()} begins no frame whose lengths agree", offset=0)
    if size != len(data):
        needed = "more" if size == MORE else str(size)
        raise RemoteProtocolError("length", f"{len(data)} bytes are here, {needed} are needed", offset=9)
    crc = int.from_bytes(data[-_CRC_BYTES:], "big")
    if crc != (computed := crc32_mpeg2(data[:-_CRC_BYTES])):
        raise RemoteProtocolError("crc", f"CRC {crc:08X}, {computed:08X} computed", offset=len(data) - _CRC_BYTES)
    return decode_checked(data)


def decode_checked(data: bytes) -> Frame:
    """The same for a frame whose lengths and CRC (clause E.2.4) a deframer has checked."""
    if data[12] >= 0xF0:
        header = Header.D
        _, version, session, packet_type, _, _, source, count = _D.unpack_from(data)
        at = _D.size
    else:
        header = Header.E
        _, version, session, packet_type, _, source, count = _E.unpack_from(data)
        at = _E.size
    end = at + _CODE_BYTES * count
    targets = tuple([ResourceCode.from_bcd(data[i : i + _CODE_BYTES]) for i in range(at, end, _CODE_BYTES)])
    type_, length = _BUSINESS.unpack_from(data, end)
    at = end + _BUSINESS.size
    end = at + length
    message = decode_data(type_, packet_type, data[at:end])
    block = data[end + 2 : -_CRC_BYTES]
    return Frame(
        header,
        session,
        packet_type,
        ResourceCode.from_bcd(source),
        targets,
        message,
        SignatureBlock.decode(block) if block else None,
        version,
        len(data) - end == _CRC_BYTES + 2,
        data[:end],
    )


_D_ANSWER = Packed(">2sHIBBH12sH12sBHBHI")
_E_ANSWER = Packed(">2sHIBH12sH12sBHBHI")


def short_answer(data: bytes, source: bytes, target: bytes) -> tuple[int, int, int] | None:
    """Session, business type and result of a D.10 answer without text from `source` to `target` (codes in wire form),
    if `data` is exactly one such frame with a right CRC; else None, and `decode` says what it is.

    What thousands of terminals send in the same moment; a property test holds it equal to `decode`.
    """
    if len(data) == _D_ANSWER.size:
        mark, version, session, packet, flag, total, from_, count, to, type_, length, result, text, crc = (
            _D_ANSWER.unpack(data)
        )
    elif len(data) == _E_ANSWER.size:
        mark, version, session, packet, total, from_, count, to, type_, length, result, text, crc = _E_ANSWER.unpack(
            data
        )
        flag = 0
    else:
        return None
    if (mark, packet, flag, total, count, length, text) != (MARK, ANSWER_PACKET, 0, len(data), 1, 3, 0):
        return None
    if from_ != source or to != target or version not in VERSIONS or crc != crc32_mpeg2(data[:-_CRC_BYTES]):
        return None
    return session, type_, result


def measure(data: bytes, at: int, frame_bytes_max: int) -> int:
    """Length of the frame whose mark stands at `at`, NOT_HERE, or MORE. Every length in it must agree with the others,
    so a lying one is found as soon as the business length is there."""
    left = len(data) - at
    if left < 13:
        plausible = data[at + 2 : at + 4] in _VERSION_STARTS
        return MORE if plausible else NOT_HERE
    if data[at + 2 : at + 4] not in _VERSION_STARTS:
        return NOT_HERE
    if data[at + 12] >= 0xF0:
        total_at, head_bytes, flag = at + 10, _D.size, data[at + 9]
        if flag > 1:
            return NOT_HERE
        tails = (2 + SIGNATURE_BYTES,) if flag else (0, 2)
    elif data[at + 11] >= 0xF0:
        total_at, head_bytes, tails = at + 9, _E.size, (0,)
    else:
        return NOT_HERE
    total = data[total_at] << 8 | data[total_at + 1]
    if not head_bytes + _BUSINESS.size + _CRC_BYTES <= total <= frame_bytes_max:
        return NOT_HERE
    if left < head_bytes:
        return MORE
    business = head_bytes + _CODE_BYTES * (data[at + head_bytes - 2] << 8 | data[at + head_bytes - 1])
    if business + _BUSINESS.size + _CRC_BYTES > total:
        return NOT_HERE
    if left < business + _BUSINESS.size:
        return MORE
    length = data[at + business + 1] << 8 | data[at + business + 2]
    if total - business - _BUSINESS.size - length - _CRC_BYTES not in tails:
        return NOT_HERE
    if tails[-1] and left >= total and total - business - _BUSINESS.size - length - _CRC_BYTES:
        block_at = at + business + _BUSINESS.size + length
        if data[block_at : block_at + 2] != (tails[-1] - 2).to_bytes(2, "big"):
            return NOT_HERE
    return total


_VERSION_STARTS = (b"", b"\x01", *(version.to_bytes(2, "big") for version in VERSIONS))
_MARK = re.compile(rb"\xfe(?:\xfd|\Z)")


class Deframer(Cutter[Frame]):
    """Cuts a TCP stream into frames of either header; see `protocols.stream`."""

    __slots__ = ()

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        super().__init__(frame_bytes_max, _MARK, measure, decode_checked)
