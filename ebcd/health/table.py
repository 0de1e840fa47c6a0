"""What can be known of a device, and what moves it: one table for adapters, terminals and transmitters.

A pair of condition and sign that is not listed changes nothing: devices say the same thing again and again.
"""

from __future__ import annotations

from enum import StrEnum


class Condition(StrEnum):
    """What is known of a device."""

    UNKNOWN = "unknown"  # not heard of since its head-end or the daemon came up, and not silent for long enough
    ONLINE = "online"
    FAULT = "fault"  # it speaks, and says itself that something is broken
    OFFLINE = "offline"  # silent for three periods while its way to us works
    UNREACHABLE = "unreachable"  # its head-end or link is down, so nothing can be known of it


class Sign(StrEnum):
    """What was noticed of a device."""

    WELL = "well"  # it spoke, and no fault of it is open
    FAULTY = "faulty"  # it spoke, and a fault of it is open
    SILENT = "silent"  # its patience is over and its way to us works
    CUT_OFF = "cut_off"  # its patience is over and its head-end or link is down
    REJOINED = "rejoined"  # its head-end or link is back; it must speak for itself now


_C, _S = Condition, Sign
HEALTH: dict[tuple[Condition, Sign], Condition] = {
    (_C.UNKNOWN, _S.WELL): _C.ONLINE,
    (_C.UNKNOWN, _S.FAULTY): _C.FAULT,
    (_C.UNKNOWN, _S.SILENT): _C.OFFLINE,
    (_C.UNKNOWN, _S.CUT_OFF): _C.UNREACHABLE,
    (_C.ONLINE, _S.FAULTY): _C.FAULT,
    (_C.ONLINE, _S.SILENT): _C.OFFLINE,
    (_C.ONLINE, _S.CUT_OFF): _C.UNREACHABLE,
    (_C.FAULT, _S.WELL): _C.ONLINE,
    (_C.FAULT, _S.SILENT): _C.OFFLINE,
    (_C.FAULT, _S.CUT_OFF): _C.UNREACHABLE,
    (_C.OFFLINE, _S.WELL): _C.ONLINE,
    (_C.OFFLINE, _S.FAULTY): _C.FAULT,
    (_C.OFFLINE, _S.CUT_OFF): _C.UNREACHABLE,  # it fell silent together with its head-end, whose patience is longer
    (_C.UNREACHABLE, _S.WELL): _C.ONLINE,
    (_C.UNREACHABLE, _S.FAULTY): _C.FAULT,
    (_C.UNREACHABLE, _S.REJOINED): _C.UNKNOWN,
}

SPEAKING = frozenset({_C.ONLINE, _C.FAULT})
"""Conditions of a device that is heard."""


def next_condition(condition: Condition, sign: Sign) -> Condition:
    """Where `sign` leads from `condition`; the same where the table lists nothing."""
    return HEALTH.get((condition, sign), condition)
