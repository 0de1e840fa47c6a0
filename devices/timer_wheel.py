"""One timer for thousands of devices: deadlines in slots of one tick, looked at when their slot comes round."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


class TimerWheel(Generic[KeyT]):
    """Keys with one deadline each, on a monotonic clock. Fires up to one tick late, never early.

    Moving a deadline further away costs nothing: the old slot finds the new deadline when its turn comes.
    """

    __slots__ = ("_deadlines", "_next_slot", "_slots", "_tick_s")

    def __init__(self, tick_s: float, now_s: float) -> None:
        self._tick_s = tick_s
        self._next_slot = self._slot(now_s)
        self._slots: dict[int, list[KeyT]] = {}
        self._deadlines: dict[KeyT, float] = {}

    def __len__(self) -> int:
        return len(self._deadlines)

    def set(self, key: KeyT, deadline_s: float) -> None:
        """Arm a key, or move its deadline."""
        known = self._deadlines.get(key)
        self._deadlines[key] = deadline_s
        if known is None or deadline_s < known:
            self._put(key, deadline_s)

    def drop(self, key: KeyT) -> None:
        """Disarm a key; unknown ones are fine."""
        self._deadlines.pop(key, None)

    def due(self, now_s: float) -> list[KeyT]:
        """Take out every key whose deadline has passed."""
        found: list[KeyT] = []
        current = self._slot(now_s)
        while self._next_slot < current:
            if not self._slots:
                self._next_slot = current
                break
            for key in self._slots.pop(self._next_slot, ()):
                deadline_s = self._deadlines.get(key)
                if deadline_s is None:
                    continue
                if deadline_s <= now_s:
                    del self._deadlines[key]
                    found.append(key)
                else:
                    self._put(key, deadline_s)
            self._next_slot += 1
        return found

    def _put(self, key: KeyT, deadline_s: float) -> None:
        self._slots.setdefault(max(self._slot(deadline_s), self._next_slot), []).append(key)

    def _slot(self, at_s: float) -> int:
        return int(at_s / self._tick_s)
