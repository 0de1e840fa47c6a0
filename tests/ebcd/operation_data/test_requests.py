"""Operation data on request (OMDRequest, platform digest 6.7): Full, Incremental, periods, refusals."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path as Folder

import pytest

from ebcd.operation_data import Kind, ReportRule
from ebcd.operation_data.requests import REQUESTS_MAX
from protocols.ebd import Ebd, ResultCode
from protocols.ebd.messages import EbdNotify, ReportParams
from protocols.ebd.reports import EbmBroadcastLog, EbrasInfo, EbrdtInfo, EbrdtState, EbrpsInfo, EbrpsState
from tests.ebcd.county import COUNTY, VILLAGE_A1, terminal
from tests.ebcd.office import PLATFORM, ebm_id, message
from tests.ebcd.operation_data.bench import Bench, Province, bench, county_with_transmitter

FULL, INCREMENTAL = ReportParams(type="Full"), ReportParams(type="Incremental")


def answers(province: Province, number: str) -> list[Ebd]:
    return [ebd for _, ebd in province.taken if ebd.envelope.related_ebd_id == number]


async def settled(room: Bench) -> None:
    """Everything has been told once, and is forgotten."""
    room.beat(*room.everybody)
    await asyncio.sleep(30)
    room.province.forget()


@pytest.mark.requirement("R-TST-06", "R-SUP-01")
@pytest.mark.clause("GD/J 083 OMDRequest", "GD/J 083 Params", "GD/J 083 RelatedEBD")
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("params", [None, FULL, INCREMENTAL])
async def test_each_of_the_ten_types_is_answered_in_a_package_of_its_own_that_names_the_request(
    tmp_path: Folder, province: Province, kind: Kind, params: ReportParams | None
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        number = await room.ask(kind, params)
        await asyncio.sleep(3)
        (answer,) = answers(province, number)
        assert answer.envelope.ebd_type == kind
        items = getattr(answer.detail, "items")  # noqa: B009 - the ten details share no type
        if params is INCREMENTAL or kind is Kind.LOG:
            assert items == ()  # nothing changed since, nothing was broadcast yet
        else:
            assert len(items) >= 1
        if hasattr(answer.detail, "params"):
            assert answer.detail.params == (None if kind is Kind.LOG else params)  # the log has periods only
        assert room.core.state.open_packages == {}


@pytest.mark.clause("GD/J 083 OMDRequest")
async def test_the_full_list_of_platforms_is_at_least_our_own_and_the_state_is_with_it(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        await room.ask("EBRPSInfo", FULL)
        await room.ask("EBRPSState", FULL)
        await asyncio.sleep(3)
        assert [item.ebr_id for item in province.of(EbrpsInfo)[0].items] == [PLATFORM]
        assert [(item.ebr_id, item.code) for item in province.of(EbrpsState)[0].items] == [(PLATFORM, 1)]


@pytest.mark.clause("GD/J 083 RptType")
async def test_an_increment_holds_what_changed_and_was_not_taken_and_after_its_receipt_it_is_empty(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        province.code_for = lambda ebd: ResultCode.OTHER if isinstance(ebd.detail, EbrdtState) else ResultCode.SUCCESS
        room.fall_silent(terminal(VILLAGE_A1, 1), terminal(VILLAGE_A1, 2))
        await asyncio.sleep(10)
        assert len(province.refused) == 1
        province.code_for = lambda _ebd: ResultCode.SUCCESS
        first = await room.ask("EBRDTState", INCREMENTAL)
        await asyncio.sleep(3)
        second = await room.ask("EBRDTState", INCREMENTAL)
        await asyncio.sleep(3)
        told = [[item.ebr_id for item in ebd.detail.items] for n in (first, second) for ebd in answers(province, n)]  # type: ignore[union-attr]
        assert told == [[terminal(VILLAGE_A1, 1), terminal(VILLAGE_A1, 2)], []]


async def test_the_flags_outlive_a_restart(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        province.away = True
        room.fall_silent(terminal(VILLAGE_A1, 1))
        await asyncio.sleep(20)
    province.away = False
    async with bench(tmp_path, province):
        await asyncio.sleep(20)
        ((item,),) = [told.items for told in province.of(EbrdtState)]
        assert (item.ebr_id, item.code) == (terminal(VILLAGE_A1, 1), 3)


@pytest.mark.clause("GD/J 083 Params")
async def test_a_period_means_the_time_of_the_last_change_and_both_its_ends_are_inside(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        await asyncio.sleep(3600)
        room.fall_silent(terminal(VILLAGE_A1, 1))
        await asyncio.sleep(10)
        changed_at = int(room.flags.mark(room.flags.peers[0], Kind.TERMINAL_STATE, terminal(VILLAGE_A1, 1)).changed_at)  # type: ignore[union-attr]
        province.forget()
        for first, last in ((changed_at, changed_at), (changed_at + 1, None), (None, changed_at - 1)):
            await room.ask("EBRDTState", ReportParams(first, last, "Full"))
            await asyncio.sleep(3)
        inside, after, before = (told.items for told in province.of(EbrdtState))
        assert [(item.ebr_id, item.rpt_time) for item in inside] == [(terminal(VILLAGE_A1, 1), changed_at)]
        assert after == ()
        assert len(before) == 11


@pytest.mark.requirement("R-SUP-03", "R-SUP-05")
@pytest.mark.clause("GD/J 083 EBMBrdLog")
async def test_the_log_holds_what_was_broadcast_with_its_coverage_and_only_of_the_period(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        for serial in (1, 2):
            await room.receive(message(serial, int(room.clock.wall())))
            await asyncio.sleep(1000)
        second_at = int(room.core.state.alerts[ebm_id(2)].started_at)
        await room.ask("EBMBrdLog", ReportParams(second_at - 5, second_at + 5))
        await room.ask("EBMBrdLog")
        await asyncio.sleep(3)
        one, both = (told.items for told in province.of(EbmBroadcastLog))
        assert [item.message.ebm_id for item in both] == [ebm_id(1), ebm_id(2)]
        (item,) = one
        assert (item.message.ebm_id, item.state_code) == (ebm_id(2), 3)
        assert item.message.basic is not None
        assert (item.message.basic.severity, item.message.basic.sender_name) == (1, "省应急")
        assert item.message.contents[0].area_codes == (COUNTY,)
        assert item.coverage is not None
        assert (item.coverage.rate, item.coverage.used) == (1.0, (1, 0, 0, 12))
        assert item.units[0].platform == PLATFORM


async def test_a_long_log_goes_in_several_packages_that_all_name_the_request(
    tmp_path: Folder, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ebcd.operation_data.reporter.LOG_ITEMS_MAX", 2)
    async with bench(tmp_path, province) as room:
        await settled(room)
        for serial in range(1, 6):
            await room.receive(message(serial, int(room.clock.wall())))
            await asyncio.sleep(100)
        number = await room.ask("EBMBrdLog")
        await asyncio.sleep(3)
        assert [len(ebd.detail.items) for ebd in answers(province, number)] == [2, 2, 1]  # type: ignore[union-attr]


async def test_an_alert_that_is_on_air_is_in_the_log_at_once(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        await room.receive(message(1, int(room.clock.wall())))
        await asyncio.sleep(0.5)
        await room.ask("EBMBrdLog")
        await asyncio.sleep(1)
        ((item,),) = [told.items for told in province.of(EbmBroadcastLog)]
        assert (item.message.ebm_id, item.state_code, item.resources[0].devices[0].end_time) == (ebm_id(1), 2, None)


@pytest.mark.clause("GD/J 083 EBDNotify")
@pytest.mark.parametrize(
    ("type_", "params", "code"),
    [
        ("EBRXXInfo", None, ResultCode.OTHER),
        ("", None, ResultCode.OTHER),
        ("EBRDTInfo", ReportParams(2_000_000_000, 1_900_000_000, "Full"), ResultCode.CONTENT_MISSING),
    ],
)
async def test_what_cannot_be_answered_gets_a_notify_that_names_the_request(
    tmp_path: Folder, province: Province, type_: str, params: ReportParams | None, code: ResultCode
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        number = await room.ask(type_, params)
        await asyncio.sleep(3)
        (answer,) = answers(province, number)
        assert isinstance(answer.detail, EbdNotify)
        assert answer.detail.code is code
        assert room.core.state.open_packages == {}


@pytest.mark.clause("GD/J 083 Params", "GD/J 083 EBMBrdLog")
async def test_params_come_back_in_the_standards_spelling_and_the_log_names_both_ends_of_its_period(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        for written, items in (("full", 1), (" FULL ", 1), ("incremental", 0), ("Partial", 0)):
            await room.ask("EBRPSInfo", ReportParams(type=written))
            await asyncio.sleep(2)
            told = province.of(EbrpsInfo)[-1]
            assert (told.params, len(told.items)) == (ReportParams(type="Full" if items else "Incremental"), items)
        await room.ask("EBRPSInfo", ReportParams())
        await asyncio.sleep(2)
        assert province.of(EbrpsInfo)[-1].params is None
        asked_at = int(room.clock.wall())
        await room.ask("EBMBrdLog", ReportParams(start_time=asked_at - 60, type="Full"))
        await room.ask("EBMBrdLog", ReportParams(end_time=asked_at - 30))
        await asyncio.sleep(2)
        since, until = (told.params for told in province.of(EbmBroadcastLog))
        assert since.start_time == asked_at - 60
        assert asked_at <= since.end_time <= asked_at + 2
        assert (until, since.type) == (ReportParams(0, asked_at - 30), "")


@pytest.mark.clause("GD/J 083 EBMBrdLog")
async def test_the_log_holds_the_message_as_it_was_ordered(tmp_path: Folder, province: Province) -> None:
    """Also one that was for other counties: sender, times and areas are those of the EBM, not ours."""
    async with bench(tmp_path, province) as room:
        await settled(room)
        ordered = message(1, int(room.clock.wall()))
        assert ordered.basic is not None
        elsewhere = replace(ordered.contents[0], area_codes=("330000000000", "110101"))
        basic = replace(ordered.basic, sender_code="36070041600024", send_time=int(room.clock.wall()) - 77)
        await room.receive(replace(ordered, basic=basic, contents=(elsewhere,)))
        await asyncio.sleep(3)
        await room.ask("EBMBrdLog")
        await asyncio.sleep(2)
        ((item,),) = [told.items for told in province.of(EbmBroadcastLog)]
        assert item.state_code == 0
        assert (item.message.basic.sender_code, item.message.basic.send_time) == ("36070041600024", basic.send_time)
        assert item.message.contents[0].area_codes == ("330000000000", "110101")


async def test_a_type_may_be_spelt_in_any_case(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        await room.ask("ebrasinfo")
        await asyncio.sleep(3)
        assert len(province.of(EbrasInfo)) == 1


async def test_a_large_answer_goes_on_where_the_province_was_lost_and_every_package_names_the_request(
    tmp_path: Folder, province: Province
) -> None:
    county = county_with_transmitter(per_village=40)
    async with bench(tmp_path, province, inventory=county, rule=ReportRule(items_max=50)) as room:
        await asyncio.sleep(30)
        province.forget()
        refuse = iter([False, True])

        def lose_the_second(ebd: Ebd) -> ResultCode:
            province.away = isinstance(ebd.detail, EbrdtInfo) and next(refuse, False)
            return ResultCode.SUCCESS

        province.code_for = lose_the_second
        number = await room.ask("EBRDTInfo", FULL)
        await asyncio.sleep(10)
        assert room.core.state.open_packages
        province.away = False
        await asyncio.sleep(90)
        told = [[item.ebr_id for item in ebd.detail.items] for ebd in answers(province, number)]  # type: ignore[union-attr]
        assert len({code for codes in told for code in codes}) == 120
        assert [len(codes) for codes in told] == [50, 50, 20]
        assert room.core.state.open_packages == {}


async def test_i10_a_request_is_answered_after_a_restart_and_after_days_without_the_province(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        province.away = True
        await asyncio.sleep(60)
        number = await room.ask("EBRASInfo", FULL)
        await asyncio.sleep(3600)
    async with bench(tmp_path, province):
        await asyncio.sleep(72 * 3600)
        province.away = False
        await asyncio.sleep(60)
        assert [ebd.envelope.ebd_type for ebd in answers(province, number)] == ["EBRASInfo"]


async def test_more_requests_than_can_wait_are_refused_by_name(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        province.away = True
        await asyncio.sleep(60)
        numbers = [await room.ask("EBRPSInfo") for _ in range(REQUESTS_MAX + 1)]
        province.away = False
        await asyncio.sleep(120)
        assert [len(answers(province, number)) for number in numbers] == [1] * (REQUESTS_MAX + 1)
        (last,) = answers(province, numbers[-1])
        assert isinstance(last.detail, EbdNotify)


async def test_an_answer_that_an_unwell_province_turns_away_with_5_comes_again_until_it_is_taken(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        well_at = room.clock.wall() + 1200
        province.code_for = lambda ebd: (
            ResultCode.SUCCESS if room.clock.wall() >= well_at or not ebd.envelope.related_ebd_id else ResultCode.OTHER
        )
        number = await room.ask("EBRASInfo")
        await asyncio.sleep(1600)
        assert [ebd.envelope.ebd_type for ebd in answers(province, number)] == ["EBRASInfo"]
        assert 3 <= len(province.refused) <= 5
        assert room.core.state.open_packages == {}
