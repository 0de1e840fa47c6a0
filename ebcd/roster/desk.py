"""The roster's file, kept and watched: who is told now, what is planned, and what people change in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from devices.ports import Clock
from ebcd.alarms import AlarmKind, Sighting
from ebcd.archive.table import read_content, replace_file
from ebcd.errors import ConfigError
from ebcd.facts import Fact
from ebcd.operator import Actor, Kind, OperationRefused, Problem
from ebcd.roster.plan import FOREVER, Roster, Turn, moment_text, parse
from ebcd.workorders.crews import Crew
from protocols.sm2 import sm3

SHIFT_ROSTERED = "shift.rostered"
DAY_S = 86_400.0

log = structlog.get_logger("ebcd.roster")


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turn for people, or a gap where `operator` is empty. UTC seconds; a gap without end has none."""

    begin: int
    end: int | None
    operator: str
    now: bool


def rostered(turns: int, digest: str, at: float, actor: str) -> Fact:
    """Somebody changed the roster: who and when, and by which digest the file is known; the people in it stay out."""
    return Fact(SHIFT_ROSTERED, None, at, actor, {"turns": turns, "digest": digest})


class RosterDesk:
    """One county's roster."""

    def __init__(
        self,
        file: Path,
        clock: Clock,
        people: Callable[[], Collection[str]],
        enter: Callable[[Fact], None],
        durable: Callable[[str, str], Awaitable[None]],
        ahead_s: float,
        absent_s: float,
    ) -> None:
        """`ahead_s`: how long before a gap it is an alarm; `absent_s`: after so long, somebody who is planned and has
        not taken the shift is one."""
        self._file = file
        self._clock = clock
        self._people = people
        self._enter = enter
        self._durable = durable
        self._ahead_s = ahead_s
        self._absent_s = absent_s
        self._known: tuple[int, int] | None = None
        self._roster = Roster()

    def now(self) -> Roster:
        """What the file says; one that cannot be used changes nothing and is logged once."""
        try:
            status = self._file.stat()
            known = status.st_mtime_ns, status.st_size
        except OSError:
            known = None
        if known != self._known:
            self._known = known
            turns, problems = self._read()
            if problems:
                log.error("roster.unusable", file=str(self._file), problems=len(problems), first=problems[0])
            else:
                self._roster = Roster(turns)
        return self._roster

    def _read(self) -> tuple[tuple[Turn, ...], list[str]]:
        try:
            content = read_content(self._file)
        except ConfigError as error:
            return (), [str(error)]
        turns, problems = parse(content, str(self._file), self._people()) if content else ((), [])
        return turns, [replace(each, value="").sentence() for each in problems]  # names and numbers stay out of the log

    def recipients(self) -> tuple[Crew, ...]:
        """Whom alarms reach now, as crews without an area."""
        turns = self.now().at(self._clock.wall())
        return tuple(Crew(t.operator, (), t.phone, t.email) for t in turns if t.phone or t.email)

    def sightings(self, on_duty: str) -> Iterator[Sighting]:
        """Gaps that are near, and who should be on duty and is not."""
        roster, now = self.now(), self._clock.wall()
        for begin, end in roster.gaps(now, now + self._ahead_s):
            until = "" if end == FOREVER else moment_text(end)
            yield Sighting(AlarmKind.ROSTER_GAP, moment_text(begin), detail=until)
        planned = roster.at(now)
        if planned and on_duty not in {turn.operator for turn in planned}:
            for turn in planned:
                if now - turn.begin >= self._absent_s:
                    yield Sighting(AlarmKind.DUTY_ABSENT, turn.operator, on_duty or "-")

    # ---- what people do --------------------------------------------------------------------------------------------

    def rows(self, days: int) -> tuple[TurnRow, ...]:
        """What is planned from now on, with the gaps in it."""
        now = self._clock.wall()
        roster, until = self.now(), now + days * DAY_S
        rows = [_row(t.begin, t.end, t.operator, now) for t in roster.turns if t.end > now and t.begin < until]
        rows += [_row(begin, end, "", now) for begin, end in roster.gaps(now, until)]
        return tuple(sorted(rows, key=lambda row: (row.begin, row.operator)))

    async def put(self, content: str, actor: Actor, *, dry_run: bool) -> tuple[TurnRow, ...]:
        """Turns that take the place of what was planned for their time. Raises ConfigError with every row that is
        wrong, OperationRefused."""
        turns, problems = parse(content.encode(), "roster", self._people())
        if problems:
            raise ConfigError(problems)
        if not turns:
            raise OperationRefused(Problem(Kind.INVALID, "roster_empty", "csv"))
        if not dry_run:
            await self._write(self.now().overlaid(turns), actor)
        return tuple(_row(t.begin, t.end, t.operator, self._clock.wall()) for t in sorted(turns))

    async def _write(self, roster: Roster, actor: Actor) -> None:
        data = roster.content()
        try:
            replace_file(self._file, data)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OperationRefused(
                Problem(Kind.UNAVAILABLE, "roster_unwritten", "file", str(self._file), reason)
            ) from error
        self._known = None
        self._enter(rostered(len(roster.turns), sm3(data).hex(), self._clock.wall(), actor.name))
        log.info("shift.rostered", actor=actor.name, turns=len(roster.turns))
        await self._durable("shift", "roster")


def _row(begin: float, end: float, operator: str, now: float) -> TurnRow:
    return TurnRow(int(begin), None if end == FOREVER else int(end), operator, begin <= now < end)
