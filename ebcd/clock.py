"""The only reader of time in the daemon (style habit 6). Everyone else is handed a clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "UTC+8")
"""The time of platform XML and of people; no daylight saving since 1991."""


class SystemClock:
    """`devices.ports.Clock` on the machine's own clocks."""

    def wall(self) -> float:
        """UTC seconds since 1970-01-01; steps when somebody sets the clock."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never step; only differences mean anything."""
        return time.monotonic()


def booted() -> float:
    """UTC seconds since 1970 at which this machine was switched on, by the clock as it stands now."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def utc(seconds: float) -> datetime:
    """UTC seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


def beijing(seconds: float) -> datetime:
    """UTC seconds since 1970 as a moment in Beijing time."""
    return datetime.fromtimestamp(seconds, BEIJING)


def beijing_text(seconds: float) -> str:
    """`2025-10-09 16:53:20`, as platform XML and people read it."""
    return f"{beijing(seconds):%Y-%m-%d %H:%M:%S}"
