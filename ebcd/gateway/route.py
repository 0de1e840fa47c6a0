"""Main and standby line to one peer (GD/J 088 clause 5.3.1): which address is used now; pure.

After so many failures in a row the other address is used. While the standby is in use the main one is asked with every
heartbeat, and its first answer brings everything back to it.
"""

from __future__ import annotations

from dataclasses import dataclass

SWITCH_FAILURES = 2
"""Exchanges in a row that fail before the other line is used: one may be an accident, and a letter has four tries."""


@dataclass(slots=True)
class Route:
    """Two addresses of one peer; `standby` is empty where there is only one."""

    main: str
    standby: str = ""
    on_standby: bool = False
    failures: int = 0
    switches: int = 0

    @property
    def url(self) -> str:
        """Where packages go now."""
        return self.standby if self.on_standby else self.main

    @property
    def beats(self) -> tuple[str, ...]:
        """Where heartbeats go: the line in use, and the main one where that is not the same."""
        return (self.standby, self.main) if self.on_standby else (self.main,)

    def failed(self, url: str) -> bool:
        """An exchange got no receipt; True where the other line is used from now on."""
        if url != self.url:
            return False
        self.failures += 1
        return self.failures >= SWITCH_FAILURES and self.give_up()

    def give_up(self) -> bool:
        """Nothing was answered for too long; True where there is another line, which is used from now on."""
        if not self.standby:
            return False
        self._switch(on_standby=not self.on_standby)
        return True

    def answered(self, url: str) -> bool:
        """An exchange got its receipt; True where the main line is used again."""
        if url == self.main and self.on_standby:
            self._switch(on_standby=False)
            return True
        if url == self.url:
            self.failures = 0
        return False

    def _switch(self, *, on_standby: bool) -> None:
        self.on_standby = on_standby
        self.failures = 0
        self.switches += 1
