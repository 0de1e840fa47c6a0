"""The morning report: which horns would speak now, why the others would not, and which orders are open. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from devices.roster import Device
from ebcd.alarms import Alarm
from ebcd.alarms.tell import sentence
from ebcd.catalogue import text
from ebcd.clock import beijing_text
from ebcd.health import Condition, DeviceHealth, Ways
from ebcd.inventory import Inventory
from ebcd.workorders import WorkOrder
from protocols.codes import AreaCode, ResourceCode

NAMED_MAX = 20_000
"""Silent terminals listed by name; the counts hold all of them."""
LINES_MAX = 200
"""Lines of a list in the text; the JSON beside it holds all."""
TOWN_DIGITS = 9
NIGHT_S = 86_400.0


class Reason(StrEnum):
    """Why a terminal would not speak, or why nobody can say."""

    OFFLINE = "offline"
    FAULT = "fault"
    UNREACHABLE = "unreachable"
    UNHEARD = "unheard"  # not a word since the start or since its head-end came back
    NO_RETURN = "no_return"  # FM only: it may speak, and cannot say so


_REASON = {
    Condition.OFFLINE: Reason.OFFLINE,
    Condition.FAULT: Reason.FAULT,
    Condition.UNREACHABLE: Reason.UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class SilentTerminal:
    """One that would not speak, or of which it is not known. `since`: UTC seconds, 0 where unknown. `order`: the open
    work order it is part of, "" where there is none; `crew`: who goes, "" where nobody was told to."""

    code: str
    name: str
    town: str
    reason: Reason
    since: int
    detail: str
    order: str = ""
    crew: str = ""


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One work order with something left to do."""

    id: str
    trouble: str
    root: str
    devices: int
    state: str
    crew: str
    opened: int


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """One alarm that stands: online rate, certificate, link, approval, handover."""

    id: str
    kind: str
    subject: str
    name: str
    detail: str
    stage: int
    raised: int
    acknowledged_by: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What counts as a test in use: a terminal said at `since` or later that it sounded (UTC seconds)."""

    days: int = 8
    since: float = 0.0
    last: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TownSound:
    """How many of a town's terminals would speak, as far as they can be heard."""

    name: str
    terminals: int
    would_speak: int
    unknown: int  # FM only, or not heard of


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A terminal that sends heartbeats and did not answer the night's question: it may take no commands either."""

    code: str
    name: str
    town: str


@dataclass(frozen=True, slots=True)
class MorningReport:
    """At `at` (UTC seconds). `proved` of `would_speak` said within `proof_days` that they sounded; of the others only
    their state is known. `asked`: terminals that the last night round asked; `unanswered`: those of them that are
    online all the same."""

    at: int
    county: str
    on_duty: str
    terminals: int
    would_speak: int
    proved: int
    proof_days: int
    reasons: dict[str, int]
    towns: tuple[TownSound, ...]
    silent: tuple[SilentTerminal, ...]
    asked: int
    unanswered: tuple[Unanswered, ...]
    orders: tuple[OpenOrder, ...]
    alarms: tuple[OpenAlarm, ...]


class Count:
    """Takes terminals one after the other, so that whoever counts can give way to others; then `report`."""

    def __init__(
        self,
        inventory: Inventory,
        ways: Ways,
        health: Callable[[ResourceCode], DeviceHealth],
        proof: Proof | None = None,
        now: float = 0.0,
    ) -> None:
        """`now`: UTC seconds; the night's questions are those of the day before it."""
        self._now = now
        self._proof = proof or Proof()
        self._proved = 0
        self._inventory = inventory
        self._ways = ways
        self._health = health
        self._reasons: Counter[Reason] = Counter()
        self._towns: dict[AreaCode, Counter[str]] = {}
        self._silent: list[SilentTerminal] = []
        self._speak = self._all = self._asked = 0
        self._unanswered: list[Unanswered] = []

    def add(self, device: Device) -> None:
        """One terminal. Only an online one would speak: one with a fault is not promised."""
        known = self._health(device.code)
        town = AreaCode(device.code.area[:TOWN_DIGITS].ljust(12, "0"))
        tally = self._towns.setdefault(town, Counter())
        self._all += 1
        tally["all"] += 1
        if known.asked_at > self._now - NIGHT_S:
            self._asked += 1
            if known.unanswered and known.condition is Condition.ONLINE and len(self._unanswered) < NAMED_MAX:
                self._unanswered.append(Unanswered(device.code, device.name, self._inventory.name_of(town)))
        if known.condition is Condition.ONLINE:
            self._speak += 1
            tally["speaks"] += 1
            self._proved += self._proof.last.get(device.code, 0.0) > self._proof.since
            return
        reason = _reason_of(device.code, known, self._ways)
        self._reasons[reason] += 1
        tally["unknown"] += reason in (Reason.UNHEARD, Reason.NO_RETURN)
        if len(self._silent) < NAMED_MAX:
            name, since = self._inventory.name_of(town), int(known.since)
            self._silent.append(SilentTerminal(device.code, device.name, name, reason, since, known.fault))

    def report(
        self, at: float, county: str, orders: Iterable[WorkOrder], alarms: Iterable[Alarm] = (), on_duty: str = ""
    ) -> MorningReport:
        """What was counted, what is open, and who goes where."""
        orders = tuple(orders)
        going = {code: order for order in reversed(orders) for code in (*order.devices, order.root)}
        return MorningReport(
            at=int(at),
            county=county,
            on_duty=on_duty,
            terminals=self._all,
            would_speak=self._speak,
            proved=self._proved,
            proof_days=self._proof.days,
            reasons={str(reason): self._reasons[reason] for reason in Reason if self._reasons[reason]},
            towns=tuple(
                TownSound(self._inventory.name_of(town), tally["all"], tally["speaks"], tally["unknown"])
                for town, tally in sorted(self._towns.items())
            ),
            silent=tuple(self._with_order(each, going) for each in self._silent),
            asked=self._asked,
            unanswered=tuple(self._unanswered),
            orders=tuple(
                OpenOrder(o.id, str(o.trouble), o.root, len(o.devices), str(o.state), o.crew, int(o.opened_at))
                for o in orders
            ),
            alarms=tuple(
                OpenAlarm(a.id, a.kind, a.subject, a.name, a.detail, a.stage, int(a.raised_at), a.acknowledged_by)
                for a in alarms
            ),
        )

    def _with_order(self, silent: SilentTerminal, going: Mapping[str, WorkOrder]) -> SilentTerminal:
        """With the order about itself, else, where it cannot be reached, that about its head-end."""
        order = going.get(silent.code)
        if order is None and silent.reason is Reason.UNREACHABLE:
            order = going.get(str(self._inventory.adapter_of(ResourceCode(silent.code))))
        return replace(silent, order=order.id, crew=order.crew) if order else silent


