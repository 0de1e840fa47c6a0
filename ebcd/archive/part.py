"""The archive's part of the daemon: built from the foundation, run beside the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.routing import Route

from devices.link import Event, Path
from devices.maintenance import Stranger
from ebcd.api import devices as device_pages
from ebcd.api import inventory as inventory_pages
from ebcd.api import people as people_pages
from ebcd.archive.beats import Beats
from ebcd.archive.commission import Commissioner, Site
from ebcd.archive.courier import Courier, CourierDoors
from ebcd.archive.distribution import Authority, Distribution
from ebcd.archive.drift import Drift
from ebcd.archive.enquiry import Enquiries
from ebcd.archive.fetching import fetch
from ebcd.archive.images import Images
from ebcd.archive.in_use import needed_by
from ebcd.archive.keeper import Keeper, KeeperDoors
from ebcd.archive.office import ArchiveOffice
from ebcd.archive.pending import Pending
from ebcd.archive.rates import RatesNow
from ebcd.archive.setting import Setter
from ebcd.archive.settling import Settler
from ebcd.archive.stages import StageRule, Stages
from ebcd.archive.turnover import Turnover
from ebcd.core import Core
from ebcd.foundation import Foundation, adapter_period
from ebcd.health import HealthBook, Ways
from ebcd.identity import Operators
from ebcd.inventory import Inventory
from ebcd.lifecycle import AlertState
from ebcd.people import PeopleDesk
from ebcd.whitelist.part import WhitelistPart, whitelist_part
from ebcd.workorders import Sites
from protocols.codes import ResourceCode
from protocols.signature import number_from_text


@dataclass(frozen=True, slots=True)
class ArchivePart:
    """What the daemon keeps of it."""

    keeper: Keeper
    office: ArchiveOffice
    pending: Pending
    enquiries: Enquiries
    beats: Beats
    stages: Stages
    setter: Setter
    whitelist: WhitelistPart
    people: PeopleDesk

    def observe(self, event: Event, wall_s: float) -> None:
        """Link events."""
        if isinstance(event, Stranger):
            self.pending.observe(event, wall_s)
        else:
            self.enquiries.observe(event)
            self.beats.observe(event)
            self.setter.observe(event)

    def routes(self, operators: Operators) -> tuple[Route, ...]:
        """For `ebcd.api.application`."""
        return (
            *inventory_pages.routes(self.office, operators),
            *device_pages.routes(self.setter, operators),
            *self.whitelist.routes(operators),
            *people_pages.routes(self.people, operators),
        )

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.keeper.run(), name="inventory")
            group.create_task(self.stages.run(), name="changes")


def archive_part(
    base: Foundation,
    core: Core,
    health: HealthBook,
    resite: Callable[[Sites], None],
    ways_of: Callable[[Inventory], Ways],
    paths: Mapping[str, Path],
) -> ArchivePart:
    """Everything of it. `resite` is told where devices stand after a change; `ways_of`: how an inventory is heard;
    `paths`: of the links, by name."""
    world, ledger, inventory, book = base.world, core.ledger, base.inventory, base.state.devices
    county = base.settings.platform.area
    doors = KeeperDoors(world.clock, ledger.enter, ledger.mark, base.store.person, ways_of, world.store_in_thread)
    turnover = Turnover(inventory, core, health, resite)
    keeper = Keeper(base.settings.inventory.file, county, turnover, book, doors)

    def heard(code: ResourceCode) -> bool:
        return health.of(code).seen_at > 0

    base.metrics.watch_enrolment(RatesNow(inventory, county, heard, world.clock.monotonic).stages)
    pending = Pending(lambda: base.metrics.bound_acted("pending_devices"))
    base.metrics.watch_pending(lambda: len(pending))
    enquiries = Enquiries(core.links, inventory.roster, health, inventory.adapter_of)
    sign, enter = base.signer.sign, ledger.enter
    site = Site(inventory, pending, enquiries, keeper, paths, county, sign, world.clock, enter)
    beats = Beats(inventory.roster, world.clock, adapter_period(base.settings))
    drift = Drift(inventory, enquiries, enter, world.clock, beats)
    c = base.settings.changes
    rule = StageRule(c.halt_share, c.return_within_s)

    def busy() -> bool:
        return any(record.state is AlertState.ON_AIR for record in core.state.live_alerts())

    numbers = frozenset(bytes.fromhex(number) for number in base.settings.trust.roots)
    authority = Authority(lambda: base.verifier.trust, numbers, base.signer.certificate)
    has_fm = bool(core.links.get(Path.FM))
    distribution = Distribution(authority, inventory, enquiries, book.lists, has_fm=has_fm)
    courier = Courier(enquiries, CourierDoors(enter, ledger.mark, busy, base.metrics.watched, world.clock))
    images = _images(base)
    settler = Settler(keeper)
    around = (enter, busy, world.clock, rule, courier, images, settler.settle)
    stages = Stages(book.rollout, enquiries, inventory.roster, *around)
    desks = (pending, Commissioner(site), drift, stages, distribution, images)
    office = ArchiveOffice(keeper, inventory, health, book, county, *desks)
    needed = needed_by(inventory, base.state)
    setter = Setter(inventory, enquiries, settler, enter, ledger.mark, world.clock, needed)
    whitelist = whitelist_part(base, ledger, enquiries)
    people = PeopleDesk(ledger, base.store, inventory, world.clock, book.callers.held_by)
    return ArchivePart(keeper, office, pending, enquiries, beats, stages, setter, whitelist, people)


def _images(base: Foundation) -> Images:
    """Firmware counts where one of the named signers has signed it."""
    world = base.world
    signers = [number_from_text(each) for each in base.settings.trust.firmware_signers]
    return Images(fetch, lambda: base.verifier.trust, signers, world.clock, in_thread=world.store_in_thread)
