"""Writes the log in a thread of its own, so that nothing that goes wrong with a log can touch an alert (I6).

A disk that is full, a reader that has gone, a terminal that somebody stopped with Ctrl-S: whoever logs notices none of
it. Lines that could not be written are counted, and the log says so as soon as it can.
"""

from __future__ import annotations

import queue
import threading
from typing import TextIO

import structlog

LINES_WAITING_MAX = 10_000
"""Lines that wait for a stream that takes none: some minutes of a county's busiest hour, 3 MB."""

log = structlog.get_logger("ebcd.log")


class Scribe:
    """What structlog needs of a stream. `begin` starts the thread, `close` ends it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(LINES_WAITING_MAX)
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._lost = 0  # only the thread changes it
        self._refused = 0  # lines that found no room; only those who log change it
        self._told = 0

    @property
    def lost(self) -> int:
        """Lines that nobody will read."""
        return self._lost + self._refused

    def begin(self) -> None:
        """Start writing."""
        self._thread.start()

    def write(self, text: str) -> int:
        """Take a line; returns at once."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._refused += 1
        return len(text)

    def flush(self) -> None:
        """The thread does it after each line."""

    def isatty(self) -> bool:
        """Whether people read it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Which file it is. Raises OSError or ValueError where it is none."""
        return self._stream.fileno()

    def close(self, wait_s: float) -> None:
        """Write what waits, for `wait_s` at most."""
        try:
            self._lines.put(None, timeout=wait_s)
        except queue.Full:
            return
        self._thread.join(wait_s)

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line)
                self._stream.flush()
            except (OSError, ValueError):  # ValueError: closed
                self._lost += 1
                continue
            if (lost := self.lost) != self._told:
                log.error("log.lines_lost", count=lost - self._told)
                self._told = lost
