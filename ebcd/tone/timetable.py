"""When the next tone sounds, and where: `[tone]` of the configuration as pure arithmetic over Beijing days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from ebcd.clock import BEIJING, beijing
from ebcd.rules import QuietHours
from protocols.codes import AreaCode

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Turn:
    """One tone: its window (UTC seconds), and which part of the places hears it, counted from 0."""

    start: int
    end: int
    part: int


@dataclass(frozen=True, slots=True)
class Timetable:
    """`[tone]`. No days: no tone."""

    days: tuple[str, ...] = ()
    at: time = time(10, 30)
    for_s: int = 60
    volume: int = 10
    parts: int = 7
    areas: tuple[AreaCode, ...] = ()
    ahead_s: float = 7200.0
    proof_days: int = 8

    def next_turn(self, now: float) -> Turn | None:
        """The first one that begins at or after `now` (UTC seconds); None where there are no days."""
        today = beijing(now).date()
        for ahead in range(WEEK_DAYS + 1):
            day = today + timedelta(days=ahead)
            start = int(datetime.combine(day, self.at, BEIJING).timestamp())
            if DAYS[day.weekday()] in self.days and start >= now:
                return Turn(start, start + self.for_s, self._number(day.toordinal()) % self.parts)
        return None

    def _number(self, day: int) -> int:
        """How many tone days lie before the day (an ordinal; day 1 was a Monday), so that parts take turns without a
        memory."""
        week, weekday = divmod(day - 1, WEEK_DAYS)
        days = sorted(DAYS.index(each) for each in set(self.days))
        return week * len(days) + days.index(weekday)

    def places(self, all_of_them: Iterable[AreaCode], part: int) -> tuple[AreaCode, ...]:
        """The areas whose turn it is. A place keeps its part whatever places come and go; one that holds others (a town
        with terminals of its own) brings them along, since nothing can be said to it alone."""
        places = frozenset(all_of_them)
        outermost = {[area for area in place.enclosing if area in places][-1] for place in places}
        return tuple(sorted(area for area in outermost if int(area) % self.parts == part))

    def in_quiet_hours(self, quiet: QuietHours, turn: Turn) -> bool:
        """Whether any moment of it lies in quiet hours."""
        if quiet.start == quiet.end:
            return False
        step = min(60, self.for_s)
        return any(quiet.are_on(at) for at in (*range(turn.start, turn.end, step), turn.end - 1))
