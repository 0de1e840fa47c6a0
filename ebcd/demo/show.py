"""Runs the demo: prepares a folder, starts the county, plays the scenario, prints the table, writes the JSON."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from rich.console import Console

from ebcd.catalogue import Language
from ebcd.clock import SystemClock, beijing
from ebcd.demo.processes import ProcessGone
from ebcd.demo.results import Results
from ebcd.demo.room import CountyRoom
from ebcd.demo.scenario import STEPS, Scenario
from ebcd.demo.screen import Screen, Step, live

SETTLE_S_MAX = 45.0
DEMO_S_MAX = 175.0
"""The whole thing is ended then: the demo promises three minutes."""

QUIET = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Choices:
    """The command's options."""

    json: Path | None
    terminals: int
    seed: int
    keep: Path | None
    language: str | None


def show(choices: Choices) -> int:
    """Play and show; 0 only if everything held."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_show(choices))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _show(choices: Choices) -> int:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    console, results = Console(), Results()
    screen = Screen(choices.language or Language.ZH, lambda: loop.time() - began_s, [Step(key) for key in STEPS])
    folder = (choices.keep or Path(tempfile.mkdtemp(prefix="ebcd-demo-"))).absolute()
    screen.footer = screen.words("footer", terminals=choices.terminals, seed=choices.seed)
    with live(screen, console):
        async with asyncio.TaskGroup() as group:
            room = CountyRoom(folder, choices.terminals, choices.seed, group)
            try:
                async with asyncio.timeout(DEMO_S_MAX):
                    await _play(room, screen, results)
            except (ProcessGone, httpx.HTTPError, TimeoutError) as error:
                results.expect("start", "the demo ran to its end", held=False, found=error or "time is up")
            finally:
                with contextlib.suppress(ProcessGone):
                    await room.stop()
    results.figures["took_s"] = round(loop.time() - began_s, 1)
    results.table(screen, console)
    if choices.json is not None:
        results.write(choices.json)
    _tidy(choices, folder, results, screen, console)
    return 0 if results.held else 1


async def _play(room: CountyRoom, screen: Screen, results: Results) -> None:
    step = screen.step("start")
    now = beijing(SystemClock().wall())
    await room.generate((f"{now - QUIET:%H:%M}", f"{now + QUIET:%H:%M}"))
    await room.start()
    settled = await room.fleet.wait_for(lambda e: e.get("event") == "settled", SETTLE_S_MAX, "that all are connected")
    results.expect("start", "everybody with power and a live link is connected", bool(settled), settled)
    step.note, step.state = " ".join(f"{path} {n}" for path, n in settled["connected"].items()), "held"
    await Scenario(room, screen, results).play()
    results.figures["invariant_violations"] = int(await room.metric("ebcd_invariant_violations_total"))


def _tidy(choices: Choices, folder: Path, results: Results, screen: Screen, console: Console) -> None:
    """A county that was asked for stays, so does one that failed; else nothing is left behind."""
    if choices.keep is not None:
        console.print(screen.words("kept", folder=folder, config=folder / "ebcd.toml"))
    elif results.held:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        console.print(screen.words("logs", folder=folder / "log"))
