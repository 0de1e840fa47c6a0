"""Evidence against a sound: a person heard nothing, or a monitor nothing or another sound, where devices say they play.

No device tells this of itself, so only an ear proves that it is over: the next copy that is what was ordered, or the
next person there who heard an alert.
"""

from __future__ import annotations

from ebcd.evaluation.evidence import EVIDENCE_HEARD, EVIDENCE_MONITORED
from ebcd.facts import Fact
from ebcd.state import AlertRecord
from ebcd.workorders.values import Finding, Trouble
from protocols.codes import AreaCode, covers

AGAINST = frozenset({"silent", "other"})
"""A monitor's verdicts about the sound. The rest (short, losses, nothing) are about the copy."""


def belies(fact: Fact) -> bool:
    """Whether a fact is evidence against a sound."""
    if fact.kind == EVIDENCE_HEARD:
        return not fact.payload["heard"]
    return fact.kind == EVIDENCE_MONITORED and fact.payload["why"] in AGAINST


def proved_by(fact: Fact) -> str | None:
    """The place or head-end whose sound a fact proves; None for any other fact."""
    if fact.kind == EVIDENCE_HEARD and fact.payload["heard"]:
        return str(fact.payload["place"])
    if fact.kind == EVIDENCE_MONITORED and fact.payload["same"]:
        return str(fact.payload["head_end"])
    return None


def complaint_of(fact: Fact, record: AlertRecord | None) -> Finding | None:
    """What evidence against a sound is about: a head-end, or the terminals of a place that were ordered to sound. None
    where the alert was not for that place: then silence was right."""
    if fact.kind == EVIDENCE_MONITORED:
        head_end = str(fact.payload["head_end"])
        return Finding(Trouble.SOUND, head_end, (head_end,), f"{fact.alert} {fact.payload['why']}")
    place = AreaCode(fact.payload["place"])
    there = sorted(code for code in record.deliveries if covers(place, code.area)) if record else ()
    if not there:
        return None
    return Finding(Trouble.SOUND, place, tuple(there), f"{fact.alert} {fact.payload['note']}".strip())
