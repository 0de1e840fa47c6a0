"""One frame per business type and header of annexes D and E, worked by hand (tests/vectors/terminal/messages.json)."""

from __future__ import annotations

from typing import get_args

import pytest

from protocols import terminal as t
from protocols.crc import crc32_mpeg2
from protocols.errors import RemoteProtocolError
from protocols.terminal import Header
from protocols.terminal.parameters import ASKED, SET
from tests.protocols.terminal.meanings import BYTES, EVERY_PARAMETER, FRAMES
from tests.protocols.terminal.test_worked_examples import FRAMES as EXAMPLES

ALLOWED: dict[int, set[Header]] = {
    0x01: {Header.D},
    0x02: {Header.D},
    0x10: {Header.D, Header.E},
    0x11: {Header.D, Header.E},
    0x12: {Header.D},
    0x13: {Header.E},
    0x14: {Header.E},
    0x15: {Header.E},
    0x16: {Header.E},
    0x17: {Header.D},
}


def test_every_business_type_has_a_worked_frame_in_each_header_that_allows_it() -> None:
    worked: dict[int, set[Header]] = {}
    for frame in (*FRAMES.values(), *EXAMPLES.values()):
        worked.setdefault(frame.message.type, set()).add(frame.header)
    assert {type_: worked[type_] for type_ in ALLOWED} == ALLOWED
    assert {type(frame.message) for frame in (*FRAMES.values(), *EXAMPLES.values())} == set(get_args(t.Message))
    assert FRAMES.keys() == BYTES.keys()


def test_every_parameter_of_both_tables_has_a_worked_value() -> None:
    assert {t.parameter_id(each) for each in EVERY_PARAMETER} == set(ASKED) == set(range(1, 0x13))
    sets = [f.message for f in (*FRAMES.values(), *EXAMPLES.values()) if isinstance(f.message, t.ParameterSet)]
    assert {t.parameter_id(each) for message in sets for each in message.settings} == set(SET)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_written_byte_for_byte(name: str) -> None:
    assert t.encode(FRAMES[name]) == BYTES[name]


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_read_as_what_it_says_and_written_again(name: str) -> None:
    frame = t.decode(BYTES[name])
    assert frame == FRAMES[name]
    assert t.encode(frame) == BYTES[name]


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_whole_out_of_a_stream_and_all_its_cut_forms_are_refused(name: str) -> None:
    data = BYTES[name]
    assert t.Deframer().feed(data) == [FRAMES[name]]
    for end in range(len(data)):
        with pytest.raises(RemoteProtocolError):
            t.decode(data[:end])


VARIABLE = ("d_answer_result_only", "e_fault_other_short", "e_task_began_draft", "d_record_answer", "e_query_failed")
"""Told by their length: with more bytes they are another message. Extensions keep every byte as it came."""


@pytest.mark.parametrize(
    "name", [n for n, f in FRAMES.items() if n not in VARIABLE and not isinstance(f.message, t.Opaque)]
)
def test_a_vendors_bytes_behind_the_last_field_are_kept_and_written_again(name: str) -> None:
    frame = FRAMES[name]
    longer = t.encode(t.Frame(frame.header, 1, frame.packet_type, frame.source, frame.targets, frame.message))
    longer = _with_tail(longer, b"\xab\xcd\xef")
    read = t.decode(longer)
    assert t.encode(read) == longer
    if frame.message.type not in (0x20, 0xA1):
        assert (read.message, read.trailing) == (frame.message, b"\xab\xcd\xef")


def _with_tail(data: bytes, tail: bytes) -> bytes:
    """Three more bytes at the end of the data, by hand: total length, business length, CRC."""
    is_d = data[12] >= 0xF0
    total_at, targets_at = (10, 26) if is_d else (9, 25)
    business = targets_at + 12 * int.from_bytes(data[targets_at - 2 : targets_at], "big")
    changed = bytearray(data[:-4] + tail)
    for at in (total_at, business + 1):
        changed[at : at + 2] = (int.from_bytes(changed[at : at + 2], "big") + len(tail)).to_bytes(2, "big")
    return bytes(changed) + crc32_mpeg2(bytes(changed)).to_bytes(4, "big")


def test_by_the_drafts_table_the_shifted_parameters_stay_bytes() -> None:
    frame = t.decode(BYTES["e_answer_all"], t.ParameterTable.DRAFT)
    assert isinstance(frame.message, t.StatusAnswer)
    shown = [each for each in frame.message.parameters if isinstance(each, t.RawParameter)]
    assert [each.id for each in shown] == [0x0B, 0x0C, 0x0D, 0x0E, 0x0F]
    assert t.encode(frame) == BYTES["e_answer_all"]
