"""config/ebcd.service as systemd reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ebcd.settings import load
from ebcd.settings.checks import written_folders

UNIT = Path(__file__).parents[2] / "config" / "ebcd.service"
EXPOSURE_MAX = 2.0
LINES = [line for line in UNIT.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_systemd_is_told_when_it_is_ready_and_that_it_lives_and_always_starts_it_again() -> None:
    for line in ("Type=notify", "NotifyAccess=main", "WatchdogSec=30", "Restart=always", "StartLimitIntervalSec=0"):
        assert line in LINES
    assert any(line.startswith("ExecReload=") and line.endswith("ebcd reload -c /etc/ebcd/ebcd.toml") for line in LINES)


def test_its_head_names_every_folder_that_the_daemon_writes() -> None:
    head = UNIT.read_text(encoding="utf-8").partition("[Unit]")[0]
    for key, _ in written_folders(load(UNIT.with_name("ebcd.toml"))):
        section, name = key.split(".")
        assert re.search(rf'\[{section}\][^\[]*\b{name} = "(sqlite:///)?/var/lib/ebcd/', head), key


@pytest.mark.real
def test_the_command_of_the_manual_changes_every_path_that_the_daemon_writes(tmp_path: Path) -> None:
    manual = (UNIT.parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^# (sed -i .*) /etc/ebcd/ebcd\.toml$", manual, re.MULTILINE)
    file = tmp_path / "ebcd.toml"
    file.write_bytes(UNIT.with_name("ebcd.toml").read_bytes())
    subprocess.run(f"{command} {file}", shell=True, check=True, timeout=60)
    settings = load(file)
    written = [*(folder for _, folder in written_folders(settings)), settings.inventory.file]
    assert [folder for folder in written if not str(folder).startswith("/var/lib/ebcd")] == []
    assert str(settings.api.socket) == "/run/ebcd/ebcd.sock"
    assert settings.store.url == "sqlite:////var/lib/ebcd/ebcd.db"


def test_nothing_stands_between_a_crash_and_the_next_start() -> None:
    assert [line for line in LINES if line.startswith("ExecStartPre=")] == []


@needs_systemd
@pytest.mark.real
def test_what_a_taken_over_daemon_could_reach_is_little() -> None:
    told = analyze("security", "--offline=true", "--no-pager", str(UNIT))
    if "Overall exposure level" not in told.stdout:
        pytest.skip(f"systemd-analyze cannot judge a unit file here: {told.stderr.strip()[:200]}")
    level = re.search(r"Overall exposure level for ebcd\.service: ([\d.]+)", told.stdout)
    assert level is not None
    assert float(level[1]) <= EXPOSURE_MAX, told.stdout


@needs_systemd
@pytest.mark.real
def test_systemd_understands_every_line() -> None:
    told = analyze("verify", str(UNIT))
    complaints = [line for line in told.stderr.splitlines() if "ebcd.service" in line]
    assert [line for line in complaints if "is not executable" not in line] == []
