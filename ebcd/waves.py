"""Deadlines of what was sent: one per batch of terminals, not one per terminal."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from devices.link import Path
from protocols.codes import EbmId, ResourceCode


class Due(StrEnum):
    """What happens to those of a wave that have not answered when its time is up."""

    FALL_BACK = "fall_back"  # try the next path
    GIVE_UP = "give_up"  # TIMED_OUT
    STOP_GIVE_UP = "stop_give_up"  # the stop went unanswered
    SILENCE = "silence"  # say on FM once more that it is over


@dataclass(frozen=True, slots=True)
class Wave:
    """Terminals that were sent something together."""

    alert: EbmId
    due: Due
    path: Path | None  # the path to leave; None: whichever
    codes: tuple[ResourceCode, ...]


class Waves:
    """A heap of waves by deadline (seconds of the monotonic clock)."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Wave]] = []
        self._count = 0

    def push(self, deadline_s: float, wave: Wave) -> None:
        """Remember a wave."""
        self._count += 1
        heapq.heappush(self._heap, (deadline_s, self._count, wave))

    def pop_due(self, now_s: float) -> Iterable[Wave]:
        """Take out the waves whose deadline has come."""
        while self._heap and self._heap[0][0] <= now_s:
            yield heapq.heappop(self._heap)[2]

    def forget(self, alert: EbmId) -> None:
        """Drop the waves of an alert that is over."""
        self._heap = [entry for entry in self._heap if entry[2].alert != alert]
        heapq.heapify(self._heap)
