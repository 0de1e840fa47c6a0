"""Frames as bits, and the receiver that finds them again (GD/J 085 clause 6.1; EN 50067 annex C)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.fm.bits import (
    BLOCKS,
    BitEvent,
    BitReceiver,
    HeardFrame,
    SyncGained,
    SyncLost,
    frame_to_air,
    hear_frame,
)
from protocols.fm.frame import FILLER_FRAME, FRAME_BITS
from protocols.rds.block import Offset
from tests.protocols.fm.vectors import START_FRAMES, start_on_air

START_BITS = len(START_FRAMES) * FRAME_BITS


def words(frame: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(frame[at : at + 2], "big") for at in range(0, 8, 2))


def heard(events: list[BitEvent]) -> list[tuple[int | None, ...]]:
    return [event.words for event in events if isinstance(event, HeardFrame)]


def receive(bits: int, count: int) -> list[BitEvent]:
    return list(BitReceiver().feed(bits, count))


def noise(rng: random.Random, count: int) -> int:
    return rng.getrandbits(count)


@pytest.mark.clause("GD/J 085 clause 6.1, annex A")
def test_the_worked_start_is_sent_bit_for_bit() -> None:
    sent = b"".join(frame_to_air(frame) for frame in START_FRAMES)
    assert int.from_bytes(sent, "big") == start_on_air()
    assert len(sent) == 13 * 24


def test_the_worked_start_is_received_from_its_first_bit_on() -> None:
    events = receive(start_on_air(), START_BITS)
    assert events[0] == SyncGained(52)
    assert heard(events) == [words(frame) for frame in START_FRAMES]
    assert all(event.whole == (True,) * BLOCKS for event in events if isinstance(event, HeardFrame))


@given(skipped=st.integers(0, 3 * FRAME_BITS))
def test_a_receiver_may_begin_at_any_bit(skipped: int) -> None:
    count = START_BITS - skipped
    events = receive(start_on_air() & ((1 << count) - 1), count)
    whole = heard(events)
    expected = [words(frame) for frame in START_FRAMES]
    complete = (START_BITS - skipped - 2 * 26) // FRAME_BITS  # two blocks at most go by until the phase is found
    assert whole[-complete:] == expected[-complete:]


@given(cuts=st.lists(st.integers(1, 700), max_size=40), before=st.integers(0, 200))
def test_how_the_bits_arrive_changes_no_event(cuts: list[int], before: int) -> None:
    total = before + START_BITS
    bits = start_on_air()  # after `before` zeros
    receiver = BitReceiver()
    events: list[BitEvent] = []
    left = total
    for cut in [*cuts, total]:
        taken = min(cut, left)
        left -= taken
        events += receiver.feed(bits >> left & ((1 << taken) - 1), taken)
    assert events == receive(bits, total)


def test_bytes_are_taken_highest_bit_first() -> None:
    sent = b"".join(frame_to_air(frame) for frame in START_FRAMES)
    assert list(BitReceiver().feed_bytes(sent)) == receive(start_on_air(), START_BITS)


@given(seed=st.integers(0, 1000), count=st.integers(0, 2000))
def test_frames_are_found_behind_noise(seed: int, count: int) -> None:
    before = noise(random.Random(seed), count)
    frames = 40
    stream = before
    for number in range(frames):
        stream = stream << FRAME_BITS | int.from_bytes(frame_to_air(START_FRAMES[number % 24]), "big")
    found = heard(receive(stream, count + frames * FRAME_BITS))
    # Noise may fake a phase; twelve blocks later it is given up, and the true one is found within one frame.
    assert found[-1] == words(START_FRAMES[(frames - 1) % 24])
    assert all(frame in [words(each) for each in START_FRAMES] for frame in found[-30:])


@given(seed=st.integers(0, 100_000))
def test_noise_alone_never_raises_and_never_stays_in_sync(seed: int) -> None:
    receiver = BitReceiver()
    events = list(receiver.feed(noise(random.Random(seed), 20_000), 20_000))
    for gained, lost in zip(
        [event for event in events if isinstance(event, SyncGained)],
        [event for event in events if isinstance(event, SyncLost)],
        strict=False,
    ):
        assert lost.bit - gained.bit <= 60 * 26


@pytest.mark.clause("EN 50067 annex C.1")
def test_the_phase_is_lost_about_fifty_blocks_after_the_signal() -> None:
    receiver = BitReceiver()
    list(receiver.feed(start_on_air(), START_BITS))
    assert receiver.in_sync
    lost = [e for e in receiver.feed(noise(random.Random(1), 4000), 4000) if isinstance(e, SyncLost)]
    assert len(lost) >= 1
    assert 40 <= (lost[0].bit - START_BITS) / 26 <= 60


def test_a_slipped_bit_costs_the_phase_and_it_is_found_again() -> None:
    receiver = BitReceiver()
    list(receiver.feed(start_on_air(), START_BITS))
    slipped = start_on_air() << START_BITS | start_on_air()
    events = list(receiver.feed(slipped & ((1 << (2 * START_BITS - 1)) - 1), 2 * START_BITS - 1))
    assert [type(e) for e in events if not isinstance(e, HeardFrame)] == [SyncLost, SyncGained]
    assert heard(events)[-20:] == [words(frame) for frame in START_FRAMES[-20:]]


def test_a_stream_of_fillers_has_one_phase_only() -> None:
    filler = int.from_bytes(frame_to_air(FILLER_FRAME), "big")
    stream = 0
    for _ in range(50):
        stream = stream << FRAME_BITS | filler
    for skipped in range(FRAME_BITS):
        count = 50 * FRAME_BITS - skipped
        events = receive(stream & ((1 << count) - 1), count)
        assert [type(e) for e in events if not isinstance(e, HeardFrame)] == [SyncGained]
        assert set(heard(events)[1:]) == {(0, 0, 0, 0)}


@given(position=st.integers(0, 3), start=st.integers(0, 21), shape=st.integers(0, 7))
def test_a_short_burst_is_corrected_and_no_longer_called_whole(position: int, start: int, shape: int) -> None:
    burst = (1 << 4 | shape << 1 | 1) << start  # five bits, both ends wrong
    bits = int.from_bytes(frame_to_air(START_FRAMES[7]), "big") ^ burst << 26 * (3 - position)
    frame = hear_frame(bits, 104)
    assert [whole for at, whole in enumerate(frame.whole) if at != position] == [True] * 3
    assert not frame.whole[position]
    others = [word for at, word in enumerate(frame.words) if at != position]
    assert others == [word for at, word in enumerate(words(START_FRAMES[7])) if at != position]


@pytest.mark.clause("GD/J 085 annex A")
def test_a_stream_with_the_printed_offset_b_is_received_whole() -> None:
    stream = 0
    for frame in START_FRAMES:
        stream = stream << FRAME_BITS | int.from_bytes(frame_to_air(frame, offset_b=Offset.B_PRINTED), "big")
    events = receive(stream, START_BITS)
    assert heard(events) == [words(frame) for frame in START_FRAMES]


@pytest.mark.parametrize(("position", "offset"), [(1, 0x19C), (2, 0x350)], ids=["printed B", "C'"])
@given(start=st.integers(0, 21), shape=st.integers(1, 31))
def test_bursts_in_a_stream_of_the_other_offset_are_corrected_once_it_is_known(
    position: int, offset: int, start: int, shape: int
) -> None:
    usual = {1: 0x198, 2: 0x168}[position]
    swapped = (usual ^ offset) << 26 * (3 - position)
    burst = shape << start + 26 * (3 - position)
    bits = 0
    for number, frame in enumerate(START_FRAMES):
        block = int.from_bytes(frame_to_air(frame), "big") ^ swapped
        bits = bits << FRAME_BITS | (block ^ burst if number > 5 else block)
    frames = [event for event in receive(bits, START_BITS) if isinstance(event, HeardFrame)]
    assert [frame.words for frame in frames[6:]] == [words(frame) for frame in START_FRAMES[6:]]


def test_a_sender_that_mixes_c_and_c_prime_is_read_all_the_same() -> None:
    bits = 0
    for frame in START_FRAMES:
        swapped = (0x168 ^ 0x350) << 26 if frame[2] & 8 else 0  # as encoders choose that take bit 11 for version B
        bits = bits << FRAME_BITS | int.from_bytes(frame_to_air(frame), "big") ^ swapped
    assert heard(receive(bits, START_BITS)) == [words(frame) for frame in START_FRAMES]


def test_only_eight_bytes_make_a_frame_on_air() -> None:
    with pytest.raises(LocalProtocolError, match="8 bytes"):
        frame_to_air(bytes(7))


def test_a_receiver_counts_from_the_bit_it_is_told() -> None:
    events = list(BitReceiver(first_bit=1000).feed(start_on_air(), START_BITS))
    assert events[0] == SyncGained(1052)
    assert [event.bit for event in events if isinstance(event, HeardFrame)][:2] == [1104, 1208]
