"""Numbers that links must know again after a restart, in the store (`devices.ports.Numbers`)."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from ebcd.store import Store, StoreError

log = structlog.get_logger("ebcd.kept_numbers")


class KeptNumbers:
    """`known`: what the store held when the daemon began."""

    def __init__(self, store: Store, known: Mapping[str, int]) -> None:
        self._store = store
        self._known = dict(known)

    def recall(self, name: str) -> int | None:
        """What was kept last, by this or an earlier process."""
        return self._known.get(name)

    def keep(self, name: str, value: int) -> None:
        """Written with the next commit. What cannot even be queued is told in the log; the link goes on."""
        self._known[name] = value
        try:
            self._store.keep_number_soon(name, value)
        except StoreError as error:
            log.warning("number.unkept", link=name, value=value, reason=str(error))
