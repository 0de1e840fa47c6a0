"""A small county, a link that records what it is asked, and a core around them, all in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import time
from types import SimpleNamespace
from typing import Any

from devices.link import (
    Answered,
    Command,
    Connected,
    DeviceState,
    Heartbeat,
    Link,
    LinkCapabilities,
    LinkStatus,
    LinkUp,
    Path,
    Start,
    Stop,
    Verb,
)
from devices.roster import Device, DeviceKind, Roster
from ebcd.alert import Alert, AlertClass, DrillDepth, Media, Origin, RankRule, Window
from ebcd.core import Core
from ebcd.facts import Fact
from ebcd.following import Following
from ebcd.invariants import Checker, Violation
from ebcd.inventory import Inventory
from ebcd.ledger import Ledger
from ebcd.orders import Orders, Volumes
from ebcd.reach import Reach
from ebcd.rules import Approvals, Patience, QuietHours, Rules
from ebcd.state import AlertRecord, CountyState
from ebcd.store.events import NewEvent
from protocols.codes import AreaCode, EbdId, EbmId, ResourceCode
from tests.virtual_time import EPOCH_UTC_S, VirtualClock

COUNTY = AreaCode("349901000000")
TOWN_A, TOWN_B = AreaCode("349901101000"), AreaCode("349901102000")
VILLAGE_A1, VILLAGE_A2 = AreaCode("349901101201"), AreaCode("349901101202")
VILLAGE_B1 = AreaCode("349901102201")
VILLAGES = (VILLAGE_A1, VILLAGE_A2, VILLAGE_B1)
PROVINCE = ResourceCode("23400000000000101010101")


def terminal(village: AreaCode, serial: int) -> ResourceCode:
    """A horn of a village."""
    return ResourceCode(f"6{village}03140104{serial:02d}")


def adapter(village: AreaCode) -> ResourceCode:
    """The village's adapter."""
    return ResourceCode(f"6{village}031401020" + "1")


def small_county(paths: Callable[[AreaCode, int], tuple[Path, ...]], per_village: int = 4) -> Inventory:
    """Three villages of two towns."""
    devices = [Device(DeviceKind.ADAPTER, adapter(v), "", f"adapter {v}") for v in VILLAGES]
    for village in VILLAGES:
        for serial in range(1, per_village + 1):
            code = terminal(village, serial)
            devices.append(Device(DeviceKind.TERMINAL, code, "", "", paths=paths(village, serial)))
    return Inventory(Roster.of(devices))


class RecordingLink:
    """Keeps commands; `answer` says how members answer, after `delay_s`."""

    def __init__(self, name: str, path: Path, sink: Callable[[Any], None], delay_s: float = 0.05) -> None:
        self.name, self.path = name, path
        self.capabilities = LinkCapabilities(path is not Path.FM, path is not Path.FM, 255)
        self.commands: list[Command] = []
        self.silent: set[ResourceCode] = set()
        self.results: dict[ResourceCode, int] = {}
        self.answers = path is not Path.FM
        self._sink, self._delay_s = sink, delay_s

    async def run(self) -> None:
        """Nothing to do: commands are answered by timers."""

    def offer(self, command: Command) -> None:
        """Remember, and answer later."""
        self.commands.append(command)
        if self.answers and isinstance(command, Start | Stop):
            asyncio.get_running_loop().call_later(self._delay_s, self._answer, command)

    def _answer(self, command: Start | Stop) -> None:
        verb = Verb.START if isinstance(command, Start) else Verb.STOP
        for code in command.members:
            if code not in self.silent:
                self._sink(Answered(self.name, code, command.ebm_id, verb, self.results.get(code, 0), ""))

    def status(self) -> LinkStatus:
        """Always up."""
        return LinkStatus(True, "", 0, 0, 1, 0)

    def started(self, ebm_id: EbmId) -> list[ResourceCode]:
        """Everybody who was sent a start of this message, with repetitions."""
        return [m for c in self.commands if isinstance(c, Start) and c.ebm_id == ebm_id for m in c.members]


class MemoryJournal:
    """Keeps events; they are durable one turn of the loop later, unless `stuck`."""

    def __init__(self, events: Sequence[NewEvent] = ()) -> None:
        self.events: list[NewEvent] = list(events)
        self.stuck = False
        self._waiting: list[Callable[[Any], None]] = []

    def append_soon(self, events: Sequence[NewEvent], on_durable: Callable[[Any], None] | None = None) -> None:
        """As the store does."""
        if on_durable is not None:
            self._waiting.append(on_durable)
        self.events.extend(events)
        if not self.stuck:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """The disk is done."""
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call([SimpleNamespace(seq=len(self.events))])

    def replayed(self) -> CountyState:
        """What a restart would know."""
        state = CountyState()
        for e in self.events:
            state.apply(Fact(e.kind, e.alert and EbmId(e.alert), e.at or 0.0, e.actor, e.payload))  # type: ignore[arg-type]
        return state


