"""The air between one transmitter and its FM terminals: the same bits for all, damage for each by its own seed.

Receivers whose copy of a frame is undamaged and whose block phase is the same share one decoding of it; every damaged
copy is decoded by its own receiver, bit errors and all. That is what makes six hundred receivers cheap.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocols.codes import EbmId
from protocols.errors import RemoteProtocolError
from protocols.fm.bits import BitReceiver, HeardFrame
from protocols.fm.emergency import Emergency
from protocols.fm.fields import Action
from protocols.fm.frame import BIT_RATE, FRAME_BITS, frame_count
from protocols.fm.packet import decode_packet
from protocols.fm.reassembly import Complete, Reassembler
from protocols.rds.block import BLOCK_BITS
from simulators.fm_receiver import SLOT_TIMEOUT_S, SLOTS_MAX, FmReceiver

CHUNK_BITS_MAX: Final = FRAME_BITS  # nothing waits longer than this for a phase
STARTS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class FmFaults:
    """How bad the air is, the same for every receiver, drawn for each by its own seed.

    `block_error_rate`: share of 26-bit stretches hit by one burst; `burst_bits_max`: bursts are 1 to this many bits
    long, starting and ending with a wrong bit. Up to five bits can be corrected, so longer bursts cost blocks.
    """

    block_error_rate: float = 0.02
    burst_bits_max: int = 8


@dataclass(frozen=True, slots=True)
class AirTime:
    """What one message's start cost on air. `bits_limit` is 104 x frames of each distinct packet, once."""

    bits_on_air: int  # from the first bit of its first packet until the last receiver so far had a whole one
    bits_limit: int
    receivers: int  # that have had a whole, valid packet of it


@dataclass(slots=True)
class _StartOnAir:
    first_bit: int
    packets: dict[bytes, tuple[int, int]]  # packet -> its first bit on air, and the bits of its frames


class _Damage:
    """Where one receiver's bursts lie."""

    __slots__ = ("_faults", "_random", "_stretch", "length", "next_bit", "pattern")

    def __init__(self, faults: FmFaults, seed: str) -> None:
        self._faults = faults
        self._random = random.Random(seed)
        self._stretch = -1
        self.advance()

    def advance(self) -> None:
        """Draw the next burst: `pattern` of `length` bits from `next_bit` on."""
        rate = self._faults.block_error_rate
        if rate <= 0:
            self.next_bit, self.length, self.pattern = 1 << 62, 0, 0
            return
        draw = self._random.random
        gap = 1 if rate >= 1 else 1 + int(math.log(1.0 - draw()) / math.log(1.0 - rate))
        self._stretch += gap
        self.length = 1 + int(draw() * min(self._faults.burst_bits_max, BLOCK_BITS))
        ends = 1 if self.length == 1 else 1 << (self.length - 1) | 1
        self.pattern = ends | self._random.getrandbits(self.length)
        self.next_bit = BLOCK_BITS * self._stretch + int(draw() * (BLOCK_BITS - self.length + 1))

    def within(self, first_bit: int, count: int) -> int:
        """The errors of the next `count` bits as a number of that many bits; bursts before `first_bit` are over."""
        errors = 0
        end = first_bit + count
        while self.next_bit < end:
            shift = end - self.next_bit - self.length
            errors ^= self.pattern << shift if shift >= 0 else self.pattern >> -shift
            self.advance()
        return errors & ((1 << count) - 1)


