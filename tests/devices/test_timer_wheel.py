"""One timer for thousands of devices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devices.timer_wheel import TimerWheel


def test_a_key_fires_once_after_its_deadline() -> None:
    wheel: TimerWheel[str] = TimerWheel(1.0, 100.0)
    wheel.set("a", 105.5)
    assert wheel.due(105.4) == []
    assert wheel.due(107.0) == ["a"]
    assert wheel.due(200.0) == []


def test_a_deadline_can_be_moved_away_and_nearer() -> None:
    wheel: TimerWheel[str] = TimerWheel(1.0, 0.0)
    wheel.set("away", 5.0)
    wheel.set("away", 50.0)
    wheel.set("near", 50.0)
    wheel.set("near", 5.0)
    assert wheel.due(10.0) == ["near"]
    assert wheel.due(60.0) == ["away"]


def test_a_dropped_key_never_fires() -> None:
    wheel: TimerWheel[str] = TimerWheel(1.0, 0.0)
    wheel.set("a", 5.0)
    wheel.drop("a")
    wheel.drop("unknown")
    assert wheel.due(60.0) == []
    assert len(wheel) == 0


@given(st.dictionaries(st.integers(0, 20), st.floats(0, 100), max_size=20), st.lists(st.floats(0.1, 30), max_size=10))
def test_every_key_fires_not_early_and_at_most_a_tick_late(deadlines: dict[int, float], steps: list[float]) -> None:
    wheel: TimerWheel[int] = TimerWheel(1.0, 0.0)
    for key, deadline_s in deadlines.items():
        wheel.set(key, deadline_s)
    now_s, fired = 0.0, dict[int, float]()
    for step_s in [*steps, 200.0]:
        before_s, now_s = now_s, now_s + step_s
        for key in wheel.due(now_s):
            assert key not in fired
            assert deadlines[key] <= now_s
            assert deadlines[key] >= before_s - 1.0
            fired[key] = now_s
    assert fired.keys() == deadlines.keys()
