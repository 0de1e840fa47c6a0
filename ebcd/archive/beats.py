"""Whose heartbeats arrive: the only sign of the return address an adapter is set to, for which annex A has no question.

0x0D sets it and nothing asks for it. An adapter that answers commands and is not heard by itself reports elsewhere, or
nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from devices.link import Event, Heartbeat
from devices.ports import Clock
from devices.roster import DeviceKind, Roster

MISSES_MAX = 3
"""Periods without a heartbeat that mean silence (terminal digest 1.7)."""


class Beats:
    """The last heartbeat (0x20) of each adapter. `period_s`: between two of them."""

    def __init__(self, roster: Roster, clock: Clock, period_s: float) -> None:
        self._roster = roster
        self._clock = clock
        self._patience_s = period_s * MISSES_MAX
        self._since_s = clock.monotonic()
        self._last_s: dict[str, float] = {}
        self._came = asyncio.Event()

    def observe(self, event: Event) -> None:
        """Link events, heartbeats among them."""
        if isinstance(event, Heartbeat) and self._is_adapter(event.code):
            self._last_s[event.code] = self._clock.monotonic()
            self._came.set()

    def is_silent(self, code: str) -> bool:
        """Whether an adapter should have been heard by now and was not. False for all others, and too early after the
        start to tell."""
        if not self._is_adapter(code):
            return False
        return self._clock.monotonic() - self._last_s.get(code, self._since_s) >= self._patience_s

    async def heard_all(self, codes: Iterable[str]) -> None:
        """Until none of these is silent."""
        waiting = [code for code in codes if self.is_silent(code)]
        while waiting:
            self._came.clear()
            await self._came.wait()
            waiting = [code for code in waiting if self.is_silent(code)]

    def _is_adapter(self, code: str) -> bool:
        device = self._roster.by_code(code)
        return device is not None and device.kind is DeviceKind.ADAPTER