class Air:
    """Carries bits from the exciter to every receiver and remembers what each message cost."""

    def __init__(self, receivers: Sequence[FmReceiver], faults: FmFaults, seed: int) -> None:
        self._ears = [(receiver, _Damage(faults, f"{seed}/{receiver.code}")) for receiver in receivers]
        self._receivers = receivers
        self._reference = BitReceiver()
        self._packets = Reassembler(slots_max=SLOTS_MAX, timeout_s=SLOT_TIMEOUT_S)
        self._bits = 0
        self._pending = 0  # carried and not yet given out
        self._given = 0
        self._runs: dict[int, tuple[int, float]] = {}  # (level, version) -> first bit and last second of its rotation
        self._starts: dict[EbmId, _StartOnAir] = {}

    @property
    def bits_carried(self) -> int:
        """Bits on air so far."""
        return self._given + self._pending

    def carry(self, data: bytes) -> None:
        """Put whole bytes on air."""
        for byte in data:
            self._bits = self._bits << 8 | byte
            self._pending += 8
            frames = [event for event in self._reference.feed(byte, 8) if isinstance(event, HeardFrame)]
            if frames:
                # A frame ended inside this byte: what lies behind its end belongs to the next one.
                self._give(self._pending - self._reference.phase, frames[-1])
            elif not self._reference.in_sync and self._pending >= CHUNK_BITS_MAX:
                self._give(self._pending, None)

    def silence(self) -> None:
        """The subcarrier is gone: everybody loses the phase, and whatever was half carried is lost."""
        self._given += self._pending
        self._bits = self._pending = 0
        self._reference = BitReceiver(first_bit=self._given)
        for receiver in self._receivers:
            receiver.lose_signal()

    def tick(self) -> None:
        """Let every receiver look at its clock; about once a second."""
        for receiver in self._receivers:
            if receiver.powered:
                receiver.tick()

    def air_time(self, ebm_id: EbmId) -> AirTime | None:
        """What a message's start has cost so far; None before its first packet was wholly on air."""
        start = self._starts.get(ebm_id)
        if start is None:
            return None
        heard = [at for receiver in self._receivers if (at := receiver.heard_at_bit.get(ebm_id)) is not None]
        last = max(heard, default=start.first_bit)
        limit = sum(bits for first_bit, bits in start.packets.values() if first_bit <= last)
        return AirTime(last - start.first_bit, limit, len(heard))

    def _give(self, count: int, frame: HeardFrame | None) -> None:
        """Give the oldest `count` pending bits to every receiver; `frame`: they end with this frame."""
        rest = self._pending - count
        bits = self._bits >> rest
        self._bits &= (1 << rest) - 1
        self._pending = rest
        first = self._given
        self._given = end = first + count
        air_s = end / BIT_RATE
        if frame is not None:
            self._watch(frame, end, air_s)
        shared = frame if count == FRAME_BITS else None
        dead = frame is None and not bits
        for receiver, damage in self._ears:
            if not receiver.powered:
                continue
            errors = damage.within(first, count) if damage.next_bit < end else 0
            if not errors and shared is not None and receiver.aligned:
                receiver.hear_clean(shared, end, air_s)
            elif dead and not errors:
                receiver.lose_signal()
            else:
                receiver.hear_bits(bits ^ errors, count, end, air_s)

    def _watch(self, frame: HeardFrame, end: int, air_s: float) -> None:
        """Note when each message's packets were on air, from the undamaged stream."""
        word = frame.words[0] or 0
        key = word >> 8
        first_bit, last_s = self._runs.get(key, (end - FRAME_BITS, air_s))
        if air_s - last_s > SLOT_TIMEOUT_S:  # the number has gone to another packet
            first_bit = end - FRAME_BITS
        if word:
            self._runs[key] = first_bit, air_s
        for event in self._packets.feed(frame, air_s):
            if not isinstance(event, Complete):
                continue
            try:
                content = decode_packet(event.packet).content
            except RemoteProtocolError:
                continue
            if isinstance(content, Emergency) and content.action is Action.START:
                if len(self._starts) >= STARTS_MAX:
                    del self._starts[next(iter(self._starts))]
                start = self._starts.setdefault(content.ebm_id, _StartOnAir(first_bit, {}))
                start.packets[event.packet] = first_bit, FRAME_BITS * frame_count(len(event.packet))
