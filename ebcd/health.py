"""Which devices live: heartbeats make them online, silence offline, reports faulty.

One book, one writer. Time is the monotonic clock; a device is offline after `misses_max` missed periods, never earlier.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
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

TOWN_DIGITS = 9
"""Of an area code: county and town; three more tell the village."""


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


def _town(code: ResourceCode) -> str:
    return code.area[:TOWN_DIGITS]


class HealthBook:
    """The conditions of all devices of the inventory.

    `periods_s` maps a device to the seconds between its heartbeats; None for one that cannot be heard at all (FM only):
    what cannot be observed stays unknown and is never guessed.
    """

    def __init__(self, periods_s: Mapping[ResourceCode, float | None], misses_max: int = 3) -> None:
        self._devices = {code: DeviceHealth() for code in periods_s}
        self._patience_s = {c: period * misses_max for c, period in periods_s.items() if period is not None}
        # Living ones by patience, longest silent first: a tick looks at the head of each queue only.
        self._by_age: dict[float, OrderedDict[ResourceCode, None]] = {
            patience: OrderedDict() for patience in sorted(set(self._patience_s.values()))
        }
        self._changed: Callable[[Change], None] = lambda change: None
        self.tally = Counter({Condition.UNKNOWN: len(self._devices)})
        self.by_town: dict[str, Counter[Condition]] = {}
        """The same by the first nine digits of the devices' area, for maps and dashboards."""

        for code in self._devices:
            self.by_town.setdefault(_town(code), Counter())[Condition.UNKNOWN] += 1

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
                if state is DeviceState.FAULT or health.fault:  # a reported fault lasts until it is reported over
                    self._become(code, Condition.FAULT, wall_s, health.fault or "heartbeat says fault")
                else:
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
        for patience_s, living in self._by_age.items():
            while living:
                code = next(iter(living))
                if now_s - self._devices[code].seen_s < patience_s:
                    break
                del living[code]
                self._become(code, Condition.OFFLINE, wall_s, f"silent for {patience_s:g} s")

    def start_counting(self, now_s: float) -> None:
        """From now on silence counts, also of devices that were never heard."""
        for code, patience_s in self._patience_s.items():
            self._devices[code].seen_s = now_s
            self._by_age[patience_s][code] = None

    def _seen(self, code: ResourceCode, path: Path, now_s: float, wall_s: float) -> DeviceHealth | None:
        health = self._devices.get(code)
        if health is None:
            return None
        health.seen_s, health.seen_at, health.path = now_s, wall_s, path
        if (patience_s := self._patience_s.get(code)) is not None:
            living = self._by_age[patience_s]
            living[code] = None
            living.move_to_end(code)
        return health

    def _become(self, code: ResourceCode, condition: Condition, wall_s: float, why: str) -> None:
        health = self._devices[code]
        if health.condition is condition:
            return
        change = Change(code, health.condition, condition, wall_s, why)
        self.tally[health.condition] -= 1
        self.tally[condition] += 1
        town = self.by_town[_town(code)]
        town[health.condition] -= 1
        town[condition] += 1
        health.condition, health.since = condition, wall_s
        self._changed(change)
