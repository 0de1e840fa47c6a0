"""Adapters are asked for their channels, terminals behind them through them; both are mended by the same command."""

from __future__ import annotations

import asyncio

import pytest

from devices.link import Fault
from devices.maintenance import Channel
from ebcd.archive.drift import SILENT, Deviation
from ebcd.operator import Actor
from protocols.codes import ResourceCode
from tests.ebcd.archive.behind_adapter import FRONT, HORNS, PERIOD_S, village
from tests.ebcd.county import COUNTY
from tests.virtual_time import VirtualClock

CHEN = Actor("chen", "uid")


@pytest.mark.clause("GD/J 089 tables A.7, A.8, A.28, A.29")
async def test_an_adapter_tells_its_channels_and_the_terminals_behind_it_their_values(clock: VirtualClock) -> None:
    async with village(clock) as at:
        rows = {row.code: row for row in await at.drift.look([COUNTY])}
        assert {row.state for row in rows.values()} == {"sound"}
        assert rows.keys() == {FRONT, *HORNS}
        assert rows[FRONT].channels == (Channel(1, "ip", ""), Channel(1, "话筒", "idle"), Channel(2, "线路", "idle"))


@pytest.mark.clause("GD/J 089 table A.16", "GD/J 089 clause A.4.2.1.5")
async def test_what_deviates_behind_an_adapter_is_set_through_it_and_asked_back(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.terminals[HORNS[0]].volume = 15
        at.terminals[HORNS[1]].set_return(("10.0.0.1", 1))
        rows = await at.drift.look_at(HORNS)
        assert [row.state for row in rows] == ["drift", "drift", "sound"]
        assert rows[0].deviations == (Deviation("volume", "60", "15", True),)
        after = await at.drift.mend(HORNS, CHEN)
        assert {row.state for row in after} == {"sound"}
        assert at.terminals[HORNS[0]].volume == 60
        settings = [fact["settings"] for fact in at.facts("device.set")]
        assert settings == [{"volume": 60}, {"return_to": f"127.0.0.1:{at.returns[1]}"}]


async def test_i8_a_terminal_without_power_gives_no_answer_although_its_adapter_said_yes(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.station.terminals[2].powered = False
        rows = await at.drift.look_at(HORNS)
        assert [row.state for row in rows] == ["sound", "sound", "no_answer"]


async def test_where_nobody_says_where_to_return_terminals_behind_adapters_cannot_be_asked(clock: VirtualClock) -> None:
    async with village(clock, asked=False) as at:
        rows = {row.code: row.state for row in await at.drift.look([COUNTY])}
        assert rows == {FRONT: "sound"} | dict.fromkeys(HORNS, "unasked")


async def test_carriers_channels_and_faults_of_an_adapter_are_compared_and_shown(clock: VirtualClock) -> None:
    async with village(clock, frequency_khz=98_500) as at:
        unit = at.station.adapter.equipment
        unit.carriers, unit.fault = (88_400, 90_000), (3, "功放输出电压过低")
        unit.broken = {("out", 2), ("in", 1)}
        (row,) = await at.drift.look_at([FRONT])
        assert row.deviations == (
            Deviation("frequency_khz", "98500", "88400, 90000", False),
            Deviation("output 2 fm", "idle", "fault", False),
            Deviation("output 2 fm", "idle", "fault", False),
            Deviation("input 1 话筒", "idle", "fault", False),
        )
        assert Fault("a", FRONT, 3, False, "功放输出电压过低") in at.events
        unit.carriers, unit.broken = (98_500,), set()
        assert (await at.drift.look_at([FRONT]))[0].state == "sound"


@pytest.mark.clause("GD/J 089 table A.6")
async def test_an_adapter_that_answers_and_is_not_heard_is_told_where_to_report(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.station.place = at.station.place.__class__(
            at.station.place.host, at.station.place.port, ("127.0.0.1", 1), at.returns
        )
        assert (await at.drift.look_at([FRONT]))[0].state == "sound"
        await asyncio.sleep(3 * PERIOD_S)
        wanted = f"127.0.0.1:{at.reports[1]}"
        (row,) = await at.drift.look_at([FRONT])
        assert row.deviations == (Deviation("return_to", wanted, SILENT, True),)
        (row,) = await at.drift.mend([FRONT], CHEN)
        assert row.state == "sound"
        assert at.station.adapter.equipment.period_s == PERIOD_S
        assert [fact["settings"] for fact in at.facts("device.set")] == [{"return_to": wanted}]


@pytest.mark.clause("GD/J 089 table A.13")
async def test_an_adapter_with_another_code_is_given_its_own(clock: VirtualClock) -> None:
    async with village(clock) as at:
        other = ResourceCode("63499011022010314010201")
        at.station.adapter.code = other
        (row,) = await at.drift.look_at([FRONT])
        assert row.deviations == (Deviation("code", str(FRONT), str(other), True),)
        assert [row.state for row in await at.drift.mend([FRONT], CHEN)] == ["sound"]
        assert at.station.adapter.code == FRONT


async def test_i8_an_adapter_that_is_switched_off_gives_no_answer(clock: VirtualClock) -> None:
    async with village(clock) as at:
        at.station.place = at.station.place.__class__("127.0.0.1", 1, at.reports, at.returns, delay_s=120.0)
        assert [row.state for row in await at.drift.look_at([FRONT])] == ["no_answer"]
