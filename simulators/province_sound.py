"""Sound for simulated messages: a siren of our own making, encoded as MP3."""

from __future__ import annotations

import io
import math
from array import array

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

SAMPLE_HZ = 16_000
BIT_RATE_BPS = 32_000
SECONDS_MAX = 600.0
SWEEP_S = 2.0  # up and down once
LOW_HZ, HIGH_HZ = 500.0, 1_000.0
AMPLITUDE = 12_000  # of 32,767: loud, without clipping in a decoder


def siren_mp3(seconds: float) -> bytes:
    """A rising and falling tone of this length, mono. Raises ValueError outside 0.1 to SECONDS_MAX."""
    if not 0.1 <= seconds <= SECONDS_MAX:
        raise ValueError(f"a siren of {seconds} s; 0.1 to {SECONDS_MAX:.0f} s can be made")
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_HZ)
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        stream.bit_rate = BIT_RATE_BPS
        samples = siren_samples(seconds)
        frame = AudioFrame(format="s16p", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = SAMPLE_HZ
        frame.pts = 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def siren_samples(seconds: float) -> array[int]:
    """The same as 16-bit samples. A sweep is a whole number of cycles, so that sweeps join without a click."""
    sweep = array("h")
    phase = 0.0
    for number in range(int(SWEEP_S * SAMPLE_HZ)):
        swept = (1 - math.cos(2 * math.pi * number / (SWEEP_S * SAMPLE_HZ))) / 2
        sweep.append(int(AMPLITUDE * math.sin(phase)))
        phase += 2 * math.pi * (LOW_HZ + (HIGH_HZ - LOW_HZ) * swept) / SAMPLE_HZ
    samples = int(seconds * SAMPLE_HZ)
    return (sweep * (samples // len(sweep) + 1))[:samples]
