"""What a terminal does with its orders: one sounds, better ones interrupt it, nothing sounds outside its window.

terminal-ip.md section 6 (GD/J 084 6.3-6.4, GD/J 089 D.3.1): a better rank interrupts at its start time and what it
interrupted resumes if its window is still open; the same or a lower rank waits where it is queued, or is refused with
73. An id starts once, whatever is repeated or told over a second path (I7); what was stopped or has expired never
starts (I3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from math import isinf

from protocols import terminal as fefd
from protocols.codes import EbmId
from protocols.terminal.messages import Result

TASKS_MAX = 256  # remembered ids of one terminal; the oldest finished ones are forgotten first


class TaskState(Enum):
    """Where one message stands on one terminal."""

    WAITING = "waiting"
    SOUNDING = "sounding"
    PAUSED = "paused"  # interrupted by a better rank
    PLAYED = "played"
    STOPPED = "stopped"
    FAILED = "failed"
    MISSED = "missed"  # its window closed before its turn came


class Cause(Enum):
    """What moves a task."""

    TURN = "turn"
    INTERRUPTED = "interrupted"
    END = "end"
    STOP = "stop"
    NO_AUDIO = "no audio"


TASK: dict[tuple[TaskState, Cause], TaskState] = {
    (TaskState.WAITING, Cause.TURN): TaskState.SOUNDING,
    (TaskState.WAITING, Cause.END): TaskState.MISSED,
    (TaskState.WAITING, Cause.STOP): TaskState.STOPPED,
    (TaskState.SOUNDING, Cause.INTERRUPTED): TaskState.PAUSED,
    (TaskState.SOUNDING, Cause.END): TaskState.PLAYED,
    (TaskState.SOUNDING, Cause.STOP): TaskState.STOPPED,
    (TaskState.SOUNDING, Cause.NO_AUDIO): TaskState.FAILED,
    (TaskState.PAUSED, Cause.TURN): TaskState.SOUNDING,
    (TaskState.PAUSED, Cause.END): TaskState.PLAYED,
    (TaskState.PAUSED, Cause.STOP): TaskState.STOPPED,
    (TaskState.PAUSED, Cause.NO_AUDIO): TaskState.FAILED,
}
LIVE = frozenset(state for state, _ in TASK)


@dataclass(frozen=True, slots=True)
class Order:
    """One message as a terminal was told it. Times are UTC seconds; `end` is excluded."""

    ebm_id: EbmId
    class_: int
    level: int
    start: float
    end: float
    volume: int
    url: str
    path: str  # over which it came first

    @property
    def rank(self) -> tuple[int, int, int]:
        """Smaller is better: class 4, 3, 2, 1, 5; then event level; then the level of the platform that made it."""
        return (5 - self.class_ if self.class_ <= 4 else self.class_, self.level, int(self.ebm_id[0]))


@dataclass(slots=True)
class Task:
    """An order and how far it got."""

    order: Order
    state: TaskState = TaskState.WAITING
    first_sound_at: float | None = None  # set by the terminal with the first bytes of audio
    audio_s: float = 0.0  # length of its file, 0 where unknown


@dataclass(frozen=True, slots=True)
class Change:
    """A task moved from one state to another."""

    task: Task
    before: TaskState
    after: TaskState


class TaskList:
    """All tasks of one terminal. Every call returns the changes it made, in order."""

    __slots__ = ("_sounding", "_tasks")

    def __init__(self) -> None:
        self._tasks: dict[EbmId, Task] = {}
        self._sounding: Task | None = None

    @property
    def sounding(self) -> Task | None:
        """The task on air."""
        return self._sounding

    def get(self, ebm_id: EbmId) -> Task | None:
        """A remembered task."""
        return self._tasks.get(ebm_id)

    def __iter__(self) -> Iterator[Task]:
        return iter(tuple(self._tasks.values()))

    def start(self, order: Order, now: float, *, queue_lower: bool = False) -> tuple[Result, str, list[Change]]:
        """Take an order: the answer's code and description, and what changed.

        `queue_lower`: wait behind something better instead of refusing with 73.
        """
        known = self._tasks.get(order.ebm_id)
        if known is not None:
            return self._repeat(known, order)
        if order.end <= now or order.end <= order.start:
            return Result.TIMEOUT, "window is over", []
        if not 1 <= order.class_ <= 5 or not (0 <= order.volume <= 100 or order.volume == 255):
            return Result.BAD_PARAMETER, "class or volume is impossible", []
        current = self._sounding
        if current and order.start <= now and order.rank >= current.order.rank and not queue_lower:
            return Result.HIGHER_PRIORITY, f"busy with {current.order.ebm_id}", []
        self._forget()
        self._tasks[order.ebm_id] = Task(order)
        return Result.OK, "", self.tick(now)

    def stop(self, ebm_id: EbmId, now: float) -> tuple[Result, str, list[Change]]:
        """End one message, or everything for the id of zeros. A message never heard of is remembered as stopped, so
        that its start, overtaken on the way, cannot sound later (I11, I12)."""
        changes: list[Change] = []
        if ebm_id == EbmId.EVERYTHING:
            for live in self:
                if live.state in LIVE:
                    changes += self._move(live, Cause.STOP)
        elif (task := self._tasks.get(ebm_id)) is None:
            self._forget()
            never = Order(ebm_id, 5, 4, now, now, 255, "", "")
            self._tasks[ebm_id] = Task(never, TaskState.STOPPED)
        elif task.state in LIVE:
            changes += self._move(task, Cause.STOP)
        return Result.OK, "", changes + self.tick(now)

    def finish(self, ebm_id: EbmId, now: float) -> list[Change]:
        """Its window is over by somebody else's clock: the FM receiver's."""
        task = self._tasks.get(ebm_id)
        if task is None or task.state not in LIVE:
            return []
        return self._move(task, Cause.END) + self.tick(now)

    def forget(self, ebm_id: EbmId) -> None:
        """Know nothing of what is over: another command may begin it again."""
        task = self._tasks.get(ebm_id)
        if task is not None and task.state not in LIVE:
            del self._tasks[ebm_id]

    def fail(self, ebm_id: EbmId, now: float) -> list[Change]:
        """Its audio cannot be had."""
        task = self._tasks.get(ebm_id)
        if task is None or (task.state, Cause.NO_AUDIO) not in TASK:
            return []
        return self._move(task, Cause.NO_AUDIO) + self.tick(now)

    def tick(self, now: float) -> list[Change]:
        """End what is over, then give the turn to the best that is due."""
        changes: list[Change] = []
        for task in self:
            if task.state in LIVE and task.order.end <= now:
                changes += self._move(task, Cause.END)
        due = [t for t in self._tasks.values() if t.state in LIVE and t.order.start <= now]
        if not due:
            return changes
        best = min(due, key=lambda t: (t.order.rank, t.order.start))
        current = self._sounding
        if current is not None:
            if best.order.rank >= current.order.rank:
                return changes
            changes += self._move(current, Cause.INTERRUPTED)
        return changes + self._move(best, Cause.TURN)

    def next_at(self, now: float) -> float | None:
        """When `tick` has something to do next by itself; None while nothing is live."""
        times = []
        for task in self._tasks.values():
            if task.state in LIVE:
                times.append(task.order.end)
                if task.order.start > now:
                    times.append(task.order.start)
        return min(times, default=None)

    def _repeat(self, known: Task, order: Order) -> tuple[Result, str, list[Change]]:
        """The same id again: never a second start. What was stopped or failed is not answered as if it sounded (I8).

        FM tells no window; the first path that does sets the end of what FM began.
        """
        if known.state in LIVE and isinf(known.order.end):
            known.order = replace(known.order, end=order.end)
        match known.state:
            case TaskState.STOPPED:
                return Result.BAD_CONTENT, "stopped before", []
            case TaskState.FAILED:
                return Result.BAD_CONTENT, "audio was not to be had", []
            case TaskState.MISSED:
                return Result.TIMEOUT, "window is over", []
            case TaskState.WAITING | TaskState.SOUNDING | TaskState.PAUSED | TaskState.PLAYED:
                return Result.OK, known.state.value, []

    def _move(self, task: Task, cause: Cause) -> list[Change]:
        before = task.state
        task.state = TASK[before, cause]
        if task.state is TaskState.SOUNDING:
            self._sounding = task
        elif self._sounding is task:
            self._sounding = None
        return [Change(task, before, task.state)]

    def _forget(self) -> None:
        """Make room for one more id; live tasks stay."""
        if len(self._tasks) >= TASKS_MAX:
            for ebm_id, task in self._tasks.items():
                if task.state not in LIVE:
                    del self._tasks[ebm_id]
                    return


def result_of(task: Task, now: float, *, amplifier: bool) -> fefd.TaskResult:
    """0x15: success is a window that ended with sound in it."""
    began = task.first_sound_at
    success = began is not None and task.state is TaskState.PLAYED and amplifier
    times = max(1, int((now - began) / task.audio_s)) if began is not None and task.audio_s else int(success)
    return fefd.TaskResult(
        ebm_id=task.order.ebm_id,
        result=int(success),
        text="" if success else "no audio" if amplifier else "amplifier off",
        start=int(began or task.order.start),
        end=int(now),
        times=min(times, 255),
        time=int(now),
    )
