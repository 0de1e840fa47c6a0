"""The drill of GD/J 088 clause 6.2.10 e: the server is lost, and from its backup the county is warned again within a
minute. Real processes, sockets, broker and files; a small county."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ebcd.backup.restoring import EBM_SERIALS_LOST_MAX
from ebcd.demo.measure import Truth
from ebcd.demo.room import POLL_S, CountyRoom, Town

TERMINALS = 40
DRILL_S_MAX = 60.0
Detail = dict[str, Any]


@asynccontextmanager
async def county(folder: Path) -> AsyncIterator[CountyRoom]:
    """A whole county, running."""
    async with asyncio.TaskGroup() as group:
        room = CountyRoom(folder, TERMINALS, 3, group)
        await room.generate(("02:00", "02:00"))
        await room.start()
        try:
            yield room
        finally:
            await room.stop()


async def on_air(room: CountyRoom, town: Town, title: str, length: str = "20s") -> str:
    """Write an alert as chen, approve it as liu; its id."""
    words = (
        "send",
        "--level",
        "2",
        "--area",
        town.code,
        "--title",
        title,
        "--text",
        "请注意",
        "--for",
        length,
        "--yes",
    )
    status, row = await room.cli("chen", *words)
    assert status == 0, row
    status, told = await room.cli("liu", "approve", row["ebm_id"])
    assert status == 0, told
    return str(row["ebm_id"])


async def by_hand(room: CountyRoom, *words: str) -> Detail:
    """A command that asks no daemon; what it tells programs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ebcd", *words, "--json", "-c", str(room.folder / "ebcd.toml")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    told: Detail = json.loads(out)
    return told


async def heard(room: CountyRoom, ebm_id: str, wanted: Callable[[Detail], bool], timeout_s: float = 30.0) -> Detail:
    """The alert once `wanted` holds of its counts."""
    found = await room.alert_when(ebm_id, lambda detail: wanted(detail["row"]["counts"]), timeout_s)
    assert found is not None
    assert wanted(found["row"]["counts"]), found["row"]
    return found


@pytest.mark.real
@pytest.mark.timeout(240)
async def test_from_the_backup_to_the_first_loudspeaker_in_under_a_minute(tmp_path: Path) -> None:
    clock = asyncio.get_running_loop().time
    async with county(tmp_path / "county") as room:
        first, second = room.towns()[:2]
        still_on = await on_air(room, first, "到备份之后", "10m")
        soon_over = await on_air(room, second, "备份之后即过", "12s")
        before = await heard(room, still_on, lambda counts: counts["confirmed"] > 0)
        made = await by_hand(room, "backup", "--to", str(tmp_path / "elsewhere"))
        end = (await room.alert(soon_over))["row"]["end"]
        await lose_the_server(room)
        await over(end)

        began_s = clock()
        done = await by_hand(room, "restore", made["file"])
        assert {each["ebm_id"]: each["expired"] for each in done["live"]} == {still_on: False, soon_over: True}
        await room.start_daemon()
        new = await on_air(room, second, "恢复后的第一条")
        await heard(room, new, lambda counts: counts["confirmed"] > 0)
        assert clock() - began_s < DRILL_S_MAX
        assert int(new[-4:]) > EBM_SERIALS_LOST_MAX, "no id of the lost life is given again"

        again = await heard(room, still_on, lambda counts: counts["confirmed"] >= before["row"]["counts"]["confirmed"])
        assert again["row"]["state"] == "on_air"
        ended = await room.alert_when(soon_over, lambda detail: detail["row"]["state"] in ("done", "failed"), 30.0)
        assert ended is not None
        assert ended["row"]["state"] in ("done", "failed")
        await silent(room, soon_over)
        truth = await Truth.ask(room)
        for ebm_id in (still_on, soon_over, new):
            assert truth.twice(ebm_id) == set(), "I7: nobody is started a second time"
        late = [at for code, ebm, at, *_ in truth.starts if ebm == soon_over and at > end]
        assert late == [], "I3: what expired while nobody was here never starts"
        assert await room.metric("ebcd_invariant_violations_total") == 0


async def over(end: float) -> None:
    """Until a window is over by the clock on the wall."""
    while True:
        if time.time() > end:
            return
        await asyncio.sleep(POLL_S)


async def silent(room: CountyRoom, ebm_id: str) -> None:
    """Until the last loudspeaker is silent; those on FM know no end and are told by the daemon that came back."""
    async with asyncio.timeout(60):
        while True:
            if not (await Truth.ask(room)).working(ebm_id):
                return
            await asyncio.sleep(POLL_S)


async def lose_the_server(room: CountyRoom) -> None:
    """Kill the daemon as a power cut does, and its disk with it; the key is kept elsewhere, as the manual says."""
    room.daemon.kill()
    await room.daemon.gone()
    for name in ("state", "run", "trust"):
        shutil.rmtree(room.folder / name)
    for name in ("inventory.csv", "ebcd.toml"):
        (room.folder / name).unlink()
