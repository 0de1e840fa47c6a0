"""Raises alarms and ends them, and has them told to those configured; what nobody acknowledges goes on to others.

Looks every few seconds at what others know. A thing must have lasted for as long as its kind asks before it is an
alarm, and must be gone for as long before it is over, so that nothing that comes and goes wakes anybody twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from devices.ports import Clock
from ebcd.alarms.book import ESCALATED, alarm_cleared, alarm_noted, alarm_raised
from ebcd.alarms.sightings import AlarmRule
from ebcd.alarms.values import Alarm, AlarmKind, Key, Sighting
from ebcd.clock import beijing
from ebcd.ledger import Ledger

LOOK_S = 5.0
SETTLE_S = 300.0
"""After a start devices and platforms have so long to be heard before their absence counts."""
SETTLES = frozenset({AlarmKind.ONLINE_COUNTY, AlarmKind.ONLINE_TOWN, AlarmKind.PEER})
OPEN_ALARMS_MAX = 2000
"""Alarms that stand at the same time; beyond it nothing more is raised until some are over."""

log = structlog.get_logger("ebcd.alarms")


class AlarmWatch:
    """Drives one county's alarms."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        rule: AlarmRule,
        seen: Callable[[], Iterable[Sighting]],
        tell: Callable[[Sequence[Alarm], str], None],
        bound_acted: Callable[[str], None],
    ) -> None:
        """`seen`: what is wrong now; `tell(alarms, what)` has people told: raised, escalated, cleared."""
        self._ledger = ledger
        self._clock = clock
        self._rule = rule
        self._seen = seen
        self._tell = tell
        self._bound_acted = bound_acted
        self._since_s: dict[Key, float] = {}
        self._gone_s: dict[Key, float] = {}
        self._started_s = clock.monotonic()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Once."""
        now_s = self._clock.monotonic()
        settled = now_s - self._started_s >= SETTLE_S
        present = {each.key: each for each in self._seen() if settled or each.kind not in SETTLES}
        self._since_s = {key: self._since_s.get(key, now_s) for key in present}
        book = self._ledger.state.alarms
        told: dict[str, list[Alarm]] = {"raised": [], ESCALATED: [], "cleared": []}
        for key, sighting in present.items():
            if key not in book.standing and now_s - self._since_s[key] >= self._lasting_s(sighting.kind):
                told["raised"] += self._raise(sighting)
        for alarm in book.open():
            if alarm.key in present or (not settled and alarm.kind in SETTLES):
                self._gone_s.pop(alarm.key, None)
                told[ESCALATED] += self._escalate(alarm)
            elif now_s - self._gone_s.setdefault(alarm.key, now_s) >= self._lasting_s(alarm.kind):
                told["cleared"] += self._clear(alarm)
        for what, alarms in told.items():
            if alarms:
                self._tell(alarms, what)

    def _lasting_s(self, kind: AlarmKind) -> float:
        return self._rule.lasting_s.get(kind, 0.0)

    def _raise(self, seen: Sighting) -> Iterator[Alarm]:
        book = self._ledger.state.alarms
        if len(book.standing) >= OPEN_ALARMS_MAX:
            self._bound_acted("open_alarms")
            return
        now = self._clock.wall()
        number = self._next_number(now)
        self._ledger.enter(alarm_raised(number, seen, now))
        log.error(
            "alarm.raised",
            alarm=number,
            kind=seen.kind,
            subject=seen.subject,
            name=seen.name,
            stage=seen.stage,
            detail=seen.detail,
        )
        yield book.alarms[number]

    def _clear(self, alarm: Alarm) -> Iterator[Alarm]:
        self._gone_s.pop(alarm.key, None)
        self._ledger.enter(alarm_cleared(alarm.id, self._clock.wall()))
        log.info("alarm.cleared", alarm=alarm.id, kind=alarm.kind, subject=alarm.subject)
        yield alarm

    def _escalate(self, alarm: Alarm) -> Iterator[Alarm]:
        """Nobody has acknowledged it in time: others are told, once."""
        now = self._clock.wall()
        if alarm.acknowledged_at or alarm.escalated_at or now - alarm.raised_at < self._rule.acknowledge_s:
            return
        self._ledger.enter(alarm_noted(alarm.id, ESCALATED, now))
        log.error("alarm.unacknowledged", alarm=alarm.id, kind=alarm.kind, subject=alarm.subject)
        yield alarm

    def _next_number(self, now: float) -> str:
        """A, Beijing date, serial of the day; never given twice, since the book remembers the day's alarms."""
        today = f"A{beijing(now):%Y%m%d}"
        used = [int(number[len(today) :]) for number in self._ledger.state.alarms.alarms if number.startswith(today)]
        return f"{today}{max(used, default=0) + 1:04d}"
