"""Quiet hours and approvals."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.alert import AlertClass, Origin
from ebcd.rules import Approvals, QuietHours
from tests.ebcd.test_scheduler import alert

BEIJING_MIDNIGHT_S = 1_760_000_000 - (1_760_000_000 + 8 * 3600) % 86400
NIGHT = QuietHours(time(22), time(6))
MINUTE_S = 60


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_i14_quiet_hours_hold_their_start_and_not_their_end_across_midnight_or_not(
    begin: int, end: int, now: int
) -> None:
    hours = QuietHours(time(begin // 60, begin % 60), time(end // 60, end % 60))
    expected = (now - begin) % 1440 < (end - begin) % 1440
    assert hours.are_on(BEIJING_MIDNIGHT_S + now * MINUTE_S) == expected


@pytest.mark.parametrize("class_", list(AlertClass))
@pytest.mark.parametrize("origin", list(Origin))
def test_i14_only_daily_content_from_above_is_held(class_: AlertClass, origin: Origin) -> None:
    each = replace(alert(1), class_=class_, origin=origin)
    held = NIGHT.hold(each, BEIJING_MIDNIGHT_S)
    assert held == (class_ is AlertClass.DAILY and origin is Origin.UPSTREAM)
    assert not NIGHT.hold(each, BEIJING_MIDNIGHT_S + 12 * 3600)


@pytest.mark.parametrize(
    ("class_", "level", "needed"),
    [
        (AlertClass.EMERGENCY, 1, 2),
        (AlertClass.EMERGENCY, 4, 1),
        (AlertClass.DAILY, 1, 3),
        (AlertClass.REAL_DRILL, 1, 4),
        (AlertClass.SIMULATED_DRILL, 4, 4),
        (AlertClass.SYSTEM_DRILL, 4, 4),
    ],
)
def test_i1_class_and_level_say_how_many_approvals_an_operators_alert_needs(
    class_: AlertClass, level: int, needed: int
) -> None:
    approvals = Approvals({1: 2, 2: 2, 3: 1, 4: 1}, daily=3, drill=4)
    by_hand = replace(alert(1, level=level), class_=class_, origin=Origin.OPERATOR)
    assert approvals.needed(by_hand) == needed
    assert approvals.needed(replace(by_hand, origin=Origin.UPSTREAM)) == 0
