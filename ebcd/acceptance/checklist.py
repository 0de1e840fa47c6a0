"""The points, in the order in which they are played: the 13 of the acceptance plan that provinces use, and what of
GD/J 088 annex B can be seen on this interface (platform digest 11)."""

from __future__ import annotations

from dataclasses import dataclass

from ebcd.acceptance import judging as j
from ebcd.acceptance.acts import (
    Act,
    AskData,
    AskMessageState,
    AtCounty,
    OrderBroadcast,
    OrderDrill,
    SpoilSignature,
)

INCREMENTAL = "Incremental"


@dataclass(frozen=True, slots=True)
class Point:
    """One line of the protocol. `number` is also the key of its sentence (`accept_point.*`, dots as underscores)."""

    number: str
    judge: j.Judge
    acts: tuple[Act, ...] = ()
    long: bool = False  # a cycle: seen only where somebody watches for hours
    judge_after: j.Judge | None = None  # instead of `judge` for what was said after somebody did what was asked

    @property
    def key(self) -> str:
        """In the catalogue."""
        return f"accept_point.{self.number.replace('.', '_')}"


def _both(type_: str) -> tuple[Act, ...]:
    return AskData(type_, j.FULL), AskData(type_, INCREMENTAL)


CHECKLIST: tuple[Point, ...] = (
    Point("1", j.heartbeats),
    Point("2.first", j.unasked("EBRPSInfo")),
    Point("2.change", j.again("EBRPSInfo"), (AtCounty("change_platform"),), judge_after=j.unasked("EBRPSInfo")),
    Point("2.daily", j.cycle("EBRPSInfo", lambda talk: talk.info_s), long=True),
    Point("3", j.on_request("EBRPSInfo"), _both("EBRPSInfo")),
    Point("4.fault", j.state_told("EBRPSState", ("3",)), (AtCounty("cause_fault"),)),
    Point("4.half_hour", j.cycle("EBRPSState", lambda talk: talk.states_s), long=True),
    Point("5", j.on_request("EBRPSState"), _both("EBRPSState")),
    Point("6.add", j.unasked("EBRDTInfo"), (AtCounty("add_terminal"),)),
    Point("6.daily", j.cycle("EBRDTInfo", lambda talk: talk.info_s), long=True),
    Point("7", j.on_request("EBRDTInfo"), _both("EBRDTInfo")),
    Point("8", j.state_told("EBRDTState", ("2", "3")), (AtCounty("cut_terminal"),)),
    Point("9", j.on_request("EBRDTState"), _both("EBRDTState")),
    Point("10", j.broadcast((1, 2, 3)), (OrderBroadcast(ahead=True),)),
    Point("11", j.broadcast((2, 3)), (OrderBroadcast(ahead=False),)),
    Point("12", j.log_holds_the_broadcasts, (AskData("EBMBrdLog"),)),
    Point("13", j.state_answered, (AskMessageState(),)),
    Point("B.signature", j.bad_signature_refused, (SpoilSignature(),)),
    Point("B.signed", j.everything_signed),
    Point("B.drill", j.drill_fed_back, (OrderDrill(),)),
    Point("B.codes", j.codes_valid),
)
