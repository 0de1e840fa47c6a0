"""A county of villages whose devices can be silenced, and the desk that finds out why."""

from __future__ import annotations

import heapq

from devices.link import DeviceState, Event, Heartbeat, LinkDown, LinkUp, Path
from devices.roster import DeviceKind
from ebcd.facts import Fact
from ebcd.health import Change, FlapRule, HealthBook, Way, Ways
from ebcd.state import CountyState
from ebcd.workorders import Crew, Desk, OrderRule, Site, Sites, WorkOrder, findings
from ebcd.workorders.part import RECONCILE_S
from protocols.codes import AreaCode, ResourceCode

COUNTY = AreaCode("349901000000")
TOWNS = tuple(AreaCode(f"349901{100 + n}000") for n in range(1, 4))
WALL_S = 1_760_000_000.0
GATHER_S = 5.0


def village(town: AreaCode, number: int) -> AreaCode:
    """A village of a town."""
    return AreaCode(f"{town[:9]}{200 + number:03d}")


def horn(place: AreaCode, number: int) -> ResourceCode:
    """A terminal of a village."""
    return ResourceCode.build(6, place, "0314", 1, 4, number)


def head_end(place: AreaCode) -> ResourceCode:
    """Its adapter."""
    return ResourceCode.build(6, place, "0314", 1, 2, 1)


class Yard:
    """In each of three towns: villages 1-3 with an adapter and ten horns behind it, 4-6 with ten horns on IP, 7-9 with
    ten on 3G/4G. The horns of village 4 hang on one feeder with horns 1-5 of village 5; cards of batch B1 are in
    village 7 of every town."""

    def __init__(self) -> None:
        ways: dict[ResourceCode, Way] = {}
        sites: list[Site] = []
        for town in TOWNS:
            for number in range(1, 10):
                place = village(town, number)
                path = (Path.ADAPTER, Path.IP, Path.CELLULAR)[(number - 1) // 3]
                if path is Path.ADAPTER:
                    ways[head_end(place)] = Way(60.0, frozenset({path}), kind=DeviceKind.ADAPTER)
                    sites.append(Site(head_end(place), place, frozenset({path}), 60.0))
                for n in range(1, 11):
                    code = horn(place, n)
                    behind = head_end(place) if path is Path.ADAPTER else None
                    period_s = 60.0 if path is Path.ADAPTER else 15.0
                    ways[code] = Way(period_s, frozenset({path}), behind)
                    feeder = f"{town}-F1" if number == 4 or (number == 5 and n <= 5) else ""
                    sites.append(Site(code, place, frozenset({path}), period_s, feeder, "B1" if number == 7 else ""))
        self.ways = Ways(ways, {"adapters": Path.ADAPTER, "ip": Path.IP, "cellular": Path.CELLULAR})
        self.sites = Sites(sites)
        self.changes: list[Change] = []
        self.health = self._health()
        self.state = CountyState()
        self.facts: list[Fact] = []
        self.confirmed: dict[str, float] = {}
        self.crews = (Crew("north", TOWNS[:2]), Crew("county", (COUNTY,)), Crew("one", (village(TOWNS[0], 1),)))
        self.now_s = 0.0
        self.dead: set[ResourceCode] = set()
        self.faulty: set[ResourceCode] = set()
        self.restarted: set[ResourceCode] = set()  # their next heartbeat is the first after switching on
        self.down: set[str] = set()  # links of ours
        self.desk = self._desk(0.0)
        self.beats = [((int(code[-2:]) * 7 % 10) / 10 * (way.period_s or 0), code) for code, way in ways.items()]
        heapq.heapify(self.beats)
        self.health.start_counting(0.0)
        self.run(200.0)

    def _health(self) -> HealthBook:
        book = HealthBook(self.ways, flap_rule=FlapRule(4, 3600.0, 900.0))
        book.on_change(self.changes.append)
        return book

    def _desk(self, listening_since: float) -> Desk:
        def confirmed(code: str) -> float:
            return self.confirmed.get(code, 0.0)

        return Desk(
            self.state.work, self.enter, self.health.of, COUNTY, self.crews, OrderRule(), confirmed, listening_since
        )

    def restart(self) -> None:
        """Our own process ends and begins again: orders come from the journal, health from what was written down."""
        before, self.state = self.health, CountyState()
        for fact in self.facts:
            self.state.apply(fact)
        self.health = self._health()
        for code, known in before.all():
            self.health.remember(code, known.condition, known.since, known.seen_at, known.fault)
        self.desk = self._desk(self.wall_s)
        self.health.start_counting(self.now_s, self.wall_s)
        for name in self.down:
            self.link(name, up=False)

    @property
    def wall_s(self) -> float:
        """UTC seconds."""
        return WALL_S + self.now_s

    @property
    def clock(self) -> YardClock:
        """The yard's time, as the daemon's parts ask for it."""
        return YardClock(self)

    def enter(self, fact: Fact) -> None:
        """The ledger's part: applied, and kept for a restart."""
        self.state.apply(fact)
        self.facts.append(fact)

    def hear(self, event: Event, path: Path) -> None:
        """One link event."""
        self.health.observe(event, path, self.now_s, self.wall_s)

    def run(self, seconds: float) -> None:
        """Heartbeats of the living, each in its own rhythm; the desk looks every five seconds."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += 1.0
            while self.beats[0][0] <= self.now_s:
                due_s, code = self.beats[0]
                way = self.ways.devices[code]
                heapq.heapreplace(self.beats, (due_s + (way.period_s or 0), code))
                if self.speaks(code):
                    state = DeviceState.FAULT if code in self.faulty else DeviceState.IDLE
                    first = code in self.restarted
                    self.restarted.discard(code)
                    self.hear(Heartbeat("x", code, "", state, first), next(iter(way.paths)))
            self.health.tick(self.now_s, self.wall_s)
            if self.now_s % GATHER_S == 0:
                if self.changes or self.now_s % RECONCILE_S == 0:
                    self.changes.clear()
                    self.desk.reconcile(findings(self.health, self.sites, self.wall_s), self.wall_s)
                self.desk.look(self.wall_s)

    def speaks(self, code: ResourceCode) -> bool:
        """Whether its words come as far as our door."""
        way = self.ways.devices[code]
        return code not in self.dead and not (way.behind and way.behind in self.dead)

    def link(self, name: str, *, up: bool) -> None:
        """One of our own links fails or returns."""
        (self.down.discard if up else self.down.add)(name)
        self.hear(LinkUp(name) if up else LinkDown(name, "down"), self.ways.links[name])

    def kill(self, *codes: ResourceCode) -> None:
        """They fall silent now."""
        self.dead |= set(codes)

    def revive(self, *codes: ResourceCode) -> None:
        """They speak again."""
        self.dead -= set(codes)

    def orders(self) -> list[WorkOrder]:
        """All that are live."""
        return self.state.work.live()

    def ten(self, town: int, number: int) -> tuple[ResourceCode, ...]:
        """The horns of a village."""
        return tuple(horn(village(TOWNS[town], number), n) for n in range(1, 11))


class YardClock:
    """`devices.ports.Clock`."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard

    def wall(self) -> float:
        return self._yard.wall_s

    def monotonic(self) -> float:
        return self._yard.now_s
