"""StateCode of a resource (资源状态, GD/J 083; platform digest 5.5): 1 on, 2 off, 3 fault, 4 recovered, 5 on air."""

from __future__ import annotations

from ebcd.health import Condition
from ebcd.operation_data.rules import StateCodes

NORMAL, OFF, FAULT, RECOVERED, ON_AIR = 1, 2, 3, 4, 5


def code_of(condition: Condition, *, playing: bool, codes: StateCodes) -> int | None:
    """The code of a device's condition; None where nothing may be said of it.

    A device that speaks and says that something is broken is a fault, also while it plays. Nothing is claimed of one
    that has not been heard, unless the configuration names a code for it.
    """
    match condition:
        case Condition.ONLINE:
            return ON_AIR if playing and codes.on_air else NORMAL
        case Condition.FAULT:
            return FAULT
        case Condition.OFFLINE:
            return codes.offline
        case Condition.UNREACHABLE:
            return codes.unreachable
        case _:
            return codes.unknown or None


def code_to_tell(value: str, told: str) -> int:
    """What a report says about a record whose code is `value` and whose last acknowledged one was `told`: the end of a
    fault is told once as 4, afterwards it is 1."""
    if told == str(FAULT) and value == str(NORMAL):
        return RECOVERED
    return int(value)
