"""Messages on their way in: their package is here, their alert is not (its file is being written, its text spoken).

A cancel overtakes everything (I12), but it must not overtake the message that it means: it would find nothing to stop,
and the message would start behind its back. So it waits for those that arrived before it, and for no others.
"""

from __future__ import annotations

import asyncio
import itertools

from protocols.codes import EbmId


class Arrivals:
    """Who is on the way in, by the order of arrival."""

    def __init__(self) -> None:
        self._tickets = itertools.count()
        self._open: dict[int, EbmId | None] = {}
        self._changed = asyncio.Event()

    def begin(self, ebm_id: EbmId | None) -> int:
        """A package begins to arrive. `ebm_id`: the alert it will become; None for a cancel and anything else."""
        ticket = next(self._tickets)
        self._open[ticket] = ebm_id
        return ticket

    def end(self, ticket: int) -> None:
        """It is an alert, or never will be. A second call changes nothing."""
        self._open.pop(ticket, None)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def forget(self) -> None:
        """Whoever carried them is gone; what is durable will be taken up from the journal."""
        for ticket in list(self._open):
            self.end(ticket)

    async def settled(self, ebm_id: EbmId, before: int) -> None:
        """Return when nothing that arrived before the ticket `before` can become `ebm_id` any more."""
        while any(ticket < before and each == ebm_id for ticket, each in self._open.items()):
            await self._changed.wait()
