"""When a tone sounds and where: arithmetic over Beijing days."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.clock import BEIJING, beijing
from ebcd.rules import QuietHours
from ebcd.tone import Timetable, Turn
from ebcd.tone.timetable import DAYS
from protocols.codes import AreaCode

DAY_S = 86_400
VILLAGES = tuple(AreaCode(f"3499011{town:02d}{number:03d}") for town in range(1, 6) for number in range(200, 240))


def at(*moment: int) -> float:
    """A moment of Beijing."""
    return datetime(*moment, tzinfo=BEIJING).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(2025, 10, 9, 9, 0), at(2025, 10, 10, 10, 30)),  # a Thursday
        (at(2025, 10, 10, 10, 29), at(2025, 10, 10, 10, 30)),
        (at(2025, 10, 10, 10, 31), at(2025, 10, 13, 10, 30)),  # over the week-end
    ],
)
def test_the_next_tone_is_on_the_next_of_its_days(now: float, expected: float) -> None:
    turn = Timetable(days=("fri", "mon")).next_turn(now)
    assert turn is not None
    assert (turn.start, turn.end - turn.start) == (int(expected), 60)


def test_without_days_there_is_no_tone() -> None:
    assert Timetable().next_turn(0.0) is None


@given(
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    parts=st.integers(1, 31),
    now=st.integers(1_500_000_000, 2_500_000_000),
)
def test_every_place_has_its_turn_once_in_a_round(days: list[str], parts: int, now: int) -> None:
    table = Timetable(days=tuple(days), parts=parts)
    heard: Counter[AreaCode] = Counter()
    moment = float(now)
    for _ in range(parts):
        turn = table.next_turn(moment)
        assert turn is not None
        assert moment <= turn.start <= moment + 7 * DAY_S
        assert DAYS[beijing(turn.start).weekday()] in days
        heard.update(table.places(VILLAGES, turn.part))
        moment = turn.start + 1
    assert heard == Counter(VILLAGES)


def test_a_seventh_is_about_a_seventh() -> None:
    sizes = [len(Timetable().places(VILLAGES, part)) for part in range(7)]
    assert min(sizes) >= 25
    assert sum(sizes) == 200


def test_a_town_with_terminals_of_its_own_brings_its_villages_along() -> None:
    town = AreaCode("349901101000")
    places = {town, *VILLAGES}
    found = [table_part for part in range(7) for table_part in Timetable().places(places, part)]
    assert town in found
    assert not any(place.startswith("349901101") for place in found if place != town)
    assert len(found) == 1 + 160


@pytest.mark.parametrize(
    ("begins", "inside"),
    [(time(21, 58), False), (time(21, 59, 30), True), (time(23, 0), True), (time(5, 59), True), (time(6, 0), False)],
)
def test_any_moment_in_quiet_hours_counts(begins: time, inside: bool) -> None:
    start = int(datetime.combine(datetime(2025, 10, 9, tzinfo=BEIJING).date(), begins, BEIJING).timestamp())
    assert Timetable().in_quiet_hours(QuietHours(time(22), time(6)), Turn(start, start + 60, 0)) is inside
    assert not Timetable().in_quiet_hours(QuietHours(time(0), time(0)), Turn(start, start + 60, 0))
