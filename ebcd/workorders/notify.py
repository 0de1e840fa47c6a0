"""Crews hear of their orders: by SMS, e-mail and webhook, tried again where it fails, noted in the order either way.

What was told is in the order's history, so a restart tells what an earlier life had not, and nothing twice (R-PLT-04).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import structlog

from devices.ports import Clock
from ebcd.catalogue import text
from ebcd.facts import DAEMON, Fact
from ebcd.state import CountyState
from ebcd.workorders.book import ORDER_MOVED, ORDER_NOTED, ORDER_RECAST, WorkBook, order_noted
from ebcd.workorders.crews import BRINGS, Crew, and_on_duty
from ebcd.workorders.desk import ESCALATED
from ebcd.workorders.table import OrderEvent
from ebcd.workorders.values import WorkOrder

QUEUE_MAX = 1000
TRIES_S = (0.0, 10.0, 60.0, 300.0)
TOLD, UNTOLD = "told", "untold"
CALLED_OFF = frozenset({OrderEvent.PROVE, OrderEvent.ABSORB, OrderEvent.WITHDRAW})
ENDING = frozenset(map(str, CALLED_OFF))
TELLING = {"dispatch": "dispatch", "relapse": "relapse", "recast": "recast", ESCALATED: "overdue"}
"""Steps of an order's history that its crew has to hear of, and as what."""
OLD_S = 3600.0
"""An order that ended longer ago concerns nobody any more."""

log = structlog.get_logger("ebcd.notify")


class Undelivered(Exception):
    """A channel could not hand a message on; the text says why."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one crew about one order or alarm. `words` are the whole text; `subject` is for e-mail, `about`
    for programs."""

    number: str
    what: str  # dispatch, relapse, recast, overdue, called_off; raised, escalated, cleared
    crew: Crew
    subject: str
    words: str
    about: Mapping[str, object]


class Channel(Protocol):
    """One way to a crew."""

    name: str

    def serves(self, crew: Crew) -> bool:
        """Whether the crew has an address of this kind."""

    async def deliver(self, notice: Notice) -> None:
        """Hand it on. Raises Undelivered."""


class Notifier:
    """Watches order facts and tells crews."""

    def __init__(
        self,
        book: WorkBook,
        enter: Callable[..., None],
        crews: Sequence[Crew],
        channels: Sequence[Channel],
        name_of: Callable[[WorkOrder], tuple[str, str]],
        clock: Clock,
        language: str,
        supervisor: str = "",
        payer_of: Callable[[WorkOrder], str] = lambda _order: "",
        on_duty: Callable[[], Sequence[Crew]] = tuple,
    ) -> None:
        """`name_of` gives what people call an order's root and its area; `supervisor`: the crew that hears what is
        overdue; `payer_of`: who pays, in words; `on_duty`: whom the roster names now, who hear that as well, and of
        orders that no crew has."""
        self._book = book
        self._enter = enter
        self._crews = {crew.name: crew for crew in crews}
        self._channels = tuple(channels)
        self._name_of = name_of
        self._clock = clock
        self._language = language
        self._supervisor = supervisor
        self._payer_of = payer_of
        self._on_duty = on_duty
        self._queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue(QUEUE_MAX)
        self._queued: set[tuple[str, str]] = set()

    def watch(self, fact: Fact, _state: CountyState) -> None:
        """A watcher of the ledger: what crews have to hear."""
        if fact.kind == ORDER_MOVED:
            event = OrderEvent(fact.payload["event"])
            order = self._book.orders.get(fact.payload["id"])
            if event in (OrderEvent.DISPATCH, OrderEvent.RELAPSE):
                self._put(fact.payload["id"], str(event))
            elif event in CALLED_OFF and order is not None and order.dispatched_at and not order.mended_at:
                self._put(order.id, "called_off")
        elif fact.kind == ORDER_RECAST and self._book.orders[fact.payload["id"]].dispatched_at:
            self._put(fact.payload["id"], "recast")
        elif fact.kind == ORDER_NOTED and fact.payload["what"] == ESCALATED:
            self._put(fact.payload["id"], "overdue")

    def _put(self, number: str, what: str) -> None:
        if (number, what) in self._queued:
            return
        try:
            self._queue.put_nowait((number, what))
        except asyncio.QueueFull:
            log.error("notice.lost", order=number, what=what, limit=QUEUE_MAX)
        else:
            self._queued.add((number, what))

    async def run(self) -> None:
        """Tell until cancelled; first what an earlier life had to tell and did not."""
        since = self._clock.wall() - OLD_S
        for order in list(self._book.orders.values()):
            if (order.live or order.closed_at >= since) and (what := _untold(order)):
                self._put(order.id, what)
        async with asyncio.TaskGroup() as group:
            while True:
                number, what = await self._queue.get()
                self._queued.discard((number, what))
                if (about := self._book.orders.get(number)) is None:
                    continue
                for crew in self._crews_for(about, what):
                    notice = self._notice(about, what, crew)
                    for channel in (each for each in self._channels if each.serves(crew)):
                        group.create_task(self._deliver(channel, notice))

    def _crews_for(self, order: WorkOrder, what: str) -> list[Crew]:
        """Its crew; where it has none, or is overdue, whoever looks after crews."""
        crews = [self._crews[order.crew]] if order.crew in self._crews else []
        if not crews or what == "overdue":
            crews += [self._crews[self._supervisor]] if self._supervisor in self._crews else []
            crews = and_on_duty(crews, self._on_duty())
        return list(dict.fromkeys(crews))

    def _notice(self, order: WorkOrder, what: str, crew: Crew) -> Notice:
        root, area = self._name_of(order)
        values = {
            "id": order.id,
            "trouble": text(f"trouble.{order.trouble}", self._language),
            "root": root or order.root,
            "area": area,
            "count": len(order.devices),
            "bring": text(f"bring.{BRINGS[order.trouble]}", self._language),
            "why": order.why,
            "pays": self._payer_of(order),
        }
        subject = text("notice.subject", self._language, **values)
        words = text(f"notice.{what}", self._language, **values)
        return Notice(order.id, what, crew, subject, words, {"order": asdict(order)})

    async def _deliver(self, channel: Channel, notice: Notice) -> None:
        reason = await hand_on(channel, notice)
        if notice.number in self._book.orders:
            what, words = (UNTOLD, f"{channel.name}: {reason}") if reason else (TOLD, channel.name)
            self._enter(order_noted(notice.number, what, f"{notice.what} {words}", self._clock.wall(), DAEMON))


async def hand_on(channel: Channel, notice: Notice) -> str:
    """Tell a crew, trying again where it fails; why it was not told in the end, "" where it was."""
    reason = ""
    for pause_s in TRIES_S:
        await asyncio.sleep(pause_s)
        try:
            await channel.deliver(notice)
        except Undelivered as error:
            reason = str(error) or type(error).__name__
            log.warning("notice.failed", order=notice.number, channel=channel.name, reason=reason)
        else:
            log.info("notice.told", order=notice.number, channel=channel.name, what=notice.what)
            return ""
    log.error("notice.untold", order=notice.number, channel=channel.name, reason=reason)
    return reason


def _untold(order: WorkOrder) -> str:
    """What its crew had to hear last and was not told; "" for nothing."""
    what, told = "", True
    for step in order.history:
        if (begun := TELLING.get(step.what)) is not None:
            what, told = begun, False
        elif step.what in ENDING and order.dispatched_at and not order.mended_at:
            what, told = "called_off", False
        elif step.what == TOLD and step.note.startswith(f"{what} "):
            told = True
    return "" if told else what
