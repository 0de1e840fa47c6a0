"""Draws docs/states.md from the state tables of the daemon: `python -m tests.state_diagrams` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from ebcd.health.table import HEALTH, Condition
from ebcd.lifecycle import (
    ALERT,
    ALERT_FINAL,
    CONFIRMED_STATES,
    DELIVERY,
    PENDING_STATES,
    AlertState,
    DeliveryState,
)
from ebcd.reporting import BRD_STATE
from ebcd.workorders import ORDER, ORDER_FINAL, OrderState

PAGE = Path(__file__).parent.parent / "docs" / "states.md"

StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)

ALERT_STATES = {
    AlertState.PENDING: "waits for approvals",
    AlertState.HELD: "daily content inside quiet hours",
    AlertState.WAITING: "for its start, or for its turn everywhere",
    AlertState.ON_AIR: "started in at least one place",
    AlertState.CANCELLING: "stops are out, their answers awaited; a further cancel changes nothing",
    AlertState.DONE: "over; enough terminals confirmed",
    AlertState.FAILED: "over; too few did",
    AlertState.CANCELLED: "every stop is answered, or its time is up",
    AlertState.REJECTED: "an approver said no",
    AlertState.DROPPED: "never processed: expired, or no area of ours",
}
DELIVERY_STATES = {
    DeliveryState.QUEUED: "planned, its turn has not come",
    DeliveryState.SENT: "an order is out on some path",
    DeliveryState.CONFIRMED: "the terminal itself answered, or reported that it began",
    DeliveryState.PLAYED: "the terminal reported success at the end",
    DeliveryState.REFUSED: "the terminal answered that it will not, or did not, play",
    DeliveryState.TIMED_OUT: "silence, which is never success",
    DeliveryState.UNCONFIRMED: "sent over a medium without a way back",
    DeliveryState.STOPPING: "a stop is out",
    DeliveryState.CANCELLED: "the stop is confirmed, or nothing was ever sent",
}
CONDITIONS = {
    Condition.UNKNOWN: "not heard of yet, and not silent for long enough to say more; FM-only devices stay here",
    Condition.ONLINE: "it speaks and no fault of it is open",
    Condition.FAULT: "it speaks and says itself that something is broken",
    Condition.OFFLINE: "silent for three periods while its way to us works",
    Condition.UNREACHABLE: "its head-end or link is down, so nothing can be known of it; not a fault of its own",
}
ORDER_STATES = {
    OrderState.OPEN: "noticed and named; nobody has been sent yet",
    OrderState.DISPATCHED: "its crew was told",
    OrderState.ACCEPTED: "the crew goes",
    OrderState.ON_SITE: "the crew is there",
    OrderState.MENDED: "the crew says so; the devices have to prove it",
    OrderState.CLOSED: "every device has been well for long enough, or a person heard it",
    OrderState.WITHDRAWN: "a person found that nothing was wrong",
    OrderState.ABSORBED: "it turned out to be part of another order's cause",
}

HEAD = """# States

An alert has a state, and so has its way to every single terminal (a *delivery*): tables in `ebcd/lifecycle.py`. So has
every device (`ebcd/health/table.py`) and every work order (`ebcd/workorders/table.py`). This page is drawn from them by
`python -m tests.state_diagrams`, and a test compares it. A pair of state and event that is not drawn is refused for an
alert and an order, and changes nothing for a delivery or a device: they say things late and twice.
"""


def page() -> str:
    """The whole of docs/states.md."""
    born = (AlertState.PENDING, AlertState.HELD, AlertState.WAITING, AlertState.DROPPED)
    parts = [
        HEAD,
        "## An alert\n",
        _diagram(ALERT, born, ALERT_FINAL),
        "What the platform above is told is BrdStateCode (GD/J 083).\n",
        _alert_table(),
        "## A delivery\n",
        _diagram(DELIVERY, (DeliveryState.QUEUED,), ()),
        "Every terminal counts once, under one word: confirmed + refused + timed_out + unconfirmed + cancelled +"
        " pending = targeted. Played is a part of confirmed.\n",
        _delivery_table(),
        "## A device\n",
        _diagram(HEALTH, (Condition.UNKNOWN,), ()),
        "After a restart whoever was offline or faulty still is, until it speaks; everybody else is unknown.\n",
        _table(
            ("condition", "meaning", "what may happen"),
            ((f"`{c}`", CONDITIONS[c], _ways_out(HEALTH, c)) for c in Condition),
        ),
        "## A work order\n",
        _diagram(ORDER, (OrderState.OPEN,), ORDER_FINAL),
        _table(
            ("state", "meaning", "what may happen"),
            ((f"`{s}`", ORDER_STATES[s], _ways_out(ORDER, s)) for s in OrderState),
        ),
    ]
    return "\n".join(parts)


def _diagram(rows: Mapping[tuple[StateT, EventT], StateT], born: Iterable[StateT], final: Iterable[StateT]) -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in born]
    lines += [f"    {before} --> {after}: {event}" for (before, event), after in rows.items()]
    lines += [f"    {state} --> [*]" for state in sorted(final)]
    return "\n".join([*lines, "```", ""])


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(heads)
    lines: list[Iterable[object]] = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def _ways_out(rows: Mapping[tuple[StateT, EventT], StateT], state: StateT) -> str:
    ways: dict[StateT, list[str]] = {}
    for (before, event), after in rows.items():
        if before is state:
            ways.setdefault(after, []).append(str(event))
    return "; ".join(f"{', '.join(events)} → {after}" for after, events in ways.items()) or "final"


def _alert_table() -> str:
    rows = (
        (f"`{state}`", ALERT_STATES[state], f"{int(BRD_STATE[state])}", _ways_out(ALERT, state)) for state in AlertState
    )
    return _table(("state", "meaning", "BrdStateCode", "what may happen"), rows)


def _counted_as(state: DeliveryState) -> str:
    if state in PENDING_STATES:
        return "pending"
    return "confirmed" if state in CONFIRMED_STATES else str(state)


def _delivery_table() -> str:
    rows = ((f"`{s}`", DELIVERY_STATES[s], _counted_as(s), _ways_out(DELIVERY, s)) for s in DeliveryState)
    return _table(("state", "meaning", "counts as", "what may happen"), rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
