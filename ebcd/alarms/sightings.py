"""What is wrong now, for alarms. Pure: what others know goes in, sightings come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ebcd.alarms.certificates import Expiry
from ebcd.alarms.online import Rate
from ebcd.alarms.values import AlarmKind, Sighting
from ebcd.alert import Origin
from ebcd.lifecycle import AlertState
from ebcd.operator import LinkRow
from ebcd.state import CountyState

UPSTREAM = "upstream"
"""Type of the link rows that are platforms above."""


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """`[alarms]` of the configuration. Names in `tell` and `escalate` are crews."""

    online_rate: float = 0.95
    town_terminals_min: int = 5
    certificate_days: tuple[int, ...] = (90, 30, 7)
    lasting_s: Mapping[AlarmKind, float] = field(
        default_factory=lambda: {
            AlarmKind.ONLINE_COUNTY: 600.0,
            AlarmKind.ONLINE_TOWN: 600.0,
            AlarmKind.LINK: 60.0,
            AlarmKind.PEER: 60.0,
            AlarmKind.APPROVAL: 60.0,
        }
    )
    """A thing becomes an alarm, and an alarm is over, when it has been so for so long; at once where none is named."""
    tell: tuple[str, ...] = ()
    acknowledge_s: float = 60.0
    escalate: tuple[str, ...] = ()


def online(rates: Iterable[Rate], rule: AlarmRule, name_of: Callable[[str], str]) -> Iterator[Sighting]:
    """The county and towns below the share. A town of a few horns would alarm with each of them."""
    for each in rates:
        if each.share >= rule.online_rate or (each.town and each.of < rule.town_terminals_min):
            continue
        kind = AlarmKind.ONLINE_TOWN if each.town else AlarmKind.ONLINE_COUNTY
        yield Sighting(kind, each.town, name_of(each.town), f"{each.online}/{each.of} {100 * each.share:.1f} %")


def certificates(found: Iterable[Expiry]) -> Iterator[Sighting]:
    """One for each certificate of a platform, one for all of devices."""
    for each in found:
        yield Sighting(AlarmKind.CERTIFICATE, each.subject, each.role, f"{each.days} {each.count}", each.stage)


def links(rows: Iterable[LinkRow]) -> Iterator[Sighting]:
    """Our own links and platforms above that are down."""
    for row in rows:
        if not row.up:
            kind = AlarmKind.PEER if row.type == UPSTREAM else AlarmKind.LINK
            yield Sighting(kind, row.name, row.path, row.reason)


def modem(device: str, reason: str) -> Iterator[Sighting]:
    """The SMS modem; `reason` empty where it works."""
    if reason:
        yield Sighting(AlarmKind.MODEM, device, detail=reason)


def people(state: CountyState) -> Iterator[Sighting]:
    """What waits for a person: alerts for approval (nobody is woken for a weekly tone), a handover for its taker."""
    for record in state.live_alerts():
        if record.state is AlertState.PENDING and record.alert.origin is not Origin.TONE:
            yield Sighting(AlarmKind.APPROVAL, record.alert.id, record.alert.title)
    waiting = state.shift.waiting
    if waiting is not None and waiting.overdue_at:
        yield Sighting(AlarmKind.HANDOVER, str(waiting.number), f"{waiting.by} → {waiting.to}")
