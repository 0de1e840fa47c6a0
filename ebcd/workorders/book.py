"""All work orders of a county: what the journal's `order.` facts add up to, and the only place that changes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ebcd.facts import Fact
from ebcd.workorders.table import OrderEvent, OrderState, next_order_state
from ebcd.workorders.values import Finding, Step, Trouble, WorkOrder

ORDER_OPENED = "order.opened"
ORDER_MOVED = "order.moved"
ORDER_SPREAD = "order.spread"
ORDER_NARROWED = "order.narrowed"
ORDER_RECAST = "order.recast"
ORDER_NOTED = "order.noted"
FINISHED_ORDERS_MAX = 5000
"""Finished orders kept in memory and in checkpoints; older ones are found in the journal only."""
HISTORY_MAX = 200

_TIMES = {
    OrderEvent.DISPATCH: "dispatched_at",
    OrderEvent.ACCEPT: "accepted_at",
    OrderEvent.ARRIVE: "arrived_at",
    OrderEvent.MEND: "mended_at",
    OrderEvent.PROVE: "closed_at",
    OrderEvent.WITHDRAW: "closed_at",
    OrderEvent.ABSORB: "closed_at",
}


def order_opened(number: str, finding: Finding, area: str, crew: str, at: float, actor: str) -> Fact:
    """An order exists from now on."""
    payload = {
        "id": number,
        "trouble": finding.trouble,
        "root": finding.root,
        "devices": list(finding.devices),
        "why": finding.why,
        "area": area,
        "crew": crew,
        "since": finding.since,
    }
    return Fact(ORDER_OPENED, None, at, actor, payload)


def order_moved(number: str, event: OrderEvent, at: float, actor: str, note: str = "", by: str = "") -> Fact:
    """One step of the table. `by`: the order that absorbs it."""
    return Fact(ORDER_MOVED, None, at, actor, {"id": number, "event": event, "note": note, "by": by})


def order_spread(number: str, devices: Iterable[str], at: float, actor: str) -> Fact:
    """Further devices suffer from the same cause."""
    return Fact(ORDER_SPREAD, None, at, actor, {"id": number, "devices": list(devices)})


def order_narrowed(number: str, devices: Iterable[str], at: float, actor: str) -> Fact:
    """These turned out to have a cause of their own."""
    return Fact(ORDER_NARROWED, None, at, actor, {"id": number, "devices": list(devices)})


def order_recast(number: str, trouble: Trouble, why: str, at: float, actor: str) -> Fact:
    """The same device suffers from something else than it seemed."""
    return Fact(ORDER_RECAST, None, at, actor, {"id": number, "trouble": trouble, "why": why})


def order_noted(number: str, what: str, note: str, at: float, actor: str) -> Fact:
    """Something was said or done about it that is no step: a note, an escalation."""
    return Fact(ORDER_NOTED, None, at, actor, {"id": number, "what": what, "note": note})


@dataclass(slots=True)
class WorkBook:
    """Orders by id, oldest first."""

    orders: dict[str, WorkOrder] = field(default_factory=dict)

    def live(self) -> list[WorkOrder]:
        """Those with something left to do."""
        return [order for order in self.orders.values() if order.live]

    def apply(self, fact: Fact) -> None:
        """Fold one fact in. Raises ForbiddenTransition where the table forbids it."""
        payload = fact.payload
        if fact.kind == ORDER_OPENED:
            self._open(fact)
            return
        order = self.orders.get(payload["id"])
        if order is None:
            return  # finished long ago and forgotten
        match fact.kind:
            case "order.moved":
                _move(order, OrderEvent(payload["event"]), fact)
            case "order.spread":
                order.devices = tuple(dict.fromkeys((*order.devices, *payload["devices"])))
                _note(order, Step(fact.at, fact.actor, "spread", ", ".join(payload["devices"][:20])))
            case "order.narrowed":
                order.devices = tuple(code for code in order.devices if code not in payload["devices"])
                _note(order, Step(fact.at, fact.actor, "narrowed", ", ".join(payload["devices"][:20])))
            case "order.recast":
                order.trouble, order.why = Trouble(payload["trouble"]), payload["why"]
                _note(order, Step(fact.at, fact.actor, "recast", f"{order.trouble} {order.why}".strip()))
            case "order.noted":
                order.escalated += payload["what"] == "escalated"
                order.escalated_here += payload["what"] == "escalated"
                _note(order, Step(fact.at, fact.actor, payload["what"], payload["note"]))

    def forget_old(self) -> int:
        """Let go of the oldest finished orders beyond `FINISHED_ORDERS_MAX`; how many those were."""
        finished = [number for number, order in self.orders.items() if not order.live]
        forgotten = finished[:-FINISHED_ORDERS_MAX]
        for number in forgotten:
            del self.orders[number]
        return len(forgotten)

    def dump(self) -> list[dict[str, Any]]:
        """For checkpoints: plain JSON values."""
        return [_plain(order) | {"history": [_plain(step) for step in order.history]} for order in self.orders.values()]

    @classmethod
    def load(cls, rows: Iterable[Mapping[str, Any]]) -> WorkBook:
        """The inverse of `dump`."""
        book = cls()
        for row in rows:
            values = dict(row)
            values["trouble"], values["state"] = Trouble(row["trouble"]), OrderState(row["state"])
            values["devices"] = tuple(row["devices"])
            values["history"] = [Step(**step) for step in row["history"]]
            book.orders[row["id"]] = WorkOrder(**values)
        return book

    def _open(self, fact: Fact) -> None:
        p = fact.payload
        order = WorkOrder(
            p["id"],
            Trouble(p["trouble"]),
            p["root"],
            tuple(p["devices"]),
            p["why"],
            p["area"],
            p["crew"],
            fact.at,
            fact.actor,
            state_since=fact.at,
            since=p.get("since", 0.0),  # journals of earlier versions have none
        )
        _note(order, Step(fact.at, fact.actor, "opened", order.why))
        self.orders[order.id] = order


def _plain(value: WorkOrder | Step) -> dict[str, Any]:
    """Its fields as they are: `dataclasses.asdict` copies what is in them, too, which for thousands of orders holds the
    loop up for a second."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _move(order: WorkOrder, event: OrderEvent, fact: Fact) -> None:
    order.state = next_order_state(order.state, event)
    order.state_since = fact.at
    order.escalated_here = 0
    if attribute := _TIMES.get(event):
        setattr(order, attribute, fact.at)
    order.relapses += event is OrderEvent.RELAPSE
    order.absorbed_by = fact.payload["by"]
    _note(order, Step(fact.at, fact.actor, str(event), fact.payload["note"]))


def _note(order: WorkOrder, step: Step) -> None:
    order.history.append(step)
    del order.history[:-HISTORY_MAX]
