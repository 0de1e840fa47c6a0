"""A village officer's word about an alert by SMS: evidence of the best grade, with the person beside the journal."""

from __future__ import annotations

import re

from ebcd.evaluation.desk import EvaluationDesk, HeardBody
from ebcd.operator import Actor, Kind, OperationRefused, Problem
from ebcd.workorders.replies import Ears, Known

ALERT_DIGITS_MIN, ALERT_DIGITS = 4, 35
"""An EBM id, or its end: the serial of the day at least (GD/J 082)."""
AREA_DIGITS = (6, 9, 12)
NOTE_CHARACTERS_MAX = 200
_BETWEEN = re.compile(r"[\s：:,，。]+")


def by_sms(desk: EvaluationDesk) -> Ears:
    """Takes what officers write behind 听到 or 没听到: an alert's number or its end, a place, a note; all may be left
    out where the officer's place is configured."""

    async def hear(known: Known, number: str, words: str, heard: bool) -> tuple[str, str]:
        naming, place, note = _read(desk, words)
        place = place or known.area
        if not place:
            raise OperationRefused(Problem(Kind.INVALID, "heard_where", "place", words[:20]))
        record, area = desk.about(place, naming)
        body = HeardBody(area, known.name, number, heard, note[:NOTE_CHARACTERS_MAX])
        await desk.heard(record.alert.id, body, Actor("sms", "sms"))
        return record.alert.title, desk.name_of(area) or area

    return Ears(hear, desk.person)


def _read(desk: EvaluationDesk, words: str) -> tuple[str, str, str]:
    """Alert, place and note."""
    naming = place = ""
    left = [word for word in _BETWEEN.split(words) if word]
    while left and not (naming and place):
        word = left[0]
        digits = word.isascii() and word.isdigit()
        if not place and (len(word) in AREA_DIGITS or not digits) and desk.is_place(word):
            place = word
        elif not naming and digits and ALERT_DIGITS_MIN <= len(word) <= ALERT_DIGITS:
            naming = word
        else:
            break
        del left[0]
    return naming, place, " ".join(left)
