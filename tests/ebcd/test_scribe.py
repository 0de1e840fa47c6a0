"""Whatever happens to the log, who logs goes on."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from ebcd.scribe import LINES_WAITING_MAX, Scribe

WAIT_S_MAX = 20.0


class Disk(io.StringIO):
    """Full until told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.full = True
        self.tried = threading.Semaphore(0)

    def write(self, text: str) -> int:
        try:
            if self.full:
                raise OSError(28, "No space left on device")
            return super().write(text)
        finally:
            self.tried.release()

    def waited(self, tries: int) -> None:
        """Return when so many lines were tried."""
        for _ in range(tries):
            assert self.tried.acquire(timeout=WAIT_S_MAX)


class Stopped(io.StringIO):
    """A terminal after Ctrl-S; `go` is Ctrl-Q."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        assert self.go.wait(WAIT_S_MAX)
        return super().write(text)


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as told:
        yield told  # type: ignore[misc]


def test_a_full_disk_fails_nobody_and_the_log_tells_what_it_lost(lines: list[dict[str, object]]) -> None:
    disk = Disk()
    scribe = Scribe(disk)
    scribe.begin()
    scribe.write("one\n")
    scribe.write("two\n")
    disk.waited(2)
    disk.full = False
    scribe.write("three\n")
    scribe.close(WAIT_S_MAX)
    assert disk.getvalue() == "three\n"
    assert scribe.lost == 2
    assert [(line["event"], line["count"]) for line in lines] == [("log.lines_lost", 2)]


def test_a_reader_that_stands_still_holds_nobody_up_and_its_backlog_has_a_limit() -> None:
    terminal = Stopped()
    scribe = Scribe(terminal)
    scribe.begin()
    for number in range(LINES_WAITING_MAX + 100):
        scribe.write(f"{number}\n")
    assert 90 <= scribe.lost <= 100
    terminal.go.set()
    scribe.close(WAIT_S_MAX)
    assert terminal.getvalue().startswith("0\n1\n2\n")


def test_what_is_written_before_the_end_is_there_after_it() -> None:
    paper = io.StringIO()
    scribe = Scribe(paper)
    scribe.begin()
    scribe.write("last words\n")
    scribe.close(WAIT_S_MAX)
    assert paper.getvalue() == "last words\n"


def test_a_stream_that_was_closed_is_survived() -> None:
    paper = io.StringIO()
    paper.close()
    scribe = Scribe(paper)
    scribe.begin()
    scribe.write("nobody\n")
    scribe.close(WAIT_S_MAX)
    assert scribe.lost == 1
