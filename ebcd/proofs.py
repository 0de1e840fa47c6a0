"""What `ebcd show` tells of the evidence that an alert was heard, beyond what terminals say of themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MonitorRow:
    """One head-end whose monitor was listened to. `verdict`: same, other, silent, short, losses, nothing."""

    code: str
    name: str
    verdict: str


@dataclass(frozen=True, slots=True)
class HeardRow:
    """One person's word from a place; who it was stands beside the journal. `at`: UTC seconds."""

    place: str
    name: str
    heard: bool
    at: int
    note: str


@dataclass(frozen=True, slots=True)
class AlertProofs:
    """Empty where nobody listened and nobody said anything: that is no proof either way."""

    monitors: tuple[MonitorRow, ...] = ()
    heard: tuple[HeardRow, ...] = ()
