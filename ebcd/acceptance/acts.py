"""What somebody has to do so that a point can be judged, and whose it is to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AskData:
    """The upper platform asks for operation data."""

    type: str
    report: str = ""


@dataclass(frozen=True, slots=True)
class OrderBroadcast:
    """The upper platform orders a broadcast that begins `lead_s` from now, or at once."""

    ahead: bool


@dataclass(frozen=True, slots=True)
class OrderDrill:
    """The upper platform orders a drill that stays inside the county's platform."""


@dataclass(frozen=True, slots=True)
class AskMessageState:
    """The upper platform asks what became of the last broadcast."""


@dataclass(frozen=True, slots=True)
class SpoilSignature:
    """The upper platform sends a package whose signature does not fit."""


@dataclass(frozen=True, slots=True)
class AtCounty:
    """Somebody at the county does something by hand: `what` is a key of the catalogue (`accept_act.*`)."""

    what: str


Act = AskData | OrderBroadcast | OrderDrill | AskMessageState | SpoilSignature | AtCounty


class Hands(Protocol):
    """Whoever acts, or asks a person to."""

    async def act(self, act: Act) -> bool:
        """Do it; False where it cannot be done in this role or is not allowed."""


def name_of(act: Act) -> tuple[str, dict[str, object]]:
    """Key of the catalogue (`accept_act.*`) and its values."""
    match act:
        case AskData(type=type_, report=report):
            return "ask_data", {"type": type_, "report": report or "Full"}
        case OrderBroadcast(ahead=ahead):
            return "order_ahead" if ahead else "order_now", {}
        case OrderDrill():
            return "order_drill", {}
        case AskMessageState():
            return "ask_state", {}
        case SpoilSignature():
            return "spoil_signature", {}
        case AtCounty(what=what):
            return what, {}
