"""The exchanges between an upper platform and a county, told by direction instead of by who we are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ebcd.exchanges import Exchange
from protocols.ebd import ResultCode

SUCCESS = int(ResultCode.SUCCESS)


@dataclass(frozen=True, slots=True)
class Conversation:
    """`upper`: whether we are the upper platform of the two. `heartbeat_s`: the period that was agreed."""

    exchanges: Sequence[Exchange]
    upper: bool
    heartbeat_s: float = 30.0
    states_s: float = 1800.0
    info_s: float = 86_400.0

    @property
    def span_s(self) -> float:
        """From the first exchange to the last."""
        return self.exchanges[-1].at - self.exchanges[0].at if self.exchanges else 0.0

    def up(self, type_: str) -> list[Exchange]:
        """What the county posted."""
        return [each for each in self.exchanges if each.type == type_ and each.outgoing != self.upper]

    def down(self, type_: str) -> list[Exchange]:
        """What the upper platform posted and meant."""
        found = [each for each in self.exchanges if each.type == type_ and each.outgoing == self.upper]
        return [each for each in found if not each.facts.get("bad_signature")]

    def unasked(self, type_: str) -> list[Exchange]:
        """What the county posted without a request."""
        return [each for each in self.up(type_) if not each.related]

    def answers(self, request: Exchange, type_: str) -> list[Exchange]:
        """What names the request in RelatedEBD."""
        return [each for each in self.up(type_) if each.related == request.ebd_id]


def taken(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those that got receipt 1."""
    return [each for each in exchanges if each.code == SUCCESS]


def refused(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those that got a receipt with another code than 1."""
    return [each for each in exchanges if each.code not in (SUCCESS, None)]


@dataclass(slots=True)
class Gathered:
    """Exchanges as they are fetched, in order."""

    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The number behind which to ask."""
        return self.exchanges[-1].number if self.exchanges else 0
