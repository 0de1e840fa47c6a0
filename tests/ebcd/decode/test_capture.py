"""A capture of a network card says what travelled, whatever the card wrote around it."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Sequence
from itertools import pairwise
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.decode import Aside, decode_bytes
from ebcd.decode.capture import is_capture, pieces_of
from ebcd.decode.fragments import OPEN_MAX, Fragments
from ebcd.decode.inputs import messages_in
from tests.ebcd.decode.examples import ADAPTER_STOP, EBD, TERMINAL_HEARTBEAT, TERMINAL_START, UECP

ETHERNET, RAW, COOKED = 1, 101, 113
SYN, ACK = 2, 0x10


def tcp(payload: bytes, sequence: int, *, port: int = 40_000, flags: int = ACK) -> bytes:
    """RFC 9293: ports, sequence, acknowledgement, offset 5 words, flags, window, checksum and pointer left at zero."""
    return pack(">HHIIBBHHH", port, 8890, sequence % 2**32, 0, 5 << 4, flags, 65_535, 0, 0) + payload


def in_fragments(packet: bytes, *sizes: int) -> list[bytes]:
    """The same IPv4 packet in fragments: place in units of eight bytes, more of them but for the last (RFC 791)."""
    head, data = packet[:20], packet[20:]
    ends = [*(sum(sizes[: number + 1]) for number in range(len(sizes))), len(data)]
    found = []
    for at, end in pairwise((0, *ends)):
        flags = at // 8 | (0x2000 if end < len(data) else 0)
        found.append(head[:2] + pack(">HHH", 20 + end - at, 7, flags) + head[8:] + data[at:end])
    return found


def ipv4(inner: bytes, protocol: int = 6) -> bytes:
    """RFC 791: twenty bytes without options."""
    head = pack(">BBHHHBBH", 0x45, 0, 20 + len(inner), 1, 0x4000, 64, protocol, 0)
    return head + bytes((10, 0, 0, 1, 10, 0, 0, 2)) + inner


def udp(payload: bytes) -> bytes:
    """RFC 768: ports, length, checksum left at zero."""
    return ethernet(ipv4(pack(">HHHH", 7, 9, 8 + len(payload), 0) + payload, protocol=17))


def ipv6(inner: bytes) -> bytes:
    """RFC 8200."""
    return pack(">IHBB", 6 << 28, len(inner), 6, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + inner


def ethernet(packet: bytes, vlan: bytes = b"") -> bytes:
    """Two addresses, a tag where there is one, the type; short frames are padded to sixty bytes."""
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return (bytes(12) + vlan + kind + packet).ljust(60, b"\0")


def pcap(frames: Sequence[bytes], link: int = ETHERNET, order: str = "<") -> bytes:
    """Magic, version 2.4, zone, accuracy, snap length, link type; then seconds, microseconds and two lengths each."""
    head = pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, link)
    return head + b"".join(pack(order + "IIII", 0, 0, len(each), len(each)) + each for each in frames)


def pcapng(frames: Sequence[bytes]) -> bytes:
    """A section, an interface of Ethernet, an enhanced packet block for each."""
    interface = _block(1, pack("<HHI", ETHERNET, 0, 262_144))
    packets = (_block(6, pack("<5I", 0, 0, 0, len(each), len(each)) + each) for each in frames)
    return _block(0x0A0D0D0A, pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + interface + b"".join(packets)


def _block(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    size = pack("<I", 12 + len(padded))
    return pack("<I", kind) + size + padded + size


def segments(data: bytes, *sizes: int, begin: int = 1000) -> list[bytes]:
    """`data` in TCP segments of these sizes, and the rest."""
    cuts = [0]
    for size in sizes:
        cuts.append(cuts[-1] + size)
    ends = [*cuts[1:], len(data)]
    return [ethernet(ipv4(tcp(data[at:end], begin + at))) for at, end in zip(cuts, ends, strict=True)]


BOTH = TERMINAL_START + TERMINAL_HEARTBEAT


@pytest.mark.parametrize(
    "capture",
    [
        pcap(segments(BOTH)),
        pcap(segments(BOTH), order=">"),
        pcapng(segments(BOTH, 7, 90, 100)),
        pcap(segments(BOTH, 50, 50, 50)[::-1]),  # they overtook one another
        pcap([each for each in segments(BOTH, 50, 50) for _ in range(2)]),  # each was sent twice
        pcap([*segments(BOTH, 60), *segments(BOTH, 30, 60)]),  # again, in other pieces
        pcap(segments(BOTH, 90, begin=2**32 - 40)),  # the numbers wrap
        pcap([ethernet(ipv4(tcp(BOTH, 5)), vlan=b"\x81\0\0\7")]),
        pcap([ethernet(ipv6(tcp(BOTH, 5)))]),
        pcap([ipv4(tcp(BOTH, 5))], link=RAW),
        pcap([bytes(14) + b"\x08\0" + ipv4(tcp(BOTH, 5))], link=COOKED),
        pcap([ethernet(ipv4(tcp(b"", 4, flags=SYN))), ethernet(ipv4(tcp(BOTH, 5)))]),
        pcap([udp(TERMINAL_START), udp(TERMINAL_HEARTBEAT)]),
    ],
)
def test_the_messages_of_a_capture_are_told_one_by_one(capture: bytes) -> None:
    assert messages_in(capture) == (TERMINAL_START, TERMINAL_HEARTBEAT)


DATAGRAM = ipv4(pack(">HHHH", 7, 9, 8 + len(TERMINAL_START), 0) + TERMINAL_START, protocol=17)


@pytest.mark.parametrize(
    "fragments",
    [
        in_fragments(DATAGRAM, 64, 64),
        in_fragments(DATAGRAM, 64, 64)[::-1],
        [each for each in in_fragments(DATAGRAM, 80) for _ in range(2)],
        [*in_fragments(DATAGRAM, 64)[:1], *in_fragments(DATAGRAM, 32)],  # overlapping
    ],
)
def test_fragments_of_a_packet_are_put_together(fragments: list[bytes]) -> None:
    others = [udp(TERMINAL_HEARTBEAT)]
    found = messages_in(pcap([*others, *map(ethernet, fragments)]))
    assert found[:2] == (TERMINAL_HEARTBEAT, TERMINAL_START)


@pytest.mark.parametrize("place", [0, 8191])
def test_fragments_that_never_become_whole_fill_no_memory(place: int) -> None:
    """Place 8191 ends behind the longest packet that IP knows (RFC 791): 65,528 + 16."""
    held = Fragments()
    for number in range(OPEN_MAX + 500):
        head = pack(">BBHHHBBH", 0x45, 0, 36, number, 0x2000 | place, 64, 17, 0) + bytes(8)
        assert held.add(head + bytes(16)) is None
        assert held.waiting <= OPEN_MAX
    assert held.lacking == OPEN_MAX + 500


def test_fragments_of_ipv6_are_put_together() -> None:
    inner = tcp(TERMINAL_START, 5)
    whole = ipv6(inner)
    head = whole[:6] + b"\x2c" + whole[7:40]
    first = head[:4] + pack(">H", 8 + 96) + head[6:] + pack(">BBHI", 6, 0, 1, 9) + inner[:96]
    last = head[:4] + pack(">H", 8 + len(inner) - 96) + head[6:] + pack(">BBHI", 6, 0, 96, 9) + inner[96:]
    assert messages_in(pcap([ethernet(first), ethernet(last)])) == (TERMINAL_START,)


def test_what_could_not_be_read_of_a_capture_is_named() -> None:
    frames = [udp(UECP), ethernet(in_fragments(DATAGRAM, 64)[0])]
    lacking = Aside("fragments: 1 IP packets travelled in fragments that are not all in the capture")
    assert messages_in(pcap(frames)) == (UECP, lacking)
    radio = pcap([bytes(40)] * 3, link=127)
    assert messages_in(radio) == (radio, Aside("link: 3 packets of link type 127 are not read"))


def test_a_dialled_line_carries_packets_one_layer_deeper() -> None:
    frame = bytes(12) + b"\x88\x64" + bytes.fromhex("110000010000 0021") + ipv4(tcp(BOTH, 5))
    assert messages_in(pcap([frame])) == (TERMINAL_START, TERMINAL_HEARTBEAT)


def test_a_compressed_capture_or_log_is_unpacked_and_a_package_is_not() -> None:
    assert messages_in(gzip.compress(pcap(segments(BOTH)))) == (TERMINAL_START, TERMINAL_HEARTBEAT)
    assert messages_in(gzip.compress(f"rx {UECP.hex()}\n".encode())) == (UECP,)
    for content in (gzip.compress(EBD), gzip.compress(UECP), gzip.compress(b"rx")[:-12], b"\x1f\x8b\x08"):
        assert messages_in(content) == (content,)
        assert "gzip" in decode_bytes(content).errors[0]


def test_two_connections_are_not_mixed() -> None:
    frames = [
        ethernet(ipv4(tcp(ADAPTER_STOP[:50], 10, port=1))),
        ethernet(ipv4(tcp(TERMINAL_START[:50], 10, port=2))),
        ethernet(ipv4(tcp(ADAPTER_STOP[50:], 60, port=1))),
        ethernet(ipv4(tcp(TERMINAL_START[50:], 60, port=2))),
    ]
    assert messages_in(pcap(frames)) == (ADAPTER_STOP, TERMINAL_START)


def test_a_damaged_frame_between_whole_ones_is_told_too() -> None:
    damaged = TERMINAL_START[:-1] + b"\0"
    found = messages_in(pcap(segments(TERMINAL_HEARTBEAT + damaged + TERMINAL_HEARTBEAT, 40, 40)))
    assert found == (TERMINAL_HEARTBEAT, damaged, TERMINAL_HEARTBEAT)


def test_a_hole_in_a_stream_ends_a_piece_and_hides_nothing_behind_it() -> None:
    first, _, third = segments(TERMINAL_START + TERMINAL_HEARTBEAT + UECP, 100, len(TERMINAL_START) - 100)
    assert messages_in(pcap([first, third])) == (TERMINAL_START[:100], TERMINAL_HEARTBEAT, UECP)


def test_other_traffic_is_passed_over_and_a_capture_without_messages_says_so() -> None:
    other = ethernet(ipv4(tcp(b"GET /media/1.mp3 HTTP/1.1\r\nHost: x\r\n\r\n", 1)))
    capture = pcap([other, ethernet(b"\x45" + bytes(30)), b"short"])
    assert messages_in(capture) == (capture,)
    reading = decode_bytes(capture)
    assert "no message of ours" in reading.errors[0]
    assert messages_in(pcap([other, *segments(ADAPTER_STOP)])) == (ADAPTER_STOP,)


def test_packages_in_one_connection_are_told_one_by_one() -> None:
    body = b"--x\r\nfilename=EBDT_1.tar\r\n\r\nEBDB_1.xml" + bytes(90)
    post = b"POST /a HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    stream = post + post
    assert messages_in(pcap(segments(stream, 33, 100))) == (post, post)


def test_a_document_without_a_package_is_found_in_a_stream() -> None:
    assert messages_in(pcap(segments(b"\0\1" + EBD, 40))) == (EBD,)


@given(st.binary(max_size=300))
def test_any_bytes_behind_the_magic_are_pieces_and_no_exception(data: bytes) -> None:
    for magic in (pcap(())[:24], pcapng(())):
        assert is_capture(magic + data)
        assert sum(map(len, pieces_of(magic + data)[0])) <= len(data)


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_capture_that_was_cut_gives_what_is_there(one: int, other: int) -> None:
    whole = pcap(segments(BOTH, 50, 50))
    pieces, _ = pieces_of(whole[: min(one, other) + 24])
    assert all(piece in BOTH for piece in pieces)


def test_base64_is_read_alone_wrapped_and_line_by_line() -> None:
    one, two = b64encode(TERMINAL_START), b64encode(ADAPTER_STOP)
    assert messages_in(one + b"\n") == (TERMINAL_START,)
    assert messages_in(b"\n".join(one[at : at + 76] for at in range(0, len(one), 76))) == (TERMINAL_START,)
    assert messages_in(one + b"\r\n" + two + b"\r\n") == (TERMINAL_START, ADAPTER_STOP)
    assert messages_in(b"QUJDREVGR0hJSktM") == ("QUJDREVGR0hJSktM",)  # of no message
