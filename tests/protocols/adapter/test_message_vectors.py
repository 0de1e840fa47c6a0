"""One frame per message of annex A, worked by hand from its table (tests/vectors/adapter/messages.json)."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from protocols import adapter
from protocols.crc import crc32_mpeg2
from protocols.errors import RemoteProtocolError
from protocols.signature import AuthorisationList, Certificate
from protocols.wire import readable
from tests.protocols.adapter.meanings import COMMANDS, FRAMES, MEANINGS, WORKED
from tests.protocols.adapter.test_worked_examples import SIGNED, UNSIGNED


def test_every_message_of_annex_a_has_a_worked_frame_down_and_up() -> None:
    worked = {type(message) for message in (MEANINGS | SIGNED | UNSIGNED).values()}
    assert worked >= set(get_args(adapter.Command)) | set(get_args(adapter.Report))
    types = {frame[3] for frame in FRAMES.values()} | {message.type for message in (SIGNED | UNSIGNED).values()}
    assert types == {*range(0x01, 0x1A), 0x20, 0x21, 0x22, 0x3F, 0x40, 0x41}
    assert MEANINGS.keys() == FRAMES.keys()


@pytest.mark.parametrize("name", FRAMES)
def test_a_message_is_written_byte_for_byte(name: str) -> None:
    assert adapter.encode(MEANINGS[name]) == FRAMES[name]


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_read_as_what_it_says(name: str) -> None:
    frame = adapter.decode(FRAMES[name])
    assert frame.message == MEANINGS[name]
    assert (frame.head, frame.origin) == ((0x49, 1) if name in COMMANDS else (0x50, 2))
    assert (frame.zero_block, frame.trailing) == (True, b"")
    assert adapter.encode_again(frame) == FRAMES[name]


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_whole_out_of_a_stream_and_all_its_cut_forms_are_refused(name: str) -> None:
    data = FRAMES[name]
    assert adapter.Deframer().feed(data) == [adapter.decode(data)]
    for end in range(len(data)):
        with pytest.raises(RemoteProtocolError):
            adapter.decode(data[:end])


LEFT_OUT = ("general_answer_without_length", "start_answer_without_url")
"""Frames that end before a field: more bytes there are that field."""


@pytest.mark.parametrize("entry", [e for e in WORKED if e["name"] not in LEFT_OUT], ids=lambda e: str(e["name"]))
def test_a_vendors_bytes_behind_the_last_field_are_kept_and_written_again(entry: dict[str, Any]) -> None:
    body = bytes.fromhex("".join(digits for _, digits in entry["working"][5:-2]))
    data = FRAMES[entry["name"]]
    longer = data[:5] + (len(body) + 3).to_bytes(4, "big") + body + b"\xab\xcd\xef" + data[9 + len(body) : -4]
    longer += crc32_mpeg2(longer).to_bytes(4, "big")
    frame = adapter.decode(longer)
    assert (frame.message, frame.trailing) == (MEANINGS[entry["name"]], b"\xab\xcd\xef")
    assert adapter.encode_again(frame) == longer


def test_certificates_and_lists_inside_an_update_are_those_of_the_signature_standard() -> None:
    update = MEANINGS["update_adapter_certificates"]
    assert isinstance(update, adapter.UpdateAdapterCertificates)
    assert Certificate.decode(update.certificates[0]).number.hex() == "000000000201"
    assert AuthorisationList.decode(update.lists[0]).certificates == (bytes.fromhex("000000000201"),)


def test_names_are_readable_in_either_encoding() -> None:
    inputs = MEANINGS["inputs"]
    assert isinstance(inputs, adapter.Inputs)
    assert [readable(channel.name) for channel in inputs.channels] == ["话筒", "线路"]
