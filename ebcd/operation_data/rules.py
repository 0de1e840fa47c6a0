"""`[reports]` of the configuration as plain values: which code a condition gets, and how often what is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ebcd.operation_data.kinds import INFO, Kind

DAY_S = 24 * 3600.0
HALF_HOUR_S = 1800.0


@dataclass(frozen=True, slots=True)
class StateCodes:
    """StateCode (platform digest 5.5) where the standard leaves a choice; `unknown` 0 leaves such devices out."""

    offline: int = 3
    unreachable: int = 2
    unknown: int = 0
    on_air: bool = True  # whether 5 is told of devices that play


@dataclass(frozen=True, slots=True)
class ReportRule:
    """`items_max`: records in one package. `every_s`: the cycle of each type; types without one go on change only."""

    codes: StateCodes = field(default_factory=StateCodes)
    items_max: int = 200
    every_s: Mapping[Kind, float] = field(default_factory=lambda: cycles(DAY_S, HALF_HOUR_S, 0.0))


def cycles(info_s: float, states_s: float, terminal_states_s: float) -> dict[Kind, float]:
    """The cycles by type; 0 for none. EBRPSInfo and EBRDTInfo daily, EBRPSState each 30 min (platform digest 6.1)."""
    every: dict[Kind, float] = dict.fromkeys(INFO.values(), info_s)
    for kind in (Kind.PLATFORM_STATE, Kind.ADAPTER_STATE, Kind.TRANSMITTER_STATE):
        every[kind] = states_s
    every[Kind.TERMINAL_STATE] = terminal_states_s
    return {kind: seconds for kind, seconds in every.items() if seconds}
