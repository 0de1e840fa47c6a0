"""A control room on a real unix socket, in a thread beside the synchronous command line."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.routing import Route
from typer.testing import CliRunner

from ebcd.api import application
from ebcd.cli.app import app
from ebcd.http_server import on_unix_socket
from ebcd.identity import Operators
from tests.ebcd.fake_operations import FakeOperations

TOKENS = {hashlib.sha256(name.encode()).hexdigest(): name for name in ("chen", "wang")}


@dataclass(frozen=True)
class Answer:
    """What a command printed."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class ControlRoom:
    """The daemon's side and a keyboard."""

    folder: Path
    operations: FakeOperations

    def type(self, *arguments: str, operator: str = "chen", keys: str | None = None) -> Answer:
        """Run one command against the daemon."""
        environment = {"EBCD_TOKEN_FILE": str(self.folder / operator), "EBCD_CONFIG": str(self.folder / "ebcd.toml")}
        result = CliRunner().invoke(app, [*arguments], input=keys, env={**environment, "EBCD_LANG": "", "LANG": "C"})
        return Answer(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    """A running daemon's API with two operators, chen and wang."""
    with serving(tmp_path) as running:
        yield running


@contextmanager
def serving(tmp_path: Path, more: Iterable[Route] = ()) -> Iterator[ControlRoom]:
    """The same with routes of other parts."""
    operations = FakeOperations()
    (tmp_path / "ebcd.toml").write_text('[platform]\nlanguage = "zh"\n[api]\nsocket = "run/s"\n', encoding="utf-8")
    for name in ("chen", "wang"):
        (tmp_path / name).write_text(name + "\n", encoding="ascii")
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with on_unix_socket(application(operations, Operators(TOKENS), more=more), tmp_path / "run" / "s"):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield ControlRoom(tmp_path, operations)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
