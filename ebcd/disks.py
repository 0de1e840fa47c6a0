"""How full the disks are, looked at in a thread: a network folder that hangs must not hang the daemon (I6)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prometheus_client.metrics_core import Metric

from ebcd.gauges import disk_metrics
from ebcd.settings import Settings
from ebcd.store.engine import database_file, parse_url

LOOK_S = 30.0


class Disks:
    """The disks below the folders of one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._database = database_file(parse_url(settings.store.url))
        self._folders: dict[str, Path] = {
            "packages": settings.store.packages,
            "media": settings.media.folder,
            "backups": settings.backup.folder,
        }
        if self._database is not None:
            self._folders["journal"] = self._database.parent
        self._seen: Mapping[str, tuple[int, int]] = {}
        self._journal_bytes = 0

    def metrics(self) -> Iterator[Metric]:
        """What was seen last."""
        return disk_metrics(self._seen, self._journal_bytes)

    async def run(self, looked: Callable[[], None] = lambda: None) -> None:
        """Look twice a minute until cancelled; `looked` is called after each."""
        while True:
            self._seen, self._journal_bytes = await asyncio.to_thread(self._look)
            looked()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> tuple[dict[str, tuple[int, int]], int]:
        seen = {name: found for name, folder in self._folders.items() if (found := _room(folder)) is not None}
        return seen, _size(self._database) if self._database else 0


def _room(folder: Path) -> tuple[int, int] | None:
    """Free and whole size, of its nearest parent where it is not there yet; None where nothing can be asked."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.free, usage.total


def _size(database: Path) -> int:
    total = 0
    for name in (database.name, f"{database.name}-wal"):
        try:
            total += database.with_name(name).stat().st_size
        except OSError:
            continue
    return total
