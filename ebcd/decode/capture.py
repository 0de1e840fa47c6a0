"""Captures of a network card: streams and datagrams inside a pcap or pcapng file, as tcpdump and Wireshark write it.

TCP is put in order by its sequence numbers, each direction for itself; what was sent twice counts once, and a hole ends
a piece. IP fragments are put together. Checksums are not looked at: a card often computes them behind the capture.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct

from ebcd.decode.carve import carve
from ebcd.decode.fragments import Fragments
from ebcd.decode.reading import Aside
from ebcd.decode.recognise import framed_claim
from ebcd.decode.recogniser import Claim

_PCAP_MAGIC = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_ORDER = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _PACKET = 1, 2, 3, 6
_NULL, _ETHERNET, _RAW, _LOOP, _COOKED, _COOKED2 = 0, 1, 101, 108, 113, 276
_RAW_TYPES = frozenset({12, 14, _RAW, 228, 229})
_TYPE_AT = {_ETHERNET: 12, _COOKED: 14, _COOKED2: 0}
_IP_AT = {_ETHERNET: 14, _COOKED: 16, _COOKED2: 20, _NULL: 4, _LOOP: 4}
_IPV4, _IPV6, _VLANS = 0x0800, 0x86DD, (0x8100, 0x88A8)
_PPPOE, _OF_PPP = 0x8864, {b"\x00\x21": _IPV4, b"\x00\x57": _IPV6}
_TCP, _UDP = 6, 17
_SYN = 2
_LINKS = _RAW_TYPES | set(_IP_AT)
_SEQUENCES = 1 << 32
PIECES_MAX = 10_000
"""Streams and datagrams of one capture that are looked at."""

_HTTP = re.compile(rb"(?:POST|HTTP/1\.[01]) ")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,10})")
_PACKAGE = b"EBDB_"

Flow = tuple[bytes, bytes, bytes]
"""Who sends, who receives, and their ports."""


@dataclass(slots=True)
class _Stream:
    """One direction of a TCP connection: segments by their place behind the first that was seen."""

    first: int
    segments: dict[int, bytes] = field(default_factory=dict)

    def add(self, sequence: int, data: bytes) -> None:
        at = (sequence - self.first + _SEQUENCES // 2) % _SEQUENCES - _SEQUENCES // 2  # before it, too
        if len(data) > len(self.segments.get(at, b"")):
            self.segments[at] = data

    def pieces(self) -> Iterator[bytes]:
        """The bytes in order, a new piece behind each hole."""
        piece, end = bytearray(), None
        for at in sorted(self.segments):
            data = self.segments[at]
            if end is not None and at > end:
                yield bytes(piece)
                piece = bytearray()
                end = None
            if end is None:
                piece += data
                end = at + len(data)
            elif at + len(data) > end:
                piece += data[end - at :]
                end = at + len(data)
        if piece:
            yield bytes(piece)


def is_capture(data: bytes) -> bool:
    """Whether these bytes are a pcap or pcapng file."""
    return data[:4] in _PCAP_MAGIC or (data[:4] == _PCAPNG and data[8:12] in _ORDER)


def pieces_of(data: bytes) -> tuple[tuple[bytes, ...], tuple[Aside, ...]]:
    """What travelled, in the order in which it began: each direction of a TCP connection as one piece, each UDP
    datagram as one; and what could not be read. A file that was cut gives what is there."""
    found: list[_Stream | bytes] = []
    streams: dict[Flow, _Stream] = {}
    fragments, links = Fragments(), Counter[int]()
    for link, frame in _packets(data):
        if link not in _LINKS:
            links[link] += 1
        packet = fragments.add(_ip_of(link, frame))
        parsed = _segment_of(packet) if packet else None
        if parsed is None:
            continue
        flow, sequence, flags, payload = parsed
        if sequence is None:
            found.append(payload)
            continue
        stream = streams.get(flow)
        if stream is None or flags & _SYN:
            stream = streams[flow] = _Stream((sequence + bool(flags & _SYN)) % _SEQUENCES)
            found.append(stream)
        if payload:
            stream.add((sequence + bool(flags & _SYN)) % _SEQUENCES, payload)
        if len(found) >= PIECES_MAX:
            break
    each = (([piece] if isinstance(piece, bytes) else list(piece.pieces())) for piece in found)
    told = _asides(fragments.lacking, links, is_full=len(found) >= PIECES_MAX)
    return tuple(piece for pieces in each for piece in pieces if piece), told


def _asides(lacking: int, links: Counter[int], *, is_full: bool) -> tuple[Aside, ...]:
    found = [f"link: {count} packets of link type {link} are not read" for link, count in sorted(links.items())]
    if lacking:
        found.append(f"fragments: {lacking} IP packets travelled in fragments that are not all in the capture")
    if is_full:
        found.append(f"too-many: the capture holds more than {PIECES_MAX} streams and datagrams; cut it into parts")
    return tuple(map(Aside, found))


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Link type and bytes of each packet."""
    if data[:4] == _PCAPNG:
        yield from _packets_ng(data)
        return
    order = _PCAP_MAGIC[data[:4]]
    head, word = Struct(order + "IIII"), Struct(order + "I")
    if len(data) < 24:
        return
    link, at = word.unpack_from(data, 20)[0] & 0xFFFF, 24
    while at + head.size <= len(data):
        size = head.unpack_from(data, at)[2]
        yield link, data[at + head.size : at + head.size + size]
        at += head.size + size


