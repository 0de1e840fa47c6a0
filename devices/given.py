"""What settings are made of besides numbers: a terminal's own network (GD/J 089 tables A.18, D.9), and who may phone or
text an adapter (table A.5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network

from protocols.codes import AreaCode

NETWORK_PARTS = 3
AMPLIFIER_OFF, AMPLIFIER_ON = 1, 2
"""Options of 0x3F and of parameter 05 (tables A.20, D.9)."""


@dataclass(frozen=True, slots=True)
class Network:
    """The address that a terminal gives itself: IPv4 in dotted form."""

    ip: str
    mask: str
    gateway: str

    @classmethod
    def parse(cls, text: str) -> Network:
        """ip/mask/gateway, as terminals tell it. Raises ValueError where it is none, or where nobody could live there:
        a terminal that was told it would never be heard again."""
        parts = text.split("/")
        if len(parts) != NETWORK_PARTS:
            raise ValueError(f"{text!r} is no IP/MASK/GATEWAY")
        ip, mask, gateway = (str(IPv4Address(part.strip())) for part in parts)
        around = IPv4Network(f"{ip}/{mask}", strict=False)
        if str(around.netmask) != mask:
            raise ValueError(f"{mask} is no network mask")
        address = IPv4Address(ip)
        if address.is_multicast or address.is_loopback or address.is_unspecified or address.is_reserved:
            raise ValueError(f"{ip} is no address of a device")
        if around.num_addresses <= 2 or address in (around.network_address, around.broadcast_address):
            raise ValueError(f"{ip} is no address of a device in {around}")
        way_out = IPv4Address(gateway)
        if way_out not in around or way_out in (around.network_address, around.broadcast_address, address):
            raise ValueError(f"the gateway {gateway} is no other device in {around}")
        return cls(ip, mask, gateway)

    def __str__(self) -> str:
        return f"{self.ip}/{self.mask}/{self.gateway}"


class ListOperation(IntEnum):
    """What becomes of one number in an adapter's white list (table A.5)."""

    ADD = 1
    MODIFY = 2
    DELETE = 3


class Permission(IntEnum):
    """How somebody may speak through an adapter (table A.5)."""

    SMS = 1
    PHONE = 2
    BOTH = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """One line of a 0x0C. Personal data: it stays out of the journal and of logs."""

    operation: ListOperation
    phone: str
    name: str
    permission: Permission
    areas: tuple[AreaCode, ...]  # where the number may be heard

    def __repr__(self) -> str:
        return f"Caller({self.operation.name}, ***, ***, {self.permission.name}, {self.areas})"
