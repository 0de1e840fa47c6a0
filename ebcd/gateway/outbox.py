"""What waits to be sent to one peer: bounded, in order within a message, retried by rule; pure.

Letters about one EBM form a lane: the next leaves when the one before has been answered or given up, so that a peer
never hears "done" before "on air". Lanes do not wait for each other. A letter that must arrive and whose tries are used
up is parked at the head of its lane until the peer is back, so that what comes later about the message waits behind it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from ebcd.gateway.peers import Letter

RETRY_S = (5.0, 15.0, 60.0)  # platform.md 6.1: three times, the same EBDID
REFUSALS_MAX = 12  # rounds of tries that a peer may answer with 5: two hours of a platform that is there and unwell


class Worth(IntEnum):
    """What pushes out what when the outbox is full: a higher one pushes out a lower one, never the reverse."""

    REPORT = 0  # operation data: sent once, `ebcd.operation_data` brings it again
    NOTICE = 1  # EBDNotify, requests: must arrive, and are tried again when the peer is back
    MESSAGE = 2  # EBM and its state: must arrive, and are retried at once


class GatewayOutboxFull(Exception):
    """No room, and nothing of lower worth to push out."""


@dataclass(slots=True)
class Waiting:
    """One letter on its way. `lane` is the EBMID it is about, or its own number."""

    letter: Letter
    lane: str
    worth: Worth
    due_s: float
    tries: int = 0
    parked: bool = False  # its tries were used up before
    refusals: int = 0  # how often all its tries were answered with "another time" (5)


@dataclass(slots=True)
class _Lane:
    queue: deque[Waiting] = field(default_factory=deque)
    busy: bool = False


class GatewayOutbox:
    """The queue of one peer. Times are monotonic seconds."""

    def __init__(self, *, letters_max: int, pushed_out: Callable[[Waiting], None]) -> None:
        """`pushed_out` is told of every letter that lost its place."""
        self._letters_max = letters_max
        self._pushed_out = pushed_out
        self._lanes: dict[str, _Lane] = {}
        self.depth = 0
        self.dropped = 0

    def offer(self, waiting: Waiting) -> None:
        """Queue one letter. Raises GatewayOutboxFull."""
        if self.depth >= self._letters_max:
            self._push_out_below(waiting.worth)
        lane = self._lanes.setdefault(waiting.lane, _Lane())
        if lane.queue and lane.queue[0].refusals and lane.queue[0].due_s == math.inf:
            lane.queue[0].due_s, lane.queue[0].tries = waiting.due_s, len(RETRY_S)  # once more, then this one
        lane.queue.append(waiting)
        self.depth += 1

    def take(self, now_s: float) -> Waiting | None:
        """The letter to send now; its lane is busy until `done` or `again`."""
        ready = [lane.queue[0] for lane in self._idle() if lane.queue[0].due_s <= now_s]
        if not ready:
            return None
        waiting = max(ready, key=lambda each: (each.worth, -each.due_s))
        self._lanes[waiting.lane].busy = True
        return waiting

    def rest(self) -> None:
        """Nobody is sending any more: what was on its way waits again."""
        for lane in self._lanes.values():
            lane.busy = False

    def next_due_s(self) -> float | None:
        """When `take` has something next; None while nothing can become due by itself."""
        due_s = min((lane.queue[0].due_s for lane in self._idle()), default=math.inf)
        return None if due_s == math.inf else due_s

    def done(self, waiting: Waiting) -> None:
        """Answered or given up: out of the queue, the lane goes on."""
        lane = self._lanes[waiting.lane]
        lane.queue.popleft()
        lane.busy = False
        self.depth -= 1
        if not lane.queue:
            del self._lanes[waiting.lane]

    def again(self, waiting: Waiting, now_s: float) -> bool:
        """The try failed: True when there will be another one, False when it was the last (call `done`)."""
        if waiting.worth is not Worth.MESSAGE or waiting.tries >= len(RETRY_S):
            return False
        waiting.due_s = now_s + RETRY_S[waiting.tries]
        waiting.tries += 1
        self._lanes[waiting.lane].busy = False
        return True

    def park(self, waiting: Waiting) -> bool:
        """Its tries are used up and it must arrive: it keeps its place until `revive`. True the first time."""
        first, waiting.parked = not waiting.parked, True
        waiting.due_s = math.inf
        self._lanes[waiting.lane].busy = False
        return first

    def keep(self, waiting: Waiting) -> bool | None:
        """All tries were answered with 5: the last word about a message, and a notice, wait for better times as `park`
        has it. None (call `done`) for a report, for what has been refused so `REFUSALS_MAX` times, and where a newer
        letter of the lane says more than this one."""
        newest = len(self._lanes[waiting.lane].queue) == 1
        if waiting.worth is Worth.REPORT or not newest or waiting.refusals >= REFUSALS_MAX:
            return None
        waiting.refusals += 1
        return self.park(waiting)

    def revive(self, now_s: float) -> None:
        """The peer is back: what was parked has all its tries again."""
        for lane in self._idle():
            head = lane.queue[0]
            if head.due_s == math.inf:
                head.due_s, head.tries = now_s, 0

    def _idle(self) -> Iterator[_Lane]:
        return (lane for lane in self._lanes.values() if not lane.busy)

    def _push_out_below(self, worth: Worth) -> None:
        """Remove the oldest of the least worth that is not being sent."""
        candidates = [
            waiting
            for lane in self._lanes.values()
            for place, waiting in enumerate(lane.queue)
            if waiting.worth < worth and not (place == 0 and lane.busy)
        ]
        if not candidates:
            raise GatewayOutboxFull(f"{self.depth} letters wait, at most {self._letters_max} can")
        victim = min(candidates, key=lambda each: (each.worth, each.due_s))
        lane = self._lanes[victim.lane]
        lane.queue.remove(victim)
        if not lane.queue:
            del self._lanes[victim.lane]
        self.depth -= 1
        self.dropped += 1
        self._pushed_out(victim)
