"""What a receiver of frames survives: bursts, slips, noise, other offsets (GD/J 085 clauses 5.4, 6.1; annex A)."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.fm.bits import BitReceiver, HeardFrame, SyncGained, SyncLost, find_phase
from protocols.fm.frame import FILLER_FRAME, SourceLevel, to_frames
from protocols.fm.reassembly import DELIVERED_MAX, Complete, Discarded, Reassembler
from tests.protocols.fm.reference import OFFSETS, OFFSETS_C_PRIME, OFFSETS_PRINTED, bits_of
from tests.protocols.fm.vectors import START, START_FRAMES, VECTORS

ALIVE = bytes.fromhex(VECTORS["alive"]["packet"])
PIECE_BITS = 997


class Listener:
    """A receiver and what came out of it."""

    def __init__(self) -> None:
        self.bits = BitReceiver()
        self.packets = Reassembler(slots_max=192, timeout_s=30.0)
        self.frames: list[HeardFrame] = []
        self.gained = self.lost = 0
        self.complete: list[Complete] = []
        self.discarded: list[Discarded] = []

    def hear(self, bits: str) -> Listener:
        for at in range(0, len(bits), PIECE_BITS):
            piece = bits[at : at + PIECE_BITS]
            for event in self.bits.feed(int(piece, 2), len(piece)):
                if isinstance(event, HeardFrame):
                    self.frames.append(event)
                    for found in self.packets.feed(event, event.bit / 1187.5):
                        self.complete += [found] if isinstance(found, Complete) else []
                        self.discarded += [found] if isinstance(found, Discarded) else []
                self.gained += isinstance(event, SyncGained)
                self.lost += isinstance(event, SyncLost)
        return self


def heard(bits: str) -> list[bytes]:
    return [complete.packet for complete in Listener().hear(bits).complete]


def with_bursts(bits: str, starts: Sequence[int], rng: random.Random) -> str:
    """The same with a burst of up to five bits somewhere in each block that begins at `starts`."""
    out = [int(bit) for bit in bits]
    for start in starts:
        length = rng.randint(1, 5)
        first = start + rng.randint(0, 26 - length)
        for at in range(length):
            out[first + at] ^= at in (0, length - 1) or rng.random() < 0.5
    return "".join(map(str, out))


@pytest.mark.parametrize("offsets", [OFFSETS, OFFSETS_PRINTED, OFFSETS_C_PRIME, (0x0FC, 0x19C, 0x350, 0x1B4)])
def test_one_pass_is_enough_under_every_offset_that_somebody_may_send(offsets: Sequence[int]) -> None:
    assert heard(bits_of(START_FRAMES, offsets)) == [START]


@given(seed=st.integers(0, 100_000))
def test_a_burst_in_one_block_of_every_frame_costs_nothing_after_the_first_frames(seed: int) -> None:
    rng = random.Random(seed)
    clean = bits_of([FILLER_FRAME, *START_FRAMES])
    starts = [104 * frame + 26 * rng.randrange(4) for frame in range(1, 25)]
    assert heard(with_bursts(clean, starts, rng)) == [START]


@given(seed=st.integers(0, 100_000))
def test_a_burst_in_every_block_is_corrected_once_the_phase_is_known(seed: int) -> None:
    """Nothing arrives whole for two seconds: neither is the phase given up nor the packet lost."""
    clean = bits_of([FILLER_FRAME] * 4)
    damaged = bits_of(START_FRAMES * 2)
    listener = Listener().hear(clean + with_bursts(damaged, range(0, len(damaged), 26), random.Random(seed)))
    assert listener.lost == 0
    assert {complete.packet for complete in listener.complete} == {START}


@given(seed=st.integers(0, 100_000))
def test_a_bit_that_is_lost_or_doubled_costs_three_frames(seed: int) -> None:
    rng = random.Random(seed)
    bits = bits_of(START_FRAMES * 2)
    at = rng.randrange(10 * 104, 30 * 104)
    slipped = bits[:at] + bits[at + 1 :] if rng.random() < 0.5 else bits[:at] + "1" + bits[at:]
    listener = Listener().hear(slipped)
    assert sum(frame.whole == (True,) * 4 for frame in listener.frames) >= 48 - 4
    assert [complete.packet for complete in listener.complete] == [START]


def test_the_phase_is_what_three_whole_blocks_of_two_frames_say() -> None:
    bits = bits_of(START_FRAMES[:3])
    for after in range(104):
        window = bits[104 + after - 104 : 208 + after]
        assert find_phase(int(window, 2), 208) == after
    assert find_phase(random.Random(1).getrandbits(208), 208) is None


def test_a_recording_that_begins_inside_block_a_keeps_that_frame() -> None:
    """The bit before it is unknown, so its first bit may be wrong."""
    bits = bits_of(START_FRAMES)
    flipped = "10"[int(bits[0])] + bits[1:]
    assert heard(flipped) == [START]


def test_two_levels_frame_by_frame_do_not_disturb_each_other() -> None:
    village = to_frames(ALIVE, SourceLevel.VILLAGE, 1)
    mixed = [frame for pair in zip(START_FRAMES, village * 2, strict=False) for frame in pair]
    found = {(complete.level, complete.packet) for complete in Listener().hear(bits_of(mixed)).complete}
    assert found == {(4, START), (6, ALIVE)}


def test_a_repeat_after_a_pause_or_under_another_version_is_silent() -> None:
    pause = bits_of([FILLER_FRAME] * 400)  # 35 s
    again = bits_of(to_frames(START, SourceLevel.COUNTY, 20))
    assert heard(bits_of(START_FRAMES) + pause + bits_of(START_FRAMES) + again) == [START]


def test_the_memory_of_packets_has_an_end() -> None:
    """After so many others a packet is news again; the signature's time is what makes it old then."""
    listener = Listener().hear(bits_of(START_FRAMES))
    for number in range(DELIVERED_MAX):
        other = ALIVE[:-1] + bytes((number,))
        listener.hear(bits_of(to_frames(other, SourceLevel.COUNTY, number % 32)))
    listener.hear(bits_of(START_FRAMES))
    assert [complete.packet for complete in listener.complete].count(START) == 2


@given(seed=st.integers(0, 100_000))
def test_noise_makes_no_packet_and_leaves_nothing_behind(seed: int) -> None:
    rng = random.Random(seed)
    listener = Listener().hear("".join(f"{rng.getrandbits(1000):01000b}" for _ in range(20)))
    assert listener.complete == []
    assert listener.hear(bits_of([FILLER_FRAME] * 30 + list(START_FRAMES) * 2)).complete[-1].packet == START
