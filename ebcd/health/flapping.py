"""Devices that come and go: counted, and told once instead of each time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FlapRule:
    """`falls_max` falls within `window_s` are flapping; it is over when nothing changed for `settle_s`."""

    falls_max: int = 4
    window_s: float = 3600.0
    settle_s: float = 900.0


@dataclass(slots=True)
class Flaps:
    """One device's falls. Times are monotonic seconds."""

    total: int = 0
    flapping: bool = False
    changed_s: float = 0.0
    falls: deque[float] = field(default_factory=deque)

    def fell(self, now_s: float, rule: FlapRule) -> bool:
        """Note a fall; True where flapping begins with it."""
        self.total += 1
        self.falls.append(now_s)
        while self.falls[0] <= now_s - rule.window_s:
            self.falls.popleft()
        if len(self.falls) > rule.falls_max:
            self.falls.popleft()
        begins = not self.flapping and len(self.falls) >= rule.falls_max
        self.flapping = self.flapping or begins
        return begins

    def settled(self, now_s: float, rule: FlapRule) -> bool:
        """Whether the device has kept its condition for long enough; ends the flapping."""
        if not self.flapping or now_s - self.changed_s < rule.settle_s:
            return False
        self.flapping = False
        self.falls.clear()
        return True
