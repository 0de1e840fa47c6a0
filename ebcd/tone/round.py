"""Writes the tone's message in time for its approval. Everything else the core does, as with every drill.

It is written once a turn: who turns it down or cancels it is not asked again until the next. A daemon that was not
running when the tone was due does not make up for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from devices.ports import Clock
from ebcd.alert import Alert, AlertClass, DrillDepth, Media, Origin, Window
from ebcd.catalogue import text
from ebcd.core import Core
from ebcd.facts import DAEMON
from ebcd.intake import UnusableSound
from ebcd.operator import OperationRefused
from ebcd.tone.desk import ToneDesk
from ebcd.tone.timetable import Turn
from protocols.codes import AreaCode, EbmId

LOOK_S = 20.0
EVENT_TYPE = "60100"
LEVEL = 4
LANGUAGE = "zho"

log = structlog.get_logger("ebcd.tone")


class ToneRound:
    """One county's."""

    def __init__(
        self,
        desk: ToneDesk,
        core: Core,
        clock: Clock,
        next_id: Callable[[], EbmId],
        sound: Callable[[], Awaitable[Media]],
        agency: str,
        language: str,
    ) -> None:
        """`sound` makes the chime that is heard; `agency`: our own name, `language`: of title and text."""
        self._desk = desk
        self._core = core
        self._clock = clock
        self._next_id = next_id
        self._sound = sound
        self._agency = agency
        self._language = language
        self._passed_over: int | None = None

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Once: write the message of a turn that is near, where nobody has."""
        table, now = self._desk.timetable, self._clock.wall()
        turn = table.next_turn(now)
        if turn is None or turn.start - now > table.ahead_s or self._desk.written(turn) is not None:
            return
        places = self._desk.places(turn)
        reached, left_out = self._desk.reached(places)
        if table.in_quiet_hours(self._core.rules.quiet, turn) or not reached:
            self._pass_over(turn, "quiet_hours" if reached else "no_place")
            return
        try:
            media, number = await self._sound(), self._next_id()
        except (UnusableSound, OSError, OperationRefused) as error:
            self._pass_over(turn, str(error))
            return
        record = self._core.take_in(self._alert(turn, places, media, number), self._clock.monotonic())
        log.info(
            "tone.written",
            alert=number,
            part=turn.part + 1,
            parts=table.parts,
            places=len(places),
            terminals=len(reached),
            fm_only=left_out,
            state=record.state,
        )

    def _alert(self, turn: Turn, places: tuple[AreaCode, ...], media: Media, number: EbmId) -> Alert:
        """A real drill of the least level: heard at terminals and never taken for an alert (I5)."""
        return Alert(
            id=number,
            origin=Origin.TONE,
            class_=AlertClass.REAL_DRILL,
            level=LEVEL,
            depth=DrillDepth.TERMINAL,
            event_type=EVENT_TYPE,
            window=Window(turn.start, turn.end),
            areas=places,
            dropped_areas=(),
            title=text("tone.title", self._language),
            text=text("tone.text", self._language),
            agency=self._agency,
            language=LANGUAGE,
            media=media,
            stream_url="",
            received_at=self._clock.wall(),
            author=DAEMON,
            volume=self._desk.timetable.volume,
        )

    def _pass_over(self, turn: Turn, why: str) -> None:
        if self._passed_over != turn.start:
            self._passed_over = turn.start
            log.warning("tone.passed_over", start=turn.start, part=turn.part + 1, why=why)
