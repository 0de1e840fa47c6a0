"""Work that a terminal's own processor would do beside its answers, put off until this process has answered everybody.

Real terminals have processors of their own; two thousand in one process would each begin to fetch audio while their
neighbours still wait to be heard. So answers come first; what is put off waits `PATIENCE_S` at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

CALM_S = 0.004  # without a command heard
PATIENCE_S = 0.4
PIECES_PER_TURN = 8  # of work, before the loop may look at its sockets again


class Leisure:
    """One process's queue of what has time."""

    def __init__(self) -> None:
        self._stirred_s = 0.0
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._armed = False
        self._costly: deque[Callable[[], None]] = deque()

    def stir(self) -> None:
        """A command was heard: others may be on their way."""
        self._stirred_s = asyncio.get_running_loop().time()

    def in_turn(self, work: Callable[[], None]) -> None:
        """Do this soon, but only one such piece between two looks at the sockets: an adapter's signatures take
        milliseconds, and a hundred adapters get a command at the same moment."""
        self._costly.append(work)
        if len(self._costly) == 1:
            asyncio.get_running_loop().call_soon(self._next_costly)

    def _next_costly(self) -> None:
        work = self._costly[0]
        try:
            work()
        finally:
            self._costly.popleft()
            if self._costly:
                asyncio.get_running_loop().call_soon(self._next_costly)

    def later(self, work: Callable[[], None]) -> None:
        """Do this when nobody waits for an answer, in the order of the calls."""
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + PATIENCE_S, work))
        if not self._armed:
            self._armed = True
            loop.call_later(CALM_S, self._turn)

    async def turn(self) -> None:
        """Go on when there is time."""
        come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.later(lambda: None if come.done() else come.set_result(None))
        await come

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
