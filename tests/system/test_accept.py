"""`ebcd accept` on sockets, in both roles: the running daemon judged from above, the simulated province from below."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ebcd.demo.room import CountyRoom

TERMINALS = 24
PLEASE_ASK = re.compile(r"please: the platform above asks for (\w+) \((\w+)\)")


async def accept(folder: Path, config: str, *arguments: str, hear: Callable[[str], None]) -> tuple[int, dict[str, Any]]:
    """Run the command; every line of standard error is heard. Exit status and the protocol."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ebcd", "accept", *arguments, "-c", str(folder / config)),
        *("--lang", "en", "--out", str(folder / f"{config}.json"), "--answer", "20", "--by-hand", "0"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    told = []
    while line := await process.stderr.readline():
        told.append(line.decode())
        hear(told[-1])
    await process.wait()
    file = folder / f"{config}.json"
    assert file.exists(), "".join(told)
    return process.returncode or 0, json.loads(file.read_bytes())["protocol"]


def verdicts(protocol: dict[str, Any]) -> dict[str, str]:
    return {each["point"]: each["verdict"] for each in protocol["points"]}


def upper_toml(room: CountyRoom, folder: Path) -> None:
    """The province's identity as a configuration of its own, in the same folder."""
    facts = json.loads((folder / "sim" / "fleet.json").read_text(encoding="utf-8"))
    county, province = room.settings["platform"], facts["province"]
    host, port = facts["endpoints"]["province"]
    county_host, county_port = facts["endpoints"]["upstream"]
    (folder / "upper.toml").write_text(
        f'''
[platform]
code = "{province["code"]}"
name = "某省应急广播平台"
area = "340000000000"
certificate = "{province["certificate"]}"
key = "{province["key"]}"
[store]
url = "sqlite:///upper/ebcd.db"
packages = "upper/packages"
[upstream]
host = "{host}"
port = {port}
own_url = "http://{host}:{port}"
heartbeat_s = 2.0
test_area = "{county["area"]}"
[[upstream.peers]]
code = "{county["code"]}"
url = "http://{county_host}:{county_port}/x"
certificates = ["{county["certificate"]}"]
''',
        encoding="utf-8",
    )


@pytest.mark.requirement("R-TST-01", "R-TST-02", "R-TST-06", "R-TST-09")
@pytest.mark.real
@pytest.mark.timeout(115)
async def test_the_daemon_passes_when_judged_from_above_and_the_province_when_judged_by_the_county(
    tmp_path: Path,
) -> None:
    async with asyncio.TaskGroup() as group:
        room = CountyRoom(tmp_path, TERMINALS, 3, group)
        try:
            await room.generate(("00:00", "00:00"))
            upper_toml(room, tmp_path)
            file = tmp_path / "ebcd.toml"
            text = file.read_text(encoding="utf-8").replace("heartbeat_s = 30.0", "heartbeat_s = 2.0")
            file.write_text(text, encoding="utf-8")
            await room.start()
            await room.fleet.wait_for(lambda e: e.get("event") == "settled", 30.0, "that all are connected")

            def at_the_province(line: str) -> None:
                """The person at the province."""
                if found := PLEASE_ASK.search(line):
                    room.province.send(cmd="omd", type=found[1], report=found[2])

            code = room.settings["upstream"]["peers"][0]["code"]
            points = [word for number in ("3", "5", "7", "B.signed", "B.codes") for word in ("--point", number)]
            status, protocol = await accept(tmp_path, "ebcd.toml", code, *points, hear=at_the_province)
            assert set(verdicts(protocol).values()) == {"pass"}, protocol
            assert (status, protocol["role"]) == (0, "lower")

            await room.province.stop()
            numbers = ("1", "2", "3", "5", "7", "9", "11", "12", "13", "B")
            points = [word for number in numbers for word in ("--point", number)]
            mine = room.settings["platform"]["code"]
            status, protocol = await accept(
                tmp_path, "upper.toml", mine, "--as", "upper", "--for", "6", *points, hear=lambda _line: None
            )
            told = verdicts(protocol)
            assert status == 0, {k: v for k, v in told.items() if v != "pass"}
            assert {number for number, verdict in told.items() if verdict == "not_seen"} <= {
                *("2.first", "2.change", "2.daily"),  # the daemon told another upper platform before
            }
            assert "fail" not in told.values(), protocol
            sealed = str(tmp_path / "upper.toml.json")
            status, seal = await room.cli("chen", "accept", "--verify", sealed)
            assert (status, seal["good"], seal["certificate"]) == (0, True, protocol_certificate(room))
        finally:
            await room.stop()


def protocol_certificate(room: CountyRoom) -> str:
    number: str = room.settings["upstream"]["peers"][0]["certificates"][0]
    return number
