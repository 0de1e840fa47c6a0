"""A county's bad day by a seed: alerts, cancels, losses, power cuts and deaths of the daemon, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from devices.link import Link, Path
from ebcd.alert import Alert, AlertClass, DrillDepth, Media, Origin, Window
from ebcd.core import Core
from ebcd.facts import upstream_told
from ebcd.following import Following
from ebcd.invariants import Checker, Violation
from ebcd.ledger import Ledger
from ebcd.lifecycle import AlertState
from ebcd.orders import Orders, Volumes
from ebcd.reach import Reach
from ebcd.reconcile import resume
from ebcd.state import AlertRecord
from ebcd.store.events import NewEvent
from protocols.codes import EbdId, EbmId
from tests.ebcd.county import (
    COUNTY,
    PROVINCE,
    RULES,
    TOWN_A,
    TOWN_B,
    VILLAGE_A1,
    VILLAGE_A2,
    VILLAGE_B1,
    MemoryJournal,
    small_county,
)
from tests.ebcd.horns import DIALLED, CruelLink, Field, Horn, up
from tests.virtual_time import VirtualClock

PLATFORM = "43499010000000101010101"
AREAS = ((COUNTY,), (TOWN_A,), (TOWN_B,), (VILLAGE_A1,), (VILLAGE_A2, VILLAGE_B1), ())
PATHS = (
    (Path.IP,),
    (Path.IP, Path.CELLULAR, Path.FM),
    (Path.ADAPTER,),
    (Path.ADAPTER, Path.FM),
    (Path.CELLULAR, Path.MQTT),
    (Path.FM,),
    (Path.IP, Path.ADAPTER, Path.MQTT, Path.FM),
)
QUIET_BEGINS_S, QUIET_ENDS_S = 14 * 3600, 22 * 3600  # UTC of 22:00 and 06:00 in Beijing
WINDOW_S_MAX = 90
AFTER_THE_LAST_S = 60.0


class SlowDisk(MemoryJournal):
    """A commit takes up to 50 ms; a kill -9 keeps what was committed and perhaps some of the rest."""

    def __init__(self, chance: random.Random, events: Sequence[NewEvent] = ()) -> None:
        super().__init__(events)
        self._chance = chance
        self._ends = [len(self.events)]
        self._told: list[tuple[int, Callable[[Any], None]]] = []
        self._durable = len(self.events)
        self._dead = False

    def append_soon(self, events: Sequence[NewEvent], on_durable: Callable[[Any], None] | None = None) -> None:
        if self._dead:
            return
        self.events.extend(events)
        self._ends.append(len(self.events))
        if on_durable is not None:
            self._told.append((len(self.events), on_durable))
        asyncio.get_running_loop().call_later(self._chance.random() * 0.05, self._commit, len(self.events))

    def _commit(self, end: int) -> None:
        if self._dead:
            return
        self._durable = max(self._durable, end)
        ready = [call for at, call in self._told if at <= self._durable]
        self._told = self._told[len(ready) :]
        for call in ready:
            call([SimpleNamespace(seq=self._durable)])

    def killed(self) -> SlowDisk:
        """What the next life finds."""
        self._dead = True
        end = self._chance.choice([end for end in self._ends if end >= self._durable])
        return SlowDisk(self._chance, self.events[:end])


class Life:
    """One life of the daemon."""

    def __init__(self, field: Field, disk: SlowDisk, violations: list[Violation]) -> None:
        inventory = field.inventory
        self.disk = disk
        ledger = Ledger(disk.replayed(), disk, COUNTY, [Checker(inventory, RULES, violations.append)])
        reach = Reach(inventory.adapter_of)
        orders = Orders(ledger, inventory, reach.is_live, Volumes(100, 255), "http://media")
        by_path: dict[Path, list[Link]] = {path: [CruelLink(path, field)] for path in Path}
        self.core = Core(ledger, orders, inventory, by_path, field.clock, RULES, self._tell)
        self._following = Following(self.core, reach, {path.value: path for path in Path}, ())
        self._field = field
        self._running: asyncio.Future[None] | None = None

    async def begin(self) -> None:
        """As the daemon starts: the core runs, then takes up what it finds."""
        self._running = asyncio.ensure_future(self.core.run())
        await asyncio.sleep(0)
        self._field.sink = self._following.take
        up(self._field)
        resume(self.core)

    async def end(self) -> SlowDisk:
        """kill -9."""
        assert self._running is not None
        left = self.disk.killed()
        self._field.sink = None
        await asyncio.sleep(0)
        failed = self._running.done()
        self._running.cancel()
        (outcome,) = await asyncio.gather(self._running, return_exceptions=True)
        if failed and isinstance(outcome, BaseException):
            raise outcome
        return left

    def _tell(self, record: AlertRecord, code: int, why: str) -> None:
        if record.alert.peer is not None:
            number = EbdId.build(EbdId.MESSAGE, PROVINCE, 1)
            self.core.ledger.enter(upstream_told(record.alert.id, code, number, self._field.clock.wall()))


class BadDay:
    """The story of one seed."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.clock = VirtualClock()
        inventory = small_county(lambda village, serial: chance.choice(PATHS))
        terminals = inventory.terminals_in([COUNTY])
        horns = [Horn(t.code, connected={p for p in t.paths if p in DIALLED}) for t in terminals]
        self.field = Field(inventory, horns, self.clock, chance)
        self.violations: list[Violation] = []
        self.ordered: dict[EbmId, Alert] = {}
        self.cancelled: set[EbmId] = set()  # somebody was promised that these stop
        self.approved: set[EbmId] = set()
        self.further: dict[Callable[[], Any], int] = {}
        """What else may happen, and how often."""
        self.life = Life(self.field, SlowDisk(chance), self.violations)

    async def run(self, acts: int) -> None:
        """So many things happen, then the day ends in peace and everything that was ordered is over."""
        hour = self.chance.choice((None, None, QUIET_BEGINS_S - 120, QUIET_ENDS_S - 120))
        if hour is not None:
            self.clock.step((hour - self.clock.wall()) % 86400)
        await self.life.begin()
        ticking = asyncio.ensure_future(self._tick())
        for _ in range(acts):
            await asyncio.sleep(self.chance.expovariate(0.4))
            await self._something()
        last = max((alert.window.end for alert in self.ordered.values()), default=0)
        await asyncio.sleep(max(last - self.clock.wall(), 0) + AFTER_THE_LAST_S)
        await self._die_and_rise()
        await asyncio.sleep(AFTER_THE_LAST_S)
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)

    async def close(self) -> None:
        """The last life ends."""
        await self.life.end()

    async def _tick(self) -> None:
        while True:
            self.field.tick()
            await asyncio.sleep(0.5)

    async def _something(self) -> None:
        acts: dict[Callable[[], Any], int] = {
            self._order: 8,
            self._order_again: 2,
            self._cancel: 4,
            self._judge: 3,
            self._cut: 6,
            self._dial: 8,
            self._power: 3,
            **self.further,
        }
        if self.chance.random() < 0.12:
            await self._die_and_rise()
        else:
            self.chance.choices(list(acts), list(acts.values()))[0]()

    # ---- people and platforms ------------------------------------------------------------------------------------

    @property
    def _live(self) -> list[AlertRecord]:
        return self.life.core.state.live_alerts()

    def _order(self) -> None:
        chance, now_s = self.chance, int(self.clock.wall())
        start = now_s + chance.choice((-5, 0, 0, 0, 10, 30))
        by_hand = chance.random() < 0.2
        class_, depth = chance.choice(
            [(AlertClass.EMERGENCY, DrillDepth.TERMINAL)] * 5
            + [(AlertClass.DAILY, DrillDepth.TERMINAL)] * 3
            + [(AlertClass.REAL_DRILL, DrillDepth.TERMINAL), (AlertClass.SIMULATED_DRILL, DrillDepth.HEADEND)]
        )
        serial = len(self.ordered) + 1
        old = chance.choice(self._live) if self._live and chance.random() < 0.15 else None
        alert = Alert(
            id=EbmId(f"{PLATFORM if by_hand else PROVINCE}20251009{serial:04d}"),
            origin=Origin.OPERATOR if by_hand else Origin.UPSTREAM,
            class_=class_,
            level=chance.randint(1, 4),
            depth=depth,
            event_type="11A01",
            window=Window(start, start + chance.randint(1, WINDOW_S_MAX)),
            areas=chance.choice(AREAS),
            dropped_areas=(),
            title="title",
            text="text",
            agency="agency",
            language="zho",
            media=Media("0" * 64, f"{'0' * 64}.mp3", 1000, False),
            stream_url="",
            received_at=self.clock.wall(),
            author="chen" if by_hand else PROVINCE,
            peer=None if by_hand else PROVINCE,
            ebd_id=None if by_hand else EbdId.build(EbdId.MESSAGE, PROVINCE, serial),
            replaces=old.alert.id if old else None,
        )
        self.ordered[alert.id] = alert
        self.life.core.take_in(alert, self.clock.monotonic())

    def _order_again(self) -> None:
        if self.ordered:
            self.life.core.take_in(self.chance.choice(list(self.ordered.values())), self.clock.monotonic())

    def _cancel(self) -> None:
        live = [r for r in self._live if r.state is not AlertState.CANCELLING]
        if live:
            record = self.chance.choice(live)
            self.cancelled.add(record.alert.id)
            self.life.core.cancel(record, "liu", "enough")

    def _judge(self) -> None:
        pending = [r for r in self._live if r.state is AlertState.PENDING]
        if pending and self.chance.random() < 0.8:
            self.approved.add(pending[0].alert.id)
            self.life.core.approve(pending[0], "liu")
        elif pending:
            self.life.core.reject(pending[0], "liu", "no")

    # ---- wires and power -----------------------------------------------------------------------------------------

    def _cut(self) -> None:
        horn = self.chance.choice(list(self.field.horns.values()))
        if horn.connected:
            self.field.disconnect(horn, self.chance.choice(sorted(horn.connected)))

    def _dial(self) -> None:
        horn = self.chance.choice(list(self.field.horns.values()))
        device = self.field.inventory.roster.known(horn.code)
        if device and (paths := [path for path in device.paths if path in DIALLED]):
            self.field.connect(horn, self.chance.choice(paths))

    def _power(self) -> None:
        self.field.reboot(self.chance.choice(list(self.field.horns.values())))

    async def _die_and_rise(self) -> None:
        """kill -9, a while of nobody, the next life. Who had no receipt yet asks again."""
        left = await self.life.end()
        await asyncio.sleep(self.chance.choice((0.5, 5.0, 40.0)))
        self.life = Life(self.field, left, self.violations)
        await self.life.begin()
        for alert in self.ordered.values():
            if alert.id not in self.life.core.state.alerts:
                self.life.core.take_in(alert, self.clock.monotonic())
        for record in self._live:
            if record.alert.id in self.cancelled and record.state is not AlertState.CANCELLING:
                self.life.core.cancel(record, "liu", "enough")
