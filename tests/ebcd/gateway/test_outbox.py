"""Order, retries and bounds of what waits for a peer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebcd.gateway.outbox import RETRY_S, GatewayOutbox, GatewayOutboxFull, Waiting, Worth
from ebcd.gateway.peers import Letter


def letter(name: str, lane: str = "", worth: Worth = Worth.MESSAGE, due_s: float = 0.0) -> Waiting:
    return Waiting(Letter(name, b"", True, {}), lane or name, worth, due_s)


def outbox(letters_max: int = 4) -> tuple[GatewayOutbox, list[str]]:
    lost: list[str] = []
    return GatewayOutbox(letters_max=letters_max, pushed_out=lambda gone: lost.append(gone.letter.ebd_id)), lost


def test_letters_about_one_message_leave_one_after_the_other() -> None:
    box, _ = outbox()
    first, second, other = letter("1", "a"), letter("2", "a"), letter("3", "b")
    for each in (first, second, other):
        box.offer(each)
    assert box.take(0.0) is first
    assert box.take(0.0) is other
    assert box.take(0.0) is None
    assert box.again(first, 0.0)
    assert box.take(RETRY_S[0] - 1) is None
    assert box.next_due_s() == RETRY_S[0]
    assert box.take(RETRY_S[0]) is first
    box.done(first)
    assert box.take(RETRY_S[0]) is second


def test_a_message_is_tried_four_times_at_5_15_and_60_seconds() -> None:
    box, _ = outbox()
    only = letter("1")
    box.offer(only)
    now_s, times = 0.0, []
    while box.take(now_s) is only:
        times.append(now_s)
        if not box.again(only, now_s):
            break
        now_s = box.next_due_s() or 0.0
    assert times == [0.0, 5.0, 20.0, 80.0]
    box.done(only)
    assert (box.depth, box.next_due_s(), box.take(1e9)) == (0, None, None)


@pytest.mark.parametrize("worth", [Worth.REPORT, Worth.NOTICE])
def test_reports_and_notices_are_sent_once(worth: Worth) -> None:
    box, _ = outbox()
    only = letter("1", worth=worth)
    box.offer(only)
    assert box.take(0.0) is only
    assert not box.again(only, 0.0)


def test_a_parked_letter_holds_back_its_lane_until_it_is_revived_and_has_all_its_tries_then() -> None:
    box, _ = outbox()
    first, second, other = letter("1", "a"), letter("2", "a"), letter("3", "b")
    for each in (first, second, other):
        box.offer(each)
    assert box.take(0.0) is first
    first.tries = len(RETRY_S)
    assert (box.park(first), box.next_due_s()) == (True, 0.0)
    assert box.take(1e9) is other
    box.done(other)
    assert (box.take(1e9), box.next_due_s()) == (None, None)
    box.revive(7.0)
    assert box.take(7.0) is first
    assert box.again(first, 7.0)
    assert box.take(12.0) is first
    assert not box.park(first)


def test_a_message_pushes_out_the_oldest_report_and_never_the_reverse() -> None:
    box, lost = outbox(3)
    for each in (letter("old", worth=Worth.REPORT), letter("new", worth=Worth.REPORT, due_s=1), letter("m")):
        box.offer(each)
    box.offer(letter("m2"))
    box.offer(letter("m3"))
    assert lost == ["old", "new"]
    assert (box.dropped, box.depth) == (2, 3)
    for worth in Worth:
        with pytest.raises(GatewayOutboxFull):
            box.offer(letter("m4", worth=worth))


def test_what_is_being_sent_is_not_pushed_out() -> None:
    box, lost = outbox(1)
    box.offer(letter("r", worth=Worth.REPORT))
    assert box.take(0.0) is not None
    with pytest.raises(GatewayOutboxFull):
        box.offer(letter("m"))
    assert not lost


def test_after_a_restart_of_the_senders_everything_waits_again() -> None:
    box, _ = outbox()
    only = letter("1")
    box.offer(only)
    assert box.take(0.0) is only
    assert box.take(0.0) is None
    box.rest()
    assert box.take(0.0) is only


def test_messages_go_before_reports() -> None:
    box, _ = outbox()
    box.offer(letter("r", worth=Worth.REPORT))
    box.offer(letter("m", due_s=1.0))
    taken = box.take(2.0)
    assert taken is not None
    assert taken.letter.ebd_id == "m"


@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["offer", "take", "done", "again"]), st.integers(0, 3), st.sampled_from(Worth)),
        max_size=40,
    )
)
def test_whatever_happens_the_depth_is_bounded_and_lanes_keep_their_order(
    acts: list[tuple[str, int, Worth]],
) -> None:
    box, _ = outbox(4)
    offered, taken, now_s = 0, list[Waiting](), 0.0
    last: dict[str, int] = {}
    for act, lane, worth in acts:
        now_s += 100.0
        if act == "offer":
            offered += 1
            try:
                box.offer(letter(str(offered), str(lane), worth, now_s))
            except GatewayOutboxFull:
                assert box.depth == 4
        elif act == "take" and (waiting := box.take(now_s)):
            assert int(waiting.letter.ebd_id) >= last.get(waiting.lane, 0)
            last[waiting.lane] = int(waiting.letter.ebd_id)
            taken.append(waiting)
        elif taken:
            waiting = taken.pop(0)
            if act == "done" or not box.again(waiting, now_s):
                box.done(waiting)
        assert 0 <= box.depth <= 4
        assert len({waiting.lane for waiting in taken}) == len(taken)
