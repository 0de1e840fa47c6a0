"""Who is sent where, with what, and how long it may take: `[[crews]]` and `[orders]` of the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ebcd.workorders.table import OrderState
from ebcd.workorders.values import Trouble, WorkOrder
from protocols.codes import AreaCode, covers


@dataclass(frozen=True, slots=True)
class Crew:
    """One crew. `areas`: where it works; the one with the longest fitting area goes."""

    name: str
    areas: tuple[AreaCode, ...]
    phone: str = ""
    email: str = ""
    webhook: str = ""


@dataclass(frozen=True, slots=True)
class OrderRule:
    """`[orders]`: patience in seconds until an order is dispatched, and until each state is overdue. What fell silent
    here and there at once mostly comes back as the power does."""

    dispatch_after_s: float = 120.0
    widespread_after_s: float = 900.0
    proof_s: float = 300.0
    overdue_s: dict[OrderState, float] = field(
        default_factory=lambda: {
            OrderState.DISPATCHED: 1800.0,
            OrderState.ACCEPTED: 4 * 3600.0,
            OrderState.ON_SITE: 4 * 3600.0,
            OrderState.MENDED: 1800.0,
        }
    )
    escalations_max: int = 3


def and_on_duty(crews: Sequence[Crew], on_duty: Iterable[Crew]) -> list[Crew]:
    """The crews, and of those on duty whoever is not one of them under another name."""
    addresses = {(crew.phone, crew.email) for crew in crews}
    return [*crews, *(person for person in on_duty if (person.phone, person.email) not in addresses)]


BRINGS: dict[Trouble, str] = {
    Trouble.LINK: "nothing",
    Trouble.HEAD_END: "ups_adapter",
    Trouble.FEEDER: "cable",
    Trouble.SIM_BATCH: "sims",
    Trouble.TOWN_LINE: "line",
    Trouble.PLACE: "power_line",
    Trouble.WIDESPREAD: "ask_power",
    Trouble.DEVICE: "terminal",
    Trouble.FAULT: "amplifier",
    Trouble.FLAPPING: "power_line",
    Trouble.MESSAGE: "nothing",
    Trouble.RECEIPT: "terminal",
    Trouble.SOUND: "amplifier",
    Trouble.REPORTED: "look",
}
"""What to bring, as a key of the catalogue (`bring.*`)."""


NOT_THE_DEVICES = frozenset({Trouble.LINK, Trouble.TOWN_LINE, Trouble.SIM_BATCH, Trouble.WIDESPREAD, Trouble.MESSAGE})
"""No device broke, so no supplier's guarantee pays."""


class Payer(StrEnum):
    """Who pays for the mending, as a key of the catalogue (`pays.*`)."""

    SUPPLIER = "supplier"  # all devices are under guarantee
    PARTLY = "partly"  # some are
    OWNER = "owner"  # none is any more, or no device broke
    UNKNOWN = "unknown"  # the archive does not say


def payer(trouble: Trouble, guarantees: Sequence[date | None], today: date) -> Payer:
    """From the last day of each device's guarantee, None where the archive has none."""
    if trouble in NOT_THE_DEVICES:
        return Payer.OWNER
    if not guarantees or all(end is None for end in guarantees):
        return Payer.UNKNOWN
    covered = sum(end is not None and end >= today for end in guarantees)
    if covered == len(guarantees):
        return Payer.SUPPLIER
    return Payer.PARTLY if covered else Payer.OWNER


def area_of(devices: Sequence[str], county: AreaCode) -> AreaCode:
    """The smallest area around everything an order is about; the county where it is about no place."""
    areas = {code[1:13] for code in devices if len(code) == 23}
    if not areas:
        return county
    stems = [AreaCode(area).enclosing for area in areas]
    shared = [area for area in stems[0] if all(area in others for others in stems[1:])]
    return shared[0]


def crew_for(area: AreaCode, crews: Sequence[Crew]) -> str:
    """The crew whose area fits closest; empty where none fits."""
    fitting = [(len(own.stem), crew.name) for crew in crews for own in crew.areas if covers(own, area)]
    return max(fitting)[1] if fitting else ""


def is_overdue(order: WorkOrder, now: float, rule: OrderRule) -> bool:
    """Whether an order has stood in its state for too long; each escalation in it gives it the same time again."""
    limit_s = rule.overdue_s.get(order.state)
    if limit_s is None or order.escalated_here >= rule.escalations_max:
        return False
    return now - order.state_since >= limit_s * (1 + order.escalated_here)
