"""I10: a writer killed with -9 at any moment has lost and doubled nothing of what it acknowledged."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ebcd.store import Duplicate, PackageMeta
from tests.ebcd.store.conftest import COUNTY, Opener, url_of

LIVES = 12
"""How often the writer is started and killed."""

ROOT = Path(__file__).parents[3]


@dataclass
class Acknowledged:
    """What the writers of all lives have said is done."""

    events: set[tuple[int, str]] = field(default_factory=set)  # sequence number, name
    packages: set[str] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)
    serials: list[int] = field(default_factory=list)
    queued: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)

    def hear(self, line: str) -> None:
        """Take one line of a writer; half a line, cut by the kill, was not said."""
        match line.split():
            case ["event", seq, name]:
                self.events.add((int(seq), name))
            case ["package", ebd_id]:
                self.packages.add(ebd_id)
            case ["number", number]:
                self.numbers.append(int(number))
            case ["serial", number]:
                self.serials.append(int(number))
            case ["queued", ebd_id]:
                self.queued.add(ebd_id)
            case ["done", ebd_id]:
                self.done.add(ebd_id)
            case _:
                raise AssertionError(f"the writer said {line!r}")


def live_and_die(url: str, life: int, lines_max: int, heard: Acknowledged) -> None:
    """Start a writer, hear `lines_max` of its lines, kill it, hear what it had said before it died."""
    command = [sys.executable, "-m", "tests.ebcd.store.endless_writer", url, str(life)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert writer.stdout is not None
    with writer, writer.stdout:
        for _ in range(lines_max):
            heard.hear(writer.stdout.readline())
        writer.kill()
        for line in writer.stdout:
            if line.endswith("\n"):
                heard.hear(line)
    assert writer.returncode == -9


@pytest.mark.requirement("R-X-23")
@pytest.mark.real
async def test_i10_a_writer_killed_at_random_moments_loses_and_doubles_nothing(
    threaded: Opener, tmp_path: Path, rng: random.Random
) -> None:
    url = url_of(tmp_path)
    heard = Acknowledged()
    for life in range(LIVES):
        live_and_die(url, life, rng.randrange(1, 400), heard)
    store = threaded()
    verdict = await store.verify(COUNTY)
    assert verdict.whole, verdict.detail
    rows = await store.read(COUNTY, limit=1_000_000)
    written = Counter(row.payload["name"] for row in rows)
    assert {name for name, times in written.items() if times > 1} == set()
    assert heard.events <= {(row.seq, row.payload["name"]) for row in rows}

    assert len(heard.numbers) == len(set(heard.numbers))
    assert len(heard.serials) == len(set(heard.serials))

    for ebd_id in heard.packages:
        again = await store.accept_package(ebd_id, ebd_id.encode(), PackageMeta("src", 0.0, 9))
        assert isinstance(again, Duplicate)
        assert again.same_bytes
        assert await store.read_package(f"{again.digest}.tar") == ebd_id.encode()
        assert written[f"package-{ebd_id}"] == 1

    waiting = {package.ebd_id for package in await store.outbox_waiting()}
    begun = {name.removeprefix("done-") for name in written if name.startswith("done-")}
    assert heard.done <= begun
    assert waiting.isdisjoint(begun), "an outbox row and the event of its end are written together or not at all"
    assert heard.queued <= waiting | begun
    await store.close()
