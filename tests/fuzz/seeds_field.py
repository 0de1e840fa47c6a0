"""Good ones to begin with, from the field and from people: captures, text messages, copies of sound, duty rosters."""

from __future__ import annotations

from collections.abc import Iterable

from tests.ebcd.decode.test_capture import pcap, pcapng, segments
from tests.fuzz import seeds


def captures() -> Iterable[bytes]:
    """A terminal's frame in pieces, in either kind of file."""
    data = next(iter(seeds.terminal_streams()))
    packets = segments(data, 20, 40)
    yield from (pcap(packets), pcapng(packets), pcap(packets, order=">"))


def text_messages() -> Iterable[bytes]:
    """As a modem lists them: seven bits, and a part of a long one in UCS-2."""
    yield b"07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07"
    yield b"0891683110200005F0440BA13108000000F00008621130021254230A0500035C02014F60597D"


def mpeg_frames() -> Iterable[bytes]:
    """Layer III at 128 kbit/s and 44.1 kHz: 417 bytes a frame."""
    yield (b"\xff\xfb\x90\x00" + bytes(413)) * 2


def rosters() -> Iterable[bytes]:
    """Two turns."""
    yield (
        b"begin,end,operator,phone,email\n"
        b"2026-12-01 08:00,2026-12-01 20:00,li,,\n2026-12-01 20:00,2026-12-02 08:00,wang,,\n"
    )
