"""A running county and a running province on sockets: everything the platform interface tells upward."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from ebcd.demo.processes import Event
from ebcd.demo.room import CountyRoom

TERMINALS = 24
INFO = ("EBRPSInfo", "EBRSTInfo", "EBRASInfo", "EBRBSInfo", "EBRDTInfo")
STATES = ("EBRPSState", "EBRASState", "EBRBSState", "EBRDTState")


def types_told(room: CountyRoom) -> set[str]:
    return {str(each["type"]) for each in room.province.events if "type" in each and "related" not in each}


async def answer(room: CountyRoom, type_: str, report: str) -> Event:
    """The answer to one OMDRequest, found by RelatedEBD."""
    receipt = await room.order(f"{type_} {report}", cmd="omd", type=type_, report=report)
    assert receipt["code"] == 1, receipt
    number = receipt["ebdid"]
    return await room.province.wait_for(
        lambda e: e.get("related") == number and "type" in e, 20.0, f"answer to {type_}"
    )


def count(told: Event) -> int:
    items: Any = told["items"]
    return items if isinstance(items, int) else len(items)


@pytest.mark.requirement("R-TST-06", "R-SUP-01", "R-SUP-02", "R-SUP-04")
@pytest.mark.clause("GD/J 083 OMDRequest", "GD/J 083 RelatedEBD")
@pytest.mark.real
@pytest.mark.timeout(110)
async def test_a_province_gets_every_type_by_itself_and_on_request_over_the_standby_line_while_the_main_one_is_dead(
    tmp_path: Path,
) -> None:
    async with asyncio.TaskGroup() as group:
        room = CountyRoom(tmp_path, TERMINALS, 3, group)
        try:
            await room.generate(("00:00", "00:00"))
            file = tmp_path / "ebcd.toml"
            text = file.read_text(encoding="utf-8")
            main = re.search(r'^url = "(http://127\.0\.0\.1:\d+/EmergencyServer/receive/ebd)"$', text, re.MULTILINE)
            assert main is not None
            dead = main[1].replace("127.0.0.1", "127.0.0.9")  # nobody listens there
            text = text.replace(main[0], f'url = "{dead}"\nstandby_url = "{main[1]}"')
            file.write_text(text.replace("heartbeat_s = 30.0", "heartbeat_s = 2.0"), encoding="utf-8")
            await room.start()
            await room.fleet.wait_for(lambda e: e.get("event") == "settled", 30.0, "that all are connected")
            await room.province.wait_for(lambda e: e.get("type") == "EBRDTInfo", 40.0, "the terminals")
            assert set(INFO) <= types_told(room)
            links = await room.get("/v1/links")
            assert next(row["reason"] for row in links if row["type"] == "upstream").startswith("standby")
            assert await room.metric("ebcd_upstream_standby") == 1
            full = {type_: count(await answer(room, type_, "Full")) for type_ in (*INFO, "EBRPSState")}
            assert full["EBRPSInfo"] == full["EBRPSState"] == 1
            assert full["EBRDTInfo"] == TERMINALS
            assert full["EBRASInfo"] == sum(row["kind"] == "adapter" for row in room.inventory)
            assert full["EBRBSInfo"] == sum(row["kind"] == "transmitter" for row in room.inventory)
            for type_ in INFO:
                assert count(await answer(room, type_, "Incremental")) == 0
            receipt = await room.order("alert", duration_s=8.0)
            assert await room.state_told(receipt["ebmid"], (3, 4), 40.0) is not None
            assert count(await answer(room, "EBMBrdLog", "")) == 1
            status, effect = await room.cli("chen", "evaluate", receipt["ebmid"])
            assert (status, effect["targeted"]) == (0, TERMINALS)
            assert effect["in_time"] is True
            assert effect["sound"]["count"] > 0
            village = room.inventory[-1]["code"][1:13]
            status, effect = await room.cli("chen", "heard", receipt["ebmid"], "--place", village, "--by", "王村长")
            assert (status, effect["grades"]["heard"]) == (0, 1)
            status, morning = await room.cli("chen", "report", "morning")
            assert (status, morning["terminals"]) == (0, TERMINALS)
            assert morning["would_speak"] + sum(morning["reasons"].values()) == TERMINALS
            for type_ in STATES:
                assert (await answer(room, type_, "Full"))["type"] == type_
        finally:
            await room.stop()
    log = (tmp_path / "log" / "daemon.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "peer.route" in log
