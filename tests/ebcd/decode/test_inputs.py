"""What people paste is read as they meant it."""

from __future__ import annotations

import pytest

from ebcd.decode.hexadecimal import from_hex
from ebcd.decode.inputs import message_of, messages_in
from protocols.fm.frame import SourceLevel, to_frames
from tests.ebcd.decode.examples import ADAPTER_STOP, EBD, FM_PACKET, TERMINAL_HEARTBEAT


@pytest.mark.parametrize(
    "written", ["4900 01", "49:00:01", "0x49 0x00 0x01", "0x490001", "49,00\n01", "490001", "\\x49\\x00\\x01"]
)
def test_hexadecimal_may_be_spelt_in_many_ways(written: str) -> None:
    assert from_hex(written) == b"\x49\x00\x01"


@pytest.mark.parametrize("written", ["", "4", "49000", "49 zz", "hello"])
def test_other_texts_are_no_hexadecimal(written: str) -> None:
    assert from_hex(written) is None


def test_a_wrapped_frame_is_one_message() -> None:
    digits = ADAPTER_STOP.hex()
    wrapped = "\n".join(digits[at : at + 32] for at in range(0, len(digits), 32))
    assert messages_in(wrapped.encode()) == (ADAPTER_STOP,)


def test_a_wrapped_frame_with_damage_is_one_message_too() -> None:
    digits = "ff".join((ADAPTER_STOP.hex()[:60], ADAPTER_STOP.hex()[62:]))
    wrapped = "\n".join(digits[at : at + 48] for at in range(0, len(digits), 48))
    assert messages_in(wrapped.encode()) == (bytes.fromhex(digits),)


def test_one_frame_a_line_is_one_message_a_line() -> None:
    lines = f"# captured\n{ADAPTER_STOP.hex()}\n\n{TERMINAL_HEARTBEAT.hex(' ')}\n"
    assert messages_in(lines.encode()) == (ADAPTER_STOP, TERMINAL_HEARTBEAT)


def test_garbage_behind_a_frame_is_a_message_of_its_own() -> None:
    for first in (ADAPTER_STOP, ADAPTER_STOP[:-1], TERMINAL_HEARTBEAT):
        for second in ("0102", "01020304" * 30):
            assert messages_in(f"{first.hex()}\n{second}".encode()) == (first, bytes.fromhex(second))


def test_an_argument_is_one_message_however_it_was_broken() -> None:
    digits = ADAPTER_STOP[:-1].hex()
    broken = f"{digits[:7]}\n{digits[7:90]}\r\n  {digits[90:]}"
    assert message_of(broken) == ADAPTER_STOP[:-1]
    assert message_of("neither") == "neither"
    assert message_of(EBD.decode()) == EBD


def test_a_line_of_another_charset_stays_in_its_place() -> None:
    lines = f"{ADAPTER_STOP.hex()}\n省平台\n{TERMINAL_HEARTBEAT.hex()}".encode()
    assert messages_in(lines) == (ADAPTER_STOP, "省平台", TERMINAL_HEARTBEAT)


def test_two_odd_lines_are_no_message_together() -> None:
    assert messages_in(b"abc\ndef") == ("abc", "def")


def test_frames_of_the_subcarrier_are_one_a_line() -> None:
    frames = to_frames(FM_PACKET, SourceLevel.COUNTY, 1)
    lines = "\n".join(frame.hex(" ", 2) for frame in frames)
    assert messages_in(lines.encode()) == frames


def test_a_line_that_is_no_hexadecimal_stays_in_its_place() -> None:
    lines = f"{ADAPTER_STOP.hex()}\nnot hex\n{TERMINAL_HEARTBEAT.hex()}"
    assert messages_in(lines.encode()) == (ADAPTER_STOP, "not hex", TERMINAL_HEARTBEAT)


def test_a_hexdump_with_offsets_is_read() -> None:
    dump = "\n".join(
        f"{at:08x}: {FM_PACKET[at : at + 16].hex(' ', 2)}  .{at:x}." for at in range(0, len(FM_PACKET), 16)
    )
    assert messages_in(dump.encode()) == (FM_PACKET,)


def test_bytes_and_xml_are_taken_as_they_are() -> None:
    assert messages_in(ADAPTER_STOP) == (ADAPTER_STOP,)
    assert messages_in(EBD) == (EBD,)
    assert messages_in(b"") == (b"",)