@dataclass
class Room:
    """Everything a test touches."""

    core: Core
    following: Following
    inventory: Inventory
    journal: MemoryJournal
    links: dict[Path, RecordingLink]
    told: list[tuple[EbmId, int, str]]
    violations: list[Violation]
    clock: VirtualClock
    serial: int = field(default=0)

    def alert(self, **changes: Any) -> Alert:
        """A level 1 alert from the province for the whole county, now, for a minute."""
        self.serial += 1
        start = int(self.clock.wall())
        values: dict[str, Any] = {
            "id": EbmId(f"{PROVINCE}20251009{self.serial:04d}"),
            "origin": Origin.UPSTREAM,
            "class_": AlertClass.EMERGENCY,
            "level": 1,
            "depth": DrillDepth.TERMINAL,
            "event_type": "11A01",
            "window": Window(start, start + 60),
            "areas": (COUNTY,),
            "dropped_areas": (),
            "title": "title",
            "text": "text",
            "agency": "agency",
            "language": "zho",
            "media": Media("0" * 64, f"{'0' * 64}.mp3", 1000, False),
            "stream_url": "",
            "received_at": float(start),
            "author": PROVINCE,
            "peer": PROVINCE,
            "ebd_id": EbdId(f"10{PROVINCE}{self.serial:016d}"),
        }
        return Alert(**values | changes)

    def take_in(self, **changes: Any) -> AlertRecord:
        """Build and accept."""
        return self.core.take_in(self.alert(**changes), self.clock.monotonic())

    def connect(self, path: Path, codes: Sequence[ResourceCode], state: DeviceState = DeviceState.IDLE) -> None:
        """Terminals register on a path."""
        for code in codes:
            self.following.take(Connected(path.value, code))
            self.following.take(Heartbeat(path.value, code, "", state, False))

    def codes(self, village: AreaCode | None = None) -> list[ResourceCode]:
        """Terminals of a village, or all."""
        return [t.code for t in self.inventory.terminals_in([village or COUNTY])]


RULES = Rules(
    rank=RankRule(tuple(AlertClass(n) for n in (4, 3, 2, 1, 5))),
    quiet=QuietHours(time(22), time(6)),
    approvals=Approvals({1: 1, 2: 1, 3: 1, 4: 1}, 1, 1),
    patience=Patience({Path.IP: 2.0, Path.ADAPTER: 8.0, Path.CELLULAR: 6.0, Path.MQTT: 6.0}),
)


def all_ip(_village: AreaCode, _serial: int) -> tuple[Path, ...]:
    """Every terminal on IP only."""
    return (Path.IP,)


@asynccontextmanager
async def control_room(
    paths: Callable[[AreaCode, int], tuple[Path, ...]] = all_ip,
    *,
    connected: bool = True,
    rules: Rules = RULES,
    before: Room | None = None,
    events: int | None = None,
) -> AsyncIterator[Room]:
    """A running core; its invariants are checked at the end.

    With `before`, the daemon's next life: its journal (the first `events` of it) and clock are all that is left.
    """
    clock = before.clock if before else VirtualClock(epoch_utc_s=EPOCH_UTC_S)
    journal = MemoryJournal(before.journal.events[:events] if before else ())
    inventory = small_county(paths)
    violations: list[Violation] = []
    told: list[tuple[EbmId, int, str]] = []
    checker = Checker(inventory, rules, violations.append)
    ledger = Ledger(journal.replayed(), journal, COUNTY, [checker])
    reach = Reach(inventory.adapter_of)
    orders = Orders(ledger, inventory, reach.is_live, Volumes(100, 255), "http://media")
    links: dict[Path, RecordingLink] = {}
    by_path: dict[Path, list[Link]] = {path: [] for path in Path}
    core = Core(ledger, orders, inventory, by_path, clock, rules, lambda r, c, w: told.append((r.alert.id, c, w)))
    following = Following(core, reach, {path.value: path for path in Path}, ())
    for path in Path:
        links[path] = RecordingLink(path.value, path, following.take)
        by_path[path].append(links[path])
    room = Room(core, following, inventory, journal, links, told, violations, clock, before.serial if before else 0)
    running = asyncio.ensure_future(core.run())
    await asyncio.sleep(0)
    if connected:
        for t in inventory.terminals_in([COUNTY]):
            for path in t.paths:
                room.connect(path, [t.code])
        room.following.take(LinkUp(Path.FM.value))
        await asyncio.sleep(0.01)
    try:
        yield room
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert violations == []
