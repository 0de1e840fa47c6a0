"""For all tests of the daemon and its command line."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from typer.main import get_command


@pytest.fixture(scope="session", autouse=True)
def commands_read_once() -> Iterator[None]:
    """Typer's runner would read the signatures of all commands anew for each line that is typed, as a process does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", functools.cache(get_command), raising=False)
        yield
