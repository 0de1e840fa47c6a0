"""Who stands behind an id that journal, archive and orders name: looked up by people on duty, erased on request.

Names and telephone numbers stand beside the journal (`Store.person`); whoever looks one up or erases it is in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from devices.ports import Clock
from ebcd.archive.columns import PERSON_PREFIX, person_id
from ebcd.facts import Fact
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.operator import Actor, Kind, OperationRefused, Problem
from ebcd.store import Store

PERSON_ERASED = "person.erased"
DEVICES_MAX = 200
HOLDERS_SHOWN_MAX = 5

log = structlog.get_logger("ebcd.people")


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person. `devices`: codes of those whose contact it is, `DEVICES_MAX` at most; empty words: erased."""

    id: str
    name: str
    phone: str
    erased: bool
    devices: tuple[str, ...]


class PeopleDesk:
    """Of one county."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        inventory: Inventory,
        clock: Clock,
        held_by: Callable[[int], tuple[str, ...]] = lambda _person: (),
    ) -> None:
        """`held_by`: who would have to be told before a person can be forgotten."""
        self._held_by = held_by
        self._ledger = ledger
        self._store = store
        self._inventory = inventory
        self._clock = clock

    async def look_up(self, text: str, actor: Actor) -> PersonRow:
        """By id, as in P12. Raises OperationRefused."""
        row = await self._row(text)
        log.info("person.shown", person=row.id, actor=actor.name)
        return row

    async def erase(self, text: str, actor: Actor) -> PersonRow:
        """Empty name and number for good; the id stays where it stands. Raises OperationRefused."""
        row = await self._row(text)
        number = int(row.id.removeprefix(PERSON_PREFIX))
        if holders := self._held_by(number):
            limit = ", ".join(holders[:HOLDERS_SHOWN_MAX])
            raise OperationRefused(Problem(Kind.CONFLICT, "whitelist_holds_person", "person", row.id, limit))
        fact = Fact(PERSON_ERASED, None, self._clock.wall(), actor.name, {"person": number})
        await self._store.erase_person(number, [self._ledger.event_of(fact)])
        log.info("person.erased", person=row.id, actor=actor.name)
        return await self._row(text)

    async def _row(self, text: str) -> PersonRow:
        number = person_id(text.upper())
        found = {} if number is None else await self._store.people([number])
        if number is None or number not in found:
            raise OperationRefused(Problem(Kind.NOT_FOUND, "no_such_person", "person", text[:40]))
        person, contact = found[number], f"{PERSON_PREFIX}{number}"
        records = self._inventory.archive.records.items()
        devices = [code for code, record in records if record.contact == contact]
        return PersonRow(contact, person.name, person.phone, person.erased, tuple(devices[:DEVICES_MAX]))
