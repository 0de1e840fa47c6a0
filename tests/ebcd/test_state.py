"""Facts add up; checkpoints hold what they add up to."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.link import Path
from ebcd import facts, snapshot
from ebcd.errors import ForbiddenTransition
from ebcd.facts import Fact, Receipt
from ebcd.invariants import recount
from ebcd.lifecycle import AlertEvent, AlertState, DeliveryEvent, DeliveryState
from ebcd.planner import Leg, Plan
from ebcd.state import CountyState, Remains
from protocols.codes import EbdId, EbmId
from tests.ebcd.county import PROVINCE, VILLAGE_A1, VILLAGE_A2, adapter, terminal
from tests.ebcd.test_scheduler import alert

ALERT = alert(1)
HORNS = tuple(terminal(VILLAGE_A1, n) for n in (1, 2, 3))
ADAPTER = adapter(VILLAGE_A1)
EBD = EbdId(f"10{PROVINCE}{1:016d}")

codes = st.lists(st.sampled_from(HORNS), min_size=1, max_size=3, unique=True)
verbs = st.sampled_from([DeliveryEvent.SEND, DeliveryEvent.STOP])
some_facts = st.one_of(
    st.builds(
        lambda path, verb, at, who: facts.orders_sent(ALERT.id, verb, path, who, at),
        st.sampled_from(list(Path)),
        verbs,
        st.floats(0, 1e9),
        codes,
    ),
    st.builds(
        lambda path, event, at, who: facts.receipts(ALERT.id, [Receipt(c, event, path, "x", at) for c in who], at),
        st.none() | st.sampled_from(list(Path)),
        st.sampled_from(list(DeliveryEvent)),
        st.floats(0, 1e9),
        codes,
    ),
    st.builds(
        lambda gained, lost: facts.places_changed(ALERT.id, gained, lost - gained, 5.0),
        st.sets(st.sampled_from([VILLAGE_A1, VILLAGE_A2])),
        st.sets(st.sampled_from([VILLAGE_A1, VILLAGE_A2])),
    ),
    st.builds(lambda name: facts.approval_given(ALERT.id, 1.0, name), st.text(max_size=5)),
    st.builds(lambda code: facts.upstream_told(ALERT.id, code, EBD, 1.0), st.integers(0, 5)),
    st.just(facts.package_received(EBD, ALERT.id, "file.tar", 1.0, PROVINCE)),
    st.just(facts.package_handled(EBD, ALERT.id, 1.0)),
)


def begun_in(state: CountyState, number: int) -> EbmId:
    """An alert with a plan for three terminals."""
    given = alert(number)
    state.apply(facts.alert_accepted(given, AlertState.WAITING, 1.0, PROVINCE))
    legs = tuple(Leg(code, (Path.IP, Path.FM)) for code in HORNS)
    state.apply(facts.plan_made(given.id, Plan(legs, (VILLAGE_A2,)), 2.0))
    return given.id


def begun() -> CountyState:
    """A state with one such alert."""
    state = CountyState()
    begun_in(state, 1)
    return state


@given(st.lists(some_facts, max_size=40), st.integers(0, 40))
def test_i13_whatever_happens_the_tally_is_a_count_and_a_checkpoint_anywhere_changes_nothing(
    story: list[Fact], cut: int
) -> None:
    state, restarted = begun(), begun()
    for number, fact in enumerate(story):
        if number == cut:
            restarted = snapshot.load(snapshot.dump(restarted))
        state.apply(fact)
        restarted.apply(fact)
    assert recount(state.alerts.values()) == []
    assert state.alerts[ALERT.id].counts()["targeted"] == 3
    assert snapshot.same(state, restarted)
    assert snapshot.same(snapshot.load(snapshot.dump(state)), state)


@given(st.lists(some_facts, max_size=20))
def test_facts_mean_the_same_after_they_were_json(story: list[Fact]) -> None:
    state, read = begun(), begun()
    for fact in story:
        state.apply(fact)
        payload = orjson.loads(orjson.dumps(dict(fact.payload)))
        read.apply(Fact(fact.kind, fact.alert, fact.at, fact.actor, payload))
    assert snapshot.same(state, read)


def test_a_step_that_the_table_forbids_is_refused_and_changes_nothing() -> None:
    state = begun()
    before = snapshot.dump(state)
    with pytest.raises(ForbiddenTransition):
        state.apply(facts.alert_moved(ALERT.id, AlertEvent.STOPPED, 3.0))
    assert snapshot.dump(state) == before


def test_a_new_plan_replaces_paths_and_targets_nobody_twice() -> None:
    state = begun()
    state.apply(facts.plan_made(ALERT.id, Plan((Leg(HORNS[0], (Path.MQTT,)),), ()), 3.0))
    record = state.alerts[ALERT.id]
    assert record.deliveries[HORNS[0]].paths == (Path.MQTT,)
    assert (record.counts()["targeted"], record.uncovered) == (3, ())


def test_orders_remember_every_path_that_was_tried_in_order() -> None:
    state = begun()
    for path in (Path.IP, Path.FM):
        state.apply(facts.orders_sent(ALERT.id, DeliveryEvent.SEND, path, HORNS[:1], 4.0))
    delivery = state.alerts[ALERT.id].deliveries[HORNS[0]]
    assert (delivery.tried, delivery.path, delivery.state) == ((Path.IP, Path.FM), Path.FM, DeliveryState.SENT)


def test_a_place_that_was_lost_and_given_back_is_regained() -> None:
    state = begun()
    record = state.alerts[ALERT.id]
    state.apply(facts.places_changed(ALERT.id, [VILLAGE_A1], [], 3.0))
    assert (record.holds, record.regained) == ({VILLAGE_A1}, set())
    state.apply(facts.places_changed(ALERT.id, [], [VILLAGE_A1], 4.0))
    assert (record.holds, record.started) == (set(), {VILLAGE_A1})
    state.apply(facts.places_changed(ALERT.id, [VILLAGE_A1, VILLAGE_A2], [], 5.0))
    assert (record.holds, record.regained) == ({VILLAGE_A1, VILLAGE_A2}, {VILLAGE_A1})


def test_packages_are_open_from_their_receipt_until_they_are_handled() -> None:
    state = CountyState()
    state.apply(facts.package_received(EBD, None, "file.tar", 1.0, PROVINCE))
    assert state.open_packages == {EBD: "file.tar"}
    assert snapshot.load(snapshot.dump(state)).open_packages == {EBD: "file.tar"}
    state.apply(facts.package_handled(EBD, None, 2.0))
    assert state.open_packages == {}


def test_facts_of_another_kind_are_passed_over() -> None:
    state = begun()
    before = snapshot.dump(state)
    state.apply(Fact("link.noted", None, 1.0, "daemon", {}))
    state.apply(Fact("alert.noted", ALERT.id, 1.0, "daemon", {}))
    assert snapshot.dump(state) == before


def test_checkpoints_keep_every_live_alert_and_the_last_finished_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "FINISHED_ALERTS_MAX", 2)
    state = CountyState()
    for number in range(1, 6):
        finished = AlertState.DROPPED if number != 2 else AlertState.WAITING
        state.apply(facts.alert_accepted(alert(number), finished, 1.0, PROVINCE))
    snapshot.forget_old(state, 5.0, lambda record: Remains())
    kept = snapshot.load(snapshot.dump(state)).alerts
    assert [int(e[-4:]) for e in kept] == [2, 4, 5]


def finished(number: int, state: CountyState) -> EbmId:
    """An alert to three terminals that is over; its last step was at 30."""
    over = alert(number)
    state.apply(facts.alert_accepted(over, AlertState.WAITING, 1.0, PROVINCE))
    state.apply(facts.plan_made(over.id, Plan(tuple(Leg(code, (Path.IP,)) for code in HORNS), ()), 2.0))
    state.apply(facts.alert_moved(over.id, AlertEvent.START, 10.0))
    state.apply(facts.orders_sent(over.id, DeliveryEvent.SEND, Path.IP, HORNS, 11.0))
    state.apply(facts.receipts(over.id, [Receipt(HORNS[0], DeliveryEvent.CONFIRM, Path.IP, "", 12.0)], 12.0))
    state.apply(facts.receipts(over.id, [Receipt(c, DeliveryEvent.TIME_OUT, None, "", 20.0) for c in HORNS[1:]], 20.0))
    state.apply(facts.alert_moved(over.id, AlertEvent.FELL_SHORT, 30.0))
    return over.id


def test_old_alerts_keep_their_counts_and_let_go_of_their_single_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "FINISHED_DELIVERIES_MAX", 6)
    state = CountyState()
    first, second, third, fourth = (finished(number, state) for number in (1, 2, 3, 4))
    live = begun_in(state, 5)
    late = max(record.alert.window.end for record in state.alerts.values()) + snapshot.SETTLED_AFTER_S
    counts = state.alerts[first].counts()
    remains = Remains(((ADAPTER, 1, 0, 2),), 3)
    snapshot.forget_old(state, late - 1, lambda record: remains)
    assert not any(record.remains for record in state.alerts.values())
    snapshot.forget_old(state, late, lambda record: remains)
    kept = snapshot.load(snapshot.dump(state))
    for each in (state, kept):
        assert [record.remains for record in each.alerts.values()] == [remains, remains, None, None, None]
        assert [len(each.alerts[e].deliveries) for e in (first, second, third, fourth, live)] == [0, 0, 3, 3, 3]
        assert each.alerts[first].counts() == counts
    assert counts["targeted"] == 3
    assert (counts["confirmed"], counts["timed_out"]) == (1, 2)
    assert snapshot.same(kept, state)
    assert recount(kept.alerts.values()) == []


def test_what_is_told_upward_after_the_end_is_in_the_next_checkpoint() -> None:
    state = CountyState()
    over = finished(1, state)
    before = snapshot.load(snapshot.dump(state))
    state.apply(facts.upstream_told(over, 4, EBD, 40.0))
    assert before.alerts[over].told == []
    assert snapshot.load(snapshot.dump(state)).alerts[over].told == [4]


def test_a_checkpoint_of_another_format_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="format 99 is not 1; remove it"):
        snapshot.load(b'{"format": 99}')


def test_ids_come_back_as_ids() -> None:
    state = snapshot.load(snapshot.dump(begun()))
    (ebm_id,) = state.alerts
    assert isinstance(ebm_id, EbmId)
