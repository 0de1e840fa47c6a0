"""The times of an alert."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.link import Path
from ebcd.alert import Window
from ebcd.trace import TRACES_MAX, Traces, figures, spread
from protocols.codes import EbmId
from tests.ebcd.county import VILLAGE_A1, control_room, terminal


def ebm(number: int) -> EbmId:
    return EbmId(f"{number:035d}")


@pytest.mark.requirement("R-PERF-03", "R-SUP-03")
def test_figures_are_seconds_since_t0_per_path() -> None:
    trace = Traces().begin(ebm(1), 100.0)
    trace.stage("accepted", 100.5)
    codes = [terminal(VILLAGE_A1, n) for n in (1, 2, 3)]
    trace.confirm([(codes[0], Path.IP), (codes[1], Path.IP)], 101.0)
    trace.confirm([(codes[2], Path.FM)], 103.0)
    told = figures(trace)
    assert told["stages_s"] == {"accepted": 0.5}
    assert told["latency_s"]["first"] == 1.0
    assert told["latency_s"]["last"] == 3.0
    assert set(told["latency_by_path_s"]) == {"ip", "fm"}


def test_the_first_time_counts() -> None:
    trace = Traces().begin(ebm(1), 0.0)
    code = terminal(VILLAGE_A1, 1)
    for at_s in (1.0, 2.0):
        trace.stage("planned", at_s)
        trace.confirm([(code, Path.IP)], at_s)
    assert trace.stages == {"planned": 1.0}
    assert trace.confirmed == {code: (Path.IP, 1.0)}


def test_the_last_approval_begins_the_time_anew() -> None:
    traces = Traces()
    traces.begin(ebm(1), 0.0)
    again = traces.begin(ebm(1), 60.0)
    assert traces.of(ebm(1)) is again
    assert again.t0_s == 60.0


def test_only_the_last_alerts_are_remembered() -> None:
    traces = Traces()
    for number in range(1, TRACES_MAX + 2):
        traces.begin(ebm(number), 0.0)
    assert traces.of(ebm(1)) is None
    assert traces.of(ebm(2)) is not None
    assert traces.of(ebm(TRACES_MAX + 1)) is not None


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=40))
def test_a_spread_is_ordered_and_within_what_was_measured(seconds: list[float]) -> None:
    told = spread(seconds)
    assert list(told) == ["first", "median", "p99", "last"]
    values = list(told.values())
    assert values == sorted(values)
    assert values[0] == pytest.approx(min(seconds), abs=1e-4)
    assert values[-1] == pytest.approx(max(seconds), abs=1e-4)


def test_nothing_measured_has_no_spread() -> None:
    assert spread([]) == {}


async def test_waiting_for_its_window_or_for_a_higher_alert_is_no_slowness() -> None:
    async with control_room() as room:
        start = int(room.clock.wall())
        ordered = room.take_in(window=Window(start + 600, start + 660))
        first = room.take_in(level=1, window=Window(start, start + 30))
        second = room.take_in(level=4, window=Window(start, start + 90))
        await asyncio.sleep(700)
        for record in (ordered, first, second):
            trace = room.core.traces.of(record.alert.id)
            assert trace is not None
            assert 0 <= trace.stages["sent_ip"] < 1.5, record.alert


def test_only_the_newest_alert_may_keep_more_terminals_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebcd.trace.CONFIRMED_MAX", 3)
    traces = Traces()
    for number in range(1, 5):
        codes = [(terminal(VILLAGE_A1, n), Path.IP) for n in range(1, number + 1)]
        traces.begin(ebm(number), 0.0).confirm(codes, 1.0)
    assert [number for number in range(1, 5) if traces.of(ebm(number)) is not None] == [3, 4]
    traces.begin(ebm(5), 0.0)
    assert [number for number in range(1, 6) if traces.of(ebm(number)) is not None] == [5]
