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
a code are never F, so one byte decides. Where nobody signed, peers leave the block out, write a length of 0, or a block
of zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from struct import Struct as Packed
from struct import error as StructError

from construct import Bytes, Const, Int8ub, Int16ub, Int32ub, Struct

from protocols.codes import ResourceCode
from protocols.crc import crc32_mpeg2_bytes
from protocols.errors import LocalProtocolError
from protocols.signature import SignatureBlock
from protocols.stream import MORE, NOT_HERE
from protocols.terminal.codec import ANSWER_PACKET, REQUEST, encode_data
from protocols.terminal.messages import EXTENSIONS, Message
from protocols.wire import Layout, counted, resource_code, sized

MARK = b"\xfe\xfd"
VERSION = 0x0100
VERSIONS = (0x0100, 0x0101)
FRAME_BYTES_MAX = 65_535
"""What the length field can say; a listener sets less."""
TARGETS_MAX = 255
"""Ours, for what we send: keeps one frame within what small terminals hold; the field itself has two bytes."""
SIGNATURE_BYTES = 74
_BLOCK_BYTES = 2 + SIGNATURE_BYTES
_CRC_BYTES = 4
_FIRST_NIBBLE = 0xF0
"""From here on a byte begins a code and is neither a length nor a digit pair."""
_BLOCK_LENGTH = SIGNATURE_BYTES.to_bytes(2, "big")

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


class Unsigned(Enum):
    """What stands between the data and the CRC of a header D frame that nobody signed; the text does not say."""

    NOTHING = b""
    LENGTH = b"\0\0"
    ZEROS = SIGNATURE_BYTES.to_bytes(2, "big") + bytes(SIGNATURE_BYTES)


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame with a right CRC. Its signature is not judged here: `signed` is what the signer covers before
    the time of the block, flag and total length in place; see `protocols.terminal.signing`."""

    header: Header
    session: int
    packet_type: int
    source: ResourceCode
    targets: tuple[ResourceCode, ...]
    message: Message
    signature: SignatureBlock | None = None
    version: int = VERSION
    unsigned: Unsigned = Unsigned.NOTHING
    flag_lies: bool = False  # header D: the flag says signed where nobody signed, or the other way round
    trailing: bytes = b""  # what a peer wrote in the data behind the last field that the text has
    signed: bytes = field(default=b"", compare=False, repr=False)

    @property
    def is_answer(self) -> bool:
        """Packet type 2."""
        return self.packet_type == ANSWER_PACKET


_HEADER_E = Header.E
_NOTHING = Unsigned.NOTHING


def request(
    header: Header,
    session: int,
    source: ResourceCode,
    targets: tuple[ResourceCode, ...],
    message: Message,
    *,
    extensions: bool = False,
) -> Frame:
    """A request (D) or an active report (E), to be sent.

    Raises LocalProtocolError: too many targets, or a message outside the text without `extensions`.
    """
    if len(targets) > TARGETS_MAX:
        raise LocalProtocolError(f"{len(targets)} targets, one frame takes {TARGETS_MAX}: split them")
    _refuse_extension(message, extensions)
    return Frame(header, session, REQUEST, source, targets, message)


def answer(frame: Frame, source: ResourceCode, message: Message, *, extensions: bool = False) -> Frame:
    """The answer to `frame`: its header, session and sender. Raises LocalProtocolError as `request` does."""
    _refuse_extension(message, extensions)
    return Frame(frame.header, frame.session, ANSWER_PACKET, source, (frame.source,), message)


def _refuse_extension(message: Message, extensions: bool) -> None:
    if not extensions and isinstance(message, EXTENSIONS):
        name = type(message).__name__
        raise LocalProtocolError(f"{name} ({message.type:#04x}) is no message of the text; fefd.extensions sends it")


def encode(frame: Frame, *, sign: Sign | None = None) -> bytes:
    """The frame's bytes. `sign` makes a signed frame of header D; without it a signature in the value is kept.

    `sign` is given head and data; which of it is signed is the signer's to know (`protocols.signature.FEFD_RANGES`).

    Raises LocalProtocolError: header E signed, data too long.
    """
    data = encode_data(frame.message)
    if frame.trailing:
        data += frame.trailing
    targets = frame.targets
    is_signed = sign is not None or frame.signature is not None
    is_e = frame.header is _HEADER_E
    unsigned = b"" if frame.unsigned is _NOTHING else frame.unsigned.value
    if is_e and (is_signed or unsigned or frame.flag_lies):
        raise LocalProtocolError("header E has no place for a signature")
    block_bytes = _BLOCK_BYTES if is_signed else len(unsigned)
    head_bytes = _E.size if is_e else _D.size
    total = head_bytes + _CODE_BYTES * len(targets) + _BUSINESS.size + len(data) + block_bytes + _CRC_BYTES
    if total > FRAME_BYTES_MAX:
        raise LocalProtocolError(f"frame of {total} bytes, {FRAME_BYTES_MAX} are possible")
    version, session, packet_type, source = frame.version, frame.session, frame.packet_type, frame.source.to_bcd()
    addresses = b"".join([code.to_bcd() for code in targets])
    try:
        if is_e:
            head = _E.pack(MARK, version, session, packet_type, total, source, len(targets))
        else:
            flag = is_signed is not frame.flag_lies
            head = _D.pack(MARK, version, session, packet_type, flag, total, source, len(targets))
        signed = head + addresses + _BUSINESS.pack(frame.message.type, len(data)) + data
    except StructError as error:
        raise LocalProtocolError(f"{type(frame.message).__name__}: {error}") from error
    if is_signed:
        block = sign(signed) if sign is not None else frame.signature
        assert block is not None
        signed += _BLOCK_LENGTH + block.encode()
    elif unsigned:
        signed += unsigned
    return signed + crc32_mpeg2_bytes(signed)


def measure(data: bytes | bytearray, at: int, frame_bytes_max: int) -> int:
    """Length of the frame whose mark stands at `at`, NOT_HERE, or MORE. Every length in it must agree with the others,
    so a lying one is found as soon as the business length is there."""
    left = len(data) - at
    if data[at + 2 : at + 4] not in _VERSION_STARTS:
        return NOT_HERE
    if left < 13:
        return MORE
    if data[at + 12] >= _FIRST_NIBBLE:
        total_at, head_bytes = at + 10, _D.size
        if data[at + 9] > 1:
            return NOT_HERE
    elif data[at + 11] >= _FIRST_NIBBLE:
        total_at, head_bytes = at + 9, _E.size
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
    block_at = business + _BUSINESS.size + length
    block_bytes = total - block_at - _CRC_BYTES
    if not block_bytes:
        return total
    if head_bytes == _E.size or block_bytes not in (2, _BLOCK_BYTES):
        return NOT_HERE
    if left < block_at + 2:
        return MORE
    said = data[at + block_at] << 8 | data[at + block_at + 1]
    return total if said == block_bytes - 2 else NOT_HERE


_VERSION_STARTS = (b"", b"\x01", *(version.to_bytes(2, "big") for version in VERSIONS))
