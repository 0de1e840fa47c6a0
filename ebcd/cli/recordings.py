"""Recordings of the multiplex as RIFF files (WAVE), of whatever sample format a receiver or a sound card writes.

The standard library's reader knows neither floating point nor the extensible header, and refuses what was cut short;
measuring receivers write all three.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PCM: Final = 1
FLOAT: Final = 3
EXTENSIBLE: Final = 0xFFFE
MAGICS: Final = (b"RIFF", b"RF64")
HEAD_BYTES: Final = 12
CHUNK_HEAD_BYTES: Final = 8
FORMAT_BYTES_MIN: Final = 16
SUBFORMAT_AT: Final = 24
CHANNELS_MAX: Final = 64
FLOAT_MAX: Final = 1e10  # some writers keep the scale of 32-bit numbers; beyond it is damage
BLOCK_SAMPLES: Final = 65_536
_TYPECODES: Final = {(PCM, 16): "h", (PCM, 32): "i", (FLOAT, 32): "f", (FLOAT, 64): "d"}


class BadRecording(ValueError):
    """The file is no recording that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples of one or more channels, side by side in `data`."""

    rate_hz: int
    channels: int
    kind: int  # PCM or FLOAT
    bits: int  # per sample
    data: memoryview

    def blocks(self, channel: int) -> Iterator[list[float]]:
        """The samples of one channel, in the unit of the file. What is no number counts as silence."""
        block_bytes = BLOCK_SAMPLES * self.channels * self.bits // 8
        frame_bytes = self.channels * self.bits // 8
        for at in range(0, len(self.data), block_bytes):
            block = self.data[at : at + block_bytes]
            samples = self._numbers(bytes(block[: len(block) - len(block) % frame_bytes]))[channel :: self.channels]
            yield samples if self.kind == PCM else [each if abs(each) < FLOAT_MAX else 0.0 for each in samples]

    def _numbers(self, block: bytes) -> list[float]:
        if self.bits == 8:  # the only one without a sign
            return [byte - 128.0 for byte in block]
        if self.bits == 24:
            return [float(int.from_bytes(block[at : at + 3], "little", signed=True)) for at in range(0, len(block), 3)]
        numbers = array(_TYPECODES[self.kind, self.bits])
        numbers.frombytes(block)
        if sys.byteorder == "big":
            numbers.byteswap()
        return [float(number) for number in numbers]


def read_recording(data: bytes) -> Recording:
    """A recording from a file's bytes; one that was cut short is as long as it is. Raises BadRecording."""
    if data[:4] not in MAGICS or data[8:12] != b"WAVE":
        raise BadRecording("no RIFF file of type WAVE")
    head: tuple[int, int, int, int] | None = None
    at = HEAD_BYTES
    while at + CHUNK_HEAD_BYTES <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += CHUNK_HEAD_BYTES
        if name == b"fmt ":
            head = _format(data[at : at + size])
        elif name == b"data":
            if head is None:
                raise BadRecording("its samples come before their format")
            rate_hz, channels, kind, bits = head
            if not size:  # a writer that was interrupted never came back to say how much it wrote
                size = len(data) - at
            return Recording(rate_hz, channels, kind, bits, memoryview(data)[at : at + size])
        at += size + size % 2
    raise BadRecording("it has no samples")


def _format(chunk: bytes) -> tuple[int, int, int, int]:
    if len(chunk) < FORMAT_BYTES_MIN:
        raise BadRecording("its format is cut short")
    kind, channels, rate_hz, _bytes_per_s, _align, bits = struct.unpack_from("<HHIIHH", chunk)
    if kind == EXTENSIBLE and len(chunk) >= SUBFORMAT_AT + 2:
        (kind,) = struct.unpack_from("<H", chunk, SUBFORMAT_AT)
    if (kind, bits) not in (*_TYPECODES, (PCM, 8), (PCM, 24)):
        raise BadRecording(f"samples of format {kind} with {bits} bits; 8 to 32 bits PCM or floating point can be read")
    if not 1 <= channels <= CHANNELS_MAX:
        raise BadRecording(f"{channels} channels")
    return rate_hz, channels, kind, bits
