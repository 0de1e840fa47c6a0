"""Alarms on their way to people: by SMS, e-mail and webhook, to the crews that the configuration names (R-PLT-04)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import structlog

from devices.ports import Clock
from ebcd.alarms.book import ESCALATED, alarm_noted
from ebcd.alarms.sightings import AlarmRule
from ebcd.alarms.values import Alarm, AlarmKind
from ebcd.catalogue import has, text
from ebcd.ledger import Ledger
from ebcd.workorders.crews import Crew, and_on_duty
from ebcd.workorders.notify import TOLD, UNTOLD, Channel, Notice, hand_on

UNDER_WAY_MAX = 500
"""Messages that are being handed on; a county that falls apart must not fill the memory with them."""
SINGLY_MAX = 3
"""So many alarms of one moment are told one by one, and so many are named in a message about more."""

log = structlog.get_logger("ebcd.alarms")


class AlarmTeller:
    """Has crews told of alarms, each channel on its own."""

    def __init__(
        self,
        ledger: Ledger,
        crews: Mapping[str, Crew],
        channels: Sequence[Channel],
        clock: Clock,
        rule: AlarmRule,
        language: str,
        bound_acted: Callable[[str], None],
        on_duty: Callable[[], Sequence[Crew]] = tuple,
    ) -> None:
        """`on_duty`: whom the roster names now; they hear of everything, besides the configured crews."""
        self._ledger = ledger
        self._crews = crews
        self._channels = tuple(channels)
        self._clock = clock
        self._rule = rule
        self._language = language
        self._bound_acted = bound_acted
        self._on_duty = on_duty
        self._queue: asyncio.Queue[tuple[Channel, Notice, list[str]]] = asyncio.Queue(UNDER_WAY_MAX)
        self._under_way = 0

    def tell(self, alarms: Sequence[Alarm], what: str) -> None:
        """`what`: raised, escalated, or cleared, of which those hear who heard of the alarm. Many at once are told in
        one message: a county that lost its power is one thing to know."""
        names = self._rule.escalate if what == ESCALATED else self._rule.tell
        if what == "cleared" and any(alarm.escalated_at for alarm in alarms):
            names = (*names, *self._rule.escalate)
        groups = [[alarm] for alarm in alarms] if len(alarms) <= SINGLY_MAX else [list(alarms)]
        for group in groups:
            for crew in self._recipients(names):
                notice = self._notice(group, what, crew)
                for channel in (each for each in self._channels if each.serves(crew)):
                    self._put(channel, notice, [alarm.id for alarm in group])

    def _recipients(self, names: Sequence[str]) -> list[Crew]:
        named = [self._crews[name] for name in dict.fromkeys(names) if name in self._crews]
        return and_on_duty(named, self._on_duty())

    def _notice(self, alarms: Sequence[Alarm], what: str, crew: Crew) -> Notice:
        said = "; ".join(words_of(alarm, self._language) for alarm in alarms[:SINGLY_MAX])
        if len(alarms) > SINGLY_MAX:
            said += text("alarm_notice.more", self._language, count=len(alarms) - SINGLY_MAX)
        words = text(f"alarm_notice.{what}", self._language, id=alarms[0].id, what=said)
        subject = text("alarm_notice.subject", self._language, id=alarms[0].id)
        return Notice(alarms[0].id, what, crew, subject, words, {"alarms": [asdict(alarm) for alarm in alarms]})

    def _put(self, channel: Channel, notice: Notice, numbers: list[str]) -> None:
        if self._under_way >= UNDER_WAY_MAX:
            self._bound_acted("alarm_notices")
            return
        self._under_way += 1
        self._queue.put_nowait((channel, notice, numbers))

    async def run(self) -> None:
        """Hand on until cancelled; first what an earlier life raised and nobody was told of."""
        if untold := [alarm for alarm in self._ledger.state.alarms.open() if not alarm.told]:
            self.tell(untold, "raised")
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._hand_on(*await self._queue.get()))

    async def _hand_on(self, channel: Channel, notice: Notice, numbers: list[str]) -> None:
        try:
            reason = await hand_on(channel, notice)
        finally:
            self._under_way -= 1
        outcome = f"{UNTOLD} {channel.name}: {reason}" if reason else f"{TOLD} {channel.name}"
        now = self._clock.wall()
        self._ledger.enter(*(alarm_noted(number, f"{notice.what} {outcome}", now) for number in numbers))


def words_of(alarm: Alarm, language: str) -> str:
    """An alarm as a sentence."""
    return sentence(alarm.kind, alarm.subject, alarm.name, alarm.detail, alarm.stage, language)


def sentence(kind: str, subject: str, name: str, detail: str, stage: int, language: str) -> str:
    """The same of its parts; a kind of a newer daemon stays as it is."""
    key, days, count = f"alarm_words.{kind}", "", ""
    if kind == AlarmKind.CERTIFICATE:
        days, _, count = detail.partition(" ")
        key = f"alarm_words.certificate_{'ends' if stage else 'ended'}"
    if not has(key):
        return f"{kind} {subject} {name} {detail}"
    role = f"role.{name}"
    said = text(role, language) if has(role) else name
    return text(key, language, subject=subject, name=said, detail=detail, days=days, count=count)
