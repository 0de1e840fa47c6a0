"""The arithmetic of the tables, and that the command finds and runs benchmarks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import orjson
import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks.measure import Measure


def test_a_time_is_so_many_times_its_floor_and_a_rate_fits_so_often_into_it() -> None:
    assert Measure("wait", 30.0, "ms", floor=10.0).ratio == 3.0
    assert Measure("speed", 50.0, "rows/s", floor=100.0).ratio == 2.0
    assert Measure("wait", 30.0, "ms").ratio is None


def test_figures_are_written_without_exponents() -> None:
    assert [command.figure(value) for value in (24980.4, 91.72, 0.3712)] == ["24,980", "91.7", "0.371"]


def test_the_store_is_among_the_benchmarks() -> None:
    assert "store" in command.names()


def test_every_figure_is_in_the_file_beside_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> Iterator[Measure]:
        yield Measure("wait", 30.0, "ms", floor=10.0, floor_is="a bare loop")

    fake = ModuleType("tests.benchmarks.bench_fake", "A fake.")
    fake.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.setattr(command, "names", lambda: ["fake"])
    assert command.main(["fake", "--json", str(tmp_path / "deep" / "figures.json")]) == 0
    report = orjson.loads((tmp_path / "deep" / "figures.json").read_bytes())
    assert report["benchmarks"]["fake"]["measures"][0]["ratio"] == 3.0
    assert report["machine"]["cpus"] >= 1
    assert "a bare loop" in capsys.readouterr().out


def test_an_unknown_benchmark_is_refused_with_the_names_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["nonsense"])
    assert "store" in capsys.readouterr().err
