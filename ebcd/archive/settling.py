"""What a change in stages has made true, written into the archive: else drift would show every device of it, and its
mending would take the change back."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from ebcd.archive.keeper import Keeper
from ebcd.archive.rollout import Change, Order
from ebcd.archive.table import Table
from ebcd.operator import OperationRefused

log = structlog.get_logger("ebcd.archive")


class Settler:
    """Of one county."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def settle(self, change: Change) -> None:
        """Enter what all devices of a change should be set to now, also of those few that did not take it: they drift.
        Where the file cannot be written the change is done all the same, and said to be in no archive."""
        values = columns_of(change.order)
        if not values:
            return
        if not await self.put(frozenset(change.codes), values, change.actor, f"change {change.id}"):
            log.error("change.not_archived", change=change.id)

    async def put(self, codes: Collection[str], values: dict[str, str], actor: str, source: str) -> bool:
        """Write values into the rows of these devices; False, and why in the log, where the file cannot be written."""

        def write(table: Table) -> None:
            for at, row in enumerate(table.rows):
                if table.cell(row, "code") in codes:
                    table.put(at, values)

        try:
            await self._keeper.edit(write, lambda _inventory: True, actor, source)
        except OperationRefused as refused:
            log.error("inventory.not_followed", source=source, reason=str(refused))
            return False
        return True


def columns_of(order: Order) -> dict[str, str]:
    """The archive's columns that an order changes."""
    volume = "" if order.volume is None else str(order.volume)
    wanted = {"volume": volume, "return_to": order.return_to, "software_version": order.version}
    return {name: value for name, value in wanted.items() if value}
