"""Message elements: the worked ones, their properties, what a reader cannot take apart."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.uecp import control, data, programme
from protocols.uecp.frame import Frame, decode, encode
from protocols.uecp.message import MEC_OF, SHAPES, Element, Opaque, decode_message, encode_message, mec_of
from tests.protocols.uecp.strategies import messages
from tests.protocols.uecp.vectors import ELEMENT_FRAMES, ELEMENT_MEANINGS, ELEMENTS, FRAMES, MEANINGS


@pytest.mark.parametrize("name", FRAMES)
def test_a_worked_frame_says_what_it_is_said_to_say(name: str) -> None:
    message = decode(bytes.fromhex(FRAMES[name])).message
    elements = MEANINGS[name][3]
    assert decode_message(message) == elements
    assert encode_message(*elements) == message


@pytest.mark.parametrize("name", ELEMENTS)
def test_a_worked_element_reads_as_written_and_is_written_the_same(name: str) -> None:
    written = bytes.fromhex(ELEMENTS[name])
    assert decode_message(written) == (ELEMENT_MEANINGS[name],)
    assert encode_message(ELEMENT_MEANINGS[name]) == written


@pytest.mark.parametrize("name", ELEMENTS)
def test_a_worked_element_stands_in_its_worked_frame(name: str) -> None:
    written, wire = bytes.fromhex(ELEMENTS[name]), bytes.fromhex(ELEMENT_FRAMES[name])
    assert decode(wire) == Frame(1, 1, written[0], written)
    assert encode(Frame(1, 1, written[0], written)) == wire


def test_every_element_that_is_known_has_a_worked_one() -> None:
    assert {name.split()[0] for name in ELEMENTS} == {f"{mec:02X}" for mec in (*MEC_OF.values(), *SHAPES)}
    assert ELEMENTS.keys() == ELEMENT_MEANINGS.keys()


@given(messages)
def test_elements_come_back_as_they_were(elements: tuple[Element, ...]) -> None:
    assert decode_message(encode_message(*elements)) == elements


@given(st.binary(max_size=60))
def test_any_bytes_are_elements_that_encode_to_them_or_a_refusal(message: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert encode_message(*decode_message(message)) == message


@given(st.sampled_from([*sorted(SHAPES), 0x18]), st.binary(max_size=30))
def test_any_body_of_a_known_code_is_read_or_refused(mec: int, body: bytes) -> None:
    message = bytes([mec]) + body
    with suppress(RemoteProtocolError):
        assert encode_message(*decode_message(message)) == message


@pytest.mark.clause("SPB 490 clause 2.3")
def test_several_elements_stand_in_one_message() -> None:
    elements = (programme.ProgrammeType(31), programme.TrafficFlags(True, True), programme.RadioText(None))
    assert encode_message(*elements) == bytes.fromhex("07 00 00 1F  03 00 00 03  0A 00 00 00")


@pytest.mark.clause("SPB 490 element 18")
def test_an_acknowledgement_may_carry_a_number_even_with_ok() -> None:
    assert decode_message(bytes.fromhex("18 00 42")) == (control.Acknowledgement(0, 0x42),)
    assert decode_message(bytes.fromhex("18 02 42")) == (control.Acknowledgement(control.Code.NOT_RECEIVED, 0x42),)
    assert decode_message(bytes.fromhex("18 00 2C 01")) == (control.Acknowledgement(0), control.CommunicationMode(1))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("00", "mec"),
        ("FE", "mec"),
        ("07 00 00", "element-length"),
        ("0A 00 00 05 01 02", "element-length"),
        ("16 00", "element-length"),
        ("17 00", "body"),  # a request that asks for nothing
        ("2D 01 41", "body"),
        ("13 00 00 01 FF", "body"),
        ("18", "body"),
        ("0B 00 03 01 02 00", "trailing"),  # half a pair
        ("30 05 00 15 DE AD BE", "trailing"),  # four fifths of a unit
    ],
)
def test_an_element_that_cannot_be_is_refused(message: str, reason: str) -> None:
    with pytest.raises(RemoteProtocolError) as error:
        decode_message(bytes.fromhex(message))
    assert error.value.reason == reason


def test_a_code_that_nobody_knows_takes_the_rest() -> None:
    assert decode_message(bytes.fromhex("07 00 00 1F 99 01 02")) == (programme.ProgrammeType(31), Opaque(0x99, b"\1\2"))


@pytest.mark.parametrize(
    "elements",
    [
        (Opaque(0x99, b""), programme.ProgrammeType(1)),
        (control.Acknowledgement(3), programme.ProgrammeType(1)),
        (Opaque(0x07, b"\0\0\1"),),
        (Opaque(0x45, b"\0"),),
        (Opaque(0xFE, b""),),
        (programme.ProgrammeType(32),),
        (programme.ProgrammeServiceName(b"Test PS   "),),
        (programme.AlternativeFrequencies(0, (0,) * 254),),
        (data.OpenData(1, bytes(250)), data.OpenData(1, bytes(250))),
        (control.RealTimeClock(0, 0, 0, 0, 0, 0, 256, 0),),
    ],
)
def test_what_no_message_can_carry_is_refused(elements: tuple[Element, ...]) -> None:
    with pytest.raises(LocalProtocolError):
        encode_message(*elements)


def test_a_radio_text_gets_its_end_mark_where_it_needs_one() -> None:
    assert programme.RadioText.showing(b"x" * 60, toggle=False).text == b"x" * 60 + b"\r"
    assert programme.RadioText.showing(b"x" * 61, toggle=False).text == b"x" * 61
    with pytest.raises(LocalProtocolError, match="64 characters"):
        programme.RadioText.showing(b"x" * 65, toggle=False)
    with pytest.raises(LocalProtocolError, match="without text"):
        programme.RadioText(None, toggle=True)


def test_the_clock_element_keeps_centiseconds_and_either_offset() -> None:
    clock = control.RealTimeClock.at(1_778_567_280.25, -7)
    assert (clock.centisecond, clock.offset) == (25, 0x27)
    assert (control.RealTimeClock.at(0.999).second, control.RealTimeClock.at(0.999).centisecond) == (1, 0)
    assert control.RealTimeClock.at(0, None).offset == control.OFFSET_UNCHANGED
    with pytest.raises(LocalProtocolError, match="half hours"):
        control.RealTimeClock.at(0, 32)


def test_open_data_has_plainer_forms_for_encoders_that_do_not_know_it() -> None:
    element = data.OpenData(0x50DD, bytes.fromhex("15DEADBEEF"), priority=data.PRIORITY_IMMEDIATE)
    plainer = data.plainer(element, {0x50DD: 0x16})
    assert plainer == data.OpenDataFreeFormat(0x16, 0x15, 0xDEAD, 0xBEEF, priority=data.PRIORITY_IMMEDIATE)
    plainest = data.plainer(plainer, {})
    assert plainest == data.FreeFormatGroup(0x16, data.ONCE, 0x15, 0xDEAD, 0xBEEF)
    assert data.plainer(plainest, {}) is None
    assert data.plainer(element, {}) is None
    assert [mec_of(each) for each in (element, plainer, plainest)] == [0x46, 0x42, 0x24]