def _reason_of(code: ResourceCode, known: DeviceHealth, ways: Ways) -> Reason:
    way = ways.devices.get(code)
    if way is None or not way.returns:
        return Reason.NO_RETURN
    return _REASON.get(known.condition, Reason.UNHEARD)


def _alarms(report: MorningReport, language: str) -> Iterator[str]:
    yield ""
    yield text("morning.alarms", language, count=len(report.alarms))
    for a in report.alarms[:LINES_MAX]:
        words = sentence(a.kind, a.subject, a.name, a.detail, a.stage, language)
        known = a.acknowledged_by or text("alarms.not_acknowledged", language)
        yield text("morning.alarm", language, id=a.id, words=words, since=beijing_text(a.raised), known=known)


def _silent(report: MorningReport, language: str) -> Iterator[str]:
    """Those that would not speak, why, and who goes."""
    named = [each for each in report.silent if each.reason not in (Reason.NO_RETURN, Reason.UNHEARD)]
    if not named:
        return
    yield ""
    yield text("morning.silent", language, count=len(named))
    yield text("morning.going", language, count=sum(bool(each.crew) for each in named), of=len(named))
    for each in named[:LINES_MAX]:
        key = "crew_goes" if each.crew else "no_crew" if each.order else "no_order"
        yield text(
            "morning.silent_one",
            language,
            town=each.town,
            name=each.name,
            code=each.code,
            why=text(f"morning.why.{each.reason}", language),
            since=beijing_text(each.since) if each.since else "-",
            detail=f" {each.detail}" if each.detail else "",
            going=text(f"morning.{key}", language, order=each.order, crew=each.crew),
        )


def as_text(report: MorningReport, language: str) -> str:
    """For people: the counts, the towns, the silent ones, the orders."""

    def say(key: str, **values: object) -> str:
        return text(f"morning.{key}", language, **values)

    lines = [say("title", county=report.county, at=beijing_text(report.at))]
    lines.append(say("speak", count=report.would_speak, of=report.terminals))
    lines.append(say("proved", count=report.proved, of=report.would_speak, days=report.proof_days))
    lines += [say(f"because.{reason}", count=count) for reason, count in report.reasons.items()]
    if report.on_duty:
        lines.append(say("on_duty", name=report.on_duty))
    lines += _alarms(report, language)
    lines += ["", say("towns")]
    lines += [
        say("town", name=each.name, count=each.would_speak, of=each.terminals, unknown=each.unknown)
        for each in report.towns
    ]
    lines += _silent(report, language)
    if report.asked:
        lines += ["", say("asked", count=report.asked, unanswered=len(report.unanswered))]
        lines += [
            say("unanswered", town=each.town, name=each.name, code=each.code) for each in report.unanswered[:LINES_MAX]
        ]
    lines += ["", say("orders", count=len(report.orders))]
    for o in report.orders[:LINES_MAX]:
        trouble, state = text(f"trouble.{o.trouble}", language), text(f"order_state.{o.state}", language)
        crew = o.crew or say("nobody")
        lines.append(say("order", id=o.id, trouble=trouble, root=o.root, devices=o.devices, state=state, crew=crew))
    return "\n".join(lines) + "\n"
