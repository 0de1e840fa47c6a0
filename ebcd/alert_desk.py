"""What every way in for the county's own alerts needs: an id, its areas, what it would do, and a durable answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from devices.link import Link
from ebcd.alert import Alert, ResolvedAreas, resolve_areas
from ebcd.core import Core
from ebcd.errors import InvalidAlert
from ebcd.health import HealthBook
from ebcd.intake import SoundKeeper
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.operator import AlertRow, DroppedArea, Kind, LinkRow, OperationRefused, PathTarget, Preview, Problem, Reloaded
from ebcd.orders import Volumes
from ebcd.planner import plan
from ebcd.rules import BEIJING
from ebcd.state import AlertRecord
from ebcd.views import Views
from protocols.codes import AreaCode, EbmId, ResourceCode

START_AHEAD_S_MAX = 366 * 24 * 3600
SERIAL_MAX = 9999
DURABLE_S_MAX = 8.0
"""How long an operator is kept waiting for the disk before being told that it does not write."""

READER_WAITS_S_MAX = 1.0
"""How long somebody who only looks waits for it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this platform is, and the version of the daemon."""

    code: ResourceCode
    name: str
    area: AreaCode
    version: str
    started_at: float


async def _no_reload(_actor: str) -> Reloaded:
    raise refused(Kind.UNAVAILABLE, "no_reload", "configuration")


@dataclass(frozen=True, slots=True)
class Room:
    """What operations work on."""

    core: Core
    inventory: Inventory
    health: HealthBook
    views: Views
    sounds: SoundKeeper
    volumes: Volumes
    links: tuple[tuple[str, Link], ...]  # type, link
    upstream_rows: Callable[[], tuple[LinkRow, ...]]
    violations: Callable[[], int]
    reload: Callable[[str], Awaitable[Reloaded]] = _no_reload


def refused(kind: Kind, code: str, thing: str, value: object = "", limit: object = "") -> OperationRefused:
    """A refusal with its sentence in the catalogue."""
    return OperationRefused(Problem(kind, code, thing, str(value), str(limit)))


async def journaled(ledger: Ledger, thing: str, value: str) -> None:
    """Return when the journal holds everything so far. Raises OperationRefused where it waits too long."""
    if not await _on_disk(ledger, DURABLE_S_MAX):
        raise refused(Kind.UNAVAILABLE, "journal_waits", thing, value, DURABLE_S_MAX)


async def _on_disk(ledger: Ledger, seconds_max: float) -> bool:
    try:
        async with asyncio.timeout(seconds_max):
            await asyncio.shield(ledger.mark())  # shared: nobody's patience may cancel it
    except TimeoutError:
        return False
    return True


class AlertDesk:
    """One county's."""

    def __init__(self, identity: Identity, room: Room) -> None:
        self.me = identity
        self.room = room

    def resolve(self, written: Sequence[str]) -> ResolvedAreas:
        """Area codes as this county understands them (I2). Raises OperationRefused where nothing is left."""
        named = ",".join(written)
        try:
            found = resolve_areas(written, self.me.area, lambda a: bool(self.room.inventory.places_in(a)))
        except InvalidAlert:
            raise refused(Kind.INVALID, "no_area", "areas", named) from None
        if not found.inside:
            raise refused(Kind.INVALID, "no_area_of_ours", "areas", named, self.me.area)
        return found

    def preview(self, alert: Alert) -> Preview:
        """What it would do if it were approved now."""
        core, places, inside = self.room.core, self.room.inventory, alert.areas
        terminals = places.terminals_in(inside)
        whole = plan(inside, terminals, core.orders.is_live, places_of={a: places.places_in(a) for a in inside})
        first = whole.by_first_path()
        unreachable = sum(not core.orders.is_live(leg.code, leg.paths[0]) for leg in whole.legs)
        return Preview(
            areas=tuple(self.room.views.area_name(a) for a in inside),
            dropped=tuple(DroppedArea(code, "outside_or_unknown") for code in alert.dropped_areas),
            targeted=len(whole.legs),
            by_path=tuple(PathTarget(path.value, len(codes)) for path, codes in sorted(first.items())),
            uncovered=unreachable,
            volume=self.room.volumes.of(alert),
            start=alert.window.start,
            end=alert.window.end,
            sound_s=0.0,
            approvals=core.rules.approvals.needed(alert),
            behind=tuple(r.alert.id for r in core.state.live_alerts() if self._stands_before(r, alert)),
        )

    async def answer(self, record: AlertRecord) -> AlertRow:
        """Its row, when the journal holds everything so far (I10)."""
        await self.durable("alert", record.alert.id)
        return self.room.views.row(record)

    async def durable(self, thing: str, value: str) -> None:
        """When the journal holds everything so far. Raises OperationRefused where it waits too long."""
        await journaled(self.room.core.ledger, thing, value)

    async def durable_soon(self) -> bool:
        """Whether the journal holds everything so far; False where it takes longer than a reader should wait."""
        return await _on_disk(self.room.core.ledger, READER_WAITS_S_MAX)

    def next_id(self, *, peek: bool = False) -> EbmId:
        """The next EBM id of today: own code, Beijing date, serial from 0001 (GD/J 082). Ids are never given twice:
        the highest one that the journal knows is the base, after a restore one that nobody can have used."""
        today = datetime.fromtimestamp(self.room.core.clock.wall(), BEIJING).strftime("%Y%m%d")
        mine = f"{self.me.code}{today}"
        used = [int(i[-4:]) for i in self.room.core.state.alerts if i.startswith(mine)]
        serial = max([*used, self.room.core.state.serials_lost.get(today, 0)]) + 1
        if serial > SERIAL_MAX and not peek:
            raise refused(Kind.UNAVAILABLE, "serials_used_up", "alert", serial, SERIAL_MAX)
        return EbmId(f"{mine}{min(serial, SERIAL_MAX):04d}")

    def _stands_before(self, running: AlertRecord, alert: Alert) -> bool:
        rank = self.room.core.rules.rank
        places = {p for area in alert.areas for p in self.room.inventory.places_in(area)}
        return bool(places & running.holds) and not rank.outranks(alert, running.alert)
