"""Who a command is for, and where terminals return to (GD/J 089 tables A.12, A.15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from construct import Bytes, ExprAdapter, Int8ub, Int16ub, Struct, this

from protocols.codes import AreaCode, ResourceCode, resource_code_of
from protocols.errors import RemoteProtocolError
from protocols.wire import Layout, Named, ipv4, parse, read_part, sized

LOGICAL = 1
PHYSICAL = 2
CODE_BYTES = 12
ADDRESS_BYTES = 6
AREA_BYTES = 6


@dataclass(frozen=True, slots=True)
class Targets:
    """Devices by resource code; zero-ended codes mean groups. At most 255. `size`: the code length where there are no
    codes."""

    codes: tuple[ResourceCode, ...]
    size: int = CODE_BYTES


@dataclass(frozen=True, slots=True)
class PhysicalTargets:
    """Devices by physical address, upper-case hexadecimal, all of one length. At most 255. `size`: the address length
    where there are no addresses."""

    addresses: tuple[str, ...]
    size: int = ADDRESS_BYTES


AnyTargets = Targets | PhysicalTargets


@dataclass(frozen=True, slots=True)
class OtherCodes:
    """A counted list of codes whose length is not that of its kind, or that is empty and names another length: some
    boxes write zeros there, or physical addresses."""

    count: int
    size: int
    data: bytes


Codes = tuple[ResourceCode, ...] | OtherCodes


@dataclass(frozen=True, slots=True)
class SmsReturn:
    """Return by SMS to a phone number (type 1)."""

    number: str


@dataclass(frozen=True, slots=True)
class IpReturn:
    """Return to an IPv4 address and port (type 2 in annex A, 1 in parameter 03)."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class DomainReturn:
    """Return to a domain name and port (type 3 in annex A, 2 in parameter 03)."""

    domain: str
    port: int


@dataclass(frozen=True, slots=True)
class OtherReturn:
    """A return address of a reserved type, or one that its type does not explain."""

    kind: int
    data: bytes


ReturnAddress = SmsReturn | IpReturn | DomainReturn | OtherReturn

_IP_PORT = Struct("ip" / ipv4, "port" / Int16ub)


def _targets_from(block: Layout) -> AnyTargets:
    if block.addressing not in (LOGICAL, PHYSICAL):
        detail = f"addressing type {block.addressing} is reserved; 1 logical, 2 physical"
        before = 3 if "count" in block else 2
        raise RemoteProtocolError("targets", detail, offset=-(before + len(block.data)))  # from the end of the block
    count, size = block.get("count", 1), block.size
    if count and (size == 0 or (block.addressing == LOGICAL and size != CODE_BYTES)):
        detail = f"a code takes {CODE_BYTES} bytes, {count} of {size} are announced"
        raise RemoteProtocolError("targets", detail, offset=-(1 + len(block.data)))
    starts = range(0, len(block.data), size or 1)
    if block.addressing == LOGICAL:
        read = tuple(read_part(resource_code_of, block.data, at, at + size) for at in starts)
        return Targets(read, CODE_BYTES if read else size)
    items = tuple(block.data[at : at + size] for at in starts)
    return PhysicalTargets(tuple(item.hex().upper() for item in items), ADDRESS_BYTES if items else size)


def _targets_to(value: AnyTargets) -> dict[str, object]:
    if isinstance(value, Targets):
        addressing, items = LOGICAL, [code.to_bcd() for code in value.codes]
    else:
        addressing, items = PHYSICAL, [bytes.fromhex(address) for address in value.addresses]
    size = len(items[0]) if items else value.size
    if any(len(item) != size for item in items):
        raise ValueError("physical addresses of one block have different lengths")
    return {"addressing": addressing, "count": len(items), "size": size, "data": b"".join(items)}


def _one_target_to(value: AnyTargets) -> dict[str, object]:
    block = _targets_to(value)
    if block["count"] != 1:
        raise ValueError(f"this command is for exactly one device, here are {block['count']}")
    return block


targets: Layout = Named(
    "Targets",
    Struct("addressing" / Int8ub, "count" / Int8ub, "size" / Int8ub, "data" / Bytes(this.count * this.size)),
    lambda block, _: _targets_from(block),
    lambda value, _: _targets_to(value),
)
"""TGT: addressing type, count, code length, codes."""
one_target: Layout = Named(
    "Targets",
    Struct("addressing" / Int8ub, "size" / Int8ub, "data" / Bytes(this.size)),
    lambda block, _: _targets_from(block),
    lambda value, _: _one_target_to(value),
)
"""The same without the count (table A.18)."""
_COUNTED = Struct("count" / Int8ub, "size" / Int8ub, "data" / Bytes(this.count * this.size))


def counted_codes(size: int, read: Callable[[bytes], object], write: Callable[[Any], bytes]) -> Layout:
    """Count, length and codes: a tuple of what `read` makes of each, or OtherCodes where the length is another."""

    def from_block(block: Layout, _: object) -> object:
        if block.size != size:
            return OtherCodes(block.count, block.size, block.data)
        return tuple(read_part(read, block.data, at, at + size) for at in range(0, len(block.data), size))

    def to_block(value: Any, _: object) -> dict[str, object]:
        if isinstance(value, OtherCodes):
            return {"count": value.count, "size": value.size, "data": value.data}
        return {"count": len(value), "size": size, "data": b"".join(write(item) for item in value)}

    return ExprAdapter(_COUNTED, from_block, to_block)


codes: Layout = counted_codes(CODE_BYTES, resource_code_of, ResourceCode.to_bcd)
"""Resource codes with count and length (tables A.30, A.33)."""
areas: Layout = counted_codes(AREA_BYTES, lambda data: AreaCode(data.hex()), bytes.fromhex)
"""Regions as six bytes of BCD without the nibble F (captured in 0x0C)."""


def return_address_from(kind: int, data: bytes) -> ReturnAddress:
    """Reserved types and addresses that do not parse stay as they are, so that they can be shown."""
    if kind == 1 and data.isdigit():
        return SmsReturn(data.decode("ascii"))
    if kind == 2 and len(data) == 6:
        block = parse(_IP_PORT, data)
        return IpReturn(block.ip, block.port)
    if kind == 3 and data.isascii():
        domain, _, port = data.decode("ascii").rpartition(":")
        if domain and port.isdigit() and port == str(int(port)) and int(port) < 65536:
            return DomainReturn(domain, int(port))
    return OtherReturn(kind, data)


def return_address_to(value: ReturnAddress) -> dict[str, object]:
    """Type and bytes of a return address."""
    match value:
        case SmsReturn(number=number):
            return {"kind": 1, "data": number.encode("ascii")}
        case IpReturn(ip=ip, port=port):
            return {"kind": 2, "data": _IP_PORT.build({"ip": ip, "port": port})}
        case DomainReturn(domain=domain, port=port):
            return {"kind": 3, "data": f"{domain}:{port}".encode("ascii")}
        case OtherReturn(kind=kind, data=data):
            return {"kind": kind, "data": data}


return_address: Layout = Named(
    "ReturnAddress",
    Struct("kind" / Int8ub, "data" / sized(Int8ub)),
    lambda block, _: return_address_from(block.kind, block.data),
    lambda value, _: return_address_to(value),
)
"""Return type, address length, address (GD/J 089 table A.15)."""
