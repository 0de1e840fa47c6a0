"""Whether two recordings are the same sound: loudness and brightness over time, compared at every shift.

Another codec, another gain and a missing second change neither curve much; another text changes both. What has no shape
(silence, a steady tone) resembles nothing: it proves nothing.
"""

from __future__ import annotations

import io
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul, sub
from statistics import median

import av
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

RATE_HZ = 8000
WINDOW_S = 0.05
_WINDOW = int(RATE_HZ * WINDOW_S)
FULL_SCALE = 32_768.0
FLOOR_DB = -90.0
SHIFT_S_MAX = 30.0
"""So late in what was sent a copy may begin."""
SHAPELESS_DB = 3.0
SHAPED_SHARE_MIN = 0.2
"""A curve has a shape where so many of its windows lie that far from its median."""
DAMAGED_PACKETS_MAX = 50
"""Of a copy with losses; its head is cut, too."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A sound in windows of `WINDOW_S`: level, and level of what changes from sample to sample, in dB of full scale."""

    loud: tuple[float, ...]
    bright: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.loud) * WINDOW_S

    @property
    def level_db(self) -> float:
        """Mean power; `FLOOR_DB` for nothing."""
        if not self.loud:
            return FLOOR_DB
        return _db(sum(10 ** (each / 10) for each in self.loud) / len(self.loud))


def shape_of(mp3: bytes, seconds_max: float) -> Shape:
    """The shape of the first seconds of MPEG audio; an empty one where nothing can be decoded."""
    samples = array("h")
    try:
        with av.open(io.BytesIO(mp3), "r", format="mp3") as container:
            resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
            damaged = 0
            for packet in container.demux(audio=0):
                try:
                    decoded = packet.decode()
                except FFmpegError:
                    damaged += 1
                    if damaged > DAMAGED_PACKETS_MAX:
                        break
                    continue
                for frame in decoded:
                    for piece in resampler.resample(frame):
                        samples.frombytes(bytes(piece.planes[0])[: 2 * piece.samples])
                if len(samples) >= seconds_max * RATE_HZ:
                    break
    except (FFmpegError, ValueError, EOFError, IndexError):
        return _shape(samples)
    return _shape(samples[: int(seconds_max * RATE_HZ)])


def likeness(copy: Shape, sent: Shape) -> float:
    """The best correlation of a copy with any part of what was sent, repeated as players repeat it: 1 the same, 0
    nothing in common. The weaker of the two curves counts."""
    length, period = len(copy.loud), len(sent.loud)
    if not length or not period:
        return 0.0
    if not _has_shape(copy.loud) or not _has_shape(copy.bright):
        return 0.0
    curves = [(_centred(mine), theirs) for mine, theirs in ((copy.loud, sent.loud), (copy.bright, sent.bright))]
    best = 0.0
    for shift in range(min(period, int(SHIFT_S_MAX / WINDOW_S))):
        found = 1.0
        for mine, theirs in curves:
            if mine is None:
                return 0.0
            found = min(found, _correlation(mine, [theirs[(shift + at) % period] for at in range(length)]))
            if found <= best:
                break
        best = max(best, found)
    return best


def _shape(samples: Sequence[int]) -> Shape:
    loud, bright = [], []
    for at in range(0, len(samples) - _WINDOW, _WINDOW):
        window = samples[at : at + _WINDOW]
        changes = list(map(sub, samples[at + 1 : at + _WINDOW + 1], window))
        loud.append(_db(sum(map(mul, window, window)) / _WINDOW / FULL_SCALE**2))
        bright.append(_db(sum(map(mul, changes, changes)) / _WINDOW / FULL_SCALE**2))
    return Shape(tuple(loud), tuple(bright))


def _db(power: float) -> float:
    return max(FLOOR_DB, 10 * math.log10(power)) if power > 0 else FLOOR_DB


def _has_shape(curve: Sequence[float]) -> bool:
    middle = median(curve)
    return sum(abs(each - middle) > SHAPELESS_DB for each in curve) >= SHAPED_SHARE_MIN * len(curve)


def _centred(curve: Sequence[float]) -> list[float] | None:
    """Of mean 0 and length 1; None for a flat curve."""
    mean = sum(curve) / len(curve)
    centred = [each - mean for each in curve]
    norm = math.sqrt(sum(map(mul, centred, centred)))
    if not norm:
        return None
    return [each / norm for each in centred]


def _correlation(mine: list[float], theirs: list[float]) -> float:
    centred = _centred(theirs)
    return 0.0 if centred is None else sum(map(mul, mine, centred))
