"""Commands that print are run with their output thrown away."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Neither standard output nor standard error of what runs inside."""
    sink = io.StringIO()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        yield
