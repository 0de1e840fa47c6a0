"""`ebcd run` as a process: it answers on its socket, ends in order, and comes back with what it answered for."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from simulators.county import main as county
from tests.ports import free_port

pytestmark = pytest.mark.real

SEND = ("send", "--level", "3", "--area", "349901", "--title", "t", "--text", "请注意", "--yes", "--json")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A whole county without links, its listeners on free ports."""
    assert county(["--out", str(tmp_path), "--terminals", "20", "--seed", "1"]) == 0
    file = tmp_path / "ebcd.toml"
    text = file.read_text(encoding="utf-8").partition("[[links]]")[0]
    file.write_text(re.sub(r"^port = \d+", lambda _: f"port = {free_port()}", text, flags=re.M), encoding="utf-8")
    return file


def ebcd(*arguments: str, config: Path) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    token = config.parent / "operators" / "chen.token"
    command = [sys.executable, "-m", "ebcd.cli", *arguments, "-c", str(config)]
    environment = {**os.environ, "EBCD_TOKEN_FILE": str(token)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


@contextmanager
def running(config: Path, errors_to: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """The daemon, ready. `errors_to`: another file for its log."""
    door = config.parent / "ready.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(door))
        told.settimeout(60)
        log = config.parent / "daemon.log"
        command = [sys.executable, "-m", "ebcd.cli", "run", "-c", str(config)]
        environment = {**os.environ, "NOTIFY_SOCKET": str(door)}
        with (Path(errors_to) if errors_to else log).open("ab") as errors:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            try:
                while b"READY=1" not in told.recv(4096):
                    pass
            except TimeoutError:
                pytest.fail(f"not ready (exit status {process.poll()}): {log.read_text(encoding='utf-8')[-3000:]}")
            yield process
        finally:
            process.kill()
            process.wait(60)
            door.unlink()


def heard_from(manager: socket.socket) -> bytes:
    """What systemd hears next, but for the sentence of `systemctl status`."""
    while (told := manager.recv(4096)).startswith(b"STATUS="):
        pass
    return told


def test_the_daemon_answers_ends_on_sigterm_and_comes_back_with_its_alerts(config: Path) -> None:
    with running(config) as process:
        sent = ebcd(
            *("send", "--level", "3", "--area", "349901", "--title", "t", "--text", "请注意", "--yes", "--json"),
            config=config,
        )
        second = ebcd("run", config=config)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert sent.returncode == 0, sent.stderr
    assert second.returncode == 1
    assert second.stderr.strip()
    assert not (config.parent / "run" / "ebcd.sock").exists()
    with running(config):
        listed = ebcd("alerts", "--json", config=config)
    assert [alert["ebm_id"] for alert in json.loads(listed.stdout)] == [json.loads(sent.stdout)["ebm_id"]]


def test_i12_a_log_that_cannot_be_written_stops_no_cancel(config: Path) -> None:
    """A full disk under the log file once ended a cancel half-way: no stop went out."""
    config.write_text(config.read_text(encoding="utf-8").replace("level_3 = 1", "level_3 = 0"), encoding="utf-8")
    with running(config, errors_to="/dev/full"):
        sent = ebcd(*SEND, config=config)
        ebm_id = json.loads(sent.stdout)["ebm_id"]
        done = ebcd("cancel", ebm_id, "--json", config=config)
        listed = json.loads(ebcd("alerts", "--json", config=config).stdout)
    assert done.returncode == 0, done.stderr
    assert [row["state"] for row in listed] == ["cancelling"], "no link answers here"


def test_a_wrong_configuration_is_told_whole_with_status_1(config: Path) -> None:
    text = config.read_text(encoding="utf-8").replace("confirm_s = 30.0", "confirm_s = -1\nhue = 1")
    config.write_text(text, encoding="utf-8")
    done = ebcd("run", "--lang", "en", config=config)
    assert done.returncode == 1
    assert "confirm_s" in done.stderr
    assert "hue" in done.stderr


def test_files_that_are_missing_are_told_together_in_the_language_of_the_configuration(config: Path) -> None:
    (config.parent / "keys" / "platform.pem").unlink()
    (config.parent / "trust" / "000000000101.cer").unlink()
    done = ebcd("run", config=config)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len([line for line in lines if "platform.pem" in line]) == 1, done.stderr
    assert [line for line in lines if "upstream.peers[0].certificates[0]" in line]
    assert "检查路径和权限" in done.stderr


def test_a_reload_takes_effect_or_is_refused_and_the_alert_on_air_goes_on(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    with running(config):
        sent = ebcd(*SEND, config=config)
        ebm_id = json.loads(sent.stdout)["ebm_id"]
        config.write_text(text.replace("level_3 = 1", "level_3 = 0"), encoding="utf-8")
        done = ebcd("reload", "--json", config=config)
        second = json.loads(ebcd(*SEND, config=config).stdout)
        config.write_text(text.replace("confirm_s = 30.0", "confirm_s = 9.0"), encoding="utf-8")
        refused = ebcd("reload", "--lang", "en", config=config)
        listed = json.loads(ebcd("alerts", "--json", config=config).stdout)
    assert json.loads(done.stdout)["changed"] == ["approval.level_3"]
    assert second["state"] != "pending"
    assert refused.returncode == 1
    assert "delivery.confirm_s was changed" in refused.stderr
    assert {row["ebm_id"] for row in listed} == {ebm_id, second["ebm_id"]}


def test_sighup_reads_the_configuration_again_and_systemd_is_told(config: Path) -> None:
    with running(config) as process:
        config.write_text(config.read_text(encoding="utf-8").replace("level_3 = 1", "level_3 = 0"), encoding="utf-8")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            door = config.parent / "ready.sock"
            door.unlink()
            manager.bind(str(door))
            manager.settimeout(60)
            process.send_signal(signal.SIGHUP)
            heard = [heard_from(manager) for _ in range(2)]
        assert process.poll() is None
        second = json.loads(ebcd(*SEND, config=config).stdout)
    assert heard[0].startswith(b"RELOADING=1")
    assert heard[1] == b"READY=1"
    assert second["state"] != "pending"


def test_the_watchdog_is_fed_and_a_loop_that_stands_still_feeds_nobody(config: Path) -> None:
    door = config.parent / "watch.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(door))
        manager.settimeout(60)
        command = [sys.executable, "-m", "ebcd.cli", "run", "-c", str(config)]
        environment = {**os.environ, "NOTIFY_SOCKET": str(door), "WATCHDOG_USEC": "1500000"}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            heard = {heard_from(manager).split(b"\n")[0] for _ in range(4)}
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            manager.setblocking(False)
            with suppress(BlockingIOError):  # what it said before it stood still
                while manager.recv(4096):
                    pass
            manager.settimeout(2.0)
            with pytest.raises(TimeoutError):
                manager.recv(4096)
        finally:
            process.kill()
            process.wait(60)
    assert heard == {b"READY=1", b"WATCHDOG=1"}
