"""What goes up by itself: at first contact, on change, in cycles (platform digest 6.1)."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path as Folder

import pytest

from devices.link import DeviceState
from devices.roster import Device, DeviceKind, Roster
from ebcd.inventory import Inventory
from ebcd.operation_data import Kind, Owner, ReportRule, StateCodes
from ebcd.operation_data.observer import BETWEEN_TURNS
from ebcd.operation_data.rules import DAY_S, cycles
from ebcd.sharing import Transmitter
from protocols.codes import ResourceCode
from protocols.ebd import Ebd, ResultCode
from protocols.ebd.messages import EbmStateResponse
from protocols.ebd.reports import (
    EbrasInfo,
    EbrasState,
    EbrbsInfo,
    EbrbsState,
    EbrdtInfo,
    EbrdtState,
    EbrpsInfo,
    EbrpsState,
    EbrstInfo,
)
from tests.ebcd.county import VILLAGE_A1, VILLAGE_A2, VILLAGES, adapter, terminal
from tests.ebcd.office import PLATFORM, message
from tests.ebcd.operation_data.bench import EXCITER, Province, bench, county_with_transmitter

FIRST_S = 12.0
"""Within so many seconds of the first answered heartbeat everything has been told once."""


def codes(state: EbrdtState | EbrasState | EbrbsState | EbrpsState) -> dict[str, int]:
    return {item.ebr_id: item.code for item in state.items}


# ---- first contact ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-PLT-10", "R-SUP-04")
@pytest.mark.clause("GD/J 083 EBRPSInfo", "GD/J 083 EBRSTInfo", "GD/J 083 EBRASInfo", "GD/J 083 EBRBSInfo")
@pytest.mark.clause("GD/J 083 EBRDTInfo")
async def test_at_first_contact_every_resource_is_told_once_with_its_owner(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await asyncio.sleep(FIRST_S)
        ((platform,),) = [told.items for told in province.of(EbrpsInfo)]
        assert (platform.ebr_id, platform.name, platform.url) == (PLATFORM, "某县应急广播平台", "http://county")
        (adapters,) = province.of(EbrasInfo)
        assert {each.ebr_id for each in adapters.items} == {adapter(village) for village in VILLAGES}
        assert {(each.platform, each.station) for each in adapters.items} == {
            (PLATFORM, f"6{village}031401" + "0101") for village in VILLAGES
        }
        (stations,) = province.of(EbrstInfo)
        assert {each.ebr_id for each in stations.items} == {
            *(each.station for each in adapters.items),
            f"{EXCITER[:19]}0101",
        }
        ((transmitter,),) = [told.items for told in province.of(EbrbsInfo)]
        assert transmitter.radio is not None
        assert (transmitter.ebr_id, transmitter.radio.frequency_hz) == (EXCITER, 97_400_000)
        (terminals,) = province.of(EbrdtInfo)
        assert [each.ebr_id for each in terminals.items] == [each.code for each in room.inventory.roster.terminals]
        assert {each.platform for each in terminals.items} == {PLATFORM}


async def test_the_platform_is_told_first_and_nothing_is_told_before_the_province_answers(
    tmp_path: Folder, province: Province
) -> None:
    province.away = True
    async with bench(tmp_path, province):
        await asyncio.sleep(600)
        assert province.taken == []
        province.away = False
        await asyncio.sleep(31 + FIRST_S)
        assert isinstance(province.taken[0][1].detail, EbrpsInfo)


async def test_after_a_restart_nothing_is_told_again(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province) as room:
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        assert len(province.of(EbrdtState)) == 1
    province.forget()
    async with bench(tmp_path, province) as room:
        await asyncio.sleep(15)
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        assert province.taken == []


# ---- cycles ----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 083 EBRPSInfo", "GD/J 083 EBRPSState", "GD/J 083 EBRDTInfo")
async def test_the_platform_and_the_increment_of_terminals_go_up_daily_and_the_state_each_half_hour(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province):
        await asyncio.sleep(2 * DAY_S + 3600)
        days = province.times(EbrpsInfo)
        assert [round((at - days[0]) / DAY_S, 2) for at in days] == [0, 1, 2]
        assert [len(told.items) for told in province.of(EbrdtInfo)] == [12, 0, 0]  # nothing changed: an empty list
        halves = province.times(EbrpsState)
        gaps = [later - earlier for earlier, later in itertools.pairwise(halves)]
        assert 98 <= len(halves) <= 99
        assert all(1800 <= gap <= 1806 for gap in gaps)


async def test_a_restart_does_not_begin_the_day_anew(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province):
        await asyncio.sleep(DAY_S - 3600)
    province.forget()
    async with bench(tmp_path, province):
        await asyncio.sleep(3500)
        assert province.of(EbrpsInfo) == []
        await asyncio.sleep(200)
        assert len(province.of(EbrpsInfo)) == 1


async def test_terminals_have_a_cycle_of_their_own_where_the_province_wants_one(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province, rule=ReportRule(every_s=cycles(DAY_S, 1800.0, 300.0))) as room:
        room.beat(*room.everybody)
        await asyncio.sleep(650)
        assert [len(told.items) for told in province.of(EbrdtState)] == [12, 12, 12]


# ---- changes ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-PLT-10", "R-TST-05")
@pytest.mark.clause("GD/J 083 EBRDTState", "GD/J 083 StateCode")
async def test_a_terminal_that_falls_silent_and_returns_is_told_as_3_then_4_and_is_1_afterwards(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        horn = terminal(VILLAGE_A1, 1)
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        assert codes(province.of(EbrdtState)[0]) == dict.fromkeys(room.codes, 1)
        province.forget()
        room.fall_silent(horn)
        await asyncio.sleep(10)
        room.beat(horn)
        await asyncio.sleep(10)
        assert [codes(told) for told in province.of(EbrdtState)] == [{horn: 3}, {horn: 4}]
        province.forget()
        await room.ask("EBRDTState")
        await asyncio.sleep(2)
        assert codes(province.of(EbrdtState)[0])[horn] == 1


async def test_faults_go_up_with_the_words_of_the_device(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province) as room:
        horn = terminal(VILLAGE_A1, 1)
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        province.forget()
        room.beat(horn, state=DeviceState.FAULT)
        await asyncio.sleep(10)
        ((item,),) = [told.items for told in province.of(EbrdtState)]
        assert (item.code, item.desc) == (3, "fault: the device reports a fault")


@pytest.mark.clause("GD/J 083 EBRASState", "GD/J 083 StateCode")
async def test_a_dead_head_end_is_a_fault_of_its_own(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province) as room:
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        province.forget()
        room.fall_silent(adapter(VILLAGE_A2))
        await asyncio.sleep(10)
        assert [codes(told) for told in province.of(EbrasState)] == [{adapter(VILLAGE_A2): 3}]
        assert province.of(EbrdtState) == []


@pytest.mark.parametrize(("codes_rule", "told"), [(StateCodes(), 3), (StateCodes(offline=2), 2)])
async def test_which_code_an_offline_terminal_has_is_configuration(
    tmp_path: Folder, province: Province, codes_rule: StateCodes, told: int
) -> None:
    async with bench(tmp_path, province, rule=ReportRule(codes=codes_rule)) as room:
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        room.fall_silent(terminal(VILLAGE_A1, 1))
        await asyncio.sleep(10)
        assert codes(province.of(EbrdtState)[-1]) == {terminal(VILLAGE_A1, 1): told}


@pytest.mark.clause("GD/J 083 StateCode")
async def test_terminals_that_play_are_on_air_until_the_alert_is_over(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province) as room:
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        province.forget()
        await room.receive(message(1, int(room.clock.wall())))
        await asyncio.sleep(12)
        assert codes(province.of(EbrdtState)[0]) == dict.fromkeys(room.codes, 5)
        province.forget()
        await asyncio.sleep(80)
        assert [set(codes(told).values()) for told in province.of(EbrdtState)] == [{1}]
        assert [told.state_code for told in province.of(EbmStateResponse)] == [3]


async def test_while_an_alert_is_being_started_nothing_is_told_that_nobody_asked_for(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        province.forget()
        room.link._delay_s = 1.0
        await room.receive(message(1, int(room.clock.wall())))
        room.fall_silent(adapter(VILLAGE_A2))
        begun_at = room.clock.wall()
        await asyncio.sleep(20)
        assert province.times(EbmStateResponse)[0] - begun_at < 1
        assert min([*province.times(EbrdtState), *province.times(EbrasState)]) - begun_at >= 2


async def test_on_air_is_not_told_where_it_is_switched_off(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province, rule=ReportRule(codes=StateCodes(on_air=False))) as room:
        room.beat(*room.everybody)
        await asyncio.sleep(30)
        province.forget()
        await room.receive(message(1, int(room.clock.wall())))
        await asyncio.sleep(12)
        assert province.of(EbrdtState) == []


@pytest.mark.requirement("R-SUP-02")
@pytest.mark.clause("GD/J 083 EBRPSState")
async def test_a_trouble_of_the_platform_goes_up_when_it_lasts_and_its_end_is_told_as_4(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await asyncio.sleep(30)
        province.forget()
        room.signs["links_down"] = ("ip",)
        await asyncio.sleep(6)
        room.signs.clear()
        await asyncio.sleep(30)
        assert province.of(EbrpsState) == []  # a moment is no trouble
        room.signs["links_down"], room.signs["disk_low"] = ("ip",), True
        await asyncio.sleep(30)
        ((item,),) = [told.items for told in province.of(EbrpsState)]
        assert (item.ebr_id, item.code) == (PLATFORM, 3)
        assert item.desc == "fault: links are down: ip; the disk is nearly full"
        room.signs.clear()
        await asyncio.sleep(30)
        assert codes(province.of(EbrpsState)[1]) == {PLATFORM: 4}
        await asyncio.sleep(1800)
        assert codes(province.of(EbrpsState)[2]) == {PLATFORM: 1}


@pytest.mark.clause("GD/J 083 EBRBSState")
async def test_an_exciter_is_what_its_link_says(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province):
        await asyncio.sleep(FIRST_S)
        assert [codes(told) for told in province.of(EbrbsState)] == [{EXCITER: 1}]


@pytest.mark.clause("GD/J 083 EBRBSState")
async def test_an_exciter_whose_link_was_not_tried_yet_is_no_fault_and_one_that_is_down_is_named_so(
    tmp_path: Folder, province: Province
) -> None:
    """A restart of ours must not be a fault and a recovery of a transmitter that was on air all the time."""
    exciter = [Transmitter(EXCITER, 97_400, up=False, tried=False)]
    async with bench(tmp_path, province, exciter=exciter):
        await asyncio.sleep(FIRST_S)
        assert province.of(EbrbsState) == []
        exciter[:] = [Transmitter(EXCITER, 97_400, up=False)]
        await asyncio.sleep(FIRST_S)
        ((item,),) = [told.items for told in province.of(EbrbsState)]
        assert (item.code, item.desc) == (3, "fault: its link is down")


@pytest.mark.requirement("R-TST-04")
@pytest.mark.clause("GD/J 083 EBRASInfo", "GD/J 083 EBRDTInfo")
async def test_new_changed_and_removed_devices_go_up_and_only_they(tmp_path: Folder, province: Province) -> None:
    before = county_with_transmitter()
    async with bench(tmp_path, province, inventory=before):
        await asyncio.sleep(30)
    province.forget()
    new = Device(DeviceKind.TERMINAL, terminal(VILLAGE_A1, 9), "", "new horn", paths=before.roster.terminals[0].paths)
    renamed = replace(before.roster.terminals[0], name="another name")
    gone = before.roster.adapters[0]
    after = Inventory(
        Roster.of(
            [*before.roster.adapters[1:], renamed, *before.roster.terminals[1:], new, *before.roster.transmitters]
        )
    )
    async with bench(tmp_path, province, inventory=after):
        await asyncio.sleep(30)
        ((first, second),) = [told.items for told in province.of(EbrdtInfo)]
        assert {first.ebr_id, second.ebr_id} == {new.code, renamed.code}
        ((lost,),) = [told.items for told in province.of(EbrasInfo)]
        assert (lost.ebr_id, lost.rpt_type) == (gone.code, "Delete")
        assert province.of(EbrpsInfo) == []
    province.forget()
    async with bench(tmp_path, province, inventory=after):
        await asyncio.sleep(30)
        assert province.taken == []


@pytest.mark.clause("GD/J 083 EBRPSInfo")
async def test_a_change_of_the_platforms_own_data_goes_up(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province):
        await asyncio.sleep(30)
    province.forget()
    owner = Owner(PLATFORM, "某县应急广播平台", "http://county", longitude="117.12345678", latitude="no idea")
    async with bench(tmp_path, province, owner=owner):
        await asyncio.sleep(30)
        ((told,),) = [each.items for each in province.of(EbrpsInfo)]
        assert (told.longitude, told.latitude) == ("117.123456", "")


# ---- packages --------------------------------------------------------------------------------------------------------


async def test_large_lists_go_in_packages_of_the_named_size_one_after_the_other(
    tmp_path: Folder, province: Province
) -> None:
    county = county_with_transmitter(per_village=40)
    async with bench(tmp_path, province, inventory=county, rule=ReportRule(items_max=50)):
        await asyncio.sleep(FIRST_S)
        told = province.of(EbrdtInfo)
        assert [len(each.items) for each in told] == [50, 50, 20]
        assert len({item.ebr_id for each in told for item in each.items}) == 120


async def test_a_look_at_a_large_county_gives_others_their_turn(tmp_path: Folder, province: Province) -> None:
    county, turns = county_with_transmitter(per_village=99), 0
    async with bench(tmp_path, province, inventory=county) as room:
        await asyncio.sleep(60)
        room.reporter.observer.inventory_changed()
        looking = asyncio.ensure_future(room.reporter.observer.look())
        while not looking.done():
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 2 * 297 // BETWEEN_TURNS


async def test_a_record_counts_as_told_with_receipt_1_only_and_what_was_refused_waits_an_hour(
    tmp_path: Folder, province: Province
) -> None:
    def refuse(ebd: Ebd) -> ResultCode:
        return ResultCode.CONTENT_MISSING if isinstance(ebd.detail, EbrasInfo) else ResultCode.SUCCESS

    province.code_for = refuse
    async with bench(tmp_path, province) as room:
        await asyncio.sleep(600)
        assert len(province.refused) == 1
        assert {ResourceCode(code) for code in room.flags.lacks(room.flags.peers[0], Kind.ADAPTER_INFO)} == {
            adapter(village) for village in VILLAGES
        }
        province.code_for = lambda _ebd: ResultCode.SUCCESS
        await asyncio.sleep(3700)
        assert len(province.of(EbrasInfo)) == 1
        assert room.flags.lacks(room.flags.peers[0], Kind.ADAPTER_INFO) == []
