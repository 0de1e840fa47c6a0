"""Requests on their way to terminals: repeated with the same session id, matched by socket, session and type.

One request stands for all sockets its bytes were written to, so ten thousand terminals cost one timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from devices.link import Verb
from devices.terminal_connection import Connection
from protocols.codes import EbmId, ResourceCode


@dataclass(slots=True, eq=False)
class Request:
    """One command frame, who has not answered it yet, and who had given no answer when the repeats were used up."""

    session: int
    type: int
    frame: bytes
    ebm_id: EbmId | None
    verb: Verb | None
    not_after_utc_s: float  # no repeat from then on
    token: int | None = None  # of whoever waits for the answers to settings
    waiting: dict[Connection, ResourceCode] = field(default_factory=dict)
    late: dict[Connection, ResourceCode] = field(default_factory=dict)
    repeats: int = 0
    timer: asyncio.TimerHandle | None = None


class Requests:
    """All requests of one listener."""

    def __init__(
        self,
        *,
        answer_timeout_s: float,
        repeats: int,
        late_answer_s: float,
        wall: Callable[[], float],
        unanswered: Callable[[Request, ResourceCode, str], None],
    ) -> None:
        self._answer_timeout_s = answer_timeout_s
        self._repeats = repeats
        self._late_answer_s = late_answer_s
        self._wall = wall
        self._unanswered = unanswered
        self._open: dict[tuple[int, int], Request] = {}

    def __len__(self) -> int:
        return len(self._open)

    def open(self, request: Request) -> None:
        """Its frame is about to be written; the first answers may come before the last write."""
        self._open[request.session, request.type] = request

    def written(self, request: Request) -> None:
        """Its frame has been written to everybody it is for; the clock runs from now."""
        self._arm(request, self._answer_timeout_s)
        self._finish_if_done(request)

    def answered(self, connection: Connection, session: int, type_: int) -> Request | None:
        """The request that this socket answers, in time or late; None when it answers nothing asked of it."""
        request = self._open.get((session, type_))
        if request is None:
            return None
        if request.waiting.pop(connection, None) is None and request.late.pop(connection, None) is None:
            return None
        self._finish_if_done(request)
        return request

    def lost(self, connection: Connection) -> None:
        """The socket is gone: what it owed will not come."""
        for request in list(self._open.values()):
            code = request.waiting.pop(connection, None)
            request.late.pop(connection, None)
            if code is not None:
                self._unanswered(request, code, connection.reason)
            self._finish_if_done(request)

    def withdraw(self, ebm_id: EbmId, codes: Iterable[ResourceCode]) -> None:
        """A stop overtakes: no more repeats of starts of this message (or of any, for id zero) to these devices."""
        gone = frozenset(codes)
        for request in self._open.values():
            if request.verb is Verb.START and ebm_id in (request.ebm_id, EbmId.EVERYTHING):
                hit = [(connection, code) for connection, code in request.waiting.items() if code in gone]
                self._give_up(request, hit, "stopped")

    def close(self) -> None:
        """Disarm everything."""
        for request in list(self._open.values()):
            self._finish(request)

    def _arm(self, request: Request, after_s: float) -> None:
        request.timer = asyncio.get_running_loop().call_later(after_s, self._timed_out, request)

    def _timed_out(self, request: Request) -> None:
        if not request.waiting:
            self._finish(request)
        elif request.repeats < self._repeats and self._wall() < request.not_after_utc_s:
            request.repeats += 1
            for connection in list(request.waiting):
                connection.write(request.frame)
            self._arm(request, self._answer_timeout_s)
        else:
            tries = request.repeats + 1
            self._give_up(request, list(request.waiting.items()), f"no answer to {tries} tries")
            self._arm(request, self._late_answer_s)

    def _give_up(self, request: Request, silent: list[tuple[Connection, ResourceCode]], reason: str) -> None:
        for connection, code in silent:
            del request.waiting[connection]
            request.late[connection] = code
            self._unanswered(request, code, reason)

    def _finish_if_done(self, request: Request) -> None:
        """Nobody owes an answer, and nobody will be added any more."""
        if request.timer is not None and not request.waiting and not request.late:
            self._finish(request)

    def _finish(self, request: Request) -> None:
        if request.timer is not None:
            request.timer.cancel()
        self._open.pop((request.session, request.type), None)
