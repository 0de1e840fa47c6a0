"""What a change has made true stands in the archive: drift is quiet about it, and mending does not take it back."""

from __future__ import annotations

from pathlib import Path as FilePath

from ebcd.archive.rollout import Change, Order
from ebcd.archive.settling import Settler, columns_of
from tests.ebcd.archive.test_commission import HORN, bench


async def test_a_change_that_is_done_becomes_what_devices_should_be_set_to(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        order = Order(volume=40, return_to="10.1.1.1:8889")
        await Settler(at.keeper).settle(Change("C202510090001", order, (HORN,), (), "chen", 1.0))
        record = at.room.inventory.archive.of(HORN)
        assert (record.volume, record.return_to, record.contact) == (40, "10.1.1.1:8889", "P3")
        (fact,) = at.facts("inventory.changed")
        assert (fact["changed"], fact["source"]) == (1, "change C202510090001")


async def test_what_cannot_be_written_does_not_undo_the_change(tmp_path: FilePath) -> None:
    async with bench(tmp_path) as at:
        at.file.write_bytes(b"\xff\xfe\x00")
        await Settler(at.keeper).settle(Change("C202510090001", Order(volume=40), (HORN,), (), "chen", 1.0))
        assert at.room.inventory.archive.of(HORN).volume == 55


def test_firmware_and_settings_have_columns_and_lists_and_periods_have_none() -> None:
    assert columns_of(Order(url="http://x/1", version="00010002")) == {"software_version": "00010002"}
    assert columns_of(Order(trust="0" * 64)) == columns_of(Order(period_s=60)) == {}
    assert columns_of(Order(volume=0)) == {"volume": "0"}
