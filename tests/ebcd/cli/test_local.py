"""Commands that ask no daemon."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from ebcd.cli.app import app
from simulators.county import main as county


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole configuration with keys and certificates."""
    assert county(["--out", str(tmp_path), "--terminals", "20", "--seed", "1"]) == 0
    return tmp_path


def test_the_installed_version_is_told_without_a_configuration() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.strip()) == (0, version("ebcd"))


def test_check_config_finds_nothing_in_a_county_as_it_is_generated(folder: Path) -> None:
    result = CliRunner().invoke(app, ["check-config", "-c", str(folder / "ebcd.toml"), "--lang", "zh"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "没有发现问题" in result.stdout


def test_check_config_speaks_the_language_of_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")  # what a service has
    monkeypatch.delenv("EBCD_LANG", raising=False)
    assert "没有发现问题" in CliRunner().invoke(app, ["check-config", "-c", str(folder / "ebcd.toml")]).stdout


def test_check_config_tells_every_fault_with_status_1(folder: Path) -> None:
    file = folder / "ebcd.toml"
    text = (
        file.read_text(encoding="utf-8").replace("confirm_s = 30.0", "confirm_s = -1").replace("port = ", "prot = ", 1)
    )
    file.write_text(text, encoding="utf-8")
    people = CliRunner().invoke(app, ["check-config", "-c", str(file), "--lang", "en"])
    program = CliRunner().invoke(app, ["check-config", "-c", str(file), "--json"])
    assert people.exit_code == program.exit_code == 1
    assert "confirm_s" in people.stderr
    assert "prot" in people.stderr
    assert {"delivery.confirm_s", "metrics.prot"} <= {problem["where"] for problem in json.loads(program.stdout)}


def test_check_config_without_a_file_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EBCD_CONFIG", raising=False)
    result = CliRunner().invoke(app, ["check-config", "--lang", "en"])
    assert result.exit_code == 2
    assert "name one with -c" in result.stderr


def test_demo_hands_its_options_on_and_returns_its_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    stage = ModuleType("ebcd.demo")

    def run(**options: object) -> int:
        asked.append(options)
        return 1

    stage.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ebcd.demo", stage)
    result = CliRunner().invoke(
        app, ["demo", "--json", "r.json", "--terminals", "40", "--seed", "7", "--keep", str(tmp_path), "--lang", "en"]
    )
    assert result.exit_code == 1
    assert asked == [
        {"json_file": Path("r.json"), "terminals": 40, "seed": 7, "keep": tmp_path, "language": "en"},
    ]


def test_run_starts_the_daemon_on_the_named_file_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[Path, str]] = []
    running = ModuleType("ebcd.cli.running")

    def run(file: Path, language: str) -> int:
        started.append((file, language))
        return 0

    running.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ebcd.cli.running", running)
    assert CliRunner().invoke(app, ["run", "-c", "x/ebcd.toml", "--lang", "en"]).exit_code == 0
    assert started == [(Path("x/ebcd.toml"), "en")]
