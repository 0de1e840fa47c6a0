"""What people ask of the alarms, and that they acknowledge them. An answer waits until the journal holds it (I10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from devices.ports import Clock
from ebcd.alarms.book import alarm_acknowledged
from ebcd.alarms.values import Alarm
from ebcd.ledger import Ledger
from ebcd.operator import Actor, Kind, OperationRefused, Problem

log = structlog.get_logger("ebcd.alarms")


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One line of `ebcd alarms`. Moments are UTC seconds, None where it has not come so far."""

    id: str
    kind: str
    subject: str
    name: str
    detail: str
    stage: int
    raised: int
    acknowledged: int | None
    acknowledged_by: str
    escalated: int | None
    cleared: int | None
    told: tuple[str, ...]


class AlarmOffice:
    """Alarms of one county, for people."""

    def __init__(self, ledger: Ledger, clock: Clock, durable: Callable[[str, str], Awaitable[None]]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._durable = durable

    def rows(self, rows_max: int, *, past: bool) -> tuple[AlarmRow, ...]:
        """Those that stand, or all that are in memory; newest first."""
        book = self._ledger.state.alarms
        found = list(book.alarms.values()) if past else book.open()
        return tuple(_row(alarm) for alarm in found[::-1][:rows_max])

    async def acknowledge(self, number: str, actor: Actor) -> AlarmRow:
        """A person has seen it. Raises OperationRefused for one that is unknown, over, or acknowledged already."""
        alarm = self._ledger.state.alarms.alarms.get(number)
        if alarm is None:
            raise _refused(Kind.NOT_FOUND, "no_such_alarm", number)
        if alarm.cleared_at or alarm.acknowledged_at:
            raise _refused(Kind.CONFLICT, "alarm_settled", number, alarm.acknowledged_by or "-")
        self._ledger.enter(alarm_acknowledged(number, self._clock.wall(), actor.name))
        log.info("alarm.acknowledged", alarm=number, kind=alarm.kind, subject=alarm.subject, actor=actor.name)
        await self._durable("alarm", number)
        return _row(alarm)


def _row(alarm: Alarm) -> AlarmRow:
    return AlarmRow(
        id=alarm.id,
        kind=alarm.kind.value,
        subject=alarm.subject,
        name=alarm.name,
        detail=alarm.detail,
        stage=alarm.stage,
        raised=int(alarm.raised_at),
        acknowledged=_moment(alarm.acknowledged_at),
        acknowledged_by=alarm.acknowledged_by,
        escalated=_moment(alarm.escalated_at),
        cleared=_moment(alarm.cleared_at),
        told=tuple(alarm.told),
    )


def _moment(at: float) -> int | None:
    return int(at) if at else None


def _refused(kind: Kind, code: str, number: str, limit: str = "") -> OperationRefused:
    return OperationRefused(Problem(kind, code, "alarm", number, limit))
