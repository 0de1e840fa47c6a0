"""When each terminal last said that it sounded, in whatever message: the tests in use.

A daily programme proves a horn as well as a tone does. Who only answers has not sounded (I8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ebcd import facts
from ebcd.evaluation.evidence import BEGAN, EVIDENCE_BEGAN
from ebcd.facts import Fact
from ebcd.lifecycle import DeliveryEvent

SOUNDED_MAX = 200_000
"""Terminals whose moment is kept, more than a province has; the ones silent longest go."""


@dataclass(slots=True)
class SoundBook:
    """UTC seconds by resource code."""

    last: dict[str, float] = field(default_factory=dict)

    def follow(self, fact: Fact) -> None:
        """Fold one fact of an alert in."""
        if fact.kind == facts.RECEIPTS:
            for code, event, _path, detail, at in fact.payload["items"]:
                if event == DeliveryEvent.PLAY or (event == DeliveryEvent.CONFIRM and detail == BEGAN):
                    self._note(code, at)
        elif fact.kind == EVIDENCE_BEGAN:
            for code, at in fact.payload["items"]:
                self._note(code, at)

    def since(self, codes: Iterable[str], at: float) -> int:
        """How many of these have sounded at `at` or later."""
        return sum(self.last.get(code, 0.0) >= at for code in codes)

    def forget_old(self) -> int:
        """Let go of those beyond `SOUNDED_MAX`; how many those were."""
        many = max(0, len(self.last) - SOUNDED_MAX)
        for code in sorted(self.last, key=lambda each: self.last[each])[:many]:
            del self.last[code]
        return many

    def dump(self) -> dict[str, float]:
        """For checkpoints."""
        return self.last

    @classmethod
    def load(cls, rows: Mapping[str, Any]) -> SoundBook:
        """The inverse of `dump`."""
        return cls(dict(rows))

    def _note(self, code: str, at: float) -> None:
        if at > self.last.get(code, 0.0):
            self.last[code] = at
