"""The dialogue with an RDS encoder that is driven by lines of text; the same signs as by UECP, no answers, no clock."""

from __future__ import annotations

import math
from typing import Final

from devices.encoder_link import Turn
from devices.rds_station import Look
from protocols.rds.ascii_commands import encode_command
from protocols.rds.charset import decode_text
from protocols.uecp.message import Element
from protocols.uecp.programme import ProgrammeServiceName, ProgrammeType, RadioText, TrafficFlags

LINE_GAP_S: Final = 0.1
"""Rest between two elements: these encoders read a line while they make groups."""


def lines_of(element: Element) -> bytes:
    """An element as lines. Raises LocalProtocolError for a text that is not ASCII; what has no command gives none."""
    match element:
        case ProgrammeType(pty=pty):
            return encode_command("PTY", pty)
        case TrafficFlags(ta=ta, tp=tp):
            return encode_command("TP", int(tp)) + encode_command("TA", int(ta))
        case RadioText(text=text):
            return encode_command("RT1", decode_text((text or b"").rstrip(b"\r")))
        case ProgrammeServiceName(name=name):
            return encode_command("PS", decode_text(name))
    return b""


class AsciiDialogue:
    """One encoder. What was written counts as known until everything is told again."""

    def __init__(self, repeat_period_s: float) -> None:
        self.clock_wanted = False
        self._repeat_period_s = repeat_period_s or math.inf
        self._repeat_at_s = math.inf
        self._free_s = 0.0
        self._known: Look = {}

    @property
    def answers(self) -> bool:
        """Never."""
        return False

    def begin(self, now_s: float) -> None:
        """A line is open: nothing is known of what stands at its other end."""
        self._known.clear()
        self._free_s = now_s
        self._repeat_at_s = now_s + self._repeat_period_s

    def turn(self, wanted: Look, arrived: bytes, now_s: float, utc_s: float) -> Turn:
        """Say the next thing that it does not know. `arrived` is an echo at best."""
        self.clock_wanted = False  # there is no command that all of them have
        if now_s >= self._repeat_at_s:
            self._repeat_at_s = now_s + self._repeat_period_s
            self._known.clear()
        turn = Turn()
        untold = [mec for mec, element in wanted.items() if self._known.get(mec) != element]
        if untold and now_s >= self._free_s:
            mec = untold.pop(0)
            turn.data = lines_of(wanted[mec])
            self._known[mec] = wanted[mec]
            self._free_s = now_s + LINE_GAP_S
        turn.settled = not untold
        turn.wake_s = min(self._repeat_at_s, self._free_s if untold else math.inf)
        return turn
