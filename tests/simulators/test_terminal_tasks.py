"""What a terminal does with its orders, as a table and in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.codes import EbmId
from protocols.terminal.messages import Result
from simulators.terminal_tasks import LIVE, TASK, TASKS_MAX, Cause, Order, TaskList, TaskState

PLATFORM = "23400000000000101010101"
NOW = 1_000.0


def order(serial: int, *, class_: int = 4, level: int = 2, start: float = NOW, end: float = NOW + 60) -> Order:
    return Order(
        EbmId.build(PLATFORM, "20261122", serial), class_, level, start, end, 255, "http://x/media/0.mp3", "ip"
    )


def states(tasks: TaskList) -> dict[str, str]:
    return {task.order.ebm_id.serial: task.state.value for task in tasks}


def test_every_pair_outside_the_table_is_final_or_impossible() -> None:
    final = set(TaskState) - LIVE
    assert final == {TaskState.PLAYED, TaskState.STOPPED, TaskState.FAILED, TaskState.MISSED}
    assert all((state, cause) not in TASK for state in final for cause in Cause)
    assert all((state, Cause.STOP) in TASK for state in LIVE), "I12: a stop is legal in every live state"


def test_a_due_order_sounds_at_once_and_ends_by_itself() -> None:
    tasks = TaskList()
    result, _, changes = tasks.start(order(1), NOW)
    assert (result, [c.after for c in changes]) == (Result.OK, [TaskState.SOUNDING])
    assert tasks.next_at(NOW) == NOW + 60
    assert [c.after for c in tasks.tick(NOW + 60)] == [TaskState.PLAYED]
    assert tasks.next_at(NOW + 60) is None


def test_i3_an_order_whose_window_is_over_is_refused() -> None:
    tasks = TaskList()
    assert tasks.start(order(1, end=NOW), NOW)[0] is Result.TIMEOUT
    assert states(tasks) == {}


def test_an_order_for_later_waits_for_its_start() -> None:
    tasks = TaskList()
    tasks.start(order(1, start=NOW + 30), NOW)
    assert (tasks.sounding, tasks.next_at(NOW)) == (None, NOW + 30)
    assert [c.after for c in tasks.tick(NOW + 30)] == [TaskState.SOUNDING]


def test_i7_the_same_id_again_starts_nothing() -> None:
    tasks = TaskList()
    tasks.start(order(1), NOW)
    assert tasks.start(order(1), NOW + 1) == (Result.OK, "sounding", [])
    tasks.tick(NOW + 60)
    assert tasks.start(order(1, end=NOW + 90), NOW + 61) == (Result.OK, "played", [])


def test_i11_what_was_stopped_is_not_started_again() -> None:
    tasks = TaskList()
    tasks.start(order(1), NOW)
    tasks.stop(order(1).ebm_id, NOW + 1)
    assert tasks.start(order(1), NOW + 2) == (Result.BAD_CONTENT, "stopped before", [])


def test_i12_a_stop_that_overtakes_its_start_still_holds() -> None:
    tasks = TaskList()
    tasks.stop(order(1).ebm_id, NOW)
    assert tasks.start(order(1), NOW + 1)[0] is Result.BAD_CONTENT


@pytest.mark.clause("GD/J 089 clause D.3.1")
def test_i4_a_better_rank_interrupts_and_the_other_resumes() -> None:
    tasks = TaskList()
    tasks.start(order(1, class_=5, level=4), NOW)
    tasks.start(order(2, level=1, end=NOW + 10), NOW)
    assert states(tasks) == {"0001": "paused", "0002": "sounding"}
    assert [(c.before, c.after) for c in tasks.tick(NOW + 10)] == [
        (TaskState.SOUNDING, TaskState.PLAYED),
        (TaskState.PAUSED, TaskState.SOUNDING),
    ]


def test_what_was_interrupted_does_not_resume_after_its_window() -> None:
    tasks = TaskList()
    tasks.start(order(1, level=4, end=NOW + 5), NOW)
    tasks.start(order(2, level=1, end=NOW + 10), NOW)
    assert [c.after for c in tasks.tick(NOW + 10)] == [TaskState.PLAYED, TaskState.PLAYED]


@pytest.mark.parametrize("level", [1, 2])
def test_i4_the_same_or_a_lower_rank_is_refused_with_73(level: int) -> None:
    tasks = TaskList()
    tasks.start(order(1, level=1), NOW)
    assert tasks.start(order(2, level=level), NOW)[0] is Result.HIGHER_PRIORITY
    assert states(tasks) == {"0001": "sounding"}


def test_a_lower_rank_waits_where_it_may_queue() -> None:
    tasks = TaskList()
    tasks.start(order(1, level=1, end=NOW + 10), NOW)
    assert tasks.start(order(2, level=3), NOW, queue_lower=True)[0] is Result.OK
    assert states(tasks)["0002"] == "waiting"
    tasks.tick(NOW + 10)
    assert states(tasks)["0002"] == "sounding"


def test_the_id_of_zeros_stops_everything() -> None:
    tasks = TaskList()
    tasks.start(order(1, level=3), NOW)
    tasks.start(order(2, level=1), NOW)
    tasks.start(order(3, start=NOW + 20), NOW)
    tasks.stop(EbmId.EVERYTHING, NOW + 1)
    assert set(states(tasks).values()) == {"stopped"}


def test_audio_that_cannot_be_had_gives_the_turn_to_the_next() -> None:
    tasks = TaskList()
    tasks.start(order(1, level=4), NOW)
    tasks.start(order(2, level=1), NOW)
    assert [c.after for c in tasks.fail(order(2).ebm_id, NOW + 1)] == [TaskState.FAILED, TaskState.SOUNDING]


def test_old_finished_ids_are_forgotten_at_the_bound_and_live_ones_kept() -> None:
    tasks = TaskList()
    tasks.start(order(0, level=1, end=NOW + 1e6), NOW)
    for serial in range(1, TASKS_MAX + 10):
        tasks.stop(order(serial).ebm_id, NOW)
    assert len(list(tasks)) == TASKS_MAX
    assert states(tasks)["0000"] == "sounding"


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(1, 4), st.integers(0, 40), st.integers(1, 40)),
        max_size=12,
    )
)
def test_the_best_due_rank_always_sounds_and_only_one(plan: list[tuple[int, int, int, int, int]]) -> None:
    tasks, now = TaskList(), NOW
    for serial, class_, level, delay, length in plan:
        start = NOW + delay
        new = order(serial, class_=class_, level=level, start=start, end=start + length)
        tasks.start(new, now, queue_lower=True)
        now += 3
        tasks.tick(now)
        due = [t for t in tasks if t.state in LIVE and t.order.start <= now]
        sounding = [t for t in due if t.state is TaskState.SOUNDING]
        assert len(sounding) == (1 if due else 0)
        assert all(sounding[0].order.rank <= t.order.rank for t in due)
