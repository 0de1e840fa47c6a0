"""On real sockets, in real time: what comes is the file, by our own reading of RTP and by libavformat's."""

from __future__ import annotations

import asyncio
import random
import threading
from pathlib import Path as FilePath

import av
import pytest

from devices.audio.rtp_streams import RtpStreams
from devices.link import Began
from ebcd.clock import SystemClock
from ebcd.world import SocketNetwork
from protocols import rtp
from protocols.sm2 import sm3
from tests.devices.test_adapter_sockets import until
from tests.ebcd.head_end import EBM, head_end
from tests.ebcd.monitor.sounds import mp3
from tests.ports import free_port

pytestmark = pytest.mark.real

SOUND = mp3(1, 1.0)


async def test_the_sm3_of_what_was_heard_is_that_of_the_file(tmp_path: FilePath) -> None:
    async with head_end(SystemClock(), tmp_path, in_thread=True) as at:
        file = at.keep(SOUND)
        at.start(file, 60)
        await until(lambda: EBM in at.station.ears.heard and at.heard().rounds_of(SOUND) >= 1.0)
        heard = bytes(at.heard().sounds[-1])[: file.size_bytes]
        assert sm3(heard).hex() == file.sm3
        assert at.heard().gaps == 0
        await until(lambda: at.told(Began) == ["Began"])


async def test_another_reader_of_rtp_hears_the_same_frames_at_the_same_times(tmp_path: FilePath) -> None:
    """libavformat, told by a session description what comes. It may miss the beginning."""
    port, session = free_port(), tmp_path / "session.sdp"
    lines = ("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0", f"m=audio {port} RTP/AVP 14", "")
    session.write_text("\n".join(lines), encoding="ascii")
    heard: list[tuple[int, bytes]] = []

    def listen() -> None:
        options = {"protocol_whitelist": "file,udp,rtp", "analyzeduration": "300000", "probesize": "3000"}
        with av.open(str(session), format="sdp", options=options) as container:
            for packet in container.demux():
                heard.append((packet.pts or 0, bytes(packet)))
                if sum(len(data) for _, data in heard) > len(SOUND):
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    clock = SystemClock()
    streams = RtpStreams(clock, random.Random(1))
    transport, _ = await SocketNetwork().datagrams(asyncio.DatagramProtocol, "127.0.0.1", port)
    stream = streams.open(tuple(rtp.pieces(SOUND, 1400)), transport.sendto, 0.0, clock.wall() + 60, list)
    try:
        await until(lambda: not listener.is_alive())
    finally:
        streams.close(stream)
        transport.close()
    frames = [frame.data for frame in rtp.mpeg_frames(SOUND)]
    assert b"".join(data for _, data in heard) in b"".join(frames) * 3
    first = heard[0][0]
    assert [pts - first for pts, _ in heard] == [3240 * number for number in range(len(heard))]  # 576 / 16,000 s
