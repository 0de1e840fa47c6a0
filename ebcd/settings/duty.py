"""The sections of ebcd.toml for the people on duty: tone, alarms, the shift, and who may phone adapters."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ebcd.alert import TONE_VOLUME_MAX
from ebcd.settings.values import Area, FilePath, Name, Section


class ToneSection(Section):
    """The weekly low tone by day."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    at: time = time(10, 30)
    for_s: Annotated[int, Field(ge=10, le=600)] = 60
    volume: Annotated[int, Field(ge=1, le=TONE_VOLUME_MAX)] = 10
    parts: Annotated[int, Field(ge=1, le=31)] = 7
    areas: tuple[Area, ...] = ()
    ahead_s: Annotated[float, Field(ge=60, le=43_200)] = 7200.0
    proof_days: Annotated[int, Field(ge=1, le=366)] = 8


class AlarmsSection(Section):
    """What the people on duty must know of at once, and who else is told. Names are crews."""

    online_rate: Annotated[float, Field(ge=0, le=1)] = 0.95
    online_for_s: Annotated[float, Field(ge=60, le=86_400)] = 600.0
    town_terminals_min: Annotated[int, Field(ge=1, le=10_000)] = 5
    certificate_days: tuple[Annotated[int, Field(ge=1, le=3650)], ...] = (90, 30, 7)
    link_for_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    approval_for_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    tell: tuple[Name, ...] = ()
    acknowledge_s: Annotated[float, Field(ge=10, le=86_400)] = 60.0
    escalate: tuple[Name, ...] = ()


class ShiftSection(Section):
    """The shift's log, and the roster that is made ahead."""

    acknowledge_s: Annotated[float, Field(ge=10, le=86_400)] = 900.0
    roster: FilePath = Path("roster.csv")
    roster_ahead_s: Annotated[float, Field(ge=0, le=2_678_400)] = 86_400.0


class WhitelistSection(Section):
    """Who may phone or text adapters (GD/J 089 table A.5)."""

    entries_max: Annotated[int, Field(ge=1, le=255)] = 20
    numbers_max: Annotated[int, Field(ge=1, le=5000)] = 32
