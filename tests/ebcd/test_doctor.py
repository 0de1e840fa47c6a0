"""The doctor names what is missing, says why it matters and what to do."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ebcd.catalogue import Language, catalogue, has
from ebcd.doctor import Finding, Verdict, examine, run
from ebcd.machine import Machine
from ebcd.settings import load

PREFLIGHT = Path(__file__).parents[2] / "bundle" / "preflight.py"
HEALTHY = Machine(
    which=lambda name: f"/usr/sbin/{name}",
    has_module=lambda _: True,
    sm2=lambda: "OpenSSL 3.0.19 libcrypto",
    listen_error=lambda host, port: None,
    answers=lambda host, port: True,
    socket_answers=lambda path: False,
    clock_synchronised=lambda: True,
    serial_ports=lambda: [("/dev/ttyUSB0", True)],
    open_files_limit=lambda: 65_536,
    free_bytes=lambda folder: 2**40,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ebcd.toml"
    file.write_text(
        '[platform]\ncode = "43411230000000101010101"\nname = "x"\narea = "341123000000"\n'
        'certificate = "000000000201"\nkey = "k.pem"\n',
        encoding="utf-8",
    )
    return file


def _found(machine: Machine, config: Path | None = None) -> dict[str, Verdict]:
    return {each.name: each.verdict for each in examine(load(config) if config else None, machine)}


def test_a_healthy_machine_has_nothing_to_warn_of(config: Path) -> None:
    assert set(_found(HEALTHY, config).values()) == {Verdict.OK}


@pytest.mark.parametrize(
    ("change", "name", "verdict"),
    [
        ({"sm2": lambda: None}, "sm2_none", Verdict.FAILED),
        ({"sm2": lambda: "gmssl-fast 0.1.0"}, "sm2_slow", Verdict.WARNING),
        ({"which": lambda _: None}, "broker", Verdict.OK),
        ({"which": lambda _: None, "has_module": lambda _: False}, "broker_none", Verdict.WARNING),
        ({"has_module": lambda _: False}, "speech_none", Verdict.WARNING),
        ({"clock_synchronised": lambda: False}, "clock_free", Verdict.WARNING),
        ({"clock_synchronised": lambda: None}, "clock_unknown", Verdict.WARNING),
        ({"open_files_limit": lambda: 256}, "open_files_few", Verdict.FAILED),
        ({"open_files_limit": lambda: -1}, "open_files", Verdict.OK),
        ({"free_bytes": lambda _: 1}, "disk_full", Verdict.WARNING),
        ({"listen_error": lambda host, port: "Address already in use"}, "port_taken", Verdict.FAILED),
        ({"serial_ports": lambda: [("/dev/ttyS0", False)]}, "serial_denied", Verdict.WARNING),
        ({"serial_ports": list}, "serial_none", Verdict.OK),
    ],
)
def test_each_lack_has_its_verdict(config: Path, change: dict[str, Any], name: str, verdict: Verdict) -> None:
    assert _found(replace(HEALTHY, **change), config)[name] is verdict


def test_the_ports_of_a_running_daemon_are_its_own(config: Path) -> None:
    machine = replace(HEALTHY, socket_answers=lambda _: True, listen_error=lambda host, port: "in use")
    found = _found(machine, config)
    assert found["running"] is Verdict.OK
    assert "port_taken" not in found


def test_without_a_configuration_only_the_machine_is_looked_at() -> None:
    assert not {"ports_free", "disk", "running"} & set(_found(HEALTHY))


@pytest.mark.parametrize("language", list(Language))
def test_every_finding_has_a_sentence_and_every_lack_a_next_step(language: str) -> None:
    names = [key.split(".")[1] for key in catalogue() if key.startswith("doctor.") and key.count(".") == 1]
    values = {each: 1 for name in names for each in re.findall(r"{(\w+)}", catalogue()[f"doctor.{name}"]["en"])}
    for name in names:
        assert Finding(name, Verdict.FAILED, values).sentence(language)
    lacks = ("_none", "_slow", "_silent", "_taken", "_free", "_unknown", "_few", "_full", "_denied", "_wrong")
    without = [name for name in names if name.endswith(lacks) and not has(f"doctor.{name}.next")]
    assert without == ["ports_free", "serial_none"]  # these are no lack


def test_the_command_tells_people_and_fails_only_for_what_failed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, language="en", as_json=False, machine=HEALTHY) == 0
    assert "SM2 by OpenSSL" in capsys.readouterr().out
    slow = replace(HEALTHY, sm2=lambda: "gmssl-fast")
    assert run(config, language="en", as_json=False, machine=slow) == 0
    assert "install OpenSSL 3" in capsys.readouterr().out
    assert run(config, language="zh", as_json=False, machine=replace(HEALTHY, sm2=lambda: None)) == 1
    assert "没有 SM2" in capsys.readouterr().out


def test_the_command_tells_programs(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, language="en", as_json=True, machine=replace(HEALTHY, sm2=lambda: None)) == 1
    told = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert told["sm2_none"]["verdict"] == "failed"
    assert told["sm2_none"]["next"].startswith("install")
    assert told["clock"]["next"] == ""


def test_a_configuration_with_problems_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none.toml", language="en", as_json=False, machine=HEALTHY) == 1
    assert "has 1 problems" in capsys.readouterr().out


@pytest.mark.real
def test_the_real_machine_answers_every_question(tmp_path: Path) -> None:
    machine = Machine()
    assert machine.python()
    assert machine.sm2()
    assert machine.has_module("orjson")
    assert not machine.has_module("no_such_module_here")
    assert machine.open_files_limit() != 0
    assert machine.free_bytes(tmp_path / "not" / "there") > 0
    assert machine.clock_synchronised() in (True, False, None)
    assert isinstance(machine.serial_ports(), list)


@pytest.mark.real
def test_a_taken_port_is_told_with_the_systems_reason(tmp_path: Path) -> None:
    machine = Machine()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        port = holder.getsockname()[1]
        assert machine.listen_error("127.0.0.1", port) == "Address already in use"
        assert machine.answers("127.0.0.1", port)
    assert machine.listen_error("127.0.0.1", port) is None
    assert not machine.answers("127.0.0.1", port)
    assert not machine.socket_answers(tmp_path / "none.sock")


@pytest.mark.real
@pytest.mark.parametrize(("told", "expected"), [("yes", True), ("no", False)])
def test_timedatectl_of_debian_12_is_understood(
    told: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd 252 knows no `-P`."""
    command = tmp_path / "timedatectl"
    command.write_text(
        f'#!/bin/sh\n[ "$*" = "show --property=NTPSynchronized --value" ] || exit 1\necho {told}\n', encoding="ascii"
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert Machine().clock_synchronised() is expected
    preflight = [sys.executable, str(PREFLIGHT), "--lang", "en"]
    sentence = "the clock is synchronised" if expected else "the clock is not synchronised"
    assert sentence in subprocess.run(preflight, capture_output=True, text=True, timeout=60, check=False).stdout
