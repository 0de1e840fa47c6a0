"""The daemon's own backups: made when they are due and nothing is on air, told in the log and the metrics
(R-PERF-07, R-PERF-08)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import structlog

from ebcd.backup.errors import BackupError
from ebcd.backup.keeping import Kept, archives, due_at, expendable
from ebcd.backup.make import Doors, Made, make, passphrase_of
from ebcd.metrics import BackupFigures, Metrics
from ebcd.settings import Settings
from ebcd.world import World

FIRST_LOOK_S = 300.0
"""A daemon that has just come back has other things to do."""

LOOK_S = 60.0
RETRY_S = 1800.0
PATIENCE_S = 6 * 3600.0
"""An alert on air puts a backup off, but not for longer than this."""

log = structlog.get_logger("ebcd.backup")


class Clerk:
    """Looks once a minute whether a backup is due."""

    def __init__(self, settings: Settings, world: World, metrics: Metrics, on_air: Callable[[], bool]) -> None:
        self._settings = settings
        self._world = world
        self._metrics = metrics
        self._on_air = on_air
        self._figures = BackupFigures()
        self._not_before_s = 0.0
        self._ending = threading.Event()
        metrics.watch_backups(lambda: self._figures)

    def use(self, settings: Settings) -> None:
        """Work by another `[backup]` from the next look on."""
        self._settings = settings

    async def run(self) -> None:
        """Work until cancelled. Where backups are turned off, only count what is there."""
        self._ending.clear()
        try:
            await self._look()
            await asyncio.sleep(FIRST_LOOK_S)
            while True:
                if self._is_time(await self._look()):
                    await self._make()
                await asyncio.sleep(LOOK_S)
        finally:
            self._ending.set()  # a thread in the middle of an archive lets go of it

    async def _look(self) -> Kept | None:
        """Count the archives; the newest."""
        section, area = self._settings.backup, str(self._settings.platform.area)
        try:
            kept = await asyncio.to_thread(archives, section.folder, area)
        except OSError as error:
            log.error("backup.folder_unreadable", folder=str(section.folder), reason=error.strerror or str(error))
            return None
        newest = kept[-1] if kept else None
        self._figures = BackupFigures(
            newest.made_at if newest else 0.0, newest.size_bytes if newest else 0, len(kept), section.every_h * 3600.0
        )
        return newest

    def _is_time(self, newest: Kept | None) -> bool:
        clock, every_h = self._world.clock, self._settings.backup.every_h
        if not every_h or clock.monotonic() < self._not_before_s:
            return False
        now_s = clock.wall()  # read once: between two readings real clocks go on, and the first one is due this moment
        late_s = now_s - due_at(newest, every_h, now_s)
        return late_s >= 0 and (late_s > PATIENCE_S or not self._on_air())

    async def _make(self) -> None:
        world, settings = self._world, self._settings
        doors = Doors(world.clock.wall, world.clock.monotonic, world.entropy, self._ending.is_set)
        try:
            made = await asyncio.to_thread(make, settings, settings.backup.folder, passphrase_of(settings), doors)
        except BackupError as error:
            self._not_before_s = world.clock.monotonic() + RETRY_S
            self._metrics.backup(error.what)
            log.error("backup.failed", reason=error.what, detail=str(error))
            return
        self._metrics.backup("made")
        _tell(made)
        await self._let_go()
        await self._look()

    async def _let_go(self) -> None:
        """Archives beyond their time."""
        section, area = self._settings.backup, str(self._settings.platform.area)

        def remove() -> list[str]:
            going = expendable(archives(section.folder, area), section.keep_days, self._world.clock.wall())
            for each in going:
                each.path.unlink(missing_ok=True)
            return [each.path.name for each in going]

        try:
            gone = await asyncio.to_thread(remove)
        except OSError as error:
            log.error("backup.not_removed", folder=str(section.folder), reason=error.strerror or str(error))
            return
        if gone:
            log.info("backup.removed", files=gone)


def _tell(made: Made) -> None:
    heads = {head.stream: head.seq for head in made.manifest.heads}
    log.info(
        "backup.made",
        file=str(made.file),
        size_bytes=made.size_bytes,
        encrypted=made.sealed,
        rows=heads,
        packages_missing=made.manifest.packages_missing,
        took_s=round(made.took_s, 3),
    )
