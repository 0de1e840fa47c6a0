"""Packets in frames of eight bytes, and which version number a packet gets (GD/J 085 clause 5.4, fig. 3).

    level 3 · version 5 | frame count N 8 | index i 8 | payload 40

The payloads of a packet's frames in order are the packet, its CRC-16/CCITT-FALSE and a fill of FF. One frame fills all
64 information bits of four RDS blocks; there is no PI and no group type.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from construct import BitsInteger, Bitwise, Bytes, Bytewise, Int8ub, Struct

from protocols.crc import crc16_ccitt_false
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.packet import PACKET_BYTES_MAX
from protocols.wire import build, parse

FRAME_BYTES: Final = 8
PAYLOAD_BYTES: Final = 5
CRC_BYTES: Final = 2
FILL: Final = b"\xff"
FRAMES_MAX: Final = 255
VERSIONS: Final = 32  # 5 bits; also the most packets that may rotate per source level
FRAME_BITS: Final = 104
BIT_RATE: Final = 1187.5  # bit/s: 57 kHz / 48
FILLER_FRAME: Final = bytes(FRAME_BYTES)
"""Level 000: no receiver looks at it. The bit stream must not stop (clause 6.1.2)."""


class SourceLevel(IntEnum):
    """Who sends, three bits; 0 and 7 are reserved (GD/J 085 table 22). Receivers rank by it and reassemble by it."""

    NATIONAL = 1
    PROVINCE = 2
    CITY = 3
    COUNTY = 4
    TOWNSHIP = 5
    VILLAGE = 6


_LAYOUT: Final = Bitwise(
    Struct(
        "level" / BitsInteger(3),
        "version" / BitsInteger(5),
        "count" / Bytewise(Int8ub),
        "index" / Bytewise(Int8ub),
        "payload" / Bytewise(Bytes(PAYLOAD_BYTES)),
    )
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, field by field. `level` is a plain number because a received one may be reserved."""

    level: int
    version: int
    count: int
    index: int
    payload: bytes

    def encode(self) -> bytes:
        """Eight bytes. Raises LocalProtocolError when a field does not fit."""
        return build(_LAYOUT, {name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read eight bytes; every combination of fields is a frame. Raises RemoteProtocolError for another length."""
        if len(data) != FRAME_BYTES:
            raise RemoteProtocolError("length", f"a frame has {FRAME_BYTES} bytes, here are {len(data)}")
        read = parse(_LAYOUT, data)
        return cls(read.level, read.version, read.count, read.index, read.payload)


def frame_count(packet_length: int) -> int:
    """Frames of a packet of that many bytes."""
    return -(-(packet_length + CRC_BYTES) // PAYLOAD_BYTES)


def air_time_s(frames: int) -> float:
    """Seconds that many frames take on air."""
    return frames * FRAME_BITS / BIT_RATE


def to_frames(packet: bytes, level: SourceLevel, version: int) -> tuple[bytes, ...]:
    """The frames of a packet, eight bytes each, in index order.

    Raises LocalProtocolError when the packet is longer than 255 frames hold or the version has more than five bits.
    """
    if not 2 <= len(packet) <= PACKET_BYTES_MAX:
        raise LocalProtocolError(f"a packet of {len(packet)} bytes does not fit; {PACKET_BYTES_MAX} do")
    if not 0 <= version < VERSIONS:
        raise LocalProtocolError(f"version {version} has more than five bits")
    count = frame_count(len(packet))
    sealed = packet + crc16_ccitt_false(packet).to_bytes(CRC_BYTES, "big")
    padded = sealed.ljust(count * PAYLOAD_BYTES, FILL)
    head = bytes((level << 5 | version, count))
    return tuple(
        head + bytes((index,)) + padded[index * PAYLOAD_BYTES : (index + 1) * PAYLOAD_BYTES] for index in range(count)
    )


class RotationFull(LocalProtocolError):
    """Thirty-two packets of one level rotate already; one must end before another begins."""


class Versions:
    """Gives out version numbers of one source level: one more than the last, never one that is still on air."""

    def __init__(self, first: int) -> None:
        if not 0 <= first < VERSIONS:
            raise LocalProtocolError(f"version {first} has more than five bits")
        self._next = first

    @property
    def next(self) -> int:
        """What `take` gives while nothing rotates; keep it over restarts so that receivers see a new number."""
        return self._next

    def take(self, in_rotation: Collection[int]) -> int:
        """A number for a packet with new content. Raises RotationFull."""
        for step in range(VERSIONS):
            version = (self._next + step) % VERSIONS
            if version not in in_rotation:
                self._next = (version + 1) % VERSIONS
                return version
        raise RotationFull(f"{VERSIONS} packets rotate at this source level; GD/J 085 clause 5.4 allows no more")
