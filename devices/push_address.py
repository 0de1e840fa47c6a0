"""Where an adapter wants its sound streamed to: the address in its 0x17, and which are used (GD/J 089 table A.32)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from devices.maintenance import HostPort

_URL = re.compile(r"rtp://@?(?P<host>[^\s:/@]{1,253}):(?P<port>[0-9]{1,5})/?", re.ASCII | re.IGNORECASE)
SHOWN_CHARACTERS_MAX = 80


class PushRefused(Exception):
    """Nothing is streamed there. `reason`: a slug fit for a metric label."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PushRule:
    """Which addresses are streamed to. `allowed`: networks (CIDR) that would be refused otherwise: this machine itself,
    groups, broadcast, reserved addresses."""

    port_min: int
    port_max: int
    allowed: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def of(cls, port_min: int, port_max: int, allowed: tuple[str, ...]) -> PushRule:
        """From the words of the configuration. Raises ValueError."""
        try:
            return cls(port_min, port_max, tuple(ipaddress.ip_network(each) for each in allowed))
        except ValueError as error:
            raise ValueError(f"push_allowed: {error}; a network is written 239.1.0.0/16") from error

    def receiver(self, url: str, own_host: str) -> HostPort:
        """Read an address that an adapter, which the inventory has at `own_host`, offers. Raises PushRefused."""
        shown = url[:SHOWN_CHARACTERS_MAX]
        if not url:
            raise PushRefused("push-address", "it offers no address to stream to")
        if (read := _URL.fullmatch(url.strip(" \0"))) is None:
            raise PushRefused("push-address", f"{shown!r} is no rtp://ip:port")
        host, port = read["host"], int(read["port"])
        if not self.port_min <= port <= self.port_max:
            raise PushRefused("push-port", f"{shown!r}: ports {self.port_min} to {self.port_max} are streamed to")
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            if host.lower() != own_host.lower():
                raise PushRefused(
                    "push-address", f"{shown!r}: neither an IPv4 address nor the adapter's own host {own_host!r}"
                ) from None
        else:
            self.judge(host)
        return HostPort(host, port)

    def judge(self, ip: str) -> None:
        """Whether a machine may be streamed to. Raises PushRefused."""
        address = ipaddress.ip_address(ip)
        kind = next((name for name, found in _kinds(address) if found), "")
        if kind and not any(address in network for network in self.allowed):
            raise PushRefused("push-forbidden", f"{ip} is a {kind} address; push_allowed names those streamed to")


def _kinds(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[tuple[str, bool], ...]:
    return (
        ("loopback", address.is_loopback),
        ("multicast", address.is_multicast),
        ("broadcast", str(address) == "255.255.255.255"),
        ("reserved", address.is_unspecified or address.is_reserved or str(address).startswith("0.")),
    )
