"""What people may ask about effect and morning, and what they may add: that somebody heard an alert."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from devices.ports import Clock
from ebcd.alarms.online import Hearable
from ebcd.alert_desk import journaled
from ebcd.evaluation.effect import Effect, MonthEffect, effect_of, month_of
from ebcd.evaluation.evidence import evidence_heard
from ebcd.evaluation.morning import Count, MorningReport, Proof
from ebcd.health import HealthBook
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.operator import Actor, Kind, OperationRefused, Problem
from ebcd.personal import masked
from ebcd.state import AlertRecord
from ebcd.store import Store
from protocols.codes import AreaCode, EbmId, InvalidCode, covers

BETWEEN_TURNS = 500
"""Terminals that are counted before others get their turn."""
DAY_S = 86_400.0
HEARD_WITHIN_S = DAY_S
"""Who names no alert means the last one of a day."""
ONLINE, SAMPLES = "online/", "online-of/"
"""Counters of the online rate: names are followed by the day (YYYYMMDD, Beijing time)."""


@dataclass(frozen=True, slots=True)
class HeardBody:
    """What a person reports about one place."""

    place: str  # code of an area, or its name
    name: str
    phone: str = ""
    heard: bool = True
    note: str = ""


def _refused(kind: Kind, code: str, thing: str, value: object = "", limit: object = "") -> OperationRefused:
    return OperationRefused(Problem(kind, code, thing, str(value), str(limit)))


class EvaluationDesk:
    """Answers from the live state; what people tell goes into the journal, their names beside it."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        inventory: Inventory,
        health: HealthBook,
        clock: Clock,
        county: str,
        proof_days: int = 8,
    ) -> None:
        """`proof_days`: a terminal that sounded within so many days is proved (`tone.proof_days`)."""
        self._proof_days = proof_days
        self._ledger = ledger
        self._store = store
        self._inventory = inventory
        self._health = health
        self._clock = clock
        self._county = county
        self._hearable = Hearable()

    async def effect(self, ebm_id: str) -> Effect:
        """One alert. Raises OperationRefused."""
        record = self._record(ebm_id)
        return effect_of(record, self._ledger.state.evidence.alerts.get(record.alert.id))

    async def month(self, month: str) -> MonthEffect:
        """All alerts of a month (YYYY-MM). Raises OperationRefused."""
        if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month, re.ASCII) is None:
            raise _refused(Kind.INVALID, "month", "month", month, "YYYY-MM")
        state, digits = self._ledger.state, month.replace("-", "")
        online = await self._store.counted(f"{ONLINE}{digits}")
        samples = await self._store.counted(f"{SAMPLES}{digits}")
        days = {f"{digits}{day}": (online.get(day, 0), of) for day, of in samples.items()}
        return month_of(month, list(state.alerts.values()), state.evidence.alerts, days)

    async def morning(self) -> MorningReport:
        """The county as it is known now."""
        state, now = self._ledger.state, self._clock.wall()
        proof = Proof(self._proof_days, now - self._proof_days * DAY_S, state.sounded.last)
        count = Count(self._inventory, self._health.ways, self._health.of, proof, now)
        for number, device in enumerate(self._inventory.roster.terminals, 1):
            count.add(device)
            if number % BETWEEN_TURNS == 0:
                await asyncio.sleep(0)
        return count.report(now, self._county, state.work.live(), state.alarms.open(), state.shift.on_duty)

    async def heard(self, ebm_id: str, body: HeardBody, actor: Actor) -> Effect:
        """A person's word about an alert at a place; durable when this returns. Raises OperationRefused."""
        record = self._record(ebm_id)
        place = self._place(body.place)
        person = await self.person(body.name, body.phone)
        now = self._clock.wall()
        self._ledger.enter(
            evidence_heard(record.alert.id, place, person, body.heard, masked(body.note), now, actor.name)
        )
        await journaled(self._ledger, "alert", ebm_id)
        return await self.effect(ebm_id)

    async def person(self, name: str, phone: str) -> int:
        """The id under which the journal refers to a person."""
        return await self._store.person(name, phone)

    def about(self, place: str, naming: str) -> tuple[AlertRecord, AreaCode]:
        """The alert that a person at a place means: the one whose id is or ends with `naming`, else the last one that
        was on air there within a day. Raises OperationRefused."""
        area, now = self._place(place), self._clock.wall()
        heard = [
            record
            for record in self._ledger.state.alerts.values()
            if record.started_at and any(covers(a, area) or covers(area, a) for a in record.alert.areas)
        ]
        meant = [r for r in heard if r.alert.id.endswith(naming) and (naming or now - r.started_at <= HEARD_WITHIN_S)]
        if not meant:
            raise _refused(Kind.NOT_FOUND, "no_alert_heard", "place", place, naming or "-")
        return max(meant, key=lambda record: record.started_at), area

    def name_of(self, area: AreaCode) -> str:
        """What people call it."""
        return self._inventory.name_of(area)

    def is_place(self, text: str) -> bool:
        """Whether a word names one place of the county."""
        try:
            self._place(text)
        except OperationRefused:
            return False
        return True

    def online(self) -> tuple[int, int]:
        """Terminals that are online or at fault (they speak), and all that can be heard."""
        county = next(self._hearable.rates(self._health))
        return county.online, county.of

    def _record(self, ebm_id: str) -> AlertRecord:
        try:
            record = self._ledger.state.alerts.get(EbmId(ebm_id))
        except InvalidCode:
            record = None
        if record is None:
            raise _refused(Kind.NOT_FOUND, "no_such_alert", "alert", ebm_id)
        return record

    def _place(self, text: str) -> AreaCode:
        find: Callable[[str], tuple[AreaCode, ...]] = self._inventory.areas_named
        try:
            named: tuple[AreaCode, ...] = (AreaCode.parse(text),)
        except InvalidCode:
            named = find(text)
        if len(named) != 1:
            code = "ambiguous_area" if named else "unknown_area"
            raise _refused(Kind.INVALID, code, "place", text, ", ".join(named))
        return named[0]
