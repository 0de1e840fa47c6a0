"""Message elements about several services: which are on air, other networks, group sequences (rds-uecp.md B.2).

`dsn` and `psn` as in `protocols.uecp.programme`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from construct import GreedyBytes, Int8ub, Int16ub

from protocols.uecp.programme import NUMBERS
from protocols.wire import Layout, listed, record


@dataclass(frozen=True, slots=True)
class ServiceSwitch:
    """One service of a data set is on, or not."""

    flag: int
    psn: int


@dataclass(frozen=True, slots=True)
class ServiceSwitches:
    """Element 0B: which services are on air."""

    pairs: tuple[ServiceSwitch, ...]
    dsn: int = 0


@dataclass(frozen=True, slots=True)
class OtherNetworkFrequencies:
    """Element 14 EON AF: like 13, with the variant of group 14A that carries them."""

    start: int
    variant: int
    codes: tuple[int, ...]
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class OtherNetworkTraffic:
    """Element 15: TA of another network, by its service number."""

    psn: int
    flag: int


@dataclass(frozen=True, slots=True)
class LongServiceName:
    """Element 21, of some makers: the name in group 15A, UTF-8."""

    name: bytes
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class ServiceList:
    """Element 28: the services of a data set, the main one first."""

    services: tuple[int, ...]
    dsn: int = 0


@dataclass(frozen=True, slots=True)
class GroupVariants:
    """Element 29: the variants of one group type, sent in turn."""

    group: int
    variants: tuple[int, ...]
    dsn: int = 0


@dataclass(frozen=True, slots=True)
class TrafficControl:
    """Element 2A: TA of a data set."""

    dsn: int
    flag: int


@dataclass(frozen=True, slots=True)
class Linkage:
    """Element 2E: the sixteen bits of linkage information."""

    linkage: int
    dsn: int = 0
    psn: int = 0


@dataclass(frozen=True, slots=True)
class ExtendedGroupSequence:
    """Element 38: which group types may stand in for `group` in the sequence."""

    group: int
    alternatives: tuple[int, ...]
    dsn: int = 0


@dataclass(frozen=True, slots=True)
class OpenDataGroups:
    """Element 41: the group types that carry open data's identification."""

    groups: tuple[int, ...]
    dsn: int = 0


_DSN: Final = "dsn" / Int8ub
_SET: Final = (_DSN, "psn" / Int8ub)
_SWITCH: Final = record(ServiceSwitch, "flag" / Int8ub, "psn" / Int8ub)

LAYOUTS: Final[dict[int, tuple[type, Layout]]] = {
    0x0B: (ServiceSwitches, record(ServiceSwitches, _DSN, "pairs" / listed(_SWITCH))),
    0x14: (
        OtherNetworkFrequencies,
        record(OtherNetworkFrequencies, *_SET, "start" / Int16ub, "variant" / Int8ub, "codes" / NUMBERS),
    ),
    0x15: (OtherNetworkTraffic, record(OtherNetworkTraffic, "psn" / Int8ub, "flag" / Int8ub)),
    0x21: (LongServiceName, record(LongServiceName, *_SET, "name" / GreedyBytes)),
    0x28: (ServiceList, record(ServiceList, _DSN, "services" / NUMBERS)),
    0x29: (GroupVariants, record(GroupVariants, _DSN, "group" / Int8ub, "variants" / NUMBERS)),
    0x2A: (TrafficControl, record(TrafficControl, _DSN, "flag" / Int8ub)),
    0x2E: (Linkage, record(Linkage, *_SET, "linkage" / Int16ub)),
    0x38: (ExtendedGroupSequence, record(ExtendedGroupSequence, _DSN, "group" / Int8ub, "alternatives" / NUMBERS)),
    0x41: (OpenDataGroups, record(OpenDataGroups, _DSN, "groups" / NUMBERS)),
}
