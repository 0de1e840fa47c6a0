"""Three days without the province: nothing that must arrive is lost, nothing is told twice, order holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path as Folder

import pytest

from ebcd.store import Outgoing, StoreError
from protocols.ebd.messages import EbmStateResponse
from protocols.ebd.reports import EbrdtInfo, EbrdtState, EbrpsInfo, EbrpsState
from tests.ebcd.county import VILLAGE_A1, terminal
from tests.ebcd.office import ebm_id, message
from tests.ebcd.operation_data.bench import Bench, Province, bench


async def settled(room: Bench) -> None:
    room.beat(*room.everybody)
    await asyncio.sleep(30)
    room.province.forget()


def states(province: Province) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for told in province.of(EbmStateResponse):
        found.setdefault(told.ebm_id, []).append(told.state_code)
    return found


@pytest.mark.requirement("R-PLT-15")
async def test_after_72_hours_alone_feedback_arrives_whole_and_in_order_and_reports_once(
    tmp_path: Folder, province: Province
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        province.away = True
        for day in range(3):
            for serial in range(1, 9):
                await room.receive(message(10 * day + serial, int(room.clock.wall())))
                await asyncio.sleep(3 * 3600)
        room.fall_silent(terminal(VILLAGE_A1, 1))
        await asyncio.sleep(60)
        province.away = False
        await asyncio.sleep(120)
        wanted = [ebm_id(10 * day + serial) for day in range(3) for serial in range(1, 9)]
        assert states(province) == {each: [2, 3] for each in wanted}
        assert len({ebd.envelope.ebd_id for _, ebd in province.taken}) == len(province.taken)
        assert {kind: len(province.of(kind)) for kind in (EbrpsInfo, EbrpsState, EbrdtInfo)} == {
            EbrpsInfo: 1,  # one, not three days of them
            EbrpsState: 1,  # one, not 144
            EbrdtInfo: 1,
        }
        told = Counter(item.ebr_id for each in province.of(EbrdtState) for item in each.items)
        assert told[terminal(VILLAGE_A1, 1)] == 1


@pytest.mark.parametrize("killed", ["before the outage", "during it", "after it"])
async def test_i10_a_kill_in_the_middle_loses_no_state_and_keeps_the_order(
    tmp_path: Folder, province: Province, killed: str
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        province.away = killed != "before the outage"
        await room.receive(message(1, int(room.clock.wall())))
        await asyncio.sleep(5)
        if killed == "after it":
            await asyncio.sleep(3600)
            province.away = False
            await asyncio.sleep(1)
    async with bench(tmp_path, province) as room:
        room.beat(*room.everybody)
        await asyncio.sleep(3600)
        province.away = False
        await asyncio.sleep(700)
        codes = states(province)[ebm_id(1)]
        assert list(dict.fromkeys(codes)) in ([2, 3], [2, 4])
        assert codes == sorted(codes)


async def test_letters_beyond_the_memory_of_the_client_wait_on_the_disk_and_leave_in_order(
    tmp_path: Folder, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ebcd.letterbook.ROWS_AT_ONCE_MAX", 8)
    async with bench(tmp_path, province) as room:
        await settled(room)
        room.mailroom._client._letters_max = 8
        for line in room.mailroom._client._lines.values():
            line.outbox._letters_max = 8
        province.away = True
        for serial in range(1, 21):
            await room.receive(message(serial, int(room.clock.wall())))
            await asyncio.sleep(120)
        assert len(await room.store.outbox_waiting()) == 40
        province.away = False
        await asyncio.sleep(120)
        assert states(province) == {ebm_id(serial): [2, 3] for serial in range(1, 21)}
        assert await room.store.outbox_waiting() == []


async def test_while_the_disk_refuses_letters_wait_and_go_out_when_it_takes_them(
    tmp_path: Folder, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, province) as room:
        await settled(room)
        put, full = room.store.outbox_put, True

        async def refusing(package: Outgoing, events: object = ()) -> object:
            if full:
                raise StoreError("disk_full", "store", "", "make room")
            return await put(package, events)  # type: ignore[arg-type]

        monkeypatch.setattr(room.store, "outbox_put", refusing)
        await room.receive(message(1, int(room.clock.wall())))
        await asyncio.sleep(30)
        assert states(province) == {}
        full = False
        await asyncio.sleep(3)
        assert states(province) == {ebm_id(1): [2]}
        assert room.core.state.alerts[ebm_id(1)].told == [2]
