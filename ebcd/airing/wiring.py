"""Orders over FM, put together for one daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.routing import Route

from devices.link import Path
from devices.maintenance import Air
from ebcd.airing.desk import AirDesk, AirDoors
from ebcd.api import airing as airing_pages
from ebcd.archive.part import ArchivePart
from ebcd.core import Core
from ebcd.foundation import Foundation
from ebcd.identity import Operators


def air_routes(base: Foundation, core: Core, archive: ArchivePart, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`: over every FM link that terminals are commanded by."""
    ledger = core.ledger

    def air(link: str, command: Callable[[int], Air], wait_s: float) -> Awaitable[str]:
        return archive.enquiries.air(command, wait_s, link=link)

    links = core.links[Path.FM]
    doors = AirDoors(links, air, ledger.enter, archive.keeper.durable, ledger.state, base.world.clock)
    desk = AirDesk(base.inventory, base.settings.platform.area, doors)
    return tuple(airing_pages.routes(desk, operators))
