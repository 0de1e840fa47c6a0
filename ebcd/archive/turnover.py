"""A new inventory under a running daemon: everybody sees it at once, and no alert and no connection notices.

What costs time (reading, sorting) is done beforehand on values of its own (`Fresh`); `Turnover.become` then only
changes what the holders hold, in one step of the loop. Devices that left stay known until no live alert needs them, so
that a stop still reaches them (I12); devices that came are planned and started where an alert on air holds their place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from devices.roster import Device, Roster
from ebcd.archive.book import Archive
from ebcd.core import Core
from ebcd.decision import Decision
from ebcd.health import HealthBook, Ways
from ebcd.inventory import Inventory
from ebcd.lifecycle import AlertState, DeliveryState
from ebcd.pursuit import REMOVED
from ebcd.state import AlertRecord
from ebcd.workorders import Sites, sites_of
from protocols.codes import ResourceCode

log = structlog.get_logger("ebcd.archive")


@dataclass(frozen=True, slots=True)
class Fresh:
    """An inventory that was read and is ready to be taken over, and what is made from it."""

    inventory: Inventory
    ways: Ways
    sites: Sites

    @classmethod
    def of(cls, inventory: Inventory, ways_of: Callable[[Inventory], Ways]) -> Fresh:
        """Pure, and may take its time: for another thread."""
        ways = ways_of(inventory)
        return cls(inventory, ways, sites_of(inventory, ways, inventory.archive.records))


@dataclass(frozen=True, slots=True)
class Difference:
    """How two inventories differ, by code. `changed`: the device or its archive."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def difference(old: Inventory, new: Inventory) -> Difference:
    """Compare. O(devices)."""
    before, after = _everything(old), _everything(new)
    both = before.keys() & after.keys()
    records = (old.archive.records, new.archive.records)
    changed = (c for c in both if before[c] != after[c] or records[0].get(c) != records[1].get(c))
    return Difference(
        tuple(sorted(after.keys() - before.keys())), tuple(sorted(changed)), tuple(sorted(before.keys() - after.keys()))
    )


def _everything(inventory: Inventory) -> dict[ResourceCode, Device]:
    roster: Roster = inventory.roster
    archive: Archive = inventory.archive
    devices = (*roster.adapters, *roster.terminals, *roster.transmitters)
    return {**{device.code: device for device in devices}, **archive.planned}


class Turnover:
    """Changes the running inventory and everything that was made from it."""

    def __init__(self, inventory: Inventory, core: Core, health: HealthBook, resite: Callable[[Sites], None]) -> None:
        """`resite` is told where devices stand now."""
        self.inventory = inventory
        self._core = core
        self._health = health
        self._resite = resite

    def become(self, fresh: Fresh, found: Difference) -> None:
        """Take over. `found`: how the two differ, for the log."""
        clock = self._core.clock
        self.inventory.become(fresh.inventory)
        self._health.become(fresh.ways, clock.monotonic(), clock.wall())
        self._resite(fresh.sites)
        self.release()
        follow_inventory(self._core)
        log.info("inventory.changed", added=len(found.added), changed=len(found.changed), removed=len(found.removed))

    def release(self) -> None:
        """Let go of devices that have left, unless a live alert has sent them something."""
        live = self._core.state.live_alerts()
        self.inventory.release({code for record in live for code in record.deliveries})


def follow_inventory(core: Core) -> None:
    """What another inventory means for the alerts that are live.

    Who left before it was told anything will not be told anything (I13: its turn never came); who was told stays, is
    heard, and is stopped with the others. Who came is planned and started where the alert holds its place already; a
    place that is new is given away by the scheduler as always. Nothing widens: areas are those of the alert (I2).
    """
    core.claimed.forget_all()
    core.orders.forget_addresses()
    decision, now_s = Decision(), core.clock.wall()
    for record in core.state.live_alerts():
        if record.state is AlertState.ON_AIR and record.alert.window.is_open(now_s):
            core.pursuit.drop_departed(record)
            _join(core, record, decision, now_s)
    core.reschedule(decision)
    core.act(decision)


def _join(core: Core, record: AlertRecord, decision: Decision, now_s: float) -> None:
    inside = core.places.terminals_in(record.alert.areas)
    here = [t for t in inside if t.area in record.holds and record.alert.means(t.code)]
    added = sum(t.code not in record.deliveries for t in here)
    if added:
        log.info("alert.joined", alert=record.alert.id, terminals=added)
        before = len(decision.offers)
        core.orders.plan(record, now_s)
        core.orders.start(record, frozenset(record.holds), decision, now_s)
        core.pursuit.watch(record, decision.offers[before:])
    known = (record.deliveries.get(t.code) for t in here)
    back = [d.code for d in known if d and d.state is DeliveryState.TIMED_OUT and d.detail == REMOVED]
    core.pursuit.fall_back(record, back, decision, "it is back in the inventory")
