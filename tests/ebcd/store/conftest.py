"""Stores for tests: inline on a file without fsync in virtual time, with threads and fsync where marked `real`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.ports import Clock
from ebcd.store import NewEvent, Store, open_store
from tests.virtual_time import VirtualClock

COUNTY = "341123000000"

Opener = Callable[[], Store]


class MachineClock:
    """The clock of this machine."""

    def wall(self) -> float:
        """UTC seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never step."""
        return time.monotonic()


def event(number: int = 0, *, alert: str | None = None, stream: str = COUNTY) -> NewEvent:
    """An event told apart by its number."""
    return NewEvent(stream, "test.happened", "tester", {"number": number}, alert)


def url_of(folder: Path) -> str:
    """The database every store of a test opens."""
    return f"sqlite:///{folder}/state/ebcd.db"


def _opener(tmp_path: Path, clock: Clock, *, inline: bool) -> Iterator[Opener]:
    opened: list[Store] = []

    def open_again() -> Store:
        store = open_store(url_of(tmp_path), clock=clock, inline=inline, fsync=not inline)
        opened.append(store)
        return store

    yield open_again
    for store in opened:
        store.abandon()


@pytest.fixture
def opener(tmp_path: Path, clock: VirtualClock) -> Iterator[Opener]:
    """Opens the test's database inline; what is left open at the end is abandoned."""
    yield from _opener(tmp_path, clock, inline=True)


@pytest.fixture
def threaded(tmp_path: Path) -> Iterator[Opener]:
    """Opens the test's database with its writer thread and real fsync; for tests marked `real`."""
    yield from _opener(tmp_path, MachineClock(), inline=False)
