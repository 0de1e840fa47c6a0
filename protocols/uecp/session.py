"""A conversation with one encoder: what may be sent now, what its answers mean, when to send again.

Nothing here reads a clock: `now_s` is handed in. One frame waits for its acknowledgement at a time, so that an OK,
which names no frame, has only one it can mean; a line without answers is paced instead, and "done" means written there.
Silence is never success: a frame that nobody acknowledges fails after `attempts_max` times. A frame that had to be sent
twice may be answered twice, so the next one waits until a late answer can no longer be taken for its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.stream import BadFrame
from protocols.uecp import frame as frames
from protocols.uecp.control import Acknowledgement, Code, Mode, Request
from protocols.uecp.data import plainer
from protocols.uecp.frame import SQC_MAX, SQC_UNUSED, Deframer, Frame
from protocols.uecp.message import ACKNOWLEDGEMENT, Element, decode_message, encode_message, mec_of
from protocols.uecp.profile import GROUP_MECS, REACTIONS, Profile, Reaction

QUEUE_MAX: Final = 64
REMEMBERED_FRAMES_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Done:
    """An element is through: acknowledged with OK, or written where nobody acknowledges (`acknowledged` False)."""

    element: Element
    tag: int
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """An element did not get through. `code` is the encoder's, None where it was silent."""

    element: Element
    tag: int
    code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """The encoder said something of itself: an answer to a request."""

    element: Element


Event = Done | Failed | Told | BadFrame


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes to write, what became of elements, and when to step again (None: when something new is there)."""

    data: bytes
    events: tuple[Event, ...]
    wake_s: float | None


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient a session is. `slow_down_s` doubles with each overflow that the encoder tells."""

    ack_timeout_s: float = 2.0
    attempts_max: int = 3
    slow_down_s: float = 0.5


@dataclass(slots=True)
class _Waiting:
    """The frame that is out."""

    element: Element
    tag: int
    sqc: int
    data: bytes
    attempts: int
    deadline_s: float
    unanswered: int = 1  # how often it went out without an answer


