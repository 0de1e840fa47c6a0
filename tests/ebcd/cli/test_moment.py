"""Times as people write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.cli.moment import BadMoment, duration_of, shown, start_of

NOW = 1_790_000_000  # 2026-09-21T14:13:20Z


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h", 7200), ("15", 900), (" 1m5s ", 65)]
)
def test_durations_are_read_as_written(written: str, seconds: int) -> None:
    assert duration_of(written) == seconds


@pytest.mark.parametrize("written", ["", "0", "0m", "-5m", "ten", "5m3h", "1.5h", "１０", "m"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(BadMoment):
        duration_of(written)


def test_a_start_without_zone_is_beijing_time() -> None:
    assert start_of("2026-09-21T22:13:20", NOW) == NOW
    assert start_of("2026-09-21 22:13:20", NOW) == NOW


def test_a_start_with_a_zone_keeps_it() -> None:
    assert start_of("2026-09-21T14:13:20+00:00", 0) == NOW


def test_plus_counts_minutes_from_the_daemons_clock() -> None:
    assert start_of("+15", NOW) == NOW + 900


@pytest.mark.parametrize("written", ["", "soon", "+", "+-1", "+1h", "25:00", "2026-13-01", "+9999999"])
def test_what_is_no_start_is_refused(written: str) -> None:
    with pytest.raises(BadMoment):
        start_of(written, NOW)


@given(written=st.text(max_size=20))
def test_any_text_is_a_moment_or_refused_as_one(written: str) -> None:
    for read in (duration_of, lambda text: start_of(text, NOW)):
        with contextlib.suppress(BadMoment):
            assert isinstance(read(written), int)


def test_tables_show_beijing_time_and_a_dash_for_never() -> None:
    assert shown(NOW) == "2026-09-21 22:13:20"
    assert shown(None) == "-"
