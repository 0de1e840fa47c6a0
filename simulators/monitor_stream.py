"""An adapter's monitor as a stream: MP3 frames in RTP at the pace at which they sound (GD/J 089 table A.38)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from protocols import rtp

CLOCK_HZ = 90_000
STREAM_S_MAX = 60.0
"""Whoever listens has heard enough by then."""


async def stream(mp3: bytes, to: tuple[str, int], lasts: Callable[[], bool], chance: random.Random) -> None:
    """Frame by frame, from the beginning again where the file ends, while `lasts`."""
    frames = list(rtp.mpeg_frames(mp3))
    if not frames:
        return
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=to)
    sequence, ssrc, began_s, sounded_s = chance.randrange(2**16), chance.randrange(2**32), loop.time(), 0.0
    try:
        while sounded_s < STREAM_S_MAX:
            for frame in frames:
                if not lasts() or sounded_s >= STREAM_S_MAX:
                    return
                timestamp = int(sounded_s * CLOCK_HZ) % 2**32
                packet = rtp.RtpPacket(rtp.MPA, sequence, timestamp, ssrc, rtp.payload_of(frame.data))
                transport.sendto(rtp.encode(packet))
                sequence = (sequence + 1) % 2**16
                sounded_s += frame.duration_s
                await asyncio.sleep(max(0.0, began_s + sounded_s - loop.time()))
    finally:
        transport.close()
