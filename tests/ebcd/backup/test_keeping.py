"""Which archives stay, which go, and when the next is due."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ebcd.backup.keeping import DAY_S, Kept, archive_name, archives, due_at, expendable

NOW_S = 1_795_976_000.0
AREA = "349901000000"


def kept(days_old: float) -> Kept:
    return Kept(Path(f"/b/{days_old}"), NOW_S - days_old * DAY_S, 1)


def test_a_file_is_known_by_its_name_whatever_its_date_on_disk(tmp_path: Path) -> None:
    names = [archive_name(AREA, NOW_S, sealed=True), archive_name(AREA, NOW_S - 86_400, sealed=False)]
    assert names[1] == "ebcd-349901000000-20261129T021320.tar.gz"
    for name in (*names, "notes.txt", names[0] + ".part", archive_name("341123000000", NOW_S, sealed=False)):
        (tmp_path / name).write_bytes(b"12")
    found = archives(tmp_path, AREA)
    assert [(each.path.name, each.made_at, each.size_bytes) for each in found] == [
        (names[1], NOW_S - 86_400, 2),
        (names[0], NOW_S, 2),
    ]


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    assert archives(tmp_path / "none", AREA) == []


def test_the_first_is_due_at_once_and_the_next_after_its_interval() -> None:
    assert due_at(None, 24, NOW_S) == NOW_S
    assert due_at(kept(0.5), 24, NOW_S) == NOW_S + 0.5 * DAY_S
    assert due_at(kept(8), 168, NOW_S) == NOW_S - DAY_S


def test_an_archive_from_the_future_puts_off_nothing() -> None:
    assert due_at(kept(-400), 24, NOW_S) == NOW_S


@pytest.mark.parametrize("keep_days", [183, 366])
def test_of_daily_archives_a_month_stays_whole_and_then_one_a_week_for_as_long_as_asked(keep_days: int) -> None:
    daily = [kept(day) for day in range(500)]
    gone = expendable(daily, keep_days, NOW_S)
    stay = sorted((NOW_S - each.made_at) / DAY_S for each in daily if each not in gone)
    assert stay[:32] == list(range(32))
    gaps = [older - newer for newer, older in pairwise(stay[31:])]
    assert set(gaps[1:-1]) == {7.0}
    assert max(gaps) <= 7.0
    assert keep_days - 7 <= stay[-1] <= keep_days


def test_the_newest_stays_however_old_it_is() -> None:
    assert expendable([kept(900), kept(800)], 183, NOW_S) == [kept(900)]


def test_letting_go_day_by_day_leaves_the_same_as_letting_go_once() -> None:
    there: list[Kept] = []
    for day in range(400):
        now_s = NOW_S + day * DAY_S
        there.append(Kept(Path(f"/b/{day}"), now_s, 1))
        gone = expendable(there, 183, now_s)
        there = [each for each in there if each not in gone]
    ages = [(now_s - each.made_at) / DAY_S for each in there]
    assert len([age for age in ages if age <= 31]) == 32
    assert max(older - newer for older, newer in pairwise(ages)) <= 7
    assert max(ages) >= 176
