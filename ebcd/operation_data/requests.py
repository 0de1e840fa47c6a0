"""Requests for operation data (OMDRequest, GD/J 083; platform digest 3.4, 6.7): what is wanted, which records fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ebcd.operation_data.flags import Flags
from ebcd.operation_data.kinds import Kind
from protocols.codes import EbdId, ResourceCode
from protocols.ebd import ResultCode
from protocols.ebd.messages import OmdRequest, ReportParams

REQUESTS_MAX = 128
"""Requests of one platform that wait for their answers: what it may ask at once, and some patience."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that cannot be answered: key and values of the sentence (`notify.*`), and the code of the EBDNotify."""

    what: str
    code: ResultCode
    values: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Wanted:
    """A request that will be answered. `codes` is what is still to be told, once the answer has begun."""

    peer: ResourceCode
    ebd_id: EbdId
    kind: Kind
    params: ReportParams | None
    codes: list[str] | None = None
    retry_s: float = 0.0  # monotonic
    unwell: int = 0  # how often its answer was refused with 5

    @property
    def incremental(self) -> bool:
        """Only what the platform lacks."""
        return self.params is not None and self.params.incremental

    @property
    def has_period(self) -> bool:
        """Whether only records of a period are wanted."""
        return self.params is not None and not (self.params.start_time is None and self.params.end_time is None)


def judge(peer: ResourceCode, ebd_id: EbdId, request: OmdRequest) -> Wanted | Refusal:
    """Whether a request can be answered. A request without RptType wants everything."""
    kind = Kind.named(request.omd_type)
    if kind is None:
        return Refusal("not_supported", ResultCode.OTHER, {"type": request.omd_type[:60]})
    params = request.params or ReportParams()
    if None not in (first := params.start_time, last := params.end_time) and first > last:  # type: ignore[operator]
        return Refusal("period_backwards", ResultCode.CONTENT_MISSING)
    return Wanted(peer, ebd_id, kind, request.params)


def echo(wanted: Wanted, now: float) -> ReportParams | None:
    """Params of the answer (platform digest 3.5): those of the request in the standard's spelling. The log has a period
    with both its ends there, or none at all (platform digest 3.11)."""
    params = wanted.params
    if params is None or params == ReportParams():
        return None
    if wanted.kind is not Kind.LOG:
        return params.echoed
    if not wanted.has_period:
        return None
    return ReportParams(params.start_time or 0, int(now) if params.end_time is None else params.end_time)


def select(wanted: Wanted, everything: list[str], flags: Flags, time_of: Callable[[str], float | None]) -> list[str]:
    """The codes that a request means: all that exist, or those out of step; of a period where one was named, by
    `time_of` a record (UTC seconds; both ends included)."""
    codes = flags.lacks(wanted.peer, wanted.kind) if wanted.incremental else everything
    params = wanted.params
    if params is None or not wanted.has_period:
        return codes
    first = float("-inf") if params.start_time is None else params.start_time
    last = float("inf") if params.end_time is None else params.end_time + 1
    return [code for code in codes if (at := time_of(code)) is not None and first <= at < last]
