"""What goes up about alerts and terminals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.link import Path
from ebcd import facts
from ebcd.facts import Receipt
from ebcd.feedback import KNOWN_REASONS, state_response, terminal_states
from ebcd.health import Condition
from ebcd.lifecycle import AlertEvent, AlertState, DeliveryEvent
from ebcd.planner import Leg, Plan
from ebcd.reporting import BRD_STATE, BrdState, report_for
from ebcd.state import AlertRecord, CountyState
from protocols.codes import ResourceCode
from protocols.ebd.messages import EbmStateResponse
from tests.ebcd.county import PROVINCE, VILLAGE_A1, terminal
from tests.ebcd.test_scheduler import alert

PLATFORM = ResourceCode("43499010000000101010101")
HORNS = tuple(terminal(VILLAGE_A1, n) for n in (1, 2, 3, 4))


def record() -> AlertRecord:
    """On air: one played, one confirmed, one sent over FM only, one silent."""
    state, at = CountyState(), 1000.0
    each = replace(alert(1), peer=PROVINCE)
    state.apply(facts.alert_accepted(each, AlertState.WAITING, at, PROVINCE))
    state.apply(facts.alert_moved(each.id, AlertEvent.START, at))
    state.apply(facts.plan_made(each.id, Plan(tuple(Leg(c, (Path.IP, Path.FM)) for c in HORNS), ()), at))
    for path, codes in ((Path.IP, HORNS[:2]), (Path.FM, HORNS[2:])):
        state.apply(facts.orders_sent(each.id, DeliveryEvent.SEND, path, codes, at))
    events = (DeliveryEvent.PLAY, DeliveryEvent.CONFIRM, DeliveryEvent.NO_RETURN, DeliveryEvent.TIME_OUT)
    news = [Receipt(code, event, None, "", at) for code, event in zip(HORNS, events, strict=True)]
    state.apply(facts.receipts(each.id, news, at))
    return state.alerts[each.id]


def response(each: AlertRecord, code: int, why: str = "", language: str = "en") -> EbmStateResponse:
    return state_response(
        each, code, why, ebm_id=each.alert.id, platform=PLATFORM, adapters=3, at_s=1050.7, language=language
    )


@pytest.mark.requirement("R-PLT-16")
def test_i8_coverage_counts_confirmed_terminals_only() -> None:
    told = response(record(), BrdState.ON_AIR)
    assert told.coverage is not None
    assert (told.coverage.rate, told.coverage.used) == (0.5, (1, 3, 1, 4))
    assert (told.state_code, told.rpt_time) == (2, 1050)


def test_the_words_name_every_count_in_both_languages() -> None:
    assert (
        "targeted 4, confirmed 2 (1 played), refused 0, timed out 1, unconfirmed 1" in response(record(), 2).state_desc
    )
    assert "目标 4" in response(record(), 2, language="zh").state_desc


@pytest.mark.parametrize("why", sorted(KNOWN_REASONS))
def test_known_reasons_are_sentences(why: str) -> None:
    for language in ("zh", "en"):
        assert why not in response(record(), 0, why, language).state_desc


def test_other_reasons_go_up_as_they_are() -> None:
    assert response(record(), 5, "ordered from above").state_desc.startswith("cancelled: ordered from above (")


def test_an_alert_that_targeted_nobody_has_no_coverage_and_no_counts() -> None:
    empty = AlertRecord(alert(1), AlertState.DROPPED)
    told = response(empty, 0, "expired")
    assert told.coverage is not None
    assert told.coverage.rate == 0.0
    assert told.state_desc == "not processed: its end has passed"


def test_an_end_is_told_when_it_is_over_and_not_before() -> None:
    each = record()
    (device,) = response(each, 2).resources[0].devices
    assert (device.start_time, device.end_time) == (1000, None)
    over = replace(each, state=AlertState.DONE, moved_at=1100.0)
    assert response(over, 3).resources[0].devices[0].end_time == 1100


@pytest.mark.clause("GD/J 083 BrdStateCode")
@pytest.mark.parametrize("state", list(AlertState))
def test_every_state_has_a_code_for_the_platform_above(state: AlertState) -> None:
    assert report_for(AlertRecord(alert(1), state, "why")).code == BRD_STATE[state]
    assert state not in (AlertState.CANCELLING,) or BRD_STATE[state] is BrdState.ON_AIR


@pytest.mark.clause("GD/J 083 StateCode")
def test_an_offline_terminal_is_a_fault_and_an_unknown_one_is_left_out() -> None:
    changes = {
        HORNS[1]: (Condition.OFFLINE, "silent"),
        HORNS[0]: (Condition.ONLINE, "heartbeat"),
        HORNS[2]: (Condition.UNKNOWN, ""),
    }
    items = terminal_states(changes, 5.0).items
    assert [(item.ebr_id, item.code, item.desc) for item in items] == [
        (HORNS[0], 1, "heartbeat"),
        (HORNS[1], 3, "silent"),
    ]
