"""The simulators' command line: parts by name, and processes that end with their stdin."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from simulators.__main__ import PARTS, main
from simulators.broker import broker
from tests.ports import free_port

pytestmark = pytest.mark.real


async def told_by(*arguments: str) -> tuple[list[dict[str, object]], int]:
    """First line of a part, then its end after stdin has closed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(30):
        first = await process.stdout.readline()
        process.stdin.close()
        rest = await process.stdout.read()
        status = await process.wait()
    return [json.loads(line) for line in (first + rest).splitlines()], status


async def test_a_broker_tells_its_engine_and_ends_with_its_stdin() -> None:
    port = free_port()
    events, status = await told_by("broker", "--port", str(port))
    assert (events[0]["event"], events[0]["port"], status) == ("ready", port, 0)
    assert events[0]["engine"] in ("mosquitto", "iotcore")


async def test_a_broker_whose_port_is_taken_says_so() -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    events, status = await told_by("broker", "--port", str(port))
    server.close()
    assert (events[0]["event"], status) == ("died", 1)


FORGETFUL = """#!{python}
import signal, socket, sys
told = []
signal.signal(signal.SIGTERM, lambda *_: sys.exit() if told else told.append(1))
port = int(open(sys.argv[2]).readline().split()[1])
with socket.create_server(("127.0.0.1", port)) as server:
    while True:
        server.accept()
"""


def test_a_mosquitto_that_forgets_a_signal_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does so between its listener and its main loop; the broker's part once hung for ever."""
    program = tmp_path / "mosquitto"
    program.write_text(FORGETFUL.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with broker(free_port()) as alive:
        assert alive()
    assert not alive()


async def test_an_impaired_link_alone_tells_its_port() -> None:
    events, status = await told_by("impaired", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1")
    assert events[0]["event"] == "ready"
    assert status == 0


def test_an_unknown_part_is_refused_with_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["orchestra"]) == 2
    shown = capsys.readouterr().err
    assert all(part in shown for part in PARTS)


def test_a_fleet_without_its_county_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "--dir", str(tmp_path)]) == 2
    assert "python -m simulators county" in capsys.readouterr().err
