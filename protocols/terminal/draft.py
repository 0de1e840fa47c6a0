"""FEFD of an older provincial draft (`edition` 2016x): header D with codes of 9 bytes and EBM ids of 15.

Only what public code shows is read: frame, start, stop, and the messages that hold no code. Where its start differs
from table D.5 (a duration instead of the end, transport and codec before the address) the order is that of D.5 and the
rest our reading. Codes are BCD without the nibble F, so nothing but the configuration tells this draft from 2018.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from construct import Bytes, Const, ExprAdapter, Int8ub, Int16ub, Int32ub, Struct

from protocols.codes import Digits
from protocols.crc import crc32_mpeg2_bytes, ends_in_crc32_mpeg2
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.signature import SignatureBlock
from protocols.stream import MORE, NOT_HERE, Cutter
from protocols.terminal.codec import ANSWER_PACKET, REQUEST, encode_data, read_data
from protocols.terminal.frame import FRAME_BYTES_MAX, MARK, SIGNATURE_BYTES, VERSION
from protocols.terminal.messages import Answer, FaultReport, Heartbeat, OldEbmId, OldTaskSwitch, Opaque, StatusQuery
from protocols.wire import Layout, build, counted, loose_event_type, parse, record, sized, text

CODE_BYTES = 9
ID_BYTES = 15
_BUSINESS_BYTES = 3
_CRC_BYTES = 4
_BLOCK_BYTES = 2 + SIGNATURE_BYTES


class OldCode(Digits):
    """Resource code of the draft: 18 digits, nine bytes of BCD."""

    __slots__ = ()
    length = 18
    noun = "resource code of the draft"


@dataclass(frozen=True, slots=True)
class OldStart:
    """0x01: `duration_s` instead of the end; transport and codec are numbers of the vendor's making."""

    type: ClassVar[int] = 0x01
    ebm_id: OldEbmId
    class_: int
    level: int
    event_type: str
    volume: int
    start: int
    duration_s: int
    transport: int
    codec: int
    url: str


@dataclass(frozen=True, slots=True)
class OldStop:
    """0x02."""

    type: ClassVar[int] = 0x02
    ebm_id: OldEbmId


OldMessage = OldStart | OldStop | OldTaskSwitch | Heartbeat | StatusQuery | FaultReport | Answer | Opaque
_WITHOUT_CODES = frozenset({Heartbeat.type, StatusQuery.type, FaultReport.type})


@dataclass(frozen=True, slots=True)
class OldFrame:
    """One whole frame with a right CRC; `signed` as in `protocols.terminal.Frame`."""

    session: int
    packet_type: int
    source: OldCode
    targets: tuple[OldCode, ...]
    message: OldMessage
    signature: SignatureBlock | None = None
    signed: bytes = field(default=b"", compare=False, repr=False)


_code: Layout = ExprAdapter(Bytes(CODE_BYTES), lambda data, _: OldCode(data.hex()), lambda code, _: bytes.fromhex(code))
_id: Layout = "ebm_id" / ExprAdapter(
    Bytes(ID_BYTES), lambda data, _: OldEbmId(data.hex()), lambda value, _: bytes.fromhex(value)
)
_LAYOUTS: dict[int, Layout] = {
    OldStart.type: record(
        OldStart,
        _id,
        "class_" / Int8ub,
        "level" / Int8ub,
        "event_type" / loose_event_type,
        "volume" / Int8ub,
        "start" / Int32ub,
        "duration_s" / Int32ub,
        "transport" / Int8ub,
        "codec" / Int8ub,
        "url" / text(Int16ub),
    ),
    OldStop.type: record(OldStop, _id),
    OldTaskSwitch.type: record(OldTaskSwitch, "flag" / Int8ub, "task" / Int8ub, _id, "time" / Int32ub),
}
_FRAME: Layout = Struct(
    Const(MARK),
    Const(VERSION, Int16ub),
    "session" / Int32ub,
    "packet_type" / Int8ub,
    "flag" / Int8ub,
    "total" / Int16ub,
    "source" / _code,
    "targets" / counted(Int16ub, _code),
    "type" / Int8ub,
    "data" / sized(Int16ub),
)
_HEAD_BYTES = 23
"""Up to and with the number of targets."""


