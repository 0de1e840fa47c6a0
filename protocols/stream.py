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

from protocols.crc import Crc32Sums, ends_in_crc32_mpeg2
from protocols.errors import RemoteProtocolError

FrameT = TypeVar("FrameT")

NOT_HERE = 0
"""`measure`: no frame begins at this mark."""
MORE = -1
"""`measure`: more bytes are needed to know."""
SHOWN_BYTES_MAX = 64
"""Of bytes that are no frame, how many are kept to be shown."""
HEAD_BYTES_MAX = 64
"""No protocol needs more bytes to know how long a frame is whose lengths are small."""
DIRECT_BYTES_MAX = 8192
"""Longest frame whose CRC is summed for each mark anew, which takes some microseconds."""


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Bytes that are no frame, or a whole frame whose content is wrong. `reason` is a slug: noise, crc, truncated, or
    the decoder's own; `data` are the first of `size` bytes."""

    reason: str
    detail: str
    data: bytes
    size: int


class Cutter(Generic[FrameT]):
    """Bytes in, frames and BadFrames out, in order. Holds at most `frame_bytes_max` bytes.

    What a byte costs is bounded whatever the peer sends (invariant I6): a mark is measured once per read, a frame of up
    to `DIRECT_BYTES_MAX` is summed for its CRC, and longer ones share the sums of `Crc32Sums`.
    """

    __slots__ = (
        "_decode",
        "_held",
        "_mark",
        "_measure",
        "_plain",
        "_reason",
        "_skipped",
        "_skipped_size",
        "_sums",
        "frame_bytes_max",
    )

    def __init__(
        self,
        frame_bytes_max: int,
        mark: re.Pattern[bytes],
        measure: Callable[[bytes | bytearray, int, int], int],
        decode: Callable[[bytes], FrameT],
        plain: Callable[[bytes], FrameT | None] | None = None,
    ) -> None:
        """`plain` reads what `measure` and `decode` would, quicker, where all of the bytes are one frame, or declines
        by None. Raises ValueError for a limit in which not even a head has room."""
        if frame_bytes_max < HEAD_BYTES_MAX:
            raise ValueError(f"frame_bytes_max is {frame_bytes_max}; at least {HEAD_BYTES_MAX} hold a head")
        self.frame_bytes_max = frame_bytes_max
        self._mark = mark
        self._measure = measure
        self._decode = decode
        self._plain = plain
        self._held = bytearray()
        self._sums: Crc32Sums | None = None
        self._reason = ""
        self._skipped = b""
        self._skipped_size = 0

    @property
    def pending(self) -> int:
        """Bytes held of a frame that has not ended; 0 between frames."""
        return len(self._held)

    @property
    def is_clean(self) -> bool:
        """Nothing is held and nothing was skipped: the stream stands at the beginning of a frame."""
        return not self._held and not self._skipped_size

    def feed(self, data: bytes) -> list[FrameT | BadFrame]:
        """Take bytes from the stream; returns what became whole."""
        out: list[FrameT | BadFrame] = []
        if not self._held and len(data) <= self.frame_bytes_max:
            if self._plain is not None and not self._skipped_size:
                frame = self._plain(data)
                if frame is not None:
                    return [frame]
            taken = self._cut(data, out, ended=False)
            if taken < len(data):
                self._hold(data[taken:])
            self._sums = None
            return out
        taken = 0
        while taken < len(data):
            piece = data[taken : taken + self.frame_bytes_max - len(self._held)]
            taken += len(piece)
            self._hold(piece)
            self._drop(self._cut(self._held, out, ended=False))
        return out

    def end(self) -> list[FrameT | BadFrame]:
        """The stream ended, or was silent for too long: give up the frame that waits and look behind it."""
        out: list[FrameT | BadFrame] = []
        self._drop(self._cut(self._held, out, ended=True))
        self._tell_skipped(out)
        return out

    def _hold(self, piece: bytes) -> None:
        self._held += piece
        if self._sums is not None:
            self._sums.extend(piece)

    def _drop(self, size: int) -> None:
        del self._held[:size]
        if not self._held:
            self._sums = None
        elif self._sums is not None:
            self._sums.drop(size)

    def _cut(self, data: bytes | bytearray, out: list[FrameT | BadFrame], *, ended: bool) -> int:
        """Work through what is there; returns how many bytes are done with."""
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
                    return at
                reason = "truncated"
            elif self._ends_right(data, at, at + size):
                self._tell_skipped(out)
                self._take(bytes(data[at : at + size]), out)
                at += size
                continue
            else:
                reason = "crc"
            self._skip(data[at : at + 1], reason, out)
            at += 1
        if at < len(data):
            self._skip(data[at:], "noise", out)
        return len(data)

    def _ends_right(self, data: bytes | bytearray, begin: int, end: int) -> bool:
        """Whether the CRC of the frame in [begin, end) is right."""
        if end - begin <= DIRECT_BYTES_MAX:
            return ends_in_crc32_mpeg2(data[begin:end])
        if self._sums is None:
            self._sums = Crc32Sums()
            self._sums.extend(data)
        return self._sums.ends_right(begin, end)

    def _take(self, frame: bytes, out: list[FrameT | BadFrame]) -> None:
        try:
            out.append(self._decode(frame))
        except RemoteProtocolError as error:
            out.append(BadFrame(error.reason, str(error), frame[:SHOWN_BYTES_MAX], len(frame)))

    def _skip(self, data: bytes | bytearray, reason: str, out: list[FrameT | BadFrame]) -> None:
        """Count bytes that lead nowhere; told when a frame follows, at the end, or per `frame_bytes_max` of them."""
        if reason != "noise" and not self._reason:
            self._reason = reason
        at = 0
        while at < len(data):
            size = min(len(data) - at, self.frame_bytes_max - self._skipped_size)
            if len(self._skipped) < SHOWN_BYTES_MAX:
                self._skipped += data[at : at + min(size, SHOWN_BYTES_MAX - len(self._skipped))]
            at += size
            self._skipped_size += size
            if self._skipped_size == self.frame_bytes_max:
                self._tell_skipped(out)

    def _tell_skipped(self, out: list[FrameT | BadFrame]) -> None:
        if self._skipped_size:
            reason = self._reason or "noise"
            detail = f"{self._skipped_size} bytes without a whole frame"
            out.append(BadFrame(reason, detail, self._skipped, self._skipped_size))
        self._reason, self._skipped, self._skipped_size = "", b"", 0
