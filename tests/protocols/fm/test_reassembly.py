"""Packets from frames that begin anywhere, get lost and get damaged (GD/J 085 clause 5.4)."""

from __future__ import annotations

import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from protocols.fm.bits import BitReceiver, HeardFrame, frame_to_air
from protocols.fm.frame import FRAME_BITS, SourceLevel, to_frames
from protocols.fm.reassembly import Complete, Discarded, Reassembler
from tests.protocols.fm.vectors import START, START_FRAMES, VECTORS, start_on_air

ALIVE = bytes.fromhex(VECTORS["alive"]["packet"])
WHOLE = (True,) * 4
DELIVERED = Complete(4, 1, START)


def reassembler(*, slots_max: int = 8, timeout_s: float = 30.0) -> Reassembler:
    return Reassembler(slots_max=slots_max, timeout_s=timeout_s)


def clean(frame: bytes, bit: int = 0) -> HeardFrame:
    return HeardFrame(tuple(int.from_bytes(frame[at : at + 2], "big") for at in range(0, 8, 2)), WHOLE, bit)


def without(frame: HeardFrame, *positions: int) -> HeardFrame:
    """The same with blocks that nothing could be made of."""
    kept = [at not in positions for at in range(4)]
    words = tuple(word if keep else None for word, keep in zip(frame.words, kept, strict=True))
    return HeardFrame(words, tuple(kept), frame.bit)


def with_wrong_correction(frame: HeardFrame, position: int) -> HeardFrame:
    """The same with a block that was "corrected" to another word."""
    words = tuple((word or 0) ^ (0x0140 if at == position else 0) for at, word in enumerate(frame.words))
    return HeardFrame(words, tuple(at != position for at in range(4)), frame.bit)


def run(frames: Iterable[HeardFrame], into: Reassembler | None = None) -> list[Complete | Discarded]:
    receiver = into or reassembler()
    return [event for frame in frames for event in receiver.feed(frame, frame.bit / 1187.5)]


def on_air(frames: Iterable[bytes], first_bit: int = 0) -> list[HeardFrame]:
    """Frames back to back."""
    return [clean(frame, first_bit + FRAME_BITS * (number + 1)) for number, frame in enumerate(frames)]


def test_the_worked_start_comes_back_from_its_bits() -> None:
    receiver = reassembler()
    events = BitReceiver().feed(start_on_air(), 24 * FRAME_BITS)
    frames = [event for event in events if isinstance(event, HeardFrame)]
    assert run(frames, receiver) == [DELIVERED]


@given(first=st.integers(0, 23))
def test_any_24_frames_in_a_row_complete_the_packet(first: int) -> None:
    assert run(on_air((START_FRAMES * 2)[first : first + 24])) == [DELIVERED]


@given(order=st.permutations(range(24)))
def test_frames_may_come_in_any_order(order: list[int]) -> None:
    assert run(clean(START_FRAMES[number], 1000 * at) for at, number in enumerate(order)) == [DELIVERED]


def test_repeats_of_a_packet_deliver_it_once() -> None:
    assert run(on_air(START_FRAMES * 5)) == [DELIVERED]


@given(
    packet=st.binary(min_size=75, max_size=400).map(lambda data: _sized(data)),
    level=st.sampled_from(SourceLevel),
    version=st.integers(0, 31),
    first=st.integers(0, 300),
)
def test_every_packet_comes_back(packet: bytes, level: SourceLevel, version: int, first: int) -> None:
    frames = to_frames(packet, level, version)
    turned = [frames[(first + number) % len(frames)] for number in range(len(frames))]
    assert run(on_air(turned)) == [Complete(level, version, packet)]


def _sized(data: bytes) -> bytes:
    """The same bytes with a length field that is right."""
    return ((data[0] & 0xF8) << 8 | len(data) - 2).to_bytes(2, "big") + data[2:]


def test_two_packets_may_be_interleaved_frame_by_frame() -> None:
    alive = to_frames(ALIVE, SourceLevel.COUNTY, 3)
    mixed = [frame for pair in zip(START_FRAMES, alive * 2, strict=False) for frame in pair]
    assert set(run(on_air(mixed))) == {DELIVERED, Complete(4, 3, ALIVE)}


