"""Frames of adapters (0x49, 0x50) and terminals (FEFD)."""

from __future__ import annotations

from protocols import adapter, terminal
from protocols.adapter import TypeTable
from protocols.codes import ResourceCode
from protocols.crc import crc32_mpeg2
from protocols.errors import RemoteProtocolError
from protocols.terminal.codec import decode_data, encode_data
from tests.fuzz.properties import comes_back, streams

SMALL_BYTES_MAX = 2_048  # frames above it are noise to the small deframers: limits are met often


def sealed(data: bytes) -> bytes:
    """With a right CRC at its end: what a peer sends whose fields are wrong, not its line."""
    return data[:-4] + crc32_mpeg2(data[:-4]).to_bytes(4, "big")


adapter_stream = streams(lambda: adapter.Deframer(SMALL_BYTES_MAX), SMALL_BYTES_MAX)
terminal_stream = streams(lambda: terminal.Deframer(SMALL_BYTES_MAX), SMALL_BYTES_MAX)


_adapter_frame = comes_back(adapter.decode, adapter.encode_again)
_adapter_a1 = comes_back(  # by message: numbers of A.4 that A.1 has not are read, and written as A.1's
    lambda data: adapter.decode(data, TypeTable.A1).message,
    lambda message: adapter.encode(message, table=TypeTable.A1),
)
_terminal_frame = comes_back(terminal.decode, terminal.encode)


def adapter_frame(data: bytes) -> None:
    """As it came, and with the length and CRC that would let it in, by either table of types."""
    _adapter_frame(data)
    if len(data) > 15:
        body = len(data) - 15
        _adapter_frame(sealed(data[:5] + body.to_bytes(4, "big") + data[9:-6] + b"\0\0" + bytes(4)))
        _adapter_a1(sealed(data[:5] + body.to_bytes(4, "big") + data[9:-6] + b"\0\0" + bytes(4)))
        _adapter_frame(sealed(data))


def adapter_body(data: bytes) -> None:
    """Every type's body, without the frame around it."""
    if data:
        kind, body = data[0], data[1:]
        comes_back(lambda each: adapter.decode_body(kind, each), adapter.encode_body)(body)


def terminal_frame(data: bytes) -> None:
    """As it came, with a right CRC, and the fast path for short answers beside it."""
    _terminal_frame(data)
    if len(data) > 13:
        again = sealed(data[:10] + len(data).to_bytes(2, "big") + data[12:])
        _terminal_frame(again)
        _terminal_frame(sealed(data))
        _short_answer(again)


def _short_answer(data: bytes) -> None:
    source, target = data[12:24], data[26:38]
    try:
        for code in (source, target):
            ResourceCode.from_bcd(code)  # who waits for an answer knows codes, not any bytes
    except RemoteProtocolError:
        return
    found = terminal.short_answer(data, source, target)
    if found is not None:
        frame = terminal.decode(data)
        assert isinstance(frame.message, terminal.Answer)
        assert found == (frame.session, frame.message.to, frame.message.result)


def terminal_data(data: bytes) -> None:
    """Every business type's data, without the frame around it."""
    if len(data) >= 2:
        kind, packet, rest = data[0], 1 + data[1] % 2, data[2:]
        comes_back(lambda each: decode_data(kind, packet, each), encode_data)(rest)
