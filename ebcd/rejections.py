"""What links refuse, told in the log with its words: what was wrong, whose it was, which setting would suit.

Metrics count every one (`ebcd_rejected_total`). A noisy line or a forger must not fill the disk, so a reason of one
sender is told at once and then ever more rarely while it goes on, and only so many senders at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from devices.link import Event, Path, Rejected
from devices.ports import Clock

log = structlog.get_logger("ebcd.links")

AGAIN_FIRST_S = 60.0
AGAIN_LAST_S = 3600.0
SENDERS_MAX = 64
"""New ones told of within `AGAIN_FIRST_S`."""


@dataclass(slots=True)
class _Told:
    at_s: float
    again_s: float
    more: int = 0


class RejectionLog:
    """An observer of link events."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str, str], _Told] = {}

    def observe(self, event: Event, _path: Path) -> None:
        """Tell of a refusal, unless it was told a moment ago."""
        if not isinstance(event, Rejected):
            return
        sender = event.peer.rpartition(":")[0] or event.peer  # a port is another one each time
        key, now_s = (event.link, event.reason, sender), self._clock.monotonic()
        told = self._told.get(key)
        if told is not None and now_s - told.at_s < told.again_s:
            told.more += 1
            return
        if told is None and not self._has_room(now_s):
            return
        more = told.more if told else 0
        log.warning(
            "link.rejected", link=event.link, reason=event.reason, peer=event.peer, detail=event.detail, more=more
        )
        again_s = min(2 * told.again_s, AGAIN_LAST_S) if told and told.more else AGAIN_FIRST_S
        self._told[key] = _Told(now_s, again_s)

    def _has_room(self, now_s: float) -> bool:
        if len(self._told) >= SENDERS_MAX:
            self._told = {key: told for key, told in self._told.items() if now_s - told.at_s < AGAIN_FIRST_S}
        return len(self._told) < SENDERS_MAX
