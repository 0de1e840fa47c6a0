"""The channel: damage by seed, and shared decoding that changes nothing."""

from __future__ import annotations

import random

import pytest

from protocols.codes import EbmId, ResourceCode
from protocols.fm.bits import BitReceiver, HeardFrame, frame_to_air
from protocols.fm.emergency import Emergency
from protocols.fm.fields import Action, Switch
from protocols.fm.frame import FILLER_FRAME, FRAME_BITS, SourceLevel, to_frames
from protocols.fm.packet import encode_packet
from protocols.fm.reassembly import Complete, Reassembler
from simulators.fm_air import Air, AirTime, FmFaults
from simulators.fm_packets import PacketVerifier
from simulators.fm_receiver import FmReceiver
from tests.devices.fm_county import COUNTY, TRUSTED, UTC_S, ebm_id, sign_at

FILLER = frame_to_air(FILLER_FRAME)
START = encode_packet(
    [COUNTY], Emergency(Action.START, Switch.STAY, 1, "11A01", ebm_id(1), 0), lambda command: sign_at(UTC_S, command)
)
START_AIR = b"".join(frame_to_air(frame) for frame in to_frames(START, SourceLevel.COUNTY, 5))
START_BITS = 24 * FRAME_BITS


class Fleet:
    """Receivers under one transmitter."""

    def __init__(self, count: int, faults: FmFaults, seed: int = 7) -> None:
        self.begun: list[tuple[ResourceCode, EbmId]] = []
        verifier = PacketVerifier()
        self.receivers = [
            FmReceiver(
                ResourceCode.build(6, f"341123101{number + 1:03d}", "0314", "01", "04", "01"),
                TRUSTED,
                lambda code, ebm: self.begun.append((code, ebm)),
                lambda code, ebm: None,
                wall=lambda: UTC_S,
                verifier=verifier,
            )
            for number in range(count)
        ]
        self.verifier = verifier
        self.air = Air(self.receivers, faults, seed)


def test_without_errors_one_pass_reaches_everybody_at_the_same_bit() -> None:
    fleet = Fleet(50, FmFaults(block_error_rate=0.0))
    fleet.air.carry(FILLER * 10 + START_AIR)
    assert len(fleet.begun) == 50
    assert fleet.air.air_time(ebm_id(1)) == AirTime(START_BITS, START_BITS, 50)
    assert fleet.verifier.verified == 1


def test_a_receiver_that_begins_with_the_first_bit_needs_no_second_pass() -> None:
    fleet = Fleet(3, FmFaults(block_error_rate=0.0))
    fleet.air.carry(START_AIR)
    assert len(fleet.begun) == 3


def test_with_block_errors_repeats_reach_everybody_in_the_end() -> None:
    fleet = Fleet(60, FmFaults(block_error_rate=0.05, burst_bits_max=12))
    fleet.air.carry(FILLER * 10)
    fleet.air.carry(START_AIR)
    after_one = len(fleet.begun)
    fleet.air.carry(START_AIR * 7)
    cost = fleet.air.air_time(ebm_id(1))
    assert after_one < 60 == len(fleet.begun)
    assert cost is not None
    assert cost.receivers == 60
    assert cost.bits_limit == START_BITS < cost.bits_on_air <= 8 * START_BITS


def test_the_same_seed_damages_the_same_bits_and_another_one_others() -> None:
    def heard(seed: int) -> list[int]:
        fleet = Fleet(40, FmFaults(block_error_rate=0.05), seed)
        fleet.air.carry(FILLER * 10 + START_AIR * 6)
        return [receiver.heard_at_bit[ebm_id(1)] for receiver in fleet.receivers]

    assert heard(1) == heard(1)
    assert heard(1) != heard(2)


@pytest.mark.parametrize("rate", [0.0, 0.03, 0.2])
def test_a_shared_frame_is_what_each_receiver_would_have_decoded_itself(rate: float) -> None:
    """The same bits, errors and all, go to a receiver of its own, which shares nothing."""
    fleet = Fleet(8, FmFaults(rate))
    alone = Fleet(8, FmFaults(rate))
    stream = FILLER * 6 + START_AIR * 5
    fleet.air.carry(stream)
    for receiver, damage in alone.air._ears:
        errors = damage.within(0, 8 * len(stream))
        receiver.hear_bits(int.from_bytes(stream, "big") ^ errors, 8 * len(stream), 8 * len(stream), 0.0)
    assert {code for code, _ in fleet.begun} == {code for code, _ in alone.begun}


def test_the_share_of_damaged_blocks_is_the_rate_that_was_asked_for() -> None:
    fleet = Fleet(20, FmFaults(block_error_rate=0.05, burst_bits_max=5))
    blocks = damaged = 0
    for _receiver, damage in fleet.air._ears:
        errors = damage.within(0, 26 * 2000)
        for at in range(2000):
            blocks += 1
            damaged += bool(errors >> 26 * at & 0x3FFFFFF)
    assert damaged / blocks == pytest.approx(0.05, rel=0.1)


def test_how_the_bytes_are_carried_changes_nothing() -> None:
    stream = FILLER * 10 + START_AIR * 4
    whole, pieces = Fleet(20, FmFaults(0.04)), Fleet(20, FmFaults(0.04))
    whole.air.carry(stream)
    rng, at = random.Random(3), 0
    while at < len(stream):
        size = rng.randint(1, 40)
        pieces.air.carry(stream[at : at + size])
        at += size
    assert [r.heard_at_bit for r in whole.receivers] == [r.heard_at_bit for r in pieces.receivers]


def test_after_silence_everybody_finds_the_phase_again() -> None:
    fleet = Fleet(10, FmFaults(block_error_rate=0.0))
    fleet.air.carry(FILLER * 10 + FILLER[:5])
    fleet.air.silence()
    fleet.air.carry(START_AIR)
    assert len(fleet.begun) == 10


def test_zeros_for_missing_bytes_cost_no_more_than_the_frames_they_hit() -> None:
    fleet = Fleet(10, FmFaults(block_error_rate=0.0))
    fleet.air.carry(FILLER * 10 + START_AIR[: 13 * 10] + bytes(13) + START_AIR[13 * 11 :] + START_AIR)
    assert len(fleet.begun) == 10


def test_a_receiver_without_power_misses_what_was_said_meanwhile() -> None:
    fleet = Fleet(2, FmFaults(block_error_rate=0.01))
    fleet.receivers[0].powered = False
    fleet.air.carry(FILLER * 10 + START_AIR * 3)
    assert {code for code, _ in fleet.begun} == {fleet.receivers[1].code}
    fleet.receivers[0].powered = True
    fleet.air.carry(START_AIR * 3)
    assert len(fleet.begun) == 2


def test_a_message_that_never_was_on_air_cost_nothing() -> None:
    assert Fleet(1, FmFaults()).air.air_time(ebm_id(9)) is None


def test_the_air_carries_exactly_the_bits_it_is_given() -> None:
    """A monitor behind the same bits gets the packet that was sent."""
    bits, packets = BitReceiver(), Reassembler(slots_max=4, timeout_s=30.0)
    found: list[bytes] = []
    for event in bits.feed_bytes(FILLER * 3 + START_AIR):
        if isinstance(event, HeardFrame):
            found += [each.packet for each in packets.feed(event, 0.0) if isinstance(each, Complete)]
    assert found == [START]
