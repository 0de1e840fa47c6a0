"""One conversation over good and bad lines, against an encoder made of the same frames."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError
from protocols.stream import BadFrame
from protocols.uecp import control, data, programme
from protocols.uecp.control import Code, Mode
from protocols.uecp.frame import Deframer, Frame, encode
from protocols.uecp.message import Element, encode_message
from protocols.uecp.profile import FULL, PROFILES, REACTIONS, WEAK, Reaction
from protocols.uecp.session import Done, Event, Failed, Session, Timing, Told
from tests.protocols.streams import cut
from tests.protocols.uecp.fake_encoder import FakeEncoder

answers = st.binary(max_size=30) | st.builds(
    lambda code, sqc, carrier: acknowledgement(code, sqc, carrier),
    st.integers(0, 16),
    st.none() | st.integers(0, 5),
    st.integers(0, 255),
)
ALARM: list[Element] = [
    programme.ProgrammeType(31),
    programme.TrafficFlags(True, True),
    programme.RadioText.showing(b"EMERGENCY", toggle=True),
]
GROUP = data.FreeFormatGroup(0x16, data.ONCE, 0x15, 0xDEAD, 0xBEEF)
Line = Callable[[bytes], bytes]


def clean(data_: bytes) -> bytes:
    return data_


def converse(
    session: Session, encoder: FakeEncoder, *, down: Line = clean, up: Line = clean, until_s: float = 120.0
) -> list[Event]:
    """Step both until nothing is left to do; time jumps to the next deadline."""
    now_s, events = 0.0, list[Event]()
    while now_s <= until_s:
        step = session.step(now_s)
        events += step.events
        answer = up(encoder.receive(down(step.data)))
        if answer:
            for at in range(len(answer)):  # byte by byte
                events += session.receive(answer[at : at + 1], now_s)
        elif not step.data:
            if step.wake_s is None:
                return events
            now_s = max(now_s, step.wake_s)
    raise AssertionError("the conversation does not end")


def outcomes(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Done | Failed)]


def offered(session: Session, elements: list[Element]) -> Session:
    for tag, element in enumerate(elements):
        session.offer(element, tag)
    return session


def lossy(rng: random.Random, loss: float) -> Line:
    return lambda data_: bytes(byte for byte in data_ if rng.random() >= loss)


@pytest.mark.clause("SPB 490 clause 7")
@pytest.mark.parametrize("mode", [Mode.REQUESTED, Mode.SPONTANEOUS])
def test_every_element_is_acknowledged_in_turn(mode: Mode) -> None:
    encoder = FakeEncoder(mode)
    events = converse(offered(Session(FULL, mode), ALARM), encoder)
    assert events == [Done(element, tag, True) for tag, element in enumerate(ALARM)]
    assert encoder.acted == ALARM


@pytest.mark.clause("SPB 490 clause 7")
def test_a_one_way_line_says_that_it_was_written_and_no_more() -> None:
    encoder = FakeEncoder(Mode.ONE_WAY)
    events = converse(offered(Session(WEAK, Mode.ONE_WAY), ALARM), encoder)
    assert events == [Done(element, tag, False) for tag, element in enumerate(ALARM)]
    assert encoder.acted == ALARM
    assert [frame.sqc for frame in encoder.frames] == [0, 0, 0]


@pytest.mark.parametrize("mode", [Mode.REQUESTED, Mode.SPONTANEOUS])
def test_a_line_that_loses_bytes_delivers_everything_in_the_end(mode: Mode, rng: random.Random) -> None:
    encoder = FakeEncoder(mode)
    session = offered(Session(FULL, mode, timing=Timing(attempts_max=60)), ALARM)
    events = converse(session, encoder, down=lossy(rng, 0.03), up=lossy(rng, 0.03), until_s=600)
    assert outcomes(events) == [Done(element, tag, True) for tag, element in enumerate(ALARM)]
    assert [each for each in ALARM if each in encoder.acted] == ALARM


def test_silence_is_failure_after_the_last_attempt_and_the_next_element_still_goes() -> None:
    encoder = FakeEncoder()
    encoder.mute = True
    events = converse(offered(Session(FULL, Mode.SPONTANEOUS), ALARM[:2]), encoder)
    silent = [Failed(element, tag, None, "no acknowledgement") for tag, element in enumerate(ALARM[:2])]
    assert outcomes(events) == silent
    assert [frame.sqc for frame in encoder.frames] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("code", [c for c, r in REACTIONS.items() if r in (Reaction.RESEND, Reaction.SLOW_DOWN)])
def test_after_a_fault_on_the_line_the_same_frame_goes_again_under_its_number(code: Code) -> None:
    encoder = FakeEncoder()
    encoder.answer = [code]
    events = converse(offered(Session(FULL, Mode.SPONTANEOUS), ALARM[:1]), encoder)
    assert outcomes(events) == [Done(ALARM[0], 0, True)]
    assert [frame.sqc for frame in encoder.frames] == [1, 1]


def test_a_fault_that_does_not_end_is_given_up() -> None:
    for code in (Code.CRC, Code.BUFFER_OVERFLOW):
        encoder = FakeEncoder()
        encoder.answer = [code] * 9
        events = converse(offered(Session(FULL, Mode.SPONTANEOUS), ALARM[:1]), encoder)
        assert outcomes(events) == [Failed(ALARM[0], 0, code, f"the encoder answered {code.value}")]
        assert len(encoder.frames) == 3


@pytest.mark.parametrize("code", [Code.OUT_OF_RANGE, Code.NOT_ACCEPTABLE, Code.DATA_SET, 99])
def test_what_repeating_does_not_help_fails_at_once(code: int) -> None:
    encoder = FakeEncoder()
    encoder.answer = [code]
    events = converse(offered(Session(FULL, Mode.SPONTANEOUS), ALARM[:1]), encoder)
    assert outcomes(events) == [Failed(ALARM[0], 0, code, f"the encoder answered {int(code)}")]
    assert len(encoder.frames) == 1


def test_an_element_that_the_encoder_does_not_know_is_said_more_plainly_and_never_again() -> None:
    encoder = FakeEncoder(unknown=frozenset({0x46, 0x42}))
    session = Session(FULL, Mode.SPONTANEOUS, group_of={0x50DD: 0x16})
    element = data.OpenData(0x50DD, bytes.fromhex("15DEADBEEF"))
    assert outcomes(converse(offered(session, [element]), encoder)) == [Done(GROUP, 0, True)]
    assert len(encoder.frames) == 3
    converse(offered(session, [element]), encoder)
    assert len(encoder.frames) == 4


def test_an_unknown_element_with_nothing_plainer_fails() -> None:
    encoder = FakeEncoder(unknown=frozenset({0x07}))
    session = Session(FULL, Mode.SPONTANEOUS)
    (failed,) = outcomes(converse(offered(session, ALARM[:1]), encoder))
    assert isinstance(failed, Failed)
    assert failed.code == Code.UNKNOWN_MESSAGE
    with pytest.raises(LocalProtocolError, match="the encoder says that it does not know element 07"):
        session.offer(ALARM[0])
    session.forget_unknown()
    encoder.unknown = frozenset()
    assert outcomes(converse(offered(session, ALARM[:1]), encoder)) == [Done(ALARM[0], 0, True)]


def test_a_frame_that_the_encoder_missed_is_sent_again_by_its_number() -> None:
    session = offered(Session(FULL, Mode.SPONTANEOUS), ALARM)
    first = session.step(0).data
    session.receive(acknowledgement(Code.OK), 0)
    second = session.step(0).data
    session.receive(acknowledgement(Code.NOT_RECEIVED, 1), 0)
    assert session.step(0).data == first
    session.receive(acknowledgement(Code.NOT_RECEIVED, 77), 0)
    assert session.step(0).data == b""
    assert session.step(2.0).data == second


def acknowledgement(code: int, sqc: int | None = None, carrier: int = 200) -> bytes:
    return encode(Frame(0, 0, carrier, encode_message(control.Acknowledgement(code, sqc))))


def test_an_ok_that_comes_after_its_frame_was_given_up_confirms_nothing_else() -> None:
    session = offered(Session(FULL, Mode.SPONTANEOUS, timing=Timing(attempts_max=1)), ALARM[:2])
    session.step(0)
    step = session.step(2.0)
    assert outcomes(list(step.events)) == [Failed(ALARM[0], 0, None, "no acknowledgement")]
    assert (step.data, step.wake_s) == (b"", 4.0)
    assert session.receive(acknowledgement(0), 2.1) == []
    session.step(4.0)
    assert session.receive(acknowledgement(0, 1), 4.1) == []
    assert session.receive(acknowledgement(0, None, carrier=1), 4.1) == []
    assert session.receive(acknowledgement(0, 2), 4.1) == [Done(ALARM[1], 1, True)]


def test_the_second_answer_to_a_repeated_frame_confirms_nothing_else() -> None:
    session = offered(Session(FULL, Mode.SPONTANEOUS), ALARM[:2])
    session.step(0)
    session.step(2.0)
    assert session.receive(acknowledgement(0), 2.1) == [Done(ALARM[0], 0, True)]
    assert session.step(2.1).data == b""
    assert session.receive(acknowledgement(0), 2.5) == []
    assert session.step(4.1).data != b""


def test_the_number_runs_from_1_to_255_and_never_says_0() -> None:
    encoder = FakeEncoder()
    session = Session(FULL, Mode.SPONTANEOUS)
    for _ in range(5):
        converse(offered(session, ALARM[:1] * 60), encoder)
    assert [frame.sqc for frame in encoder.frames][253:258] == [254, 255, 1, 2, 3]


def test_no_more_than_three_groups_wait_in_a_weak_encoder() -> None:
    session = offered(Session(WEAK, Mode.ONE_WAY), [GROUP] * 8)
    left_at: list[float] = []  # when each group leaves the encoder's queue for the air
    now_s, held_most = 0.0, 0
    while len(session):
        step = session.step(now_s)
        for _ in step.events:
            left_at.append(max([now_s, *left_at[-1:]]) + WEAK.group_s)
        held_most = max(held_most, sum(at > now_s for at in left_at))
        now_s = step.wake_s or now_s
    assert held_most == 3
    assert left_at[-1] == pytest.approx(8 * WEAK.group_s)


def test_frames_that_nobody_acknowledges_keep_their_distance() -> None:
    session = offered(Session(WEAK, Mode.ONE_WAY), ALARM)
    assert len(session.step(0).events) == 1
    assert session.step(0.05).data == b""
    assert session.step(0.1).wake_s == pytest.approx(0.2)


def test_what_an_encoder_of_this_kind_lacks_is_refused_or_said_more_plainly() -> None:
    session = Session(WEAK, Mode.ONE_WAY, group_of={0x50DD: 0x16})
    with pytest.raises(LocalProtocolError, match="element 2C"):
        session.offer(control.CommunicationMode(2))
    session.offer(data.OpenData(0x50DD, bytes.fromhex("15DEADBEEF")))
    (done,) = session.step(0).events
    assert isinstance(done, Done)
    assert isinstance(done.element, data.OpenDataFreeFormat)
    with pytest.raises(LocalProtocolError, match="never answer"):
        Session(WEAK, Mode.SPONTANEOUS)


def test_the_queue_has_an_end() -> None:
    session = offered(Session(FULL, Mode.SPONTANEOUS, queue_max=3), ALARM)
    with pytest.raises(LocalProtocolError, match="3 elements wait"):
        session.offer(ALARM[0])
    with pytest.raises(LocalProtocolError):
        Session(FULL, Mode.ONE_WAY).offer(programme.ProgrammeType(99))


def test_a_cut_line_forgets_what_was_on_its_way() -> None:
    session = offered(Session(FULL, Mode.SPONTANEOUS), ALARM)
    session.step(0)
    session.receive(acknowledgement(0)[:4], 0)
    session.reset()
    assert len(session) == 0
    assert session.step(9).data == b""


def test_other_words_of_the_encoder_and_noise_are_told() -> None:
    session = Session(FULL, Mode.SPONTANEOUS)
    said = encode(Frame(0, 0, 9, encode_message(programme.ProgrammeType(5))))
    broken = encode(Frame(0, 0, 9, b"\x07\x00"))
    noise, told, bad = session.receive(b"x" + said + broken, 0)
    assert isinstance(noise, BadFrame)
    assert told == Told(programme.ProgrammeType(5))
    assert isinstance(bad, BadFrame)
    assert bad.reason == "element-length"


def test_a_frame_addresses_its_encoder() -> None:
    session = Session(FULL, Mode.SPONTANEOUS, site=5, encoder=7)
    session.offer(ALARM[0])
    (frame,) = Deframer().feed(session.step(0).data)
    assert isinstance(frame, Frame)
    assert (frame.site, frame.encoder, frame.sqc) == (5, 7, 1)


@given(st.data(), st.lists(answers, max_size=12), st.lists(st.integers(0, 2), min_size=1, max_size=12))
def test_whatever_an_encoder_says_every_element_is_told_once_and_nothing_breaks(
    data_: st.DataObject, said: list[bytes], kinds: list[int]
) -> None:
    session = offered(Session(FULL, Mode.SPONTANEOUS), [ALARM[kind] for kind in kinds])
    events, now_s = list[Event](), 0.0
    for answer in said:
        events += session.step(now_s).events
        for piece in cut(data_, answer):
            events += session.receive(piece, now_s)
        now_s += data_.draw(st.sampled_from([0.0, 0.5, 3.0]))
    while (step := session.step(now_s)).wake_s is not None:
        events += step.events
        now_s = max(now_s, step.wake_s)
    events += step.events
    assert sorted(each.tag for each in events if isinstance(each, Done | Failed)) == list(range(len(kinds)))


def test_profiles_are_found_by_name() -> None:
    assert PROFILES == {"weak": WEAK, "full": FULL}
    assert not WEAK.knows(0x46)
    assert FULL.knows(0x46)
