"""A running county: a white list to its adapters, and settings of single terminals, also while an alert is on air."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.system.test_inventory import county, journal


@pytest.mark.real
@pytest.mark.timeout(180)
@pytest.mark.requirement("R-ADP-11", "R-PLT-23", "R-X-06")
async def test_a_white_list_and_settings_reach_the_devices_of_a_running_county(tmp_path: Path) -> None:
    async with county(tmp_path, late=1, path="ip") as (room, _):
        area = "".join(row["code"][1:7] for row in room.inventory[:1]) + "000000"
        status, listed = await room.cli("chen", "whitelist", "add", "138 0000 0001", "张三", "--at", area)
        assert (status, listed["rows"][0]["number"]) == (0, "13800000001"), listed
        status, told = await room.cli("chen", "whitelist", "push", "--yes")
        outcomes = [line["outcome"] for row in told for line in row["lines"]]
        assert status == ("no_answer" in outcomes), told
        assert "taken" in outcomes
        assert set(outcomes) <= {"taken", "no_answer"}
        status, view = await room.cli("chen", "whitelist", "list")
        (row,) = view["rows"]
        assert (row["taken"], row["adapters"]) == (outcomes.count("taken"), len(outcomes))
        assert len(view["open"]) == outcomes.count("no_answer")
        status, refused = await room.cli("chen", "inventory", "person", row["person"], "--erase")
        assert (status, refused["error"]["code"]) == (1, "whitelist_holds_person")

        receipt = await room.order("alert", title="暴雨红色预警", duration_s=120.0, serial=1)
        ebm_id = receipt["ebmid"]
        assert await room.alert_when(ebm_id, lambda a: a["row"]["counts"]["confirmed"] > 5, 20.0)
        page = await room.get("/v1/terminals?rows_max=200")
        dialled = [each["code"] for each in page["rows"] if {"ip", "cellular"} & set(each["live_paths"][:1])]
        by_ip = dialled[0]
        status, refused = await room.cli("chen", "device", "set", by_ip, "--amplifier", "off", "--yes")
        assert (status, refused["error"]["code"]) == (1, "alert_needs_device")
        status, done = await room.cli("chen", "device", "set", by_ip, "--amplifier", "off", "--yes", "--force")
        assert (status, done[0]["outcome"]) == (0, "taken"), done
        status, file = await room.cli("chen", "inventory", "show", by_ip)
        assert file["values"]["amplifier"] == "off"
        network = ("--network", "10.1.2.30/255.255.255.0/10.1.2.1")
        status, done = await room.cli("chen", "device", "set", by_ip, *network, "--volume", "35", "--yes", "--force")
        assert (status, done[0]["outcome"], done[0]["archived"]) == (0, "taken", True), done
        why = [fact["why"] for fact in journal(tmp_path, "device.set")]
        assert why == [f"set under {ebm_id}"] * 2

        log = (tmp_path / "log" / "daemon.log").read_text(encoding="utf-8")
        everything = log + json.dumps([journal(tmp_path, f"whitelist.{kind}") for kind in ("changed", "told")])
        assert "13800000001" not in everything
        assert "张三" not in everything
