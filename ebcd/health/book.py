"""The conditions of all devices: link events in, changes out.

Time is the monotonic clock; a device is silent after `misses_max` missed periods, never earlier. Nobody else writes
here, and every sign is looked up in one table, so no order of events leaves a device in a condition that the next sign
does not mend.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator

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
    LinkDown,
    LinkUp,
    Path,
    Played,
    StateTold,
)
from devices.roster import DeviceKind
from ebcd.health.device import EARLIER, Cause, Change, DeviceHealth, Outage
from ebcd.health.flapping import FlapRule
from ebcd.health.table import SPEAKING, Condition, Sign, next_condition
from ebcd.health.ways import Ways
from protocols.codes import ResourceCode

TOWN_DIGITS = 9
"""Of an area code: county and town; three more tell the village."""
NO_FAULT = 0
DOUBT_BEATS = 3
"""So many heartbeats without fault after a reported fault: its end may have been lost, so the device is asked."""


class HealthBook:
    """One county's devices. Times named `_s` are monotonic seconds, `wall_s` UTC seconds."""

    def __init__(self, ways: Ways, misses_max: int = 3, flap_rule: FlapRule | None = None) -> None:
        self.ways = ways
        self.tally = {kind: Counter[Condition]() for kind in DeviceKind}
        self.by_town: dict[str, Counter[Condition]] = {}
        """Terminals only, by the first nine digits of their area, for maps and dashboards."""
        self.doubts: set[ResourceCode] = set()
        """Devices that should be asked for their state; whoever asks empties it."""
        self.fault_doubts: set[ResourceCode] = set()
        """Adapters that should be asked for their faults (0x11): they say fault and not which, or its end was lost."""
        self.restarted: set[ResourceCode] = set()
        """Devices that were switched on since the last look, with whatever time their clock woke up to."""
        self.counting_since = 0.0
        """When this process began to listen, UTC seconds."""
        self._misses_max = misses_max
        self._flap_rule = flap_rule or FlapRule()
        self._devices = {code: DeviceHealth() for code in ways.devices}
        for code, way in ways.devices.items():
            self._count(way.kind, code, Condition.UNKNOWN, 1)
        self._patience_s = ways.patience_s(misses_max)
        # Living ones by patience, longest silent first: a tick looks at the head of each queue only.
        self._by_age: dict[float, OrderedDict[ResourceCode, None]] = {
            patience: OrderedDict() for patience in sorted(set(self._patience_s.values()))
        }
        self._children = ways.children()
        self._links_of = Counter(ways.links.values())
        self._down: dict[Path, set[str]] = {path: set() for path in Path}
        self._flapping: set[ResourceCode] = set()
        self._unwritten: set[ResourceCode] = set()
        self._listeners: list[Callable[[Change], None]] = []

    def become(self, ways: Ways, now_s: float, wall_s: float) -> None:
        """Other devices from now on. Who stays keeps everything that is known of it; who is new is unknown, and its
        silence counts from now."""
        before, self.ways = self.ways, ways
        for code in before.devices.keys() - ways.devices.keys():
            self._count(before.devices[code].kind, code, self._devices.pop(code).condition, -1)
            for known in (self.doubts, self.fault_doubts, self.restarted, self._flapping, self._unwritten):
                known.discard(code)
        self._patience_s = ways.patience_s(self._misses_max)
        for code, way in ways.devices.items():
            health = self._devices.get(code)
            if health is None:
                health = self._devices[code] = DeviceHealth(seen_s=now_s)
                self._count(way.kind, code, Condition.UNKNOWN, 1)
            elif (kind := before.devices[code].kind) is not way.kind:
                self._count(kind, code, health.condition, -1)
                self._count(way.kind, code, health.condition, 1)
        self._queue_again()
        self._children = ways.children()
        self._links_of = Counter(ways.links.values())
        cut_off = [code for code, health in self._devices.items() if health.condition is Condition.UNREACHABLE]
        self._rejoin(cut_off, now_s, wall_s, "the inventory changed")

    def _queue_again(self) -> None:
        """Everybody whose silence counts, longest silent first. One that is silent already is not silent anew."""
        silent = (Condition.OFFLINE, Condition.UNREACHABLE)
        self._by_age = {patience: OrderedDict() for patience in sorted(set(self._patience_s.values()))}
        waiting = [c for c in self._patience_s if self._devices[c].condition not in silent]
        for code in sorted(waiting, key=lambda c: self._devices[c].seen_s):
            self._by_age[self._patience_s[code]][code] = None

    def on_change(self, listener: Callable[[Change], None]) -> None:
        """Add one who is told of changes."""
        self._listeners.append(listener)

    def of(self, code: ResourceCode) -> DeviceHealth:
        """What is known of one device."""
        return self._devices.get(code) or DeviceHealth()

    def all(self) -> Iterator[tuple[ResourceCode, DeviceHealth]]:
        """Every device of the inventory."""
        return iter(self._devices.items())

    @property
    def flapping(self) -> int:
        """How many devices come and go."""
        return len(self._flapping)

    # ---- what the links tell ---------------------------------------------------------------------------------------

    def observe(self, event: Event, path: Path, now_s: float, wall_s: float) -> None:
        """Take one link event."""
        match event:
            case Heartbeat(code=code, state=state, rebooted=rebooted, clock=clock):
                if health := self._seen(code, path, now_s, wall_s):
                    if clock is not None:
                        health.clock_error_s = clock - wall_s
                    self._returned(code, health, rebooted, path)
                    self._state(code, health, state, now_s, wall_s)
            case StateTold(code=code, state=state) if self._is_adapter(code):
                if health := self._spoke(code, path, now_s, wall_s):  # what it told is its records: no word of faults
                    health.told_at, health.working = wall_s, state is DeviceState.WORKING
            case StateTold(code=code, state=state):
                if health := self._seen(code, path, now_s, wall_s):
                    health.told_at = wall_s
                    if state is not DeviceState.FAULT:
                        health.faults.clear()  # asked and answered: it is over
                    self._state(code, health, state, now_s, wall_s)
            case Fault(code=code, cleared=cleared, text=text, cause=cause):
                if health := self._seen(code, path, now_s, wall_s):
                    self._fault(code, health, cause, text or f"cause {cause}", cleared, now_s, wall_s)
            case Began(code=code, at=at) | Ended(code=code, at=at):
                health = self._spoke(code, path, now_s, wall_s)
                if health and self.ways.devices[code].kind is DeviceKind.TERMINAL:  # an adapter's begin has no time
                    health.clock_error_s = at - wall_s
            case Answered(code=code) | Played(code=code) | Connected(code=code):
                self._spoke(code, path, now_s, wall_s)
            case Disconnected(code=code, reason=reason) if code in self._devices and code not in self._patience_s:
                # Of the others silence decides, for their other paths may live; of one without heartbeats nothing more
                # will be known.
                health = self._devices[code]
                if health.condition is not Condition.UNKNOWN:
                    self._notice(code, health, Sign.SILENT, Cause.SILENCE, reason, now_s, wall_s)
            case LinkDown(link=link):
                self._down[path].add(link)
            case LinkUp(link=link):
                if link in self._down[path]:
                    self._down[path].discard(link)
                    self._rejoin(self._carried_by(path), now_s, wall_s, f"link {link} is back")

    def _fault(
        self,
        code: ResourceCode,
        health: DeviceHealth,
        cause: int,
        words: str,
        cleared: bool,
        now_s: float,
        wall_s: float,
    ) -> None:
        """One of its faults came or went; others may stand. Cause 0 is none (table A.31): an answer, which a heartbeat
        that says fault belies."""
        health.fine_beats = 0
        if not cleared:
            health.faults[cause] = words
        elif cause == NO_FAULT:
            health.faults.clear()
        else:
            health.faults.pop(cause, None)
            health.faults.pop(EARLIER, None)
            health.says_fault = False
        self._unwritten.add(code)
        sign = _sign_of(health)
        self._notice(code, health, sign, Cause.FAULT, health.fault or words, now_s, wall_s)

    def _state(self, code: ResourceCode, health: DeviceHealth, state: DeviceState, now_s: float, wall_s: float) -> None:
        health.working, health.says_fault = state is DeviceState.WORKING, state is DeviceState.FAULT
        is_adapter = self._is_adapter(code)
        if state is DeviceState.FAULT:
            health.fine_beats = 0
            if is_adapter and not health.faults and health.condition is not Condition.FAULT:
                self.fault_doubts.add(code)
            self._notice(code, health, Sign.FAULTY, Cause.FAULT, health.fault or "heartbeat says fault", now_s, wall_s)
        elif health.fault:
            health.fine_beats += 1
            if health.fine_beats == DOUBT_BEATS:
                (self.fault_doubts if is_adapter else self.doubts).add(code)
            self._notice(code, health, Sign.FAULTY, Cause.FAULT, health.fault, now_s, wall_s)
        elif health.condition is not Condition.ONLINE:
            self._notice(code, health, Sign.WELL, Cause.SPOKE, "heartbeat", now_s, wall_s)

    def _is_adapter(self, code: ResourceCode) -> bool:
        way = self.ways.devices.get(code)
        return way is not None and way.kind is DeviceKind.ADAPTER

    def _returned(self, code: ResourceCode, health: DeviceHealth, rebooted: bool, path: Path) -> None:
        """What the first heartbeat after an absence, or a first registration, says about the absence."""
        is_stuck = rebooted and health.says_booted and not health.returning  # it says so every time: no news
        health.says_booted = rebooted
        if rebooted and not is_stuck:
            health.outage = Outage.POWER if health.returning else Outage.RESTART
            health.restarts += 1
            self.restarted.add(code)
            health.faults.clear()  # its own memory began anew: what is still broken it will report again
            self._unwritten.add(code)
        elif health.returning:
            untold = self.ways.devices[code].kind is DeviceKind.ADAPTER
            health.outage = Outage.UNTOLD if untold else Outage.NETWORK
        health.returning = False
        health.path = path

    def _spoke(self, code: ResourceCode, path: Path, now_s: float, wall_s: float) -> DeviceHealth | None:
        health = self._seen(code, path, now_s, wall_s)
        if health is not None and health.condition not in SPEAKING:
            self._notice(code, health, _sign_of(health), Cause.SPOKE, health.fault or "spoke", now_s, wall_s)
        return health

    def _seen(self, code: ResourceCode, path: Path, now_s: float, wall_s: float) -> DeviceHealth | None:
        health = self._devices.get(code)
        if health is None:
            return None
        health.seen_at, health.path = wall_s, path
        self._arm(code, health, now_s)
        return health

    def _arm(self, code: ResourceCode, health: DeviceHealth, now_s: float) -> None:
        """From `now_s` on its silence counts."""
        health.seen_s = now_s
        if (patience_s := self._patience_s.get(code)) is not None:
            living = self._by_age[patience_s]
            living[code] = None
            living.move_to_end(code)

    # ---- what time tells -------------------------------------------------------------------------------------------

    def start_counting(self, now_s: float, wall_s: float = 0.0) -> None:
        """From now on silence counts, also of devices that were never heard. Who was offline in an earlier life is so
        since then: what fell silent together is told by it."""
        self.counting_since = wall_s
        for code in self._patience_s:
            health = self._devices[code]
            if health.condition is Condition.OFFLINE:
                health.seen_s = now_s - max(0.0, wall_s - health.seen_at)
            else:
                self._arm(code, health, now_s)

    def tick(self, now_s: float, wall_s: float) -> None:
        """Find those that have been silent too long, and those that have settled."""
        for patience_s, living in self._by_age.items():
            while living:
                code = next(iter(living))
                if now_s - self._devices[code].seen_s < patience_s:
                    break
                del living[code]
                self._fell_silent(code, patience_s, now_s, wall_s)
        for code in [c for c in self._flapping if self._devices[c].flaps.settled(now_s, self._flap_rule)]:
            self._flapping.discard(code)
            health = self._devices[code]
            self._tell(code, health, health.told, wall_s, "settled", Cause.SETTLED)

    def _fell_silent(self, code: ResourceCode, patience_s: float, now_s: float, wall_s: float) -> None:
        health, why = self._devices[code], f"silent for {patience_s:g} s"
        if obstacle := self.obstacle(code):
            in_the_way = obstacle if isinstance(obstacle, str) else f"links of {', '.join(sorted(obstacle))}"
            self._notice(code, health, Sign.CUT_OFF, Cause.CUT_OFF, f"{in_the_way} down", now_s, wall_s)
        else:
            self._notice(code, health, Sign.SILENT, Cause.SILENCE, why, now_s, wall_s)

    def obstacle(self, code: ResourceCode) -> ResourceCode | frozenset[Path] | None:
        """What keeps a device's words from us: its head-end, or the paths whose links are all down."""
        way = self.ways.devices[code]
        if way.behind is not None and self.of(way.behind).condition in (Condition.OFFLINE, Condition.UNREACHABLE):
            return way.behind
        if way.paths and all(self._is_down(path) for path in way.paths):
            return way.paths
        return None

    def _is_down(self, path: Path) -> bool:
        return 0 < self._links_of[path] <= len(self._down[path])

    # ---- head-ends and links ---------------------------------------------------------------------------------------

    def _follow(self, head_end: ResourceCode, after: Condition, was: Condition, now_s: float, wall_s: float) -> None:
        """What a head-end's change means for the devices behind it."""
        behind = self._children.get(head_end, ())
        if after in (Condition.OFFLINE, Condition.UNREACHABLE):
            last_s = self._devices[head_end].seen_s - (self.ways.devices[head_end].period_s or 0.0)
            for code in behind:
                health = self._devices[code]
                if health.condition is Condition.OFFLINE and health.seen_s >= last_s:
                    why = f"{head_end} down"
                    self._notice(code, health, Sign.CUT_OFF, Cause.CUT_OFF, why, now_s, wall_s)
        elif after in SPEAKING and was not in SPEAKING:
            self._rejoin(behind, now_s, wall_s, f"head-end {head_end} is back")

    def _carried_by(self, path: Path) -> Iterable[ResourceCode]:
        return [code for code, way in self.ways.devices.items() if path in way.paths]

    def _rejoin(self, codes: Iterable[ResourceCode], now_s: float, wall_s: float, why: str) -> None:
        """Their way works again: each has its whole patience before its silence counts."""
        for code in codes:
            health = self._devices[code]
            if self.obstacle(code):
                continue
            if health.condition is not Condition.OFFLINE:
                self._arm(code, health, now_s)
            self._notice(code, health, Sign.REJOINED, Cause.REJOINED, why, now_s, wall_s)

    # ---- one step --------------------------------------------------------------------------------------------------

    def _notice(
        self,
        code: ResourceCode,
        health: DeviceHealth,
        sign: Sign,
        cause: Cause,
        why: str,
        now_s: float,
        wall_s: float,
    ) -> None:
        before = health.condition
        after = next_condition(before, sign)
        if after is before:
            return
        kind = self.ways.devices[code].kind
        self._count(kind, code, before, -1)
        self._count(kind, code, after, 1)
        health.condition, health.since = after, wall_s
        health.returning = health.returning or after in (Condition.OFFLINE, Condition.UNREACHABLE)
        if before in (Condition.OFFLINE, Condition.UNREACHABLE) and kind is DeviceKind.ADAPTER:
            self.doubts.add(code)  # its records of the gap (0x10): it works on by itself while nobody hears it
        self._unwritten.add(code)
        begins = after is Condition.OFFLINE and before in SPEAKING and health.flaps.fell(now_s, self._flap_rule)
        health.flaps.changed_s = now_s
        if begins:
            self._flapping.add(code)
            self._tell(code, health, before, wall_s, f"{self._flap_rule.falls_max} falls", Cause.FLAPPING)
        elif not health.flapping:
            self._tell(code, health, before, wall_s, why, cause)
        self._follow(code, after, before, now_s, wall_s)

    def _count(self, kind: DeviceKind, code: ResourceCode, condition: Condition, by: int) -> None:
        self.tally[kind][condition] += by
        if kind is DeviceKind.TERMINAL:
            self.by_town.setdefault(code.area[:TOWN_DIGITS], Counter())[condition] += by

    def _tell(
        self, code: ResourceCode, health: DeviceHealth, before: Condition, wall_s: float, why: str, cause: Cause
    ) -> None:
        health.told = health.condition
        change = Change(code, before, health.condition, wall_s, why, cause)
        for listener in self._listeners:
            listener(change)

    # ---- over a restart --------------------------------------------------------------------------------------------

    def unwritten(self) -> list[tuple[ResourceCode, DeviceHealth]]:
        """Devices whose condition or fault changed since the last call."""
        codes, self._unwritten = self._unwritten, set()
        return [(code, self._devices[code]) for code in sorted(codes)]

    def remember(self, code: ResourceCode, condition: Condition, since: float, seen_at: float, fault: str) -> None:
        """Take back what an earlier life knew. Who was offline or faulty still is, until it speaks; who was online or
        unreachable is unknown, because nobody has listened since."""
        health = self._devices.get(code)
        if health is None:
            return
        health.seen_at, health.since = seen_at, since
        if condition not in (Condition.OFFLINE, Condition.FAULT):
            return
        kind = self.ways.devices[code].kind
        self._count(kind, code, health.condition, -1)
        self._count(kind, code, condition, 1)
        health.condition = health.told = condition
        health.returning = condition is Condition.OFFLINE
        if condition is Condition.FAULT and fault:
            health.faults[EARLIER] = fault


def _sign_of(health: DeviceHealth) -> Sign:
    """What a word of it means, by what is known of its faults."""
    return Sign.FAULTY if health.faults or health.says_fault else Sign.WELL