def _packets_ng(data: bytes) -> Iterator[tuple[int, bytes]]:
    at, order = 0, "<"
    links: list[int] = []
    while at + 12 <= len(data):
        if data[at : at + 4] == _PCAPNG:
            order, links = _ORDER.get(data[at + 8 : at + 12], order), []
        kind, size = Struct(order + "II").unpack_from(data, at)
        body = data[at + 8 : at + max(size - 4, 8)]
        if kind == _INTERFACE and len(body) >= 2:
            links.append(Struct(order + "H").unpack_from(body)[0])
        elif kind == _PACKET and len(body) >= 20:
            number, _, _, captured, _ = Struct(order + "5I").unpack_from(body)
            yield (links[number] if number < len(links) else _ETHERNET), body[20 : 20 + captured]
        elif kind == _OBSOLETE_PACKET and len(body) >= 20:
            number, _, _, _, captured, _ = Struct(order + "HH4I").unpack_from(body)
            yield (links[number] if number < len(links) else _ETHERNET), body[20 : 20 + captured]
        elif kind == _SIMPLE_PACKET and len(body) >= 4:
            yield (links[0] if links else _ETHERNET), body[4 : 4 + Struct(order + "I").unpack_from(body)[0]]
        at += max(size, 12)


def _ip_of(link: int, frame: bytes) -> bytes:
    """The IP packet in a frame; nothing where it holds another protocol."""
    if link in _RAW_TYPES:
        return frame
    at = _IP_AT.get(link)
    if at is None:
        return b""
    if (type_at := _TYPE_AT.get(link)) is None:
        return frame[at:]
    kind = int.from_bytes(frame[type_at : type_at + 2], "big")
    while kind in _VLANS:
        kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    if kind == _PPPOE:  # as a dialled line carries it: six bytes, then the protocol as PPP counts
        kind, at = _OF_PPP.get(frame[at + 6 : at + 8], 0), at + 8
    return frame[at:] if kind in (_IPV4, _IPV6) else b""


def _segment_of(packet: bytes) -> tuple[Flow, int | None, int, bytes] | None:
    """Flow, sequence number (None for UDP), flags and payload of a TCP or UDP packet."""
    version = packet[0] >> 4
    if version == 4 and len(packet) >= 20:
        total = int.from_bytes(packet[2:4], "big")
        protocol, addresses, at = packet[9], (packet[12:16], packet[16:20]), 4 * (packet[0] & 15)
        body = packet[at : total or len(packet)]  # 0: the card cuts it to size behind the capture
    elif version == 6 and len(packet) >= 40:
        protocol, addresses = packet[6], (packet[8:24], packet[24:40])
        body = packet[40 : 40 + (int.from_bytes(packet[4:6], "big") or len(packet))]
    else:
        return None
    flow = (*addresses, body[:4])
    if protocol == _UDP and len(body) >= 8:
        return flow, None, 0, body[8 : int.from_bytes(body[4:6], "big") or len(body)]
    if protocol == _TCP and len(body) >= 20:
        return flow, int.from_bytes(body[4:8], "big"), body[13], body[4 * (body[12] >> 4) :]
    return None


def messages_in_capture(data: bytes) -> tuple[bytes | Aside, ...]:
    """The messages of a capture, each as it travelled, then what could not be read; other traffic is passed over. The
    capture itself where it holds no message."""
    pieces, asides = pieces_of(data)
    return (*(tuple(message for piece in pieces for message in _messages_of(piece)) or (data,)), *asides)


def _messages_of(piece: bytes) -> Iterator[bytes]:
    if _HTTP.match(piece):
        yield from (each for each in _http_of(piece) if _PACKAGE in each)
        return
    while found := carve(piece):
        end = 0
        for each in found:
            yield from _broken(piece[end : each.start])
            yield piece[each.start : each.end]
            end = each.end
        piece = piece[end:]
    yield from _broken(piece)


def _broken(rest: bytes) -> Iterator[bytes]:
    """What is no whole message and begins like one."""
    if framed_claim(rest) is not Claim.NONE:
        yield rest


def _http_of(piece: bytes) -> Iterator[bytes]:
    """The HTTP messages of one direction, by their Content-Length; one without it goes to the end."""
    while _HTTP.match(piece):
        head = _END_OF_HEAD.search(piece)
        length = _LENGTH.search(piece, 0, head.start() + 2) if head else None
        end = head.end() + int(length[1]) if head and length else len(piece)
        yield piece[:end]
        piece = piece[end:].lstrip(b"\r\n")
