"""Both state tables, walked."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

import pytest

from ebcd.errors import ForbiddenTransition
from ebcd.lifecycle import (
    ALERT,
    ALERT_FINAL,
    ALERT_LIVE,
    CONFIRMED_STATES,
    DELIVERY,
    PENDING_STATES,
    AlertEvent,
    AlertState,
    DeliveryEvent,
    DeliveryState,
    next_alert_state,
    next_delivery_state,
)

StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)

BORN = frozenset({AlertState.PENDING, AlertState.HELD, AlertState.WAITING, AlertState.DROPPED})


def reachable(table: dict[tuple[StateT, EventT], StateT], begin: frozenset[StateT]) -> set[StateT]:
    """Every state that some row leads to."""
    found, new = set(begin), set(begin)
    while new:
        new = {after for (before, _), after in table.items() if before in new} - found
        found |= new
    return found


def test_every_state_of_an_alert_can_be_reached() -> None:
    assert reachable(ALERT, BORN) == set(AlertState)


def test_every_state_of_a_delivery_can_be_reached() -> None:
    assert reachable(DELIVERY, frozenset({DeliveryState.QUEUED})) == set(DeliveryState)


def test_every_event_is_used() -> None:
    assert {event for _, event in ALERT} == set(AlertEvent)
    assert {event for _, event in DELIVERY} == set(DeliveryEvent)


@pytest.mark.parametrize("state", sorted(ALERT_LIVE - {AlertState.CANCELLING}))
def test_i12_every_live_alert_can_be_cancelled(state: AlertState) -> None:
    assert next_alert_state(state, AlertEvent.CANCEL) in (AlertState.CANCELLING, AlertState.CANCELLED)


@pytest.mark.parametrize("state", sorted(ALERT_LIVE))
def test_every_live_alert_can_come_to_an_end(state: AlertState) -> None:
    assert reachable(ALERT, frozenset({state})) & ALERT_FINAL


@pytest.mark.parametrize("state", sorted(ALERT_FINAL))
def test_what_is_over_stays_over(state: AlertState) -> None:
    for event in AlertEvent:
        with pytest.raises(ForbiddenTransition, match=state):
            next_alert_state(state, event)


@pytest.mark.parametrize("state", sorted(AlertState))
@pytest.mark.parametrize("event", sorted(AlertEvent))
def test_a_pair_that_is_not_listed_is_refused(state: AlertState, event: AlertEvent) -> None:
    if (state, event) in ALERT:
        assert next_alert_state(state, event) is ALERT[state, event]
    else:
        with pytest.raises(ForbiddenTransition, match=f"{state} cannot be {event}"):
            next_alert_state(state, event)


def test_i1_nothing_pending_goes_on_air_without_an_approval() -> None:
    for event in set(AlertEvent) - {AlertEvent.APPROVED}:
        assert ALERT.get((AlertState.PENDING, event), AlertState.DROPPED) in ALERT_FINAL


def test_only_a_start_puts_an_alert_on_air() -> None:
    into = {event for (_, event), after in ALERT.items() if after is AlertState.ON_AIR}
    assert into == {AlertEvent.START}


def test_i8_only_words_of_the_device_confirm_and_no_timer_does() -> None:
    said = {DeliveryEvent.CONFIRM, DeliveryEvent.PLAY}
    for (before, event), after in DELIVERY.items():
        if after in CONFIRMED_STATES and before not in CONFIRMED_STATES:
            assert event in said, (before, event)
    for event in (DeliveryEvent.TIME_OUT, DeliveryEvent.STOP_TIME_OUT):
        assert {after for (_, e), after in DELIVERY.items() if e is event} == {DeliveryState.TIMED_OUT}


def test_i7_what_confirmed_is_never_sent_back_to_the_start() -> None:
    for state in CONFIRMED_STATES:
        after = next_delivery_state(state, DeliveryEvent.SEND)
        assert after in (None, state)


@pytest.mark.parametrize("state", sorted(PENDING_STATES))
def test_whatever_is_pending_can_be_given_up(state: DeliveryState) -> None:
    event = DeliveryEvent.STOP_TIME_OUT if state is DeliveryState.STOPPING else DeliveryEvent.TIME_OUT
    assert next_delivery_state(state, event) is DeliveryState.TIMED_OUT


def test_i12_a_stop_moves_everything_that_may_sound() -> None:
    for state in (DeliveryState.SENT, DeliveryState.CONFIRMED, DeliveryState.TIMED_OUT, DeliveryState.UNCONFIRMED):
        assert next_delivery_state(state, DeliveryEvent.STOP) is DeliveryState.STOPPING
    assert next_delivery_state(DeliveryState.QUEUED, DeliveryEvent.STOP) is DeliveryState.CANCELLED


def test_late_and_repeated_words_change_nothing() -> None:
    assert next_delivery_state(DeliveryState.PLAYED, DeliveryEvent.CONFIRM) is None
    assert next_delivery_state(DeliveryState.CANCELLED, DeliveryEvent.CONFIRM) is None
    assert next_delivery_state(DeliveryState.STOPPING, DeliveryEvent.CONFIRM) is None
