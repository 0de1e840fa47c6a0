"""Firmware: no image without our signature, the version decides, and a halt brings back what it can."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from devices.maintenance import Firmware, Told
from devices.roster import Roster
from ebcd import snapshot
from ebcd.archive import Archive
from ebcd.archive.images import IMAGE_BYTES_MAX, Image, ImageRefused
from ebcd.archive.rollout import ChangeState, Order
from ebcd.inventory import Inventory
from tests.ebcd.archive.shelf import NEW, OLD, SIGNER, STRANGER, Shelf, sign
from tests.ebcd.archive.yard import HORNS, ONE, TWO, Yard, yard
from tests.virtual_time import VirtualClock

MD5 = hashlib.md5(b"new image", usedforsecurity=False).hexdigest()
ORDER = Order(url=NEW, version="00020000", md5=MD5)
V1, V2 = "00010000", "00020000"


async def fleet(at: Yard) -> None:
    """Every horn has a physical address; firmware names it."""
    rows = [replace(device, phys=f"{n:012X}") for n, device in enumerate(at.inventory.roster.terminals, 1)]
    at.inventory.become(Inventory(Roster.of(rows), {}, Archive(at.inventory.archive.records)))


async def test_an_image_with_a_signature_of_ours_passes_however_old_it_is(clock: VirtualClock) -> None:
    assert await Shelf(clock).images.check(Image(NEW, V2, "")) == Image(NEW, V2, MD5)
    assert await Shelf(clock).images.check(Image(NEW, V2, MD5.upper())) == Image(NEW, V2, MD5)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda s: s.files.pop(NEW), "unfetched"),
        (lambda s: s.files.update({NEW: bytes(IMAGE_BYTES_MAX + 1)}), "unfetched"),
        (lambda s: s.files.pop(NEW + ".sig"), "unsigned"),
        (lambda s: s.files.update({NEW + ".sig": b"short"}), "unsigned"),
        (lambda s: s.files.update({NEW + ".sig": bytes(75)}), "unsigned"),
        (lambda s: s.files.update({NEW + ".sig": bytes(74)}), "unsigned"),
        (lambda s: s.files.update({NEW: b"other image"}), "md5"),
        (lambda s: s.files.update({NEW + ".sig": sign(b"new image", STRANGER)}), "signer"),
        (lambda s: setattr(s, "signers", ()), "signer"),
        (lambda s: setattr(s, "known", (STRANGER,)), "certificate"),
        (lambda s: setattr(s, "year", 2020), "certificate"),
        (lambda s: s.files.update({NEW + ".sig": sign(b"other image")}), "signature"),
        (lambda s: s.files.update({NEW + ".sig": sign(b"new image", SIGNER)[:-1] + b"\0"}), "signature"),
    ],
)
async def test_i1_what_is_not_signed_by_us_as_it_stands_is_refused_by_name(
    clock: VirtualClock, change: Callable[[Shelf], object], what: str
) -> None:
    shelf = Shelf(clock)
    change(shelf)
    with pytest.raises(ImageRefused) as refused:
        await shelf.images.check(Image(NEW, V2, MD5))
    assert refused.value.what == what


@pytest.mark.requirement("R-X-14", "R-TRM-04")
async def test_firmware_waits_for_each_device_to_return_with_the_new_version() -> None:
    async with yard(within_s=60.0) as at:
        await fleet(at)
        at.field.restart_s = 40.0
        change = at.stages.open(ORDER, HORNS[:11], "chen")
        await asyncio.sleep(35)
        assert change.stages == []
        await asyncio.sleep(250)
        assert change.state is ChangeState.DONE
        assert {at.field.values[code].software for code in HORNS[:11]} == {V2}
        told = [command for _, command in at.field.told if isinstance(command, Firmware)]
        assert (told[0].phys, told[0].md5, told[0].url) == ("000000000001", MD5, NEW)


async def test_i8_the_version_decides_and_not_the_answer() -> None:
    async with yard(within_s=60.0) as at:
        await fleet(at)
        at.field.stubborn.add(ONE)  # says yes, and comes back as it was
        change = at.stages.open(ORDER, HORNS[:11], "chen")
        await asyncio.sleep(130)
        assert (change.state, change.stages) == (ChangeState.HALTED, [(1, (ONE,))])
    async with yard(within_s=60.0) as at:
        await fleet(at)
        at.field.silent_answers.add(ONE)  # restarts before it has answered
        change = at.stages.open(ORDER, HORNS[:11], "chen")
        await asyncio.sleep(130)
        assert change.state is ChangeState.DONE


async def test_who_says_no_and_shows_the_old_version_has_failed_at_once() -> None:
    async with yard(within_s=60.0) as at:
        await fleet(at)
        at.field.unwilling.add(ONE)
        change = at.stages.open(ORDER, HORNS[:11], "chen")
        await asyncio.sleep(5)
        assert (change.state, change.stages) == (ChangeState.HALTED, [(1, (ONE,))])


@pytest.mark.requirement("R-TRM-04")
async def test_a_halt_brings_those_back_that_have_the_new_version() -> None:
    async with yard(within_s=60.0) as at:
        await fleet(at)
        at.field.stubborn.update(HORNS[1:3])
        order = replace(ORDER, back_url=OLD, back_version=V1)
        change = at.stages.open(order, HORNS, "chen")
        await asyncio.sleep(330)
        assert (change.state, change.why, change.restored, change.left) == (ChangeState.HALTED, "2/2", 1, ())
        assert {each.software for each in at.field.values.values()} == {V1}
        state = at.room.journal.replayed()
        assert snapshot.same(snapshot.load(snapshot.dump(state)), state)


async def test_a_halt_says_who_keeps_the_new_version_where_the_former_image_is_not_known() -> None:
    async with yard(within_s=60.0) as at:
        await fleet(at)
        at.field.stubborn.update(HORNS[1:3])
        change = at.stages.open(ORDER, HORNS, "chen")
        await asyncio.sleep(330)
        assert (change.state, change.restored, change.left) == (ChangeState.HALTED, 0, (ONE,))
        assert at.field.values[ONE].software == V2
        assert at.facts("change.ended")[-1]["left"] == [ONE]


async def test_what_an_earlier_change_brought_is_known_and_checked_again() -> None:
    async with yard(within_s=60.0) as at:
        await fleet(at)
        first = at.stages.open(Order(url=OLD, version="00011111", md5=""), HORNS[:2], "chen")
        await asyncio.sleep(60)
        assert first.state is ChangeState.DONE
        at.field.stubborn.add(TWO)
        second = at.stages.open(ORDER, HORNS[:2], "chen")
        await asyncio.sleep(130)
        at.field.stubborn.clear()
        await asyncio.sleep(130)
        assert (second.state, second.restored, second.left) == (ChangeState.HALTED, 1, ())
        assert at.field.values[ONE].software == "00011111"
        at.field.values[ONE] = replace(at.field.values[ONE], software="00011111")
        at.shelf.files[OLD] = b"somebody else's image"
        at.field.stubborn.add(TWO)
        third = at.stages.open(ORDER, HORNS[:2], "chen")
        await asyncio.sleep(330)
        assert (third.state, third.restored, third.left) == (ChangeState.HALTED, 0, (ONE,))


async def test_an_image_that_was_replaced_between_two_stages_ends_the_change() -> None:
    async with yard(within_s=60.0) as at:
        await fleet(at)
        at.field.restart_s = 40.0
        change = at.stages.open(ORDER, HORNS[:11], "chen")
        await asyncio.sleep(20)
        at.shelf.files[NEW] = b"evil image"
        await asyncio.sleep(130)
        assert (change.state, change.why, change.stages) == (ChangeState.HALTED, "image_md5", [(1, ())])
        assert len(at.field.told) == 1


async def test_a_horn_without_a_physical_address_is_sent_no_firmware() -> None:
    async with yard(within_s=60.0) as at:
        rows = [
            replace(d, phys="" if d.code == ONE else f"AA{n:02}") for n, d in enumerate(at.inventory.roster.terminals)
        ]
        at.inventory.become(Inventory(Roster.of(rows), {}, Archive(at.inventory.archive.records)))
        change = at.stages.open(ORDER, HORNS[:3], "chen")
        assert change.skipped == (ONE,)
        await asyncio.sleep(60)
        assert at.field.values[ONE] == Told(volume=60, return_to="10.1.1.9:8889", software=V1)
