"""What each platform above has acknowledged of each record, and what it therefore still lacks.

A record is in step where the acknowledged value equals the present one; a change takes it out of step, a receipt 1
brings it back, and only for the value that was really sent (platform digest 6.7). Pure; the store keeps the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ebcd.operation_data.kinds import KEEPS_DELETIONS, Kind
from ebcd.store import ReportRow

GONE = ""
"""Value of a record whose resource is no more, until the platform above knows."""
CYCLE = ""
"""Code of the row that says when a type was told last."""


@dataclass(slots=True)
class Mark:
    """One record as one platform knows it. `changed_at`: UTC seconds of the last change here."""

    value: str
    told: str
    changed_at: float

    @property
    def in_step(self) -> bool:
        """The sync flag."""
        return self.value == self.told


class Flags:
    """All records of all platforms above."""

    def __init__(self, peers: Iterable[str]) -> None:
        self.peers = tuple(peers)
        self._marks: dict[tuple[str, Kind], dict[str, Mark]] = {(p, k): {} for p in self.peers for k in Kind}
        self._open: dict[tuple[str, Kind], dict[str, None]] = {key: {} for key in self._marks}
        self._told_at: dict[tuple[str, Kind], float] = {}
        self._unwritten: dict[tuple[str, Kind, str], None] = {}

    # ---- what is true ----------------------------------------------------------------------------------------------

    def see(self, kind: Kind, code: str, value: str, at: float) -> bool:
        """A record has this value now; whether that is news to any platform."""
        news = [self.see_at(peer, kind, code, value, at) for peer in self.peers]
        return any(news)

    def see_at(self, peer: str, kind: Kind, code: str, value: str, at: float) -> bool:
        """The same for one platform only."""
        marks = self._marks[peer, kind]
        mark = marks.get(code)
        if mark is None:
            mark = marks[code] = Mark(value, "", at)
        elif mark.value == value:
            return False
        else:
            mark.value, mark.changed_at = value, at
        self._settle(peer, kind, code, mark)
        return True

    def lose(self, kind: Kind, code: str, at: float) -> bool:
        """A record's resource is no more; whether a platform has to be told."""
        news = False
        for peer in self.peers:
            mark = self._marks[peer, kind].get(code)
            if mark is None or mark.value == GONE:
                continue
            if mark.told == "" or kind not in KEEPS_DELETIONS:
                self._forget(peer, kind, code)
                continue
            mark.value, mark.changed_at = GONE, at
            self._settle(peer, kind, code, mark)
            news = True
        return news

    # ---- what is told ----------------------------------------------------------------------------------------------

    def lacks(self, peer: str, kind: Kind) -> list[str]:
        """Codes out of step, longest first."""
        return list(self._open[peer, kind])

    def count_lacking(self, peer: str, kind: Kind) -> int:
        """How many are out of step."""
        return len(self._open[peer, kind])

    def codes(self, peer: str, kind: Kind) -> list[str]:
        """Every known record that still exists."""
        return [code for code, mark in self._marks[peer, kind].items() if mark.value != GONE]

    def mark(self, peer: str, kind: Kind, code: str) -> Mark | None:
        """One record."""
        return self._marks[peer, kind].get(code)

    def took(self, peer: str, kind: Kind, values: Mapping[str, str]) -> None:
        """The platform has acknowledged these values."""
        for code, value in values.items():
            mark = self._marks[peer, kind].get(code)
            if mark is None:
                continue
            if value == GONE == mark.value:
                self._forget(peer, kind, code)
                continue
            mark.told = value
            self._settle(peer, kind, code, mark)

    def told_at(self, peer: str, kind: Kind) -> float | None:
        """When a cycle of this type was acknowledged last (UTC seconds)."""
        return self._told_at.get((peer, kind))

    def cycle_told(self, peer: str, kind: Kind, at: float) -> None:
        """A cycle of this type was acknowledged."""
        self._told_at[peer, kind] = at
        self._unwritten[peer, kind, CYCLE] = None

    # ---- over a restart --------------------------------------------------------------------------------------------

    def restore(self, rows: Iterable[ReportRow]) -> None:
        """Take back what an earlier life wrote; rows of platforms that are configured no more are left alone."""
        for row in rows:
            kind = Kind.named(row.kind)
            if row.peer not in self.peers or kind is None:
                continue
            if row.code == CYCLE:
                self._told_at[row.peer, kind] = row.changed_at
                continue
            self._marks[row.peer, kind][row.code] = Mark(row.value, row.told, row.changed_at)
            if row.value != row.told:
                self._open[row.peer, kind][row.code] = None

    def unwritten(self, rows_max: int, only: Kind | None = None) -> tuple[list[ReportRow], list[tuple[str, str, str]]]:
        """Up to `rows_max` changes since they were asked for, `only` of one type: rows to write, and keys of rows to
        remove."""
        rows: list[ReportRow] = []
        gone: list[tuple[str, str, str]] = []
        for key in self._first(rows_max, only):
            del self._unwritten[key]
            peer, kind, code = key
            mark = self._marks[peer, kind].get(code)
            if code == CYCLE:
                rows.append(ReportRow(peer, kind, CYCLE, "", "", self._told_at[peer, kind]))
            elif mark is None:
                gone.append((peer, kind, code))
            else:
                rows.append(ReportRow(peer, kind, code, mark.value, mark.told, mark.changed_at))
        return rows, gone

    def _first(self, count: int, only: Kind | None) -> list[tuple[str, Kind, str]]:
        keys: Iterator[tuple[str, Kind, str]] = (key for key in self._unwritten if only in (None, key[1]))
        return [key for key, _ in zip(keys, range(count), strict=False)]

    def _settle(self, peer: str, kind: Kind, code: str, mark: Mark) -> None:
        if mark.in_step:
            self._open[peer, kind].pop(code, None)
        else:
            self._open[peer, kind][code] = None
        self._unwritten[peer, kind, code] = None

    def _forget(self, peer: str, kind: Kind, code: str) -> None:
        self._marks[peer, kind].pop(code, None)
        self._open[peer, kind].pop(code, None)
        self._unwritten[peer, kind, code] = None
