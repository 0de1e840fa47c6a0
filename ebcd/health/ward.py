"""What the daemon does about its devices' health: listens to time, asks who is in doubt, sets clocks, writes down.

Everything goes out through the links' outboxes, where an alert pushes it aside; nothing here can delay one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from statistics import median

import structlog

from devices.link import AskState, Command, Link, OutboxFull, Path, SetClock
from devices.maintenance import AskValues
from devices.ports import Clock
from devices.roster import DeviceKind
from ebcd.health.book import HealthBook
from ebcd.health.device import DeviceHealth
from ebcd.health.table import SPEAKING, Condition
from ebcd.store import HealthRow, Store
from protocols import terminal
from protocols.codes import ResourceCode

TICK_S = 1.0
SEEN_WRITTEN_S = 300.0
"""How often the last sign of life of everybody is written down; conditions are written when they change."""
CLOCKS_AGAIN_S = 600.0
"""A wrong clock is set at most so often."""
CLOCKS_JUDGED_MIN = 10
"""So many devices must agree before our own clock is suspected instead of theirs."""
NIGHTS = 7
"""A seventh of all devices is asked each night, so everyone once a week."""
ASKED_AT_ONCE_MAX = 200
"""Questions of one second: a night's share of the largest county takes minutes."""
CLOCKS_LOOKED_AT_S = 10.0
BEIJING = timezone(timedelta(hours=8))

log = structlog.get_logger("ebcd.health")


@dataclass(frozen=True, slots=True)
class WardRule:
    """`[health]` of the configuration."""

    clock_error_s_max: float = 5.0
    round_hour: int = 2  # Beijing hour of the night round


@dataclass(slots=True)
class Round:
    """One night's questions: who is still to be asked."""

    night: int = -1
    left: list[ResourceCode] = field(default_factory=list)


