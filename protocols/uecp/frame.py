"""UECP frames on a serial line or TCP (SPB 490 clause 2.2, IEC 62106-10).

    FE · address 2 · sequence 1 · length 1 · message 0-255 · CRC 2 · FF

Between FE and FF every FD, FE, FF is sent as FD and 00, 01, 02; length and CRC count the bytes before that.

Failures to expect: noise between frames, a frame that a new FE cuts off, a frame whose end is lost, FD before anything
else, a length or a CRC that lies. FE is a new start wherever it comes, so none of them costs the next good frame. How
the reads split the stream changes nothing in what comes out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from construct import BitsInteger, Bitwise, GreedyBytes, Int8ub, Prefixed, Struct

from protocols.crc import crc16_uecp
from protocols.errors import RemoteProtocolError
from protocols.stream import SHOWN_BYTES_MAX, BadFrame
from protocols.wire import build, parse

START: Final = 0xFE
STOP: Final = 0xFF
STUFFING: Final = 0xFD
CRC_BYTES: Final = 2
HEAD_BYTES: Final = 4
MESSAGE_BYTES_MAX: Final = 255
STUFFED_BYTES_MAX: Final = 2 * (HEAD_BYTES + MESSAGE_BYTES_MAX + CRC_BYTES)
NOISE_BYTES_MAX: Final = 1024
"""Noise is told at the next FE, at the end, and each time there is so much of it."""

EVERYBODY: Final = 0
"""The site or encoder address that every encoder listens to."""
SQC_UNUSED: Final = 0
SQC_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `site` 0-1023 and `encoder` 0-63 are 0 for all; `sqc` is 1-255 in turn, 0 where it is not used."""

    site: int
    encoder: int
    sqc: int
    message: bytes


_HEAD: Final = Struct(
    "address" / Bitwise(Struct("site" / BitsInteger(10), "encoder" / BitsInteger(6))),
    "sqc" / Int8ub,
    "message" / Prefixed(Int8ub, GreedyBytes),
)
_SPECIAL: Final = re.compile(b"[\xfd-\xff]")
_STUFFED: Final = re.compile(b"\xfd(.?)", re.DOTALL)


def encode(frame: Frame) -> bytes:
    """A frame as it is sent, FE to FF. Raises LocalProtocolError for addresses or lengths that do not fit."""
    address = {"site": frame.site, "encoder": frame.encoder}
    body = build(_HEAD, {"address": address, "sqc": frame.sqc, "message": frame.message})
    body += crc16_uecp(body).to_bytes(CRC_BYTES, "big")
    return bytes([START]) + _SPECIAL.sub(lambda found: bytes([STUFFING, found[0][0] - STUFFING]), body) + bytes([STOP])


def decode(data: bytes) -> Frame:
    """One whole frame, FE to FF. Raises RemoteProtocolError: start, stop, stuffing, crc, length."""
    if not data or data[0] != START:
        raise RemoteProtocolError("start", "a frame begins with FE", offset=0)
    if len(data) < 2 or data[-1] != STOP:
        raise RemoteProtocolError("stop", "a frame ends with FF", offset=len(data))
    if inner := re.search(b"[\xfe\xff]", data[1:-1]):
        raise RemoteProtocolError("stop", f"{inner[0].hex().upper()} inside a frame", offset=1 + inner.start())
    return _decode_body(data[1:-1])


def _decode_body(stuffed: bytes) -> Frame:
    """What stood between FE and FF."""
    body = _unstuffed(stuffed)
    if len(body) < HEAD_BYTES + CRC_BYTES:
        raise RemoteProtocolError("length", f"{len(body)} bytes, no frame has fewer than {HEAD_BYTES + CRC_BYTES}")
    found, carried = crc16_uecp(body[:-CRC_BYTES]), int.from_bytes(body[-CRC_BYTES:], "big")
    if found != carried:
        raise RemoteProtocolError("crc", f"the frame carries {carried:04X}, its bytes give {found:04X}")
    if body[HEAD_BYTES - 1] != (size := len(body) - HEAD_BYTES - CRC_BYTES):
        raise RemoteProtocolError("length", f"the length says {body[HEAD_BYTES - 1]}, the message has {size} bytes")
    head = parse(_HEAD, body[:-CRC_BYTES])
    return Frame(head.address.site, head.address.encoder, head.sqc, head.message)


def _unstuffed(stuffed: bytes) -> bytes:
    for found in _STUFFED.finditer(stuffed):
        if not found[1] or found[1][0] > STOP - STUFFING:
            behind = found[1].hex().upper() or "the end"
            raise RemoteProtocolError("stuffing", f"FD before {behind}", offset=found.start())
    return _STUFFED.sub(lambda found: bytes([STUFFING + found[1][0]]), stuffed)


class Deframer:
    """Bytes in, frames and BadFrames out, in order. Holds at most STUFFED_BYTES_MAX bytes of a frame.

    Reasons of a BadFrame: noise, restart (FE inside a frame), overlong, truncated, and those of `decode`.
    """

    __slots__ = ("_noise", "_noise_size", "_open")

    def __init__(self) -> None:
        self._open: bytearray | None = None  # bytes behind FE
        self._noise = bytearray()
        self._noise_size = 0

    @property
    def pending(self) -> int:
        """Bytes held of a frame that has not ended."""
        return 0 if self._open is None else 1 + len(self._open)

    def feed(self, data: bytes) -> list[Frame | BadFrame]:
        """Take bytes from the line; returns what became whole."""
        out: list[Frame | BadFrame] = []
        for byte in data:
            if byte == START:
                self._restart(out)
            elif self._open is None:
                self._hear_noise(byte, out)
            elif byte == STOP:
                out.append(self._close(self._open))
                self._open = None
            elif len(self._open) == STUFFED_BYTES_MAX:
                out.append(_bad("overlong", f"no FF after {STUFFED_BYTES_MAX} bytes", self._open))
                self._open = None
                self._hear_noise(byte, out)
            else:
                self._open.append(byte)
        return out

    def end(self) -> list[Frame | BadFrame]:
        """The line went, or was silent for too long: give up what waits."""
        out: list[Frame | BadFrame] = []
        self._tell_noise(out)
        if self._open is not None:
            out.append(_bad("truncated", "the frame has no end", self._open))
            self._open = None
        return out

    def _restart(self, out: list[Frame | BadFrame]) -> None:
        self._tell_noise(out)
        if self._open is not None:
            out.append(_bad("restart", "FE inside a frame", self._open))
        self._open = bytearray()

    def _close(self, stuffed: bytearray) -> Frame | BadFrame:
        try:
            return _decode_body(bytes(stuffed))
        except RemoteProtocolError as error:
            whole = bytes([START, *stuffed, STOP])
            return BadFrame(error.reason, str(error), whole[:SHOWN_BYTES_MAX], len(whole))

    def _hear_noise(self, byte: int, out: list[Frame | BadFrame]) -> None:
        if len(self._noise) < SHOWN_BYTES_MAX:
            self._noise.append(byte)
        self._noise_size += 1
        if self._noise_size == NOISE_BYTES_MAX:
            self._tell_noise(out)

    def _tell_noise(self, out: list[Frame | BadFrame]) -> None:
        if self._noise_size:
            out.append(
                BadFrame("noise", f"{self._noise_size} bytes outside a frame", bytes(self._noise), self._noise_size)
            )
        self._noise.clear()
        self._noise_size = 0


def _bad(reason: str, detail: str, stuffed: bytearray) -> BadFrame:
    whole = bytes([START, *stuffed])
    return BadFrame(reason, detail, whole[:SHOWN_BYTES_MAX], len(whole))
