"""Session ids of FEFD: who counts, how answers find their requests, and how a repeat is done once only.

The text asks for a counter per sender that only increases and an answer that repeats the request's. The rest is ours:
a request that got no answer in time is repeated with the same session id; its receiver acts once and answers twice.
No clock here: callers bring monotonic seconds.
"""

from __future__ import annotations

from collections import OrderedDict

SESSION_MAX = 2**32 - 1


class SessionCounter:
    """Session ids of one sender, from `first` upwards; wraps to 1."""

    __slots__ = ("_next",)

    def __init__(self, first: int = 1) -> None:
        self._next = first

    def take(self) -> int:
        """The next id."""
        taken = self._next
        self._next = taken + 1 if taken < SESSION_MAX else 1
        return taken


class AnsweredSessions:
    """What a receiver has answered lately: a repeated request gets the same bytes and no second effect."""

    __slots__ = ("_answers", "sessions_max")

    def __init__(self, sessions_max: int = 32) -> None:
        self.sessions_max = sessions_max
        self._answers: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def recall(self, session: int, type_: int) -> bytes | None:
        """The answer given to this session and business type, if it is a repeat."""
        return self._answers.get((session, type_))

    def remember(self, session: int, type_: int, answer: bytes) -> None:
        """Keep an answer; the oldest goes where `sessions_max` are kept."""
        self._answers[session, type_] = answer
        while len(self._answers) > self.sessions_max:
            self._answers.popitem(last=False)
