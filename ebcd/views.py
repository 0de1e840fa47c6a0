"""The live state as operators see it: rows, counts by path and town, named failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from devices.link import Link, Path
from ebcd.alert import Alert, AlertClass
from ebcd.evaluation.evidence import Evidence
from ebcd.health import TOWN_DIGITS, Condition, HealthBook
from ebcd.inventory import Inventory
from ebcd.lifecycle import DeliveryState
from ebcd.operator import (
    AlertDetail,
    AlertRow,
    AreaName,
    Category,
    Counts,
    Decision,
    DroppedArea,
    FailedTerminal,
    LinkRow,
    PathCounts,
    TerminalRow,
    TownProgress,
)
from ebcd.orders import Volumes
from ebcd.proofs import AlertProofs, HeardRow, MonitorRow
from ebcd.reach import Reach
from ebcd.rules import Approvals
from ebcd.state import AlertRecord, Delivery, count_outcomes
from protocols.codes import AreaCode, ResourceCode

FAILURES_MAX = 5000
"""Named failures in one answer."""

FAILED_STATES = frozenset({DeliveryState.REFUSED, DeliveryState.TIMED_OUT})
CATEGORY = {AlertClass.EMERGENCY: Category.EMERGENCY, AlertClass.DAILY: Category.DAILY}
_TOWN_END = 1 + TOWN_DIGITS  # in a resource code, behind its level


def category(alert: Alert) -> Category:
    """Emergency, daily or drill."""
    return CATEGORY.get(alert.class_, Category.DRILL)


def alert_row(record: AlertRecord, approvals: Approvals) -> AlertRow:
    """One line."""
    alert = record.alert
    return AlertRow(
        ebm_id=alert.id,
        state=record.state.value,
        category=category(alert),
        level=alert.level,
        title=alert.title,
        origin=alert.author,
        start=alert.window.start,
        end=alert.window.end,
        counts=Counts(**record.counts()),
        approvals=len(record.approvals),
        approvals_needed=approvals.needed(alert),
        note=record.why,
    )


def link_row(type_: str, link: Link) -> LinkRow:
    """One link as it is now."""
    s = link.status()
    path = link.path.value
    return LinkRow(link.name, type_, path, s.up, s.reason, s.devices, s.outbox_depth, s.outbox_limit, s.dropped)


def town_of(area: AreaCode) -> AreaCode:
    """The town that a place belongs to."""
    return AreaCode(area[:TOWN_DIGITS].ljust(12, "0"))


def path_in_view(delivery: Delivery) -> Path:
    """The path that decided, or the one that will be tried first."""
    return delivery.path or delivery.paths[0]


Tally = Counter[tuple[str, Path, DeliveryState]]
"""How many deliveries of one alert are in a state, by the stem of their town and the path in view."""


def tally_of(deliveries: Iterable[Delivery]) -> Tally:
    """One pass over what may be ten thousand deliveries: people look at an alert while it starts."""
    return Counter([(d.code[1:_TOWN_END], d.path or d.paths[0], d.state) for d in deliveries])


def by_path(tally: Tally) -> tuple[PathCounts, ...]:
    """Counts under the path that decided."""
    paths: dict[Path, Counter[DeliveryState]] = {}
    for (_, path, state), count in tally.items():
        paths.setdefault(path, Counter())[state] += count
    return tuple(PathCounts(p.value, Counts(**count_outcomes(paths[p]))) for p in Path if p in paths)


class Views:
    """Reads; never changes anything."""

    def __init__(
        self, inventory: Inventory, reach: Reach, health: HealthBook, approvals: Approvals, volumes: Volumes
    ) -> None:
        self._inventory = inventory
        self._reach = reach
        self._health = health
        self.approvals = approvals  # of the configuration; a reload puts others here
        self._volumes = volumes

    def row(self, record: AlertRecord) -> AlertRow:
        """One line of `ebcd alerts`."""
        return alert_row(record, self.approvals)

    def area_name(self, area: AreaCode) -> AreaName:
        """Code, name and how many terminals."""
        return AreaName(area, self._inventory.name_of(area), len(self._inventory.terminals_in([area])))

    def detail(self, record: AlertRecord, times: Mapping[str, Any]) -> AlertDetail:
        """Everything about one alert. `times`: see `ebcd.trace.figures`."""
        alert = record.alert
        failures = self._failures(record)
        tally = tally_of(record.deliveries.values())
        decisions = [Decision(who, what, int(at), why) for who, what, at, why in record.decisions]
        return AlertDetail(
            row=self.row(record),
            text=alert.text,
            event_type=alert.event_type,
            volume=self._volumes.of(alert),
            areas=tuple(self.area_name(a) for a in alert.areas),
            dropped=tuple(DroppedArea(code, "outside_or_unknown") for code in alert.dropped_areas)
            + tuple(DroppedArea(area, "uncovered") for area in record.uncovered),
            decisions=tuple(decisions),
            by_path=by_path(tally),
            by_town=self._by_town(tally),
            failures=tuple(failures[:FAILURES_MAX]),
            failures_total=sum(record.tally[state] for state in FAILED_STATES),
            reported=tuple(record.told),
            times=dict(times),
            warning=alert.warning,
        )

    def terminal(self, code: ResourceCode, playing: str) -> TerminalRow:
        """One line of `ebcd terminals`."""
        device = self._inventory.roster.by_code(code)
        health = self._health.of(code)
        paths = device.paths if device else ()
        return TerminalRow(
            code=code,
            name=device.name if device else "",
            town=self._inventory.name_of(town_of(code.area)),
            state=health.condition.value,
            paths=tuple(p.value for p in paths),
            live_paths=tuple(p.value for p in paths if self._reach.is_live(code, p)),
            last_heard=int(health.seen_at) if health.condition is not Condition.UNKNOWN and health.seen_at else None,
            playing=playing,
            note=health.fault,
        )

    def _failures(self, record: AlertRecord) -> list[FailedTerminal]:
        return [
            FailedTerminal(
                code=d.code,
                name=self._device_name(d.code),
                town=self._inventory.name_of(town_of(d.code.area)),
                path=path_in_view(d).value,
                outcome=d.state.value,
                reason=d.detail,
            )
            for d in record.deliveries.values()
            if d.state in FAILED_STATES
        ]

    def _by_town(self, tally: Tally) -> tuple[TownProgress, ...]:
        towns: dict[str, Tally] = {}
        for key, count in tally.items():
            towns.setdefault(key[0], Counter())[key] = count
        return tuple(self._town(AreaCode(stem.ljust(12, "0")), towns[stem]) for stem in sorted(towns))

    def _town(self, town: AreaCode, tally: Tally) -> TownProgress:
        states: Counter[DeliveryState] = Counter()
        for (_, _, state), count in tally.items():
            states[state] += count
        counts = Counts(**count_outcomes(states))
        return TownProgress(code=town, name=self._inventory.name_of(town), counts=counts, by_path=by_path(tally))

    def _device_name(self, code: ResourceCode) -> str:
        device = self._inventory.roster.by_code(code)
        return device.name if device else ""


def proofs_of(known: Evidence | None, name_of: Callable[[AreaCode], str]) -> AlertProofs:
    """Of one alert, by place; people's words as they came."""
    if known is None:
        return AlertProofs()
    return AlertProofs(
        tuple(
            MonitorRow(code, name_of(ResourceCode(code).area), verdict)
            for code, verdict in sorted(known.monitored.items())
        ),
        tuple(HeardRow(h.place, name_of(AreaCode(h.place)), h.heard, int(h.at), h.note) for h in known.heard),
    )