class Session:
    """One encoder, one line. Holds at most `queue_max` elements that were not sent."""

    def __init__(
        self,
        profile: Profile,
        mode: Mode,
        *,
        site: int = frames.EVERYBODY,
        encoder: int = frames.EVERYBODY,
        timing: Timing | None = None,
        group_of: Mapping[int, int] | None = None,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        """`group_of`: application -> group type code, for encoders that do not know element 46.

        Raises LocalProtocolError for a mode that needs answers of an encoder that has none.
        """
        if mode is not Mode.ONE_WAY and not profile.answers:
            raise LocalProtocolError(f"encoders of profile {profile.name} never answer; use mode one_way")
        self.profile = profile
        self.mode = mode
        self.queue_max = queue_max
        self._site, self._encoder = site, encoder
        self._timing = timing or Timing()
        self._group_of = dict(group_of or {})
        self._queue: deque[tuple[Element, int]] = deque()
        self._waiting: _Waiting | None = None
        self._sqc = SQC_UNUSED
        self._sent: dict[int, bytes] = {}  # the last few, for an encoder that missed one
        self._given_up: deque[int] = deque(maxlen=REMEMBERED_FRAMES_MAX)
        self._unknown: set[int] = set()
        self._deframer = Deframer()
        self._on_air_at: deque[float] = deque()  # when each pushed group has left the encoder's queue
        self._free_s = 0.0  # nothing is sent before
        self._slow_down_s = self._timing.slow_down_s
        self._again: dict[int, bytes] = {}  # by number, so that nobody makes it grow by saying the same often

    def __len__(self) -> int:
        return len(self._queue) + (self._waiting is not None)

    def offer(self, element: Element, tag: int = 0) -> None:
        """Queue an element; events about it carry `tag`. Raises LocalProtocolError: full, or beyond this encoder."""
        if len(self._queue) >= self.queue_max:
            raise LocalProtocolError(f"{self.queue_max} elements wait for the encoder already")
        usable = self._usable(element)
        if usable is None:
            learnt = self.profile.knows(mec_of(element))
            who = "the encoder says that it does" if learnt else f"encoders of profile {self.profile.name} do"
            raise LocalProtocolError(f"{who} not know element {mec_of(element):02X}")
        encode_message(usable)  # what no message can carry is refused here, not in the middle of a step
        self._queue.append((usable, tag))

    @property
    def waiting_for(self) -> int | None:
        """The code of the element whose acknowledgement is awaited."""
        return None if self._waiting is None else mec_of(self._waiting.element)

    def drop_queue(self) -> None:
        """Forget what was not sent yet."""
        self._queue.clear()

    def forget_unknown(self) -> None:
        """Offer the encoder everything again, also what it did not know: another one may stand there by now, or the
        same one may have said so while it was starting."""
        self._unknown.clear()

    def reset(self) -> None:
        """The line was cut: forget what was on its way. The caller says anew what the encoder must know."""
        self._queue.clear()
        self._waiting = None
        self._again.clear()
        self._deframer = Deframer()
        self._given_up.clear()
        self.forget_unknown()

    def receive(self, data: bytes, now_s: float) -> list[Event]:
        """Take bytes from the encoder; `step` next, it may have something to say to them."""
        events: list[Event] = []
        for found in self._deframer.feed(data):
            if isinstance(found, BadFrame):
                events.append(found)
                continue
            try:
                elements = decode_message(found.message)
            except RemoteProtocolError as error:
                events.append(BadFrame(error.reason, str(error), found.message[:64], len(found.message)))
                continue
            for element in elements:
                if isinstance(element, Acknowledgement):
                    self._acknowledged(element, found.sqc, now_s, events)
                else:
                    events.append(Told(element))
        return events

    def step(self, now_s: float) -> Step:
        """What to write now and when to come again."""
        events: list[Event] = []
        data = b"".join(self._again.values())
        self._again.clear()
        if (waiting := self._waiting) is not None and now_s >= waiting.deadline_s:
            data += self._repeat_or_give_up(waiting, None, "no acknowledgement", now_s, events)
        while self._waiting is None and self._queue and now_s >= self._next_s(now_s):
            data += self._send_next(now_s, events)
        return Step(data, tuple(events), self._wake_s(now_s))

    # ---- sending -----------------------------------------------------------------------------------------------

    def _usable(self, element: Element) -> Element | None:
        """The element, or the nearest that this encoder knows."""
        usable: Element | None = element
        while usable is not None and not (self.profile.knows(mec_of(usable)) and mec_of(usable) not in self._unknown):
            usable = plainer(usable, self._group_of)
        return usable

    def _send_next(self, now_s: float, events: list[Event]) -> bytes:
        element, tag = self._queue.popleft()
        usable = self._usable(element)
        if usable is None:
            events.append(Failed(element, tag, Code.UNKNOWN_MESSAGE, "the encoder does not know this element"))
            return b""
        if mec_of(usable) in GROUP_MECS:
            last_s = max(now_s, self._on_air_at[-1] if self._on_air_at else now_s)
            self._on_air_at.append(last_s + self.profile.group_s)
        self._free_s = now_s + self.profile.frame_gap_s
        if self.mode is Mode.ONE_WAY:
            events.append(Done(usable, tag, acknowledged=False))
            return self._frame(usable, SQC_UNUSED)
        sqc = self._next_sqc()
        # The request goes in the same frame: alone it would be answered for whatever frame arrived last.
        asking = [Request(ACKNOWLEDGEMENT)] if self.mode is Mode.REQUESTED else []
        data = self._frame(usable, sqc, *asking)
        self._sent[sqc] = data
        if len(self._sent) > REMEMBERED_FRAMES_MAX:
            del self._sent[next(iter(self._sent))]
        self._waiting = _Waiting(usable, tag, sqc, data, 1, now_s + self._timing.ack_timeout_s)
        return data

    def _frame(self, element: Element, sqc: int, *asking: Request) -> bytes:
        return frames.encode(Frame(self._site, self._encoder, sqc, encode_message(element, *asking)))

    def _next_sqc(self) -> int:
        """1 to 255 in turn."""
        self._sqc = self._sqc % SQC_MAX + 1
        self._sent.pop(self._sqc, None)
        if self._sqc in self._given_up:
            self._given_up.remove(self._sqc)
        return self._sqc

    def _next_s(self, now_s: float) -> float:
        """When the head of the queue may go."""
        while self._on_air_at and self._on_air_at[0] <= now_s:
            self._on_air_at.popleft()
        if self._queue and mec_of(self._queue[0][0]) in GROUP_MECS:
            over = len(self._on_air_at) - self.profile.groups_outstanding_max
            if over >= 0:
                return max(self._free_s, self._on_air_at[over])
        return self._free_s

    def _wake_s(self, now_s: float) -> float | None:
        if self._waiting is not None:
            return self._waiting.deadline_s
        return self._next_s(now_s) if self._queue else None

    # ---- answers -----------------------------------------------------------------------------------------------

    def _acknowledged(self, said: Acknowledgement, carrier_sqc: int, now_s: float, events: list[Event]) -> None:
        waiting = self._waiting
        named = carrier_sqc if said.sqc is None else said.sqc
        if waiting is None or (named != waiting.sqc and named in self._given_up):
            return  # too late: it has been told as failed
        if said.sqc is not None and said.sqc != waiting.sqc:
            if said.code == Code.NOT_RECEIVED and said.sqc in self._sent:
                self._again[said.sqc] = self._sent[said.sqc]
            return  # about another frame
        waiting.unanswered -= 1
        reaction = REACTIONS.get(said.code, Reaction.GIVE_UP)
        reason = f"the encoder answered {said.code}"
        if reaction is Reaction.DONE:
            self._end_waiting(waiting, now_s)
            self._slow_down_s = self._timing.slow_down_s
            events.append(Done(waiting.element, waiting.tag, acknowledged=True))
        elif reaction is Reaction.RESEND:
            self._again[waiting.sqc] = self._repeat_or_give_up(waiting, said.code, reason, now_s, events)
        elif reaction is Reaction.SLOW_DOWN:
            self._slow_down(waiting, said.code, reason, now_s, events)
        elif reaction is Reaction.USE_PLAINER:
            self._end_waiting(waiting, now_s)
            self._unknown.add(mec_of(waiting.element))
            self._queue.appendleft((waiting.element, waiting.tag))  # `_send_next` finds the plainer one, or fails it
        else:
            self._give_up(waiting, said.code, reason, now_s, events)

    def _repeat_or_give_up(
        self, waiting: _Waiting, code: int | None, reason: str, now_s: float, events: list[Event]
    ) -> bytes:
        """The same bytes under the same number, or the end of it."""
        if waiting.attempts >= self._timing.attempts_max:
            self._give_up(waiting, code, reason, now_s, events)
            return b""
        waiting.attempts += 1
        waiting.unanswered += 1
        waiting.deadline_s = now_s + self._timing.ack_timeout_s
        return waiting.data

    def _slow_down(self, waiting: _Waiting, code: int, reason: str, now_s: float, events: list[Event]) -> None:
        """Its queue is full: the deadline of the frame becomes the end of a pause."""
        if waiting.attempts >= self._timing.attempts_max:
            self._give_up(waiting, code, reason, now_s, events)
            return
        waiting.deadline_s = now_s + self._slow_down_s
        self._slow_down_s *= 2

    def _give_up(self, waiting: _Waiting, code: int | None, reason: str, now_s: float, events: list[Event]) -> None:
        self._end_waiting(waiting, now_s)
        self._given_up.append(waiting.sqc)
        events.append(Failed(waiting.element, waiting.tag, code, reason))

    def _end_waiting(self, waiting: _Waiting, now_s: float) -> None:
        self._waiting = None
        if waiting.unanswered > 0:
            self._free_s = max(self._free_s, now_s + self._timing.ack_timeout_s)
