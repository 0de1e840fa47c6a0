"""IP packets that travelled in fragments, put together (RFC 791 clause 3.2, RFC 8200 clause 4.5)."""

from __future__ import annotations

from dataclasses import dataclass, field

_HEAD4, _HEAD6, _FRAGMENT_HEAD = 20, 40, 8
_FRAGMENT6 = 44
_MORE4, _OFFSET4 = 0x2000, 0x1FFF
_PACKET_BYTES_MAX = 65_535
OPEN_MAX = 1_000
"""Packets of one capture that may wait for their other fragments; the oldest makes room."""


@dataclass(slots=True)
class _Open:
    """A packet of which fragments have come: by their place, and the length once the last one is here."""

    head: bytes = b""
    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0
    size: int | None = None

    def add(self, at: int, payload: bytes) -> None:
        """Take a fragment; of two for one place the longer one counts."""
        known = self.pieces.get(at, b"")
        if len(payload) > len(known) or not self.pieces:
            self.pieces[at] = payload
            self.held += len(payload) - len(known)

    def whole(self) -> bytes | None:
        """Head and payload, if nothing is missing."""
        if not self.head or self.size is None or self.held < self.size:
            return None
        data = bytearray()
        for at in sorted(self.pieces):
            if at > len(data):
                return None
            data[at:] = self.pieces[at] if at + len(self.pieces[at]) > len(data) else data[at:]
        return self.head + data if len(data) == self.size else None


class Fragments:
    """Takes every IP packet; gives back whole ones."""

    def __init__(self) -> None:
        self._open: dict[bytes, _Open] = {}
        self._lost = 0

    @property
    def waiting(self) -> int:
        """How many packets wait for their other fragments."""
        return len(self._open)

    @property
    def lacking(self) -> int:
        """How many packets are not whole."""
        return self._lost + self.waiting

    def add(self, packet: bytes) -> bytes | None:
        """The packet itself if it never was in fragments; the whole one at its last fragment; else None."""
        found = _fragment4(packet) if packet[:1] and packet[0] >> 4 == 4 else _fragment6(packet)
        if found is None:
            return packet
        key, at, is_last, head, payload = found
        if at + len(payload) > _PACKET_BYTES_MAX:  # no packet is so long: of a forger, or of a damaged line
            self._lost += key not in self._open
            return None
        one = self._open.setdefault(key, _Open())
        one.add(at, payload)
        if not at:
            one.head = head
        if is_last:
            one.size = at + len(payload)
        whole = one.whole()
        if whole is not None:
            del self._open[key]
        elif self.waiting > OPEN_MAX:
            del self._open[next(iter(self._open))]
            self._lost += 1
        return whole


_Fragment = tuple[bytes, int, bool, bytes, bytes]
"""Which packet, place in it, whether it is the last, the packet's head without the fragment's, the payload."""


def _fragment4(packet: bytes) -> _Fragment | None:
    flags = int.from_bytes(packet[6:8], "big")
    if len(packet) < _HEAD4 or not flags & (_MORE4 | _OFFSET4):
        return None
    size, total = 4 * (packet[0] & 15), int.from_bytes(packet[2:4], "big")
    key = packet[4:6] + packet[9:10] + packet[12:20]
    head = packet[:2] + b"\0\0" + packet[4:6] + b"\0\0" + packet[8:size]  # of no length: it goes to the end
    return key, 8 * (flags & _OFFSET4), not flags & _MORE4, head, packet[size:total]


def _fragment6(packet: bytes) -> _Fragment | None:
    if len(packet) < _HEAD6 + _FRAGMENT_HEAD or packet[0] >> 4 != 6 or packet[6] != _FRAGMENT6:
        return None
    own = packet[_HEAD6 : _HEAD6 + _FRAGMENT_HEAD]
    place = int.from_bytes(own[2:4], "big")
    head = packet[:4] + b"\0\0" + own[:1] + packet[7:_HEAD6]
    payload = packet[_HEAD6 + _FRAGMENT_HEAD : _HEAD6 + int.from_bytes(packet[4:6], "big")]
    return own[4:8] + packet[8:_HEAD6], place & ~7, not place & 1, head, payload
