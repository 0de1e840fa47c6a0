"""Legacy village RDS: registers of an encoder chip on a serial line, from before GD/J 085 (fm-rds.md section 13).

    FE · address 1 · data · FF       stuffed like UECP; the chip answers nothing

What goes on air are two free-format groups of six bytes:

    AA · five address or command bytes · four zeros · their sum · 55

Known are "everybody on" and "everybody off"; nothing is signed, and single loudspeakers cannot be addressed. An
amplifier goes off by itself 30 s after the last input went idle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from construct import Bytes, Checksum, Const, Int8ub, RawCopy, Struct, this

from protocols import stuffing
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.wire import build, parse

DATA_BYTES_MAX: Final = 64  # more than any register takes
REPEAT_S: Final = 5.5
RESET_WAIT_S: Final = 1.5

PI: Final = 0x00
RESET: Final = 0x71
GROUPS: Final = 0x77
SEND: Final = 0x76
SEND_HALTED: Final = b"\x00"
SEND_TWO_GROUPS: Final = b"\x0c"
RESET_NOW: Final = b"\x52"
_QUIET_REGISTERS: Final = (0x72, 0x74, 0x73)  # the chip's own services, of which this system uses none
_OUTPUT: Final = 0x6E


@dataclass(frozen=True, slots=True)
class Write:
    """One register written."""

    address: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """Five address or command bytes of a payload."""

    code: bytes


EVERYBODY_ON: Final = Command(b"\x01" * 5)
EVERYBODY_OFF: Final = Command(b"\x02" * 5)

_PAYLOAD: Final = Struct(
    Const(b"\xaa"),
    "body" / RawCopy(Struct("code" / Bytes(5), Const(bytes(4)))),
    Checksum(Int8ub, lambda data: sum(data) & 0xFF, this.body.data),
    Const(b"\x55"),
)


def encode_payload(command: Command) -> bytes:
    """The twelve bytes of two groups. Raises LocalProtocolError."""
    return build(_PAYLOAD, {"body": {"value": {"code": command.code}}})


def decode_payload(data: bytes) -> Command:
    """Read the twelve bytes. Raises RemoteProtocolError: body, trailing."""
    return Command(parse(_PAYLOAD, data).body.value.code)


def encode_write(write: Write) -> bytes:
    """One register write as it goes over the line. Raises LocalProtocolError."""
    if not 0 <= write.address <= 0xFF:
        raise LocalProtocolError(f"register {write.address:#x} has more than eight bits")
    if not 1 <= len(write.data) <= DATA_BYTES_MAX:
        raise LocalProtocolError(f"{len(write.data)} bytes for a register; 1 to {DATA_BYTES_MAX} go")
    return stuffing.stuffed(bytes([write.address]) + write.data)


def decode_write(frame: bytes) -> Write:
    """One whole write, FE to FF. Raises RemoteProtocolError: start, stop, stuffing, length."""
    return _write_of(stuffing.body_of(frame))


def _write_of(body: bytes) -> Write:
    if not 2 <= len(body) <= DATA_BYTES_MAX + 1:
        raise RemoteProtocolError(
            "length", f"a register write has 2 to {DATA_BYTES_MAX + 1} bytes, here are {len(body)}"
        )
    return Write(body[0], body[1:])


class Deframer(stuffing.Deframer[Write]):
    """The chip's end of the line: bytes in, writes and BadFrames out."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_write_of, 2 * (DATA_BYTES_MAX + 1))


def reset() -> bytes:
    """The first write after the line is opened; the chip needs RESET_WAIT_S after it."""
    return encode_write(Write(RESET, RESET_NOW))


def set_up(pi: int) -> bytes:
    """The writes after the reset. Raises LocalProtocolError."""
    if not 0 <= pi <= 0xFFFF:
        raise LocalProtocolError(f"programme identification {pi:#x} has more than 16 bits")
    writes = [Write(_OUTPUT, b"\x00"), Write(PI, pi.to_bytes(2, "big"))]
    writes += [Write(address, b"\x00") for address in _QUIET_REGISTERS]
    return b"".join(map(encode_write, writes))


def say(command: Command) -> bytes:
    """The writes that put a command on air once; repeat them every REPEAT_S."""
    writes = (Write(SEND, SEND_HALTED), Write(GROUPS, encode_payload(command)), Write(SEND, SEND_TWO_GROUPS))
    return b"".join(map(encode_write, writes))
