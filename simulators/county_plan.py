"""A made-up county, drawn from a seed: places, adapters, terminals with their paths, and what is broken in it.

The reference county (design, section 1): 1 county, 10 town and 94 village head-ends with adapters, 2,224 terminals.
Pure: the same arguments give the same county; keys and tokens are not part of it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate

from protocols.codes import AreaCode, ResourceCode
from simulators.place_names import place_names

COUNTY_DIGITS = "349901"  # not given to any county
COUNTY_NAME = "云岭县"
TERMINALS_MIN, TERMINALS_MAX = 20, 20_000
REFERENCE_TERMINALS, REFERENCE_TOWNS, REFERENCE_VILLAGES = 2224, 10, 94
TOWN_SHARE = 0.15  # of all terminals: columns in town seats; the rest are horns in villages
OFF_SHARE = 0.01
SLOW_ADAPTER_S = 5.0
LOOPBACK = "127.0.0.1"
ADAPTER_PORT_OFFSET = 20
ADAPTER_CERTIFICATE_FIRST = 0x301

FIRST_PATHS = (("ip", 0.40), ("adapter", 0.25), ("cellular", 0.085), ("mqtt", 0.085))  # what is left has FM only
FURTHER_PATHS: dict[str, tuple[tuple[tuple[str, ...], int], ...]] = {
    "ip": ((("ip",), 40), (("ip", "cellular"), 20), (("ip", "fm"), 30), (("ip", "cellular", "fm"), 10)),
    "adapter": ((("adapter",), 60), (("adapter", "fm"), 40)),
    "cellular": ((("cellular",), 60), (("cellular", "fm"), 40)),
    "mqtt": ((("mqtt",), 60), (("mqtt", "fm"), 40)),
    "fm": ((("fm",), 1),),
}


@dataclass(frozen=True, slots=True)
class Place:
    """County, town or village; `level` 4, 5 or 6 as in GD/J 080 table 3."""

    code: AreaCode
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class PlannedAdapter:
    """A head-end's adapter and where it listens."""

    code: ResourceCode
    name: str
    host: str
    port: int
    certificate: str  # number, 12 hex digits


@dataclass(frozen=True, slots=True)
class PlannedTerminal:
    """A loudspeaker; `paths` best first."""

    code: ResourceCode
    phys: str
    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedTransmitter:
    """The county's FM exciter."""

    code: ResourceCode
    name: str
    host: str
    port: int
    frequency_mhz: str


@dataclass(frozen=True, slots=True)
class Faults:
    """What is broken: a town without IP, an adapter that takes its time, terminals without power."""

    dead_ip_town: AreaCode
    slow_adapter: ResourceCode
    slow_adapter_s: float
    off: tuple[ResourceCode, ...]


@dataclass(frozen=True, slots=True)
class CountyPlan:
    """Everything about the county that the seed decides."""

    seed: int
    base_port: int
    places: tuple[Place, ...]  # county first, then each town before its villages
    adapters: tuple[PlannedAdapter, ...]  # in the order of `places`
    terminals: tuple[PlannedTerminal, ...]
    transmitter: PlannedTransmitter
    faults: Faults

    @property
    def platform_code(self) -> ResourceCode:
        """The county platform's own code."""
        return ResourceCode.build(4, self.places[0].code, "0101", 1, 1, 1)


def plan_county(*, terminals: int, seed: int, base_port: int) -> CountyPlan:
    """Draw a county. Raises ValueError outside `TERMINALS_MIN` ... `TERMINALS_MAX`."""
    if not TERMINALS_MIN <= terminals <= TERMINALS_MAX:
        raise ValueError(f"a county of {terminals} terminals: {TERMINALS_MIN} to {TERMINALS_MAX} are possible")
    chance = random.Random(seed)
    places = _places(terminals, chance)
    adapters = tuple(
        PlannedAdapter(
            code=ResourceCode.build(place.level, place.code, "0314", 1, 2, 1),
            name=f"{place.name}适配器",
            host=LOOPBACK,
            port=base_port + ADAPTER_PORT_OFFSET + index,
            certificate=f"{ADAPTER_CERTIFICATE_FIRST + index:012X}",
        )
        for index, place in enumerate(places)
    )
    planned = _terminals(terminals, places, chance)
    return CountyPlan(
        seed=seed,
        base_port=base_port,
        places=places,
        adapters=adapters,
        terminals=planned,
        transmitter=PlannedTransmitter(
            code=ResourceCode.build(4, places[0].code, "0301", 1, 3, 1),
            name=f"{COUNTY_NAME}调频发射机",
            host=LOOPBACK,
            port=base_port + 8,
            frequency_mhz=f"{chance.randrange(880, 1070) / 10:.2f}",
        ),
        faults=_faults(places, adapters, planned, chance),
    )


