"""Frames between FE and FF in which FD, FE and FF are sent as FD and 00, 01, 02: UECP (SPB 490 clause 2.2.8) and the
registers of village encoders.

Failures to expect: noise between frames, a frame that a new FE cuts off, a frame whose end is lost, FD before anything
else. FE is a new start wherever it comes, so none of them costs the next good frame. How the reads split the stream
changes nothing in what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from protocols.errors import RemoteProtocolError
from protocols.stream import SHOWN_BYTES_MAX, BadFrame

FrameT = TypeVar("FrameT")

START: Final = 0xFE
STOP: Final = 0xFF
STUFFING: Final = 0xFD
NOISE_BYTES_MAX: Final = 1024
"""Noise is told at the next FE, at the end, and each time there is so much of it."""

_SPECIAL: Final = re.compile(b"[\xfd-\xff]")
_STUFFED: Final = re.compile(b"\xfd(.?)", re.DOTALL)


def stuffed(body: bytes) -> bytes:
    """A body between its FE and FF."""
    inner = _SPECIAL.sub(lambda found: bytes([STUFFING, found[0][0] - STUFFING]), body)
    return bytes([START]) + inner + bytes([STOP])


def body_of(frame: bytes) -> bytes:
    """The body of one whole frame, FE to FF. Raises RemoteProtocolError: start, stop, stuffing."""
    if not frame or frame[0] != START:
        raise RemoteProtocolError("start", "a frame begins with FE", offset=0)
    if len(frame) < 2 or frame[-1] != STOP:
        raise RemoteProtocolError("stop", "a frame ends with FF", offset=len(frame))
    if inner := re.search(b"[\xfe\xff]", frame[1:-1]):
        raise RemoteProtocolError("stop", f"{inner[0].hex().upper()} inside a frame", offset=1 + inner.start())
    return _unstuffed(frame[1:-1])


def _unstuffed(inner: bytes) -> bytes:
    for found in _STUFFED.finditer(inner):
        if not found[1] or found[1][0] > STOP - STUFFING:
            behind = found[1].hex().upper() or "the end"
            raise RemoteProtocolError("stuffing", f"FD before {behind}", offset=found.start())
    return _STUFFED.sub(lambda found: bytes([STUFFING + found[1][0]]), inner)


class Deframer(Generic[FrameT]):
    """Bytes in, frames and BadFrames out, in order. Holds at most `stuffed_bytes_max` bytes of a frame.

    Reasons of a BadFrame: noise, restart (FE inside a frame), overlong, truncated, stuffing, and those of `decode`.
    """

    __slots__ = ("_decode", "_noise", "_noise_size", "_open", "stuffed_bytes_max")

    def __init__(self, decode: Callable[[bytes], FrameT], stuffed_bytes_max: int) -> None:
        """`decode` reads a body and raises RemoteProtocolError."""
        self.stuffed_bytes_max = stuffed_bytes_max
        self._decode = decode
        self._open: bytearray | None = None  # bytes behind FE
        self._noise = bytearray()
        self._noise_size = 0

    @property
    def pending(self) -> int:
        """Bytes held of a frame that has not ended."""
        return 0 if self._open is None else 1 + len(self._open)

    def feed(self, data: bytes) -> list[FrameT | BadFrame]:
        """Take bytes from the line; returns what became whole."""
        out: list[FrameT | BadFrame] = []
        for byte in data:
            if byte == START:
                self._restart(out)
            elif self._open is None:
                self._hear_noise(byte, out)
            elif byte == STOP:
                out.append(self._close(self._open))
                self._open = None
            elif len(self._open) == self.stuffed_bytes_max:
                out.append(_bad("overlong", f"no FF after {self.stuffed_bytes_max} bytes", self._open))
                self._open = None
                self._hear_noise(byte, out)
            else:
                self._open.append(byte)
        return out

    def end(self) -> list[FrameT | BadFrame]:
        """The line went, or was silent for too long: give up what waits."""
        out: list[FrameT | BadFrame] = []
        self._tell_noise(out)
        if self._open is not None:
            out.append(_bad("truncated", "the frame has no end", self._open))
            self._open = None
        return out

    def _restart(self, out: list[FrameT | BadFrame]) -> None:
        self._tell_noise(out)
        if self._open is not None:
            out.append(_bad("restart", "FE inside a frame", self._open))
        self._open = bytearray()

    def _close(self, inner: bytearray) -> FrameT | BadFrame:
        try:
            return self._decode(_unstuffed(bytes(inner)))
        except RemoteProtocolError as error:
            whole = bytes([START, *inner, STOP])
            return BadFrame(error.reason, str(error), whole[:SHOWN_BYTES_MAX], len(whole))

    def _hear_noise(self, byte: int, out: list[FrameT | BadFrame]) -> None:
        if len(self._noise) < SHOWN_BYTES_MAX:
            self._noise.append(byte)
        self._noise_size += 1
        if self._noise_size == NOISE_BYTES_MAX:
            self._tell_noise(out)

    def _tell_noise(self, out: list[FrameT | BadFrame]) -> None:
        if self._noise_size:
            out.append(
                BadFrame("noise", f"{self._noise_size} bytes outside a frame", bytes(self._noise), self._noise_size)
            )
        self._noise.clear()
        self._noise_size = 0


def _bad(reason: str, detail: str, inner: bytearray) -> BadFrame:
    whole = bytes([START, *inner])
    return BadFrame(reason, detail, whole[:SHOWN_BYTES_MAX], len(whole))
