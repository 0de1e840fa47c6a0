"""What holds for every frame between platform and adapter, and for every stream of bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from protocols import adapter
from protocols.adapter.codec import encode_body, encode_by_layout, read_body, read_by_layout
from protocols.errors import RemoteProtocolError
from protocols.signature import SignatureBlock
from tests.protocols.adapter.strategies import messages, reports
from tests.protocols.streams import corrupted, cut
from tests.protocols.wire_strategies import signatures


@given(messages)
def test_what_is_written_is_read_again(message: adapter.Message) -> None:
    data = adapter.encode(message)
    frame = adapter.decode(data)
    assert frame.message == message
    assert adapter.encode_again(frame) == data


@given(messages, signatures)
def test_a_signature_travels_unchanged_and_covers_head_and_body(
    message: adapter.Message, block: SignatureBlock
) -> None:
    asked: list[bytes] = []

    def sign(command: bytes) -> SignatureBlock:
        asked.append(command)
        return block

    frame = adapter.decode(adapter.encode(message, sign=sign))
    assert frame.signature == block
    assert asked == [frame.signed]


@given(messages)
def test_the_struct_path_writes_what_the_declaration_writes(message: adapter.Message) -> None:
    assert encode_body(message) == encode_by_layout(message)


@given(reports, st.data())
def test_the_struct_path_reads_what_the_declaration_reads(message: adapter.Report, data: st.DataObject) -> None:
    body = corrupted(data, encode_body(message))
    assert _read(read_body, message.type, body) == _read(read_by_layout, message.type, body)


def _read(
    reader: Callable[[int, bytes], tuple[adapter.Message, bytes]], type_: int, body: bytes
) -> tuple[adapter.Message, bytes] | str:
    """The message and what was left over, or the slug of what is wrong."""
    try:
        return reader(type_, body)
    except RemoteProtocolError as error:
        return error.reason


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_a_named_error(data: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        assert adapter.encode_again(adapter.decode(data)) == data


@given(st.sampled_from(sorted({*range(1, 0x23), 0x3F, 0x40, 0x41})), st.binary(max_size=120))
def test_any_body_is_a_message_or_a_named_error(type_: int, body: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        message, trailing = read_body(type_, body)
        assert adapter.encode_body(message) + trailing == body
        assert adapter.decode_body(type_, adapter.encode_body(message)) == message


@given(messages, st.data())
def test_a_damaged_body_is_a_message_or_a_named_error(sent: adapter.Message, data: st.DataObject) -> None:
    body = corrupted(data, adapter.encode_body(sent))
    with contextlib.suppress(RemoteProtocolError):
        message, trailing = read_body(sent.type, body)
        assert adapter.encode_body(message) + trailing == body
        assert adapter.decode_body(sent.type, adapter.encode_body(message)) == message


@given(st.lists(messages, max_size=3), st.binary(max_size=30), st.data())
def test_how_reads_split_the_stream_changes_nothing(
    sent: list[adapter.Message], noise: bytes, data: st.DataObject
) -> None:
    stream = noise.join([b"", *(adapter.encode(message) for message in sent), b""])
    stream = corrupted(data, stream)
    whole = adapter.Deframer(4096)
    expected = whole.feed(stream) + whole.end()
    pieces = adapter.Deframer(4096)
    found = [item for piece in cut(data, stream) for item in pieces.feed(piece)] + pieces.end()
    assert found == expected


@given(st.lists(messages, min_size=1, max_size=3), st.binary(max_size=40))
def test_noise_between_frames_costs_no_whole_frame(sent: list[adapter.Message], noise: bytes) -> None:
    deframer = adapter.Deframer(4096)
    stream = b"".join(noise + adapter.encode(message) for message in sent)
    found = deframer.feed(stream) + deframer.end()
    assert [item.message for item in found if isinstance(item, adapter.AdapterFrame)] == sent


@given(st.binary(max_size=2000), st.integers(100, 400))
def test_a_deframer_never_holds_more_than_its_limit(stream: bytes, limit: int) -> None:
    deframer = adapter.Deframer(limit)
    for at in range(0, len(stream), 37):
        deframer.feed(stream[at : at + 37])
        assert deframer.pending <= limit
