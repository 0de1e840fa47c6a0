"""A daemon that ends in good order tells the platforms above (EBRPSState 2), and that it is back when it is."""

from __future__ import annotations

import asyncio
from pathlib import Path as Folder

import pytest

from ebcd.mailroom import FAREWELL_S
from protocols.ebd.reports import EbrpsState
from tests.ebcd.office import PLATFORM
from tests.ebcd.operation_data.bench import Province, bench


def states(province: Province) -> list[tuple[str, int, str]]:
    return [(i.ebr_id, i.code, i.desc) for each in province.of(EbrpsState) for i in each.items]


@pytest.mark.requirement("R-SUP-01", "R-SUP-02")
async def test_the_end_is_told_as_2_and_the_next_life_tells_1_at_once(tmp_path: Folder, province: Province) -> None:
    async with bench(tmp_path, province, in_good_order=True):
        await asyncio.sleep(30)
        province.forget()
    assert states(province) == [(PLATFORM, 2, "off")]
    province.forget()
    await asyncio.sleep(60)
    async with bench(tmp_path, province):
        await asyncio.sleep(30)
    assert states(province) == [(PLATFORM, 1, "normal")]


async def test_a_kill_tells_nothing_and_a_life_after_it_has_nothing_to_take_back(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province):
        await asyncio.sleep(30)
        province.forget()
    assert states(province) == []
    async with bench(tmp_path, province):
        await asyncio.sleep(30)
    assert states(province) == []


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "does not answer"])
async def test_a_province_that_is_away_holds_the_end_up_for_a_few_seconds_at_most(
    tmp_path: Folder, province: Province, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, province, in_good_order=True) as room:
        await asyncio.sleep(30)
        province.forget()
        province.away = True
        if silent:
            monkeypatch.setattr(Province, "post", lambda _self, _url, _body: asyncio.sleep(60))
        begun_s = room.clock.monotonic()
    assert room.clock.monotonic() - begun_s <= FAREWELL_S + 1
    monkeypatch.undo()
    province.away = False
    async with bench(tmp_path, province):
        await asyncio.sleep(30)
    assert states(province) == []  # it never heard that we were gone
