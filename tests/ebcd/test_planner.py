"""Which paths are tried for whom, in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.link import Path
from ebcd.planner import PREFERENCE, Terminal, order_paths, plan
from protocols.codes import ResourceCode
from tests.ebcd.county import TOWN_A, TOWN_B, VILLAGE_A1, VILLAGE_B1, terminal

paths_of_a_terminal = st.sets(st.sampled_from(list(Path)), min_size=1).map(tuple)


@pytest.mark.requirement("R-PLT-12")
@given(paths_of_a_terminal, st.sets(st.sampled_from(list(Path))))
def test_every_path_is_tried_once_live_ones_first_each_by_preference(paths: tuple[Path, ...], live: set[Path]) -> None:
    ordered = order_paths(Terminal(terminal(VILLAGE_A1, 1), VILLAGE_A1, paths), lambda code, path: path in live)
    assert sorted(ordered) == sorted(paths)
    first = [p for p in ordered if p in live]
    assert list(ordered[: len(first)]) == first
    assert first == sorted(first, key=PREFERENCE.index)
    assert list(ordered[len(first) :]) == sorted(set(paths) - live, key=PREFERENCE.index)


def test_i6_a_terminal_without_a_live_path_is_planned_all_the_same() -> None:
    alone = Terminal(terminal(VILLAGE_A1, 1), VILLAGE_A1, (Path.CELLULAR, Path.IP))
    made = plan([TOWN_A], [alone], lambda code, path: False, places_of={TOWN_A: frozenset({VILLAGE_A1})})
    assert [(leg.code, leg.paths) for leg in made.legs] == [(alone.code, (Path.IP, Path.CELLULAR))]
    assert made.uncovered == ()


def test_an_area_without_terminals_is_uncovered() -> None:
    made = plan([TOWN_A, TOWN_B], [], lambda code, path: True, places_of={TOWN_A: frozenset({VILLAGE_A1})})
    assert made.uncovered == (TOWN_B,)


def test_every_terminal_stands_once_under_the_path_that_is_tried_first() -> None:
    codes = [terminal(village, n) for village in (VILLAGE_A1, VILLAGE_B1) for n in (1, 2)]
    terminals = [Terminal(code, code.area, (Path.IP, Path.FM)) for code in codes]

    def is_live(code: ResourceCode, path: Path) -> bool:
        return path is Path.FM or code.area == VILLAGE_A1

    made = plan([TOWN_A, TOWN_B], terminals, is_live, places_of={})
    assert made.by_first_path() == {Path.IP: codes[:2], Path.FM: codes[2:]}
