"""What people may ask of the weekly tone: when the next one is, which terminals it reaches, what kept it back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from devices.ports import Clock
from ebcd.alert import Origin
from ebcd.core import Core
from ebcd.gate import FIRST, QUIET
from ebcd.health import HealthBook
from ebcd.inventory import Inventory
from ebcd.operator import AreaName
from ebcd.orders import quietly
from ebcd.state import AlertRecord
from ebcd.tone.timetable import Timetable, Turn
from protocols.codes import AreaCode, ResourceCode

ROWS_MAX = 5000
NO_PLACE = "no_place"
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class ToneTerminal:
    """One terminal that the next tone reaches. `sounded`: when it last said that it sounded, None for never."""

    code: str
    name: str
    place: str
    condition: str
    paths: tuple[str, ...]
    sounded: int | None


@dataclass(frozen=True, slots=True)
class ToneView:
    """`ebcd tone`. `next`: UTC seconds, None where no tone is configured; `written`: the message that stands for it
    already; `held`: why it would not begin as things are now, a slug; `left_out`: terminals of these places that hear
    FM only; `proved` of `hearable`: terminals of the county that said within `proof_days` that they sounded."""

    next: int | None
    for_s: int
    volume: int
    part: int
    parts: int
    places: tuple[AreaName, ...]
    terminals: tuple[ToneTerminal, ...]
    terminals_total: int
    left_out: int
    approvals: int
    written: str
    state: str
    held: str
    proved: int
    hearable: int
    proof_days: int


class ToneDesk:
    """Answers from the live state."""

    def __init__(
        self, core: Core, inventory: Inventory, health: HealthBook, county: AreaCode, timetable: Timetable, clock: Clock
    ) -> None:
        self._core = core
        self._inventory = inventory
        self._health = health
        self._county = county
        self.timetable = timetable
        self._clock = clock

    def view(self, rows_max: int = ROWS_MAX) -> ToneView:
        """The next tone."""
        table, now = self.timetable, self._clock.wall()
        turn = table.next_turn(now)
        places = self.places(turn) if turn else ()
        reached, left_out = self.reached(places)
        written = self.written(turn) if turn else None
        return ToneView(
            next=turn.start if turn else None,
            for_s=table.for_s,
            volume=table.volume,
            part=turn.part + 1 if turn else 0,
            parts=table.parts,
            places=tuple(AreaName(place, self._inventory.name_of(place)) for place in places),
            terminals=tuple(self._row(code) for code in reached[:rows_max]),
            terminals_total=len(reached),
            left_out=left_out,
            approvals=self._core.rules.approvals.tone,
            written=written.alert.id if written else "",
            state=written.state.value if written else "",
            held=self.held(turn) if turn else "",
            proved=self.proved(),
            hearable=sum(self._hearable()),
            proof_days=table.proof_days,
        )

    def places(self, turn: Turn) -> tuple[AreaCode, ...]:
        """Where a turn sounds."""
        areas = self.timetable.areas or (self._county,)
        everywhere = frozenset[AreaCode]().union(*(self._inventory.places_in(area) for area in areas))
        return self.timetable.places(everywhere, turn.part)

    def reached(self, places: Iterable[AreaCode]) -> tuple[list[ResourceCode], int]:
        """The terminals that hear it, and how many of these places do not because they hear FM only."""
        meant = self._inventory.terminals_in(places)
        codes = [terminal.code for terminal in quietly(meant)]
        return codes, len(meant) - len(codes)

    def held(self, turn: Turn) -> str:
        """Why the turn would not begin as things are now."""
        if self.timetable.in_quiet_hours(self._core.rules.quiet, turn):
            return QUIET
        if not self.reached(self.places(turn))[0]:
            return NO_PLACE
        live = self._core.state.live_alerts()
        others = any(r.alert.origin is not Origin.TONE and r.alert.window.start < turn.end for r in live)
        return FIRST if others else ""

    def written(self, turn: Turn) -> AlertRecord | None:
        """The message that was written for a turn; one a turn, whatever became of it."""
        tones = (r for r in self._core.state.alerts.values() if r.alert.origin is Origin.TONE)
        return next((record for record in tones if record.alert.window.start == turn.start), None)

    def proved(self) -> int:
        """Terminals that said within `proof_days` that they sounded."""
        since = self._clock.wall() - self.timetable.proof_days * DAY_S
        codes = (device.code for device in self._inventory.roster.terminals)
        return self._core.state.sounded.since(codes, since)

    def _hearable(self) -> Iterable[bool]:
        ways = self._health.ways.devices
        return (code in ways and ways[code].returns for code in (d.code for d in self._inventory.roster.terminals))

    def _row(self, code: ResourceCode) -> ToneTerminal:
        device = self._inventory.roster.by_code(code)
        sounded = self._core.state.sounded.last.get(code)
        return ToneTerminal(
            code,
            device.name if device else "",
            self._inventory.name_of(code.area),
            self._health.of(code).condition.value,
            tuple(path.value for path in device.paths) if device else (),
            int(sounded) if sounded else None,
        )
