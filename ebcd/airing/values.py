"""What is shown of an order over FM before and after it is said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ebcd.operator import AreaName


class Note(StrEnum):
    """What whoever confirms an order should know."""

    NOT_KEPT = "not_kept"  # the code is no device's of the inventory
    OTHER_CODE = "other_code"  # the inventory has this physical address under another code
    LOSES_ALL = "loses_all"  # a factory reset takes the code and the addresses
    NO_CARRIER = "no_carrier"  # no transmitter of the inventory is on the default frequency
    SAID_AGAIN = "said_again"  # a link says the contrary by itself, again and again
    LINK_DOWN = "link_down"  # not every link is up now


@dataclass(frozen=True, slots=True)
class AirLink:
    """One link's part. `packets`: unsigned bytes in hexadecimal, without time, certificate and signature; `pass_s`:
    seconds of air of all of them once, `burst_s`: in all, where nothing else is said."""

    link: str
    up: bool
    packets: tuple[str, ...]
    frames: int
    passes: int
    pass_s: float
    burst_s: float
    relayed: bool = False  # by an adapter, which begins when it has taken it


@dataclass(frozen=True, slots=True)
class AirPlan:
    """What would be said. `addresses`: in the packets; `devices`: terminals of the inventory that hear FM and are
    meant, `places` where; `longest_s`: after so long it is said or dropped; `digest`: SM3 of packets and devices, so
    that what is confirmed is what was shown."""

    what: str
    type: int
    values: dict[str, str]
    addresses: tuple[str, ...]
    devices: int
    places: tuple[AreaName, ...]
    links: tuple[AirLink, ...]
    notes: tuple[Note, ...]
    twice: bool  # whether everybody it is for must be named once more
    longest_s: float
    digest: str


@dataclass(frozen=True, slots=True)
class LinkSaid:
    """What became of it on one link. `until`: UTC second at which its burst was over; `reason`: why it was not said."""

    link: str
    said: bool
    until: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class AirSaid:
    """What became of it."""

    number: str
    plan: AirPlan
    links: tuple[LinkSaid, ...]
