"""What the people on duty see and do besides alerts, put together for one daemon: the shift's log, alarms,
the weekly tone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import chain

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.routing import Route

from ebcd.alarms import AlarmKind, Sighting
from ebcd.alarms import sightings as seen
from ebcd.alarms.certificates import Calendar
from ebcd.alarms.office import AlarmOffice
from ebcd.alarms.online import Hearable
from ebcd.alarms.sightings import AlarmRule
from ebcd.alarms.tell import AlarmTeller
from ebcd.alarms.watch import AlarmWatch
from ebcd.alert_desk import AlertDesk, journaled
from ebcd.api import roster as roster_pages
from ebcd.api import shift as shift_pages
from ebcd.api import tone as tone_pages
from ebcd.foundation import Foundation
from ebcd.identity import Operators
from ebcd.ledger import Ledger
from ebcd.observed import certificate_roles
from ebcd.operator import LinkRow
from ebcd.roster.desk import RosterDesk
from ebcd.settings import Settings
from ebcd.shift.desk import ShiftDesk
from ebcd.shift.matters import open_matters
from ebcd.shift.values import Matter
from ebcd.sounds import Sounds
from ebcd.state import CountyState
from ebcd.tone import Timetable
from ebcd.tone.desk import ToneDesk
from ebcd.tone.round import ToneRound
from ebcd.views import link_row
from ebcd.workorders import OrderRule
from ebcd.workorders.crews import Crew, is_overdue
from ebcd.workorders.notify import Channel
from protocols.codes import AreaCode

CHIME_S = 5.0
"""Of the tone's sound file, which repeats while its window is open."""
PROVED = "Terminals that said within tone.proof_days that they sounded"


