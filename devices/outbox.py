"""The bounded queue in front of one link or one device, and who may push out whom.

A stop overtakes everything and takes the queued start of its message away (I12). Starts come before polls, the more
severe first. An alert pushes out the oldest poll; nothing pushes out an alert. A start whose end has passed is never
handed out (I3).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from devices.link import AskState, Command, OutboxFull, SetClock, Start, Stop
from devices.maintenance import AskValues, Authorise, Configure, Firmware
from protocols.codes import EbmId, ResourceCode

ParcelT = TypeVar("ParcelT")

_CLASS_ORDER = {4: 0, 3: 1, 2: 2, 1: 3, 5: 4}  # emergency, drills from real to system, daily


@dataclass(frozen=True, slots=True)
class Order(Generic[ParcelT]):
    """A command and what its link keeps with it, shared by all devices the command goes to."""

    command: Command
    parcel: ParcelT


@dataclass(slots=True)
class Taken(Generic[ParcelT]):
    """What came out: the next order, and the starts found to be over."""

    order: Order[ParcelT] | None
    expired: list[Start] = field(default_factory=list)


class Outbox(Generic[ParcelT]):
    """Orders of one link or one device, at most `orders_max` starts and polls, and as many stops."""

    __slots__ = ("_name", "_polls", "_starts", "_stops", "dropped", "orders_max")

    def __init__(self, name: str, orders_max: int) -> None:
        self._name = name
        self.orders_max = orders_max
        self.dropped = 0
        """Polls pushed out since the beginning."""
        self._stops: deque[Order[ParcelT]] = deque()
        self._starts: list[Order[ParcelT]] = []
        self._polls: deque[Order[ParcelT]] = deque()

    def __len__(self) -> int:
        return self.stops + self.others

    def offer(self, command: Command, parcel: ParcelT) -> list[Start]:
        """Queue a command. Returns what a stop took away, as starts of the members it took it from.

        Raises OutboxFull: nothing of lower worth is there to push out.
        """
        order = Order(command, parcel)
        match command:
            case Stop():
                if len(self._stops) >= self.orders_max:
                    raise OutboxFull(f"{self._name}: {self.orders_max} stops wait; the device takes none")
                self._stops.append(order)
                return self._withdraw(command)
            case Start():
                self._make_room(push_out_polls=True)
                self._insert(order, command)
            case AskState() | SetClock() | Configure() | AskValues() | Firmware() | Authorise():
                self._make_room(push_out_polls=False)
                self._polls.append(order)
        return []

    @property
    def stops(self) -> int:
        """Stops that wait."""
        return len(self._stops)

    @property
    def others(self) -> int:
        """Starts and polls that wait."""
        return len(self._starts) + len(self._polls)

    def take(self, now_utc_s: float) -> Taken[ParcelT]:
        """The next order, if any, and the starts that have ended while they waited."""
        stop = self.take_stop()
        return Taken(stop) if stop is not None else self.take_other(now_utc_s)

    def take_stop(self) -> Order[ParcelT] | None:
        """The next stop, if any."""
        return self._stops.popleft() if self._stops else None

    def take_other(self, now_utc_s: float) -> Taken[ParcelT]:
        """The next start or poll, and the starts that have ended while they waited."""
        taken: Taken[ParcelT] = Taken(None)
        while self._starts:
            order = self._starts.pop(0)
            if isinstance(order.command, Start) and order.command.end <= now_utc_s:
                taken.expired.append(order.command)
                continue
            taken.order = order
            return taken
        if self._polls:
            taken.order = self._polls.popleft()
        return taken

    def _make_room(self, *, push_out_polls: bool) -> None:
        if self.others < self.orders_max:
            return
        if not (push_out_polls and self._polls):
            raise OutboxFull(f"{self._name}: {self.orders_max} commands wait and none may be pushed out")
        self._polls.popleft()
        self.dropped += 1

    def _insert(self, order: Order[ParcelT], start: Start) -> None:
        """By rank; among equals the first offered goes first."""
        at = len(self._starts)
        while at and _rank(start) < _rank(self._starts[at - 1].command):
            at -= 1
        self._starts.insert(at, order)

    def _withdraw(self, stop: Stop) -> list[Start]:
        """Take the stopped members out of the queued starts of the same message, or of all for id zero."""
        gone = frozenset(stop.members)
        kept: list[Order[ParcelT]] = []
        withdrawn: list[Start] = []
        for order in self._starts:
            start = order.command
            if not isinstance(start, Start) or stop.ebm_id not in (start.ebm_id, EbmId.EVERYTHING):
                kept.append(order)
                continue
            hit = tuple(code for code in start.members if code in gone)
            rest = tuple(code for code in start.members if code not in gone)
            if hit:
                withdrawn.append(replace(start, members=hit))
            if rest:
                kept.append(Order(replace(start, members=rest), order.parcel) if hit else order)
        self._starts = kept
        return withdrawn


def _rank(command: Command) -> tuple[int, int]:
    if not isinstance(command, Start):
        return (len(_CLASS_ORDER) + 1, 0)
    return (_CLASS_ORDER.get(command.class_, len(_CLASS_ORDER)), command.level)


def narrowed(command: Command, code: ResourceCode) -> Command:
    """The same command for one member."""
    return replace(command, members=(code,))
