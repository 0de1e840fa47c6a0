"""What has to be written down in time: begins of sound, the online rate through the day, the report of the morning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path as Folder

import orjson
import structlog

from devices.link import Began, Event, Path
from devices.ports import Clock
from ebcd.clock import BEIJING, beijing
from ebcd.evaluation.desk import ONLINE, SAMPLES, EvaluationDesk
from ebcd.evaluation.effect import newest
from ebcd.evaluation.evidence import evidence_began
from ebcd.evaluation.morning import MorningReport, as_text
from ebcd.foundation import Foundation
from ebcd.gauges import effect_metrics
from ebcd.health import HealthBook
from ebcd.ledger import Ledger
from ebcd.store import Store, StoreError
from protocols.codes import EbmId

GATHER_S = 5.0
"""Begins of sound gather this long and are journaled together: they delay no answer."""
BEGAN_AT_ONCE_MAX = 5000
BEGAN_WAITING_MAX = 200_000
"""Reports of begin that wait to be journaled; more than a province has terminals."""
SAMPLE_S = 600.0
LOOK_S = 20.0
SETTLE_S = 300.0
"""After a start devices have so long to be heard before a report is made."""
REPORTS_KEPT_MAX = 400
"""Morning reports kept in the folder, a year and a month of them; the oldest go."""

log = structlog.get_logger("ebcd.evaluation")


@dataclass(frozen=True, slots=True)
class MorningRule:
    """`[morning]`: when (Beijing time) and where."""

    at: time
    folder: Folder
    language: str


def keeper_of(base: Foundation, ledger: Ledger, health: HealthBook) -> Keeper:
    """The keeper of one daemon, and the desk that it keeps for."""
    me, morning = base.settings.platform, base.settings.morning
    days = base.settings.tone.proof_days
    desk = EvaluationDesk(ledger, base.store, base.inventory, health, base.world.clock, me.name, days)
    state = ledger.state
    base.metrics.watch(lambda: effect_metrics(newest(state.alerts.values(), state.evidence.alerts)))
    rule = MorningRule(morning.at, morning.folder, me.language)
    return Keeper(desk, ledger, base.store, base.world.clock, rule, base.metrics.bound_acted)


class Keeper:
    """Keeps evidence and reports of one county."""

    def __init__(
        self,
        desk: EvaluationDesk,
        ledger: Ledger,
        store: Store,
        clock: Clock,
        rule: MorningRule,
        bound_acted: Callable[[str], None],
    ) -> None:
        self.desk = desk
        self._ledger = ledger
        self._store = store
        self._clock = clock
        self._rule = rule
        self._bound_acted = bound_acted
        self._began: dict[EbmId, dict[str, float]] = {}
        self._waiting = 0

    def observe(self, event: Event, _path: Path) -> None:
        """A link tells something; a begin of sound is kept for the evidence."""
        if not isinstance(event, Began):
            return
        if self._waiting >= BEGAN_WAITING_MAX:
            self._bound_acted("began_waiting")
            return
        self._began.setdefault(event.ebm_id, {}).setdefault(event.code, self._clock.wall())
        self._waiting += 1

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_begins())
            group.create_task(self._sample())
            group.create_task(self._mornings())

    async def _keep_begins(self) -> None:
        while True:
            await asyncio.sleep(GATHER_S)
            began, self._began, self._waiting = self._began, {}, 0
            for alert_id, moments in began.items():
                record = self._ledger.state.alerts.get(alert_id)
                if record is None:
                    continue
                known = self._ledger.state.evidence.alerts.get(alert_id)
                told = known.began_at if known else {}
                items = [(code, at) for code, at in moments.items() if code in record.deliveries and code not in told]
                for first in range(0, len(items), BEGAN_AT_ONCE_MAX):
                    batch = items[first : first + BEGAN_AT_ONCE_MAX]
                    self._ledger.enter(evidence_began(alert_id, batch, self._clock.wall()))
                    await asyncio.sleep(0)

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            day = f"{beijing(self._clock.wall()):%Y%m%d}"
            online, of = self.desk.online()
            try:
                self._store.count_soon({f"{ONLINE}{day}": online, f"{SAMPLES}{day}": of})
            except StoreError as error:
                log.warning("online.rate_not_kept", reason=str(error))

    # ---- the morning -----------------------------------------------------------------------------------------------

    async def _mornings(self) -> None:
        """One report a day, also where the daemon was started after the hour and the day has none yet."""
        await asyncio.sleep(SETTLE_S)
        while True:
            now = beijing(self._clock.wall())
            due = datetime.combine(now.date(), self._rule.at, BEIJING)
            if now >= due and not self._file(now, "json").exists():
                await self._write(now)
            next_due = due if now < due else due + timedelta(days=1)
            await asyncio.sleep(min(LOOK_S, max(1.0, (next_due - now).total_seconds())))

    async def _write(self, now: datetime) -> None:
        report = await self.desk.morning()
        try:
            self._rule.folder.mkdir(parents=True, exist_ok=True)
            words = as_text(report, self._rule.language)
            _put(self._file(now, "txt"), words.encode())
            _put(self._file(now, "json"), orjson.dumps(report, option=orjson.OPT_INDENT_2))  # last: it is looked for
            self._forget_old()
        except OSError as error:
            log.error("morning.not_written", folder=str(self._rule.folder), reason=error.strerror or str(error))
            await asyncio.sleep(SAMPLE_S)
            return
        _say(report)

    def _file(self, day: datetime, ending: str) -> Folder:
        return self._rule.folder / f"morning-{day:%Y-%m-%d}.{ending}"

    def _forget_old(self) -> None:
        for ending in ("txt", "json"):
            for old in sorted(self._rule.folder.glob(f"morning-*.{ending}"))[:-REPORTS_KEPT_MAX]:
                old.unlink()


def _put(file: Folder, content: bytes) -> None:
    """Whole or not at all: half a report would stand for the day's."""
    half = file.with_suffix(f"{file.suffix}.part")
    half.write_bytes(content)
    half.replace(file)


def _say(report: MorningReport) -> None:
    log.info(
        "morning.report",
        terminals=report.terminals,
        would_speak=report.would_speak,
        proved=report.proved,
        alarms=len(report.alarms),
        reasons=report.reasons,
        orders=len(report.orders),
    )
