"""A whole county under a province that still speaks the 2016 draft: 18, 30 and 36 digits on the wire, both ways."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ebcd.demo.room import CountyRoom
from protocols.ebd.short_codes import lengthened

TERMINALS = 36


@pytest.mark.real
@pytest.mark.timeout(90)
async def test_an_alert_of_2016_is_heard_and_told_under_the_id_that_the_province_gave_it(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        room = CountyRoom(tmp_path, TERMINALS, 3, group)
        try:
            await room.generate(("00:00", "00:00"), edition="2016")
            await room.start()
            await room.fleet.wait_for(lambda e: e.get("event") == "settled", 20.0, "that all are connected")
            await room.province.wait_for(lambda e: e.get("event") == "heartbeat", 40.0, "a heartbeat of the county")

            receipt = await room.order("alert", title="暴雨红色预警", duration_s=60.0, serial=1)
            short = receipt["ebmid"]
            assert (len(short), len(receipt["ebdid"]), receipt["code"]) == (30, 36, 1), receipt
            assert receipt["related"] == receipt["ebdid"]
            house = lengthened(short[:18]) + short[18:]
            alert = await room.alert_when(house, lambda a: a["row"]["counts"]["confirmed"] >= TERMINALS // 3, 20.0)
            assert alert is not None
            assert alert["row"]["counts"]["confirmed"] >= TERMINALS // 3

            on_air = await room.state_told(short, (2,), 20.0)
            assert on_air is not None
            assert (on_air["related"], len(on_air["ebdid"])) == (receipt["ebdid"], 36)
            assert on_air["platforms"] == ["010334990100000001"]

            await room.order("who", cmd="state_request", ebmid=short[:-4] + "9999")
            notice = await room.province.wait_for(lambda e: e.get("event") == "notify", 20.0, "that it is unknown")
            assert (notice["type"], notice["code"]) == ("EBDResponse", 3)

            stop = await room.order("stop", msg_type=2, related=short)
            assert stop["code"] == 1
            assert await room.state_told(stop["ebmid"], (5,), 40.0) is not None

            assert not [e for e in room.province.events if e.get("event") in ("rejected", "rdtstate")]
            assert (await room.get("/v1/status"))["invariant_violations"] == 0
            assert "Traceback" not in (tmp_path / "log" / "daemon.log").read_text(encoding="utf-8")
        finally:
            await room.stop()
