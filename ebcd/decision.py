"""What one step of the core wants done once its facts are on disk: orders to links, reports upward."""

from __future__ import annotations

from dataclasses import dataclass, field

from devices.link import Command, Path, Start, Stop
from protocols.codes import EbmId


@dataclass(frozen=True, slots=True)
class Offer:
    """A command for every link of a path."""

    path: Path
    command: Command


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the platform that ordered `alert` about it (GD/J 083 BrdStateCode)."""

    alert: EbmId
    code: int
    why: str = ""


@dataclass(slots=True)
class Decision:
    """Effects that wait for the facts entered before them."""

    offers: list[Offer] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    announcements: list[Start | Stop] = field(default_factory=list)  # for links that only tell people about an alert

    def __bool__(self) -> bool:
        return bool(self.offers or self.reports or self.announcements)
