"""Whatever a line does to a dialogue, in the end the encoder knows what is wanted, and only then it is said so."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.encoder_link import Turn
from devices.rds_dialogue import RETRY_S, UecpDialogue
from devices.rds_station import Look, Station
from protocols.uecp.control import Mode
from protocols.uecp.frame import Deframer, Frame
from protocols.uecp.message import MEC_OF, Element, decode_message
from protocols.uecp.profile import FULL, WEAK
from protocols.uecp.programme import ProgrammeType
from protocols.uecp.session import Session, Timing
from tests.devices.commands import start
from tests.protocols.uecp.fake_encoder import FakeEncoder

STATION = Station("MUSIC FM", 10, radio_text="The best of music")
ALARM = STATION.look(start(text="Flood"))
ORDINARY = STATION.look(None)


def shows(encoder: FakeEncoder, look: Look) -> bool:
    """Whether the last it acted on is this, the A/B flag aside."""
    return all(
        (found := encoder.state(mec)) is not None and getattr(found, "text", found) == getattr(element, "text", element)
        for mec, element in look.items()
    )


def until_settled(
    dialogue: UecpDialogue, encoder: FakeEncoder, wanted: Look, rng: random.Random, loss: float, now_s: float
) -> float:
    """Turns until the dialogue says that it is settled; loses bytes both ways. Returns the time it took."""
    begin_s, arrived = now_s, b""
    while now_s < begin_s + 3600:
        turn = dialogue.turn(wanted, arrived, now_s, 1_760_000_000)
        lost = bytes(byte for byte in turn.data if rng.random() >= loss)
        arrived = bytes(byte for byte in encoder.receive(lost) if rng.random() >= loss)
        if turn.settled:
            return now_s - begin_s
        if not arrived:
            now_s = max(now_s + 0.001, turn.wake_s)
    raise AssertionError("it never settles")


@pytest.mark.parametrize("loss", [0.0, 0.02, 0.05])
@pytest.mark.parametrize("mode", [Mode.REQUESTED, Mode.SPONTANEOUS])
def test_i8_settled_means_that_the_encoder_shows_it_however_bad_the_line(
    mode: Mode, loss: float, rng: random.Random
) -> None:
    encoder = FakeEncoder(mode)
    dialogue = UecpDialogue(Session(FULL, mode), 60.0)
    now_s = 0.0
    dialogue.begin(now_s)
    for wanted in (ALARM, ORDINARY, ALARM):
        now_s += until_settled(dialogue, encoder, wanted, rng, loss, now_s)
        assert shows(encoder, wanted)


def test_a_look_that_changes_while_the_old_one_is_on_its_way_wins() -> None:
    encoder = FakeEncoder()
    dialogue = UecpDialogue(Session(FULL, Mode.SPONTANEOUS), 60.0)
    dialogue.begin(0)
    arrived = encoder.receive(dialogue.turn(ALARM, b"", 0, 0).data)
    for _ in range(20):
        turn = dialogue.turn(ORDINARY, arrived, 0.1, 0)
        arrived = encoder.receive(turn.data)
    assert turn.settled
    assert shows(encoder, ORDINARY)


def test_a_refused_element_rests_before_it_is_tried_again() -> None:
    encoder = FakeEncoder(unknown=frozenset({0x0A}))
    dialogue = UecpDialogue(Session(FULL, Mode.SPONTANEOUS), 0.0)
    dialogue.begin(0)
    arrived, failures = b"", []
    for _ in range(20):
        turn = dialogue.turn(ALARM, arrived, 0.0, 0)
        failures += turn.failures
        arrived = encoder.receive(turn.data)
    assert len(failures) == 1
    assert not turn.settled
    assert turn.wake_s == pytest.approx(RETRY_S)


def test_another_look_does_not_wait_for_what_failed_before_it() -> None:
    """An encoder that takes everything and acknowledges nothing: an alert does not rest because the programme type
    before it failed, but waits for nothing longer than the element that is on its way."""
    dialogue = UecpDialogue(Session(FULL, Mode.SPONTANEOUS, timing=Timing(2.0, 3)), 0.0)
    dialogue.begin(0)
    failed_s = until(dialogue, ORDINARY, 0.0, lambda turn: any("element 07" in each for each in turn.failures))
    alarm = ALARM[MEC_OF[ProgrammeType]]
    told_s = until(dialogue, ALARM, failed_s, lambda turn: alarm in elements_of(turn.data))
    assert told_s - failed_s <= 2.0 * 3


def until(dialogue: UecpDialogue, wanted: Look, now_s: float, done: Callable[[Turn], bool]) -> float:
    """Turns with an encoder that is silent, to the one that is `done`. Returns when that was."""
    while not done(turn := dialogue.turn(wanted, b"", now_s, 0)):
        now_s = max(now_s + 0.001, turn.wake_s)
    return now_s


def elements_of(data: bytes) -> list[Element]:
    """The elements in what was written."""
    frames = [event for event in Deframer().feed(data) if isinstance(event, Frame)]
    return [element for frame in frames for element in decode_message(frame.message)]


def test_a_weak_encoder_is_settled_when_everything_is_written() -> None:
    encoder = FakeEncoder(Mode.ONE_WAY)
    dialogue = UecpDialogue(Session(WEAK, Mode.ONE_WAY), 60.0)
    dialogue.begin(0)
    took_s = until_settled(dialogue, encoder, ALARM, random.Random(1), 0.0, 0.0)
    assert shows(encoder, ALARM)
    assert took_s == pytest.approx(0.3, abs=0.05)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_no_bytes_of_an_encoder_break_a_dialogue(said: list[bytes]) -> None:
    dialogue = UecpDialogue(Session(FULL, Mode.SPONTANEOUS), 60.0)
    dialogue.begin(0)
    for number, data in enumerate(said):
        assert not dialogue.turn(ALARM, data, number * 3.0, 0).settled