def _message(type_: int, packet_type: int, data: bytes) -> OldMessage:
    """What does not parse stays as it came: nobody has the draft's text."""
    try:
        if packet_type == REQUEST and type_ in _LAYOUTS:
            known: OldMessage = parse(_LAYOUTS[type_], data)
            return known
        if packet_type == ANSWER_PACKET or type_ in _WITHOUT_CODES:
            message, trailing = read_data(type_, packet_type, data)
            if not trailing and isinstance(message, Answer | Heartbeat | StatusQuery | FaultReport):
                return message
    except RemoteProtocolError:
        pass
    return Opaque(type_, data)


def decode(data: bytes) -> OldFrame:
    """Read exactly one frame of the draft. Raises RemoteProtocolError: head, length, crc, value."""
    size = measure(data, 0, FRAME_BYTES_MAX)
    if size == NOT_HERE or data[:2] != MARK:
        raise RemoteProtocolError("head", f"{data[:16].hex()} begins no frame of the draft", offset=0)
    if size != len(data):
        raise RemoteProtocolError("length", f"{len(data)} bytes are here, the frame has another length", offset=10)
    if not ends_in_crc32_mpeg2(data):
        raise RemoteProtocolError("crc", f"CRC {data[-4:].hex().upper()} is wrong", offset=len(data) - _CRC_BYTES)
    return _decode_checked(data)


def _decode_checked(data: bytes) -> OldFrame:
    end = len(data) - _CRC_BYTES - (_BLOCK_BYTES if data[9] else 0)
    head = parse(_FRAME, data[:end])
    block = data[end + 2 : -_CRC_BYTES]
    return OldFrame(
        head.session,
        head.packet_type,
        head.source,
        head.targets,
        _message(head.type, head.packet_type, head.data),
        SignatureBlock.decode(block) if block else None,
        data[:end],
    )


def encode(frame: OldFrame, *, sign: Callable[[bytes], SignatureBlock] | None = None) -> bytes:
    """The frame's bytes; a signature in the value is kept. Raises LocalProtocolError."""
    message = frame.message
    if isinstance(message, OldStart | OldStop | OldTaskSwitch):
        data = build(_LAYOUTS[message.type], message)
    else:
        data = encode_data(message)
    is_signed = sign is not None or frame.signature is not None
    total = _HEAD_BYTES + CODE_BYTES * len(frame.targets) + _BUSINESS_BYTES + len(data) + _CRC_BYTES
    total += _BLOCK_BYTES if is_signed else 0
    if total > FRAME_BYTES_MAX:
        raise LocalProtocolError(f"frame of {total} bytes, {FRAME_BYTES_MAX} are possible")
    fields = {"session": frame.session, "packet_type": frame.packet_type, "flag": int(is_signed), "total": total}
    names = {"source": frame.source, "targets": frame.targets, "type": message.type, "data": data}
    whole = build(_FRAME, fields | names)
    if is_signed:
        block = sign(whole) if sign is not None else frame.signature
        assert block is not None
        whole += SIGNATURE_BYTES.to_bytes(2, "big") + block.encode()
    return whole + crc32_mpeg2_bytes(whole)


def measure(data: bytes | bytearray, at: int, frame_bytes_max: int) -> int:
    """Length of the frame whose mark stands at `at`, NOT_HERE, or MORE."""
    left = len(data) - at
    if left < _HEAD_BYTES:
        return MORE
    flag, total = data[at + 9], data[at + 10] << 8 | data[at + 11]
    business = _HEAD_BYTES + CODE_BYTES * (data[at + 21] << 8 | data[at + 22])
    if flag > 1 or not business + _BUSINESS_BYTES + _CRC_BYTES <= total <= frame_bytes_max:
        return NOT_HERE
    if left < business + _BUSINESS_BYTES:
        return MORE
    length = data[at + business + 1] << 8 | data[at + business + 2]
    behind = _CRC_BYTES + (_BLOCK_BYTES if flag else 0)
    return total if business + _BUSINESS_BYTES + length + behind == total else NOT_HERE


_MARK = re.compile(rb"\xfe(?:\xfd(?:\x01\x00|\x01?\Z)|\Z)")


class Deframer(Cutter[OldFrame]):
    """Cuts a TCP stream into frames of the draft; see `protocols.stream`."""

    __slots__ = ()

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        super().__init__(frame_bytes_max, _MARK, measure, _decode_checked)
