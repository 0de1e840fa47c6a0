"""Sounds that say what follows. They are computed here, so that nobody's licence is in doubt.

A drill never has the sound of an alarm (I5): it gets the two-tone chime.
"""

from __future__ import annotations

import array
import math
import sys
from collections.abc import Iterator
from enum import StrEnum

from devices.audio.pcm import Pcm

TONE_S_MAX = 60.0
_FULL_SCALE = 32767
_LEVEL = 0.5  # -6 dB: horn amplifiers clip before the speech does
_FADE_S = 0.01  # edges without a click


class Tone(StrEnum):
    """What may precede speech."""

    SIREN = "siren"  # real emergencies: wails between two pitches
    CHIME = "chime"  # drills and daily content: two falling notes
    TEST = "test"  # 1 kHz, for measuring


def tone(kind: Tone, duration_s: float, rate_hz: int) -> Pcm:
    """Compute a tone. Raises ValueError outside 0 … TONE_S_MAX seconds."""
    if not 0 < duration_s <= TONE_S_MAX:
        raise ValueError(f"a tone of {duration_s} s; more than 0 and at most {TONE_S_MAX} are possible")
    count = round(duration_s * rate_hz)
    match kind:
        case Tone.SIREN:
            wave = _sweep(count, rate_hz, low_hz=500.0, high_hz=1200.0, period_s=2.0)
        case Tone.CHIME:
            wave = _notes(count, rate_hz, ((784.0, 0.6), (587.3, 0.9)), rest_s=0.5)
        case Tone.TEST:
            wave = _sweep(count, rate_hz, low_hz=1000.0, high_hz=1000.0, period_s=1.0)
    fade = max(1, round(_FADE_S * rate_hz))
    scale = _FULL_SCALE * _LEVEL
    samples = array.array(
        "h", (round(scale * value * min(1.0, at / fade, (count - 1 - at) / fade)) for at, value in enumerate(wave))
    )
    if sys.byteorder == "big":
        samples.byteswap()
    return Pcm(samples.tobytes(), rate_hz)


def _sweep(count: int, rate_hz: int, *, low_hz: float, high_hz: float, period_s: float) -> Iterator[float]:
    """A sine whose pitch swings between two, as a motor siren that speeds up and slows down."""
    phase = 0.0
    for at in range(count):
        yield math.sin(phase)
        swing = 0.5 - 0.5 * math.cos(math.tau * at / rate_hz / period_s)
        phase += math.tau * (low_hz + (high_hz - low_hz) * swing) / rate_hz


def _notes(count: int, rate_hz: int, notes: tuple[tuple[float, float], ...], *, rest_s: float) -> Iterator[float]:
    """Struck notes that die away, then a rest, over and over."""
    melody = [
        (frequency_hz, index / rate_hz, length_s)
        for frequency_hz, length_s in (*notes, (0.0, rest_s))
        for index in range(round(length_s * rate_hz))
    ]
    for at in range(count):
        frequency_hz, since_s, length_s = melody[at % len(melody)]
        attack = min(1.0, since_s / _FADE_S)
        yield attack * math.exp(-4 * since_s / length_s) * math.sin(math.tau * frequency_hz * since_s)
