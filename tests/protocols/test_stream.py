"""What the cutter of frames costs a reader, whatever a peer sends (invariant I6), and that it loses nothing for it."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import adapter, crc, stream, terminal
from protocols.codes import ResourceCode
from protocols.crc import Crc32Sums, crc32_mpeg2, ends_in_crc32_mpeg2
from protocols.terminal import Header

CODE = ResourceCode("63411230010010314010401")
GOOD = adapter.encode(adapter.GeneralAnswer())
BEAT = terminal.encode(terminal.request(Header.D, 1, CODE, (CODE,), terminal.Heartbeat(1, 2, "204800000002")))
BUFFER_BYTES = 262_144


def adapter_liars(size: int, every: int) -> bytes:
    """Heads of frames whose long bodies end among the zeros of the second half, so that each must be summed."""
    data, half = bytearray(size), size // 2
    for at in range(0, half - 9, every):
        data[at : at + 9] = b"\x50\x00\x01\x12\x02" + (half + at // every - at - 9).to_bytes(4, "big")
    return bytes(data)


def sliding_liars(size: int) -> bytes:
    """Heads of frames of which each one is a whole buffer long, so that every few new bytes complete another."""
    data = bytearray(2 * size)
    for at in range(0, size, 9):
        data[at : at + 9] = b"\x50\x00\x01\x12\x02" + (size - 9 - 6).to_bytes(4, "big")
    return bytes(data)


def terminal_liars(size: int) -> bytes:
    """The same with heads of FEFD frames."""
    data, half = bytearray(size), size // 2
    for number, at in enumerate(range(0, half - 29, 29)):
        total = half + number - at
        head = b"\xfe\xfd\x01\x00" + bytes(4) + b"\x01\x00" + total.to_bytes(2, "big") + b"\xf0" + bytes(11) + bytes(2)
        data[at : at + 29] = head + b"\x01" + (total - 33).to_bytes(2, "big")
    return bytes(data)


class Summed:
    """Counts the bytes that go through zlib."""

    def __init__(self) -> None:
        self.bytes = 0
        self._crc32 = crc32

    def __call__(self, data: bytes, start: int = 0) -> int:
        self.bytes += len(data)
        return self._crc32(data, start)


@pytest.mark.parametrize("liars", [adapter_liars(BUFFER_BYTES, 9), sliding_liars(BUFFER_BYTES)], ids=["ends", "slides"])
@pytest.mark.parametrize("read_bytes", [BUFFER_BYTES, 1000])
def test_i6_heads_that_lie_cost_no_sum_of_their_whole_length_each(
    monkeypatch: pytest.MonkeyPatch, liars: bytes, read_bytes: int
) -> None:
    summed = Summed()
    monkeypatch.setattr(crc, "crc32", summed)
    deframer = adapter.Deframer()
    found = [
        item
        for at in range(0, len(liars + GOOD), read_bytes)
        for item in deframer.feed((liars + GOOD)[at : at + read_bytes])
    ] + deframer.end()
    assert [item for item in found if isinstance(item, adapter.AdapterFrame)] == [adapter.decode(GOOD)]
    heads = liars.count(b"\x50\x00\x01")
    assert summed.bytes <= 3 * len(liars) + heads * max(stream.DIRECT_BYTES_MAX, 3 * 4096)


def test_i6_heads_of_terminals_that_lie_cost_no_good_frame() -> None:
    deframer = terminal.Deframer()
    found = deframer.feed(terminal_liars(65_535) + BEAT) + deframer.end()
    assert found[-1] == terminal.decode(BEAT)


@pytest.mark.parametrize("read_bytes", [1, 7, 4096])
def test_a_frame_longer_than_is_summed_at_once_is_found_however_it_comes(read_bytes: int) -> None:
    long = adapter.encode(adapter.RdsSpecial(0, 0, (), bytes(range(256)) * 80))
    deframer = adapter.Deframer()
    data = GOOD + long + b"\x50\x00" + long + GOOD
    found = [item for at in range(0, len(data), read_bytes) for item in deframer.feed(data[at : at + read_bytes])]
    frames = [item for item in found if isinstance(item, adapter.AdapterFrame)]
    assert frames == [adapter.decode(GOOD), adapter.decode(long), adapter.decode(long), adapter.decode(GOOD)]


def test_a_long_frame_with_a_wrong_crc_costs_that_frame_only() -> None:
    long = bytearray(adapter.encode(adapter.RdsSpecial(0, 0, (), bytes(20_000))))
    long[5000] ^= 1
    deframer = adapter.Deframer()
    bad, good = deframer.feed(bytes(long) + GOOD)
    assert isinstance(bad, adapter.BadFrame)
    assert (bad.reason, bad.size) == ("crc", len(long))
    assert good == adapter.decode(GOOD)


def test_a_frame_as_long_as_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    data = adapter.encode(adapter.RdsSpecial(0, 0, (), bytes(9000)))
    assert adapter.Deframer(len(data)).feed(data) == [adapter.decode(data)]
    deframer = adapter.Deframer(len(data) - 1)
    assert not any(isinstance(item, adapter.AdapterFrame) for item in deframer.feed(data) + deframer.end())


@given(st.binary(max_size=40), st.integers(0, 20_000), st.integers(0, 5000), st.data())
def test_a_sum_over_any_stretch_is_what_summing_it_says(
    seed: bytes, size: int, dropped: int, data: st.DataObject
) -> None:
    buffer = (seed + b"\x5a") * (size // (len(seed) + 1) + 1)
    sums = Crc32Sums()
    cut = data.draw(st.integers(0, len(buffer)))
    sums.extend(buffer[:cut])
    dropped = min(dropped, cut)
    sums.drop(dropped)
    begin = data.draw(st.integers(0, len(buffer) - dropped))
    frame = buffer[dropped + begin :]
    frame += crc32_mpeg2(frame).to_bytes(4, "big")
    sums.extend(buffer[cut:] + frame[-4:])
    assert ends_in_crc32_mpeg2(frame)
    assert sums.ends_right(begin, begin + len(frame))
    if len(frame) > 4:
        assert sums.ends_right(begin, begin + len(frame) - 1) == ends_in_crc32_mpeg2(frame[:-1])


@pytest.mark.parametrize("make", [adapter.Deframer, terminal.Deframer])
def test_nothing_is_held_behind_whole_frames(make: Callable[[], adapter.Deframer | terminal.Deframer]) -> None:
    deframer = make()
    deframer.feed((GOOD if make is adapter.Deframer else BEAT) * 3)
    assert deframer.is_clean
    assert deframer.pending == 0


def test_a_limit_without_room_for_a_head_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        adapter.Deframer(stream.HEAD_BYTES_MAX - 1)
