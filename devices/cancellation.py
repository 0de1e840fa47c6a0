"""Cancellations that Python loses."""

from __future__ import annotations

import asyncio


def obey_cancellation() -> None:
    """Raise CancelledError where this task was told to end and what failed in the same moment has swallowed that: a
    TaskGroup raises the errors of its tasks alone (before Python 3.13), wait_for its result (before 3.12).

    Not behind a group whose tasks were waited for outside its body: before 3.12 a failure of one counts as such a call.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
