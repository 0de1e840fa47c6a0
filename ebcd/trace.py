"""When things happened to an alert, for `ebcd show`, the metrics and the benchmarks (design 6). Memory only.

T0 is the last byte of the package, or the last approval; T1 of a terminal the commit that holds its confirmation. All
times are seconds of the monotonic clock; the figures told are differences to T0.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from devices.link import Path
from protocols.codes import EbmId, ResourceCode

LATE_S = 3.0
"""An adapter that takes longer to answer a start is named: its retries begin then (terminal digest 1.7)."""

TRACES_MAX = 64
"""Alerts whose times are kept; the oldest goes first."""
CONFIRMED_MAX = 100_000
"""Terminals whose times are kept over all of them but the newest."""


Observe = Callable[[str, float], None]


@dataclass(slots=True)
class Trace:
    """The times of one alert."""

    t0_s: float
    observe: Observe
    waits: bool = False  # its window was open and another alert had its places
    stages: dict[str, float] = field(default_factory=dict)
    confirmed: dict[ResourceCode, tuple[Path, float]] = field(default_factory=dict)
    adapters: dict[ResourceCode, float | None] = field(default_factory=dict)  # answered after; None: not at all

    def stage(self, name: str, at_s: float) -> None:
        """Remember when a stage was done, the first time it was."""
        if name not in self.stages:
            self.stages[name] = at_s - self.t0_s
            self.observe(name, at_s - self.t0_s)

    def its_turn(self, at_s: float, since_window_s: float) -> None:
        """It may sound now, `since_window_s` after its window opened. Waiting for the window, or for an alert of higher
        rank, is no slowness of ours: the clock begins when that is over."""
        self.t0_s = at_s if self.waits else max(self.t0_s, at_s - since_window_s)

    def confirm(self, codes: Iterable[tuple[ResourceCode, Path]], at_s: float) -> None:
        """These confirmations are in the journal."""
        for code, path in codes:
            if code not in self.confirmed:
                self.confirmed[code] = (path, at_s - self.t0_s)
                self.observe("confirmed", at_s - self.t0_s)

    def adapter(self, code: ResourceCode, at_s: float | None) -> None:
        """An adapter answered the start, or its retries are used up (`at_s` None). The last word counts."""
        self.adapters[code] = None if at_s is None else at_s - self.t0_s


class Traces:
    """The last `TRACES_MAX` alerts."""

    def __init__(self, observe: Observe = lambda name, seconds: None) -> None:
        """`observe` is told of every stage and of every confirmation, in seconds since T0."""
        self._observe = observe
        self._traces: OrderedDict[EbmId, Trace] = OrderedDict()

    def begin(self, alert: EbmId, t0_s: float) -> Trace:
        """T0 of an alert; a second call keeps the first unless the clock was restarted by an approval."""
        trace = self._traces[alert] = Trace(t0_s, self._observe)
        held = sum(len(each.confirmed) for each in self._traces.values())
        while len(self._traces) > TRACES_MAX or (held > CONFIRMED_MAX and len(self._traces) > 1):
            _, oldest = self._traces.popitem(last=False)
            held -= len(oldest.confirmed)
        return trace

    def waits(self, alert: EbmId) -> None:
        """It could begin, and another one has its places."""
        if (trace := self._traces.get(alert)) is not None:
            trace.waits = True

    def of(self, alert: EbmId) -> Trace | None:
        """The times of an alert, if they are still known."""
        return self._traces.get(alert)


def spread(seconds: list[float]) -> dict[str, float]:
    """First, median, 99 % and last of some durations; empty for none."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    high = quantiles(ordered, n=100, method="inclusive")[98] if len(ordered) > 1 else ordered[0]
    return {
        name: round(value, 4)
        for name, value in (("first", ordered[0]), ("median", median(ordered)), ("p99", high), ("last", ordered[-1]))
    }


def figures(trace: Trace) -> dict[str, Any]:
    """`latency_s`, `latency_by_path_s` and `stages_s`, all in seconds since T0; `late_adapters` by code, null for one
    that never answered."""
    by_path: dict[str, list[float]] = {}
    for path, at_s in trace.confirmed.values():
        by_path.setdefault(path.value, []).append(at_s)
    return {
        "latency_s": spread([at_s for _, at_s in trace.confirmed.values()]),
        "latency_by_path_s": {path: spread(values) for path, values in by_path.items()},
        "late_adapters": {
            code: at_s if at_s is None else round(at_s, 3)
            for code, at_s in trace.adapters.items()
            if at_s is None or at_s > LATE_S
        },
        "stages_s": {name: round(value, 4) for name, value in trace.stages.items()},
    }
