"""What people ask of the work orders, and what they are told: the door between the operator API and the desk.

An answer that promises something waits until the journal holds it (I10). Telephone and identity numbers in people's
words do not go there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devices.ports import Clock
from ebcd.catalogue import text
from ebcd.clock import beijing
from ebcd.errors import ForbiddenTransition
from ebcd.inventory import Inventory
from ebcd.operator import Actor, Kind, OperationRefused, Problem
from ebcd.personal import masked
from ebcd.workorders.crews import BRINGS, Payer, payer
from ebcd.workorders.desk import Desk, UnknownOrder
from ebcd.workorders.statistics import Line, month_of, statistics
from ebcd.workorders.table import ORDER, OrderEvent
from ebcd.workorders.values import WorkOrder
from protocols.codes import AreaCode, ResourceCode, covers

STEPS = {
    "accept": OrderEvent.ACCEPT,
    "arrive": OrderEvent.ARRIVE,
    "mend": OrderEvent.MEND,
    "withdraw": OrderEvent.WITHDRAW,
    "prove": OrderEvent.PROVE,
}
"""Steps that people take. `prove` is a person's own ear, for what no device can prove."""

LEADS_TO = {event: state for (_, event), state in ORDER.items() if event in STEPS.values()}
"""Where each of them leads, from wherever it is taken."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Who pays, and whose guarantee it is where there is one."""

    payer: Payer
    suppliers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One line of `ebcd orders`. Times are UTC seconds, None where it has not come so far."""

    id: str
    state: str
    trouble: str
    root: str
    root_name: str
    devices: int
    area: str
    area_name: str
    crew: str
    why: str
    bring: str
    pays: str
    suppliers: tuple[str, ...]
    source: str
    opened: int
    dispatched: int | None
    arrived: int | None
    mended: int | None
    closed: int | None
    escalated: int


@dataclass(frozen=True, slots=True)
class StepRow:
    """One line of an order's history."""

    at: int
    actor: str
    what: str
    note: str


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """Everything `ebcd orders show` tells."""

    row: OrderRow
    devices: tuple[str, ...]
    device_names: tuple[str, ...]
    history: tuple[StepRow, ...]


