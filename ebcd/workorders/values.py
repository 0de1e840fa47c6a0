"""Work orders: what is broken, who goes, how far they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ebcd.workorders.table import ORDER_FINAL, OrderState


class Trouble(StrEnum):
    """What an order is about: one root cause."""

    LINK = "link"  # our own listener, broker or transmitter
    HEAD_END = "head_end"  # an adapter, and what stands behind it
    FEEDER = "feeder"  # a cable or circuit that the archive names
    SIM_BATCH = "sim_batch"  # cards of one batch
    TOWN_LINE = "town_line"  # nearly all of a town on one path
    PLACE = "place"  # nearly all of a village, a town or the county: its power or line
    WIDESPREAD = "widespread"  # many at once here and there: a storm, a power network
    DEVICE = "device"  # one device is silent
    FAULT = "fault"  # one device reports a fault
    FLAPPING = "flapping"  # one device comes and goes
    MESSAGE = "message"  # many at once could not play one alert: its sound, or our own service
    RECEIPT = "receipt"  # it lives, and did not confirm an alert
    SOUND = "sound"  # it says that it plays; nothing is heard there, or something else
    REPORTED = "reported"  # a person says so


@dataclass(frozen=True, slots=True)
class Finding:
    """One root cause and the devices that suffer from it. `root`: what is broken, a code, area or name. `since`: UTC
    seconds of its first sign, as far as anybody can know: the last sign of life of what fell silent; 0.0 unknown."""

    trouble: Trouble
    root: str
    devices: tuple[str, ...]
    why: str = ""
    since: float = 0.0

    @property
    def key(self) -> tuple[Trouble, str]:
        """What makes two findings the same."""
        return self.trouble, self.root


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an order's history. `at`: UTC seconds."""

    at: float
    actor: str
    what: str
    note: str = ""


@dataclass(slots=True)
class WorkOrder:
    """One order. Times are UTC seconds; 0.0 where it has not come so far."""

    id: str
    trouble: Trouble
    root: str
    devices: tuple[str, ...]
    why: str
    area: str
    crew: str
    opened_at: float
    source: str  # "daemon", or the person who reported it
    state: OrderState = OrderState.OPEN
    state_since: float = 0.0
    dispatched_at: float = 0.0
    accepted_at: float = 0.0
    arrived_at: float = 0.0
    mended_at: float = 0.0
    closed_at: float = 0.0
    escalated: int = 0
    escalated_here: int = 0  # in the state it is in
    relapses: int = 0
    absorbed_by: str = ""
    since: float = 0.0  # of the finding
    history: list[Step] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Whether something is still to be done."""
        return self.state not in ORDER_FINAL

    @property
    def key(self) -> tuple[Trouble, str]:
        """Which finding it answers."""
        return self.trouble, self.root
