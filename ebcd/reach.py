"""Which terminals can be commanded over which path at this moment, as the links tell it."""

from __future__ import annotations

from collections.abc import Callable

from devices.link import Path
from protocols.codes import ResourceCode


class Reach:
    """Fed by link events, asked by the planner.

    A connection counts as live until it is known to be gone. An adapter is dialled anew for each command, so it counts
    as live until a command to it went unanswered, and again from its next sign of life.
    """

    def __init__(self, adapter_of: Callable[[ResourceCode], ResourceCode | None]) -> None:
        self._adapter_of = adapter_of
        self._connected: dict[Path, set[ResourceCode]] = {path: set() for path in Path}
        self._silent_adapters: set[ResourceCode] = set()
        self._fm_links_up: set[str] = set()

    def connected(self, code: ResourceCode, path: Path) -> None:
        """`code` has a connection on `path`."""
        self._connected[path].add(code)

    def disconnected(self, code: ResourceCode, path: Path) -> None:
        """Its connection on `path` is gone."""
        self._connected[path].discard(code)

    def adapter_spoke(self, code: ResourceCode) -> None:
        """The adapter answered or reported."""
        self._silent_adapters.discard(code)

    def adapter_silent(self, code: ResourceCode) -> None:
        """A command to the adapter went unanswered."""
        self._silent_adapters.add(code)

    def link_up(self, name: str, path: Path) -> None:
        """A link works; only FM is judged by its link, the others by their devices."""
        if path is Path.FM:
            self._fm_links_up.add(name)

    def link_down(self, name: str, path: Path) -> None:
        """A link stopped working."""
        if path is Path.FM:
            self._fm_links_up.discard(name)

    def is_live(self, code: ResourceCode, path: Path) -> bool:
        """Whether an order sent now over `path` can be expected to arrive at `code`."""
        if path is Path.FM:
            return bool(self._fm_links_up)
        if path is Path.ADAPTER:
            adapter = self._adapter_of(code)
            return adapter is not None and adapter not in self._silent_adapters
        return code in self._connected[path]

    def count(self, path: Path) -> int:
        """How many terminals are connected on `path`."""
        return len(self._connected[path])
