"""Contents of the configuration packets, types 0 to 8 (GD/J 085 clauses 5.2.2 to 5.2.10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final, Self

from construct import ExprAdapter, GreedyBytes, Int8ub, Int16ub, Int32ub

from protocols.codes import ResourceCode
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.fm.fields import ranged
from protocols.signature import BLOCK_BYTES, AuthorisationList, SignatureBlock
from protocols.wire import Layout, counted, frequency_khz, record, resource_code, sized

BEIJING_OFFSET_S: Final = 8 * 3600
BYTE_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class ScanEntry:
    """One frequency a terminal watches. Number 1 starts the scan; of several signals the smallest priority wins."""

    number: int
    priority: int
    frequency_khz: int


@dataclass(frozen=True, slots=True)
class ScanList:
    """Type 0: the frequencies to watch, about five advised."""

    entries: tuple[ScanEntry, ...]


@dataclass(frozen=True, slots=True)
class SetCode:
    """Type 1: gives the terminal with this physical address its resource code. The address is opaque bytes."""

    phys: bytes
    code: ResourceCode


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Type 2: while on, what was started plays only until `period_s` pass without a command; off: until a stop."""

    enabled: bool
    period_s: int


@dataclass(frozen=True, slots=True)
class Clock:
    """Type 3: date and time, binary. The text names no zone; Beijing time is assumed, as GD/J 089 table A.17 does."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int

    @classmethod
    def from_utc(cls, seconds: int, *, zone_offset_s: int = BEIJING_OFFSET_S) -> Self:
        """The fields at `seconds` since 1970 UTC."""
        at = datetime.fromtimestamp(seconds + zone_offset_s, UTC)
        return cls(at.year, at.month, at.day, at.hour, at.minute, at.second)

    def utc(self, *, zone_offset_s: int = BEIJING_OFFSET_S) -> int:
        """Seconds since 1970 UTC. Raises RemoteProtocolError("time") when the fields name no moment."""
        try:
            at = datetime(self.year, self.month, self.day, self.hour, self.minute, self.second, tzinfo=UTC)
        except ValueError as error:
            raise RemoteProtocolError("time", f"{self} is no moment: {error}") from error
        return int((at - timedelta(seconds=zone_offset_s)).timestamp())


class ReturnMode(IntEnum):
    """How a terminal answers; 4-9 are reserved. Parameter 03 of GD/J 089 table E.5 gives the ways other numbers."""

    SMS = 1
    IP = 2
    DOMAIN = 3


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Type 4: where a terminal answers to. Unknown modes keep their bytes."""

    mode: int
    data: bytes

    @classmethod
    def sms(cls, number: str) -> Self:
        """By short message to a number in ASCII digits."""
        if not (number.isascii() and number.isdigit()):
            raise LocalProtocolError(f"{number!r} is no telephone number; digits only")
        return cls(ReturnMode.SMS, number.encode("ascii"))

    @classmethod
    def ip(cls, host: str, port: int) -> Self:
        """To an IPv4 address in dotted form and a port."""
        try:
            octets = bytes(int(part) for part in host.split("."))
            data = octets + port.to_bytes(2, "big")
        except (ValueError, OverflowError) as error:
            raise LocalProtocolError(f"{host}:{port} is no IPv4 address and port") from error
        if len(octets) != 4:
            raise LocalProtocolError(f"{host} is no IPv4 address")
        return cls(ReturnMode.IP, data)

    @classmethod
    def domain(cls, name: str, port: int) -> Self:
        """To a host name and a port, written `name:port`."""
        return cls(ReturnMode.DOMAIN, f"{name}:{port}".encode("ascii"))

    def __str__(self) -> str:
        if self.mode == ReturnMode.IP and len(self.data) == 6:
            return f"{'.'.join(str(octet) for octet in self.data[:4])}:{int.from_bytes(self.data[4:], 'big')}"
        if self.mode in (ReturnMode.SMS, ReturnMode.DOMAIN):
            return self.data.decode("ascii", "replace")
        return f"mode {self.mode} {self.data.hex()}"