@dataclass(frozen=True, slots=True)
class Watchkeeping:
    """What runs, and what answers people."""

    shift: ShiftDesk
    alarms: AlarmWatch
    teller: AlarmTeller
    office: AlarmOffice
    tone: ToneRound
    tones: ToneDesk
    roster: RosterDesk

    def routes(self, operators: Operators) -> tuple[Route, ...]:
        """For `ebcd.api.application`."""
        shift = shift_pages.routes(self.shift, self.office, operators)
        roster = roster_pages.routes(self.roster, operators)
        return (*shift, *roster, *tone_pages.routes(self.tones, operators))

    def parts(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        """What runs supervised."""
        yield "shift", self.shift.run
        yield "alarms", self.alarms.run
        yield "alarm notices", self.teller.run
        yield "tone", self.tone.run


@dataclass(frozen=True, slots=True)
class Told:
    """To whom alarms may go: crews by name, and the ways to them."""

    crews: Mapping[str, Crew]
    channels: Sequence[Channel]
    orders: OrderRule
    roster: RosterDesk
    modem: Callable[[], str]
    """Why no SMS goes out; empty where it does, or where there is no modem."""


def rule_of(settings: Settings) -> AlarmRule:
    """`[alarms]`."""
    a = settings.alarms
    lasting_s = {
        AlarmKind.ONLINE_COUNTY: a.online_for_s,
        AlarmKind.ONLINE_TOWN: a.online_for_s,
        AlarmKind.LINK: a.link_for_s,
        AlarmKind.PEER: a.link_for_s,
        AlarmKind.APPROVAL: a.approval_for_s,
        AlarmKind.MODEM: a.link_for_s,
    }
    days = tuple(a.certificate_days)
    return AlarmRule(a.online_rate, a.town_terminals_min, days, lasting_s, a.tell, a.acknowledge_s, a.escalate)


def build_watchkeeping(
    base: Foundation, desk: AlertDesk, sounds: Sounds, operators: Operators, told: Told
) -> Watchkeeping:
    """Everything, connected but not running."""
    settings, clock, room = base.settings, base.world.clock, desk.room
    ledger, health = room.core.ledger, room.health
    rule, hearable, bound_acted = rule_of(settings), Hearable(), base.metrics.bound_acted

    roles, days = certificate_roles(settings), rule.certificate_days
    calendar = Calendar(lambda: base.verifier.trust, roles, lambda: _archived(base), days, clock)

    def rows() -> tuple[LinkRow, ...]:
        return (*(link_row(type_, link) for type_, link in room.links), *room.upstream_rows())

    def name_of(town: str) -> str:
        return base.inventory.name_of(AreaCode(town.ljust(12, "0"))) if town else settings.platform.name

    def sightings() -> Iterable[Sighting]:
        return chain(
            seen.online(hearable.rates(health), rule, name_of),
            seen.certificates(calendar.ending()),
            seen.links(rows()),
            seen.people(ledger.state),
            seen.modem(settings.sms.device, told.modem()),
            told.roster.sightings(ledger.state.shift.on_duty),
        )

    def matters() -> tuple[Matter, ...]:
        adapters, now = base.inventory.roster.adapters, clock.wall()
        overdue = {order.id for order in ledger.state.work.live() if is_overdue(order, now, told.orders)}
        return open_matters(ledger.state, health, rows(), calendar.ending(), overdue, adapters)

    durable = partial(journaled, ledger)
    limit_s = settings.shift.acknowledge_s
    shift = ShiftDesk(ledger, base.store, clock, lambda: operators.names, matters, limit_s, durable)
    language = settings.platform.language
    on_duty = told.roster.recipients
    teller = AlarmTeller(ledger, told.crews, told.channels, clock, rule, language, bound_acted, on_duty)
    watch = AlarmWatch(ledger, clock, rule, sightings, teller.tell, bound_acted)
    base.metrics.watch(lambda: _metrics(ledger.state, shift))
    tones = ToneDesk(room.core, base.inventory, health, settings.platform.area, timetable_of(settings), clock)
    base.metrics.watch(lambda: [GaugeMetricFamily("ebcd_terminals_proved", PROVED, value=tones.proved())])
    chime = partial(sounds.chime, CHIME_S)
    tone = ToneRound(tones, room.core, clock, desk.next_id, chime, settings.platform.name, language)
    return Watchkeeping(shift, watch, teller, AlarmOffice(ledger, clock, durable), tone, tones, told.roster)


def timetable_of(settings: Settings) -> Timetable:
    """`[tone]`."""
    t = settings.tone
    return Timetable(t.days, t.at, t.for_s, t.volume, t.parts, t.areas, t.ahead_s, t.proof_days)


def _archived(base: Foundation) -> Iterator[tuple[str, date]]:
    """Certificates that the inventory names, and their last day."""
    for record in base.inventory.archive.records.values():
        if record.certificate and record.certificate_expiry is not None:
            yield record.certificate, record.certificate_expiry


def _metrics(state: CountyState, shift: ShiftDesk) -> Iterator[Metric]:
    standing = state.alarms.open()
    alarms = GaugeMetricFamily("ebcd_alarms", "Alarms that stand", labels=["kind", "acknowledged"])
    for kind in AlarmKind:
        of_kind = [alarm for alarm in standing if alarm.kind is kind]
        known = sum(bool(alarm.acknowledged_at) for alarm in of_kind)
        alarms.add_metric([kind.value, "yes"], known)
        alarms.add_metric([kind.value, "no"], len(of_kind) - known)
    yield alarms
    yield GaugeMetricFamily(
        "ebcd_handover_waiting_seconds", "How long a handover waits for who takes over", value=shift.waits_s
    )
    yield CounterMetricFamily("ebcd_handovers_overdue", "Handovers that waited too long", value=state.shift.overdue)
    yield GaugeMetricFamily("ebcd_on_duty", "1 while somebody is on duty", value=float(bool(state.shift.on_duty)))


def roster_of(base: Foundation, ledger: Ledger, operators: Callable[[], Collection[str]]) -> RosterDesk:
    """`shift.roster`. `operators`: who there is now."""
    s = base.settings.shift
    durable = partial(journaled, ledger)
    return RosterDesk(s.roster, base.world.clock, operators, ledger.enter, durable, s.roster_ahead_s, s.acknowledge_s)
