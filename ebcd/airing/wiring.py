"""The desk for orders over FM, put together for one daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from devices.link import Path
from devices.maintenance import Air
from ebcd.airing.desk import AirDesk, AirDoors
from ebcd.archive.part import ArchivePart
from ebcd.core import Core
from ebcd.foundation import Foundation


def air_desk(base: Foundation, core: Core, archive: ArchivePart) -> AirDesk:
    """Over every FM link that terminals are commanded by."""
    ledger = core.ledger

    def air(link: str, command: Callable[[int], Air], wait_s: float) -> Awaitable[str]:
        return archive.enquiries.air(command, wait_s, link=link)

    links = core.links[Path.FM]
    doors = AirDoors(links, air, ledger.enter, archive.keeper.durable, ledger.state, base.world.clock)
    return AirDesk(base.inventory, base.settings.platform.area, doors)
