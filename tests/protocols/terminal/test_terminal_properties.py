"""What holds for every FEFD frame, and for every stream of bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from protocols import terminal as t
from protocols.codes import ResourceCode
from protocols.crc import crc32_mpeg2
from protocols.errors import RemoteProtocolError
from protocols.signature import SignatureBlock
from protocols.terminal import Header
from protocols.terminal.codec import decode_data, encode_by_layout, encode_data, read_by_layout, read_data
from protocols.terminal.frame import LAYOUT_D, LAYOUT_E, measure
from protocols.terminal.reading import decode_checked, decode_plain
from tests.protocols.streams import corrupted, cut
from tests.protocols.terminal.strategies import answers, frames, hot, requests, unsigned_frames
from tests.protocols.wire_strategies import byte, resource_codes, signatures, texts, u32


@given(frames)
def test_what_is_written_is_read_again(frame: t.Frame) -> None:
    data = t.encode(frame)
    assert t.decode(data) == frame
    assert t.encode(t.decode(data)) == data


@given(hot | answers)
def test_the_struct_path_of_hot_messages_writes_what_the_declaration_writes(message: t.Message) -> None:
    assert encode_data(message) == encode_by_layout(message)


@given(hot, st.data())
def test_the_struct_path_of_hot_messages_reads_what_the_declaration_reads(
    message: t.Message, data: st.DataObject
) -> None:
    body = corrupted(data, encode_data(message))
    assert _read(read_data, message.type, body) == _read(read_by_layout, message.type, body)


def _read(
    reader: Callable[[int, int, bytes], tuple[t.Message, bytes]], type_: int, body: bytes
) -> tuple[t.Message, bytes] | str:
    """The message and what was left over, or the slug of what is wrong."""
    try:
        return reader(type_, t.REQUEST, body)
    except RemoteProtocolError as error:
        return error.reason


@given(frames, st.data())
def test_the_plain_way_of_a_frame_sees_what_the_long_way_sees_or_leaves_it_to_it(
    frame: t.Frame, data: st.DataObject
) -> None:
    damaged = corrupted(data, t.encode(frame))[:-4]
    damaged += crc32_mpeg2(damaged).to_bytes(4, "big")
    plain = decode_plain(damaged)
    if plain is not None:
        assert measure(damaged, 0, t.FRAME_BYTES_MAX) == len(damaged)
        assert plain == decode_checked(damaged)
        assert plain.signed == decode_checked(damaged).signed


@given(hot, signatures | st.none(), st.sampled_from(Header), u32, resource_codes, resource_codes)
def test_the_plain_way_takes_every_hot_message_to_one_target(
    message: t.Message,
    signature: SignatureBlock | None,
    header: Header,
    session: int,
    source: ResourceCode,
    target: ResourceCode,
) -> None:
    block = signature if header is Header.D else None
    data = t.encode(t.Frame(header, session, t.REQUEST, source, (target,), message, block))
    assert decode_plain(data) == decode_checked(data)


@given(unsigned_frames)
def test_the_struct_path_of_the_head_agrees_with_its_declaration(frame: t.Frame) -> None:
    data = t.encode(frame)
    block = (LAYOUT_D if frame.header is Header.D else LAYOUT_E).parse(data)
    assert (block.session, block.packet_type, block.total) == (frame.session, frame.packet_type, len(data))
    assert (block.source, block.targets, block.type) == (frame.source, frame.targets, frame.message.type)
    assert block.crc == crc32_mpeg2(data[:-4])


@given(st.sampled_from(Header), u32, byte, byte, texts, resource_codes, resource_codes)
def test_the_short_way_of_an_answer_sees_what_decode_sees(
    header: Header, session: int, to: int, result: int, text: str, source: ResourceCode, target: ResourceCode
) -> None:
    data = t.encode(t.Frame(header, session, t.ANSWER_PACKET, source, (target,), t.Answer(to, result, text)))
    seen = t.short_answer(data, source.to_bcd(), target.to_bcd())
    assert seen == ((session, to, result) if not text else None)


@given(frames | unsigned_frames, st.data())
def test_the_short_way_takes_nothing_but_a_whole_right_answer_without_text(frame: t.Frame, data: st.DataObject) -> None:
    damaged = corrupted(data, t.encode(frame))
    target = frame.targets[0].to_bcd() if frame.targets else bytes(12)
    seen = t.short_answer(damaged, frame.source.to_bcd(), target)
    if seen is not None:
        decoded = t.decode(damaged)
        assert isinstance(decoded.message, t.Answer)
        assert seen == (decoded.session, decoded.message.to, decoded.message.result)


@given(requests, signatures)
def test_a_signature_covers_head_and_data_with_flag_and_length_in_place(
    message: t.Message, block: SignatureBlock
) -> None:
    asked: list[bytes] = []

    def sign(command: bytes) -> SignatureBlock:
        asked.append(command)
        return block

    code = ResourceCode("4" * 23)
    data = t.encode(t.request(Header.D, 1, code, (code,), message, extensions=True), sign=sign)
    frame = t.decode(data)
    assert frame.signature == block
    assert asked == [frame.signed] == [data[:-80]]
    assert data[9] == 1
    assert int.from_bytes(data[10:12], "big") == len(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_named_error(data: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        assert t.decode(data)


@given(frames, st.data())
def test_damaged_data_is_a_message_or_a_named_error(frame: t.Frame, data: st.DataObject) -> None:
    body = corrupted(data, encode_data(frame.message))
    with contextlib.suppress(RemoteProtocolError):
        message, trailing = read_data(frame.message.type, frame.packet_type, body)
        assert encode_data(message) + trailing == body
        assert decode_data(message.type, frame.packet_type, encode_data(message)) == message


@given(st.lists(frames, max_size=3), st.binary(max_size=30), st.data())
def test_how_reads_split_the_stream_changes_nothing(sent: list[t.Frame], noise: bytes, data: st.DataObject) -> None:
    stream = corrupted(data, noise.join([b"", *map(t.encode, sent), b""]))
    whole = t.Deframer(2048)
    expected = whole.feed(stream) + whole.end()
    pieces = t.Deframer(2048)
    found = [item for piece in cut(data, stream) for item in pieces.feed(piece)] + pieces.end()
    assert found == expected


@given(st.lists(frames, min_size=1, max_size=3), st.binary(max_size=40))
def test_noise_between_frames_costs_no_whole_frame(sent: list[t.Frame], noise: bytes) -> None:
    deframer = t.Deframer(2048)
    found = deframer.feed(b"".join(noise + t.encode(frame) for frame in sent)) + deframer.end()
    assert [item for item in found if isinstance(item, t.Frame)] == sent


@given(
    st.lists(st.sampled_from([b"\xfe\xfd\x01\x00", b"\x01\xff", b"\xf0", b"\x00"]), max_size=300), st.integers(64, 300)
)
def test_a_deframer_never_holds_more_than_its_limit(parts: list[bytes], limit: int) -> None:
    deframer = t.Deframer(limit)
    for part in parts:
        deframer.feed(part)
        assert deframer.pending <= limit
