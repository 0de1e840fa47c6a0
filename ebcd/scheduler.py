"""Who may sound where, now: the pure part that starts, pre-empts, resumes and ends.

One place (the area code that terminals carry: a village, a town's own columns) hears one message at a time: the highest
whose window is open. A message of higher rank takes over at its start; one of the same or lower rank waits; what was
interrupted goes on if its window is still open (GD/J 084 clauses 6.3, 6.4; I3, I4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ebcd.alert import Alert, RankRule
from protocols.codes import AreaCode, EbmId


@dataclass(frozen=True, slots=True)
class Claim:
    """One live alert's wish to sound. `holds`: the places it was given and has not lost since."""

    alert: Alert
    places: frozenset[AreaCode]
    holds: frozenset[AreaCode]


@dataclass(frozen=True, slots=True)
class Changes:
    """What one decision changes, per alert; empty sets are left out."""

    gained: Mapping[EbmId, frozenset[AreaCode]]
    lost: Mapping[EbmId, frozenset[AreaCode]]
    ended: tuple[EbmId, ...]  # the window is over

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost or self.ended)


def decide(claims: Iterable[Claim], rule: RankRule, now_s: float) -> Changes:
    """Give each place to one claim. Pure; O(places x claims)."""
    live: list[Claim] = []
    ended: list[EbmId] = []
    for claim in claims:
        if now_s >= claim.alert.window.end:
            ended.append(claim.alert.id)
        elif claim.alert.window.is_open(now_s):
            live.append(claim)
        elif claim.holds:  # the clock was set back: what has begun goes on where it is, and begins nowhere else
            live.append(replace(claim, places=claim.holds))
    live.sort(key=lambda c: (rule.rank(c.alert), c.alert.received_at, c.alert.id))
    holder: dict[AreaCode, Claim] = {}
    for claim in live:
        for place in claim.holds:
            holder[place] = claim
    gained: dict[EbmId, set[AreaCode]] = {}
    lost: dict[EbmId, set[AreaCode]] = {}
    taken: set[AreaCode] = set()
    for claim in live:
        for place in claim.places - taken:
            current = holder.get(place)
            if current is not None and current is not claim and not rule.outranks(claim.alert, current.alert):
                continue
            taken.add(place)
            if current is claim:
                continue
            gained.setdefault(claim.alert.id, set()).add(place)
            if current is not None:
                lost.setdefault(current.alert.id, set()).add(place)
    return Changes(_frozen(gained), _frozen(lost), tuple(ended))


def _frozen(sets: dict[EbmId, set[AreaCode]]) -> dict[EbmId, frozenset[AreaCode]]:
    return {alert: frozenset(places) for alert, places in sets.items()}


def next_moment(alerts: Iterable[Alert], now_s: float) -> float | None:
    """The next start or end (UTC seconds) at which `decide` could say something new."""
    moments = [m for a in alerts for m in (a.window.start, a.window.end) if m > now_s]
    return float(min(moments)) if moments else None
