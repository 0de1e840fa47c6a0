"""Cutting a byte stream into frames, for protocols whose frames begin with a mark and end with a CRC.

Failures to expect: noise between frames, a cut frame, two frames in one read, one frame in a hundred reads, a length
that lies, a CRC that lies. What does not lead to a right CRC is given up one mark at a time, so that no whole frame
behind it is lost. How the reads split the stream changes nothing in what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from protocols.crc import crc32_mpeg2
from protocols.errors import RemoteProtocolError

FrameT = TypeVar("FrameT")

NOT_HERE = 0
"""`measure`: no frame begins at this mark."""
MORE = -1
"""`measure`: more bytes are needed to know."""
SHOWN_BYTES_MAX = 64


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Bytes that are no frame, or a whole frame whose content is wrong. `reason` is a slug: noise, crc, truncated, or
    the decoder's own; `data` are the first of `size` bytes."""

    reason: str
    detail: str
    data: bytes
    size: int


class Cutter(Generic[FrameT]):
    """Bytes in, frames and BadFrames out, in order. Holds at most `frame_bytes_max` bytes."""

    __slots__ = ("_decode", "_mark", "_measure", "_reason", "_rest", "_skipped", "_skipped_size", "frame_bytes_max")

    def __init__(
        self,
        frame_bytes_max: int,
        mark: re.Pattern[bytes],
        measure: Callable[[bytes, int, int], int],
        decode: Callable[[bytes], FrameT],
    ) -> None:
        self.frame_bytes_max = frame_bytes_max
        self._mark = mark
        self._measure = measure
        self._decode = decode
        self._rest = b""
        self._reason = ""
        self._skipped = b""
        self._skipped_size = 0

    @property
    def pending(self) -> int:
        """Bytes held of a frame that has not ended; 0 between frames."""
        return len(self._rest)

    @property
    def is_clean(self) -> bool:
        """Nothing is held and nothing was skipped: the stream stands at the beginning of a frame."""
        return not self._rest and not self._skipped_size

    def feed(self, data: bytes) -> list[FrameT | BadFrame]:
        """Take bytes from the stream; returns what became whole."""
        out: list[FrameT | BadFrame] = []
        taken = 0
        while taken < len(data):
            room = self.frame_bytes_max - len(self._rest)
            piece = data[taken : taken + room]
            taken += len(piece)
            self._cut(self._rest + piece if self._rest else piece, out, ended=False)
        return out

    def end(self) -> list[FrameT | BadFrame]:
        """The stream ended, or was silent for too long: give up the frame that waits and look behind it."""
        out: list[FrameT | BadFrame] = []
        self._cut(self._rest, out, ended=True)
        self._tell_skipped(out)
        return out

    def _cut(self, data: bytes, out: list[FrameT | BadFrame], *, ended: bool) -> None:
        at = 0
        while found := self._mark.search(data, at):
            if found.start() > at:
                self._skip(data[at : found.start()], "noise", out)
            at = found.start()
            size = self._measure(data, at, self.frame_bytes_max)
            if size == NOT_HERE:
                reason = "noise"
            elif size == MORE or at + size > len(data):
                if not ended:
                    self._rest = data[at:]
                    return
                reason = "truncated"
            elif crc32_mpeg2(data[at : at + size - 4]) == int.from_bytes(data[at + size - 4 : at + size], "big"):
                self._tell_skipped(out)
                self._take(data[at : at + size], out)
                at += size
                continue
            else:
                reason = "crc"
            self._skip(data[at : at + 1], reason, out)
            at += 1
        self._rest = b""
        if at < len(data):
            self._skip(data[at:], "noise", out)

    def _take(self, frame: bytes, out: list[FrameT | BadFrame]) -> None:
        try:
            out.append(self._decode(frame))
        except RemoteProtocolError as error:
            out.append(BadFrame(error.reason, str(error), frame[:SHOWN_BYTES_MAX], len(frame)))

    def _skip(self, data: bytes, reason: str, out: list[FrameT | BadFrame]) -> None:
        """Count bytes that lead nowhere; told when a frame follows, at the end, or per `frame_bytes_max` of them."""
        if reason != "noise" and not self._reason:
            self._reason = reason
        while data:
            piece = data[: self.frame_bytes_max - self._skipped_size]
            data = data[len(piece) :]
            self._skipped += piece[: SHOWN_BYTES_MAX - len(self._skipped)]
            self._skipped_size += len(piece)
            if self._skipped_size == self.frame_bytes_max:
                self._tell_skipped(out)

    def _tell_skipped(self, out: list[FrameT | BadFrame]) -> None:
        if self._skipped_size:
            reason = self._reason or "noise"
            detail = f"{self._skipped_size} bytes without a whole frame"
            out.append(BadFrame(reason, detail, self._skipped, self._skipped_size))
        self._reason, self._skipped, self._skipped_size = "", b"", 0