class WorkOffice:
    """Orders of one county, for people."""

    def __init__(
        self, desk: Desk, inventory: Inventory, clock: Clock, durable: Callable[[], Awaitable[object]]
    ) -> None:
        """`durable` returns when everything entered so far is on disk."""
        self._desk = desk
        self._inventory = inventory
        self._clock = clock
        self._durable = durable

    async def orders(self, state: str, rows_max: int) -> tuple[OrderRow, ...]:
        """Newest first; state "" lists the live ones, "all" every one in memory."""
        found = [o for o in self._desk.book.orders.values() if state in ("all", o.state) or (not state and o.live)]
        return tuple(self._row(order) for order in found[::-1][:rows_max])

    async def order(self, number: str) -> OrderDetail:
        """One order in full."""
        order = self._find(number)
        steps = tuple(StepRow(int(s.at), s.actor, s.what, s.note) for s in order.history)
        return OrderDetail(self._row(order), order.devices, tuple(self._name(c) for c in order.devices), steps)

    async def report(self, subject: str, words: str, actor: Actor, near: str = "") -> OrderRow:
        """A person says that something is wrong with a device (code, physical address, name, number painted on its
        pole) or an area. `near`: where they are at home, for villages that number their poles alike."""
        root, devices = self._subject(subject, near)
        order = self._desk.report(root, devices, masked(words), self._clock.wall(), actor.name)
        await self._durable()
        return self._row(order)

    async def step(self, number: str, step: str, note: str, actor: Actor) -> OrderRow:
        """One step of a person."""
        event = STEPS.get(step)
        if event is None:
            raise _refused(Kind.INVALID, "no_such_step", "step", step, ", ".join(STEPS))
        order = self._find(number)
        if order.state is LEADS_TO[event]:  # said twice, or the network delivered it twice
            return self._row(order)
        if event is OrderEvent.PROVE and (against := self._desk.contradicts(order)):
            raise _refused(Kind.CONFLICT, "devices_disagree", "order", number, against)
        try:
            self._desk.step(number, event, self._clock.wall(), actor.name, masked(note))
        except ForbiddenTransition:
            raise _refused(Kind.CONFLICT, "step_out_of_turn", "order", number, order.state) from None
        await self._durable()
        return self._row(order)

    async def note(self, number: str, words: str, actor: Actor) -> OrderRow:
        """Something worth remembering."""
        order = self._find(number)
        self._desk.note(number, masked(words), self._clock.wall(), actor.name)
        await self._durable()
        return self._row(order)

    async def statistics(self, month: str) -> tuple[Line, ...]:
        """A month (YYYY-MM); "" the running one."""
        models: dict[str, str] = {code: record.model for code, record in self._inventory.archive.records.items()}
        orders = self._desk.book.orders.values()
        return statistics(orders, month or month_of(self._clock.wall()), lambda code: models.get(code, ""))

    def bill_of(self, order: WorkOrder) -> Bill:
        """Who pays: told by the guarantees of the archive, as of the day on which it was noticed."""
        records = [self._inventory.archive.of(ResourceCode(code)) for code in order.devices]
        day = beijing(order.opened_at).date()
        who = payer(order.trouble, [each.guarantee_until for each in records], day)
        if who not in (Payer.SUPPLIER, Payer.PARTLY):
            return Bill(who)
        covered = {r.supplier for r in records if r.supplier and r.guarantee_until and r.guarantee_until >= day}
        return Bill(who, tuple(sorted(covered)))

    def names_of(self, order: WorkOrder) -> tuple[str, str]:
        """What people call an order's root and its area."""
        return self._name(order.root), self._inventory.name_of(AreaCode(order.area))

    def _find(self, number: str) -> WorkOrder:
        try:
            return self._desk.of(number)
        except UnknownOrder:
            raise _refused(Kind.NOT_FOUND, "no_such_order", "order", number) from None

    def _subject(self, subject: str, near: str) -> tuple[str, tuple[str, ...]]:
        roster = self._inventory.roster
        everybody = (*roster.terminals, *roster.adapters, *roster.transmitters)
        device = roster.by_code(subject) or roster.by_phys(subject.upper())
        named = [device] if device else [each for each in everybody if subject in (each.name, each.code[-8:])]
        if near and len(named) > 1:
            named = [each for each in named if covers(AreaCode(near), each.code.area)] or named
        if len(named) == 1:
            return named[0].code, (named[0].code,)
        if on_pole := self._on_pole(subject, near):
            return on_pole[0], on_pole
        if areas := self._inventory.areas_named(subject):
            return areas[0], ()
        code = "ambiguous_device" if named else "unknown_device"
        raise _refused(Kind.INVALID, code, "subject", subject, ", ".join(each.code for each in named[:5]))

    def _on_pole(self, number: str, near: str) -> tuple[ResourceCode, ...]:
        """What hangs there. Raises OperationRefused where that is several poles."""
        found = self._inventory.archive.on_pole(number)
        if near and len({code.area for code in found}) > 1:
            found = tuple(code for code in found if covers(AreaCode(near), code.area)) or found
        if len({code.area for code in found}) > 1:
            raise _refused(Kind.INVALID, "ambiguous_device", "subject", number, ", ".join(found[:5]))
        return found

    def _row(self, order: WorkOrder) -> OrderRow:
        return OrderRow(
            id=order.id,
            state=order.state.value,
            trouble=order.trouble.value,
            root=order.root,
            root_name=self._name(order.root),
            devices=len(order.devices),
            area=order.area,
            area_name=self._inventory.name_of(AreaCode(order.area)),
            crew=order.crew,
            why=order.why,
            bring=BRINGS[order.trouble],
            pays=(bill := self.bill_of(order)).payer,
            suppliers=bill.suppliers,
            source=order.source,
            opened=int(order.opened_at),
            dispatched=_moment(order.dispatched_at),
            arrived=_moment(order.arrived_at),
            mended=_moment(order.mended_at),
            closed=_moment(order.closed_at),
            escalated=order.escalated,
        )

    def _name(self, root: str) -> str:
        """What people call a device or an area; a cable or batch is its own name."""
        device = self._inventory.roster.by_code(root)
        if device is not None:
            return device.name
        place = root.partition("/")[0]
        return self._inventory.name_of(AreaCode(place)) if len(place) == 12 and place.isdigit() else ""


def payer_words(bill: Bill, language: str) -> str:
    """`in guarantee (supplier)`, for people."""
    return " ".join([text(f"pays.{bill.payer}", language), *bill.suppliers])


def _moment(at: float) -> int | None:
    return int(at) if at else None


def _refused(kind: Kind, code: str, thing: str, value: object, limit: object = "") -> OperationRefused:
    return OperationRefused(Problem(kind, code, thing, str(value), str(limit)))
