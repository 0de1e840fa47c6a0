"""What a look at a conversation found about one point of the checklist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ebcd.exchanges import Exchange


class Verdict(StrEnum):
    """How a point stands."""

    PASS = "pass"
    FAIL = "fail"
    NOT_SEEN = "not_seen"  # nothing happened that could be judged
    OPEN = "open"  # something is due and may still come


@dataclass(frozen=True, slots=True)
class Finding:
    """`said`: key of the catalogue (`accept_seen.*`) with `values`; `times` (UTC seconds), `packages`: evidence."""

    verdict: Verdict
    said: str
    values: Mapping[str, Any] = field(default_factory=dict)
    times: tuple[float, ...] = ()
    packages: tuple[str, ...] = ()

    @classmethod
    def of(cls, verdict: Verdict, said: str, *evidence: Exchange, **values: Any) -> Finding:
        """With exchanges as evidence."""
        return cls(
            verdict,
            said,
            values,
            tuple(round(each.at, 3) for each in evidence),
            tuple(each.ebd_id for each in evidence),
        )

    @property
    def settled(self) -> bool:
        """Whether waiting longer can change nothing that is waited for."""
        return self.verdict in (Verdict.PASS, Verdict.FAIL)


def nothing(said: str = "nothing", **values: Any) -> Finding:
    """Nothing was seen."""
    return Finding(Verdict.NOT_SEEN, said, values)