def test_levels_do_not_mix_even_under_one_version() -> None:
    town = to_frames(ALIVE, SourceLevel.TOWNSHIP, 1)
    mixed = [frame for pair in zip(START_FRAMES, town * 2, strict=False) for frame in pair]
    assert set(run(on_air(mixed))) == {DELIVERED, Complete(5, 1, ALIVE)}


@given(lost=st.dictionaries(st.integers(0, 23), st.sampled_from([(0,), (1,), (2,), (3,), (2, 3), (0, 1, 2, 3)])))
def test_a_clean_repeat_fills_what_was_lost(lost: dict[int, tuple[int, ...]]) -> None:
    frames = on_air(START_FRAMES * 2)
    damaged = [without(frame, *lost.get(at, ())) if at < 24 else frame for at, frame in enumerate(frames)]
    assert run(damaged) == [DELIVERED]


def test_a_bad_block_costs_two_bytes_only() -> None:
    frames = on_air(START_FRAMES)
    damaged = [without(frames[0], 2), *frames[1:], without(clean(START_FRAMES[0], 30 * FRAME_BITS), 3)]
    assert run(damaged) == [DELIVERED]


def test_an_unreadable_block_a_is_guessed_from_the_frame_before() -> None:
    frames = [without(frame, 0) if at % 3 == 1 else frame for at, frame in enumerate(on_air(START_FRAMES))]
    assert run(frames) == [DELIVERED]


def test_an_unreadable_block_b_costs_its_one_byte_only() -> None:
    frames = [without(frame, 1) if at == 7 else frame for at, frame in enumerate(on_air(START_FRAMES))]
    assert run([*frames, without(clean(START_FRAMES[7], 30 * FRAME_BITS), 2, 3)]) == [DELIVERED]


def test_nothing_is_guessed_over_a_gap() -> None:
    frames = on_air(START_FRAMES)
    late = [without(clean(START_FRAMES[23], frames[22].bit + 2 * FRAME_BITS), 0)]
    assert run([*frames[:23], *late]) == []


@given(at=st.integers(0, 23), position=st.integers(0, 3))
def test_a_wrong_correction_is_caught_and_the_next_repeat_heals_it(at: int, position: int) -> None:
    frames = on_air(START_FRAMES * 2)
    frames[at] = with_wrong_correction(frames[at], position)
    events = run(frames)
    assert DELIVERED in events
    assert not any(isinstance(event, Complete) and event.packet != START for event in events)


def test_a_wrong_correction_does_not_replace_what_two_repeats_said() -> None:
    frames = on_air(START_FRAMES)
    right = HeardFrame(frames[5].words, (True, True, False, True), frames[5].bit)  # block C was corrected
    wrong = with_wrong_correction(frames[5], 2)
    missing = [without(frame, 3) if at == 9 else frame for at, frame in enumerate(frames)]
    passes = [[*missing[:5], piece, *missing[6:]] for piece in (right, right, wrong)]
    into = reassembler()
    assert [event for frames_once in passes for event in run(frames_once, into)] == []
    assert run([frames[9]], into) == [DELIVERED]


def test_a_right_correction_is_believed_when_the_crc_agrees() -> None:
    frames = [HeardFrame(frame.words, (True, True, False, True), frame.bit) for frame in on_air(START_FRAMES)]
    assert run(frames) == [DELIVERED]


def test_a_packet_with_a_wrong_crc_is_dropped() -> None:
    frames = list(START_FRAMES)
    frames[23] = frames[23][:4] + bytes((frames[23][4] ^ 1,)) + frames[23][5:]
    assert run(on_air(frames)) == [Discarded(4, 1, "crc")]


def test_a_packet_whose_length_does_not_fit_its_frames_is_dropped() -> None:
    longer = _sized(START + bytes(20))[:2] + START[2:]
    assert run(on_air(to_frames(longer, SourceLevel.COUNTY, 1))) == [Discarded(4, 1, "length")]


def test_other_content_under_a_version_begins_anew() -> None:
    other = to_frames(START[:50] + b"\x01" * 66, SourceLevel.COUNTY, 1)
    events = run(on_air([*START_FRAMES[:20], *other, *other]))
    assert [type(event) for event in events] == [Discarded, Complete]
    assert events[0] == Discarded(4, 1, "replaced")


