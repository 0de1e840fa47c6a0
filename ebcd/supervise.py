"""Parts that run for ever, each restarted on its own: the one place that catches whatever a part lets escape."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

FIRST_PAUSE_S = 0.5
LAST_PAUSE_S = 30.0
TOLD_AGAIN_S = 5.0
QUIET_S = 60.0
"""A part that ran this long before it failed starts again from the first pause."""

log = structlog.get_logger("ebcd.supervise")


async def supervise(
    name: str,
    run: Callable[[], Awaitable[None]],
    *,
    monotonic: Callable[[], float],
    chance: random.Random,
    failed: Callable[[str], None],
) -> None:
    """Run a part until cancelled; log, count, back off with jitter and start it again when it fails or ends.

    The part has a task of its own. Where something in it fails in the moment in which it is told to end it may forget
    that it was told (a TaskGroup before Python 3.13 does): it is told again.
    """

    async def once() -> None:
        try:
            await run()
            log.error("part.ended", part=name)
        except Exception:
            log.exception("part.failed", part=name)

    pause_s = FIRST_PAUSE_S
    while True:
        began_s = monotonic()
        async with asyncio.TaskGroup() as group:
            part = group.create_task(once(), name=name)
            try:
                await asyncio.wait({part})
            finally:
                while not part.done():
                    part.cancel()
                    await asyncio.wait({part}, timeout=TOLD_AGAIN_S)
        failed(name)
        pause_s = FIRST_PAUSE_S if monotonic() - began_s > QUIET_S else min(pause_s * 2, LAST_PAUSE_S)
        await asyncio.sleep(pause_s * chance.uniform(0.8, 1.2))
