"""The effect of one alert, and of a month of them. Pure: the live state in, figures out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ebcd.alert import AlertClass, Origin
from ebcd.clock import beijing
from ebcd.evaluation.evidence import SAME, Evidence, Timing
from ebcd.lifecycle import CONFIRMED_STATES, DeliveryState
from ebcd.state import AlertRecord, limit_of, t0_of
from protocols.codes import EbmId


@dataclass(frozen=True, slots=True)
class Grades:
    """How well it is known that terminals spoke; each terminal counts under its best grade. `monitored`: head-ends
    whose monitor carried the sound that was ordered, None where nobody listened; `monitored_other`: those whose monitor
    carried something else, silence or nothing. `heard`, `not_heard`: places from which a person told."""

    nothing: int = 0  # no answer, refused, or only sent over a medium without a way back
    answered: int = 0
    spoke: int = 0  # it says that it began or played
    monitored: int | None = None
    monitored_other: int = 0
    heard: int = 0
    not_heard: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """One alert. Times in seconds from T0: the last byte of the package or the last approval, or the ordered start
    where that is later. `sound` is told by terminals that report their begin, `answers` by all that answer."""

    ebm_id: str
    title: str
    origin: str
    class_: int
    level: int
    state: str
    begun: int  # UTC seconds; 0 where it never was on air
    targeted: int
    confirmed: int
    unconfirmed: int
    coverage: float  # confirmed / targeted
    limit_s: float  # 10 for level I emergencies, else 30 (GD/J 088 table 1)
    in_time: bool | None  # the first sound within the limit; None where no terminal tells when it begins
    answered_in_time: bool | None  # the first answer within the limit; None where nobody answered
    answers: Timing
    sound: Timing
    grades: Grades
    monitors: Mapping[str, str] = field(default_factory=dict)
    """By head-end that was listened to: same, other, silent, short, losses or nothing."""


@dataclass(frozen=True, slots=True)
class MonthEffect:
    """All alerts of a month that were on air or should have been. `online_rate`: mean share of the terminals that can
    be heard, by day (YYYY-MM-DD); days on which nobody looked are missing."""

    month: str
    alerts: tuple[Effect, ...]
    targeted: int
    confirmed: int
    coverage: float | None
    in_time: int
    sounded: int  # alerts of which a terminal told its begin of sound
    answered_in_time: int
    answered: int  # alerts that anybody answered
    online_rate: float | None
    online_by_day: Mapping[str, float]


def effect_of(record: AlertRecord, evidence: Evidence | None) -> Effect:
    """What one alert achieved, as far as it is known."""
    known, alert = evidence or Evidence(), record.alert
    limit_s = limit_of(record)
    answers, sound = known.timings(t0_of(record), limit_s)
    targeted = record.tally.total()
    confirmed = sum(record.tally[state] for state in CONFIRMED_STATES)
    return Effect(
        ebm_id=alert.id,
        title=alert.title,
        origin="operator" if alert.origin is Origin.OPERATOR else alert.author,
        class_=int(alert.class_),
        level=alert.level,
        state=record.state.value,
        begun=int(record.started_at),
        targeted=targeted,
        confirmed=confirmed,
        unconfirmed=record.tally[DeliveryState.UNCONFIRMED],
        coverage=round(confirmed / targeted, 4) if targeted else 0.0,
        limit_s=limit_s,
        in_time=sound.first <= limit_s if sound.count else None,
        answered_in_time=answers.first <= limit_s if answers.count else None,
        answers=answers,
        sound=sound,
        grades=_grades(record, known, sound),
        monitors=dict(known.monitored),
    )


def newest(records: Iterable[AlertRecord], evidence: Mapping[EbmId, Evidence]) -> Effect | None:
    """The alert that went on air last, drills included, daily programmes not; None where none did."""
    aired = [record for record in records if record.started_at and record.alert.class_ is not AlertClass.DAILY]
    if not aired:
        return None
    record = max(aired, key=lambda record: record.started_at)
    return effect_of(record, evidence.get(record.alert.id))


def _grades(record: AlertRecord, known: Evidence, sound: Timing) -> Grades:
    targeted = record.tally.total()
    confirmed = sum(record.tally[state] for state in CONFIRMED_STATES)
    spoke = min(confirmed, max(record.tally[DeliveryState.PLAYED], sound.count))
    heard = {each.place: each.heard for each in known.heard}  # the last word of a place counts
    same = sum(why == SAME for why in known.monitored.values())
    return Grades(
        nothing=targeted - confirmed,
        answered=confirmed - spoke,
        spoke=spoke,
        monitored=same if known.monitored else None,
        monitored_other=len(known.monitored) - same,
        heard=sum(heard.values()),
        not_heard=len(heard) - sum(heard.values()),
    )


def month_of(
    month: str,
    records: Iterable[AlertRecord],
    evidence: Mapping[EbmId, Evidence],
    online: Mapping[str, tuple[int, int]],
) -> MonthEffect:
    """The alerts that arrived in a month (YYYY-MM, Beijing time), drills left out. `online`: by day (YYYYMMDD),
    terminal samples online and all of them."""
    chosen = [
        effect_of(record, evidence.get(record.alert.id))
        for record in records
        if f"{beijing(record.alert.received_at):%Y-%m}" == month
        and record.alert.class_ in (AlertClass.EMERGENCY, AlertClass.DAILY)
        and record.tally.total()
    ]
    targeted, confirmed = sum(each.targeted for each in chosen), sum(each.confirmed for each in chosen)
    days = {day: counts for day, counts in online.items() if f"{day[:4]}-{day[4:6]}" == month and counts[1]}
    total = sum(counts[1] for counts in days.values())
    return MonthEffect(
        month=month,
        alerts=tuple(sorted(chosen, key=lambda each: (each.begun, each.ebm_id))),
        targeted=targeted,
        confirmed=confirmed,
        coverage=round(confirmed / targeted, 4) if targeted else None,
        in_time=sum(each.in_time is True for each in chosen),
        sounded=sum(each.in_time is not None for each in chosen),
        answered_in_time=sum(each.answered_in_time is True for each in chosen),
        answered=sum(each.answered_in_time is not None for each in chosen),
        online_rate=round(sum(counts[0] for counts in days.values()) / total, 4) if total else None,
        online_by_day={f"{day[:4]}-{day[4:6]}-{day[6:]}": round(n / of, 4) for day, (n, of) in sorted(days.items())},
    )
