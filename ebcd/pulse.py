"""Whether the daemon lives, as systemd hears it.

READY once, WATCHDOG=1 while the loop turns and the journal writes, and a sentence for `systemctl status` whenever it
changes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence

import structlog

from devices.link import Link
from ebcd.systemd import notify

BEAT_S = 0.5
"""How often the loop's lateness is measured; the watchdog is fed at most so often."""

TRIED_S_MAX = 15.0
"""A link that has tried nothing by then (a broker that neither answers nor refuses) does not hold READY back."""

LOOK_S = 0.02

STATUS_S = 2.0
"""How often the sentence for `systemctl status` is made anew."""

log = structlog.get_logger("ebcd.pulse")


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float:
    """What systemd waits for a sign (`WatchdogSec=`), seconds; 0 where it asks this process for none."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    told = environ.get("WATCHDOG_USEC", "")
    return int(told) / 1e6 if told.isdecimal() else 0.0


async def all_tried(links: Sequence[Link], monotonic: Callable[[], float]) -> tuple[str, ...]:
    """Wait until each link has tried its listener, broker or transmitter; the names of those that have not in time."""
    end_s = monotonic() + TRIED_S_MAX
    while True:
        left = tuple(link.name for link in links if not link.status().tried)
        if not left or monotonic() >= end_s:
            return left
        await asyncio.sleep(LOOK_S)


class Pulse:
    """Feeds the watchdog from inside the loop: a loop that stands still feeds nobody."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        writes: Callable[[], bool],
        late: Callable[[float], None],
        *,
        watchdog_s: float,
        status: Callable[[], str] = lambda: "",
        tell: Callable[[str], object] = notify,
    ) -> None:
        """`writes`: whether the journal's writer lives. `late`: told how long after its time each beat came. `status`:
        what people read beside the unit."""
        self._monotonic = monotonic
        self._writes = writes
        self._late = late
        self._feed_s = watchdog_s / 3.0
        self._tell = tell
        self._fed_s = -1e9
        self._starving = False
        self._status = status
        self._looked_s = -1e9
        self._told = ""

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            due_s = self._monotonic() + BEAT_S
            await asyncio.sleep(BEAT_S)
            now_s = self._monotonic()
            self._late(max(0.0, now_s - due_s))
            self._feed(now_s)
            self._show(now_s)

    def _feed(self, now_s: float) -> None:
        if not self._writes():
            if not self._starving:
                log.error("watchdog.starved", reason="the journal's writer is dead")
            self._starving = True
        elif self._feed_s and now_s - self._fed_s >= self._feed_s:
            self._fed_s = now_s
            self._tell("WATCHDOG=1")

    def _show(self, now_s: float) -> None:
        if now_s - self._looked_s < STATUS_S:
            return
        self._looked_s = now_s
        if (sentence := self._status()) != self._told:
            self._told = sentence
            self._tell(f"STATUS={sentence}")
