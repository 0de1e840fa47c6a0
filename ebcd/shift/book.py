"""The shift's log of a county: what the journal's `shift.` facts add up to, and the only place that changes it.

Only operators' ids stand in these facts. People whom an entry is about stand beside the journal, by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ebcd.facts import DAEMON, Fact
from ebcd.shift.values import Entry, Handover, Matter, MatterKind

SHIFT_NOTED = "shift.noted"
SHIFT_HANDED_OVER = "shift.handed_over"
SHIFT_TAKEN = "shift.taken"
SHIFT_OVERDUE = "shift.overdue"
HANDOVERS_MAX = 200
"""Handovers kept in memory and in checkpoints, two months of three shifts a day; all of them are in the journal."""
ENTRIES_MAX = 2000


def shift_noted(words: str, person: int, at: float, actor: str) -> Fact:
    """A person wrote something down."""
    return Fact(SHIFT_NOTED, None, at, actor, {"words": words, "person": person})


def shift_handed_over(
    number: int, to: str, words: str, matters: Iterable[Matter], left_out: int, at: float, actor: str
) -> Fact:
    """The one on duty hands over; it counts when `to` has taken over."""
    rows = [[m.kind, m.subject, m.name, m.detail, m.since, m.kind_of, m.about, m.stage] for m in matters]
    payload = {"number": number, "to": to, "words": words, "matters": rows, "left_out": left_out}
    return Fact(SHIFT_HANDED_OVER, None, at, actor, payload)


def shift_taken(handover: int, why: str, at: float, actor: str) -> Fact:
    """`actor` is on duty from now on: by acknowledging a handover, or without one (0), and why."""
    return Fact(SHIFT_TAKEN, None, at, actor, {"handover": handover, "why": why})


def shift_overdue(handover: int, at: float) -> Fact:
    """Nobody has acknowledged a handover in time."""
    return Fact(SHIFT_OVERDUE, None, at, DAEMON, {"handover": handover})


@dataclass(slots=True)
class ShiftBook:
    """Who is on duty since when, handovers and entries, oldest first. `overdue`: handovers that waited too long."""

    on_duty: str = ""
    since: float = 0.0
    handovers: list[Handover] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    overdue: int = 0

    @property
    def waiting(self) -> Handover | None:
        """The handover that waits for the one who takes over."""
        return self.handovers[-1] if self.handovers and self.handovers[-1].waits else None

    @property
    def next_number(self) -> int:
        """Of the next handover, counted from 1."""
        return self.handovers[-1].number + 1 if self.handovers else 1

    def apply(self, fact: Fact) -> None:
        """Fold one fact in."""
        p = fact.payload
        match fact.kind:
            case "shift.noted":
                self.entries.append(Entry(fact.at, fact.actor, p["words"], p["person"]))
                del self.entries[:-ENTRIES_MAX]
            case "shift.handed_over":
                self._replace_waiting()
                matters = tuple(_matter(row) for row in p["matters"])
                handover = Handover(p["number"], fact.actor, p["to"], fact.at, p["words"], matters, p["left_out"])
                self.handovers.append(handover)
                del self.handovers[:-HANDOVERS_MAX]
            case "shift.taken":
                waiting = self.waiting
                if waiting is not None and waiting.number == p["handover"]:
                    waiting.taken_at = fact.at
                self._replace_waiting()
                self.on_duty, self.since = fact.actor, fact.at
                if p["why"]:
                    self.entries.append(Entry(fact.at, fact.actor, p["why"]))
            case "shift.overdue":
                waiting = self.waiting
                if waiting is not None and waiting.number == p["handover"]:
                    waiting.overdue_at = fact.at
                    self.overdue += 1

    def _replace_waiting(self) -> None:
        if (waiting := self.waiting) is not None:
            waiting.replaced = True

    def dump(self) -> dict[str, Any]:
        """For checkpoints: plain JSON values."""
        return asdict(self)

    @classmethod
    def load(cls, value: Mapping[str, Any]) -> ShiftBook:
        """The inverse of `dump`; of nothing an empty book."""
        if not value:
            return cls()
        handovers = []
        for row in value["handovers"]:
            matters = tuple(Matter(**{**each, "kind": MatterKind(each["kind"])}) for each in row["matters"])
            handovers.append(Handover(**{**row, "matters": matters}))
        entries = [Entry(**row) for row in value["entries"]]
        return cls(value["on_duty"], value["since"], handovers, entries, value["overdue"])


def _matter(row: list[Any]) -> Matter:
    kind, *rest = row
    return Matter(MatterKind(kind), *rest)
