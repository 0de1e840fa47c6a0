"""The demo's verdict: held only if everything did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from ebcd.demo.results import Results
from ebcd.demo.scenario import STEPS, adds_up
from ebcd.demo.screen import Screen, Step

COUNTS = {
    "targeted": 10,
    "confirmed": 6,
    "played": 5,
    "refused": 1,
    "timed_out": 1,
    "unconfirmed": 2,
    "cancelled": 0,
    "pending": 0,
}


def screen(language: str) -> Screen:
    return Screen(language, lambda: 12.5, [Step(key) for key in STEPS])


def printed(language: str, results: Results) -> str:
    console = Console(width=120, record=True, force_terminal=False, no_color=True)
    results.table(screen(language), console)
    return console.export_text()


def test_without_a_single_check_nothing_held() -> None:
    assert not Results().held


def test_one_broken_check_breaks_the_step_and_the_whole() -> None:
    results = Results()
    results.equal("county", "a", 1, 1)
    results.equal("ranks", "b", 1, 2)
    assert (results.of("county"), results.of("ranks"), results.held) == (True, False, False)


def test_the_file_names_what_broke(tmp_path: Path) -> None:
    results = Results(figures={"terminals": COUNTS})
    results.equal("bad", "codes", [4], [1])
    results.write(tmp_path / "demo.json")
    told = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
    assert told["held"] is False
    assert told["terminals"] == COUNTS
    assert told["broken"] == [{"step": "bad", "what": "codes", "found": "[4], expected [1]"}]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_closing_table_shows_each_path_and_what_broke(language: str) -> None:
    results = Results(
        figures={
            "paths": {"ip": COUNTS, "fm": COUNTS},
            "latency_by_path_s": {"ip": {"first": 0.1, "median": 0.2, "p99": 0.3, "last": 0.4}},
            "floor_s": {"last": 0.1, "compared_last": 0.4},
            "ratio_to_floor": 4.0,
            "fm": {"bits_on_air": 5408, "bits_limit": 2704},
            "crash": {"lost": 0, "doubled": 0, "resumed_s": 3.0, "ready_s": 1.0},
        }
    )
    results.equal("county", "counts", 1, 2)
    text = printed(language, results)
    assert "0.20" in text
    assert "5408" in text
    assert "county: counts" in text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_screen_draws_an_alert_by_town_and_by_path(language: str) -> None:
    shown = screen(language)
    shown.step("county").state = "held"
    shown.alert = {
        "row": {"title": "水库险情", "ebm_id": "2" * 35, "state": "on_air"},
        "by_path": [{"path": "ip", "counts": COUNTS}],
        "by_town": [{"name": "云湾镇", "counts": COUNTS}],
    }
    console = Console(width=120, record=True, force_terminal=False, no_color=True)
    console.print(shown.render())
    text = console.export_text()
    assert "云湾镇" in text
    assert "6/10" in text
    assert "12.5 s" in text


def test_counts_add_up_only_with_every_outcome() -> None:
    assert adds_up(COUNTS)
    assert not adds_up(COUNTS | {"unconfirmed": 1})
