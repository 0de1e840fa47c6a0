"""Samples and bits to packets, for tests."""

from __future__ import annotations

from collections.abc import Iterable

from protocols.fm.bits import BitReceiver, HeardFrame
from protocols.fm.demodulator import Demodulator
from protocols.fm.reassembly import Complete, Reassembler


def demodulated(samples: Iterable[float], rate_hz: int) -> list[int]:
    """All bits of a recording."""
    demodulator = Demodulator(rate_hz)
    return [*demodulator.feed(samples), *demodulator.finish()]


def frames(bits: Iterable[int]) -> list[HeardFrame]:
    """All frames of a run of bits."""
    receiver = BitReceiver()
    return [event for bit in bits for event in receiver.feed(bit, 1) if isinstance(event, HeardFrame)]


def packets(bits: Iterable[int]) -> list[bytes]:
    """All packets of a run of bits."""
    reassembler = Reassembler(slots_max=192, timeout_s=30.0)
    found = (event for frame in frames(bits) for event in reassembler.feed(frame, frame.bit / 1187.5))
    return [event.packet for event in found if isinstance(event, Complete)]
