"""The county's processes as the demo sees them: started, spoken to in JSON lines, killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LINE_BYTES_MAX = 64 * 1024 * 1024
"""The fleet tells everything it ever did in one line."""

EVENTS_KEPT_MAX = 100_000
GRACE_S = 5.0

Event = dict[str, Any]


class ProcessGone(RuntimeError):
    """A child ended, or did not say what was waited for."""


class Child:
    """One child process that takes JSON lines on stdin and tells JSON lines on stdout."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path, group: asyncio.TaskGroup) -> None:
        self.name = name
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT_MAX)
        self._process = process
        self._log = log
        self._news = asyncio.Condition()
        self._reader = group.create_task(self._read())

    @classmethod
    async def start(cls, name: str, arguments: Sequence[str], log: Path, group: asyncio.TaskGroup) -> Child:
        """Run this Python with `arguments`; standard error goes to the log file. `group` holds its reader."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LINE_BYTES_MAX,
                start_new_session=True,
            )
        return cls(name, process, log, group)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    def send(self, **command: Any) -> None:
        """One line."""
        if self._process.stdin is None:
            raise ProcessGone(f"{self.name} takes no commands")
        self._process.stdin.write(json.dumps(command, ensure_ascii=False).encode() + b"\n")

    async def wait_for(self, wanted: Callable[[Event], bool], timeout_s: float, what: str, *, after: int = 0) -> Event:
        """The first event that is `wanted`, among those told already or yet to come. Raises ProcessGone."""
        try:
            async with asyncio.timeout(timeout_s), self._news:
                while True:
                    for event in list(self.events)[after:]:
                        if wanted(event):
                            return event
                    if self._reader.done():
                        raise ProcessGone(f"{self.name} ended while {what} was awaited; see {self._log}")
                    await self._news.wait()
        except TimeoutError:
            raise ProcessGone(f"{self.name} did not tell {what} within {timeout_s:g} s; see {self._log}") from None

    async def ask(self, answer: str, timeout_s: float = 20.0, **command: Any) -> Event:
        """Send a command and wait for the next event named `answer`."""
        after = len(self.events)
        self.send(**command)
        return await self.wait_for(lambda e: e.get("event") == answer, timeout_s, answer, after=after)

    def kill(self) -> None:
        """As kill -9 does: no goodbye."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Close stdin, ask, then kill."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GRACE_S):
                        await self._process.wait()
        await self.gone()

    async def gone(self) -> int:
        """Wait for the end; the exit status."""
        status = await self._process.wait()
        await self._reader
        return status

    async def _read(self) -> None:
        stdout = self._process.stdout
        while stdout is not None and (line := await stdout.readline()):
            try:
                event = json.loads(line)
            except ValueError:
                continue  # not a line of ours: a library's greeting
            if isinstance(event, dict):
                async with self._news:
                    self.events.append(event)
                    self._news.notify_all()
        async with self._news:
            self._news.notify_all()


async def run_to_end(arguments: Sequence[str], log: Path) -> None:
    """Run this Python with `arguments` and wait. Raises ProcessGone for another status than 0."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=errors, stderr=errors
        )
        status = await process.wait()
    if status:
        raise ProcessGone(f"{' '.join(arguments[:3])} ended with status {status}; see {log}")
