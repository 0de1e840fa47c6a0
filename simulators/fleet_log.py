"""Ground truth: what really happened on the loudspeakers of a process, for whoever judges the daemon."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from protocols.codes import EbmId, ResourceCode

EVENTS_MAX = 2_000_000  # starts and ends together; a demo makes some ten thousand


@dataclass(slots=True)
class StartMade:
    """One start of one message on one terminal. `sm3_ok` None until its audio is whole, or where none is fetched."""

    code: ResourceCode
    ebm_id: EbmId
    at: float
    path: str
    sm3_ok: bool | None = None


@dataclass(frozen=True, slots=True)
class EndMade:
    """The end of a message on a terminal: played, stopped, failed or missed."""

    code: ResourceCode
    ebm_id: EbmId
    at: float
    how: str


class FleetLog:
    """Everything all terminals of a process did."""

    def __init__(self) -> None:
        self.starts: list[StartMade] = []
        self.ends: list[EndMade] = []
        self.refusals: Counter[str] = Counter()
        self.fetched_count = 0
        self.sm3_ok_count = 0
        self.fetch_failed = 0
        self.resumed = 0
        self._latest: dict[tuple[ResourceCode, EbmId], StartMade] = {}

    def began(self, code: ResourceCode, ebm_id: EbmId, at: float, path: str) -> None:
        """A terminal sounds a message for the first time; a second call for the same pair is a doubled start."""
        if len(self.starts) + len(self.ends) < EVENTS_MAX:
            made = StartMade(code, ebm_id, at, path)
            self.starts.append(made)
            self._latest[code, ebm_id] = made

    def ended(self, code: ResourceCode, ebm_id: EbmId, at: float, how: str) -> None:
        """It no longer does."""
        if len(self.starts) + len(self.ends) < EVENTS_MAX:
            self.ends.append(EndMade(code, ebm_id, at, how))

    def fetched(self, code: ResourceCode, ebm_id: EbmId, sm3_ok: bool | None) -> None:
        """A terminal has a whole file and has compared its digest."""
        self.fetched_count += 1
        self.sm3_ok_count += sm3_ok is True
        if (made := self._latest.get((code, ebm_id))) is not None:
            made.sm3_ok = sm3_ok