def test_a_version_that_has_come_round_again_delivers_its_new_packet() -> None:
    other = to_frames(ALIVE, SourceLevel.COUNTY, 1)
    assert run(on_air([*START_FRAMES, *other])) == [DELIVERED, Complete(4, 1, ALIVE)]


def test_half_a_packet_is_forgotten_after_the_time_out() -> None:
    receiver = reassembler(timeout_s=30.0)
    assert run(on_air(START_FRAMES[:23]), receiver) == []
    late = on_air(START_FRAMES[23:], first_bit=round(40 * 1187.5))
    assert run(late, receiver) == [Discarded(4, 1, "timeout")]


def test_the_oldest_of_too_many_packets_makes_room() -> None:
    receiver = reassembler(slots_max=2)
    frames = [to_frames(START, SourceLevel.COUNTY, version)[0] for version in range(3)]
    assert run(on_air(frames), receiver) == [Discarded(4, 0, "slots")]


def test_reserved_levels_and_impossible_indices_are_ignored() -> None:
    for level in (0, 7):
        assert run(on_air(bytes((level << 5 | 1,)) + frame[1:] for frame in START_FRAMES)) == []
    assert run(on_air([bytes((0x81, 0, 0)) + bytes(5), bytes((0x81, 5, 5)) + bytes(5)])) == []


@given(seed=st.integers(0, 10_000), count=st.integers(1, 200))
def test_any_words_give_events_and_never_an_exception(seed: int, count: int) -> None:
    rng = random.Random(seed)
    receiver = reassembler(slots_max=4)
    for number in range(count):
        words = tuple(None if rng.random() < 0.2 else rng.getrandbits(16) & 0x9FFF for _ in range(4))
        whole = tuple(word is not None and rng.random() < 0.7 for word in words)
        for event in receiver.feed(HeardFrame(words, whole, FRAME_BITS * number), float(number)):
            assert isinstance(event, Complete | Discarded)


@given(seed=st.integers(0, 10_000))
def test_nothing_but_the_packet_ever_comes_out_of_a_bad_channel(seed: int) -> None:
    rng = random.Random(seed)
    receiver, bits = reassembler(), BitReceiver()
    delivered: list[bytes] = []
    for number in range(24 * 12):
        air = int.from_bytes(frame_to_air(START_FRAMES[number % 24]), "big")
        for block in range(4):
            if rng.random() < 0.10:
                length = rng.randint(1, 10)
                air ^= (rng.getrandbits(length) | 1) << (26 * block + rng.randint(0, 26 - length))
        for event in bits.feed(air, FRAME_BITS):
            if isinstance(event, HeardFrame):
                found = receiver.feed(event, number * 0.0876)
                delivered += [each.packet for each in found if isinstance(each, Complete)]
    assert delivered
    assert set(delivered) == {START}


class _LongWay(Reassembler):
    """Never takes the short cut for whole frames."""

    def _known(self, frame: HeardFrame, now_s: float) -> bool:
        return False


@given(seed=st.integers(0, 10_000), loss=st.sampled_from([0.0, 0.02, 0.3]))
def test_the_short_cut_for_whole_frames_changes_no_event(seed: int, loss: float) -> None:
    rng = random.Random(seed)
    packets = [
        START_FRAMES,
        to_frames(ALIVE, SourceLevel.COUNTY, 1),
        to_frames(ALIVE, SourceLevel.COUNTY, 3),
        to_frames(START[:-1] + b"\x00", SourceLevel.COUNTY, 1),
    ]
    short, long = reassembler(slots_max=2, timeout_s=30.0), _LongWay(slots_max=2, timeout_s=30.0)
    bit = 0
    for _ in range(30):
        frames, first = rng.choice(packets), rng.randrange(20)
        bit += rng.choice((0, 0, 0, 50, 40_000))
        for number in range(rng.randrange(40)):
            bit += FRAME_BITS
            frame = clean(frames[(first + number) % len(frames)], bit)
            if rng.random() < loss:
                frame = rng.choice((without, with_wrong_correction))(frame, rng.randrange(4))
            assert list(short.feed(frame, bit / 1187.5)) == list(long.feed(frame, bit / 1187.5))
