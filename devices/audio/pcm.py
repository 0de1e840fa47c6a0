"""Uncompressed sound: 16-bit mono samples and their rate."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from typing import Self

SAMPLE_BYTES = 2


class AudioError(Exception):
    """Sound could not be made or read; the text says why."""


class NotAudio(AudioError):
    """The bytes are no sound that we play."""


@dataclass(frozen=True, slots=True)
class Pcm:
    """Signed 16-bit little-endian samples, one channel."""

    samples: bytes
    rate_hz: int

    def __post_init__(self) -> None:
        if self.rate_hz <= 0 or len(self.samples) % SAMPLE_BYTES:
            raise ValueError(f"{len(self.samples)} bytes at {self.rate_hz} Hz are no 16-bit samples")

    @property
    def duration_s(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_BYTES / self.rate_hz

    def then(self, other: Pcm, *, pause_s: float = 0.0) -> Pcm:
        """This, silence, and `other`, which must have the same rate."""
        if other.rate_hz != self.rate_hz:
            raise ValueError(f"{other.rate_hz} Hz does not follow {self.rate_hz} Hz")
        silence = bytes(SAMPLE_BYTES * round(pause_s * self.rate_hz))
        return Pcm(self.samples + silence + other.samples, self.rate_hz)

    def to_wav(self) -> bytes:
        """As a WAV file."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(self.rate_hz)
            file.writeframes(self.samples)
        return out.getvalue()

    @classmethod
    def from_wav(cls, data: bytes) -> Self:
        """Read a 16-bit mono WAV file. Raises NotAudio for anything else."""
        try:
            with wave.open(io.BytesIO(data), "rb") as file:
                shape = (file.getnchannels(), file.getsampwidth())
                if shape != (1, SAMPLE_BYTES):
                    raise NotAudio(f"WAV with {shape[0]} channels of {8 * shape[1]} bits; 1 of 16 is needed")
                samples = file.readframes(file.getnframes())
                return cls(samples[: len(samples) // SAMPLE_BYTES * SAMPLE_BYTES], file.getframerate())
        except (wave.Error, EOFError, ValueError, RuntimeError) as error:  # RuntimeError: a chunk longer than its file
            raise NotAudio(f"no WAV file: {error or 'it ends too early'}") from error