class Ward:
    """Looks after the book."""

    def __init__(
        self,
        book: HealthBook,
        by_path: Mapping[Path, Sequence[Link]],
        store: Store,
        clock: Clock,
        rule: WardRule,
        count: Callable[[str, int], None],
        adapter_of: Callable[[ResourceCode], ResourceCode | None] = lambda _code: None,
    ) -> None:
        """`count(what, how_many)` feeds the metrics: asked, clock_set, clock_suspect. `adapter_of`: who passes a
        question on to a terminal (GD/J 089 table A.16)."""
        self._adapter_of = adapter_of
        self.book = book
        self.round = Round()
        self._by_path = by_path
        self._store = store
        self._clock = clock
        self._rule = rule
        self._count = count
        self.clocks_set: dict[ResourceCode, float] = {}
        """When devices were last given our time, monotonic seconds."""
        self._suspects_own_clock = False
        self._clocks_seen_s = 0.0

    async def prepare(self) -> None:
        """Take back what an earlier life knew. Raises StoreError."""
        for row in await self._store.health():
            condition = Condition(row.state) if row.state in set(Condition) else Condition.UNKNOWN
            self.book.remember(ResourceCode(row.code), condition, row.since, row.last_seen, row.detail)

    async def run(self) -> None:
        """Work until cancelled."""
        written_s = self._clock.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now_s, wall_s = self._clock.monotonic(), self._clock.wall()
            self.book.tick(now_s, wall_s)
            rows = self.book.unwritten()
            if now_s - written_s >= SEEN_WRITTEN_S:
                written_s = now_s
                rows = [(code, health) for code, health in self.book.all() if health.seen_at]
            self._store.health_soon(_row(code, health) for code, health in rows)
            self._ask_doubtful()
            self._set_clocks(now_s)
            self._tell_time(now_s)
            self._night(wall_s)

    def _tell_time(self, now_s: float) -> None:
        """Clocks of devices that were switched on: they wake up with any time, and judge signatures by it."""
        restarted, self.book.restarted = self.book.restarted, set()
        self._set(restarted, now_s)

    def _ask_doubtful(self) -> None:
        doubts = tuple(self.book.doubts)
        self.book.doubts.clear()
        for path, codes in self._by_live_path(doubts).items():
            self._offer(path, AskState(tuple(codes)))
        adapters, self.book.fault_doubts = self.book.fault_doubts, set()
        if adapters:
            self._offer(Path.ADAPTER, AskValues(tuple(sorted(adapters)), ()))

    # ---- clocks ----------------------------------------------------------------------------------------------------

    @property
    def suspects_own_clock(self) -> bool:
        """Whether so many devices disagree with our clock that it is the one in doubt."""
        return self._suspects_own_clock

    def clock_errors(self) -> dict[ResourceCode, float]:
        """Devices whose clock is off by more than the limit, and by how much (device minus ours, seconds)."""
        limit_s = self._rule.clock_error_s_max
        return {
            code: health.clock_error_s
            for code, health in self.book.all()
            if health.clock_error_s is not None and abs(health.clock_error_s) > limit_s
        }

    def _set_clocks(self, now_s: float) -> None:
        if now_s - self._clocks_seen_s < CLOCKS_LOOKED_AT_S:
            return
        self._clocks_seen_s = now_s
        wrong = self.clock_errors()
        known = [h.clock_error_s for _, h in self.book.all() if h.clock_error_s is not None] if wrong else []
        suspect = len(known) >= CLOCKS_JUDGED_MIN and abs(median(known)) > self._rule.clock_error_s_max
        if suspect != self._suspects_own_clock:
            self._suspects_own_clock = suspect
            if suspect:
                self._count("clock_suspect", 1)
                log.error("clock.suspect", devices=len(known), median_s=round(median(known), 1))
        if suspect:
            return
        devices = self.book.ways.devices
        self.clocks_set = {code: at_s for code, at_s in self.clocks_set.items() if code in devices}
        due = [c for c in wrong if now_s - self.clocks_set.get(c, -CLOCKS_AGAIN_S) >= CLOCKS_AGAIN_S]
        for code in self._set(due, now_s):
            log.warning("device.clock_wrong", device=code, error_s=round(wrong[code], 1))

    def _set(self, codes: Iterable[ResourceCode], now_s: float) -> list[ResourceCode]:
        """Give these devices our time; those that were offered it."""
        done: list[ResourceCode] = []
        for path, members in self._by_live_path(codes).items():
            if self._offer(path, SetClock(tuple(members))):
                done += members
        self.clocks_set.update(dict.fromkeys(done, now_s))
        if done:
            self._count("clock_set", len(done))
        return done

    # ---- the night round -------------------------------------------------------------------------------------------

    def _night(self, wall_s: float) -> None:
        moment = datetime.fromtimestamp(wall_s, BEIJING)
        night = moment.toordinal()
        if self.round.night != night and moment.hour == self._rule.round_hour:
            codes = [code for code, way in self.book.ways.devices.items() if way.period_s is not None]
            chosen = [code for code in sorted(codes) if int(code) % NIGHTS == night % NIGHTS]
            self.round = Round(night, chosen)
            log.info("round.began", devices=len(chosen))
            self._set(codes, self._clock.monotonic())  # everybody's clock, once a day
        if not self.round.left:
            return
        batch, self.round.left = self.round.left[:ASKED_AT_ONCE_MAX], self.round.left[ASKED_AT_ONCE_MAX:]
        for path, codes in self._by_live_path(batch).items():
            if self._offer(path, AskState(tuple(codes))):
                self._asked(codes, wall_s)
        if any(link.capabilities.asks for link in self._by_path.get(Path.ADAPTER, ())):
            for adapter, codes in self._by_adapter(batch).items():
                if self._offer(Path.ADAPTER, AskValues((adapter,), (terminal.WORK_STATE,), targets=tuple(codes))):
                    self._asked(codes, wall_s)

    def _asked(self, codes: Sequence[ResourceCode], wall_s: float) -> None:
        self._count("asked", len(codes))
        for code in codes:
            self.book.of(code).asked_at = wall_s

    def _by_adapter(self, codes: Iterable[ResourceCode]) -> dict[ResourceCode, list[ResourceCode]]:
        """Those that speak through an adapter, by the adapter."""
        found: dict[ResourceCode, list[ResourceCode]] = {}
        for code in codes:
            health = self.book.of(code)
            is_behind = health.path is Path.ADAPTER and self.book.ways.devices[code].kind is DeviceKind.TERMINAL
            if is_behind and health.condition in SPEAKING and (adapter := self._adapter_of(code)) is not None:
                found.setdefault(adapter, []).append(code)
        return found

    def _by_live_path(self, codes: Iterable[ResourceCode]) -> dict[Path, list[ResourceCode]]:
        """Those that speak, by the path over which they can be asked; one behind an adapter has no such path."""
        found: dict[Path, list[ResourceCode]] = {}
        for code in codes:
            health = self.book.of(code)
            behind_adapter = health.path is Path.ADAPTER and self.book.ways.devices[code].kind is DeviceKind.TERMINAL
            if health.condition in SPEAKING and health.path is not None and not behind_adapter:
                found.setdefault(health.path, []).append(code)
        return found

    def _offer(self, path: Path, command: Command) -> bool:
        """To every link of a path; False where none has room, which is no reason to insist."""
        taken = False
        for link in self._by_path.get(path, ()):
            try:
                link.offer(command)
            except OutboxFull:
                self._count("outbox_full", 1)
            else:
                taken = True
        return taken


def _row(code: ResourceCode, health: DeviceHealth) -> HealthRow:
    path = health.path.value if health.path else ""
    return HealthRow(code, health.condition.value, health.since, health.seen_at, path, health.fault)
