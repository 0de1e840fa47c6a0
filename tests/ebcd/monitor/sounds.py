"""Speech-like sounds for tests: syllables of noise and tone whose loudness and brightness a seed decides."""

from __future__ import annotations

import math
import random
from array import array
from functools import cache

from devices.audio.encode import to_mp3
from devices.audio.pcm import Pcm

RATE_HZ = 16_000


@cache
def speech(seed: int, seconds: float, gain: float = 0.3) -> Pcm:
    """Another seed is another text."""
    chance = random.Random(seed)
    samples = array("h")
    while len(samples) < seconds * RATE_HZ:
        length = int(chance.uniform(0.08, 0.35) * RATE_HZ)
        loud, hz = gain * chance.choice((0.02, 0.3, 0.6, 1.0)), chance.uniform(150, 3000)
        hiss = chance.uniform(0, 0.5)
        for at in range(length):
            value = (1 - hiss) * math.sin(2 * math.pi * hz * at / RATE_HZ) + hiss * chance.uniform(-1, 1)
            samples.append(int(32_000 * loud * value))
    return Pcm(samples[: int(seconds * RATE_HZ)].tobytes(), RATE_HZ)


@cache
def mp3(seed: int, seconds: float, gain: float = 0.3, bit_rate: int = 48_000) -> bytes:
    """The same as a file."""
    return to_mp3(speech(seed, seconds, gain), bit_rate=bit_rate)


@cache
def tone(seconds: float, gain: float) -> bytes:
    """A steady tone, or silence, as a file."""
    count = int(seconds * RATE_HZ)
    samples = array("h", (int(32_000 * gain * math.sin(2 * math.pi * 440 * at / RATE_HZ)) for at in range(count)))
    return to_mp3(Pcm(samples.tobytes(), RATE_HZ))
