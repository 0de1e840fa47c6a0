"""A village with a real adapter on sockets, its white list and who keeps it, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ebcd.operator import Actor
from ebcd.store import Store, open_store
from ebcd.whitelist.book import CallerBook
from ebcd.whitelist.desk import WhitelistDesk
from ebcd.whitelist.push import AdapterRow, Pusher
from simulators.phone_book import PhoneBook
from tests.ebcd.archive.behind_adapter import FRONT, Village, village
from tests.ebcd.county import COUNTY
from tests.virtual_time import VirtualClock

CHEN = Actor("chen", "uid")
ZHANG, LI = "13800000001", "13800000002"
HEAD = "number,name,at,permission,areas\n"


@dataclass
class Office:
    """Everything around the list."""

    village: Village
    store: Store
    desk: WhitelistDesk
    pusher: Pusher

    @property
    def book(self) -> CallerBook:
        """What the journal says."""
        return self.village.room.core.state.devices.callers

    @property
    def unit(self) -> PhoneBook:
        """What the adapter has."""
        return self.village.station.adapter.equipment.callers

    async def put(self, *rows: str, replace: bool = False) -> None:
        """Rows of the table."""
        await self.desk.put(HEAD + "\n".join(rows) + "\n", CHEN, replace=replace, dry_run=False)

    async def push(self, *, empty: bool = False) -> dict[str, str]:
        """What is shown is sent; outcome by number."""
        at = [str(FRONT)] if empty else []
        plan = await self.pusher.plan(at, empty=empty)
        rows = await self.pusher.push(at, plan.digest, CHEN, empty=empty)
        return outcomes(rows)

    def facts(self, kind: str) -> list[Any]:
        """Payloads."""
        return self.village.facts(kind)


def outcomes(rows: tuple[AdapterRow, ...]) -> dict[str, str]:
    """By number."""
    return {line.number: line.outcome for row in rows for line in row.lines}


@asynccontextmanager
async def office(
    clock: VirtualClock, folder: Path, *, entries_max: int = 20, numbers_max: int = 32
) -> AsyncIterator[Office]:
    """A village, and nobody listed."""
    store = open_store(f"sqlite:///{folder}/people.db", clock=clock, inline=True, fsync=False)
    try:
        async with village(clock) as at:
            ledger, inventory = at.room.core.ledger, at.room.inventory
            book, doors = at.room.core.state.devices.callers, (clock, ledger.enter, ledger.mark)
            desk = WhitelistDesk(book, inventory, store, COUNTY, numbers_max, *doors)
            yield Office(at, store, desk, Pusher(book, inventory, store, at.enquiries, entries_max, *doors))
    finally:
        store.abandon()
