"""The only reader of time among the simulators; everyone else is handed a clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings that are never mixed."""

    def wall(self) -> float:
        """UTC seconds since 1970-01-01."""

    def monotonic(self) -> float:
        """Seconds on a clock that never steps; only differences mean anything."""


class SystemClock:
    """This machine's."""

    def wall(self) -> float:
        """UTC seconds since 1970-01-01."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds on a clock that never steps."""
        return time.monotonic()
