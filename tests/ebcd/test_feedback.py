"""What goes up about alerts and terminals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.link import Path
from ebcd import facts
from ebcd.facts import Receipt
from ebcd.feedback import state_response
from ebcd.lifecycle import AlertEvent, AlertState, DeliveryEvent
from ebcd.planner import Leg, Plan
from ebcd.reporting import BRD_STATE, BrdState, report_for
from ebcd.sharing import RESOURCES_MAX, Sharers, Transmitter
from ebcd.state import AlertRecord, CountyState
from protocols.codes import ResourceCode
from protocols.ebd.messages import EbmStateResponse
from tests.ebcd.county import PROVINCE, VILLAGE_A1, VILLAGE_A2, adapter, terminal
from tests.ebcd.test_scheduler import alert

PLATFORM = ResourceCode("43499010000000101010101")
EXCITER = ResourceCode("43499010000000301010301")
HORNS = tuple(terminal(VILLAGE_A1, n) for n in (1, 2, 3, 4))


SHARERS = Sharers(lambda code: adapter(code.area), lambda: (Transmitter(EXCITER, 97_400, up=True),))


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
        each,
        code,
        why,
        ebm_id=each.alert.id,
        platform=PLATFORM,
        sharing=SHARERS.of(each, code),
        at_s=1050.7,
        language=language,
    )


@pytest.mark.requirement("R-PLT-16")
def test_i8_coverage_counts_confirmed_terminals_only() -> None:
    told = response(record(), BrdState.ON_AIR)
    assert told.coverage is not None
    assert (told.coverage.rate, told.coverage.used) == (0.5, (1, 0, 1, 4))
    assert (told.state_code, told.rpt_time) == (2, 1050)


def test_the_words_name_every_count_in_both_languages() -> None:
    assert (
        "targeted 4, confirmed 2 (1 played), refused 0, timed out 1, unconfirmed 1" in response(record(), 2).state_desc
    )
    assert "目标 4" in response(record(), 2, language="zh").state_desc


@pytest.mark.parametrize("why", ["expired", "no_area_of_ours", "quiet_hours", "confirmed 0.7000 of targeted"])
def test_reasons_are_sentences_of_the_language(why: str) -> None:
    for language in ("zh", "en"):
        assert why not in response(record(), 0, why, language).state_desc
    assert "上级指令" in response(record(), 5, "ordered from above", "zh").state_desc


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


def through_adapters() -> AlertRecord:
    """Two villages behind their adapters: one confirms, the other is silent and falls back to FM."""
    state, at = CountyState(), 1000.0
    each = replace(alert(1), peer=PROVINCE)
    heard, deaf = terminal(VILLAGE_A1, 1), terminal(VILLAGE_A2, 1)
    state.apply(facts.alert_accepted(each, AlertState.WAITING, at, PROVINCE))
    state.apply(facts.alert_moved(each.id, AlertEvent.START, at))
    paths = (Path.ADAPTER, Path.FM)
    state.apply(facts.plan_made(each.id, Plan((Leg(heard, paths), Leg(deaf, paths)), ()), at))
    state.apply(facts.orders_sent(each.id, DeliveryEvent.SEND, Path.ADAPTER, (heard, deaf), at))
    state.apply(facts.orders_sent(each.id, DeliveryEvent.SEND, Path.FM, (deaf,), at + 8))
    state.apply(facts.receipts(each.id, [Receipt(heard, DeliveryEvent.CONFIRM, Path.ADAPTER, "0", at)], at))
    return state.alerts[each.id]


@pytest.mark.clause("GD/J 083 EBMStateResponse", "GD/J 083 BrdSysInfo")
def test_head_ends_and_transmitters_that_had_a_part_are_named_with_their_own_state_those_that_failed_first() -> None:
    told = response(through_adapters(), BrdState.ON_AIR)
    county, failed, transmitter, good = told.resources
    assert county.platform == PLATFORM
    assert (failed.adapter, failed.devices[0].state_code) == (adapter(VILLAGE_A2), BrdState.FAILED)
    assert (good.adapter, good.devices[0].state_code) == (adapter(VILLAGE_A1), BrdState.ON_AIR)
    assert transmitter.adapter is None
    assert transmitter.devices[0].info == f"({EXCITER},3,97400)"
    assert told.coverage is not None
    assert told.coverage.used == (1, 2, 1, 2)


def test_an_alert_that_has_let_go_of_its_terminals_is_told_as_before() -> None:
    each = through_adapters()
    before = response(each, BrdState.ON_AIR)
    each.settle(SHARERS.remains_of(each))
    assert each.deliveries == {}
    assert response(each, BrdState.ON_AIR) == before


def test_a_dead_exciter_failed_and_a_cancel_cancels_all_parts() -> None:
    each = through_adapters()
    dead = Sharers(lambda code: adapter(code.area), lambda: (Transmitter(EXCITER, 97_400, up=False),))
    assert [share.state for share in dead.of(each, BrdState.ON_AIR).shares if share.transmits] == [BrdState.FAILED]
    assert {share.state for share in dead.of(each, BrdState.CANCELLED).shares} == {BrdState.CANCELLED}


def test_an_adapter_below_the_ratio_failed_at_the_end_and_one_that_is_awaited_waits() -> None:
    each = through_adapters()
    done = {share.code: share.state for share in SHARERS.of(each, BrdState.DONE).shares if not share.transmits}
    assert done == {adapter(VILLAGE_A1): BrdState.DONE, adapter(VILLAGE_A2): BrdState.FAILED}
    state, at = CountyState(), 1000.0
    alone = replace(alert(1), peer=PROVINCE)
    state.apply(facts.alert_accepted(alone, AlertState.WAITING, at, PROVINCE))
    state.apply(facts.plan_made(alone.id, Plan((Leg(HORNS[0], (Path.ADAPTER,)),), ()), at))
    state.apply(facts.orders_sent(alone.id, DeliveryEvent.SEND, Path.ADAPTER, HORNS[:1], at))
    (share,) = SHARERS.of(state.alerts[alone.id], BrdState.ON_AIR).shares
    assert share.state is BrdState.WAITING


def test_the_parts_that_are_named_have_a_limit_and_the_counts_have_none() -> None:
    state, at = CountyState(), 1000.0
    each = replace(alert(1), peer=PROVINCE)
    codes = [ResourceCode(f"6349901{n:06d}031401040{1}") for n in range(101_201, 101_201 + RESOURCES_MAX + 50)]
    state.apply(facts.alert_accepted(each, AlertState.WAITING, at, PROVINCE))
    state.apply(facts.plan_made(each.id, Plan(tuple(Leg(c, (Path.ADAPTER,)) for c in codes), ()), at))
    state.apply(facts.orders_sent(each.id, DeliveryEvent.SEND, Path.ADAPTER, codes, at))
    told = response(state.alerts[each.id], BrdState.ON_AIR)
    assert len(told.resources) == 1 + RESOURCES_MAX
    assert told.coverage is not None
    assert told.coverage.used[1] == RESOURCES_MAX + 50


@pytest.mark.clause("GD/J 083 BrdStateCode")
@pytest.mark.parametrize("state", list(AlertState))
def test_every_state_has_a_code_for_the_platform_above(state: AlertState) -> None:
    assert report_for(AlertRecord(alert(1), state, "why")).code == BRD_STATE[state]
    assert state not in (AlertState.CANCELLING,) or BRD_STATE[state] is BrdState.ON_AIR
