"""How devices are heard: which paths bring their words, which head-end stands between, which links carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from devices.link import Path
from devices.roster import DeviceKind
from ebcd.inventory import Inventory
from protocols.codes import ResourceCode

RETURNING = frozenset({Path.IP, Path.ADAPTER, Path.CELLULAR, Path.MQTT})
"""Paths that can bring a device's words; FM cannot."""


@dataclass(frozen=True, slots=True)
class Way:
    """One device. `period_s`: seconds between its signs of life, None for one that has none: FM only, or known by what
    a broker says of it. `behind`: the head-end without which nothing of it arrives."""

    period_s: float | None
    paths: frozenset[Path] = frozenset()
    behind: ResourceCode | None = None
    kind: DeviceKind = DeviceKind.TERMINAL

    @property
    def returns(self) -> bool:
        """Whether anything of it can be heard at all: not over FM only."""
        return self.period_s is not None or bool(self.paths)


@dataclass(frozen=True, slots=True)
class Ways:
    """All devices, and which links there are."""

    devices: Mapping[ResourceCode, Way]
    links: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))

    def children(self) -> dict[ResourceCode, tuple[ResourceCode, ...]]:
        """The devices behind each head-end."""
        found: dict[ResourceCode, list[ResourceCode]] = {}
        for code, way in self.devices.items():
            if way.behind is not None:
                found.setdefault(way.behind, []).append(code)
        return {head_end: tuple(codes) for head_end, codes in found.items()}

    def patience_s(self, misses_max: int) -> dict[ResourceCode, float]:
        """Seconds after which each device that has signs of life counts as silent."""
        return {code: way.period_s * misses_max for code, way in self.devices.items() if way.period_s is not None}


NOBODY: Mapping[ResourceCode, frozenset[Path]] = MappingProxyType({})


def ways_of(
    inventory: Inventory,
    links: Mapping[str, Path],
    period_of: Mapping[Path, float],
    adapter_period_s: float,
    beatless: Mapping[ResourceCode, frozenset[Path]] = NOBODY,
) -> Ways:
    """The ways of an inventory's terminals and adapters. A terminal is behind its adapter where it has no other path
    that brings answers; the longest period of its paths counts. `beatless`: paths on which a terminal never says by
    itself that it lives (vendors' MQTT profiles, whose terminals the broker tells of)."""
    devices: dict[ResourceCode, Way] = {}
    for adapter in inventory.roster.adapters:
        devices[adapter.code] = Way(adapter_period_s, frozenset({Path.ADAPTER}), kind=DeviceKind.ADAPTER)
    for terminal in inventory.roster.terminals:
        paths = RETURNING.intersection(terminal.paths)
        beating = paths - beatless.get(terminal.code, frozenset())
        period_s = max((period_of[path] for path in beating), default=None)
        only_adapter = paths == {Path.ADAPTER}
        devices[terminal.code] = Way(period_s, paths, inventory.adapter_of(terminal.code) if only_adapter else None)
    return Ways(devices, dict(links))
