"""Main and standby line to one peer (GD/J 088 clause 5.3.1): which address is used now; pure.

After so many failures in a row the other address is used. While the standby is in use the main one is asked with every
heartbeat, and its first answer brings everything back to it; not so a main line that answers heartbeats and swallows
documents: that one is given time. The line that is not in use is asked now and then, so that it is not found dead on
the day it is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SWITCH_FAILURES = 2
"""Exchanges in a row that fail before the other line is used: one may be an accident, and a letter has four tries."""
DISTRUST_S = 600.0
"""How long a main line is left alone that answered heartbeats and no documents."""
STANDBY_EVERY = 10
"""Each so many heartbeats one goes over the standby line, too."""


@dataclass(slots=True)
class Route:
    """Two addresses of one peer; `standby` is empty where there is only one. Times are monotonic seconds."""

    main: str
    standby: str = ""
    on_standby: bool = False
    failures: int = 0  # of anything, in a row
    unheeded: int = 0  # of documents in a row, whatever became of heartbeats between them
    switches: int = 0
    spare_failures: int = 0
    spare_reason: str = ""
    distrusted_until_s: float = -math.inf
    beats_sent: int = 0

    @property
    def url(self) -> str:
        """Where packages go now."""
        return self.standby if self.on_standby else self.main

    @property
    def spare(self) -> str:
        """Which line is not in use."""
        return ("main" if self.on_standby else "standby") if self.standby else ""

    def spare_failure(self, now_s: float) -> str:
        """Why the line that is not in use would not do; "" where it would, or where nobody knows yet."""
        distrusted = self.on_standby and now_s < self.distrusted_until_s
        return self.spare_reason if self.spare_failures >= SWITCH_FAILURES or distrusted else ""

    def beats(self) -> tuple[str, ...]:
        """Where the next heartbeat goes: the line in use; the main one where that is not the same, the standby at
        times."""
        self.beats_sent += 1
        if self.on_standby:
            return (self.standby, self.main)
        probes = self.standby and self.beats_sent % STANDBY_EVERY == 1
        return (self.main, self.standby) if probes else (self.main,)

    def failed(self, url: str, now_s: float, reason: str = "", *, beat: bool) -> bool:
        """An exchange got no receipt, or none that took it; True where the other line is used from now on."""
        if url != self.url:
            self.spare_failures += 1
            self.spare_reason = reason or self.spare_reason
            if beat and url == self.main:
                self.distrusted_until_s = -math.inf  # it is dead altogether, and its next answer means that it is back
            return False
        self.failures += 1
        self.unheeded += not beat
        if max(self.failures, self.unheeded) < SWITCH_FAILURES or not self.standby:
            return False
        if not self.on_standby and self.unheeded >= SWITCH_FAILURES:
            self.distrusted_until_s = now_s + DISTRUST_S
        return self.give_up(reason)

    def give_up(self, reason: str = "") -> bool:
        """Nothing was answered for too long; True where there is another line, which is used from now on."""
        if not self.standby:
            return False
        self._switch(on_standby=not self.on_standby)
        self.spare_failures, self.spare_reason = SWITCH_FAILURES, reason
        return True

    def answered(self, url: str, now_s: float, *, beat: bool) -> bool:
        """An exchange got its receipt; True where the main line is used again."""
        if url != self.url:
            self.spare_failures = 0
            if url == self.main and (not beat or now_s >= self.distrusted_until_s):
                self._switch(on_standby=False)
                return True
            return False
        self.failures = 0
        if not beat:
            self.unheeded = 0
        return False

    def _switch(self, *, on_standby: bool) -> None:
        self.on_standby = on_standby
        self.failures = self.unheeded = self.spare_failures = 0
        self.spare_reason = ""
        self.switches += 1