@dataclass(frozen=True, slots=True)
class ReturnPeriod:
    """Type 5: seconds between a terminal's own reports, never 0."""

    period_s: int


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Type 6: bytes for the security module, unopened.

    GD/J 085 points at GD/J 081 clause 6.2.1 (the 74-byte signature block), while name and purpose are the list of
    clause 6.5 (78 + 6 n bytes). The lengths never meet, so `opened` can tell them apart.
    """

    data: bytes

    def opened(self) -> AuthorisationList | SignatureBlock:
        """The list, or the block that carries none and changes nothing. Raises RemoteProtocolError("length")."""
        if len(self.data) == BLOCK_BYTES:
            return SignatureBlock.decode(self.data)
        return AuthorisationList.decode(self.data)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Type 7: certificates for the security module, 143 bytes each.

    The text has one length for all of them; `each_sized` writes one before each, as some read it.
    """

    items: tuple[bytes, ...]
    each_sized: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Type 8: parameters to report, by their numbers 01-12 (GD/J 089 table E.5)."""

    parameters: tuple[int, ...]


def _read_certificates(data: bytes, _: object) -> Certificates:
    """`count · length · certificates` as the text has it, or a length before each one; arithmetic tells which."""
    if not data:
        raise ValueError("a certificate packet without a count")
    count = data[0]
    if count and len(data) > 1 and data[1] and len(data) == 2 + count * data[1]:
        size = data[1]
        return Certificates(tuple(data[at : at + size] for at in range(2, len(data), size)))
    items: list[bytes] = []
    at = 1
    for _number in range(count):
        if at >= len(data) or not data[at] or at + 1 + data[at] > len(data):
            raise ValueError(f"{count} certificates do not fit {len(data)} bytes")
        items.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes behind {count} certificates")
    return Certificates(tuple(items), each_sized=True)


def _write_certificates(value: Certificates, _: object) -> bytes:
    sizes = [len(item) for item in value.items]
    if len(sizes) > BYTE_MAX or not all(0 < size <= BYTE_MAX for size in sizes):
        raise ValueError(f"a packet takes up to {BYTE_MAX} certificates of 1 to {BYTE_MAX} bytes")
    if value.each_sized:
        data = bytes((len(sizes),)) + b"".join(bytes((len(item),)) + item for item in value.items)
        if _read_certificates(data, None) != value:
            raise ValueError("with a length before each, these certificates would be read as some of one length")
        return data
    if len(set(sizes)) != 1:
        raise ValueError("a packet takes 1-255 certificates of one length, or a length before each")
    return bytes((len(sizes), sizes[0])) + b"".join(value.items)


_flag: Layout = ExprAdapter(ranged(Int8ub, 0, 1, "switch"), lambda value, _: bool(value), lambda value, _: int(value))

LAYOUTS: Final[dict[int, tuple[type, Layout]]] = {
    0: (
        ScanList,
        record(
            ScanList,
            "entries"
            / counted(
                Int8ub,
                record(
                    ScanEntry,
                    "number" / ranged(Int8ub, 1, BYTE_MAX, "scan number"),
                    "priority" / Int8ub,
                    "frequency_khz" / frequency_khz,
                ),
            ),
        ),
    ),
    1: (SetCode, record(SetCode, "phys" / sized(Int8ub), "code" / resource_code)),
    2: (Maintenance, record(Maintenance, "enabled" / _flag, "period_s" / Int16ub)),
    3: (
        Clock,
        record(
            Clock,
            "year" / Int16ub,
            "month" / Int8ub,
            "day" / Int8ub,
            "hour" / Int8ub,
            "minute" / Int8ub,
            "second" / Int8ub,
        ),
    ),
    4: (ReturnAddress, record(ReturnAddress, "mode" / Int8ub, "data" / sized(Int8ub))),
    5: (ReturnPeriod, record(ReturnPeriod, "period_s" / ranged(Int32ub, 1, 0xFFFFFFFF, "period"))),
    6: (Authorisation, record(Authorisation, "data" / GreedyBytes)),
    7: (Certificates, ExprAdapter(GreedyBytes, _read_certificates, _write_certificates)),
    8: (
        Query,
        record(
            Query, "parameters" / ExprAdapter(sized(Int8ub), lambda data, _: tuple(data), lambda ids, _: bytes(ids))
        ),
    ),
}
"""Packet type -> class of its content and its layout."""
