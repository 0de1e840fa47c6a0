"""A running county whose inventory changes while an alert is on air: imported, reloaded, with names taken in."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ebcd.demo.room import CountyRoom

TERMINALS = 36
LATE = 6


@contextlib.asynccontextmanager
async def county(folder: Path, *, late: int, path: str = "") -> AsyncIterator[tuple[CountyRoom, list[dict[str, str]]]]:
    """Everything running; the inventory lacks the last `late` terminals that dial in (over `path`, where one is named),
    whose rows are given."""
    async with asyncio.TaskGroup() as group:
        room = CountyRoom(folder, TERMINALS, 3, group)
        try:
            await room.generate(("00:00", "00:00"))
            off, dead = set(room.faults["off"]), room.faults.get("dead_ip_town")
            living = [row for row in room.inventory if row["kind"] == "terminal" and row["code"] not in off]
            dialling = (path,) if path else ("cellular", "mqtt", *(() if dead else ("ip",)))
            rows = [row for row in living if row["paths"].startswith(dialling)]
            missing = rows[len(rows) - late :]
            gone = {row["code"] for row in missing}
            write(folder / "inventory.csv", [row for row in room.inventory if row["code"] not in gone])
            await room.start()
            yield room, missing
            assert (await room.get("/v1/status"))["invariant_violations"] == 0
            log = (folder / "log" / "daemon.log").read_text(encoding="utf-8")
            assert "Traceback" not in log, log[-3000:]
        finally:
            await room.stop()


def write(file: Path, rows: list[dict[str, str]]) -> None:
    """Rows as a table."""
    with file.open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def journal(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Payloads of a kind, in order."""
    with contextlib.closing(sqlite3.connect(folder / "state" / "ebcd.db")) as base:
        found = base.execute("SELECT payload FROM journal WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
    return [json.loads(payload) for (payload,) in found]


@pytest.mark.real
@pytest.mark.timeout(120)
@pytest.mark.requirement("R-TST-04", "R-PLT-10")
async def test_devices_imported_during_an_alert_hear_it_and_one_that_left_is_stopped(tmp_path: Path) -> None:
    async with county(tmp_path, late=LATE) as (room, missing):
        receipt = await room.order("alert", title="暴雨红色预警", duration_s=90.0, serial=1)
        ebm_id = receipt["ebmid"]
        known = TERMINALS - LATE
        alert = await room.alert_when(ebm_id, lambda a: a["row"]["counts"]["confirmed"] >= known // 2, 20.0)
        assert alert is not None
        assert alert["row"]["counts"]["targeted"] == known

        write(tmp_path / "late.csv", [{**row, "contact": f"王村长 1380000000{n}"} for n, row in enumerate(missing)])
        status, dry = await room.cli("chen", "inventory", "import", str(tmp_path / "late.csv"), "--dry-run")
        assert (status, dry["counts"]["added"], dry["written"]) == (0, LATE, "")
        status, done = await room.cli("chen", "inventory", "import", str(tmp_path / "late.csv"))
        assert (status, done["running"]["added"]) == (0, LATE), done

        codes = {row["code"] for row in missing}
        joined = await room.alert_when(ebm_id, lambda a: a["row"]["counts"]["targeted"] == TERMINALS, 10.0)
        assert joined is not None
        assert joined["row"]["counts"]["targeted"] == TERMINALS
        truth = await _truth_when(room, ebm_id, codes)
        started = [code for code, *_ in truth["starts"]]
        assert codes <= set(started)
        assert len(started) == len(set(started)), "a terminal began twice (I7)"

        leaving = next(code for code in started if code not in codes)
        text = (tmp_path / "inventory.csv").read_text(encoding="utf-8")
        assert "王村长" not in text
        kept = [line for line in text.splitlines(keepends=True) if leaving not in line]
        (tmp_path / "inventory.csv").write_text("".join(kept), encoding="utf-8")
        status, reloaded = await room.cli("liu", "inventory", "reload")
        assert (status, reloaded["removed"]) == (0, 1), reloaded
        status, _ = await room.cli("liu", "cancel", ebm_id)
        assert status == 0
        await room.alert_when(ebm_id, lambda a: a["row"]["state"] == "cancelled", 20.0)
        ended = (await room.fleet.ask("truth", cmd="truth", ebm_id=ebm_id))["ends"]
        assert leaving in {code for code, *_ in ended}

        facts = journal(tmp_path, "inventory.changed")
        assert [(f["source"], f.get("added"), f.get("removed")) for f in facts] == [
            ("file", None, None), ("late.csv", LATE, 0), ("file", 0, 1)
        ]  # fmt: skip
        assert facts[1]["sm3"] == done["sm3"] == facts[2]["before"]
        everything = (tmp_path / "log" / "daemon.log").read_text(encoding="utf-8") + json.dumps(facts)
        assert "王村长" not in everything
        assert "1380000000" not in everything
        assert await room.metric("ebcd_enrolment") > 0


async def _truth_when(room: CountyRoom, ebm_id: str, codes: set[str]) -> dict[str, Any]:
    """What the fleet says began, as soon as these have."""
    for _ in range(100):
        truth: dict[str, Any] = await room.fleet.ask("truth", cmd="truth", ebm_id=ebm_id)
        if codes <= {code for code, *_ in truth["starts"]}:
            break
        await asyncio.sleep(0.3)
    return truth


@pytest.mark.real
@pytest.mark.timeout(90)
async def test_an_inventory_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    async with county(tmp_path, late=0) as (room, _):
        before = (tmp_path / "inventory.csv").read_text(encoding="utf-8")
        (tmp_path / "inventory.csv").write_text("kind,code\n", encoding="utf-8")
        status, told = await room.cli("chen", "inventory", "reload")
        assert (status, told["error"]["code"]) == (1, "inventory_empty")
        status, told = await room.cli("chen", "reload")
        assert (status, told["error"]["code"]) == (1, "inventory_empty")
        assert (await room.get("/v1/terminals"))["total"] == TERMINALS
        (tmp_path / "inventory.csv").write_text(before, encoding="utf-8")
        status, told = await room.cli("chen", "reload")
        assert (status, told["changed"], told["devices"]) == (0, [], 0)
        fewer = before.splitlines(keepends=True)
        (tmp_path / "inventory.csv").write_text("".join(fewer[:-1]), encoding="utf-8")
        status, told = await room.cli("chen", "reload")
        assert (status, told["devices"]) == (0, 1)
        assert (await room.get("/v1/terminals"))["total"] == TERMINALS - 1
        (tmp_path / "inventory.csv").write_text(before, encoding="utf-8")
        assert (await room.cli("chen", "reload"))[1]["devices"] == 1
        status, rates = await room.cli("chen", "inventory", "rates")
        assert (status, rates[-1]["planned"] >= TERMINALS, rates[-1]["heard"] is not None) == (0, True, True)
