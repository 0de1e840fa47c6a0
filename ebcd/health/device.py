"""What is known of one device, and the news about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from devices.link import Path
from ebcd.health.flapping import Flaps
from ebcd.health.table import Condition
from protocols.codes import ResourceCode

EARLIER = -1
"""In the place of a cause: what an earlier life of the daemon knew. The end of any fault ends it, too."""


class Outage(StrEnum):
    """Why a device was away, as far as its return tells (first-boot flag of GD/J 089 table E.4, business type 0x10)."""

    POWER = "power"  # away for three periods and more, and its first registration after power-on
    NETWORK = "network"  # away, and it says that it was never switched off
    RESTART = "restart"  # it registered anew without having been missed
    UNTOLD = "untold"  # its protocol has no such flag (adapters, GD/J 089 table A.35)


class Cause(StrEnum):
    """What a change rests on."""

    SPOKE = "spoke"
    FAULT = "fault"  # its own report
    SILENCE = "silence"
    CUT_OFF = "cut_off"  # its head-end or link is down
    REJOINED = "rejoined"
    FLAPPING = "flapping"  # it comes and goes; further changes are held back until it settles
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Change:
    """A device changed its condition. `at`: UTC seconds. `why`: the device's own words, or how it was noticed."""

    code: ResourceCode
    before: Condition
    after: Condition
    at: float
    why: str
    cause: Cause = Cause.SPOKE


@dataclass(slots=True)
class DeviceHealth:
    """One device."""

    condition: Condition = Condition.UNKNOWN
    since: float = 0.0  # UTC seconds
    seen_s: float = 0.0  # monotonic
    seen_at: float = 0.0  # UTC seconds; 0 for never
    working: bool = False
    faults: dict[int, str] = field(default_factory=dict)  # cause (GD/J 089 table A.31) -> words, of those that stand
    says_fault: bool = False  # what its last heartbeat said
    says_booted: bool = False  # whether its last heartbeat carried the first-boot flag
    path: Path | None = None
    outage: Outage | None = None  # the last one
    restarts: int = 0
    clock_error_s: float | None = None  # device minus ours, seconds; None where it never told a time
    asked_at: float = 0.0  # UTC seconds; the last question of a night round, 0 for none since the start
    told_at: float = 0.0  # UTC seconds; the last time it told its state because it was asked
    returning: bool = False  # it was away and its first heartbeat is still awaited
    fine_beats: int = 0  # heartbeats without fault since a fault was reported
    told: Condition = Condition.UNKNOWN  # what the listeners know while it flaps
    flaps: Flaps = field(default_factory=Flaps)

    @property
    def fault(self) -> str:
        """Everything that it reported and that stands; "" for nothing."""
        return "; ".join(self.faults.values())

    @property
    def unanswered(self) -> bool:
        """Whether it was asked and has not answered since: heartbeats alone do not show that it takes commands."""
        return self.told_at < self.asked_at

    @property
    def flapping(self) -> bool:
        """Whether it comes and goes."""
        return self.flaps.flapping
