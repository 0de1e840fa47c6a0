"""config/prometheus and config/grafana: rules that fire, dashboards that are what their code writes and never empty."""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ebcd.demo.room import POLL_S, CountyRoom
from tests.ports import free_port

CONFIG = Path(__file__).parent.parent / "config"
RULES = CONFIG / "prometheus"
BOARDS = sorted((CONFIG / "grafana").glob("*.json"))
ALERTS = (RULES / "alerts.yml").read_text(encoding="utf-8")
TERMINALS = 60
NON_EMPTY_S_MAX = 150.0

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is missing")
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=110, check=False)


@needs_promtool
@pytest.mark.real
def test_prometheus_understands_the_configuration_and_its_rules() -> None:
    told = promtool("check", "config", str(CONFIG / "prometheus.yml"))
    assert told.returncode == 0, told.stdout + told.stderr
    assert "2 rule files found" in told.stdout


@needs_promtool
@pytest.mark.real
def test_every_alert_fires_where_it_must_and_is_quiet_beside_it() -> None:
    told = promtool("test", "rules", *(str(RULES / name) for name in ("tests.yml", "tests_days.yml")))
    assert told.returncode == 0, told.stdout + told.stderr


def alerts() -> list[str]:
    return re.findall(r"^      - alert: (\w+)$", ALERTS, re.MULTILINE)


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = "".join((RULES / name).read_text(encoding="utf-8") for name in ("tests.yml", "tests_days.yml"))
    for name in alerts():
        assert f"name: {name} fires\n" in cases
        assert f"name: {name} is quiet\n" in cases


def test_every_alert_says_in_both_languages_what_is_wrong_and_what_comes_next() -> None:
    blocks = re.split(r"^      - alert: ", ALERTS, flags=re.MULTILINE)[1:]
    for block in blocks:
        for part in ("severity: ", "summary_zh: '", "summary_en: '", "next: '"):
            assert part in block, block.splitlines()[0]
        assert re.search(r"severity: (page|ticket)\b", block)
        assert re.search(r"summary_zh: '.*[\u4e00-\u9fff]", block)


def test_rules_and_dashboards_ask_for_metrics_that_the_daemon_has() -> None:
    page = (CONFIG.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    texts = [ALERTS, (RULES / "recording.yml").read_text(encoding="utf-8"), *(b.read_text("utf-8") for b in BOARDS)]
    asked = {name for text in texts for name in re.findall(r"\bebcd_[a-z_]+", text)}
    plain = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert sorted(name for name in plain if f"`{name}`" not in page) == []
    recorded = set(re.findall(r"record: (ebcd:\w+:\w+)", texts[1]))
    assert {name for text in texts for name in re.findall(r"\bebcd:\w+:\w+", text)} <= recorded


def test_every_metric_of_the_manual_is_on_a_dashboard_or_in_a_rule() -> None:
    """Nobody reads the page of metrics itself."""
    table = (CONFIG.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(ebcd_[a-z_]+)`", "".join(re.findall(r"^\| `ebcd_.*$", table, re.MULTILINE))))
    rules = (file.read_text(encoding="utf-8") for file in RULES.glob("*.yml") if not file.name.startswith("tests"))
    shown = "".join((*(board.read_text(encoding="utf-8") for board in BOARDS), *rules))
    assert len(told) > 60
    assert sorted(name for name in told if not re.search(rf"\b{name}(_bucket)?\b", shown)) == []


# ---- dashboards ------------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_the_committed_dashboards_are_what_their_code_writes(tmp_path: Path) -> None:
    command = [sys.executable, str(CONFIG / "grafana" / "build.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    assert [file.name for file in BOARDS] == sorted(file.name for file in tmp_path.iterdir())
    for file in BOARDS:
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), f"run {command[1]}"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: str(board.stem))
def test_panels_lie_beside_each_other_and_have_names_in_both_languages(board: Path) -> None:
    panels = json.loads(board.read_text(encoding="utf-8"))["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert re.search(r"[\u4e00-\u9fff].*· [A-Z]", panel["title"]), panel["title"]


def queries() -> dict[str, str]:
    """Every query of every panel, by where it stands, as Grafana would send it over a short range."""
    found = {}
    for board in BOARDS:
        for panel in json.loads(board.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                asked = target["expr"].replace("$instance", ".*")
                asked = asked.replace("$__rate_interval", "20s").replace("$__range", "5m")
                found[f"{board.stem}: {panel['title']} {target['refId']}"] = asked
    return found


@asynccontextmanager
async def prometheus(folder: Path, target: str) -> AsyncIterator[str]:
    """A real Prometheus that asks `target` each second, with our rules; its address."""
    text = (CONFIG / "prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("15s", "1s").replace("127.0.0.1:9108", target).replace("prometheus/", f"{RULES}/")
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": address,
    }
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus", *(f"--{name}={value}" for name, value in options.items()), stdout=log, stderr=log
        )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        await process.wait()


def has_numbers(answer: dict[str, Any]) -> bool:
    """Whether a query's result shows anything."""
    return any(not math.isnan(float(series["value"][1])) for series in answer["data"]["result"])


@needs_prometheus
@pytest.mark.real
@pytest.mark.timeout(280)
async def test_every_panels_query_finds_something_in_a_county_with_an_alert(tmp_path: Path) -> None:
    left = queries()
    async with asyncio.TaskGroup() as group:
        room = CountyRoom(tmp_path / "county", TERMINALS, 3, group)
        await room.generate(("02:00", "02:00"))
        with (room.folder / "ebcd.toml").open("a", encoding="utf-8") as text:
            text.write('\n[monitor]\naddress = "127.0.0.1"\nlisten_s = 5.0\n')
        await room.start()
        place = room.settings["metrics"]
        (folder := tmp_path / "prometheus").mkdir()
        try:
            async with (
                prometheus(folder, f"{place['host']}:{place['port']}") as address,
                httpx.AsyncClient(base_url=address, timeout=10) as client,
                asyncio.timeout(NON_EMPTY_S_MAX + 60),
            ):
                await backed_up(room)
                await find(client, room, left)
        finally:
            await room.stop()
    assert left == {}


async def backed_up(room: CountyRoom) -> None:
    """The daemon counts backups at its start: one made before it comes again."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ebcd", "backup", "-c", str(room.folder / "ebcd.toml"), stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0
    room.daemon.kill()
    await room.daemon.gone()
    await room.start_daemon()


async def find(client: httpx.AsyncClient, room: CountyRoom, left: dict[str, str]) -> None:
    """Ask again and again, with an alert every little while, until nothing is left."""
    loop = asyncio.get_running_loop()
    end_s, number = loop.time() + NON_EMPTY_S_MAX, 0
    while left and loop.time() < end_s:
        if number % 20 == 0:
            await room.order(f"m{number}", title="暴雨", severity=1, duration_s=8, with_audio=2.0)
        number += 1
        for name, query in list(left.items()):
            try:
                answer = (await client.get("/api/v1/query", params={"query": query})).json()
            except httpx.TransportError:
                break  # it is only starting
            assert answer["status"] == "success", (name, answer)
            if has_numbers(answer):
                del left[name]
        await asyncio.sleep(10 * POLL_S)
