"""The registers of old village encoders (fm-rds.md section 13)."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm import village
from protocols.stream import BadFrame

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/fm/village.json").read_text("utf-8"))
writes = st.builds(village.Write, st.integers(0, 255), st.binary(min_size=1, max_size=village.DATA_BYTES_MAX))


def read(data: bytes) -> list[village.Write | BadFrame]:
    deframer = village.Deframer()
    return deframer.feed(data) + deframer.end()


@pytest.mark.parametrize(("name", "command"), [("on", village.EVERYBODY_ON), ("off", village.EVERYBODY_OFF)])
def test_the_worked_commands_are_these_bytes(name: str, command: village.Command) -> None:
    assert village.encode_payload(command).hex().upper() == VECTORS["payloads"][name]
    assert village.decode_payload(bytes.fromhex(VECTORS["payloads"][name])) == command
    assert village.say(command).hex().upper() == "".join(VECTORS["said"][name])


def test_the_worked_set_up_is_these_bytes() -> None:
    assert village.reset().hex().upper() == VECTORS["set_up"][0]
    assert village.set_up(0x1234).hex().upper() == "".join(VECTORS["set_up"][1:])


def test_what_stands_between_the_marks_is_stuffed() -> None:
    write = village.Write(0xFE, bytes.fromhex("FDFEFF00"))
    assert village.encode_write(write).hex().upper() == VECTORS["stuffed"]["line"]
    assert village.decode_write(bytes.fromhex(VECTORS["stuffed"]["line"])) == write


@given(writes)
def test_a_write_comes_back_as_it_was(write: village.Write) -> None:
    assert village.decode_write(village.encode_write(write)) == write


@given(st.binary(min_size=5, max_size=5).map(village.Command))
def test_a_payload_comes_back_as_it_was(command: village.Command) -> None:
    assert village.decode_payload(village.encode_payload(command)) == command


@given(st.lists(writes, max_size=5), st.data())
def test_how_the_line_splits_its_bytes_changes_nothing(sent: list[village.Write], data: st.DataObject) -> None:
    line = b"".join(map(village.encode_write, sent))
    deframer, got, at = village.Deframer(), list[village.Write | BadFrame](), 0
    while at < len(line):
        size = data.draw(st.integers(1, len(line) - at))
        got += deframer.feed(line[at : at + size])
        at += size
    assert got + deframer.end() == sent


@given(noise=st.binary(max_size=400), sent=writes)
def test_no_noise_costs_the_next_write(noise: bytes, sent: village.Write) -> None:
    assert read(noise + village.encode_write(sent))[-1] == sent


@given(st.binary(max_size=40))
def test_any_bytes_are_a_payload_and_a_write_or_refused(data: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert village.encode_payload(village.decode_payload(data)) == data
    with suppress(RemoteProtocolError):
        assert village.encode_write(village.decode_write(data)) == data


@pytest.mark.parametrize(
    "payload",
    [
        "AA0101010101000000000655",  # sum
        "AB0101010101000000000555",
        "AA0101010101000000000556",
        "AA0101010101000001000655",  # no zero
        "AA01010101010000000005",
        "AA010101010100000000055500",
    ],
)
def test_another_payload_is_refused(payload: str) -> None:
    with pytest.raises(RemoteProtocolError):
        village.decode_payload(bytes.fromhex(payload))


def test_the_chip_s_end_of_the_line_holds_no_more_than_a_write() -> None:
    assert [event.reason for event in read(b"\xfe" + bytes(200)) if isinstance(event, BadFrame)] == [
        "overlong",
        "noise",
    ]
    assert [event.reason for event in read(b"\xfe\x76\xff") if isinstance(event, BadFrame)] == ["length"]


def test_what_no_register_takes_is_our_own_error() -> None:
    for write in (village.Write(256, b"a"), village.Write(1, b""), village.Write(1, bytes(65))):
        with pytest.raises(LocalProtocolError):
            village.encode_write(write)
    with pytest.raises(LocalProtocolError, match="16 bits"):
        village.set_up(0x10000)
    with pytest.raises(LocalProtocolError):
        village.encode_payload(village.Command(b"abcd"))
