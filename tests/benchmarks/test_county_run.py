"""A county for a benchmark differs from the demo's only in paths and faults."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from simulators import county as county_command
from simulators.fleet_facts import read_facts
from tests.benchmarks.county_run import put_on_paths


def test_every_terminal_has_one_path_and_nothing_is_broken(tmp_path: Path) -> None:
    county_command.main(["--out", str(tmp_path), "--terminals", "40", "--base-port", "27000"])
    before = (tmp_path / "inventory.csv").read_text(encoding="utf-8").splitlines()
    put_on_paths(tmp_path, "ip")
    after = (tmp_path / "inventory.csv").read_text(encoding="utf-8").splitlines()
    facts = read_facts(tmp_path, lambda: 1_800_000_000.0)
    assert {terminal.paths for terminal in facts.terminals} == {("ip",)}
    assert not any(terminal.off or terminal.town == facts.dead_ip_town for terminal in facts.terminals)
    assert not any(adapter.delay_s for adapter in facts.adapters)
    assert len(after) == len(before)
    assert after[0] == before[0]
    assert json.loads((tmp_path / "sim" / "faults.json").read_text(encoding="utf-8"))["off"] == []


def test_two_paths_share_the_terminals_and_the_inventory_says_the_same(tmp_path: Path) -> None:
    county_command.main(["--out", str(tmp_path), "--terminals", "40", "--base-port", "27000"])
    put_on_paths(tmp_path, "ip", "mqtt")
    facts = read_facts(tmp_path, lambda: 1_800_000_000.0)
    with (tmp_path / "inventory.csv").open(encoding="utf-8", newline="") as table:
        rows = {row["code"]: row["paths"] for row in csv.DictReader(table) if row["kind"] == "terminal"}
    assert {terminal.code: terminal.paths for terminal in facts.terminals} == {c: (path,) for c, path in rows.items()}
    assert sorted(rows.values()) == ["ip"] * 20 + ["mqtt"] * 20
