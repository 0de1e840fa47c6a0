"""An event loop whose clock jumps: when every task waits, time is the next deadline at once.

Sockets on loopback and in-process transports follow it. Threads and child processes do not, so asking for a thread is
an error here; tests that need one are marked `real`.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

ResultT = TypeVar("ResultT")

_ASYNCIO = os.path.dirname(asyncio.__file__)
EPOCH_UTC_S = 1_760_000_000.0  # 2025-10-09T08:53:20Z, the wall time at which every virtual test begins


class Deadlock(AssertionError):
    """Every task waits for something that nothing will ever do."""


class LeftBehind(AssertionError):
    """The test ended and tasks that it started were still running."""


class Hung(AssertionError):
    """A test in a real loop ran out of its time."""


class JumpingSelector(selectors.DefaultSelector):
    """Never waits: moves the loop's clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0  # not 0, which would hide code that takes "no time yet" for false

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; else jump `timeout` seconds ahead. Raises Deadlock where there is nothing to jump to."""
        alone = len(self.get_map()) <= 1  # nothing is open but the loop's own pipe: no need to ask the kernel
        if (timeout is None or not alone) and (ready := super().select(0)):
            return ready
        if timeout is None:
            raise Deadlock("nothing is ready and no timer is armed")
        self.now_s += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop on a JumpingSelector."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumping.now_s

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> NoReturn:  # type: ignore[override]
        """Refuse: a thread lives in real time, and the loop would have jumped past its answer."""
        raise RuntimeError(f"{func!r} wants a thread in virtual time; run it inline or mark the test `real`")


class VirtualClock:
    """`devices.ports.Clock` on the running loop. `step` moves wall time only, as an operator or NTP would."""

    def __init__(self, *, epoch_utc_s: float = EPOCH_UTC_S) -> None:
        self._epoch_utc_s = epoch_utc_s
        self._begin_s: float | None = None

    def wall(self) -> float:
        """UTC seconds since 1970."""
        return self._epoch_utc_s + self.monotonic()

    def monotonic(self) -> float:
        """Virtual seconds since this clock was first read."""
        now_s = asyncio.get_running_loop().time()
        if self._begin_s is None:
            self._begin_s = now_s
        return now_s - self._begin_s

    def step(self, seconds: float) -> None:
        """Set the wall clock forwards or backwards."""
        self._epoch_utc_s += seconds


def real_loop() -> asyncio.AbstractEventLoop:
    """uvloop, or asyncio's loop where it is missing or EBCD_LOOP=asyncio asks for it."""
    if os.environ.get("EBCD_LOOP", "uvloop") == "uvloop":
        try:
            import uvloop
        except ImportError:
            return asyncio.new_event_loop()
        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop
    return asyncio.new_event_loop()


def run(
    main: Coroutine[Any, Any, ResultT],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = VirtualLoop,
    limit_s: float | None = None,
) -> ResultT:
    """Run to the end in a loop of its own, then close it.

    Raises Deadlock; LeftBehind naming forgotten tasks; Hung after `limit_s`, which is for real loops.
    """
    runner = asyncio.Runner(loop_factory=loop_factory)
    try:
        result = runner.run(_limited(main, limit_s))
        runner.run(_settle())
        left = _describe(runner.get_loop())
    except Deadlock as deadlock:
        waiting = _describe(runner.get_loop())
        runner.close()
        raise Deadlock(f"{deadlock}; waiting: {waiting}") from None
    except Hung:
        if isinstance(runner.get_loop(), asyncio.BaseEventLoop):  # uvloop waits in `close` for whatever hangs
            runner.close()
        raise
    except BaseException:
        runner.close()
        raise
    runner.close()
    if left:
        raise LeftBehind(f"still running after the test: {left}")
    return result


async def _limited(main: Coroutine[Any, Any, ResultT], limit_s: float | None) -> ResultT:
    limit = asyncio.timeout(limit_s)
    try:
        async with limit:
            return await main
    except TimeoutError as error:
        if limit.expired():
            raise Hung(f"not done after {limit_s} s") from error
        raise


async def _settle() -> None:
    """Let closed transports and cancelled tasks take their last steps."""
    for _ in range(10):
        await asyncio.sleep(0)


def _describe(loop: asyncio.AbstractEventLoop) -> str:
    """Name and line of every task that has not ended."""
    return ", ".join(sorted(f"{task.get_name()} at {_place(task)}" for task in asyncio.all_tasks(loop)))


def _place(task: asyncio.Task[Any]) -> str:
    """Where a task waits: the innermost coroutine that Python code wrote."""
    coroutine, place = task.get_coro(), "its start"
    while inspect.iscoroutine(coroutine) and coroutine.cr_frame is not None:
        place = f"{coroutine.cr_code.co_filename}:{coroutine.cr_frame.f_lineno}"
        if not inspect.iscoroutine(coroutine.cr_await) or coroutine.cr_await.cr_code.co_filename.startswith(_ASYNCIO):
            break
        coroutine = coroutine.cr_await
    return place
