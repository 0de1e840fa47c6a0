"""Brings an RDS encoder from what it knows to what it must know, one turn at a time; no I/O and no clock.

What it is known to know is only what it acknowledged, or what was written where nobody acknowledges. Everything is told
again after each `repeat_period_s`, because an encoder that was switched off and on says nothing about it.
"""

from __future__ import annotations

import math
from typing import Final

from devices.encoder_link import Turn
from devices.rds_station import Look, toggled, untoggled
from protocols.errors import LocalProtocolError
from protocols.stream import BadFrame
from protocols.uecp.control import CommunicationMode, Mode, RealTimeClock
from protocols.uecp.message import MEC_OF, Element, mec_of
from protocols.uecp.programme import RadioText
from protocols.uecp.session import Done, Event, Failed, Session, Told

RETRY_S: Final = 3.0
"""An element that did not get through is tried again after this; another of its code, such as that of an alert, at
once."""
RADIO_TEXT: Final = MEC_OF[RadioText]
COMMUNICATION_MODE: Final = MEC_OF[CommunicationMode]
CLOCK: Final = MEC_OF[RealTimeClock]


class UecpDialogue:
    """One encoder, over any number of lines one after the other."""

    def __init__(self, session: Session, repeat_period_s: float) -> None:
        self.clock_wanted = False
        self._session = session
        self._repeat_period_s = repeat_period_s or math.inf
        self._repeat_at_s = math.inf
        self._known: Look = {}
        self._resting: dict[int, tuple[Element, float]] = {}  # by code: what failed, and when to try it again
        self._wanted: Look = {}
        self._refused = ""  # the first failure since everything was known
        self._text: Element | None = None  # the last RadioText, also where the encoder may have forgotten it
        self._mode_told = True
        self._mode_failed = False  # where it got no answer once, an alarm does not wait for it again

    @property
    def answers(self) -> bool:
        """Whether the encoder is to answer."""
        return self._session.mode is not Mode.ONE_WAY

    def begin(self, now_s: float) -> None:
        """A line is open: nothing is known of what stands at its other end."""
        self._session.reset()
        self._known.clear()
        self._resting.clear()
        self._mode_told = not self.answers
        self._mode_failed = False
        self._refused = ""
        self._repeat_at_s = now_s + self._repeat_period_s

    def turn(self, wanted: Look, arrived: bytes, now_s: float, utc_s: float) -> Turn:
        """Hear what arrived, then say what is next."""
        turn = Turn()
        self._take_in(self._session.receive(arrived, now_s), now_s, turn)
        if now_s >= self._repeat_at_s:
            self._repeat_at_s = now_s + self._repeat_period_s
            self._known.clear()
            self._session.forget_unknown()
        if wanted != self._wanted:
            self._wanted = wanted
            self._session.forget_unknown()
        self._resting = {mec: (element, due_s) for mec, (element, due_s) in self._resting.items() if now_s < due_s}
        self._queue(wanted, now_s, utc_s, turn)
        step = self._session.step(now_s)
        turn.data = step.data
        self._take_in(list(step.events), now_s, turn)
        turn.settled = self._mode_told and all(self._known.get(mec) == element for mec, element in wanted.items())
        turn.refused = self._refused = "" if turn.settled else self._refused
        turn.wake_s = min([self._repeat_at_s, *(due_s for _, due_s in self._resting.values())])
        if step.wake_s is not None:
            turn.wake_s = min(turn.wake_s, step.wake_s)
        elif step.events and not turn.settled:
            turn.wake_s = now_s  # what came to an end just now makes room for the next
        return turn

    def _queue(self, wanted: Look, now_s: float, utc_s: float, turn: Turn) -> None:
        """What the encoder must be told, instead of what was queued before."""
        self._session.drop_queue()
        modes: list[Element] = [] if self._mode_told else [CommunicationMode(self._session.mode)]
        telling: list[Element] = [element for mec, element in wanted.items() if self._known.get(mec) != element]
        telling = [*telling, *modes] if self._mode_failed else [*modes, *telling]
        if self.clock_wanted:
            telling.append(RealTimeClock.at(utc_s))
        for element in telling:
            mec = mec_of(element)
            if mec == self._session.waiting_for or self._rests(element):
                continue
            fresh = mec == RADIO_TEXT and element != self._text
            try:
                self._session.offer(toggled(element) if fresh else element)
            except LocalProtocolError as error:
                self._rest(element, now_s, str(error))
                turn.failures.append(str(error))

    def _take_in(self, events: list[Event], now_s: float, turn: Turn) -> None:
        for event in events:
            match event:
                case Done(element=element, acknowledged=acknowledged):
                    turn.heard |= acknowledged
                    self._done(element)
                case Failed(element=element, code=code, reason=reason):
                    turn.heard |= code is not None
                    turn.silent |= code is None
                    why = f"element {mec_of(element):02X}: {reason}"
                    turn.failures.append(why)
                    self._failed(element, code, now_s, why)
                case BadFrame():
                    turn.bad.append(event)
                case Told():
                    pass  # nobody asked

    def _done(self, element: Element) -> None:
        mec = mec_of(element)
        if mec == COMMUNICATION_MODE:
            self._mode_told = True
        elif mec == CLOCK:
            self.clock_wanted = False
        else:
            self._known[mec] = untoggled(element)
            if mec == RADIO_TEXT:
                self._text = self._known[mec]

    def _failed(self, element: Element, code: int | None, now_s: float, why: str) -> None:
        mec = mec_of(element)
        if mec == COMMUNICATION_MODE and code is not None:
            self._mode_told = True  # it answers, so it has a mode that will do
        elif mec == CLOCK:
            self.clock_wanted = False
        else:
            self._mode_failed |= mec == COMMUNICATION_MODE
            self._rest(element, now_s, why)

    def _rest(self, element: Element, now_s: float, why: str) -> None:
        mec = mec_of(element)
        self._known.pop(mec, None)
        self._resting[mec] = (untoggled(element), now_s + RETRY_S)
        if mec in self._wanted:
            self._refused = self._refused or why

    def _rests(self, element: Element) -> bool:
        failed = self._resting.get(mec_of(element))
        return failed is not None and (failed[0] == element or mec_of(element) == CLOCK)
