"""Children of the demo: spoken to in lines, killed, and never waited for without end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ebcd.demo.processes import Child, ProcessGone, run_to_end

ECHO = """
import json, sys
print("a greeting that is no JSON", flush=True)
print(json.dumps({"event": "ready"}), flush=True)
for line in sys.stdin:
    print(json.dumps({"event": "echo", "of": json.loads(line)["cmd"]}), flush=True)
"""


@pytest.mark.real
async def test_a_child_answers_commands_and_ends_when_stdin_closes(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        child = await Child.start("echo", ["-c", ECHO], tmp_path / "log", group)
        await child.wait_for(lambda e: e["event"] == "ready", 20, "that it is ready")
        assert await child.ask("echo", cmd="one") == {"event": "echo", "of": "one"}
        assert (await child.ask("echo", cmd="two"))["of"] == "two"
        await child.stop()
        assert not child.alive


@pytest.mark.real
async def test_a_child_that_dies_ends_every_wait_and_names_its_log(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        child = await Child.start("broken", ["-c", "raise SystemExit(3)"], tmp_path / "log", group)
        with pytest.raises(ProcessGone, match="broken ended while an answer was awaited"):
            await child.wait_for(lambda e: False, 20, "an answer")
        assert await child.gone() == 3


@pytest.mark.real
async def test_a_killed_child_is_gone(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        child = await Child.start("echo", ["-c", ECHO], tmp_path / "log", group)
        await child.wait_for(lambda e: e["event"] == "ready", 20, "that it is ready")
        child.kill()
        assert await child.gone() == -9


@pytest.mark.real
async def test_a_program_that_fails_is_told(tmp_path: Path) -> None:
    await run_to_end(["-c", "pass"], tmp_path / "log")
    with pytest.raises(ProcessGone, match="status 4"):
        await run_to_end(["-c", "raise SystemExit(4)"], tmp_path / "log")
