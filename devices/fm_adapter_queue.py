"""What an adapter is still to be told about FM, in the order of its worth. No clock, no socket, no task of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

from devices.fm_announcement import Announcement, Kind, covered, in_the_way
from devices.link import OutboxFull, Stop, Verb
from protocols.codes import EbmId, ResourceCode
from protocols.errors import LocalProtocolError

STOPPED_MAX = 1024


@dataclass(slots=True, eq=False)
class Said:
    """One announcement: when it is due next, how often it was taken, what of it was told of as not taken."""

    announcement: Announcement
    number: int
    began_s: float
    due_s: float
    stop: Stop | None = None  # of a stop: the command, for who is concerned
    passes: int = 0
    bits: int = 0
    complained: bool = False
    why_not: str = "over before it was on air"

    @property
    def worth(self) -> tuple[float, ...]:
        """Smaller goes first: what was never told before what is repeated, stops before starts, newest stops first."""
        what = self.announcement
        age = -self.number if what.verb is Verb.STOP else self.number
        return (min(self.passes, 1), what.kind, what.level, age)

    @property
    def verb(self) -> Verb | None:
        """Of its announcement."""
        return self.announcement.verb


class Queue:
    """At most `announcements_max` of them, and as many stops."""

    def __init__(self, announcements_max: int) -> None:
        self._most = announcements_max
        self._said: list[Said] = []
        self._stopped: dict[EbmId, Stop] = {}
        self._made = 0
        self._gone: list[Said] = []  # pushed out or withdrawn, and not told of so far
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._said)

    def start(self, announcement: Announcement, now_s: float) -> None:
        """Say it to those to whom it is not said yet; what was stopped is not started again. Raises OutboxFull."""
        stopped = self._stopped.get(announcement.ebm_id) if announcement.ebm_id is not None else None
        if stopped is not None and announcement.covered_by(stopped.targets):
            return
        mine = [s for s in self._said if _same(s.announcement, announcement)]
        heard = tuple(target for s in mine for target in s.announcement.targets)
        missing = tuple(target for target in announcement.targets if not covered(target, heard))
        if not missing:
            for said in mine:
                said.due_s = now_s  # somebody there was given up by a better path
            return
        for said in [s for s in self._said if in_the_way(s.announcement, announcement)]:
            self._leave(said, "an alert came first")
        stop = announcement.stop and replace(announcement.stop, targets=missing)
        self._enter(replace(announcement, targets=missing, stop=stop), now_s)

    def stop(self, command: Stop, announcement: Announcement, now_s: float) -> None:
        """End a message for some places, or every message. Raises OutboxFull."""
        for said in [s for s in self._said if s.announcement.ends_with_its_message]:
            if command.ebm_id in (EbmId.EVERYTHING, said.announcement.ebm_id):
                self._silence(said, command)
        if command.ebm_id != EbmId.EVERYTHING:
            if len(self._stopped) >= STOPPED_MAX:
                del self._stopped[next(iter(self._stopped))]
            self._stopped[command.ebm_id] = command
        mine = [s for s in self._said if _same(s.announcement, announcement)]
        if mine and all(covered(t, [x for s in mine for x in s.announcement.targets]) for t in announcement.targets):
            return
        self._enter(announcement, now_s, command)

    def say(self, announcement: Announcement, now_s: float) -> None:
        """Anything that is neither. Of type 21 the one that waits already stands for another; a text is said beside its
        message only. Raises OutboxFull, LocalProtocolError for what a running alert forbids."""
        starts = [s for s in self._said if s.verb is Verb.START]
        running = next((s for s in starts if in_the_way(announcement, s.announcement)), None)
        if running is not None:
            raise LocalProtocolError(f"{running.announcement.ebm_id} is on air there")
        mine = [s for s in self._said if s.announcement.kind is announcement.kind]
        if announcement.kind is Kind.TEXT:
            if not any(s.announcement.ebm_id == announcement.ebm_id for s in starts):
                return
            missing = self._unshown(announcement, mine)
            if not missing:
                return
            announcement = replace(announcement, targets=missing)
        elif announcement.kind is Kind.ALIVE and mine:
            return
        self._enter(announcement, now_s)

    def _unshown(self, text: Announcement, texts: list[Said]) -> tuple[ResourceCode, ...]:
        same = (s.announcement for s in texts if s.announcement.ebm_id == text.ebm_id)
        shown = tuple(target for each in same for target in each.targets)
        return tuple(target for target in text.targets if not covered(target, shown))

    def due(self, now_s: float) -> Said | None:
        """What the adapter is told next."""
        return min((s for s in self._said if s.due_s <= now_s), key=lambda s: s.worth, default=None)

    def told(self, said: Said, now_s: float, bits: int) -> None:
        """It was taken at `now_s`."""
        said.passes += 1
        said.bits += bits
        repeats = said.announcement.repeats
        if repeats.period_s is None:
            self._drop(said)
        else:
            said.due_s = now_s + repeats.period_s

    def postpone(self, until_s: float) -> None:
        """The adapter does not answer: nothing is tried before then but a stop that was never told."""
        for said in self._said:
            if said.announcement.verb is not Verb.STOP or said.complained:
                said.due_s = max(said.due_s, until_s)

    def over(self, wall_s: float, now_s: float) -> Iterator[Said]:
        """Take away what has ended, and stops that were said for long enough."""
        gone, self._gone = self._gone, []
        yield from gone
        for said in list(self._said):
            what = said.announcement
            linger_s = what.repeats.linger_s if what.repeats.linger_s is not None else inf
            if what.until is not None and what.until <= wall_s:
                self._drop(said)
                yield said
            elif said.passes >= what.repeats.burst and now_s - said.began_s >= linger_s:
                self._drop(said)

    def _enter(self, announcement: Announcement, now_s: float, stop: Stop | None = None) -> None:
        rivals = [s for s in self._said if (s.stop is None) == (stop is None)]
        if len(rivals) >= self._most:
            victims = [s for s in rivals if s.verb is None and s.announcement.kind > announcement.kind]
            if not victims:
                raise OutboxFull(f"{len(rivals)} announcements wait for the adapter, {self._most} may")
            self._leave(max(victims, key=lambda s: s.worth), "pushed out by something better")
        self._made += 1
        self._said.append(Said(announcement, self._made, now_s, now_s, stop))

    def _leave(self, said: Said, why: str) -> None:
        """It is not said any more."""
        self._drop(said)
        self.dropped += 1
        if not said.passes:
            said.why_not = why
            self._gone.append(said)

    def _silence(self, said: Said, command: Stop) -> None:
        """Take a start away, or leave it to the places that the stop does not mean."""
        what = said.announcement
        left = tuple(target for target in what.targets if not covered(target, command.targets))
        if not left:
            self._drop(said)
        elif left != what.targets:
            said.announcement = replace(what, targets=left, stop=what.stop and replace(what.stop, targets=left))

    def _drop(self, said: Said) -> None:
        self._said = [each for each in self._said if each is not said]


def _same(one: Announcement, other: Announcement) -> bool:
    return one.ebm_id is not None and (one.ebm_id, one.verb) == (other.ebm_id, other.verb)
