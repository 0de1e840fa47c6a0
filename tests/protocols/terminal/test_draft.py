"""Frames of the older provincial draft, worked by hand from what is known of it (tests/vectors/terminal/draft.json)."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import terminal as t
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.terminal import draft
from protocols.terminal.draft import OldCode, OldFrame, OldStart, OldStop
from tests.protocols.streams import corrupted, cut
from tests.protocols.worked_key import TIME, is_signed, sign

ROOT = Path(__file__).parents[3]
BYTES = {
    entry["name"]: bytes.fromhex("".join(digits for _, digits in entry["working"]) + entry["crc"])
    for entry in json.loads((ROOT / "tests/vectors/terminal/draft.json").read_text("utf-8"))
}
ADAPTER, TERMINAL = OldCode("499990100000001031"), OldCode("699990110020314010")
EBM = t.OldEbmId("499990100000001031" + "20251009" + "0001")
START = OldStart(EBM, 4, 1, "11A01", 80, TIME, 600, 1, 2, "rtp://239.1.1.10:5004")
FRAMES = {
    "start": OldFrame(1, t.REQUEST, ADAPTER, (TERMINAL,), START),
    "stop": OldFrame(2, t.REQUEST, ADAPTER, (TERMINAL,), OldStop(EBM)),
    "heartbeat": OldFrame(3, t.REQUEST, TERMINAL, (ADAPTER,), t.Heartbeat(1, 1, "204800000002")),
    "task_began": OldFrame(4, t.REQUEST, TERMINAL, (ADAPTER,), t.OldTaskSwitch(1, 1, EBM, TIME)),
    "answer": OldFrame(1, t.ANSWER_PACKET, TERMINAL, (ADAPTER,), t.Answer(0x01, 0)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_of_the_draft_is_read_and_written_byte_for_byte(name: str) -> None:
    assert draft.decode(BYTES[name]) == FRAMES[name]
    assert draft.encode(FRAMES[name]) == BYTES[name]
    bytewise = draft.Deframer()
    assert [item for byte in BYTES[name] for item in bytewise.feed(bytes([byte]))] == [FRAMES[name]]


@pytest.mark.parametrize("name", FRAMES)
def test_the_codec_of_2018_takes_no_frame_of_the_draft(name: str) -> None:
    with pytest.raises(RemoteProtocolError):
        t.decode(BYTES[name])


def test_a_signed_frame_of_the_draft_verifies() -> None:
    data = draft.encode(FRAMES["start"], sign=sign)
    frame = draft.decode(data)
    assert is_signed(frame.signed, frame.signature)
    assert draft.encode(frame) == data


def test_what_nobody_knows_stays_as_it_came() -> None:
    frame = OldFrame(1, t.REQUEST, ADAPTER, (), t.Opaque(0x16, b"abc"))
    assert draft.decode(draft.encode(frame)) == frame
    short = OldFrame(1, t.REQUEST, ADAPTER, (), t.Opaque(0x02, b"abc"))
    assert draft.decode(draft.encode(short)) == short


def test_a_frame_that_is_too_long_is_refused_before_sending() -> None:
    with pytest.raises(LocalProtocolError, match="are possible"):
        draft.encode(replace(FRAMES["answer"], targets=(ADAPTER,) * 8000))


@given(st.sampled_from(sorted(BYTES)), st.data())
def test_damaged_frames_are_frames_or_named_errors(name: str, data: st.DataObject) -> None:
    with contextlib.suppress(RemoteProtocolError):
        damaged = corrupted(data, BYTES[name])
        assert draft.encode(draft.decode(damaged)) == damaged


@given(st.lists(st.sampled_from(sorted(BYTES)), max_size=3), st.binary(max_size=20), st.data())
def test_how_reads_split_the_stream_changes_nothing(names: list[str], noise: bytes, data: st.DataObject) -> None:
    stream = corrupted(data, noise.join([b"", *(BYTES[name] for name in names), b""]))
    whole, pieces = draft.Deframer(2048), draft.Deframer(2048)
    expected = whole.feed(stream) + whole.end()
    assert [item for piece in cut(data, stream) for item in pieces.feed(piece)] + pieces.end() == expected
