"""The white list's part of the daemon."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.routing import Route

from ebcd.api import whitelist as pages
from ebcd.archive.enquiry import Enquiries
from ebcd.foundation import Foundation
from ebcd.identity import Operators
from ebcd.ledger import Ledger
from ebcd.whitelist.desk import WhitelistDesk
from ebcd.whitelist.push import Pusher


@dataclass(frozen=True, slots=True)
class WhitelistPart:
    """What the daemon keeps of it."""

    desk: WhitelistDesk
    pusher: Pusher

    def routes(self, operators: Operators) -> tuple[Route, ...]:
        """For `ebcd.api.application`."""
        return pages.routes(self.desk, self.pusher, operators)


def whitelist_part(base: Foundation, ledger: Ledger, enquiries: Enquiries) -> WhitelistPart:
    """Everything of it."""
    book, inventory, store, clock = base.state.devices.callers, base.inventory, base.store, base.world.clock
    settings, county = base.settings.whitelist, base.settings.platform.area
    doors = (clock, ledger.enter, ledger.mark)
    desk = WhitelistDesk(book, inventory, store, county, settings.numbers_max, *doors)
    return WhitelistPart(desk, Pusher(book, inventory, store, enquiries, settings.entries_max, *doors))
