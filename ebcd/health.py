"""Which devices live: heartbeats make them online, silence offline, reports faulty.

One book, one writer. Time is the monotonic clock; a device is offline after `misses_max` missed periods, never earlier.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from devices.link import (
    Answered,
    Began,
    Connected,
    DeviceState,
    Disconnected,
    Ended,
    Event,
    Fault,
    Heartbeat,
    Path,
    Played,
    StateTold,
)
from protocols.codes import ResourceCode


class Condition(StrEnum):
    """What is known of a device."""

    UNKNOWN = "unknown"  # not heard of since start
    ONLINE = "online"
    OFFLINE = "offline"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Change:
    """A device changed its condition. `at`: UTC seconds."""

    code: ResourceCode
    before: Condition
    after: Condition
    at: float
    why: str


@dataclass(slots=True)
class DeviceHealth:
    """One device."""

    condition: Condition = Condition.UNKNOWN
    since: float = 0.0  # UTC seconds
    seen_s: float = 0.0  # monotonic
    seen_at: float = 0.0  # UTC seconds; 0 for never
    working: bool = False
    fault: str = ""
    path: Path | None = None


class HealthBook:
    """The conditions of all devices of the inventory."""

    def __init__(self, codes: Iterable[ResourceCode], period_s: float, misses_max: int = 3) -> None:
        self._offline_after_s = period_s * misses_max
        self._devices = {code: DeviceHealth() for code in codes}
        self._by_age: OrderedDict[ResourceCode, None] = OrderedDict()  # living ones, longest silent first
        self._changed: Callable[[Change], None] = lambda change: None
        self.tally = Counter({Condition.UNKNOWN: len(self._devices)})

    def on_change(self, changed: Callable[[Change], None]) -> None:
        """Who is told of changes."""
        self._changed = changed

    def of(self, code: ResourceCode) -> DeviceHealth:
        """What is known of one device."""
        return self._devices.get(code) or DeviceHealth()

    def observe(self, event: Event, path: Path, now_s: float, wall_s: float) -> None:
        """Take one link event. Monotonic and UTC seconds."""
        match event:
            case Heartbeat(code=code, state=state) | StateTold(code=code, state=state):
                if (health := self._seen(code, path, now_s, wall_s)) is None:
                    return
                health.working = state is DeviceState.WORKING
                if state is DeviceState.FAULT:
                    self._become(code, Condition.FAULT, wall_s, health.fault or "heartbeat says fault")
                elif health.condition is not Condition.FAULT or not health.fault:
                    self._become(code, Condition.ONLINE, wall_s, "heartbeat")
            case Fault(code=code, cleared=cleared, text=text, cause=cause):
                if (health := self._seen(code, path, now_s, wall_s)) is None:
                    return
                health.fault = "" if cleared else text or f"cause {cause}"
                self._become(code, Condition.ONLINE if cleared else Condition.FAULT, wall_s, text or f"cause {cause}")
            case Answered(code=code) | Began(code=code) | Ended(code=code) | Played(code=code) | Connected(code=code):
                health = self._seen(code, path, now_s, wall_s)
                if health is not None and health.condition in (Condition.UNKNOWN, Condition.OFFLINE):
                    self._become(code, Condition.ONLINE, wall_s, "spoke")
            case Disconnected():
                pass  # its other paths may live; silence decides

    def tick(self, now_s: float, wall_s: float) -> None:
        """Find those that have been silent too long."""
        while self._by_age:
            code = next(iter(self._by_age))
            if now_s - self._devices[code].seen_s < self._offline_after_s:
                return
            del self._by_age[code]
            self._become(code, Condition.OFFLINE, wall_s, f"silent for {self._offline_after_s:g} s")

    def start_counting(self, now_s: float) -> None:
        """From now on silence counts, also of devices that were never heard."""
        for code, health in self._devices.items():
            health.seen_s = now_s
            self._by_age[code] = None

    def _seen(self, code: ResourceCode, path: Path, now_s: float, wall_s: float) -> DeviceHealth | None:
        health = self._devices.get(code)
        if health is None:
            return None
        health.seen_s, health.seen_at, health.path = now_s, wall_s, path
        self._by_age[code] = None
        self._by_age.move_to_end(code)
        return health

    def _become(self, code: ResourceCode, condition: Condition, wall_s: float, why: str) -> None:
        health = self._devices[code]
        if health.condition is condition:
            return
        change = Change(code, health.condition, condition, wall_s, why)
        self.tally[health.condition] -= 1
        self.tally[condition] += 1
        health.condition, health.since = condition, wall_s
        self._changed(change)
