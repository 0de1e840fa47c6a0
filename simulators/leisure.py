"""Work that a terminal's own processor would do beside its answers, put off until this process has answered everybody.

Real terminals have processors of their own; two thousand in one process would each begin to fetch audio while their
neighbours still wait to be heard. So answers come first; what is put off waits `PATIENCE_S` at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

CALM_S = 0.004  # without a command heard
PATIENCE_S = 0.4
PIECES_PER_TURN = 8  # of work, before the loop may look at its sockets again

ValueT = TypeVar("ValueT")


class Aside(Protocol):
    """Where work that is mostly SM2 or SM3 is done; libcrypto lets go of the interpreter meanwhile."""

    async def __call__(self, work: Callable[[], ValueT]) -> ValueT:
        """Do it, one piece after another."""


async def at_once(work: Callable[[], ValueT]) -> ValueT:
    """`Aside` for tests in virtual time."""
    return work()


class OwnThread:
    """`Aside` in one thread: the processor of a hundred adapters, or the digests of two thousand terminals."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)

    async def __call__(self, work: Callable[[], ValueT]) -> ValueT:
        """See `Aside`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class Leisure:
    """One process's queue of what has time."""

    def __init__(self) -> None:
        self._stirred_s = 0.0
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._armed = False

    def stir(self) -> None:
        """A command was heard: others may be on their way."""
        self._stirred_s = asyncio.get_running_loop().time()

    def later(self, work: Callable[[], None]) -> None:
        """Do this when nobody waits for an answer, in the order of the calls."""
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + PATIENCE_S, work))
        if not self._armed:
            self._armed = True
            loop.call_later(CALM_S, self._turn)

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        calm = now_s - self._stirred_s >= CALM_S
        for _ in range(PIECES_PER_TURN):
            if not self._waiting or not (calm or self._waiting[0][0] <= now_s):
                break
            _, work = self._waiting.popleft()
            work()
        self._armed = bool(self._waiting)
        if self._armed:
            loop.call_later(0.0 if calm else CALM_S, self._turn)
