"""Deadlines come due in their order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebcd.waves import Due, Wave, Waves
from protocols.codes import EbmId
from tests.ebcd.county import VILLAGE_A1, terminal

ONE, OTHER = EbmId("2" * 35), EbmId("3" * 35)


def wave(alert: EbmId, serial: int = 1) -> Wave:
    return Wave(alert, Due.GIVE_UP, None, (terminal(VILLAGE_A1, serial),))


@given(st.lists(st.integers(0, 20), max_size=30), st.integers(0, 20))
def test_what_is_due_comes_out_once_earliest_first_and_the_rest_stays(deadlines: list[int], now_s: int) -> None:
    waves = Waves()
    given_ = [(deadline_s, wave(ONE, n)) for n, deadline_s in enumerate(deadlines)]
    for deadline_s, each in given_:
        waves.push(deadline_s, each)
    expected = [each for deadline_s, each in sorted(given_, key=lambda pair: pair[0]) if deadline_s <= now_s]
    assert list(waves.pop_due(now_s)) == expected
    assert list(waves.pop_due(now_s)) == []
    assert len(list(waves.pop_due(99))) == len(deadlines) - len(expected)


def test_the_waves_of_an_alert_that_is_over_are_dropped() -> None:
    waves = Waves()
    for deadline_s in (3, 1, 2):
        waves.push(deadline_s, wave(ONE))
        waves.push(deadline_s, wave(OTHER))
    waves.forget(ONE)
    assert [w.alert for w in waves.pop_due(10)] == [OTHER] * 3


def test_an_alert_may_end_while_its_waves_are_being_taken_out() -> None:
    waves = Waves()
    for deadline_s in (1, 2, 3):
        waves.push(deadline_s, wave(ONE))
    seen = 0
    for _ in waves.pop_due(10):
        seen += 1
        waves.forget(ONE)
    assert seen == 1
