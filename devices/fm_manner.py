"""How an FM link says things, for whoever wants to know beforehand what an order will cost and look like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from protocols.fm.frame import BIT_RATE, FRAME_BITS, air_time_s


class PhysEncoding(StrEnum):
    """How a physical address is written in a packet of type 1: GD/J 085 clause 5.2.3 has opaque bytes, and makers
    differ."""

    RAW = "raw"  # its hexadecimal digits, two a byte
    BCD = "bcd"  # its decimal digits, two a byte; an odd number gets a zero in front
    ASCII = "ascii"  # each character a byte


PHYS_BYTES_MAX = 64
"""Far more than any address; the packet's own limit is 255."""


def phys_bytes(text: str, encoding: PhysEncoding) -> bytes:
    """A physical address as the packet holds it. Raises ValueError, which names what does not fit."""
    if not 1 <= len(text) <= PHYS_BYTES_MAX:
        raise ValueError(f"a physical address of {len(text)} characters; 1 to {PHYS_BYTES_MAX} go")
    if encoding is PhysEncoding.ASCII:
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"{text!r} has characters outside ASCII")
        return text.encode("ascii")
    digits = "0123456789" if encoding is PhysEncoding.BCD else "0123456789abcdefABCDEF"
    if (bad := next((each for each in text if each not in digits), None)) is not None:
        raise ValueError(f"{bad!r} is no digit of an address in {encoding.value}")
    if len(text) % 2:
        if encoding is PhysEncoding.RAW:
            raise ValueError(f"{len(text)} hexadecimal digits make no whole bytes")
        text = "0" + text
    return bytes.fromhex(text)


@dataclass(frozen=True, slots=True)
class FmManner:
    """Of one link. `passes`: of a burst; `gap_s`: between two of them; `share`: of the air that a message may take;
    `maintenance_s`: the period that terminals are told, 0 where maintenance is off; `relayed`: somebody else says it,
    so that a burst begins when the link tells that it was passed on, and does not end."""

    passes: int
    gap_s: float = 0.0
    share: float = 1.0
    phys_encoding: PhysEncoding = PhysEncoding.RAW
    maintenance_s: int = 0
    relayed: bool = False

    def burst_s(self, frames: int) -> float:
        """Seconds on air of a burst of so many frames, with nothing else said; gaps are whole frames (fm-rds.md 9)."""
        gap = ceil(self.gap_s * BIT_RATE / FRAME_BITS)
        return air_time_s(self.passes * frames + (self.passes - 1) * gap) / self.share
