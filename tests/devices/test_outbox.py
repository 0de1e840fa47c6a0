"""Who may push out whom in the queue of a link."""

from __future__ import annotations

import pytest

from devices.link import Command, OutboxFull, Start
from devices.outbox import Outbox, narrowed
from protocols.codes import EbmId
from tests.devices.commands import EBM, OTHER_EBM, ask, set_clock, start, stop, terminal_code

ONE, TWO, THREE = (terminal_code(number) for number in (1, 2, 3))
NOW = 1_000.0


def outbox(*commands: Command, orders_max: int = 3) -> Outbox[None]:
    box: Outbox[None] = Outbox("test", orders_max)
    for command in commands:
        box.offer(command, None)
    return box


def drained(box: Outbox[None], now_utc_s: float = NOW) -> list[Command]:
    found = []
    while len(box):
        taken = box.take(now_utc_s)
        if taken.order is not None:
            found.append(taken.order.command)
    return found


def test_an_alert_pushes_out_the_oldest_poll_and_the_outbox_counts_it() -> None:
    box = outbox(ask(ONE), set_clock(ONE), ask(TWO), start(ONE))
    assert drained(box) == [start(ONE), set_clock(ONE), ask(TWO)]
    assert box.dropped == 1


def test_nothing_pushes_out_an_alert() -> None:
    box = outbox(start(ONE), start(TWO), start(THREE))
    with pytest.raises(OutboxFull, match="3 commands wait"):
        box.offer(start(ONE, ebm_id=OTHER_EBM), None)
    with pytest.raises(OutboxFull):
        box.offer(ask(ONE), None)
    assert len(drained(box)) == 3


def test_i12_a_stop_overtakes_everything_and_takes_the_queued_start_of_its_message_away() -> None:
    box = outbox(start(ONE, TWO), start(THREE, ebm_id=OTHER_EBM))
    assert box.offer(stop(ONE, TWO), None) == [start(ONE, TWO)]
    assert drained(box) == [stop(ONE, TWO), start(THREE, ebm_id=OTHER_EBM)]


def test_i12_a_full_outbox_takes_a_stop() -> None:
    box = outbox(start(ONE), start(TWO), start(THREE))
    box.offer(stop(ONE, ebm_id=OTHER_EBM), None)
    assert drained(box)[0] == stop(ONE, ebm_id=OTHER_EBM)


def test_a_stop_for_some_members_leaves_the_start_of_the_others() -> None:
    box = outbox(start(ONE, TWO, THREE))
    assert box.offer(stop(TWO), None) == [start(TWO)]
    assert drained(box) == [stop(TWO), start(ONE, THREE)]


def test_a_stop_of_everything_takes_the_starts_of_every_message() -> None:
    box = outbox(start(ONE), start(ONE, ebm_id=OTHER_EBM))
    assert len(box.offer(stop(ONE, ebm_id=EbmId.EVERYTHING), None)) == 2
    assert drained(box) == [stop(ONE, ebm_id=EbmId.EVERYTHING)]


def test_stops_have_a_bound_of_their_own() -> None:
    box = outbox(stop(ONE), stop(TWO), stop(THREE))
    with pytest.raises(OutboxFull, match="3 stops wait"):
        box.offer(stop(ONE), None)


def test_i3_a_start_that_ended_while_it_waited_is_told_and_not_handed_out() -> None:
    box = outbox(start(ONE, end=NOW), start(TWO, end=NOW + 1))
    taken = box.take(NOW)
    assert taken.expired == [start(ONE, end=NOW)]
    assert taken.order is not None
    assert taken.order.command == start(TWO, end=NOW + 1)


def test_the_more_severe_goes_first_and_emergencies_before_drills_before_daily() -> None:
    daily, drill = start(ONE, class_=5, level=1), start(ONE, class_=3)
    mild, severe, second = start(ONE, level=4), start(TWO, level=1), start(THREE, level=1)
    assert drained(outbox(daily, drill, mild, severe, second, orders_max=9)) == [severe, second, mild, drill, daily]


def test_polls_wait_for_starts() -> None:
    assert drained(outbox(ask(ONE), start(ONE))) == [start(ONE), ask(ONE)]


def test_an_empty_outbox_gives_nothing() -> None:
    taken = outbox().take(NOW)
    assert taken.order is None
    assert taken.expired == []


def test_a_command_can_be_narrowed_to_one_member() -> None:
    command = narrowed(start(ONE, TWO), TWO)
    assert isinstance(command, Start)
    assert command.members == (TWO,)
    assert command.ebm_id == EBM
