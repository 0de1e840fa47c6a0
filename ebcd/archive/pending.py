"""Devices that speak and are in no inventory, or not with this physical address: what waits to be commissioned."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from devices.maintenance import Stranger
from protocols.codes import ResourceCode

PENDING_MAX = 1000
"""Devices remembered; who has been silent longest goes, and the metrics count it."""


@dataclass(slots=True)
class Waiting:
    """One device. Times are UTC seconds."""

    code: ResourceCode  # what it calls itself
    phys: str  # "" where its protocol has none (adapters)
    link: str
    peer: str  # where it dialled from
    first_seen: float
    last_seen: float
    heard: int = 1


class Pending:
    """All of them, by physical address, or by code where there is none."""

    def __init__(self, dropped: Callable[[], None] = lambda: None) -> None:
        """`dropped` is called for each device that the bound pushed out."""
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._dropped = dropped

    def __len__(self) -> int:
        return len(self._waiting)

    def observe(self, stranger: Stranger, wall_s: float) -> None:
        """One more sign of life of a device that nobody entered."""
        key = stranger.phys or stranger.code
        known = self._waiting.pop(key, None)
        if known is None:
            known = Waiting(stranger.code, stranger.phys, stranger.link, stranger.peer, wall_s, wall_s, 0)
        known.code, known.link, known.peer = stranger.code, stranger.link, stranger.peer
        known.last_seen, known.heard = wall_s, known.heard + 1
        self._waiting[key] = known
        while len(self._waiting) > PENDING_MAX:
            self._waiting.popitem(last=False)
            self._dropped()

    def of(self, key: str) -> Waiting | None:
        """The one with this physical address or, for adapters, code."""
        return self._waiting.get(key.upper())

    def forget(self, key: str) -> None:
        """It was commissioned."""
        self._waiting.pop(key.upper(), None)

    def rows(self) -> tuple[Waiting, ...]:
        """Heard last first."""
        return tuple(reversed(self._waiting.values()))