def _places(terminals: int, chance: random.Random) -> tuple[Place, ...]:
    """Towns and villages in the reference proportion, at least two towns of two villages each."""
    scale = min(1.0, terminals / REFERENCE_TERMINALS)
    towns = max(2, round(REFERENCE_TOWNS * scale))
    villages = max(2 * towns, round(REFERENCE_VILLAGES * scale))
    sizes = [2] * towns
    for _ in range(villages - 2 * towns):
        sizes[chance.randrange(towns)] += 1
    town_names = place_names(towns, "镇", chance)
    village_names = iter(place_names(villages, "村", chance))
    places = [Place(AreaCode.parse(COUNTY_DIGITS), COUNTY_NAME, 4)]
    for town in range(towns):
        stem = f"{COUNTY_DIGITS}{100 + town}"
        places.append(Place(AreaCode.parse(stem), town_names[town], 5))
        places += [Place(AreaCode(f"{stem}{201 + i}"), next(village_names), 6) for i in range(sizes[town])]
    return tuple(places)


def _terminals(count: int, places: tuple[Place, ...], chance: random.Random) -> tuple[PlannedTerminal, ...]:
    """Columns in town seats and horns in villages, numbered 01-99 within a type serial, paths by quota."""
    homes = _homes(count, places, chance)
    paths = _paths(count, chance)
    terminals = []
    seen = dict.fromkeys(homes, 0)
    for index, home in enumerate(homes):
        serial, number = divmod(seen[home], 99)
        seen[home] += 1
        terminals.append(
            PlannedTerminal(
                code=ResourceCode.build(home.level, home.code, "0314", serial + 1, 4, number + 1),
                phys=f"2048{index + 1:08d}",
                name=f"{home.name}{'音柱' if home.level == 5 else '喇叭'}{seen[home]}",
                paths=paths[index],
            )
        )
    return tuple(terminals)


def _homes(count: int, places: tuple[Place, ...], chance: random.Random) -> list[Place]:
    """Where each terminal stands, in the order of `places`; every town and village has at least one."""
    towns = [place for place in places if place.level == 5]
    villages = [place for place in places if place.level == 6]
    in_towns = max(len(towns), round(count * TOWN_SHARE))
    in_towns = min(in_towns, count - len(villages))
    homes = towns + villages
    homes += chance.choices(towns, k=in_towns - len(towns))
    homes += chance.choices(villages, k=count - in_towns - len(villages))
    return sorted(homes, key=lambda place: place.code)


def _paths(count: int, chance: random.Random) -> list[tuple[str, ...]]:
    """First paths by exact quota, so that a small county has every kind; further ones by weight."""
    ends = [round(count * share) for share in accumulate(share for _, share in FIRST_PATHS)]
    first: list[str] = []
    for (path, _), end in zip(FIRST_PATHS, ends, strict=True):
        first += [path] * (end - len(first))
    first += ["fm"] * (count - len(first))
    chance.shuffle(first)
    drawn = []
    for path in first:
        choices, weights = zip(*FURTHER_PATHS[path], strict=True)
        drawn.append(chance.choices(choices, weights)[0])
    return drawn


def _faults(
    places: tuple[Place, ...],
    adapters: tuple[PlannedAdapter, ...],
    terminals: tuple[PlannedTerminal, ...],
    chance: random.Random,
) -> Faults:
    """A dead town with IP terminals, a slow village adapter outside it with terminals, and terminals without power."""
    off = tuple(sorted(chance.sample([t.code for t in terminals], max(1, round(len(terminals) * OFF_SHARE)))))
    lit = [t for t in terminals if t.code not in off]
    with_ip = {t.code.area[:9] for t in lit if "ip" in t.paths}
    dead = chance.choice([place.code for place in places if place.level == 5 and place.code[:9] in with_ip])
    behind = {t.code.area for t in lit if "adapter" in t.paths}
    slow = [a.code for a in adapters if a.code.level == 6 and a.code.area in behind]
    slow = [code for code in slow if code.area[:9] != dead[:9]] or slow or [adapters[-1].code]
    return Faults(dead_ip_town=dead, slow_adapter=chance.choice(slow), slow_adapter_s=SLOW_ADAPTER_S, off=off)
