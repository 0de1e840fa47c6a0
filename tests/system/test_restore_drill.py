"""The drill of GD/J 088 clause 6.2.10 e: the server is lost, and from its backup the county is warned again within a
minute. Real processes, sockets, broker and files; a small county."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ebcd.demo.room import CountyRoom, Town

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
    words = ("send", "--level", "2", "--area", town.code, "--title", title, "--text", "请注意", "--for", length, "--yes")
    status, row = await room.cli("chen", *words)
    assert status == 0, row
    status, told = await room.cli("liu", "approve", row["ebm_id"])
    assert status == 0, told
    return str(row["ebm_id"])


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
        over_soon = await on_air(room, second, "备份之后即过", "12s")
        await heard(room, still_on, lambda counts: counts["confirmed"] > 0)
        began_before = await played_by(room, still_on)
        status, made = await room.cli("chen", "backup", "--to", str(tmp_path / "elsewhere"))
        assert status == 0, made
        lost: Awaitable[Any] = lose_the_server(room)
        await lost

        began_s = clock()
        status, done = await room.cli("chen", "restore", made["file"])
        assert status == 0, done
        assert {each["ebm_id"] for each in done["live"]} == {still_on, over_soon}
        await room.start_daemon()
        new = await on_air(room, first, "恢复后的第一条")
        await heard(room, new, lambda counts: counts["confirmed"] > 0)
        assert clock() - began_s < DRILL_S_MAX

        # what was on air goes on: nobody was started a second time (I7), and what expired meanwhile stays silent (I3)
        again = await heard(room, still_on, lambda counts: counts["confirmed"] >= began_before["confirmed"])
        assert again["row"]["state"] == "on_air"
        ended = await room.alert_when(over_soon, lambda detail: detail["row"]["state"] in ("done", "failed"), 60.0)
        assert ended is not None
        report = await room.fleet.ask("report", cmd="report")
        doubled = [each for each in report["terminals"] if each["starts"].get(still_on, 0) > 1]
        assert doubled == []
        assert await room.metric("ebcd_invariant_violations_total") == 0


async def played_by(room: CountyRoom, ebm_id: str) -> Detail:
    """Counts of an alert now."""
    counts: Detail = (await room.alert(ebm_id))["row"]["counts"]
    return counts


async def lose_the_server(room: CountyRoom) -> None:
    """Kill the daemon as a power cut does, and its disk with it; the key is kept elsewhere, as the manual says."""
    room.daemon.kill()
    await room.daemon.gone()
    for name in ("state", "run", "trust"):
        shutil.rmtree(room.folder / name)
    for name in ("inventory.csv", "ebcd.toml"):
        (room.folder / name).unlink()
