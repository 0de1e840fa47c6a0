"""MP3 frames whose sound is a number: heads worked by hand (tests/vectors/rtp/packets.json), then bytes without FF."""

from __future__ import annotations

FRAME_BYTES = 144
FRAME_TICKS = 2160
"""24 ms at 90 kHz."""


def frame(number: int, head: str = "FFF36400", length: int = FRAME_BYTES) -> bytes:
    """MPEG-2 layer III, 24 kHz, 48 kbit/s."""
    return bytes.fromhex(head) + f"{number:06d}".encode().ljust(length - 4, b"\x5a")


def mp3(frames: int) -> bytes:
    """So many of them: 24 ms each."""
    return b"".join(frame(number) for number in range(frames))
