"""`ebcd run`: the daemon as a process. SIGTERM and SIGINT end it in order; a kill -9 loses nothing either (I10).

SIGHUP has the configuration read again (`ebcd.settings.reload`); SIGABRT, which systemd sends to a loop that stands
still, tells where it stands.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO, cast

from ebcd import daemon, logs, settings
from ebcd.cli.session import Failure
from ebcd.errors import ConfigError
from ebcd.scribe import Scribe
from ebcd.settings import Settings
from ebcd.store import StoreError
from ebcd.world import World

ENDING = (signal.SIGTERM, signal.SIGINT)
THREAD_TURN_S = 0.0005
"""How long the store's thread waits for a busy loop to hand it the interpreter: by default ten times as long, and a
commit asks some ten times."""
LAST_LINES_S_MAX = 2.0
"""What the log still holds at the end gets so long to be written."""
GARBAGE_THRESHOLDS = (20_000, 20, 20)
"""An alert to a county makes thousands of lasting objects at once, which is no reason to look for garbage."""


def run(file: Path, language: str) -> int:
    """Read the configuration and work until told to end. Returns 0.

    Raises Failure with every problem of the configuration and of its files, or with what this machine would not give.
    """
    faulthandler.enable()
    _allow_many_sockets()
    sys.setswitchinterval(THREAD_TURN_S)
    try:
        found = settings.load(file)
        world = World.real()
        scribe = Scribe(sys.stderr)
        scribe.begin()
        logs.set_up(world.clock, stream=cast(TextIO, scribe))
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(_until_told(found, world))
        finally:
            scribe.close(LAST_LINES_S_MAX)
    except ConfigError as error:
        sentences = (problem.sentence(language) for problem in (*error.problems, *settings.check(file)))
        raise Failure(*dict.fromkeys(sentences)) from None
    except (
        OSError,
        StoreError,
    ) as error:  # an address that is taken, a folder that cannot be written, a broken journal
        raise Failure(str(error)) from None
    return 0


async def _until_told(found: Settings, world: World) -> None:
    loop = asyncio.get_running_loop()
    working = asyncio.current_task()
    assert working is not None
    for number in ENDING:
        loop.add_signal_handler(number, working.cancel)
    reload_asked = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, reload_asked.set)
    try:
        await daemon.run(found, world, _keep_what_is_there, reload_asked)
    except asyncio.CancelledError:
        return  # told to end


def _keep_what_is_there() -> None:
    """Modules and inventory stay for good: a collection that walked them all would stop everything for 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    gc.enable()


def _allow_many_sockets() -> None:
    """Each terminal has a socket; shells start programs with room for 1,024. Take what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
