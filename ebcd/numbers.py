"""Own EBD numbers without waiting: receipts need one at once, the store gives them out durably in blocks (GD/J 083)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from protocols.codes import EbdId, ResourceCode

IN_HAND = 400
"""Numbers kept ready; a burst of receipts larger than this between two turns of the loop cannot happen (the gateway
takes fewer requests at a time)."""


class EbdNumbers:
    """Hands out EBDIDs of one platform; no number twice, restarts included."""

    def __init__(self, platform: ResourceCode, reserve: Callable[[], Awaitable[int]]) -> None:
        self._platform = platform
        self._reserve = reserve
        self._ready: deque[int] = deque()
        self._low = asyncio.Event()

    async def fill(self) -> None:
        """Have numbers in hand; call once before the first `next`."""
        while len(self._ready) < IN_HAND:
            self._ready.append(await self._reserve())
        self._low.clear()

    def next(self) -> EbdId:
        """The next one. Raises IndexError when none is in hand."""
        if len(self._ready) < IN_HAND // 2:
            self._low.set()
        return EbdId.build(EbdId.MESSAGE, self._platform, self._ready.popleft())

    @property
    def plenty(self) -> bool:
        """Whether enough are in hand that something less important may take one, also while the disk gives none."""
        return len(self._ready) > IN_HAND // 4

    async def run(self) -> None:
        """Refill whenever it runs low, until cancelled."""
        while True:
            await self._low.wait()
            await self.fill()
